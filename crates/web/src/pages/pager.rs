//! Leafing through the history.

/// Runs per page.
pub(super) const PER_PAGE: u32 = 20;

/// Links to other pages; those that lead nowhere are absent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pager {
    pub(super) page: u32,
    pub(super) pages: u32,
    pub(super) newer: Option<u32>,
    pub(super) older: Option<u32>,
}

/// The page asked for: what can not be read as one is the first.
pub(super) fn asked(query: &[(String, String)]) -> u32 {
    let page = query.iter().find(|(key, _)| key == "page").and_then(|(_, value)| value.parse().ok());
    page.unwrap_or(1).max(1)
}

/// How many pages there are; an empty history has one.
pub(super) fn pages(total: u64) -> u32 {
    u32::try_from(total.div_ceil(u64::from(PER_PAGE))).unwrap_or(u32::MAX).max(1)
}

impl Pager {
    pub(super) fn new(page: u32, total: u64) -> Self {
        let pages = pages(total);
        Self { page, pages, newer: (page > 1).then(|| page - 1), older: (page < pages).then(|| page + 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Pager, asked, pages};

    #[test]
    fn pages_follow_from_the_total() {
        for (total, count) in [(0, 1), (1, 1), (20, 1), (21, 2), (40, 2), (41, 3)] {
            assert_eq!(pages(total), count, "{total}");
        }
        assert_eq!(Pager::new(1, 41), Pager { page: 1, pages: 3, newer: None, older: Some(2) });
        assert_eq!(Pager::new(3, 41), Pager { page: 3, pages: 3, newer: Some(2), older: None });
    }

    #[test]
    fn an_unreadable_page_is_the_first() {
        for (text, page) in [("2", 2), ("0", 1), ("-1", 1), ("x", 1), ("99999999999", 1), ("", 1)] {
            assert_eq!(asked(&[("page".into(), text.into())]), page, "{text}");
        }
        assert_eq!(asked(&[]), 1);
    }
}
