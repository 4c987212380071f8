//! How figures, times and states are written for people. Templates get finished text from here.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
pub(crate) use domain::money::grouped;
use domain::run::{Failure, Lookalike, LookalikeStatus, Matched, RunStatus, StepStatus, Trigger};
use domain::{Cents, Run};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// An id is letters and digits; whatever else came in one must not lead elsewhere.
const PART_OF_A_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Shown for what is not known or does not exist; never a zero or an empty cell.
pub(crate) const UNKNOWN: &str = "n/a";
const NOT_REPORTED: &str = "not reported by Meta";

/// The zone and the currency of everything shown, and whose Ads Manager the links open.
#[derive(Debug, Clone)]
pub(crate) struct Wording {
    pub(crate) time_zone: Tz,
    pub(crate) currency: Option<String>,
    /// The id of the business portfolio.
    pub(crate) business_id: Option<String>,
}

/// A point in time for a `<time>` element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// RFC 3339 in UTC.
    pub(crate) iso: String,
    /// In the configured zone, which it names.
    pub(crate) text: String,
}

/// A state as icon, word and CSS class: never by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Badge {
    pub(crate) class: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) word: &'static str,
}

impl Wording {
    /// To the second, for the account of one run.
    pub(crate) fn moment(&self, at: DateTime<Utc>) -> Moment {
        self.formatted(at, "%Y-%m-%d %H:%M:%S %Z")
    }

    /// To the minute, where many times stand or nobody counts seconds.
    pub(crate) fn minute(&self, at: DateTime<Utc>) -> Moment {
        self.formatted(at, "%Y-%m-%d %H:%M %Z")
    }

    /// To the minute of a day that everybody knows: for what happens within hours.
    pub(crate) fn clock(&self, at: DateTime<Utc>) -> Moment {
        self.formatted(at, "%H:%M %Z")
    }

    fn formatted(&self, at: DateTime<Utc>, pattern: &str) -> Moment {
        let text = at.with_timezone(&self.time_zone).format(pattern).to_string();
        Moment { iso: at.format("%Y-%m-%dT%H:%M:%SZ").to_string(), text }
    }

    /// An amount where room is short: whole units from a hundred on, and no currency.
    pub(crate) fn short_amount(amount: Cents) -> String {
        if amount.0.unsigned_abs() < 10_000 {
            return amount.grouped();
        }
        let units = (amount.0.unsigned_abs() + 50) / 100;
        format!("{}{}", if amount.0 < 0 { "-" } else { "" }, grouped(units))
    }

    pub(crate) fn money(&self, amount: Cents) -> String {
        match &self.currency {
            Some(currency) => format!("{} {currency}", amount.grouped()),
            None => amount.grouped(),
        }
    }
}

/// The page of Ads Manager with the audiences of an account (`act_<digits>`); without the business portfolio it opens
/// under the one the person used last.
pub(crate) fn ads_manager(ad_account: &str, business_id: Option<&str>) -> String {
    let account = ad_account.strip_prefix("act_").unwrap_or(ad_account);
    let business = business_id.map(|id| format!("&business_id={id}")).unwrap_or_default();
    format!("https://adsmanager.facebook.com/adsmanager/audiences?act={account}{business}")
}

/// The page of a contact in GoHighLevel's own application, which also opens it for agencies with an address of their own.
pub(crate) fn ghl_contact(location_id: &str, contact_id: &str) -> String {
    let (location, contact) =
        (utf8_percent_encode(location_id, PART_OF_A_PATH), utf8_percent_encode(contact_id, PART_OF_A_PATH));
    format!("https://app.gohighlevel.com/v2/location/{location}/contacts/detail/{contact}")
}

/// `3 contacts`, `1 contact`.
pub(crate) fn contacts(count: u64) -> String {
    format!("{} {}", grouped(count), if count == 1 { "contact" } else { "contacts" })
}

/// `8 m 4 s`. A clock that was set back gives 0 s.
pub(crate) fn duration(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} m {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} m"),
    }
}

