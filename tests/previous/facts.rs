//! What is known about one resource at the start of a decision.
//!
//! Everything here was read in this pass, but for [`Memory`], which this process remembers between passes. A fact that
//! was not read yet is `None`: [`decide`](crate::decide) then asks for it, so a pass makes no request that it does not need.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::memory::Memory;
use crate::names::{CredentialId, Epoch, IamUserName, SecretName};
use crate::recorded::{Issued, Recorded};

/// The facts of one decision.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Observed {
    /// The resource as a quorum read showed it.
    pub resource: Resource,
    /// Whether the namespace may ask for the IAM user.
    pub grant: Option<Grant>,
    /// Who else asks for the same IAM user.
    pub claim: Option<Claim>,
    /// The Secret as a quorum read showed it.
    pub secret: Option<SecretFact>,
    /// Further Secrets as quorum reads showed them, by name: the one to move to, and those that were moved from.
    pub others: BTreeMap<SecretName, SecretFact>,
    /// Those of them that this pass has written.
    pub copied: BTreeSet<SecretName>,
    /// The credentials of the IAM user.
    pub listing: Option<Listing>,
    /// Credentials that this pass removed from IAM, or found gone when it tried to.
    pub removed: BTreeSet<CredentialId>,
    /// Credentials that this pass switched off in IAM.
    pub deactivated: BTreeSet<CredentialId>,
    /// What this process remembers from earlier passes.
    pub memory: Memory,
    /// How the operator was told to behave.
    pub settings: Settings,
}

/// How long things take, as the operator was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Settings {
    /// How long IAM may take to show what happened.
    pub settle: SignedDuration,
    /// How long a password that cannot be published is held before it is given up.
    pub hold: SignedDuration,
    /// How often IAM is asked although nothing happened.
    pub resync: SignedDuration,
    /// How often a resource is looked at that waits for a human.
    pub recheck: SignedDuration,
}

/// The resource: what its owner wants and what its status records.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each read from another field of the resource")]
pub struct Resource {
    /// The IAM user whose credential is kept.
    pub iam_user: IamUserName,
    /// When the API server created it. Nobody can edit that.
    pub created_at: Timestamp,
    /// The Secret of the credential: the one that the open operation publishes to, else the one that the last operation
    /// published to, else the wanted one.
    pub secret_name: SecretName,
    /// `spec.secret.name`: the Secret to move to if it is another one.
    pub wanted_secret_name: SecretName,
    /// `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    /// Our finalizer is on it.
    pub finalizer: bool,
    /// `spec.suspend`.
    pub suspended: bool,
    /// `spec.deletionPolicy`.
    pub deletion_policy: DeletionPolicy,
    /// `spec.foreignCredentials`.
    pub foreign: ForeignPolicy,
    /// `spec.rotation`.
    pub rotation: Rotation,
    /// The value of the annotation that asks for a rotation.
    pub rotate: Option<String>,
    /// The value of the annotation that ends the overlap of the credential that it names.
    pub retire: Option<String>,
    /// The owner changed the spec or the annotation since the last failure: try at once.
    pub changed_since_failure: bool,
    /// What status records.
    pub recorded: Recorded,
}

/// How, and when, a credential is replaced, and how long the replaced one lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rotation {
    /// How.
    pub strategy: Strategy,
    /// How old a credential may become; unset: it is replaced only on request.
    pub interval: Option<SignedDuration>,
    /// How long a replaced credential goes on working.
    pub overlap: SignedDuration,
    /// How long it then stays, Inactive, before it is deleted.
    pub inactive_for: SignedDuration,
    /// Spreads the rotations of many resources. Stable for one resource.
    pub seed: u64,
}

/// How a rotation gets a new password. What is lost is always replaced by a new credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// By a second credential with a user name of its own; the first one goes on working for a while.
    Overlap,
    /// By resetting the password of the present credential. The old password dies before the new one is published.
    InPlace,
}

/// What to do with credentials of the IAM user that are not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ForeignPolicy {
    /// They are left alone.
    Keep,
    /// The oldest one is deleted when its slot is needed.
    Delete,
}

/// What becomes of the credential and the Secret when the resource is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeletionPolicy {
    /// Both go.
    Delete,
    /// Both stay.
    Retain,
}

/// Whether the namespace of the resource may ask for the IAM user, by a quorum read of the Namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Grant {
    /// It may.
    Granted,
    /// It may not, or not any more.
    Refused {
        /// The namespace, for the message.
        namespace: String,
        /// What it is granted instead, as its annotation says it.
        annotation: Option<String>,
    },
}

/// Who may have the IAM user, by a quorum read of all resources that ask for it. Of those that are granted it the oldest wins.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Claim {
    /// Nobody else asks, or only resources of a lesser right that are doing nothing.
    Won,
    /// A resource of a lesser right has an operation open or not settled, so one could take for its own what the other creates.
    Contested,
    /// A resource of a better right has it. Its name is told only inside the same namespace.
    Lost {
        /// The name of that resource.
        winner: Option<String>,
        /// The credentials that resources of a better right call theirs, whatever this one's status says.
        theirs: BTreeSet<CredentialId>,
    },
}

/// The Secret of `Resource::secret_name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretFact {
    /// A quorum read found none.
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
    pub(crate) fn published_id(&self) -> Option<&CredentialId> {
        self.published().map(|published| &published.credential.id)
    }

    /// The highest epoch that has written to the Secret.
    pub(crate) fn fence(&self) -> Epoch {
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
    /// The highest epoch that has written to it. A writer of a lower epoch has lost.
    pub fence: Epoch,
    /// Whether keys, labels and annotations are as the spec wants them.
    pub rendering: Rendering,
    /// `immutable: true`, which nobody can undo.
    pub immutable: bool,
}

/// A credential that was published.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Published {
    /// The credential.
    pub credential: Issued,
    /// The attempt that published it.
    pub epoch: Epoch,
}

/// Whether the Secret looks as the spec wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rendering {
    /// It does.
    Current,
    /// Another rendering of the same credential is due.
    Stale,
}

/// The reply of List, all pages.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Listing {
    /// The credentials that it showed.
    pub credentials: Vec<Listed>,
    /// When it was asked for.
    pub taken_at: Timestamp,
    /// The Secret and then the resource were read again after the listing and had not changed. Without this an id in the listing may belong
    /// to an operation that began after the resource was read.
    pub confirmed: bool,
}

/// A credential in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Listed {
    /// Its id.
    pub id: CredentialId,
    /// When IAM created it.
    pub created_at: Timestamp,
    /// Whether it can log in.
    pub usable: Usable,
}

/// Whether a credential can log in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Usable {
    /// Active.
    Yes,
    /// Inactive: somebody switched it off.
    No,
    /// A status that we do not know.
    Unknown(String),
}
