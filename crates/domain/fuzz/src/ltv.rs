//! Any bytes, read as a lifetime value, keep every promise.

#![no_main]

#[path = "../../tests/domain/promises.rs"]
mod promises;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    promises::check(&String::from_utf8_lossy(bytes));
});
