//! The store on both engines, against real databases.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "the exception for tests covers only functions marked as tests, not what they share"
)]

mod configs;
mod contacts;
mod intentions;
mod leases;
mod mail;
mod migrations;
mod opening;
mod postgres_server;
mod runs;
mod steps;
mod support;
