//! What the owner of a resource asks for.

#![allow(clippy::duplicated_attributes, reason = "each printcolumn has a name and a type")]
#![allow(unreachable_pub, reason = "KubeSchema derives a public shadow of each struct to carry the CEL rules")]

use std::collections::BTreeMap;

use kube::CustomResource;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::span::Span;
use super::status::KeyspacesCredentialStatus;

/// Keeps a service-specific credential of an IAM user for Amazon Keyspaces in a Secret: user name and password for CQL.
/// The credential is created at the first reconcile, rotated when the annotation keyspaces.dev/rotate gets a new value, and
/// removed from IAM when the resource is deleted.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "keyspaces.dev",
    version = "v1alpha1",
    kind = "KeyspacesCredential",
    plural = "keyspacescredentials",
    shortname = "kscred",
    category = "keyspaces",
    namespaced,
    status = "KeyspacesCredentialStatus",
    selectable = ".spec.iamUserName",
    doc = "Keeps a service-specific credential of an IAM user for Amazon Keyspaces in a Secret.",
    printcolumn(json_path = ".status.conditions[?(@.type==\"Ready\")].status", name = "Ready", type_ = "string"),
    printcolumn(json_path = ".status.credential.serviceUserName", name = "Service User", type_ = "string"),
    printcolumn(json_path = ".status.binding.name", name = "Secret", type_ = "string"),
    printcolumn(json_path = ".metadata.creationTimestamp", name = "Age", type_ = "date"),
    printcolumn(
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        name = "Reason",
        type_ = "string",
        priority = 1
    ),
    printcolumn(json_path = ".spec.iamUserName", name = "IAM User", type_ = "string", priority = 1),
    printcolumn(json_path = ".status.credential.id", name = "Credential", type_ = "string", priority = 1),
    printcolumn(json_path = ".status.retiring.serviceUserName", name = "Retiring", type_ = "string", priority = 1)
)]
#[serde(rename_all = "camelCase")]
pub struct KeyspacesCredentialSpec {
    /// The IAM user whose credential this is. The user must exist; the operator never creates or deletes users. Only one
    /// resource per user gets a credential: the oldest one whose namespace is granted the user. Cannot be changed.
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[A-Za-z0-9_+=,.@-]+$"))]
    #[x_kube(validation = Rule::new("self == oldSelf")
        .message("spec.iamUserName cannot be changed: create another resource for the other user, then delete this one"))]
    pub iam_user_name: String,

    /// The Secret that holds user name and password.
    #[serde(default)]
    pub secret: SecretSpec,

    /// How the credential is replaced.
    #[serde(default)]
    pub rotation: Rotation,

    /// What the operator does with credentials of the IAM user that this resource did not create. Keep: it leaves them alone.
    /// If one of them occupies the slot that a new credential needs, the resource waits and reports that. Delete: when it needs
    /// the slot, it deletes the oldest of them, and an event says which one.
    #[serde(default)]
    pub foreign_credentials: ForeignCredentials,

    /// What happens when the resource is deleted. Delete: the operator deletes the credential from IAM, and the Secret is
    /// deleted too. Retain: the credential, a replaced one in its overlap, and the Secret stay, and the operator no longer
    /// manages them.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// While true, the operator does nothing for this resource: no call to IAM, no write of the Secret, and a deletion waits.
    #[serde(default)]
    pub suspend: bool,
}

/// The Secret that holds user name and password.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new(
    "self.type != 'kubernetes.io/basic-auth' || self.keys.username == 'username' || self.keys.password == 'password'"
).message("type kubernetes.io/basic-auth needs the key username or the key password; rename at most one of them or use type Opaque"))]
pub struct SecretSpec {
    /// The name of the Secret, in the namespace of the resource. The default is the name of the resource. The operator never
    /// overwrites a Secret that exists already and is not controlled by this resource. If the name is changed, the operator
    /// writes the same credential to a Secret of the new name. It deletes the old Secret after rotation.overlap, or after twice
    /// its --hold if that is longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        with = "String",
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: Option<String>,

    /// The type of the Secret. Cannot be changed.
    #[serde(default, rename = "type")]
    #[x_kube(validation = Rule::new("self == oldSelf")
        .message("spec.secret.type cannot be changed: Kubernetes does not allow it for a Secret"))]
    pub type_: SecretType,

    /// Labels to put on the Secret. The resource's own labels are not copied.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    #[x_kube(validation = Rule::new("self.all(key, !key.matches('(^|[.])keyspaces[.]dev/'))")
        .message("labels of keyspaces.dev belong to the operator"))]
    pub labels: BTreeMap<String, String>,

    /// Annotations to put on the Secret, for instance those of a reloader. The resource's own annotations are not copied.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    #[x_kube(validation = Rule::new("self.all(key, !key.matches('(^|[.])keyspaces[.]dev/'))")
        .message("annotations of keyspaces.dev belong to the operator"))]
    pub annotations: BTreeMap<String, String>,

    /// The names of the keys in the Secret.
    #[serde(default)]
    pub keys: SecretKeys,
}

