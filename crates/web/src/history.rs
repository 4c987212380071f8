//! The history in pages, for people and programs alike.

/// Runs per page.
pub(crate) const PER_PAGE: u32 = 20;

/// How many pages there are; an empty history has one.
pub(crate) fn pages(total: u64) -> u32 {
    u32::try_from(total.div_ceil(u64::from(PER_PAGE))).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::pages;

    #[test]
    fn pages_follow_from_the_total() {
        for (total, count) in [(0, 1), (1, 1), (20, 1), (21, 2), (40, 2), (41, 3)] {
            assert_eq!(pages(total), count, "{total}");
        }
    }
}
