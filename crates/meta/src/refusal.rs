//! Refusals of Meta that belong to changing the members of an audience, and that callers answer by themselves.

use crate::error::MetaError;
use crate::error_table;

/// Why Meta does not replace the members of an audience.
/// <https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaceRefusal {
    /// 1870145: an earlier update is still running. Wait for operation status 200, then try again.
    InProgress,
    /// 1870158: the session is older than 90 minutes. The audience holds what arrived; add the rest.
    TimedOut,
    /// 1870147: Meta has not seen batch 1. Begin again with batch 1 and a new session id.
    NotOpened,
    /// 1870159: the last batch was already sent. What is missing must be added.
    Finished,
    /// 1870148: the audience was updated in part. Begin again.
    WentWrong,
    /// 1870144: 100 million members or more can not be replaced.
    TooLarge,
    /// Meta refuses this kind of replacement altogether, as it may one of a value-based audience: change the members one
    /// by one instead.
    NotPossible,
}

impl MetaError {
    /// The refusal of a replacement, or `None` when the error is of another kind. Code 100 counts as
    /// [`NotPossible`](ReplaceRefusal::NotPossible) unless its subcode has a meaning of its own.
    pub fn replace_refusal(&self) -> Option<ReplaceRefusal> {
        let Self::Api(error) = self else { return None };
        match (error.code, error.subcode) {
            (2650, Some(1_870_145)) => Some(ReplaceRefusal::InProgress),
            (2650, Some(1_870_158)) => Some(ReplaceRefusal::TimedOut),
            (2650, Some(1_870_147)) => Some(ReplaceRefusal::NotOpened),
            (2650, Some(1_870_159)) => Some(ReplaceRefusal::Finished),
            (2650, Some(1_870_148)) => Some(ReplaceRefusal::WentWrong),
            (2650, Some(1_870_144)) => Some(ReplaceRefusal::TooLarge),
            (2650, _) => Some(ReplaceRefusal::NotPossible),
            (100, subcode) => error_table::lookup(100, subcode)
                .is_none_or(|row| row.subcode.is_none())
                .then_some(ReplaceRefusal::NotPossible),
            _ => None,
        }
    }

    /// 200/1870047: Meta refused a removal because too few people would be left. Nobody was removed.
    pub fn would_be_too_small(&self) -> bool {
        matches!(self, Self::Api(error) if (error.code, error.subcode) == (200, Some(1_870_047)))
    }
}
