//! What the fuzzer found worth keeping: `tests/corpus`, one contact each (see `fuzz/README.md`).

use crate::promises;
use std::path::Path;

#[test]
fn every_contact_of_the_fuzzer_s_corpus_keeps_the_promises() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut contacts = 0;
    for file in std::fs::read_dir(corpus).expect("the corpus") {
        let bytes = std::fs::read(file.expect("a file of the corpus").path()).expect("a readable file");
        let (contact, location) = promises::contact_of(&bytes);
        promises::check(&contact, location);
        contacts += 1;
    }
    assert!(contacts >= 100, "{contacts}");
}
