//! What Anthropic charges, by its list.

use chrono::NaiveDate;

/// The day the list was read: <https://platform.claude.com/docs/en/about-claude/pricing>.
pub(crate) const PRICES_OF: NaiveDate = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();

/// Longer prompts cost more with some models. The question has about 2,000 tokens, so only the prices up to here are kept.
const LONGEST_PROMPT: u64 = 100_000;

/// Billionths of a US dollar per token read and written. 1 USD per million tokens is 1,000.
struct Price {
    model: &'static str,
    read: u64,
    written: u64,
}

const PRICES: [Price; 8] = [
    Price { model: "claude-fable-5-2", read: 8000, written: 40_000 },
    Price { model: "claude-opus-5-5", read: 4000, written: 20_000 },
    Price { model: "claude-sonnet-5-5", read: 2000, written: 10_000 },
    Price { model: "claude-haiku-5-5", read: 100, written: 500 },
    Price { model: "claude-sonnet-5", read: 2000, written: 10_000 },
    Price { model: "claude-sonnet-4-6", read: 3000, written: 15_000 },
    Price { model: "claude-haiku-4-5", read: 1000, written: 5000 },
    Price { model: "claude-sonnet-4-5", read: 3000, written: 15_000 },
];

/// What one call cost, in billionths of a US dollar; `None` for a model or a length of prompt that is not on the list.
/// Nothing is cached by these calls, so cached tokens have no price here either.
pub(crate) fn cost(model: &str, read: u64, cached: u64, written: u64) -> Option<u64> {
    let price = PRICES.iter().find(|price| is_of(model, price.model))?;
    if cached > 0 || read > LONGEST_PROMPT {
        return None;
    }
    read.checked_mul(price.read)?.checked_add(written.checked_mul(price.written)?)
}

/// The id itself, or the same with the date of a snapshot: `-20250929`.
fn is_of(model: &str, id: &str) -> bool {
    model.strip_prefix(id).is_some_and(|rest| {
        rest.is_empty()
            || rest
                .strip_prefix('-')
                .is_some_and(|date| date.len() == 8 && date.bytes().all(|digit| digit.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::cost;

    #[test]
    fn calls_cost_what_the_list_says_exactly() {
        for (model, nano_usd) in [
            ("claude-sonnet-5-5", Some(2029 * 2000 + 1139 * 10_000)),
            ("claude-haiku-5-5", Some(2029 * 100 + 1139 * 500)),
            ("claude-sonnet-5", Some(2029 * 2000 + 1139 * 10_000)),
            ("claude-haiku-4-5-20251001", Some(2029 * 1000 + 1139 * 5000)),
            ("claude-sonnet-4-5-20250929", Some(2029 * 3000 + 1139 * 15_000)),
            ("claude-sonnet-9", None),
            ("claude-sonnet-5-9", None),
            ("claude-sonnet-5-20260630x", None),
            ("", None),
        ] {
            assert_eq!(cost(model, 2029, 0, 1139), nano_usd, "{model}");
        }
    }

    #[test]
    fn what_the_list_does_not_say_has_no_price() {
        let haiku = |read, cached, written| cost("claude-haiku-5-5", read, cached, written);
        assert_eq!(haiku(100_000, 0, 1), Some(10_000_500));
        assert_eq!(haiku(100_001, 0, 1), None, "longer prompts cost more");
        assert_eq!(haiku(10, 1, 1), None, "cached tokens cost something else");
        assert_eq!(haiku(10, 0, u64::MAX), None);
    }
}
