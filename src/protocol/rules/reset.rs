//! Rotation by reset: the same credential and user name with another password (rule 14).
//!
//! A weaker promise than that of an overlap, for consumers that cannot take another user name. The old password dies
//! the moment IAM resets it, before the new one is published, and a crash in between makes that moment longer. A reset
//! whose reply was lost costs a second one. If it takes effect after that one, the published password is dead, and List
//! does not show that. So a last reset follows when no earlier one can take effect any more.

use std::ops::ControlFlow::{Break, Continue};

use crate::answer::{Report, Step};
use crate::facts::{CredentialId, Listed, Means, Usable};

use super::attempt::{abandon, dry_run};
use super::case::{Answer, Attempting, Case};

/// Brings a reset of this process to its end.
pub(crate) fn reset_the_password(case: &Attempting<'_>) -> Answer {
    let Means::Reset(id) = &case.operation.means else {
        return Continue(());
    };
    let epoch = case.operation.epoch;
    let secret = case.secret()?;
    let is_current = case.record().current_id() == Some(id) && secret.published_id() == Some(id);
    if !is_current || !is_usable(case, id)? {
        return Break(abandon(case));
    }
    // An earlier attempt may hold the password of its own reset, which this one makes useless. It must not be published
    // after this one.
    if case.operation.is_taken_over() && secret.fence() < epoch {
        return Break(Step::FenceSecret(epoch));
    }
    dry_run(case)?;
    Break(Step::Reset(epoch, id.clone()))
}

/// Whether IAM lists the credential as one that can log in.
pub(crate) fn is_usable(case: &Case<'_>, id: &CredentialId) -> Answer<bool> {
    case.listing()?;
    Continue(case.observed.shows(id, |usable| *usable == Usable::Yes))
}

/// A credential that IAM does not show, or shows as switched off, is not reset: a reset would not make it log in.
pub(crate) fn stall_if_not_usable(case: &Case<'_>, id: &CredentialId) -> Answer {
    case.listing()?;
    match case.observed.listed().find(|listed| listed.id == *id) {
        Some(Listed { usable: Usable::Yes, .. }) => Continue(()),
        Some(listed) => case.stall(Report::credential_inactive(case.resource(), listed)),
        None => case.stall(Report::credential_missing(id)),
    }
}
