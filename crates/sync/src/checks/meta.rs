//! The check of Meta: the token with its permissions and its end, the ad account with its terms, its customer lists.

use super::{DAYS_OF_WARNING, Findings};
use chrono::{DateTime, TimeDelta, Utc};
use domain::foreign_text::presentable;
use domain::{Cancel, Explain, Explanation};
use meta::{AdAccount, AdAccountId, MetaClient, MetaError, TokenInfo};

/// Without it nothing can be created or uploaded.
const WRITING: &str = "ads_management";
/// What belongs beside it: to read the account and its ads, to reach what belongs to the business. Meta lets a token that
/// may write do all a sync needs.
const READING: [&str; 2] = ["ads_read", "business_management"];

/// Meta's limit of customer lists per ad account.
/// <https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences>
const MOST_LISTS: usize = 500;
/// From here on somebody should make room: a list per day fills the rest in some weeks.
const LISTS_TO_WARN_FROM: usize = 450;
/// Meta's word for customer lists.
const CUSTOMER_LIST: &str = "CUSTOM";

/// Meta's code for a token it does not accept, whatever it is asked.
const BAD_TOKEN: u64 = 190;

const NEW_TOKEN: &str = "Create a new token at https://business.facebook.com/settings/system-users and set it as META_ACCESS_TOKEN. A system user's token need not expire.";

/// What Meta lets an installation do: the one source of these sentences, for `check`, the dashboard and the run.
/// `needs_a_list` tells whether the next run creates a customer list.
///
/// # Errors
/// When Meta could not be asked.
pub(super) fn look(
    meta: &MetaClient,
    now: DateTime<Utc>,
    needs_a_list: bool,
    cancel: &Cancel,
    findings: &mut Findings,
) -> Result<(), MetaError> {
    match meta.debug_token(cancel) {
        Ok(token) if !judge_token(&token, now, findings) => return Ok(()),
        Ok(_) => {}
        // Some tokens may not ask about themselves and are good all the same; the account tells.
        Err(MetaError::Api(error)) if error.code != BAD_TOKEN => {
            findings.tell(format!("Meta does not tell about the token: {}", error.own_words()));
        }
        Err(error) => return Err(error),
    }
    let account = meta.ad_account(cancel)?;
    judge_account(&account, meta.ad_account_id(), findings);
    match meta.custom_audiences(cancel) {
        Ok(audiences) => {
            let lists = audiences.iter().filter(|audience| audience.subtype == CUSTOMER_LIST).count();
            judge_lists(lists, needs_a_list, meta.ad_account_id(), findings);
        }
        Err(MetaError::Cancelled(cancelled)) => return Err(cancelled.into()),
        // Room for one more is likely, and Meta itself refuses a list too many.
        Err(error) => {
            findings.tell(format!("The customer lists could not be counted. {}", error.explain().message));
        }
    }
    if let Some(warning) = meta.version_warning() {
        findings.warn(&format!("Meta says of META_API_VERSION: {warning}"));
    }
    Ok(())
}

/// False for a token that is good for nothing, so that nothing more needs to be asked.
fn judge_token(token: &TokenInfo, now: DateTime<Utc>, findings: &mut Findings) -> bool {
    let day = |end: DateTime<Utc>| end.format("%Y-%m-%d");
    if !token.valid {
        let message = match token.expires_at {
            Some(end) if end <= now => format!("The Meta token expired on {}.", day(end)),
            _ => "Meta does not accept the token.".to_owned(),
        };
        findings.problem(Explanation::new(message, NEW_TOKEN));
        return false;
    }
    match token.expires_at {
        None => findings.tell("The token is valid and does not expire."),
        Some(end) => {
            findings.tell(format!("The token is valid and expires on {}.", day(end)));
            if end - now < TimeDelta::days(DAYS_OF_WARNING) {
                findings.warn(&format!("the token expires on {}. {NEW_TOKEN}", day(end)));
            }
        }
    }
    if token.scopes.is_empty() {
        findings.tell("Meta does not tell its permissions.");
        return true;
    }
    findings.tell(format!("Its permissions: {}.", token.scopes.join(", ")));
    let lacks = |permission: &str| !token.scopes.iter().any(|granted| granted == permission);
    if lacks(WRITING) {
        findings.problem(Explanation::new(
            format!("The Meta token lacks the permission {WRITING}, without which no audience can be made."),
            format!(
                "Create a token with {WRITING}, {} at https://business.facebook.com/settings/system-users and set it as META_ACCESS_TOKEN.",
                READING.join(", ")
            ),
        ));
    }
    let lacking: Vec<&str> = READING.into_iter().filter(|permission| lacks(permission)).collect();
    if !lacking.is_empty() {
        findings.tell(format!("Not granted to it: {}; a sync works without.", lacking.join(", ")));
    }
    true
}

fn judge_account(account: &AdAccount, id: &AdAccountId, findings: &mut Findings) {
    let status = account.account_status;
    findings.tell(format!(
        "Ad account \"{}\" ({id}), {}, currency {}.",
        presentable(&account.name, &[]),
        status.words(),
        account.currency.as_deref().unwrap_or("not known")
    ));
    if !status.is_active() && status.0 != 0 {
        findings.problem(Explanation::new(
            format!("The ad account can not be used: {}.", status.words()),
            format!(
                "Open https://www.facebook.com/accountquality and Billing in Ads Manager for ad account {}, or set another META_AD_ACCOUNT_ID.",
                id.digits()
            ),
        ));
    }
    let [lists, values] = id.terms_links();
    match account.terms_accepted {
        Some(true) => findings.tell(format!(
            "The terms for customer lists are accepted. Meta does not tell whether those for value-based audiences are: {values}"
        )),
        Some(false) => findings.problem(Explanation::new(
            "Meta's terms for customer lists are not accepted for this ad account.",
            format!(
                "A person with a role in the ad account must accept them at {lists} and, for value-based audiences, at {values}"
            ),
        )),
        None => findings.tell(format!(
            "Meta does not tell whether its terms are accepted: see {lists} and {values}"
        )),
    }
}

