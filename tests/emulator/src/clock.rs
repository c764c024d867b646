//! The emulator's clock: real time until a test stops or advances it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Real time, shifted, or stopped at an instant.
#[derive(Default)]
pub(crate) struct Clock {
    shift: Duration,
    stopped: Option<Timestamp>,
}

impl Clock {
    pub(crate) fn now(&self) -> Timestamp {
        later(self.stopped.unwrap_or_else(Timestamp::now), self.shift).unwrap_or(Timestamp::MAX)
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.shift = self.shift.saturating_add(by);
    }

    /// From now on only `advance` moves the clock.
    pub(crate) fn stop(&mut self) {
        self.stopped.get_or_insert_with(Timestamp::now);
    }

    /// Goes on with real time, keeping what was advanced.
    pub(crate) fn go(&mut self) {
        self.stopped = None;
    }
}

/// `instant` plus `by`; `None` when that never comes.
pub(crate) fn later(instant: Timestamp, by: Duration) -> Option<Timestamp> {
    instant.checked_add(SignedDuration::try_from(by).ok()?).ok()
}

/// ISO 8601 with seconds and Z, as IAM writes dates.
pub(crate) fn iso(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
