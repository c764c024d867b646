//! What to do next: one effect, or to wait.

use jiff::Timestamp;

use crate::facts::{CredentialId, Epoch, Record, SecretName};

use super::report::Report;

/// One effect, or to wait. The shell performs it and says what came of it; [`Observed::after`](crate::Observed::after)
/// is what that means for the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Read whether the namespace may ask for the IAM user.
    ReadGrant,
    /// Read which resource has the IAM user.
    ReadClaims,
    /// Read a Secret.
    ReadSecret(SecretName),
    /// List the user's credentials in IAM.
    ListCredentials,
    /// The same only because the last listing is old. Nothing waits for it.
    Resync,
    /// Read the Secret and then the resource again; if either changed, begin the pass anew.
    ConfirmListing,
    /// The facts contradict each other because they were read at different times: begin the pass anew.
    StartOver,
    /// Put the finalizer on the resource.
    AddFinalizer,
    /// Write the record, by compare-and-swap.
    Record(Box<Update>),
    /// Write the epoch on the Secret, so that writers of lower epochs lose.
    FenceSecret(Epoch),
    /// Try the write of the Secret as a dry run.
    DryRun(Epoch),
    /// Create a credential in IAM. Sent once.
    Create(Epoch),
    /// Reset the password of a credential in IAM. Sent once.
    Reset(Epoch, CredentialId),
    /// Write the credential in hand into the Secret, with the resourceVersion that was read.
    Publish(Epoch),
    /// Write the Secret's own credential again, as the spec wants it rendered.
    Render,
    /// Write the Secret's own credential into the wanted Secret as well.
    CopySecret,
    /// Delete a Secret that was moved from.
    DeleteFormerSecret(SecretName),
    /// Delete a credential in IAM.
    DeleteCredential(CredentialId, Disposal),
    /// Switch a replaced credential off in IAM.
    Deactivate(CredentialId),
    /// Take our ownership off the Secret, so that it outlives the resource.
    ReleaseSecret,
    /// Take the finalizer off the resource.
    RemoveFinalizer,
    /// Do nothing until a time, or until something changes.
    Wait {
        /// When to look again without being called.
        until: Option<Timestamp>,
        /// What to tell the user meanwhile. None: what was told last is still so.
        report: Option<Report>,
    },
}

impl Step {
    /// A write of the record.
    pub(crate) fn record(change: Change, record: Record) -> Self {
        Self::Record(Box::new(Update { change, record: record.in_whole_seconds(), report: None }))
    }

    /// A write of the record that tells the user how the resource stands.
    pub(crate) fn record_and_tell(change: Change, record: Record, report: Report) -> Self {
        Self::Record(Box::new(Update { change, record: record.in_whole_seconds(), report: Some(report) }))
    }
}

/// A write of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// What it means.
    pub change: Change,
    /// The record from now on.
    pub record: Record,
    /// What the same write tells the user.
    pub report: Option<Report>,
}

impl Update {
    /// Whether the attempt that it records is this process's from now on.
    pub(crate) fn begins_an_attempt(&self) -> bool {
        matches!(self.change, Change::Begin | Change::TakeOver)
    }
}

/// What a write of the record means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// An operation begins. Its attempt is this process's.
    Begin,
    /// A new attempt takes over from one whose outcome is unknown. It is this process's.
    TakeOver,
    /// Nothing is accepted any more that earlier attempts publish. It is the fence of a Secret that does not exist.
    CloseEarlier,
    /// The Secret's credential is accepted: it is the current one, and the operation is over.
    Accept,
    /// The operation is given up.
    Abandon,
    /// Nothing can show up in the window any more.
    CloseWindow,
    /// The replaced credential is switched off.
    MarkInactive,
    /// The replaced credential is gone.
    ForgetRetiring,
    /// The wanted Secret is about to hold the credential as well.
    AnnounceCopy,
    /// The wanted Secret is the one of the credential from now on.
    MoveSecret,
    /// A Secret that was moved from is gone.
    ForgetFormerSecret,
}

/// Why a credential is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disposal {
    /// An attempt whose outcome was unknown created it; nobody has its password.
    Leftover,
    /// It was replaced, and its overlap is over or its slot is needed.
    Retired,
    /// It is not ours, but its slot is needed and the owner allows it.
    Foreign,
    /// The resource is being deleted.
    ResourceDeleted,
}
