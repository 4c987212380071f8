//! The contacts of the benchmark as CSV on standard output: `cargo run --release -p sync --example stored_contacts [N]`.

#![expect(clippy::expect_used, reason = "a tool for developers")]

#[path = "../benches/stored/mod.rs"]
mod stored;

fn main() {
    let contacts = std::env::args().nth(1).map_or(100_000, |n| n.parse().expect("a number of contacts"));
    let mut out = csv::Writer::from_writer(std::io::stdout().lock());
    out.write_record(["email", "phone", "fn", "ln", "ct", "st", "zip", "country"]).expect("standard output");
    for contact in stored::stored(contacts) {
        out.write_record(stored::cells(&contact)).expect("standard output");
    }
    out.flush().expect("standard output");
}
