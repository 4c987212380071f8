//! Who is logged in. Kept in memory: a restart asks for the password again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A login ends after a week.
pub(super) const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
/// More logins at once than anybody has browsers; the oldest gives way.
const MOST: usize = 1000;

/// The ids of the logins and when each ends.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Instant>>);

impl Sessions {
    /// Begins a login under an id that nobody can guess.
    pub(super) fn begin(&self, id: String) {
        self.begin_at(id, Instant::now());
    }

    fn begin_at(&self, id: String, now: Instant) {
        let mut sessions = self.lock();
        sessions.retain(|_, end| *end > now);
        if sessions.len() >= MOST {
            let oldest = sessions.iter().min_by_key(|(_, end)| **end).map(|(id, _)| id.clone());
            oldest.and_then(|id| sessions.remove(&id));
        }
        sessions.insert(id, now + LIFETIME);
    }

    /// Whether the login has begun and not ended. The id is 256 random bits: what its comparison takes tells nothing.
    pub(super) fn contains(&self, id: &str) -> bool {
        self.contains_at(id, Instant::now())
    }

    fn contains_at(&self, id: &str, now: Instant) -> bool {
        self.lock().get(id).is_some_and(|end| *end > now)
    }

    /// Ends the login.
    pub(super) fn end(&self, id: &str) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{LIFETIME, MOST, Sessions};
    use std::time::{Duration, Instant};

    #[test]
    fn a_login_ends_by_itself_or_by_logout() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        sessions.begin_at("a".into(), now);
        sessions.begin_at("b".into(), now);
        let second = Duration::from_secs(1);
        assert!(sessions.contains_at("a", now + LIFETIME - second) && !sessions.contains_at("c", now));
        assert!(!sessions.contains_at("a", now + LIFETIME));
        sessions.end("b");
        assert!(!sessions.contains_at("b", now));
    }

    #[test]
    fn logins_do_not_pile_up() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        for number in 0..=MOST {
            sessions.begin_at(number.to_string(), now + Duration::from_millis(number as u64));
        }
        assert_eq!(sessions.lock().len(), MOST);
        assert!(!sessions.contains_at("0", now) && sessions.contains_at("1", now));
    }
}
