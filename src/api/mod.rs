//! The resource `KeyspacesCredential`, group `keyspaces.dev`, version `v1alpha1`. This module has only the types.
//! [`protocol`](keyspaces_credential_protocol) decides what they mean, and [`reconcile`](crate::reconcile) writes the status.

mod span;
mod spec;
mod status;

#[cfg(test)]
#[path = "../../tests/unit/api/schema_patterns.rs"]
mod tests;

pub use span::{InvalidSpan, Span};
pub use spec::{
    DeletionPolicy, ForeignCredentials, KeyspacesCredential, KeyspacesCredentialSpec, Rotation, RotationStrategy,
    SecretKeys, SecretSpec, SecretType,
};
pub use status::{
    Binding, FailuresStatus, FormerSecretStatus, IssuedStatus, KeyspacesCredentialStatus, OperationReason,
    OperationStatus, ResetInDoubtStatus, RetiringStage, RetiringStatus, UnresolvedStatus,
};

/// The annotation that asks for rotations: each new value asks for one.
pub const ROTATE_ANNOTATION: &str = "keyspaces.dev/rotate";
/// The annotation that ends the overlap of the replaced credential whose id it holds.
pub const RETIRE_ANNOTATION: &str = "keyspaces.dev/retire";
/// The finalizer. It stays until IAM is as the deletion policy says.
pub const FINALIZER: &str = "keyspaces.dev/iam-credential";
/// The name under which the operator writes, in `managedFields` and events.
pub const MANAGER: &str = "keyspaces-credential-operator";
