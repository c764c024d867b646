//! Derives the facts about a Secret.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::{Resource, ResourceExt};
use serde_json::Value;

use super::annotations::{CREDENTIAL_ID, DIGEST, EPOCH, ISSUED_AT, digest};
use super::render::{Login, Owner, epoch, fence_of, others, render};
use crate::api::KeyspacesCredential;
use crate::protocol::{CredentialId, Issued, OurSecret, Published, Rendering, SecretFact, ServiceUserName};

/// The facts about a Secret of a resource, or about its absence.
#[must_use]
pub fn fact(secret: Option<&Secret>, owner: &KeyspacesCredential) -> SecretFact {
    secret.map_or(SecretFact::Absent, |secret| fact_of(secret, owner))
}

fn fact_of(secret: &Secret, owner: &KeyspacesCredential) -> SecretFact {
    // Compare the uid, not the name: a resource that was deleted and made again is another owner.
    let uid = owner.meta().uid.as_deref().unwrap_or_default();
    let ours =
        secret.owner_references().iter().any(|reference| reference.controller == Some(true) && reference.uid == uid);
    if !ours {
        return SecretFact::NotOurs;
    }
    let published = published(secret);
    let rendering = match &published {
        Some((published, password)) if !is_rendered(secret, owner, published, password) => Rendering::Stale,
        Some(_) | None => Rendering::Current,
    };
    SecretFact::Ours(OurSecret {
        published: published.map(|(published, _)| published),
        fence: fence_of(secret),
        rendering,
        immutable: secret.immutable == Some(true),
    })
}

/// The id that a Secret says it holds, whoever owns it.
pub(crate) fn credential_id(secret: &Secret) -> Option<CredentialId> {
    CredentialId::parse(secret.annotations().get(CREDENTIAL_ID)?.as_str()).ok()
}

/// The credential that the digest vouches for, and its password.
pub(crate) fn published(secret: &Secret) -> Option<(Published, &str)> {
    let annotation = |key: &str| secret.annotations().get(key);
    let id = CredentialId::parse(annotation(CREDENTIAL_ID)?.as_str()).ok()?;
    let epoch = epoch(annotation(EPOCH)?)?;
    let issued_at = annotation(ISSUED_AT)?.parse().ok()?;
    let expected = annotation(DIGEST)?;
    let (user_name, password) = login(secret, &id, expected)?;
    let service_user_name = ServiceUserName::parse(user_name).ok()?;
    Some((Published { credential: Issued { id, service_user_name, issued_at }, epoch }, password))
}

/// Finds user name and password by their digest, under whatever keys they are: the spec may have renamed the keys since.
fn login<'a>(secret: &'a Secret, id: &CredentialId, expected: &str) -> Option<(&'a str, &'a str)> {
    const MOST_KEYS: usize = 32;
    let values: Vec<&str> = secret
        .data
        .iter()
        .flatten()
        .filter_map(|(_, value)| std::str::from_utf8(&value.0).ok())
        .filter(|value| value.len() <= 256)
        .take(MOST_KEYS)
        .collect();
    let pairs = values.iter().flat_map(|user_name| values.iter().map(move |password| (*user_name, *password)));
    pairs.into_iter().find(|(user_name, password)| digest(id.as_str(), user_name, password) == expected)
}

/// Whether a text quotes a value of the Secret, in plain text or in base64 as the API shows it. The operator does not show a
/// server's message about a write of the Secret that does so.
pub(crate) fn quoted(secret: &Secret, text: &str) -> bool {
    secret.data.iter().flatten().map(|(_, value)| value).any(|value| {
        let plain = std::str::from_utf8(&value.0).is_ok_and(|value| repeats(text, value));
        let encoded = serde_json::to_value(value).ok();
        plain || encoded.as_ref().and_then(Value::as_str).is_some_and(|value| repeats(text, value))
    })
}

/// The first half of a value counts too, since a server may cut its message short.
fn repeats(text: &str, value: &str) -> bool {
    let half = value.get(..value.len() / 2).unwrap_or(value);
    !half.is_empty() && text.contains(half)
}

fn is_rendered(secret: &Secret, owner: &KeyspacesCredential, published: &Published, password: &str) -> bool {
    let login = Login::of(published, password);
    let wanted = render(&Owner::new(owner, &secret.name_any()), &owner.spec.secret, &login, Some(secret));
    wanted.data == secret.data
        && wanted.metadata.labels == secret.metadata.labels
        && wanted.metadata.annotations == secret.metadata.annotations
}

/// What the API server changed in a Secret that was written. Other tools may add and change labels and annotations of their
/// own: a policy may for instance stamp every write with its time.
pub(crate) fn changed(wanted: &Secret, returned: &Secret) -> Option<&'static str> {
    type Map = BTreeMap<String, String>;
    let (other_labels, other_annotations) = others(wanted);
    let kept = |wanted: &Map, others: &Map, returned: &Map| {
        let mut ours = wanted.iter().filter(|(key, _)| !others.contains_key(*key));
        ours.all(|(key, value)| returned.get(key) == Some(value))
    };
    if returned.data != wanted.data {
        Some("data")
    } else if !kept(wanted.labels(), &other_labels, returned.labels()) {
        Some("labels")
    } else if !kept(wanted.annotations(), &other_annotations, returned.annotations()) {
        Some("annotations")
    } else {
        None
    }
}
