//! The store on both engines, against real databases.

#![expect(
    clippy::unwrap_used,
    reason = "the exception for tests covers only functions marked as tests, not what they share"
)]

mod backup;
mod bucket_contacts;
mod configs;
mod contacts;
mod follow_up;
mod intentions;
mod leases;
mod leaving;
mod made_audiences;
mod members;
mod migrations;
mod opening;
mod outbox;
mod query_plans;
mod retention;
mod run_neighbours;
mod runs;
mod saved_filters;
mod saved_settings;
mod schedule;
mod standing;
mod steps;
mod support;
mod tls;
