//! What a Secret shows.

use super::credential::Published;
use super::names::{CredentialId, Epoch};

/// A Secret that this resource publishes to, or has published to, as a quorum read showed it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretFact {
    /// The read found none.
    Absent,
    /// It is controlled by something else, or by nothing. It is never written.
    NotOurs,
    /// This resource controls it.
    Ours(OurSecret),
}

impl SecretFact {
    /// The credential that the Secret publishes for this resource.
    #[must_use]
    pub fn published(&self) -> Option<&Published> {
        match self {
            Self::Ours(ours) => ours.published.as_ref(),
            Self::Absent | Self::NotOurs => None,
        }
    }

    /// The id of that credential.
    #[must_use]
    pub fn published_id(&self) -> Option<&CredentialId> {
        self.published().map(|published| &published.credential.id)
    }

    /// The highest epoch on the Secret: a writer of a lower epoch has lost.
    #[must_use]
    pub fn fence(&self) -> Epoch {
        match self {
            Self::Ours(ours) => ours.fence,
            Self::Absent | Self::NotOurs => Epoch(0),
        }
    }
}

/// A Secret that this resource controls.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OurSecret {
    /// The credential in it, if its digest vouches for user name and password.
    pub published: Option<Published>,
    /// The highest epoch that has written to it.
    pub fence: Epoch,
    /// Whether keys, labels and annotations are as the spec wants them.
    pub rendering: Rendering,
    /// `immutable: true`, which nobody can undo.
    pub immutable: bool,
}

/// Whether the Secret looks as the spec wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rendering {
    /// It does.
    Current,
    /// It has to be rendered again with the same credential.
    Stale,
}
