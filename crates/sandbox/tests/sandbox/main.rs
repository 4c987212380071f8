//! The sandbox over real HTTP and SMTP.

mod claude;
mod client;
mod control;
mod faults;
mod ghl;
mod ghl_search;
mod meta;
mod people;
mod smtp;
mod zz_time;
