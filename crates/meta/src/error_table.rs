//! The one table of what Meta's error codes mean, whether a call may be repeated, and what to tell the user.
//!
//! Follows <https://developers.facebook.com/documentation/ads-commerce/marketing-api/error-reference>, its rate-limit
//! pages, and what practitioners saw where those are silent. A row is found by code and subcode, then by code alone,
//! then by the range of permission codes; never by HTTP status (throttling is a 400) and never by the message text
//! (it changes and may be localized).

use crate::error::ErrorKind;
use std::time::Duration;

/// What is known of one code.
#[derive(Debug)]
pub struct Row {
    /// First code the row stands for.
    pub code: u64,
    /// Last code; equal to `code` but for ranges.
    pub last_code: u64,
    /// The subcode, or `None` when the row stands for every subcode that has no row of its own.
    pub subcode: Option<u64>,
    /// Who has to do something. A wait given here holds when Meta names none in its headers.
    pub kind: ErrorKind,
    /// What it means, as a full sentence in a marketer's words.
    pub words: &'static str,
    /// What to do, as full sentences; `{account}` stands for the digits of the ad account.
    pub remedy: &'static str,
}

/// The row for a code, or `None` when the code is not known.
pub fn lookup(code: u64, subcode: Option<u64>) -> Option<&'static Row> {
    let fits = |row: &&Row| (row.code..=row.last_code).contains(&code);
    let single = |row: &&Row| row.code == row.last_code;
    let exact = ROWS.iter().filter(fits).find(|row| subcode.is_some() && row.subcode == subcode);
    let mut whole_code = ROWS.iter().filter(fits).filter(|row| row.subcode.is_none());
    exact.or_else(|| whole_code.clone().find(single)).or_else(|| whole_code.next())
}

/// Every row.
pub fn rows() -> &'static [Row] {
    ROWS
}

const fn row(
    code: u64,
    subcode: Option<u64>,
    kind: ErrorKind,
    words: &'static str,
    remedy: &'static str,
) -> Row {
    Row { code, last_code: code, subcode, kind, words, remedy }
}

const RETRY: ErrorKind = ErrorKind::Retry;
const WAIT: ErrorKind = ErrorKind::Wait(None);
const SHORT_WAIT: ErrorKind = ErrorKind::Wait(Some(Duration::from_secs(5)));
const LONG_WAIT: ErrorKind = ErrorKind::Wait(Some(Duration::from_secs(3600)));
const USER: ErrorKind = ErrorKind::UserMustAct;
const BUG: ErrorKind = ErrorKind::OurBug;

const HICCUP: &str = "Meta had a passing fault.";
const HICCUP_REMEDY: &str = "Start the sync again in some minutes; if it stays, look at metastatus.com.";
const SLOW: &str = "Meta asks this program to slow down.";
const SLOW_REMEDY: &str = "Start the sync again later. If it happens often, ask Meta for Full access of the app to the Marketing API.";
const MALFORMED: &str = "Meta could not read a request of this program.";
const REPORT: &str = "Please report this with the code and the trace id.";
const PERMISSION: &str = "The Meta login may not manage this ad account.";
const PERMISSION_REMEDY: &str = "In Meta's business settings make the system user an admin of ad account {account} and create a token with ads_management; set it as META_ACCESS_TOKEN.";
const TOKEN_REMEDY: &str = "Reconnect Meta: create a new token with ads_management and set it as META_ACCESS_TOKEN. A system user's token need not expire.";
const FLAGGED: &str =
    "Meta blocked this audience because its name or description hints at health or money matters.";
const FLAGGED_REMEDY: &str =
    "Open the audience in Ads Manager and appeal, or choose another AUDIENCE_PREFIX and sync again.";
const TERMS: &str = "Meta's terms for customer lists are not accepted for this ad account.";
const TERMS_REMEDY: &str = "A person with a role in the ad account must accept them at https://business.facebook.com/ads/manage/customaudiences/tos/?act={account} and, for value-based audiences, at https://www.facebook.com/customaudiences/value_based/tos.php?act={account}";
const SHARED: &str = "The audience belongs to another business that no longer shares it.";
const SHARED_REMEDY: &str = "Ask the owner of the audience to share it again.";
const REPLACING_REMEDY: &str = "Start the sync again; it sends the whole list anew.";
const BLOCKED: &str = "Meta restricted this account.";
const BLOCKED_REMEDY: &str =
    "Open Account quality at https://www.facebook.com/accountquality and follow what Meta asks there.";

