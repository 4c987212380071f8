//! Runs and contexts to write mails about.

use chrono::{DateTime, Utc};
use domain::run::{
    Changes, Failure, Lookalike, LookalikeStatus, Matched, NormalizationStats, RankingReport, RemoteAudience,
    Run, RunStatus, Step, SyncConfig, Trigger,
};
use domain::{Accounting, Cents, RunId};
use mailer::MailContext;

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn context() -> MailContext {
    MailContext {
        public_url: "https://sync.example.com/".into(),
        public_url_is_set: true,
        instance_name: None,
        time_zone: chrono_tz::Europe::Berlin,
        instance_tag: "k3v9".into(),
        audience_per_run: true,
    }
}

pub fn successful() -> Run {
    Run {
        id: RunId(7),
        trigger: Trigger::Scheduled,
        scheduled_for: Some(at("2026-11-20T23:55:00Z")),
        status: RunStatus::Success,
        config: SyncConfig {
            list_id: "tag:customer".into(),
            list_name: "Tag: customer".into(),
            list_conditions: None,
            ltv_field_key: "contact.lifetime_value".into(),
            ltv_field_name: "Lifetime Value".into(),
            ad_account_id: "act_42".into(),
            sync_enabled: true,
        },
        started_at: at("2026-11-20T23:55:00Z"),
        completed_at: Some(at("2026-11-21T00:03:04Z")),
        failure: None,
        steps: vec![],
        accounting: Accounting {
            fetched: 2357,
            sent: 2311,
            excluded_opted_out: 12,
            skipped_no_ltv: 30,
            refused_by_meta: 4,
            ..Accounting::default()
        },
        matched: Matched { exact: Some(1701), ..Matched::default() },
        audience: Some(RemoteAudience {
            id: "120211234567890123".into(),
            name: "GHL-HighValue-2026-11-21".into(),
        }),
        lookalikes: vec![Lookalike {
            id: Some("120219876543210987".into()),
            name: "GHL-HighValue-2026-11-21-LAL-1%".into(),
            country: "US".into(),
            ratio_percent: 1,
            status: LookalikeStatus::Created,
            note: None,
        }],
        changes: Some(Changes { added: 31, removed: 4 }),
        stats: Some(NormalizationStats {
            count: 2327,
            min: Cents(0),
            median: Cents(4350),
            max: Cents(1_399_100),
            distribution: [233; 10],
            value_per_decile: [Cents(1000); 10],
            range_per_decile: [None; 10],
            top: 232,
            middle: 1164,
            bottom: 931,
            ambiguous: 0,
        }),
        ranking: Some(RankingReport::default()),
        waiting_until: None,
        audience_deleted_at: None,
        refused_samples: vec![],
    }
}

pub fn failed() -> Run {
    Run {
        status: RunStatus::Failed,
        failure: Some(Failure {
            step: Step::Upload,
            message: "Meta refused the access token: “Session has expired”.".into(),
            remedy: "Make a new token in Business Settings and put it into META_ACCESS_TOKEN.".into(),
            provider_code: Some("190/463".into()),
            trace_id: Some("AbCdEf123".into()),
        }),
        matched: Matched::default(),
        audience: None,
        lookalikes: vec![],
        changes: None,
        stats: None,
        ranking: None,
        ..successful()
    }
}
