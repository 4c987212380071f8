//! The program as its users run it: the real binary, with an environment, against the simulators.
#![cfg(test)]

mod account;
mod backup;
mod bad_input;
mod browser;
mod californians;
mod checks;
mod claude;
mod clean_up;
mod contact_by_contact;
mod crash;
mod databases;
mod delivery;
mod demo;
mod erase;
mod follow_up;
mod in_the_browser;
mod instance;
mod invariants;
mod lists;
mod mails;
mod marks;
mod meta_errors;
mod packaging;
mod people;
mod preview;
mod refused;
mod retention;
mod serve;
mod stable;
mod values;
mod vendors;
mod warnings;
mod webhook;
mod won;