/// The number of matched people of the `sent` contacts as Meta reported it.
pub(crate) fn matched_count(matched: &Matched, sent: u64) -> String {
    match (matched.exact, matched.range(sent)) {
        (Some(exact), _) => grouped(exact),
        (None, Some((lower, upper))) => format!("between {} and {}", grouped(lower), grouped(upper)),
        _ => NOT_REPORTED.to_owned(),
    }
}

/// A share with one decimal, `51.0%`; unknown when there is nothing to share or the amounts are negative.
pub(crate) fn share(part: i128, whole: i128) -> String {
    if whole <= 0 || part < 0 {
        return UNKNOWN.to_owned();
    }
    let tenths = (part * 2000 / whole + 1) / 2;
    format!("{}.{}%", tenths / 10, tenths % 10)
}

/// `j***@e***.com`: enough to recognize a person one knows, not enough to write to one does not.
pub(crate) fn masked_email(address: &str) -> String {
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    let Some((local, domain)) = address.trim().rsplit_once('@') else { return "***".to_owned() };
    match domain.rsplit_once('.') {
        // Whatever else stands behind the last dot may be anything, such as a phone number.
        Some((name, top)) if !is_top_level(top) => format!("{}***@{}***.***", first(local), first(name)),
        Some((name, top)) => format!("{}***@{}***.{top}", first(local), first(name)),
        None => format!("{}***@{}***", first(local), first(domain)),
    }
}

fn is_top_level(top: &str) -> bool {
    (2..=24).contains(&top.len()) && top.bytes().all(|c| c.is_ascii_alphanumeric())
}

/// `***12`: the last two digits.
pub(crate) fn masked_phone(phone: &str) -> String {
    let digits: Vec<char> = phone.chars().filter(char::is_ascii_digit).collect();
    // Of a very short number two digits would be most of it.
    let shown: String =
        if digits.len() > 6 { digits[digits.len() - 2..].iter().collect() } else { String::new() };
    format!("***{shown}")
}

/// How a run stands. The words are the same wherever a run is named.
pub(crate) fn state_badge(run: &Run, warnings: bool) -> Badge {
    let badge = |class, icon, word| Badge { class, icon, word };
    let is_interrupted = run.failure.as_ref().is_some_and(Failure::is_interruption);
    match run.status {
        RunStatus::Running if run.waiting_until.is_some() => {
            badge("running", "◔", "Waiting for Meta’s limit")
        }
        RunStatus::Running => badge("running", "◔", "Running"),
        RunStatus::Success if warnings => badge("warn", "⚠", "Succeeded with warnings"),
        RunStatus::Success if run.lookalike_status() == LookalikeStatus::Pending => {
            badge("ok", "✓", "Succeeded, lookalike pending")
        }
        RunStatus::Success => badge("ok", "✓", "Succeeded"),
        RunStatus::Failed if is_interrupted => badge("bad", "✕", "Interrupted"),
        RunStatus::Failed => badge("bad", "✕", "Failed"),
        RunStatus::Cancelled => badge("idle", "■", "Cancelled"),
    }
}

pub(crate) fn step_badge(status: StepStatus) -> Badge {
    match status {
        StepStatus::Running => Badge { class: "running", icon: "◔", word: "Running" },
        StepStatus::Done => Badge { class: "ok", icon: "✓", word: "Done" },
        StepStatus::Failed => Badge { class: "bad", icon: "✕", word: "Failed" },
        StepStatus::Skipped => Badge { class: "idle", icon: "–", word: "Skipped" },
    }
}

pub(crate) fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Manual => "Started by hand",
        Trigger::Scheduled => "Schedule",
        Trigger::MadeUp => "Schedule, made up for a missed time",
        Trigger::Cli => "Command line",
    }
}

