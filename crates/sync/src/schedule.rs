//! When the sync runs by itself: the schedule as it is written, the moments it names, and the minute tick.
//!
//! The tick decides nothing. Every minute it asks [`ScheduleState`], a pure state, what has become due since it was
//! last asked; that in turn rests on [`due_slots`], which knows both daylight-saving nights.

mod cron;
mod pulse;
mod slots;
mod state;
mod ticker;

#[cfg(test)]
mod cross_check;

pub use cron::{Cron, CronError};
pub use pulse::Pulse;
pub use slots::{due_slots, next_slots};
pub use state::{ScheduleState, Slot};
pub use ticker::Ticker;