/// The type of the Secret.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretType {
    #[default]
    #[serde(rename = "kubernetes.io/basic-auth")]
    #[allow(missing_docs, reason = "a doc comment would turn the enum of the schema into a oneOf")]
    BasicAuth,
    #[allow(missing_docs, reason = "as above")]
    Opaque,
}

impl SecretType {
    /// The type as the Secret carries it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BasicAuth => "kubernetes.io/basic-auth",
            Self::Opaque => "Opaque",
        }
    }
}

/// The names of the keys in the Secret.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.username != self.password").message("username and password need keys of their own"))]
pub struct SecretKeys {
    /// The key that holds the user name.
    #[serde(default = "default_username_key")]
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[-._a-zA-Z0-9]+$"))]
    #[x_kube(validation = Rule::new("self != '.' && !self.startsWith('..')").message("a key must not be . or begin with .."))]
    pub username: String,

    /// The key that holds the password.
    #[serde(default = "default_password_key")]
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[-._a-zA-Z0-9]+$"))]
    #[x_kube(validation = Rule::new("self != '.' && !self.startsWith('..')").message("a key must not be . or begin with .."))]
    pub password: String,
}

fn default_username_key() -> String {
    "username".to_owned()
}

fn default_password_key() -> String {
    "password".to_owned()
}

impl Default for SecretKeys {
    fn default() -> Self {
        Self { username: default_username_key(), password: default_password_key() }
    }
}

/// What to do with credentials of the IAM user that this resource did not create.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ForeignCredentials {
    #[default]
    #[allow(missing_docs, reason = "a doc comment would turn the enum of the schema into a oneOf")]
    Keep,
    #[allow(missing_docs, reason = "as above")]
    Delete,
}

/// How the credential is replaced.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new(
    "!has(self.interval) || duration(self.interval) > duration(self.overlap) + duration(self.inactiveFor)"
).message("rotation.interval must be longer than rotation.overlap and rotation.inactiveFor together"))]
pub struct Rotation {
    /// Overlap: the operator creates and publishes a second credential. The replaced one goes on working for the time of overlap; user
    /// name and password both change. InPlace: the operator resets the password of the credential, and the user name stays.
    /// InPlace promises less. The old password stops working before the new one is in the Secret, and consumers know only the
    /// old one until they read the Secret again. If the reply of IAM is lost, the operator resets the password once more, and
    /// again after its consistency window, since a lost reset may take effect late. With either strategy, what is lost (a
    /// deleted Secret, a deleted credential) is replaced by a new credential.
    #[serde(default)]
    pub strategy: RotationStrategy,

    /// How long a replaced credential goes on working, as hours, minutes and seconds: 1h, 90m, 1h30m. Then the operator deletes it
    /// from IAM, after inactiveFor if that is set. So overlap must be longer than consumers take to pick up the new user name
    /// and password. In production use at least 15m: IAM and Amazon Keyspaces are eventually consistent.
    #[serde(default = "default_overlap")]
    pub overlap: Span,

    /// How long a replaced credential then stays in IAM with the status Inactive before the operator deletes it. During that
    /// time a human can set it Active again. 0s: the operator deletes it at once.
    #[serde(default = "default_inactive_for")]
    pub inactive_for: Span,

    /// How old a credential may become, for instance 720h. The operator replaces it in the last tenth of that time, at a moment
    /// that differs from resource to resource. Unset: it replaces it only on request. Must be longer than overlap and
    /// inactiveFor together, and leave IAM twice the consistency window; the message of the condition with the reason
    /// InvalidSpec gives the smallest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Span")]
    pub interval: Option<Span>,
}

/// How a rotation gets a new password.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RotationStrategy {
    #[default]
    #[allow(missing_docs, reason = "a doc comment would turn the enum of the schema into a oneOf")]
    Overlap,
    #[allow(missing_docs, reason = "as above")]
    InPlace,
}

fn default_inactive_for() -> Span {
    Span::from_text("0s")
}

fn default_overlap() -> Span {
    Span::hours(1)
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            strategy: RotationStrategy::default(),
            overlap: default_overlap(),
            inactive_for: default_inactive_for(),
            interval: None,
        }
    }
}

/// What happens when the resource is deleted.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeletionPolicy {
    #[default]
    #[allow(missing_docs, reason = "a doc comment would turn the enum of the schema into a oneOf")]
    Delete,
    #[allow(missing_docs, reason = "as above")]
    Retain,
}
