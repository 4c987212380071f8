//! A new migration folder must rebuild the crate: the embedding macro alone does not notice it.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
