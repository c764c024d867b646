//! What is known about one resource at the start of a decision.
//!
//! Everything here was read in this pass, but for [`Memory`], which this process remembers between passes. A fact that
//! was not read yet is `None`: [`decide`](crate::decide) then asks for it, so a pass makes no request that it does not need.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::names::{CredentialId, Epoch, IamUserName, SecretName, ServiceUserName};

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

/// The facts in status. Conditions are not among them: those are output.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Recorded {
    /// The credential that the Secret holds.
    pub credential: Option<Issued>,
    /// The credential that it replaced, which still works.
    pub retiring: Option<Retiring>,
    /// The write-ahead intent.
    pub operation: Option<Operation>,
    /// The epoch of the last operation that was completed or given up.
    pub completed: Epoch,
    /// The last rotation request that was handled.
    pub handled_rotate: Option<String>,
    /// When the Secret last got a new credential.
    pub rotated_at: Option<Timestamp>,
    /// An earlier attempt whose outcome may still show up.
    pub unresolved: Option<Unresolved>,
    /// A reset of the password that may still land.
    pub reset_in_doubt: Option<ResetInDoubt>,
    /// Secrets that the credential was moved from, which still hold it.
    pub former_secrets: Vec<FormerSecret>,
    /// Consecutive failures.
    pub failures: Option<Failures>,
}

/// A credential that IAM issued to us, without its password.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Issued {
    /// Its id.
    pub id: CredentialId,
    /// The user name that logs in with it.
    pub service_user_name: ServiceUserName,
    /// When IAM created it.
    pub issued_at: Timestamp,
}

/// A replaced credential in its overlap.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Retiring {
    /// Its id.
    pub id: CredentialId,
    /// The user name that logs in with it.
    pub service_user_name: ServiceUserName,
    /// When its replacement was accepted.
    pub since: Timestamp,
    /// Whether it still works.
    pub stage: RetiringStage,
}

/// How far a replaced credential has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RetiringStage {
    /// It works.
    Active,
    /// It is switched off in IAM, and can be switched on again by hand.
    Inactive,
}

/// Why a new credential is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The resource has none yet.
    First,
    /// The annotation asks for a rotation.
    Requested,
    /// The credential has reached the age that the spec allows.
    Scheduled,
    /// The Secret is gone, and the password with it.
    SecretLost,
    /// The Secret no longer holds what was published.
    SecretDamaged,
    /// IAM no longer has the credential.
    CredentialGone,
    /// A reset whose reply was lost may have landed late and killed the published password.
    ResetInDoubt,
}

/// How an operation gets a new password.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Means {
    /// Create a credential.
    Create,
    /// Reset the password of this one.
    Reset(CredentialId),
}

/// The write-ahead intent of replacing the credential.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Operation {
    /// The attempt that may create.
    pub epoch: Epoch,
    /// The epoch of the operation's first attempt; a later `epoch` means that an attempt's outcome is unknown.
    pub first_epoch: Epoch,
    /// Why.
    pub purpose: Purpose,
    /// How the new password comes about.
    pub means: Means,
    /// The Secret that it is published to. It stays the same for the whole operation: the fence of another one would stop nobody.
    pub secret_name: SecretName,
    /// The rotation request that completing this operation handles.
    pub rotate: Option<String>,
    /// When the first attempt began.
    pub started_at: Timestamp,
    /// When the present attempt began.
    pub attempted_at: Timestamp,
    /// The ids that List showed before the first attempt.
    pub baseline: BTreeSet<CredentialId>,
}

impl Operation {
    /// Whether an earlier attempt may have created a credential that nobody holds.
    #[must_use]
    pub fn recovering(&self) -> bool {
        self.epoch > self.first_epoch
    }
}

/// The window of an operation that is over but whose attempts are not all accounted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Unresolved {
    /// The last epoch of that operation.
    pub epoch: Epoch,
    /// The ids that List showed before its first attempt.
    pub baseline: BTreeSet<CredentialId>,
    /// When its first attempt began.
    pub started_at: Timestamp,
    /// When what has not shown up by then is believed not to have happened.
    pub until: Timestamp,
}

/// A reset whose outcome is not known. List shows no passwords, so the only remedy is another reset once this one can no
/// longer land.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResetInDoubt {
    /// The credential.
    pub id: CredentialId,
    /// When it can no longer land.
    pub until: Timestamp,
}

/// A Secret that the credential was moved from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FormerSecret {
    /// Its name.
    pub name: SecretName,
    /// Since when its successor is there.
    pub since: Timestamp,
}

/// Consecutive failures, kept in status so that a restart is no burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Failures {
    /// How many in a row.
    pub count: u32,
    /// When the last one was.
    pub last: Timestamp,
    /// Not before this time is the next try.
    pub next: Timestamp,
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

/// The Secret of the wanted name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretFact {
    /// A quorum read found none.
    Absent,
    /// It is controlled by something else, or by nothing. It is never written.
    NotOurs,
    /// This resource controls it.
    Ours(OurSecret),
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
            None if listing.taken_at < crate::decide::later(current.issued_at, settle) => Sighting::NotSeen,
            None => Sighting::Missing {
                id: current.id.clone(),
                since: self.missing_since(current).unwrap_or(listing.taken_at),
            },
        };
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
