//! Every row of the error table over real HTTP: how often the call is made, and what the user reads.

use crate::support::{policy, settings};
use domain::{Cancel, Explain};
use meta::ErrorKind;
use meta::error_table::{lookup, rows};
use meta::{MetaClient, MetaSettings};
use testkit::{Reply, ScriptedServer};

/// What the client does with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Repeats the call soon.
    Repeats,
    /// Repeats the call after throttling.
    Waits,
    /// Gives up: the wait is too long to be waited for.
    WaitsLong,
    /// Gives up: the user must act.
    AsksUser,
    /// Gives up: the program is wrong.
    AdmitsBug,
}

use Then::{AdmitsBug, AsksUser, Repeats, Waits, WaitsLong};

/// Code, subcode, what happens, and words the user must find in message or remedy.
const CASES: &[(u64, Option<u64>, Then, &str)] = &[
    (1, None, Repeats, "passing fault"),
    (1, Some(99), AdmitsBug, "too large"),
    (2, None, Repeats, "not available for the moment"),
    (3, None, AsksUser, "may not manage this ad account"),
    (10, None, AsksUser, "may not manage this ad account"),
    (200, None, AsksUser, "admin of ad account 1234567890"),
    (273, None, AsksUser, "may not manage this ad account"),
    (299, Some(7), AsksUser, "may not manage this ad account"),
    (4, None, Waits, "slow down"),
    (4, Some(1_504_022), Waits, "slow down"),
    (4, Some(1_504_039), Waits, "slow down"),
    (17, None, Waits, "slow down"),
    (17, Some(2_446_079), Waits, "slow down"),
    (32, None, Waits, "slow down"),
    (100, None, AdmitsBug, "Meta says: words of Meta"),
    (100, Some(33), AsksUser, "deleted, or this login can not see it"),
    (100, Some(1_713_098), AdmitsBug, "report this"),
    (100, Some(1_713_228), AsksUser, "name or description"),
    (100, Some(1_713_230), AsksUser, "name or description"),
    (100, Some(1_713_231), AsksUser, "AUDIENCE_PREFIX"),
    (100, Some(1_713_232), AsksUser, "name or description"),
    (102, None, AsksUser, "META_ACCESS_TOKEN"),
    (104, None, AsksUser, "META_APP_SECRET"),
    (105, None, AdmitsBug, "report this"),
    (190, None, AsksUser, "META_ACCESS_TOKEN"),
    (190, Some(458), AsksUser, "app was removed"),
    (190, Some(459), AsksUser, "confirm their identity"),
    (190, Some(460), AsksUser, "password"),
    (190, Some(463), AsksUser, "has expired"),
    (190, Some(467), AsksUser, "no longer valid"),
    (190, Some(493), AsksUser, "90 days"),
    (194, None, AdmitsBug, "report this"),
    (200, Some(1_870_034), AsksUser, "customaudiences/tos/?act=1234567890"),
    (200, Some(1_870_090), AsksUser, "value_based/tos.php?act=1234567890"),
    (200, Some(1_870_092), AsksUser, "Business Tools"),
    (200, Some(1_870_047), AsksUser, "nothing was removed"),
    (200, Some(1_870_050), AsksUser, "business portfolio"),
    (200, Some(1_870_065), AsksUser, "owner"),
    (200, Some(1_487_301), AsksUser, "owner"),
    (200, Some(1_487_366), AsksUser, "owner"),
    (270, None, AsksUser, "development access"),
    (294, None, AsksUser, "ads_management"),
    (341, None, Waits, "slow down"),
    (368, None, WaitsLong, "blocked this action for now"),
    (506, None, AdmitsBug, "same request twice"),
    (613, None, WaitsLong, "limited this ad account"),
    (613, Some(1_487_742), Waits, "slow down"),
    (613, Some(5_044_001), WaitsLong, "slow down"),
    (803, None, Repeats, "does not know the audience yet"),
    (2500, None, AdmitsBug, "META_API_VERSION"),
    (2635, None, AsksUser, "META_API_VERSION"),
    (2650, None, AdmitsBug, "new audience"),
    (2650, Some(1_870_145), Waits, "still working on an earlier update"),
    (2650, Some(1_870_158), AsksUser, "90 minutes"),
    (2650, Some(1_870_147), AdmitsBug, "first batch"),
    (2650, Some(1_870_159), AdmitsBug, "already complete"),
    (2650, Some(1_870_148), AsksUser, "only a part"),
    (2650, Some(1_870_144), AsksUser, "AUDIENCE_MODE=dated"),
    (2654, None, AsksUser, "Meta says: words of Meta"),
    (2654, Some(1_713_007), AsksUser, "exists already"),
    (2654, Some(1_713_092), AsksUser, "may not create audiences"),
    (2655, None, AsksUser, "customaudiences/tos/?act=1234567890"),
    (2656, None, AsksUser, "lookalikes first"),
    (2663, None, AsksUser, "https://www.facebook.com/customaudiences/app/tos"),
    (2664, None, AsksUser, "customaudiences/tos.php?act=1234567890"),
    (5000, None, Repeats, "passing fault"),
    (80_000, None, Waits, "slow down"),
    (80_000, Some(2_446_079), Waits, "slow down"),
    (80_003, None, Waits, "slow down"),
    (80_003, Some(2_446_079), Waits, "Full access"),
    (80_004, None, Waits, "slow down"),
    (80_014, None, Waits, "slow down"),
    (1_404_078, None, AsksUser, "accountquality"),
    (2_859_015, None, AsksUser, "accountquality"),
    (1_404_163, None, AsksUser, "no longer advertise"),
    (3_910_001, None, AsksUser, "restricted this account"),
];