/// How a lookalike stands, in one or two words.
pub(crate) fn lookalike_state(lookalike: &Lookalike) -> &'static str {
    match lookalike.status {
        LookalikeStatus::None => "not asked for",
        LookalikeStatus::Pending => "pending",
        LookalikeStatus::Created => "created",
        LookalikeStatus::Failed if lookalike.id.is_some() => "of no use",
        LookalikeStatus::Failed => "not created",
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Wording, ads_manager, duration, ghl_contact, grouped, masked_email, masked_phone, matched_count,
        share,
    };
    use chrono::TimeDelta;
    use domain::Cents;
    use domain::run::Matched;

    #[test]
    fn counts_have_thousands_separators() {
        for (count, text) in
            [(0, "0"), (999, "999"), (1000, "1,000"), (123_456, "123,456"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(count), text);
        }
        let range = Matched { exact: None, lower: Some(4900), upper: Some(5100) };
        assert_eq!(matched_count(&range, 10_000), "between 4,900 and 5,100");
        assert_eq!(matched_count(&Matched::default(), 10_000), "not reported by Meta");
    }

    #[test]
    fn ads_manager_opens_under_the_business_that_is_set() {
        let address = "https://adsmanager.facebook.com/adsmanager/audiences?act=12";
        assert_eq!(ads_manager("act_12", None), address);
        assert_eq!(ads_manager("act_12", Some("34")), format!("{address}&business_id=34"));
    }

    #[test]
    fn a_link_to_a_contact_leads_nowhere_else() {
        let address = "https://app.gohighlevel.com/v2/location/loc1/contacts/detail/";
        assert_eq!(ghl_contact("loc1", "aB-3_x"), format!("{address}aB-3_x"));
        assert_eq!(ghl_contact("loc1", "../?#é\"<"), format!("{address}%2E%2E%2F%3F%23%C3%A9%22%3C"));
    }

    #[test]
    fn shares_are_rounded_to_one_decimal_and_unknown_without_a_whole() {
        for (part, whole, text) in [
            (1, 3, "33.3%"),
            (2, 3, "66.7%"),
            (1, 1, "100.0%"),
            (0, 5, "0.0%"),
            (0, 0, "n/a"),
            (-1, 5, "n/a"),
        ] {
            assert_eq!(share(part, whole), text);
        }
    }

    #[test]
    fn times_carry_their_zone() {
        let wording =
            Wording { time_zone: chrono_tz::Europe::Berlin, currency: Some("EUR".into()), business_id: None };
        let moment = wording.moment("2026-07-01T10:00:05Z".parse().unwrap());
        assert_eq!(
            (moment.iso.as_str(), moment.text.as_str()),
            ("2026-07-01T10:00:05Z", "2026-07-01 12:00:05 CEST")
        );
        assert_eq!(wording.minute("2026-12-01T10:00:05Z".parse().unwrap()).text, "2026-12-01 11:00 CET");
        assert_eq!(wording.clock("2026-12-01T23:30:00Z".parse().unwrap()).text, "00:30 CET");
        assert_eq!(wording.money(Cents(123_456)), "1,234.56 EUR");
        for (cents, text) in
            [(0, "0.00"), (9_999, "99.99"), (10_000, "100"), (123_450, "1,235"), (-655_270, "-6,553")]
        {
            assert_eq!(Wording::short_amount(Cents(cents)), text);
        }
    }

    #[test]
    fn durations_read_like_speech() {
        for (seconds, text) in
            [(-5, "0 s"), (59, "59 s"), (484, "8 m 4 s"), (3600, "1 h 0 m"), (90_061, "25 h 1 m")]
        {
            assert_eq!(duration(TimeDelta::seconds(seconds)), text);
        }
    }

    #[test]
    fn addresses_and_numbers_are_masked() {
        for (address, masked) in [
            ("jane.doe@example.com", "j***@e***.com"),
            ("a@b", "a***@b***"),
            ("@x.org", "***@x***.org"),
            ("ann@example.com 415-555-0100", "a***@e***.***"),
            ("ann@example.4155550100\u{ff11}", "a***@e***.***"),
            ("ann@example.c", "a***@e***.***"),
            (&format!("ann@example.{}", "m".repeat(25)), "a***@e***.***"),
            ("ö@ü.example.com", "ö***@ü***.com"),
            ("not an address", "***"),
        ] {
            assert_eq!(masked_email(address), masked);
        }
        assert_eq!(masked_phone("+1 555-010-0123"), "***23");
        assert_eq!(masked_phone("110"), "***");
    }
}
