use crate::support::{TestDb, begun, for_each_backend, sent};
use domain::run::{Changes, RefusedSample};
use domain::{Bucket, Cents, Percentile, RunId};
use persistence::{RunContact, StoreError};

for_each_backend!(
    a_contact_reads_back_as_it_was_stored,
    hostile_text_is_kept_and_costs_no_other_contact,
    the_sample_is_the_highest_of_the_sent,
    buckets_are_counted,
    whom_meta_refused_is_no_longer_among_the_sent,
    twenty_thousand_contacts_are_stored_compared_and_removed,
    at_most_five_thousand_rows_go_into_one_transaction,
    changes_count_sent_ids_only,
    contacts_of_no_run_are_refused,
    raw_ltv_reads_as_an_exact_decimal,
    a_rank_above_one_hundred_is_refused_by_the_database,
);

fn a_contact_reads_back_as_it_was_stored(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    let contact = RunContact {
        email: Some("zoë.o'hara@example.com".into()),
        phone: Some("+1 202-555-0143".into()),
        first_name: Some("Zoë".into()),
        last_name: Some("O'Hara-Łukasz 李".into()),
        reason: Some("none".into()),
        meta_matched: Some(false),
        country: Some("pl".into()),
        ..sent("c1", 100, 1_234_567)
    };
    let bare = RunContact { normalized_value: Percentile::new(0), ..sent("c2", 0, i64::MIN) };
    store.contacts_insert(run, &[bare.clone(), contact.clone()]).unwrap();
    store.contacts_insert(run, &[]).unwrap();
    assert_eq!(store.contacts_sample(run, 10).unwrap(), [contact.clone(), bare]);
    assert_eq!(format!("{contact:?}"), "RunContact { ghl_contact_id: \"c1\", bucket: Sent, .. }");
}

fn whom_meta_refused_is_no_longer_among_the_sent(db: &TestDb) {
    let store = db.open();
    let [other, run] = [(); 2].map(|()| begun(&store));
    let left_out = RunContact { bucket: Bucket::OptedOut, ..sent("c3", 50, 1) };
    let rows = [sent("c1", 90, 1), sent("c2", 80, 1), left_out, sent("c'\0", 70, 1)];
    for run in [other, run] {
        store.contacts_insert(run, &rows).unwrap();
    }
    let refused = ["c2", "c3", "c4", "c'\0"]
        .map(|id| RefusedSample { ghl_contact_id: id.into(), reason: "hash is\0bad".into() });
    assert_eq!(
        [&refused[..], &refused[..], &[]].map(|refused| store.contacts_refuse(run, refused).unwrap()),
        [2, 0, 0]
    );
    let counts = [(Bucket::OptedOut, 1), (Bucket::RefusedByMeta, 2), (Bucket::Sent, 1)];
    assert_eq!(store.contacts_count_by_bucket(run).unwrap(), counts);
    assert_eq!(store.contacts_count_by_bucket(other).unwrap(), [(Bucket::OptedOut, 1), (Bucket::Sent, 3)]);
    let found = store.contacts_of_bucket(run, Bucket::RefusedByMeta, None, 10).unwrap().contacts;
    let told = |contact: &RunContact| (contact.reason.clone(), contact.meta_matched);
    assert_eq!(
        found.iter().map(told).collect::<Vec<_>>(),
        vec![(Some("hash is\u{fffd}bad".into()), Some(false)); 2]
    );
}

fn hostile_text_is_kept_and_costs_no_other_contact(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    let texts = [
        "'; DROP TABLE sync_contacts; --",
        "\"\\\u{1F388}\u{202E}\r\n\t$1 ?1 %s",
        "a\0b",
        "",
        "\u{FEFF}\u{7f}",
    ];
    let mut contacts: Vec<RunContact> = texts
        .iter()
        .map(|text| RunContact {
            email: Some((*text).into()),
            first_name: Some((*text).into()),
            reason: Some((*text).into()),
            ..sent(*text, 50, 1)
        })
        .collect();
    // Random-looking text does not compress, so it would burst PostgreSQL's index entries if it were kept whole.
    let long: String =
        (0..20_000_u32).filter_map(|at| char::from_u32(0x4E00 + at.wrapping_mul(7919) % 20_000)).collect();
    contacts.push(RunContact { email: Some(long.clone()), ..sent(long.clone(), 50, 1) });
    store.contacts_insert(run, &contacts).unwrap();
    let kept = store.contacts_sample(run, 10).unwrap();
    assert_eq!(kept.len(), 6);
    for (contact, text) in kept.iter().zip(texts) {
        let expected = text.replace('\0', "\u{FFFD}");
        assert_eq!(contact.ghl_contact_id, expected);
        assert_eq!((contact.email.as_ref(), contact.reason.as_ref()), (Some(&expected), Some(&expected)));
    }
    assert_eq!(kept[5].ghl_contact_id, long.chars().take(255).collect::<String>());
    assert_eq!(kept[5].email.as_ref(), Some(&long));
}

fn the_sample_is_the_highest_of_the_sent(db: &TestDb) {
    let store = db.open();
    let (run, other) = (begun(&store), begun(&store));
    let merged = RunContact { bucket: Bucket::Merged, ..sent("merged", 100, 900) };
    store
        .contacts_insert(
            run,
            &[sent("low", 1, 100), sent("b", 91, 500), sent("a", 91, 501), merged, sent("top", 100, 800)],
        )
        .unwrap();
    store.contacts_insert(other, &[sent("else", 100, 999)]).unwrap();
    let ids = |n| {
        store.contacts_sample(run, n).unwrap().into_iter().map(|one| one.ghl_contact_id).collect::<Vec<_>>()
    };
    assert_eq!(ids(3), ["top", "a", "b"]);
    assert_eq!(ids(100), ["top", "a", "b", "low"]);
    assert_eq!(ids(0), Vec::<String>::new());
}