/// None of them tells anything: throttling comes with 400, and errors come with 200.
const STATUSES: [u16; 6] = [400, 200, 403, 500, 401, 429];

fn reply(at: usize, code: u64, subcode: Option<u64>) -> Reply {
    let subcode = subcode.map(|subcode| format!(r#","error_subcode":{subcode}"#)).unwrap_or_default();
    let body = format!(
        r#"{{"error":{{"message":"words of Meta","code":{code}{subcode},"fbtrace_id":"F78cCCJoZPx"}}}}"#
    );
    Reply::json(STATUSES[at % STATUSES.len()], body)
}

fn client(server: &ScriptedServer, retries: usize) -> MetaClient {
    let policy = policy(retries);
    MetaClient::new(MetaSettings {
        retry: policy,
        throttle_retry: policy,
        fresh_audience_retry: policy,
        ..settings(server)
    })
}

#[test]
fn every_row_ends_as_the_table_says() {
    for (at, (code, subcode, then, words)) in CASES.iter().copied().enumerate() {
        let server =
            ScriptedServer::start(vec![reply(at, code, subcode), Reply::json(200, r#"{"id":"9"}"#)]).unwrap();
        let result = client(&server, 1).audience("9", &Cancel::new());
        let repeated = matches!(then, Repeats | Waits);
        let case = (code, subcode, then);
        assert_eq!(
            (result.is_ok(), server.received().len()),
            (repeated, if repeated { 2 } else { 1 }),
            "{case:?}"
        );

        let server = ScriptedServer::start(vec![reply(at, code, subcode)]).unwrap();
        let error = client(&server, 0).audience("9", &Cancel::new()).unwrap_err();
        let seen = match error.api().unwrap().kind() {
            meta::ErrorKind::Retry => Repeats,
            meta::ErrorKind::Wait(None) => Waits,
            meta::ErrorKind::Wait(Some(_)) => WaitsLong,
            meta::ErrorKind::UserMustAct => AsksUser,
            meta::ErrorKind::OurBug => AdmitsBug,
        };
        assert_eq!(seen, then, "{case:?}");
        let explanation = error.explain();
        let shown = format!("{} {}", explanation.message, explanation.remedy);
        assert!(shown.contains(words), "{case:?}: {shown}");
        let provider_code = subcode.map_or(code.to_string(), |subcode| format!("{code}/{subcode}"));
        assert_eq!(explanation.provider_code, Some(provider_code));
        assert_eq!(explanation.trace_id.as_deref(), Some("F78cCCJoZPx"));
    }
}

#[test]
fn every_row_has_a_case() {
    for row in rows() {
        let covered = CASES
            .iter()
            .any(|(code, subcode, ..)| lookup(*code, *subcode).is_some_and(|found| std::ptr::eq(found, row)));
        assert!(covered, "no case for {row:?}");
    }
}

/// The documented rows, copied apart from the table so that neither follows the other.
#[test]
fn every_documented_error_has_a_row_of_its_own() {
    let documented: Vec<&str> =
        include_str!("error_rows.tsv").lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(documented.len(), 73);
    for line in documented {
        let [codes, subcode, who] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (first, last) = codes.split_once('-').unwrap_or((codes, codes));
        let (first, last): (u64, u64) = (first.parse().unwrap(), last.parse().unwrap());
        let subcode: Option<u64> = (subcode != "-").then(|| subcode.parse().unwrap());
        let row = rows()
            .iter()
            .find(|row| (row.code, row.last_code, row.subcode) == (first, last, subcode))
            .unwrap_or_else(|| panic!("no row for {line}"));
        let letter = match row.kind {
            ErrorKind::Retry => 'R',
            ErrorKind::Wait(_) => 'W',
            ErrorKind::UserMustAct => 'U',
            ErrorKind::OurBug => 'B',
        };
        assert!(who == "-" || who.contains(letter), "{line}, not {:?}", row.kind);
    }
}
