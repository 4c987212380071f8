//! The client against scripted replies over real HTTP: every case of the reference's list, each with its outcome.
#![cfg(test)]

mod answers;
mod failures;
mod model;
mod request;
mod retries;
mod support;
