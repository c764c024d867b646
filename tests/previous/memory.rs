//! What one process remembers of a resource between its passes.

use jiff::{SignedDuration, Timestamp};

use crate::decide::later;
use crate::facts::{Listed, Listing, Usable};
use crate::names::{CredentialId, Epoch};
use crate::recorded::{Failures, Issued};

/// What this process remembers of a resource between passes. A restart loses it, and nothing rests on it but economy
/// and the password in hand.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Memory {
    /// The attempt that this process began.
    pub attempt: Option<Attempt>,
    /// When IAM was last asked.
    pub listed_at: Option<Timestamp>,
    /// How IAM last showed the credential that was current then.
    pub sighting: Sighting,
}

impl Memory {
    /// Takes in a listing. A credential younger than `settle` is not missed: List may be late to show it.
    pub fn learn(&mut self, listing: &Listing, current: Option<&Issued>, settle: SignedDuration) {
        self.listed_at = Some(listing.taken_at);
        let Some(current) = current else {
            self.sighting = Sighting::NotSeen;
            return;
        };
        let found = listing.credentials.iter().find(|listed| listed.id == current.id);
        self.sighting = match found {
            Some(Listed { usable: Usable::Yes, .. }) => Sighting::Usable,
            Some(listed) => Sighting::Unusable(listed.clone()),
            None if listing.taken_at < later(current.issued_at, settle) => Sighting::NotSeen,
            None => Sighting::Missing {
                id: current.id.clone(),
                since: self.missing_since(current).unwrap_or(listing.taken_at),
            },
        };
    }

    /// A dry run is not believed after a wait: quota, rights and admission may be others by then.
    pub fn forget_dry_run(&mut self) {
        if let Some(Attempt { stage: stage @ Stage::Preflighted, .. }) = &mut self.attempt {
            *stage = Stage::Begun;
        }
    }

    /// The wait after a failure. It may have grown longer than a password in hand is held, so that would be given up without
    /// another try: one more comes after half of that time.
    #[must_use]
    pub fn once_more_before_giving_up(&self, failures: Failures, hold: SignedDuration) -> Failures {
        match self.attempt.as_ref().map(|attempt| &attempt.stage) {
            Some(Stage::InHand { since, .. }) => {
                let once_more = Some(later(*since, hold / 4)).filter(|at| *at > failures.last);
                Failures { next: once_more.map_or(failures.next, |at| at.min(failures.next)), ..failures }
            }
            Some(Stage::Begun | Stage::Preflighted) | None => failures,
        }
    }

    /// Whether what IAM last showed speaks against the current credential.
    #[must_use]
    pub fn doubts(&self, current: &Issued) -> bool {
        self.missing_since(current).is_some() || self.unusable(current).is_some()
    }

    /// Since when List does not show the current credential.
    pub(crate) fn missing_since(&self, current: &Issued) -> Option<Timestamp> {
        match &self.sighting {
            Sighting::Missing { id, since } => (*id == current.id).then_some(*since),
            Sighting::NotSeen | Sighting::Usable | Sighting::Unusable(_) => None,
        }
    }

    /// How List shows the current credential, if it is there and cannot log in.
    pub(crate) fn unusable(&self, current: &Issued) -> Option<&Listed> {
        match &self.sighting {
            Sighting::Unusable(listed) => Some(listed).filter(|listed| listed.id == current.id),
            Sighting::NotSeen | Sighting::Usable | Sighting::Missing { .. } => None,
        }
    }
}

/// How IAM last showed the credential that was current then. It may have been replaced since, by this process or by another,
/// so what counts against a credential names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Sighting {
    /// Not looked, or too young to tell.
    #[default]
    NotSeen,
    /// There and Active.
    Usable,
    /// There and not Active.
    Unusable(Listed),
    /// Not there.
    Missing {
        /// The credential.
        id: CredentialId,
        /// Since when.
        since: Timestamp,
    },
}

/// An attempt of this process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// The epoch that this process wrote.
    pub epoch: Epoch,
    /// How far it came.
    pub stage: Stage,
}

/// How far an attempt came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The intent is in status; no Create and no Reset was sent in this epoch.
    Begun,
    /// The Secret's write was accepted as a dry run.
    Preflighted,
    /// IAM issued a credential, or a new password for one; this process alone knows the password.
    InHand {
        /// The credential.
        id: CredentialId,
        /// Since when.
        since: Timestamp,
    },
}
