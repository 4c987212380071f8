//! What the fuzzer found worth keeping: `tests/corpus`, one value each (see `fuzz/README.md`).

use crate::promises;
use std::path::Path;

#[test]
fn every_value_of_the_fuzzer_s_corpus_keeps_the_promises() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut values = 0;
    for file in std::fs::read_dir(corpus).expect("the corpus") {
        let bytes = std::fs::read(file.expect("a file of the corpus").path()).expect("a readable file");
        promises::check(&String::from_utf8_lossy(&bytes));
        values += 1;
    }
    assert!(values >= 50, "{values}");
}
