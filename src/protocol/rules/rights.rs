//! What keeps a resource from having a credential or from publishing it.

use std::ops::ControlFlow::{Break, Continue};

use jiff::SignedDuration;

use crate::answer::{Report, Step};
use crate::facts::{Claim, Grant, OurSecret, SecretFact, SecretName, later};
use crate::rights::remedy;

use super::case::{Answer, Case};

/// How soon a contested resource is looked at again. An operation takes seconds, a window minutes.
const CONTESTED: SignedDuration = SignedDuration::from_secs(5);

/// What keeps the resource from having a credential of the IAM user at all (rule 2).
pub(crate) fn without_right(case: &Case<'_>) -> Answer<Option<Report>> {
    let resource = case.resource();
    Continue(match (case.grant()?, case.claim()?) {
        (Grant::Refused { namespace, annotation }, _) => {
            let remedy = remedy(&resource.iam_user, namespace, annotation.as_deref());
            Some(Report::iam_user_not_granted(resource, namespace, &remedy))
        }
        (Grant::Granted, Claim::Lost { winner, .. }) => Some(Report::iam_user_in_use(resource, winner.as_deref())),
        (Grant::Granted, Claim::Won | Claim::Contested) => None,
    })
}

/// What keeps anything from being published to a Secret.
pub(crate) fn unwritable(name: &SecretName, secret: &SecretFact) -> Option<Report> {
    match secret {
        SecretFact::NotOurs => Some(Report::secret_conflict(name)),
        SecretFact::Ours(OurSecret { immutable: true, .. }) => Some(Report::secret_immutable(name)),
        SecretFact::Absent | SecretFact::Ours(_) => None,
    }
}

/// Without the right nothing is created or changed. Leftovers were deleted before this: they are nobody else's.
pub(crate) fn stall_without_right(case: &Case<'_>) -> Answer {
    case.stall_on(without_right(case)?)
}

/// The resource that has the user waits while another resource of the user has an operation or a window open (rule 2).
/// Each could delete the credential of the other as its own leftover.
pub(crate) fn wait_while_contested(case: &Case<'_>) -> Answer {
    if *case.claim()? == Claim::Contested {
        let until = later(case.now, CONTESTED.min(case.settings().recheck));
        return Break(Step::Wait { until: Some(until), report: Some(Report::iam_user_contested(case.resource())) });
    }
    Continue(())
}
