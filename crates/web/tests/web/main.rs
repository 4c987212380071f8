//! The pages over real HTTP, as a browser gets them.

#![expect(clippy::unwrap_used, reason = "a test that can not set up its world must stop")]

mod api_choices;
mod api_refusals;
mod api_server;
mod api_sync;
mod auth;
mod behind_a_proxy;
mod contacts_file;
mod dashboard;
mod dashboard_server;
mod dashboard_states;
mod erase;
mod every_route;
mod fake_installation;
mod filters;
mod pages_actions;
mod pages_configuration;
mod pages_connections;
mod pages_filters;
mod pages_rules;
mod pages_settings;
mod pages_site;
mod preview;
mod protection;
mod run_page;
mod runs;
mod saved_lists;
mod setup_at_meta;
mod slow_clients;
