//! A file added to `static/` changes no source of this crate, so cargo has to be told to embed it.

fn main() {
    println!("cargo:rerun-if-changed=../../static");
}
