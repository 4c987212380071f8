//! Reading a list completely: small lists by one cursor, larger ones in ranges at the same time
//! (`docs/decisions/reading-in-ranges.md`).

use crate::error::GhlError;
use crate::search::{Listing, Range, Search, Walk};
use domain::{Cancel, Cancelled, log_context};
use serde_json::value::RawValue;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Takes a page: its items and how many rows the list holds. `Break` ends the reading.
pub(crate) type Deliver<'a, T> = dyn FnMut(Vec<T>, u64) -> ControlFlow<()> + 'a;

/// Lists with fewer pages still to come are not worth the call that looks for their end.
const PAGES_WORTH_RANGES: usize = 4;
/// A range with fewer pages still to come is not shared.
const PAGES_WORTH_SHARING: usize = 2;
/// However long a page takes, not more are asked for at the same time: each has a thread, and is held in memory.
const MOST_AT_ONCE: usize = 32;
/// How soon a cancelled run is noticed while no page comes.
const LOOK_AROUND: Duration = Duration::from_millis(100);

impl<L: Listing> Search<'_, L> {
    /// Reads every row, in any order. With `in_ranges`, up to so many pages are asked for at the same time.
    ///
    /// Returns how many rows were read and how many there are; the former is not smaller.
    pub(crate) fn read_all(
        &self,
        in_ranges: Option<usize>,
        deliver: &mut Deliver<'_, L::Item>,
    ) -> Result<(u64, u64), GhlError> {
        let mut walk = Walk::new(Range::Whole);
        let begun = Instant::now();
        let Some(first) = walk.next_page(self)? else { return ended(&walk) };
        let page_takes = begun.elapsed();
        let total = walk.total;
        hand_over(deliver, first, total)?;
        let worth = PAGES_WORTH_RANGES * self.client.page_size();
        if let (Some(at_once), true) = (in_ranges, walk.left() > worth as u64)
            && let Some(position) = walk.position
            && let Some(newest) = self.newest()?
            && newest > position
        {
            let at_once = worth_at_once(at_once, self.client.calls_in(page_takes));
            walk = self.read_ranges(walk, position, newest, at_once, deliver)?;
        }
        // Behind the last range: what was added while the ranges were read, and mostly nothing.
        while let Some(page) = walk.next_page(self)? {
            hand_over(deliver, page, total.max(walk.total))?;
        }
        if walk.read < walk.total && walk.undated == 0 {
            let mut undated = Walk::new(Range::Undated);
            let by_range = |error: GhlError| error.met_in_ranges(walk.read, walk.total);
            while let Some(page) = undated.next_page(self).map_err(by_range)? {
                hand_over(deliver, page, total)?;
            }
            walk.read += undated.read;
        }
        ended(&walk)
    }

    /// Reads from `position`, where `first` stands, up to `newest`. Returns the way on behind the last row of all.
    fn read_ranges(
        &self,
        first: Walk,
        position: i64,
        newest: i64,
        at_once: usize,
        deliver: &mut Deliver<'_, L::Item>,
    ) -> Result<Walk, GhlError> {
        let (total, undated) = (first.total, first.undated);
        let stop = Cancel::new();
        let search = Search { cancel: &stop, ..*self };
        let work = Work::new(cut(first, position, newest, at_once), newest, self.client.page_size() as u64);
        let context = log_context::current();
        let delivered = std::thread::scope(|scope| {
            let (send, receive) = mpsc::sync_channel(at_once);
            for _ in 0..at_once {
                let (search, work, send, context) = (&search, &work, send.clone(), context);
                scope.spawn(move || {
                    let _context = log_context::enter(context);
                    work.run(search, &send);
                });
            }
            drop(send);
            let delivered = loop {
                match receive.recv_timeout(LOOK_AROUND) {
                    Ok(page) => {
                        if let Err(error) = hand_over(deliver, page, total) {
                            break Err(error);
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break Ok(()),
                }
                if let Err(cancelled) = self.cancel.check() {
                    break Err(cancelled.into());
                }
            };
            stop.cancel();
            delivered
        });
        delivered?;
        let done = work.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = done.failed {
            return Err(error.met_in_ranges(done.read, total));
        }
        let mut behind = Walk::new(Range::Whole);
        behind.read = done.read + undated;
        behind.undated = undated;
        behind.cursor = done.last.map(|(_, cursor)| cursor);
        Ok(behind)
    }
}

impl<L> Clone for Search<'_, L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Search<'_, L> {}

/// How many pages to ask for at the same time: as many as the quota allows while a page is on its way.
fn worth_at_once(at_least: usize, calls_while_a_page_comes: usize) -> usize {
    at_least.max(2).max((calls_while_a_page_comes + 1).min(MOST_AT_ONCE))
}

fn hand_over<T>(deliver: &mut Deliver<'_, T>, page: Vec<T>, total: u64) -> Result<(), GhlError> {
    match deliver(page, total) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Cancelled.into()),
    }
}

fn ended(walk: &Walk) -> Result<(u64, u64), GhlError> {
    let (read, total) = (walk.read, walk.total);
    if read < total { Err(GhlError::Incomplete { read, total }) } else { Ok((read, total)) }
}

