use sandbox::{Contacts, people::Population};
#[test]
fn time_it() {
    let t = std::time::Instant::now();
    let p = Population::new(&Contacts::Generated(1_000_000)).unwrap();
    eprintln!("TIME {:?} bytes {}", t.elapsed(), p.matching_bytes() / 1_000_000);
}
