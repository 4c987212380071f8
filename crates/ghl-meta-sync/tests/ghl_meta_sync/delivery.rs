//! How the rows travel to Meta.

use crate::instance::Instance;
use domain::run::RunStatus;
use sandbox::faults::{Effect, Fault};
use sandbox::{Contacts, Service};

/// Which batch of its session each upload was, in the order Meta answered them.
fn answered(instance: &Instance) -> Vec<u32> {
    let uploads = instance.sandbox.record().entries(Service::Meta);
    let seq = |body: &str| {
        let (_, rest) = body.split_once("\"batch_seq\":").unwrap();
        rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
    };
    uploads.iter().filter(|entry| entry.path.contains("/users")).map(|entry| seq(&entry.body)).collect()
}

#[test]
fn several_batches_are_in_flight_and_the_last_one_goes_alone() {
    let mut instance = Instance::with(Contacts::Generated(42_000), |_| {});
    // While the first batch is held back, the others of its group are answered.
    let slow = Fault::new(Service::Meta, Effect::Delay { millis: 6_000 })
        .on_path("/users")
        .on_body("\"batch_seq\":1,");
    instance.sandbox.faults().add(slow);
    instance.set("NORMALIZER", "local").set("LOG_LEVEL", "INFO").sync(&[]).expect(0);
    let run = instance.last_run();
    assert_eq!(run.status, RunStatus::Success);
    let order = answered(&instance);
    let place = |batch: u32| order.iter().position(|seq| *seq == batch).unwrap();
    let last = *order.iter().max().unwrap();
    assert!(last >= 4, "{order:?}");
    assert!(place(1) > place(2), "one after the other: {order:?}");
    assert_eq!(place(last), order.len() - 1, "{order:?}");
    let seen = instance.verification(&run.audience.unwrap().id);
    for nothing in ["missing_count", "unexpected", "duplicates", "wrong_value_count"] {
        assert_eq!(seen[nothing], 0, "{nothing}: {seen}");
    }
}
