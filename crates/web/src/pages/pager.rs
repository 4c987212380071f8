//! Leafing through the history.

use crate::history;

/// Where a page stands among the others.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pager {
    pub(super) page: u32,
    pub(super) pages: u32,
}

/// A link to another page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PageLink {
    pub(super) name: &'static str,
    pub(super) page: u32,
}

/// The page asked for: what can not be read as one is the first.
pub(super) fn asked(query: &[(String, String)]) -> u32 {
    let page = query.iter().find(|(key, _)| key == "page").and_then(|(_, value)| value.parse().ok());
    page.unwrap_or(1).max(1)
}

impl Pager {
    pub(super) fn new(page: u32, total: u64) -> Self {
        Self { page, pages: history::pages(total) }
    }

    /// Links that would lead nowhere are absent.
    pub(super) fn newer_links(&self) -> Vec<PageLink> {
        if self.page <= 1 {
            return vec![];
        }
        vec![PageLink { name: "Newest", page: 1 }, PageLink { name: "Newer", page: self.page - 1 }]
    }

    /// Links that would lead nowhere are absent.
    pub(super) fn older_links(&self) -> Vec<PageLink> {
        if self.page >= self.pages {
            return vec![];
        }
        vec![PageLink { name: "Older", page: self.page + 1 }, PageLink { name: "Oldest", page: self.pages }]
    }
}

#[cfg(test)]
mod tests {
    use super::{Pager, asked};

    #[test]
    fn links_lead_to_pages_that_exist() {
        let links = |page| {
            let pager = Pager::new(page, 41);
            let pages = |links: Vec<super::PageLink>| links.iter().map(|link| link.page).collect::<Vec<_>>();
            (pages(pager.newer_links()), pages(pager.older_links()))
        };
        assert_eq!(links(1), (vec![], vec![2, 3]));
        assert_eq!(links(2), (vec![1, 1], vec![3, 3]));
        assert_eq!(links(3), (vec![1, 2], vec![]));
    }

    #[test]
    fn an_unreadable_page_is_the_first() {
        for (text, page) in [("2", 2), ("0", 1), ("-1", 1), ("x", 1), ("99999999999", 1), ("", 1)] {
            assert_eq!(asked(&[("page".into(), text.into())]), page, "{text}");
        }
        assert_eq!(asked(&[]), 1);
    }
}
