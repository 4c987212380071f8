//! The pages over real HTTP, as a browser gets them.

#![expect(clippy::unwrap_used, reason = "a test that can not set up its world must stop")]

mod dashboard;
mod dashboard_server;
mod protection;
mod run_page;
mod runs;
