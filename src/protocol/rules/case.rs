//! The case: the facts and the time of one decision, and the reads that a rule breaks with when a fact is missing.

use std::ops::ControlFlow::{self, Break, Continue};
use std::ops::Deref;

use jiff::Timestamp;

use crate::answer::{Report, Step};
use crate::facts::{
    Claim, DeletionPolicy, Grant, Listing, Means, Observed, Operation, Record, Resource, SecretFact, SecretName,
    Settings, Stage, later,
};

/// What a rule says: `Break` with a step, or `Continue` where it has nothing to say. `?` on the read of a fact breaks
/// with the step that reads it, so no rule deals with a fact that is missing.
pub(crate) type Answer<T = ()> = ControlFlow<Step, T>;

/// The step of the first rule that has one.
pub(crate) fn first<C>(rules: &[fn(&C) -> Answer], case: &C) -> Option<Step> {
    rules.iter().find_map(|rule| rule(case).break_value())
}

/// In which part of its life the resource is.
pub(crate) enum Phase<'a> {
    /// It is being deleted.
    Deleting,
    /// An operation is open.
    Attempting(Attempting<'a>),
    /// No operation is open.
    AtRest,
}

/// The facts of one decision and the given time.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) observed: &'a Observed,
    pub(crate) now: Timestamp,
}

impl<'a> Case<'a> {
    pub(crate) fn phase(&self) -> Phase<'a> {
        match self.attempting() {
            _ if self.resource().deleting => Phase::Deleting,
            Some(attempting) => Phase::Attempting(attempting),
            None => Phase::AtRest,
        }
    }

    /// The case with its open operation, if there is one.
    pub(crate) fn attempting(&self) -> Option<Attempting<'a>> {
        self.record().operation.as_ref().map(|operation| Attempting { case: *self, operation })
    }

    pub(crate) fn resource(&self) -> &'a Resource {
        &self.observed.resource
    }

    pub(crate) fn record(&self) -> &'a Record {
        &self.observed.resource.record
    }

    pub(crate) fn settings(&self) -> &'a Settings {
        &self.observed.settings
    }

    /// `deletionPolicy: Retain`, whether or not the resource is being deleted.
    pub(crate) fn retains(&self) -> bool {
        self.resource().deletion_policy == DeletionPolicy::Retain
    }

    pub(crate) fn grant(&self) -> Answer<&'a Grant> {
        known_or(self.observed.grant.as_ref(), || Step::ReadGrant)
    }

    pub(crate) fn claim(&self) -> Answer<&'a Claim> {
        known_or(self.observed.claim.as_ref(), || Step::ReadClaims)
    }

    /// The Secret of the credential.
    pub(crate) fn secret(&self) -> Answer<&'a SecretFact> {
        self.secret_named(self.resource().secret_name())
    }

    pub(crate) fn secret_named(&self, name: &SecretName) -> Answer<&'a SecretFact> {
        known_or(self.observed.secrets.get(name), || Step::ReadSecret(name.clone()))
    }

    pub(crate) fn listing(&self) -> Answer<&'a Listing> {
        known_or(self.observed.listing.as_ref(), || Step::ListCredentials)
    }

    /// The listing, after Secret and resource were read again and had not changed.
    pub(crate) fn confirmed_listing(&self) -> Answer<&'a Listing> {
        let listing = self.listing()?;
        if listing.confirmed { Continue(listing) } else { Break(Step::ConfirmListing) }
    }

    /// Waits for a change. The resource is looked at again at the pace of `recheck`.
    pub(crate) fn stall(&self, report: Report) -> Answer {
        wait(later(self.now, self.settings().recheck), report)
    }

    /// Stalls if there is something to report.
    pub(crate) fn stall_on(&self, report: Option<Report>) -> Answer {
        report.map_or(Continue(()), |report| self.stall(report))
    }
}

/// Waits for a time.
pub(crate) fn wait(until: Timestamp, report: Report) -> Answer {
    Break(Step::Wait { until: Some(until), report: Some(report) })
}

/// The case while an operation is open.
#[derive(Clone, Copy)]
pub(crate) struct Attempting<'a> {
    case: Case<'a>,
    pub(crate) operation: &'a Operation,
}

impl<'a> Attempting<'a> {
    /// The stage of the present attempt, if it is one of this process.
    pub(crate) fn own_stage(&self) -> Option<&'a Stage> {
        let attempt = self.observed.memory.attempt.as_ref();
        attempt.filter(|attempt| attempt.epoch == self.operation.epoch).map(|attempt| &attempt.stage)
    }

    /// Whether the operation resets a password.
    pub(crate) fn is_reset(&self) -> bool {
        matches!(self.operation.means, Means::Reset(_))
    }
}

impl<'a> Deref for Attempting<'a> {
    type Target = Case<'a>;

    fn deref(&self) -> &Case<'a> {
        &self.case
    }
}

fn known_or<T>(fact: Option<&T>, read: impl FnOnce() -> Step) -> Answer<&T> {
    fact.map_or_else(|| Break(read()), Continue)
}
