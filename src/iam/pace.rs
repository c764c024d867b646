//! How often IAM is asked: one token bucket for the whole process.
//!
//! IAM throttles an account as a whole, and AWS does not say at which rate. Every other client in the account counts against
//! the same limit. So the operator keeps to a rate of its own, and halves its speed when IAM throttles it.
//!
//! Two other limiters do not fit. The SDK's (`RetryMode::Adaptive`) limits nothing before IAM throttles for the first time. It
//! also waits inside of `send`: the protocol has then already checked that it may create, and the wait counts against the
//! call's deadline. The crate `governor` has a fixed rate and no order among those who wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long the speed takes to rise from zero to the full rate.
const RECOVERY: Duration = Duration::from_mins(1);
/// The lowest speed that throttling leads to, as a part of the rate.
const SLOWEST: f64 = 1.0 / 16.0;

/// The rate that the operator is allowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Requests per second in the long run. More than zero.
    pub per_second: f64,
    /// Requests at once after a pause. At least one.
    pub burst: u32,
}

/// What a request is for. A change goes before a look, because the operator must act on what it has listed before that is
/// stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Create, Reset, Delete or Update.
    Change,
    /// A List that something waits for.
    Look,
}

/// The right to send one request.
#[derive(Debug)]
#[must_use]
pub struct Turn {
    given_at: Instant,
}

#[cfg(test)]
impl Turn {
    /// A turn that no bucket has given out.
    pub(super) fn for_test() -> Self {
        Self { given_at: Instant::now() }
    }
}

/// Gives out turns. To give a wait up, drop its future.
#[derive(Debug)]
pub(super) struct Pace {
    bucket: Mutex<Bucket>,
    changes: Line,
    looks: Line,
}

/// Those who wait, first come, first served.
#[derive(Debug, Default)]
struct Line {
    // Tokio's mutex is fair: whoever waits first gets it first.
    head: tokio::sync::Mutex<()>,
    waiting: AtomicUsize,
}

/// A place in a line, until it is dropped.
struct Place<'a>(&'a AtomicUsize);

impl Line {
    fn enter(&self) -> Place<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Place(&self.waiting)
    }

    fn is_empty(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pace {
    pub(super) fn new(rate: Rate) -> Self {
        Self { bucket: Mutex::new(Bucket::new(rate, Instant::now())), changes: Line::default(), looks: Line::default() }
    }

    /// Waits for a turn.
    pub(super) async fn turn(&self, urgency: Urgency) -> Turn {
        let line = match urgency {
            Urgency::Change => &self.changes,
            Urgency::Look => &self.looks,
        };
        let _place = line.enter();
        let _head = line.head.lock().await;
        loop {
            let now = Instant::now();
            let wait = if urgency == Urgency::Look && !self.changes.is_empty() {
                self.bucket().interval(now)
            } else {
                match self.bucket().take(now) {
                    Ok(turn) => return turn,
                    Err(wait) => wait,
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// A turn for a look that nothing waits for, if nobody else wants one.
    ///
    /// # Errors
    /// The time after which to ask again. Every caller gets another time, so that they do not all ask at once.
    pub(super) fn spare(&self) -> Result<Turn, Duration> {
        let somebody_waits = !self.changes.is_empty() || !self.looks.is_empty();
        self.bucket().spare(somebody_waits, Instant::now())
    }

    /// IAM has throttled the request that this turn was for.
    #[expect(clippy::needless_pass_by_value, reason = "a turn is for one request, and this is its end")]
    pub(super) fn throttled(&self, turn: Turn) {
        self.bucket().throttled(turn.given_at, Instant::now());
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The token bucket. It reads no clock: the caller passes the time.
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    tokens: f64,
    filled_at: Instant,
    /// When IAM last throttled us, and the speed from then on.
    slowed: Option<(Instant, f64)>,
    /// The latest time at which a caller of `spare` was told to ask again.
    booked_until: Instant,
}

impl Bucket {
    fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, tokens: f64::from(rate.burst), filled_at: now, slowed: None, booked_until: now }
    }

    /// Turns per second at a time.
    fn speed(&self, now: Instant) -> f64 {
        let most = self.rate.per_second;
        self.slowed.map_or(most, |(since, speed)| {
            let recovered = now.saturating_duration_since(since).as_secs_f64() / RECOVERY.as_secs_f64();
            (speed + most * recovered).min(most)
        })
    }

    /// The time between two turns.
    fn interval(&self, now: Instant) -> Duration {
        seconds(1.0 / self.speed(now))
    }

    fn fill(&mut self, now: Instant) {
        let gained = now.saturating_duration_since(self.filled_at).as_secs_f64() * self.speed(self.filled_at);
        self.tokens = (self.tokens + gained).min(f64::from(self.rate.burst));
        self.filled_at = now;
    }

    fn take(&mut self, now: Instant) -> Result<Turn, Duration> {
        self.fill(now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            Ok(Turn { given_at: now })
        } else {
            Err(seconds((1.0 - self.tokens) / self.speed(now)))
        }
    }

    fn spare(&mut self, somebody_waits: bool, now: Instant) -> Result<Turn, Duration> {
        if !somebody_waits && let Ok(turn) = self.take(now) {
            return Ok(turn);
        }
        self.booked_until = self.booked_until.max(now) + self.interval(now);
        Err(self.booked_until.saturating_duration_since(now))
    }

    fn throttled(&mut self, given_at: Instant, now: Instant) {
        // A request that was sent before the operator slowed down says nothing about the new speed.
        if self.slowed.is_some_and(|(since, _)| given_at <= since) {
            return;
        }
        self.fill(now);
        self.slowed = Some((now, (self.speed(now) / 2.0).max(self.rate.per_second * SLOWEST)));
        self.tokens = 0.0;
    }
}

/// A wait of at least a millisecond. A timer that fires early must not make a busy loop of it.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(RECOVERY).max(Duration::from_millis(1))
}

#[cfg(test)]
#[path = "../../tests/unit/iam/pace.rs"]
mod tests;
