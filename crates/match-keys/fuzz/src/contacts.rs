//! Any bytes, read as the fields of a contact, become rows that keep every promise.

#![no_main]

#[path = "../../tests/match_keys/promises.rs"]
mod promises;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (contact, location) = promises::contact_of(bytes);
    promises::check(&contact, location);
});
