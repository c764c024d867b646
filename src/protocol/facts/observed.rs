//! All facts of one decision.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::listing::{Listed, Listing, Usable};
use super::memory::Memory;
use super::names::{CredentialId, SecretName};
use super::resource::Resource;
use super::rights::{Claim, Grant};
use super::secret::SecretFact;

/// The facts of one decision. A pass reads them one by one: what was not read yet is `None`, or no entry of a map, and
/// the rule that needs it asks for it. So a pass makes no request that it does not need.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Observed {
    /// The resource as a quorum read showed it.
    pub resource: Resource,
    /// Whether the namespace may ask for the IAM user.
    pub grant: Option<Grant>,
    /// Which resource has the IAM user.
    pub claim: Option<Claim>,
    /// The Secrets as quorum reads showed them: the one of the credential, the one to move to, and those that were
    /// moved from.
    pub secrets: BTreeMap<SecretName, SecretFact>,
    /// Those of them that this pass has copied the credential to.
    pub copied: BTreeSet<SecretName>,
    /// The credentials of the IAM user.
    pub listing: Option<Listing>,
    /// Credentials that this pass deleted in IAM, or found gone when it tried to.
    pub deleted: BTreeSet<CredentialId>,
    /// Credentials that this pass switched off in IAM.
    pub deactivated: BTreeSet<CredentialId>,
    /// What this process remembers from earlier passes.
    pub memory: Memory,
    /// How the operator was told to behave.
    pub settings: Settings,
}

impl Observed {
    /// The facts at the beginning of a pass, when only the resource was read.
    #[must_use]
    pub fn new(resource: Resource, memory: Memory, settings: Settings) -> Self {
        Self {
            resource,
            grant: None,
            claim: None,
            secrets: BTreeMap::new(),
            copied: BTreeSet::new(),
            listing: None,
            deleted: BTreeSet::new(),
            deactivated: BTreeSet::new(),
            memory,
            settings,
        }
    }

    /// The Secret of the credential, if it was read.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretFact> {
        self.secrets.get(self.resource.secret_name())
    }

    /// The credentials that List shows, without those that this pass deleted.
    pub fn listed(&self) -> impl Iterator<Item = &Listed> {
        let shown = self.listing.iter().flat_map(|listing| &listing.credentials);
        shown.filter(|listed| !self.deleted.contains(&listed.id))
    }

    /// Whether both slots of the IAM user are taken, as far as List shows.
    pub(crate) fn has_two(&self) -> bool {
        self.listed().count() >= 2
    }

    /// Whether List shows this credential, and shows it so.
    pub(crate) fn shows(&self, id: &CredentialId, so: impl Fn(&Usable) -> bool) -> bool {
        self.listed().any(|listed| listed.id == *id && so(&listed.usable))
    }
}

/// How long things take, as the operator was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Settings {
    /// How long IAM may take to show what was done.
    pub consistency_window: SignedDuration,
    /// How long a password that cannot be published is held before it is given up.
    pub hold: SignedDuration,
    /// How often IAM is asked although nothing happened.
    pub resync: SignedDuration,
    /// How often a resource is looked at that waits for a human.
    pub recheck: SignedDuration,
}
