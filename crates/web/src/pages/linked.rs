//! Sentences that say where to go: the addresses of Meta's own pages in them become links.

/// The hosts of the pages that remedies send people to. No other address becomes a link, wherever the text is from.
const HOSTS: [&str; 4] = [
    "https://business.facebook.com/",
    "https://www.facebook.com/",
    "https://adsmanager.facebook.com/",
    "https://developers.facebook.com/",
];

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) text: String,
    pub(super) is_address: bool,
}

/// A sentence in pieces; together they are the text.
pub(super) fn linked(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = vec![];
    for word in text.split_inclusive(' ') {
        let address = word.trim_end_matches([' ', '.', ',', ';', ':', ')']);
        if HOSTS.iter().any(|host| address.starts_with(host)) {
            parts.push(Part { text: address.to_owned(), is_address: true });
            parts.push(Part { text: word[address.len()..].to_owned(), is_address: false });
        } else {
            match parts.last_mut() {
                Some(part) if !part.is_address => part.text.push_str(word),
                _ => parts.push(Part { text: word.to_owned(), is_address: false }),
            }
        }
    }
    parts.retain(|part| !part.text.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::{Part, linked};

    #[test]
    fn pages_of_meta_become_links_and_nothing_else() {
        let text = "Accept them at https://business.facebook.com/ads/tos/?act=12, and https://www.facebook.com/values.";
        let parts = linked(text);
        assert_eq!(parts.iter().map(|part| part.text.as_str()).collect::<String>(), text);
        let addresses: Vec<&str> =
            parts.iter().filter(|part| part.is_address).map(|part| part.text.as_str()).collect();
        assert_eq!(
            addresses,
            ["https://business.facebook.com/ads/tos/?act=12", "https://www.facebook.com/values"]
        );
        for plain in [
            "",
            "https://facebook.example.com/x",
            "javascript:https://www.facebook.com/ (see)",
            "http://www.facebook.com/",
        ] {
            let whole = Part { text: plain.to_owned(), is_address: false };
            assert_eq!(linked(plain), if plain.is_empty() { vec![] } else { vec![whole] });
        }
    }
}
