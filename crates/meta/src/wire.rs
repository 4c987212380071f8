//! Meta writes the same field as a number here and as a string there, and booleans as `true` or `"1"`.

use serde::Deserialize;

/// A JSON scalar, whatever its type.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Scalar {
    Flag(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
}

impl Scalar {
    /// A count; negative ones (-1 means "not known") and anything else are `None`.
    pub(crate) fn count(&self) -> Option<u64> {
        match self {
            Self::Unsigned(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Flag(_) | Self::Signed(_) | Self::Float(_) => None,
        }
    }

    /// `true`, `1`, `"1"` or `"true"`.
    pub(crate) fn is_set(&self) -> bool {
        match self {
            Self::Flag(flag) => *flag,
            Self::Text(text) => text == "true" || text == "1",
            other => other.count() == Some(1),
        }
    }

    /// A number with decimals; `NaN` and `inf` are none.
    pub(crate) fn decimal(&self) -> Option<f64> {
        let number = match self {
            Self::Float(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            other => other.count().and_then(|count| u32::try_from(count).ok()).map(f64::from),
        };
        number.filter(|number| number.is_finite())
    }

    /// An object's id: digits, larger than 2^53, so text.
    pub(crate) fn id(&self) -> Option<String> {
        let Self::Text(text) = self else { return self.count().map(|number| number.to_string()) };
        let good = (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        good.then(|| text.clone())
    }

    /// As text.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Unsigned(number) => number.to_string(),
            Self::Signed(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Scalar;

    fn scalar(json: &str) -> Scalar {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn counts_come_as_numbers_and_strings_and_minus_one_is_none() {
        assert_eq!([scalar("10"), scalar("\"10\"")].map(|s| s.count()), [Some(10), Some(10)]);
        for unknown in ["-1", "\"-1\"", "\"\"", "true", "\"many\"", "1.5"] {
            assert_eq!(scalar(unknown).count(), None, "{unknown}");
        }
    }

    #[test]
    fn ids_keep_every_digit() {
        assert_eq!(
            scalar("23850000000000000001").id(),
            None,
            "beyond 64 bits it arrives rounded and is refused"
        );
        assert_eq!(scalar("9007199254740993").id().as_deref(), Some("9007199254740993"));
        assert_eq!(scalar("\"23850000000000000001\"").id().as_deref(), Some("23850000000000000001"));
        for bad in ["\"\"", "\"12/ads\"", "\"act_1\"", "-5", "true"] {
            assert_eq!(scalar(bad).id(), None, "{bad}");
        }
    }

    #[test]
    fn flags_and_decimals_come_in_every_dress() {
        for yes in ["true", "1", "\"1\"", "\"true\""] {
            assert!(scalar(yes).is_set(), "{yes}");
        }
        for no in ["false", "0", "\"0\"", "\"\"", "2"] {
            assert!(!scalar(no).is_set(), "{no}");
        }
        assert_eq!(
            [scalar("0.01"), scalar("\"0.01\""), scalar("1")].map(|s| s.decimal()),
            [Some(0.01), Some(0.01), Some(1.0)]
        );
        for no in ["\"NaN\"", "\"inf\"", "\"-infinity\"", "\"1e999\"", "\"much\""] {
            assert_eq!(scalar(no).decimal(), None, "{no}");
        }
    }
}