fn judge_lists(lists: usize, needs_a_list: bool, id: &AdAccountId, findings: &mut Findings) {
    let remedy = format!(
        "Delete lists that no ad uses at https://business.facebook.com/adsmanager/audiences?act={}, or set AUDIENCE_MODE=stable, which needs one list for ever.",
        id.digits()
    );
    findings.tell(format!("{lists} customer lists of at most {MOST_LISTS}."));
    if lists >= MOST_LISTS && needs_a_list {
        findings.problem(Explanation::new(
            format!(
                "The ad account holds {lists} customer lists, and Meta allows no more than {MOST_LISTS}."
            ),
            remedy,
        ));
    } else if lists >= LISTS_TO_WARN_FROM {
        findings.warn(&format!(
            "the ad account holds {lists} customer lists, and Meta allows no more than {MOST_LISTS}. {remedy}"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::{Findings, judge_account, judge_lists, judge_token};
    use chrono::{DateTime, Utc};
    use meta::{AccountStatus, AdAccount, AdAccountId, TokenInfo};

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn token(valid: bool, expires_at: Option<&str>, scopes: &[&str]) -> TokenInfo {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        TokenInfo { valid, expires_at: expires_at.map(time), scopes }
    }

    const ALL: [&str; 3] = ["ads_management", "ads_read", "business_management"];

    #[test]
    fn a_token_is_warned_about_for_the_last_fourteen_days() {
        let warned = |end| {
            let mut findings = Findings::default();
            assert!(judge_token(&token(true, Some(end), &ALL), time("2026-11-21T12:00:00Z"), &mut findings));
            assert!(findings.problems.is_empty());
            assert!(findings.found[0].contains(&end[..10]), "{findings:?}");
            findings.found.iter().any(|sentence| sentence.starts_with("Warning:"))
        };
        assert!(!warned("2026-12-05T12:00:00Z"));
        assert!(warned("2026-12-05T11:59:59Z"));
        assert!(warned("2026-11-21T12:00:01Z"));
    }

    #[test]
    fn an_ended_or_refused_token_is_a_problem_and_the_end_is_named() {
        let judged = |token: TokenInfo| {
            let mut findings = Findings::default();
            assert!(!judge_token(&token, time("2026-11-21T12:00:00Z"), &mut findings));
            findings.problems.remove(0).message
        };
        let ended = judged(token(false, Some("2026-11-20T23:00:00Z"), &[]));
        assert_eq!(ended, "The Meta token expired on 2026-11-20.");
        for end in [None, Some("2027-01-01T00:00:00Z")] {
            assert_eq!(judged(token(false, end, &ALL)), "Meta does not accept the token.");
        }
    }

    #[test]
    fn only_the_permission_to_write_is_missed_and_an_unknown_one_is_not() {
        let judged = |scopes: &[&str]| {
            let mut findings = Findings::default();
            assert!(judge_token(&token(true, None, scopes), time("2026-11-21T12:00:00Z"), &mut findings));
            let problems = findings.problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>();
            (findings.found.join(" "), problems.join(" "))
        };
        let (found, problem) = judged(&["public_profile", "ads_read"]);
        assert!(problem.starts_with("The Meta token lacks the permission ads_management,"), "{problem}");
        assert!(found.contains("Not granted to it: business_management;"), "{found}");
        assert_eq!(judged(&["ads_management"]).1, "");
        assert_eq!(judged(&[]).1, "", "a token whose permissions Meta does not tell is not refused");
    }

    #[test]
    fn the_account_s_state_and_terms_are_judged() {
        let id = AdAccountId::parse("act_1234567890").unwrap();
        let judged = |status: u64, terms_accepted: Option<bool>| {
            let account = AdAccount {
                name: "Shop\u{1b}]0;x".to_owned(),
                account_status: AccountStatus(status),
                currency: Some("USD".to_owned()),
                terms_accepted,
            };
            let mut findings = Findings::default();
            judge_account(&account, &id, &mut findings);
            assert!(
                findings.found[0].starts_with("Ad account \"Shop ]0;x\" (act_1234567890), "),
                "{findings:?}"
            );
            findings.problems.into_iter().map(|problem| problem.message + &problem.remedy).collect::<Vec<_>>()
        };
        for good in [judged(1, Some(true)), judged(9, None), judged(0, Some(true))] {
            assert_eq!(good, Vec::<String>::new());
        }
        assert!(judged(3, Some(true))[0].contains("a payment is due"));
        let terms = judged(1, Some(false));
        for link in id.terms_links() {
            assert!(terms[0].contains(&link), "{terms:?}");
        }
        assert_eq!(judged(2, Some(false)).len(), 2, "both problems are told");
    }

    #[test]
    fn lists_are_warned_about_from_450_and_a_problem_where_a_five_hundred_and_first_is_needed() {
        let id = AdAccountId::parse("act_1234567890").unwrap();
        let judged = |lists, needs_a_list| {
            let mut findings = Findings::default();
            judge_lists(lists, needs_a_list, &id, &mut findings);
            let warned =
                findings.found.iter().any(|sentence| sentence.starts_with("Warning: the ad account"));
            (warned, findings.problems.len())
        };
        assert_eq!([judged(0, true), judged(449, true)], [(false, 0); 2]);
        assert_eq!([judged(450, true), judged(499, true), judged(501, false)], [(true, 0); 3]);
        assert_eq!(judged(500, true), (false, 1));
    }
}
