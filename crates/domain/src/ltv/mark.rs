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
    /// The mark of a locale such as `en`, `de` or `pt-BR`. `None` when the language is not known.
    pub fn of_locale(tag: &str) -> Option<Self> {
        let lower = tag.trim().to_ascii_lowercase().replace('_', "-");
        let mut parts = lower.split('-');
        let language = parts.next().unwrap_or_default();
        let region = parts.next_back().unwrap_or_default();
        match (language, region) {
            ("es", "mx" | "us" | "pr" | "gt" | "hn" | "ni" | "pa" | "pe" | "sv" | "do")
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
            ("klingon", None),
            ("", None),
        ] {
            assert_eq!(DecimalMark::of_locale(tag), mark, "{tag}");
        }
    }
}
