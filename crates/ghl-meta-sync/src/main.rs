//! ghl-meta-sync
fn main() {}
