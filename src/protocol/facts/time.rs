//! Arithmetic of times that cannot fail, and how far a recorded time is believed.

use jiff::{SignedDuration, Timestamp};

/// How far the operator's clock may be ahead of IAM's, which stamps the credentials. IAM refuses requests that are
/// further off (*Signature Version 4*, "Request expired").
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// `time + span`, or the end of time.
#[must_use]
pub fn later(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// `time - span`, or the beginning of time.
#[must_use]
pub fn earlier(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.checked_sub(span).unwrap_or(Timestamp::MIN)
}

/// Whether a recorded time may be right: the operator sets it at most `span` ahead of its clock, so one that is further
/// ahead of `now` was written under a wrong clock, or by somebody else. Waiting for such a time would never end (rule
/// 15).
#[must_use]
pub fn is_believable(time: Timestamp, span: SignedDuration, now: Timestamp) -> bool {
    time <= later(later(now, span), CLOCK_SKEW)
}

/// The time as Kubernetes stores it: whole seconds, rounded up.
///
/// A wait whose end is rounded down ends before the span is over. A message that names the exact time while the record
/// names the rounded one would change when the record is read again, and so would be written twice.
#[must_use]
pub fn whole_second(time: Timestamp) -> Timestamp {
    let seconds = time.as_second() + i64::from(time.subsec_nanosecond() > 0);
    Timestamp::from_second(seconds).unwrap_or(time)
}
