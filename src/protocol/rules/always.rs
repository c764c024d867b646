//! What comes before everything else.

use std::ops::ControlFlow::{Break, Continue};

use jiff::SignedDuration;

use crate::answer::{Report, Step};
use crate::facts::is_believable;

use super::case::{Answer, Case};

/// The longest pause that a failure sets.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// The finalizer is off a deleted resource: nothing is left to do, and Kubernetes removes it.
pub(crate) fn gone(case: &Case<'_>) -> Answer {
    if case.resource().deleting && !case.resource().finalizer {
        return Break(Step::Wait { until: None, report: None });
    }
    Continue(())
}

/// The owner of a suspended resource wants it left alone, also while it is being deleted.
pub(crate) fn suspended(case: &Case<'_>) -> Answer {
    if case.resource().suspended {
        return Break(Step::Wait { until: None, report: Some(Report::suspended(case.resource())) });
    }
    Continue(())
}

/// After a failure the operator waits (rule 16), unless the owner changed something since. A wait that ends further
/// ahead than any failure sets it was recorded under a wrong clock, and nobody would look at the resource for that long
/// (rule 15).
pub(crate) fn wait_after_failure(case: &Case<'_>) -> Answer {
    let Some(failures) = case.record().failures.filter(|_| !case.resource().changed_since_failure) else {
        return Continue(());
    };
    if case.now < failures.next && is_believable(failures.next, LONGEST_PAUSE, case.now) {
        return Break(Step::Wait { until: Some(failures.next), report: None });
    }
    Continue(())
}

/// The right to the IAM user is read before IAM is asked anything: without it no id could be attributed to this
/// resource (rules 1 and 2). The grant comes first: whoever is not granted the user learns nothing of who else has it.
/// A deletion needs no grant.
pub(crate) fn read_rights_and_secret(case: &Case<'_>) -> Answer {
    if !case.resource().deleting {
        case.grant()?;
    }
    case.claim()?;
    case.secret()?;
    Continue(())
}
