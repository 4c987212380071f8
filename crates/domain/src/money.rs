//! Exact money.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount in hundredths of the location's currency. Never a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cents(pub i64);

impl Cents {
    /// Whether the amount has at most 18 digits, like every value that is read.
    pub fn is_readable(self) -> bool {
        self.0.unsigned_abs() < 10_u64.pow(18)
    }

    /// For people: two decimals and thousands separators, `-1,234.50`.
    pub fn grouped(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let amount = self.0.unsigned_abs();
        format!("{sign}{}.{:02}", grouped(amount / 100), amount % 100)
    }
}

/// A count for people, with thousands separators: `1,234`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The plain decimal, `-1234.50`: what the API and the requests to Claude carry.
impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let amount = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", amount / 100, amount % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::Cents;

    #[test]
    fn amounts_are_written_exactly() {
        for (cents, plain, grouped) in [
            (0, "0.00", "0.00"),
            (5, "0.05", "0.05"),
            (-7, "-0.07", "-0.07"),
            (99_999, "999.99", "999.99"),
            (123_456_789, "1234567.89", "1,234,567.89"),
            (-428_763, "-4287.63", "-4,287.63"),
            (i64::MIN, "-92233720368547758.08", "-92,233,720,368,547,758.08"),
        ] {
            assert_eq!(Cents(cents).to_string(), plain);
            assert_eq!(Cents(cents).grouped(), grouped);
        }
    }
}
