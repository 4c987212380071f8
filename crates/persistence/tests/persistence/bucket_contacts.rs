use crate::support::{TestDb, begun, for_each_backend, sent};
use domain::Bucket;
use persistence::RunContact;
use std::collections::BTreeSet;

for_each_backend!(a_bucket_is_read_part_by_part_without_a_gap_or_a_repetition,);

fn a_bucket_is_read_part_by_part_without_a_gap_or_a_repetition(db: &TestDb) {
    let store = db.open();
    let (run, other) = (begun(&store), begun(&store));
    let of = |bucket: Bucket, id: String| RunContact { bucket, reason: Some("why".into()), ..sent(id, 1, 1) };
    // Erased people share one id, capitals and letters of other alphabets sort by the engine's own rule.
    let ids = (0..20).map(|n| format!("{}{n}", ["a", "B", "é", "z"][n % 4]));
    let mut contacts: Vec<RunContact> = ids.map(|id| of(Bucket::NoLtv, id)).collect();
    contacts.extend((0..7).map(|n| of(Bucket::Suppressed, format!("gone{n}"))));
    store.contacts_insert(run, &contacts).unwrap();
    store.contacts_insert(other, &[of(Bucket::NoLtv, "of another run".into())]).unwrap();
    for (bucket, total) in [(Bucket::NoLtv, 20), (Bucket::Suppressed, 7), (Bucket::BadLtv, 0)] {
        for at_once in [1, 3, 20, 21] {
            let (mut read, mut behind) = (Vec::new(), None);
            loop {
                let part = store.contacts_of_bucket(run, bucket, behind.as_ref(), at_once).unwrap();
                assert!(part.contacts.len() <= at_once as usize);
                read.extend(part.contacts);
                behind = part.end;
                if behind.is_none() {
                    break;
                }
            }
            let distinct: BTreeSet<&str> =
                read.iter().map(|contact| contact.ghl_contact_id.as_str()).collect();
            let expected = if bucket == Bucket::Suppressed { 1 } else { total };
            assert_eq!((read.len(), distinct.len()), (total, expected), "{bucket} by {at_once}");
            assert!(read.iter().all(|contact| contact.bucket == bucket));
            assert_eq!(
                read.iter().filter(|contact| contact.is_erased()).count(),
                if expected == 1 { 7 } else { 0 }
            );
        }
    }
    store.contacts_erase(&BTreeSet::from(["a0".to_owned()])).unwrap();
    let part = store.contacts_of_bucket(run, Bucket::NoLtv, None, 30).unwrap();
    let erased: Vec<&RunContact> = part.contacts.iter().filter(|contact| contact.is_erased()).collect();
    assert_eq!((erased.len(), &erased[0].reason), (1, &None), "a reason may repeat what a person typed");
}