static ROWS: &[Row] = &[
    row(1, None, RETRY, HICCUP, HICCUP_REMEDY),
    row(
        1,
        Some(99),
        BUG,
        "Meta could not take a request of this program, perhaps because it is too large.",
        REPORT,
    ),
    row(2, None, RETRY, "Meta's service is not available for the moment.", HICCUP_REMEDY),
    row(3, None, USER, PERMISSION, PERMISSION_REMEDY),
    row(10, None, USER, PERMISSION, PERMISSION_REMEDY),
    Row { last_code: 299, ..row(200, None, USER, PERMISSION, PERMISSION_REMEDY) },
    row(4, None, WAIT, SLOW, SLOW_REMEDY),
    row(4, Some(1_504_022), WAIT, SLOW, SLOW_REMEDY),
    row(4, Some(1_504_039), WAIT, SLOW, SLOW_REMEDY),
    row(17, None, WAIT, SLOW, SLOW_REMEDY),
    row(17, Some(2_446_079), WAIT, SLOW, SLOW_REMEDY),
    row(32, None, WAIT, SLOW, SLOW_REMEDY),
    row(
        100,
        None,
        BUG,
        "Meta refused a request of this program as not valid.",
        "If Meta's words name appsecret_proof, set META_APP_SECRET to the secret of the token's app. Otherwise please report this with the code and the trace id.",
    ),
    row(
        100,
        Some(33),
        USER,
        "The audience was deleted, or this login can not see it.",
        "Make the system user an admin of ad account {account}, which owns the audience; if the audience was deleted, sync again to make a new one.",
    ),
    row(100, Some(1_713_098), BUG, MALFORMED, REPORT),
    row(100, Some(1_713_228), USER, FLAGGED, FLAGGED_REMEDY),
    row(100, Some(1_713_230), USER, FLAGGED, FLAGGED_REMEDY),
    row(100, Some(1_713_231), USER, FLAGGED, FLAGGED_REMEDY),
    row(100, Some(1_713_232), USER, FLAGGED, FLAGGED_REMEDY),
    row(102, None, USER, "The Meta login is no longer valid.", TOKEN_REMEDY),
    row(
        104,
        None,
        USER,
        "The app secret does not belong to this token.",
        "Set META_APP_SECRET to the secret of the app that made META_ACCESS_TOKEN, or leave it empty.",
    ),
    row(105, None, BUG, MALFORMED, REPORT),
    row(190, None, USER, "Meta does not accept the token.", TOKEN_REMEDY),
    row(
        190,
        Some(458),
        USER,
        "The app was removed from the Meta login, so its token no longer works.",
        TOKEN_REMEDY,
    ),
    row(
        190,
        Some(459),
        USER,
        "Meta wants the person behind the token to log in and confirm their identity.",
        "Log in at https://www.facebook.com with that login and follow the steps; then set a new META_ACCESS_TOKEN.",
    ),
    row(
        190,
        Some(460),
        USER,
        "The password of the Meta login was changed, so its token no longer works.",
        TOKEN_REMEDY,
    ),
    row(190, Some(463), USER, "The Meta token has expired.", TOKEN_REMEDY),
    row(190, Some(467), USER, "The Meta token is no longer valid.", TOKEN_REMEDY),
    row(
        190,
        Some(493),
        USER,
        "The Meta login was not used with the app for more than 90 days, so its token no longer works.",
        TOKEN_REMEDY,
    ),
    row(194, None, BUG, MALFORMED, REPORT),
    row(200, Some(1_870_034), USER, TERMS, TERMS_REMEDY),
    row(200, Some(1_870_090), USER, TERMS, TERMS_REMEDY),
    row(2655, None, USER, TERMS, TERMS_REMEDY),
    row(
        2663,
        None,
        USER,
        "Meta's customer-list terms for the app are not accepted.",
        "A person with a role in ad account {account} must accept them at https://www.facebook.com/customaudiences/app/tos",
    ),
    row(
        2664,
        None,
        USER,
        "Meta's customer-list terms are not accepted for this business.",
        "A person with a role in the business must accept them at https://business.facebook.com/ads/manage/customaudiences/tos.php?act={account}",
    ),
    row(
        200,
        Some(1_870_092),
        USER,
        "Meta's Business Tools terms are not accepted.",
        "Open https://business.facebook.com/ads/manage/customaudiences/tos/?act={account} or the page named by Meta and accept them.",
    ),
    row(
        200,
        Some(1_870_047),
        USER,
        "Meta keeps a minimum of people in an audience; nothing was removed.",
        "Nothing needs to be done; the people leave with the next full list.",
    ),
    row(
        200,
        Some(1_870_050),
        USER,
        "The ad account does not belong to a Meta business portfolio.",
        "Move ad account {account} into a business portfolio at https://business.facebook.com/settings/ad-accounts",
    ),
    row(200, Some(1_870_065), USER, SHARED, SHARED_REMEDY),
    row(200, Some(1_487_301), USER, SHARED, SHARED_REMEDY),
    row(200, Some(1_487_366), USER, SHARED, SHARED_REMEDY),
    row(
        270,
        None,
        USER,
        "The Meta app has development access only.",
        "Ask Meta for access of the app to the Marketing API, or use the token of an app that has it as META_ACCESS_TOKEN.",
    ),
    row(294, None, USER, "The Meta token lacks the permission ads_management.", TOKEN_REMEDY),
    row(341, None, WAIT, SLOW, SLOW_REMEDY),
    row(
        368,
        None,
        LONG_WAIT,
        "Meta blocked this action for now.",
        "Wait some hours before the next sync; if it stays, ask Meta support and quote the trace id.",
    ),
    row(506, None, BUG, "Meta saw the same request twice.", REPORT),
    row(
        613,
        None,
        LONG_WAIT,
        "Meta limited this ad account.",
        "Wait some hours before the next sync; if it stays, ask Meta support and quote the trace id.",
    ),
    row(613, Some(1_487_742), WAIT, SLOW, SLOW_REMEDY),
    row(613, Some(5_044_001), SHORT_WAIT, SLOW, SLOW_REMEDY),
    row(
        803,
        None,
        RETRY,
        "Meta does not know the audience yet, or no longer.",
        "Start the sync again in some minutes.",
    ),
    row(
        2500,
        None,
        BUG,
        MALFORMED,
        "Set META_API_VERSION to a version of the form v25.0; if it is, please report this with the trace id.",
    ),
    row(
        2635,
        None,
        USER,
        "Meta no longer serves this version of its API.",
        "Set META_API_VERSION to the version Meta names, or update this program.",
    ),
    row(
        2650,
        None,
        BUG,
        "Meta could not update the audience.",
        "Sync into a new audience; please report this with the code and the trace id.",
    ),
    row(
        2650,
        Some(1_870_145),
        WAIT,
        "Meta is still working on an earlier update of the audience.",
        "Start the sync again in an hour.",
    ),
    row(
        2650,
        Some(1_870_158),
        USER,
        "Replacing the members took longer than the 90 minutes Meta allows.",
        REPLACING_REMEDY,
    ),
    row(
        2650,
        Some(1_870_147),
        BUG,
        "Meta did not see the first batch of the new member list.",
        REPLACING_REMEDY,
    ),
    row(2650, Some(1_870_159), BUG, "The new member list was already complete at Meta.", REPLACING_REMEDY),
    row(2650, Some(1_870_148), USER, "Meta replaced only a part of the members.", REPLACING_REMEDY),
    row(2650, Some(1_870_144), USER, "The audience is too large to be replaced.", "Use AUDIENCE_MODE=dated."),
    row(
        2654,
        None,
        USER,
        "Meta could not create the audience.",
        "Read Meta's own words; if they do not help, quote the code and the trace id to Meta support.",
    ),
    row(
        2654,
        Some(1_713_007),
        USER,
        "A lookalike with the same source, country and size exists already.",
        "Nothing needs to be done; the existing one is used.",
    ),
    row(
        2654,
        Some(1_713_092),
        USER,
        "The Meta login may not create audiences in this ad account.",
        PERMISSION_REMEDY,
    ),
    row(
        2656,
        None,
        USER,
        "The audience can not be deleted while lookalikes made from it exist.",
        "Delete its lookalikes first, unless ads use them.",
    ),
    row(5000, None, RETRY, HICCUP, HICCUP_REMEDY),
    row(80_000, None, WAIT, SLOW, SLOW_REMEDY),
    row(80_003, None, WAIT, SLOW, SLOW_REMEDY),
    row(80_003, Some(2_446_079), WAIT, SLOW, SLOW_REMEDY),
    row(80_004, None, WAIT, SLOW, SLOW_REMEDY),
    row(80_014, None, WAIT, SLOW, SLOW_REMEDY),
    row(1_404_078, None, USER, "Meta blocked this login for now.", BLOCKED_REMEDY),
    row(2_859_015, None, USER, "Meta blocked this login for now.", BLOCKED_REMEDY),
    row(1_404_163, None, USER, "This login may no longer advertise at Meta.", BLOCKED_REMEDY),
    row(3_910_001, None, USER, BLOCKED, BLOCKED_REMEDY),
];

