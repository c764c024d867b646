//! When to try again after a failure.

use jiff::{SignedDuration, Timestamp};

use crate::recorded::Failures;

/// How a failure is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// It will not go away by itself soon; a human has to act. Tried slowly.
    Terminal,
    /// It may be gone in a moment.
    Transient,
    /// Somebody else wrote first. Observe again.
    Conflict,
    /// Nobody knows whether it happened. Observe again, and never repeat it blindly.
    Ambiguous,
}

const TRANSIENT_FIRST: i64 = 1_000;
const TRANSIENT_LAST: i64 = 300_000;
const TERMINAL_FIRST: i64 = 15_000;
const TERMINAL_LAST: i64 = 600_000;

/// The record of one more failure. `seed` spreads resources that failed at the same moment; it is stable, so the
/// decision stays a function of its arguments.
#[must_use]
pub fn after(previous: Option<&Failures>, class: Class, seed: u64, now: Timestamp) -> Failures {
    let count = previous.map_or(0, |failures| failures.count).saturating_add(1);
    let (first, last) = match class {
        Class::Terminal => (TERMINAL_FIRST, TERMINAL_LAST),
        Class::Transient | Class::Conflict | Class::Ambiguous => (TRANSIENT_FIRST, TRANSIENT_LAST),
    };
    let doublings = (count - 1).min(20);
    let delay = first.saturating_mul(1 << doublings).min(last);
    // Up to a quarter more, so that a thousand resources do not come back in one second.
    let spread =
        i64::try_from(seed.wrapping_add(u64::from(count)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33).unwrap_or(0);
    let jitter = spread.rem_euclid(delay / 4 + 1);
    let next = now.checked_add(SignedDuration::from_millis(delay + jitter)).unwrap_or(Timestamp::MAX);
    Failures { count, last: now, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(class: Class) -> Vec<i128> {
        let now = Timestamp::UNIX_EPOCH;
        let mut failures = None;
        (0..40)
            .map(|_| {
                let next = after(failures.as_ref(), class, 7, now);
                failures = Some(next);
                next.next.duration_since(now).as_millis()
            })
            .collect()
    }

    #[test]
    fn delays_grow_and_are_bounded() {
        for (class, first, last) in
            [(Class::Transient, TRANSIENT_FIRST, TRANSIENT_LAST), (Class::Terminal, TERMINAL_FIRST, TERMINAL_LAST)]
        {
            let delays = delays(class);
            let (first, last) = (i128::from(first), i128::from(last));
            assert!(delays[0] >= first && delays[0] <= first * 5 / 4, "{delays:?}");
            assert!(delays.iter().all(|delay| *delay <= last * 5 / 4), "{delays:?}");
            assert!(delays[39] >= last, "{delays:?}");
        }
    }

    #[test]
    fn resources_that_fail_together_do_not_come_back_together() {
        let now = Timestamp::UNIX_EPOCH;
        let times: std::collections::BTreeSet<_> =
            (0..100).map(|seed| after(None, Class::Transient, seed, now).next).collect();
        assert!(times.len() > 50, "{} distinct times", times.len());
    }
}
