//! Whether the resource may have its IAM user.

use std::collections::BTreeSet;

use super::names::CredentialId;

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

/// Which resource has the IAM user, by a quorum read of all resources that ask for it. Of those that are granted it,
/// the oldest has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Claim {
    /// This one: nobody else asks, or only resources of a lesser right that are doing nothing.
    Won,
    /// This one, but a resource of a lesser right has an operation or a window open. Each of the two could take a
    /// credential of the other for its own leftover.
    Contested,
    /// A resource of a better right.
    Lost {
        /// The name of that resource, told only inside the same namespace.
        winner: Option<String>,
        /// The credentials that resources of a better right call theirs, whatever the status of this one says.
        theirs: BTreeSet<CredentialId>,
    },
}