/// Cuts what follows `first` into parts of equal time; `first` goes on with the oldest.
fn cut(mut first: Walk, position: i64, newest: i64, parts: usize) -> VecDeque<Walk> {
    let undated = std::mem::take(&mut first.undated);
    first.read -= undated;
    first.range = Range::Added { from: None, until: None };
    first.total -= undated;
    let mut walks = VecDeque::new();
    walks.extend(share(&mut first, position, newest, parts));
    walks.push_front(first);
    walks
}

/// Leaves the oldest of `parts` parts of equal time to the walk, which stands at `position`, and returns the others. A
/// cut lies behind `position`, so that the rest of the rows of that moment stays with the walk, and not behind `newest`.
fn share(walk: &mut Walk, position: i64, newest: i64, parts: usize) -> Vec<Walk> {
    let Range::Added { from, until } = walk.range else { return Vec::new() };
    let end = until.map_or(newest, |until| (until - 1).min(newest));
    let whole = i128::from(end) - i128::from(position);
    let mut cuts: Vec<i64> = (1..parts as i128)
        .filter_map(|part| i64::try_from(i128::from(position) + whole * part / parts as i128).ok())
        .filter(|at| *at > position && *at <= end)
        .collect();
    cuts.dedup();
    let Some(first_cut) = cuts.first().copied() else { return Vec::new() };
    let each = walk.left() / (cuts.len() as u64 + 1);
    walk.range = Range::Added { from, until: Some(first_cut) };
    walk.total = walk.read + each;
    let ends = cuts.iter().skip(1).map(|at| Some(*at)).chain([until]);
    cuts.iter()
        .zip(ends)
        .map(|(from, until)| {
            let mut part = Walk::new(Range::Added { from: Some(*from), until });
            part.total = each;
            part
        })
        .collect()
}

/// Ends the work when its thread panics; else the others would wait for a range of it for ever.
struct Panic<'a> {
    work: &'a Work,
    cancel: &'a Cancel,
}

impl Drop for Panic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.work.lock().failed.get_or_insert(Cancelled.into());
            self.work.changed.notify_all();
            self.cancel.cancel();
        }
    }
}

/// The ranges that threads read at the same time. Whoever has none left is given a part of another's.
struct Work {
    state: Mutex<State>,
    changed: Condvar,
    newest: i64,
    page_size: u64,
}

struct State {
    waiting: VecDeque<Walk>,
    /// Threads that have a range, and threads that wait for one.
    busy: usize,
    idle: usize,
    /// Rows read by the walks that ended.
    read: u64,
    /// The newest row that was read, with its cursor.
    last: Option<(i64, Box<RawValue>)>,
    failed: Option<GhlError>,
}

impl Work {
    fn new(waiting: VecDeque<Walk>, newest: i64, page_size: u64) -> Self {
        let state = State { waiting, busy: 0, idle: 0, read: 0, last: None, failed: None };
        Self { state: Mutex::new(state), changed: Condvar::new(), newest, page_size }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads ranges until there are none left, or until somebody failed or nobody takes the pages any more.
    fn run<L: Listing>(&self, search: &Search<'_, L>, pages: &SyncSender<Vec<L::Item>>) {
        let _nobody_waits_for_a_panic = Panic { work: self, cancel: search.cancel };
        while let Some(mut walk) = self.take() {
            let result = loop {
                match walk.next_page(search) {
                    Ok(None) => break Ok(()),
                    Ok(Some(page)) => {
                        if pages.send(page).is_err() {
                            break Err(Cancelled.into());
                        }
                        self.share(&mut walk);
                    }
                    Err(error) => break Err(error),
                }
            };
            // In this order: what the others fail with from now on is only the cancellation.
            let failed = result.is_err();
            self.put_down(walk, result);
            if failed {
                search.cancel.cancel();
            }
        }
    }

    fn take(&self) -> Option<Walk> {
        let mut state = self.lock();
        loop {
            if state.failed.is_some() {
                return None;
            }
            if let Some(walk) = state.waiting.pop_front() {
                state.busy += 1;
                return Some(walk);
            }
            if state.busy == 0 {
                return None;
            }
            state.idle += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    fn put_down(&self, walk: Walk, result: Result<(), GhlError>) {
        let mut state = self.lock();
        state.busy -= 1;
        state.read += walk.read;
        if let (Some(position), Some(cursor)) = (walk.position, walk.cursor)
            && state.last.as_ref().is_none_or(|(last, _)| position > *last)
        {
            state.last = Some((position, cursor));
        }
        if let Err(error) = result {
            state.failed.get_or_insert(error);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Gives a part of the rest to each thread that waits.
    fn share(&self, walk: &mut Walk) {
        let mut state = self.lock();
        let hungry = state.idle.saturating_sub(state.waiting.len());
        let Some(position) = walk.position else { return };
        if hungry == 0 || walk.left() <= self.page_size * PAGES_WORTH_SHARING as u64 {
            return;
        }
        state.waiting.extend(share(walk, position, self.newest, hungry + 1));
        drop(state);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_AT_ONCE, worth_at_once};

    #[test]
    fn the_longer_a_page_takes_the_more_are_asked_for_at_once() {
        assert_eq!(worth_at_once(10, 3), 10, "300 ms a page: ten are more than the quota needs");
        assert_eq!(worth_at_once(10, 29), 30, "3 s a page: ten would leave two thirds of the quota unused");
        assert_eq!(worth_at_once(10, 900), MOST_AT_ONCE);
        assert_eq!(worth_at_once(0, 0), 2);
        assert_eq!(worth_at_once(60, 0), 60, "a setting is kept to");
    }
}
