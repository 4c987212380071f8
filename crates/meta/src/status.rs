//! What Meta says of an audience's state, in plain words.

/// `operation_status`: what Meta is doing with the audience, or what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationStatus {
    /// Meta's code; 0 when it gave none.
    pub code: u32,
    /// Meta's own words, shortened and cleaned. Hostile input: escape it.
    pub description: String,
}

impl OperationStatus {
    /// Whether Meta has finished its work on the audience and leaves it usable.
    pub fn is_settled(&self) -> bool {
        matches!(self.code, 100 | 200 | 400 | 411 | 412 | 450)
    }

    /// Whether the audience is of no use until somebody acts: waiting does not help.
    pub fn is_unusable(&self) -> bool {
        matches!(self.code, 415 | 432 | 433 | 470 | 471 | 500)
    }

    /// Whether Meta is exchanging the members (414) or doing other work on the audience (300): wait before changing them.
    pub fn is_busy(&self) -> bool {
        matches!(self.code, 300 | 414)
    }

    /// Whether the last replacement of the members failed (415): replacing them again mends it.
    pub fn has_failed_replacement(&self) -> bool {
        self.code == 415
    }

    /// Whether nothing was ever uploaded (410).
    pub fn is_empty(&self) -> bool {
        self.code == 410
    }

    /// Whether the audience is usable but Meta has a remark that people should know, such as a low match rate.
    pub fn has_remark(&self) -> bool {
        self.is_settled() && self.code != 200
    }

    /// The code in a marketer's words.
    pub fn words(&self) -> &'static str {
        match self.code {
            0 => "status unknown, look again later",
            100 => "expiring: it was not used for two years; use it in an ad set or let it go",
            200 => "ready",
            300 => "Meta is working on it",
            400 => "Meta has a warning about it",
            410 => "nothing was uploaded yet",
            411 => {
                "few people were matched; check the country codes of the phone numbers and add more columns"
            }
            412 => {
                "many rows of the last upload were invalid; a column is not written or hashed as Meta wants it"
            }
            414 => "its members are being replaced",
            415 => "replacing its members failed; run the sync again",
            421..=423 => "its pixel is missing or does not report",
            431 => "the lookalike could not be refreshed; check the size of its seed",
            432 | 433 => "the lookalike could not be built; check the size of its seed",
            434 => "building the lookalike failed and is being tried again",
            441 => "still being filled; it may already be used in ads",
            442 => "filling it with earlier data failed",
            450 => "out of date because no ad has used it for a while; use it in an ad",
            470 => "the account that owns it is inactive at Meta",
            471 => {
                "flagged by Meta: its name or description hints at health or money matters; rename it or appeal"
            }
            500 => "Meta reports an error",
            _ => "a status this program does not know",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::OperationStatus;

    #[test]
    fn every_documented_code_has_words_and_at_most_one_verdict() {
        let unknown = OperationStatus { code: 999, description: String::new() }.words();
        let documented = [
            0, 100, 200, 300, 400, 410, 411, 412, 414, 415, 421, 422, 423, 431, 432, 433, 434, 441, 442, 450,
            470, 471, 500,
        ];
        for code in documented {
            assert_ne!(OperationStatus { code, description: String::new() }.words(), unknown, "{code}");
        }
        let settled = |code| OperationStatus { code, description: String::new() }.is_settled();
        let unusable = |code| OperationStatus { code, description: String::new() }.is_unusable();
        assert_eq!(
            [200, 411, 412, 441, 410, 300, 0].map(settled),
            [true, true, true, false, false, false, false]
        );
        assert_eq!(
            [471, 500, 200, 411, 441, 0, 999].map(unusable),
            [true, true, false, false, false, false, false]
        );
        assert!(documented.iter().all(|code| !(settled(*code) && unusable(*code))));
        let standing = |code| OperationStatus { code, description: String::new() };
        let of = |says: fn(&OperationStatus) -> bool| {
            documented.into_iter().filter(|code| says(&standing(*code))).collect::<Vec<_>>()
        };
        assert_eq!(of(OperationStatus::is_busy), [300, 414]);
        assert_eq!(of(OperationStatus::has_failed_replacement), [415]);
    }
}