fn buckets_are_counted(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    let contacts: Vec<RunContact> = Bucket::ALL
        .iter()
        .enumerate()
        .flat_map(|(at, bucket)| (0..=at).map(move |n| (at, n, *bucket)))
        .map(|(at, n, bucket)| RunContact {
            bucket,
            raw_ltv: None,
            normalized_value: None,
            ..sent(format!("{at}-{n}"), 0, 0)
        })
        .collect();
    assert_eq!(store.contacts_count_by_bucket(run).unwrap(), []);
    store.contacts_insert(run, &contacts).unwrap();
    let expected: Vec<(Bucket, u64)> = Bucket::ALL.iter().copied().zip(1..).collect();
    assert_eq!(store.contacts_count_by_bucket(run).unwrap(), expected);
}

fn twenty_thousand_contacts_are_stored_compared_and_removed(db: &TestDb) {
    let store = db.open();
    let (before, now) = (begun(&store), begun(&store));
    let contacts = |ids: std::ops::Range<i64>| -> Vec<RunContact> {
        ids.map(|at| RunContact {
            email: Some(format!("person{at}@example.com")),
            first_name: Some("Zoë".into()),
            ..sent(format!("contact-{at:06}"), u8::try_from(at % 101).unwrap(), at * 100)
        })
        .collect()
    };
    store.contacts_insert(before, &contacts(0..20_000)).unwrap();
    store.contacts_insert(now, &contacts(300..20_001)).unwrap();
    assert_eq!(store.contacts_count_by_bucket(before).unwrap(), [(Bucket::Sent, 20_000)]);
    assert_eq!(store.contacts_changes(now, before).unwrap(), Changes { added: 1, removed: 300 });
    assert_eq!(store.contacts_changes(before, now).unwrap(), Changes { added: 300, removed: 1 });
    assert_eq!(store.contacts_sample(before, 1).unwrap()[0].raw_ltv, Some(Cents(1_999_700)));
    while store.contacts_delete_some(before).unwrap() > 0 {}
    assert_eq!(store.contacts_count_by_bucket(before).unwrap(), []);
    assert_eq!(store.contacts_count_by_bucket(now).unwrap(), [(Bucket::Sent, 19_701)]);
}

fn at_most_five_thousand_rows_go_into_one_transaction(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    db.execute("CREATE UNIQUE INDEX stumbling_block ON sync_contacts (ghl_contact_id)").unwrap();
    let mut contacts: Vec<RunContact> = (0..12_000).map(|at| sent(format!("c{at}"), 50, at)).collect();
    contacts[11_000].ghl_contact_id = "c0".into();
    let error = store.contacts_insert(run, &contacts).unwrap_err();
    assert!(matches!(error, StoreError::Query { doing: "save contacts", .. }), "{error:?}");
    assert_eq!(store.contacts_count_by_bucket(run).unwrap(), [(Bucket::Sent, 10_000)]);
}

fn changes_count_sent_ids_only(db: &TestDb) {
    let store = db.open();
    let (before, now) = (begun(&store), begun(&store));
    let opted_out = RunContact { bucket: Bucket::OptedOut, ..sent("left", 50, 1) };
    let opted_out_before = RunContact { bucket: Bucket::OptedOut, ..sent("back", 50, 1) };
    store.contacts_insert(before, &[sent("stays", 50, 1), sent("left", 50, 1), opted_out_before]).unwrap();
    store
        .contacts_insert(now, &[sent("stays", 60, 2), opted_out, sent("back", 50, 1), sent("new", 1, 1)])
        .unwrap();
    assert_eq!(store.contacts_changes(now, before).unwrap(), Changes { added: 2, removed: 1 });
    assert_eq!(store.contacts_changes(now, now).unwrap(), Changes { added: 0, removed: 0 });
}

fn contacts_of_no_run_are_refused(db: &TestDb) {
    let store = db.open();
    let error = store.contacts_insert(RunId(99), &[sent("c1", 50, 1)]).unwrap_err();
    assert!(matches!(error, StoreError::Missing { what: "run", id: 99 }), "{error:?}");
    assert_eq!(db.number("SELECT COUNT(*) FROM sync_contacts"), 0);
}

fn raw_ltv_reads_as_an_exact_decimal(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    let amounts = [0, 5, -5, -100, 1999, -428_763, 1_234_567_890_123_456_789, i64::MAX, i64::MIN];
    let mut contacts: Vec<RunContact> =
        amounts.iter().map(|cents| sent(cents.to_string(), 50, *cents)).collect();
    contacts.push(RunContact { raw_ltv: None, ..sent("none", 50, 0) });
    store.contacts_insert(run, &contacts).unwrap();
    let mut expected: Vec<Option<String>> =
        amounts.iter().map(|cents| Some(Cents(*cents).to_string())).collect();
    expected.push(None);
    assert_eq!(db.values("SELECT CAST(raw_ltv AS TEXT) AS value FROM sync_contacts ORDER BY id"), expected);
    assert!(
        db.execute("UPDATE sync_contacts SET raw_ltv = '1.00'").is_err(),
        "it follows raw_ltv_cents only"
    );
}

fn a_rank_above_one_hundred_is_refused_by_the_database(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    store.contacts_insert(run, &[sent("c1", 100, 1)]).unwrap();
    assert!(db.execute("UPDATE sync_contacts SET normalized_value = 101").is_err());
}
