//! What to do next: one effect, or to wait.

use jiff::Timestamp;

use crate::names::{CredentialId, Epoch, SecretName};
use crate::recorded::{FormerSecret, Issued, Operation, ResetInDoubt, Retiring, Unresolved};
use crate::verdict::Verdict;

/// One effect, or to wait. The shell performs it, learns what came of it, and asks again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask the API server whether the namespace may ask for the IAM user.
    ReadGrant,
    /// Ask the API server who else wants the IAM user.
    ReadClaims,
    /// Read the Secret.
    ReadSecret,
    /// Read a further Secret: the one to move to, or one that was moved from.
    ReadOther(SecretName),
    /// List the user's credentials in IAM.
    ListCredentials,
    /// The same, although nothing happened: only because it was long ago. Nothing waits for it.
    Resync,
    /// Read the Secret and then the resource again; if either changed, begin the pass anew.
    ConfirmListing,
    /// The facts contradict each other because they were read at different times: begin the pass anew.
    StartOver,
    /// Put our finalizer on the resource.
    AddFinalizer,
    /// Record the intent in status, by compare-and-swap. The attempt is this process's from now on.
    BeginOperation(Operation),
    /// Write the epoch on the Secret, so that writers of lower epochs lose.
    FenceSecret(Epoch),
    /// Record in status that nothing is accepted any more that was published up to this epoch. It is the fence of a Secret that
    /// does not exist.
    VoidEarlier(Epoch),
    /// Dry-run the Secret's write.
    Preflight(Epoch),
    /// Create a credential in IAM. Sent once.
    Create(Epoch),
    /// Reset the password of a credential in IAM. Sent once.
    Reset(Epoch, CredentialId),
    /// Write the credential in hand into the Secret, with the resourceVersion that was read.
    Publish(Epoch),
    /// Record in status that the Secret's credential is the current one.
    Complete(Completion),
    /// Clear the operation without a result.
    Abandon(Settlement),
    /// Write the Secret's own credential again, as the spec wants it rendered.
    Rerender,
    /// Record in status that the Secret to move to is about to hold the credential as well.
    AnnounceCopy(Vec<FormerSecret>),
    /// Write the Secret's own credential into the Secret to move to as well.
    CopySecret,
    /// Record in status that the wanted Secret is the one from now on.
    Move(Vec<FormerSecret>),
    /// Delete a Secret that was moved from.
    DeleteFormer(SecretName),
    /// Take a Secret that was moved from off the record.
    ForgetFormer(SecretName),
    /// Delete a credential of ours from IAM.
    DeleteCredential(CredentialId, Disposal),
    /// Switch a replaced credential off in IAM.
    Deactivate(CredentialId),
    /// Record in status that the replaced credential is switched off.
    RecordInactive,
    /// Clear `retiring` in status.
    ForgetRetiring,
    /// Clear `unresolved` in status.
    Settle,
    /// Take our ownership off the Secret, so that it outlives the resource.
    ReleaseSecret,
    /// Take our finalizer off the resource.
    RemoveFinalizer,
    /// Do nothing until a time, or until something changes.
    Wait {
        /// When to look again without being called.
        until: Option<Timestamp>,
        /// What to tell the user meanwhile.
        verdict: Verdict,
    },
}

/// What status says once an operation is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The credential that the Secret holds.
    pub credential: Issued,
    /// The attempt that published it.
    pub published: Epoch,
    /// The credential that it replaced.
    pub retiring: Option<Retiring>,
    /// The epoch that is behind us.
    pub completed: Epoch,
    /// The rotation request that is handled.
    pub handled_rotate: Option<String>,
    /// Since when its password is in use: its age is counted from here.
    pub rotated_at: Timestamp,
    /// What may still show up.
    pub unresolved: Option<Unresolved>,
    /// The reset that may still land.
    pub reset_in_doubt: Option<ResetInDoubt>,
    /// What to tell the user.
    pub verdict: Verdict,
}

/// What status says once an operation is given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The epoch that is behind us.
    pub completed: Epoch,
    /// What may still show up.
    pub unresolved: Option<Unresolved>,
    /// The reset that may still land.
    pub reset_in_doubt: Option<ResetInDoubt>,
}

/// Why a credential of ours is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disposal {
    /// Created by an attempt whose reply was lost; nobody has its password.
    Orphan,
    /// Replaced, and its overlap is over or its slot is needed.
    Retired,
    /// Not ours, but its slot is needed and the owner allows it.
    Foreign,
    /// The resource is being deleted.
    ResourceDeleted,
}
