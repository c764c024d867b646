//! From what was read to the facts of the protocol.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use kube::api::DynamicObject;

use super::failure::Failure;
use super::status;
use crate::api::{self, FINALIZER, KeyspacesCredential, RETIRE_ANNOTATION, ROTATE_ANNOTATION, Span};
use crate::iam::{CredentialStatus, ListedCredential};
use crate::protocol::{
    Contender, CredentialId, DeletionPolicy, ForeignPolicy, IamUserName, Listed, Listing, Resource, Rotation,
    SecretName, Settings, Strategy, Usable, shortest_interval,
};

/// The facts about the resource.
///
/// # Errors
/// The spec or the status holds what the schema does not admit: the CRD is older than the operator, or was edited.
pub(crate) fn resource(object: &KeyspacesCredential, settings: &Settings) -> Result<Resource, Failure> {
    let spec = &object.spec;
    let status = object.status.clone().unwrap_or_default();
    let rotate = object.annotations().get(ROTATE_ANNOTATION).cloned();
    let invalid = |field: &str, why: &dyn std::fmt::Display| Failure::Invalid(format!("{field}: {why}"));
    let changed_since_failure = status.observed_generation != object.metadata.generation
        || status.failures.as_ref().is_some_and(|failures| failures.rotate_token != rotate);
    let wanted_secret =
        SecretName::parse(wanted_secret_name(object)).map_err(|error| invalid("spec.secret.name", &error))?;
    let record = status::record(&status, &wanted_secret).map_err(|error| invalid("status", &error))?;
    Ok(Resource {
        iam_user: IamUserName::parse(spec.iam_user_name.as_str())
            .map_err(|error| invalid("spec.iamUserName", &error))?,
        wanted_secret,
        created_at: created_at(object.metadata.creation_timestamp.as_ref()),
        deleting: object.metadata.deletion_timestamp.is_some(),
        finalizer: object.finalizers().iter().any(|finalizer| finalizer == FINALIZER),
        suspended: spec.suspend,
        deletion_policy: match spec.deletion_policy {
            api::DeletionPolicy::Delete => DeletionPolicy::Delete,
            api::DeletionPolicy::Retain => DeletionPolicy::Retain,
        },
        foreign: match spec.foreign_credentials {
            api::ForeignCredentials::Keep => ForeignPolicy::Keep,
            api::ForeignCredentials::Delete => ForeignPolicy::Delete,
        },
        rotation: rotation(object, settings)?,
        retire: object.annotations().get(RETIRE_ANNOTATION).cloned(),
        rotate,
        changed_since_failure,
        record,
    })
}

fn rotation(object: &KeyspacesCredential, settings: &Settings) -> Result<Rotation, Failure> {
    let spec = &object.spec.rotation;
    let span = |field: &str, span: &Span| {
        span.duration().map_err(|error| Failure::Invalid(format!("spec.rotation.{field}: {error}")))
    };
    let rotation = Rotation {
        strategy: match spec.strategy {
            api::RotationStrategy::Overlap => Strategy::Overlap,
            api::RotationStrategy::InPlace => Strategy::InPlace,
        },
        interval: spec.interval.as_ref().map(|interval| span("interval", interval)).transpose()?,
        overlap: span("overlap", &spec.overlap)?,
        inactive_for: span("inactiveFor", &spec.inactive_for)?,
        seed: seed(object),
    };
    let shortest = shortest_interval(&rotation, settings.consistency_window);
    // A deletion needs no schedule and must not be held up by one.
    if rotation.interval.is_some_and(|interval| interval < shortest) && object.metadata.deletion_timestamp.is_none() {
        return Err(Failure::InvalidSpec(format!(
            "spec.rotation.interval is too short: with this overlap and inactiveFor the smallest value is {}s",
            shortest.as_secs()
        )));
    }
    Ok(rotation)
}

/// A number that is another one for each resource, and always the same for one.
fn seed(object: &KeyspacesCredential) -> u64 {
    let uid = object.uid().unwrap_or_default();
    uid.bytes().fold(0_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)))
}

/// The name of the Secret that the spec asks for.
fn wanted_secret_name(object: &KeyspacesCredential) -> String {
    object.spec.secret.name.clone().unwrap_or_else(|| object.name_any())
}

/// A resource as a contender for its IAM user. It is read without a type, so that one resource that cannot be decoded
/// does not hide the others.
pub(crate) fn contender(object: &DynamicObject, granted: bool) -> Contender {
    let status = |field: &str| object.data.get("status").and_then(|status| status.get(field));
    let open = |field: &str| status(field).is_some_and(|value| !value.is_null());
    let id = |field: &str| CredentialId::parse(status(field)?.get("id")?.as_str()?).ok();
    Contender {
        granted,
        uid: object.uid().unwrap_or_default(),
        created_at: created_at(object.metadata.creation_timestamp.as_ref()),
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
        operating: open("operation") || open("unresolved"),
        holds: [id("credential"), id("retiring")].into_iter().flatten().collect(),
    }
}

/// The resource itself as a contender.
pub(crate) fn myself(object: &KeyspacesCredential, granted: bool) -> Contender {
    Contender {
        granted,
        uid: object.uid().unwrap_or_default(),
        created_at: created_at(object.metadata.creation_timestamp.as_ref()),
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
        operating: false,
        holds: BTreeSet::new(),
    }
}

fn created_at(time: Option<&Time>) -> Timestamp {
    time.map_or(Timestamp::MAX, |time| time.0)
}

/// A listing from IAM's reply.
pub(crate) fn listing(credentials: Vec<ListedCredential>, taken_at: Timestamp) -> Listing {
    let credentials = credentials
        .into_iter()
        .map(|credential| Listed {
            id: credential.id,
            created_at: credential.created_at,
            usable: match credential.status {
                CredentialStatus::Active => Usable::Yes,
                CredentialStatus::Inactive => Usable::No,
                CredentialStatus::Unknown(status) => Usable::Unknown(status),
            },
        })
        .collect();
    Listing { credentials, taken_at, confirmed: false }
}
