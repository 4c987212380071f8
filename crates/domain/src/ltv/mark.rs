//! Which languages write `1,5` and which `1.5`.

/// Which mark separates decimals when a value could be read both ways (`1,797` or `1.234`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DecimalMark {
    /// `1,797` is one thousand seven hundred and ninety-seven; `1.234` is 1.23.
    #[default]
    Point,
    /// `1.234` is one thousand two hundred and thirty-four; `1,797` is 1.80.
    Comma,
}

impl DecimalMark {
    /// The mark of a locale such as `en`, `de` or `pt-BR`, also as systems write it (`es_MX.UTF-8`). `None` when the
    /// language is not known.
    pub fn of_locale(tag: &str) -> Option<Self> {
        // The encoding and the modifier behind it (`de_DE@euro`) say nothing of numbers.
        let tag = tag.trim().split(['.', '@']).next().unwrap_or_default();
        let lower = tag.to_ascii_lowercase().replace('_', "-");
        // Behind a single letter come extensions. A region has two letters or three digits; a script or a variant is longer.
        let mut parts = lower.split('-').take_while(|part| part.len() != 1);
        let language = parts.next().unwrap_or_default();
        let is_region = |part: &&str| part.len() == 2 || part.bytes().all(|byte| byte.is_ascii_digit());
        let region = parts.find(is_region).unwrap_or_default();
        match (language, region) {
            ("es", "419" | "mx" | "us" | "pr" | "gt" | "hn" | "ni" | "pa" | "pe" | "sv" | "do")
            | ("de" | "fr" | "it", "ch")
            | ("de", "li") => Some(Self::Point),
            ("en", "za") => Some(Self::Comma),
            (
                "en" | "he" | "iw" | "ja" | "ko" | "zh" | "th" | "hi" | "bn" | "ur" | "ms" | "fil" | "tl"
                | "ga" | "cy",
                _,
            ) => Some(Self::Point),
            (
                "de" | "fr" | "es" | "it" | "pt" | "nl" | "pl" | "tr" | "el" | "ru" | "uk" | "cs" | "sk"
                | "hu" | "ro" | "bg" | "hr" | "sr" | "sl" | "da" | "nb" | "nn" | "no" | "sv" | "fi" | "et"
                | "lv" | "lt" | "is" | "id" | "vi" | "af" | "ca" | "eu" | "gl",
                _,
            ) => Some(Self::Comma),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DecimalMark;

    #[test]
    fn locales_know_their_mark() {
        for (tag, mark) in [
            ("en", Some(DecimalMark::Point)),
            ("en-US", Some(DecimalMark::Point)),
            ("de", Some(DecimalMark::Comma)),
            ("de_CH", Some(DecimalMark::Point)),
            ("pt-BR", Some(DecimalMark::Comma)),
            ("es-MX", Some(DecimalMark::Point)),
            ("es_MX.UTF-8", Some(DecimalMark::Point)),
            ("es-MX-x-shop-es", Some(DecimalMark::Point)),
            ("es-u-mx", Some(DecimalMark::Comma)),
            ("es-419", Some(DecimalMark::Point)),
            ("es_ES@euro", Some(DecimalMark::Comma)),
            ("de_CH.UTF-8", Some(DecimalMark::Point)),
            ("de-CH-1996", Some(DecimalMark::Point)),
            ("de-1996", Some(DecimalMark::Comma)),
            ("zh-Hant-TW", Some(DecimalMark::Point)),
            ("klingon", None),
            ("C.UTF-8", None),
            ("", None),
        ] {
            assert_eq!(DecimalMark::of_locale(tag), mark, "{tag}");
        }
    }
}
