//! The client against scripted replies over real HTTP: reading, the oddities of the wire, and every documented error.
#![cfg(test)]

mod errors;
mod location;
mod opportunities;
mod pages;
mod ranges;
mod retries;
mod support;
mod v1;
