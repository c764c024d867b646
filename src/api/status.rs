//! What the operator records. The fields are facts that later decisions rest on; the conditions are output.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the operator recorded and how the resource stands.
#[derive(JsonSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyspacesCredentialStatus {
    /// The generation of the spec that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Ready: the Secret holds a working credential and nothing is wrong. Reconciling and Stalled are present only while they
    /// are true. The message of Stalled says what a human has to do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// The credential that the Secret holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<IssuedStatus>,

    /// The credential that the current one replaced, until the operator deletes it. It works until its overlap is over, unless
    /// its stage is Inactive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retiring: Option<RetiringStatus>,

    /// The open operation. The operator records it before it creates a credential or resets the password of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationStatus>,

    /// Attempts up to this number are over. If one of them publishes later, the operator accepts what it published only if that
    /// is the current credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_epoch: Option<i64>,

    /// The number of the attempt that published what the Secret holds. By this number the operator notices when somebody puts
    /// an older Secret back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_epoch: Option<i64>,

    /// An earlier attempt whose outcome may still show up in IAM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unresolved: Option<UnresolvedStatus>,

    /// A reset of the password whose reply was lost and which may still take effect. Once it no longer can, the operator resets
    /// the password once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_in_doubt: Option<ResetInDoubtStatus>,

    /// The last value of the annotation keyspaces.dev/rotate that was handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_rotate: Option<String>,

    /// When the Secret last got a new credential or password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_rotated_at: Option<Time>,

    /// When the next rotation by schedule is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_rotation_at: Option<Time>,

    /// Consecutive failures. The wait between tries survives a restart of the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<FailuresStatus>,

    /// The Secret, as the Service Binding specification finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<Binding>,

    /// Secrets of former names, which hold the credential as well. The operator deletes each of them after rotation.overlap, or
    /// after twice --hold if that is longer. While the operator copies the credential to a Secret of a new name, that Secret is
    /// listed here too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_secrets: Vec<FormerSecretStatus>,
}

/// A credential that IAM issued.
#[derive(JsonSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuedStatus {
    /// Its id in IAM.
    pub id: String,
    /// The user name that logs in with it. IAM may use the name of a deleted credential again: only the id identifies a
    /// credential.
    pub service_user_name: String,
    /// When IAM created it.
    pub issued_at: Time,
}

/// A replaced credential in its overlap.
#[derive(JsonSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetiringStatus {
    /// Its id in IAM.
    pub id: String,
    /// The user name that logs in with it.
    pub service_user_name: String,
    /// When its replacement was published.
    pub since: Time,
    /// Active: it works. Inactive: the operator has switched it off, and deletes it after rotation.inactiveFor.
    #[serde(default)]
    pub stage: RetiringStage,
    /// The number of the attempt that published its last password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_epoch: Option<i64>,
}

/// Whether a replaced credential still works.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "a doc comment would turn the enum of the schema into a oneOf")]
pub enum RetiringStage {
    #[default]
    Active,
    Inactive,
}

/// The recorded intent to replace the credential.
#[derive(JsonSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationStatus {
    /// The number of the attempt. It only grows. Only the process that began this attempt may create a credential.
    pub epoch: i64,
    /// The number of the first attempt of this operation.
    pub first_epoch: i64,
    /// Why a new credential or password is made.
    pub reason: OperationReason,
    /// The credential whose password is reset. Unset: a new credential is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resets: Option<String>,
    /// The Secret that the operation publishes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
    /// The value of keyspaces.dev/rotate that the operation handles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_token: Option<String>,
    /// When the first attempt began.
    pub started_at: Time,
    /// When the present attempt began.
    pub attempted_at: Time,
    /// The ids that IAM listed before the first attempt.
    #[serde(default)]
    pub baseline: Vec<String>,
}

/// Why a new credential is made.
#[derive(JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "a doc comment would turn the enum of the schema into a oneOf")]
pub enum OperationReason {
    First,
    Requested,
    Scheduled,
    SecretLost,
    SecretDamaged,
    CredentialGone,
    ResetInDoubt,
}

/// The window of an operation that is over, but of which an attempt may have left a credential in IAM that List does not show
/// yet.
#[derive(JsonSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnresolvedStatus {
    /// The last epoch of that operation.
    pub epoch: i64,
    /// The ids that are known not to be its leftovers.
    #[serde(default)]
    pub baseline: Vec<String>,
    /// When its first attempt began.
    pub started_at: Time,
    /// An attempt whose credential IAM does not show by then created none.
    pub until: Time,
}

/// A reset of the password that may still take effect.
#[derive(JsonSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResetInDoubtStatus {
    /// The id of the credential in IAM.
    pub id: String,
    /// When it can no longer take effect.
    pub until: Time,
}

/// A Secret that the credential was moved from.
#[derive(JsonSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FormerSecretStatus {
    /// Its name.
    pub name: String,
    /// Since when the Secret of the new name exists.
    pub since: Time,
}

/// Consecutive failures.
#[derive(JsonSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailuresStatus {
    /// How many in a row.
    pub count: i64,
    /// When the last one was.
    pub last: Time,
    /// When the next try is due. After a change of the spec or of keyspaces.dev/rotate the operator tries at once.
    pub next: Time,
    /// The value of keyspaces.dev/rotate at the last failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_token: Option<String>,
}

/// The Secret, as the Service Binding specification finds it.
#[derive(JsonSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The name of the Secret.
    pub name: String,
}