#[cfg(test)]
mod tests {
    use super::{ROWS, lookup};

    #[test]
    fn the_nearest_row_is_found() {
        let found = |code, subcode| lookup(code, subcode).map(|row| (row.code, row.last_code, row.subcode));
        assert_eq!(found(190, Some(463)), Some((190, 190, Some(463))));
        assert_eq!(found(190, Some(1)), Some((190, 190, None)));
        assert_eq!(found(200, Some(1_870_090)), Some((200, 200, Some(1_870_090))));
        assert_eq!(found(200, Some(5)), Some((200, 299, None)));
        assert_eq!(found(270, None), Some((270, 270, None)));
        assert_eq!(found(273, Some(1_870_090)), Some((200, 299, None)));
        assert_eq!([found(0, None), found(300, None), found(99_999, Some(33))], [None, None, None]);
    }

    #[test]
    fn no_code_has_two_rows() {
        for (at, row) in ROWS.iter().enumerate() {
            let twin = ROWS[at + 1..].iter().find(|other| {
                (other.code, other.last_code, other.subcode) == (row.code, row.last_code, row.subcode)
            });
            assert!(twin.is_none(), "{row:?}");
        }
    }

    #[test]
    fn words_and_remedies_are_sentences() {
        for row in ROWS {
            assert!(row.words.ends_with('.'), "{row:?}");
            assert!(
                row.remedy.ends_with('.') || row.remedy.rsplit(' ').next().unwrap().starts_with("https://"),
                "{row:?}"
            );
            assert!(!row.remedy.replace("{account}", "1").contains('{'), "{row:?}");
        }
    }
}
