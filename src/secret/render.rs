//! Renders a credential as the Secret that is written.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::{Resource, ResourceExt};

use super::annotations::{CREDENTIAL_ID, DIGEST, EPOCH, FENCE, ISSUED_AT, MANAGED_BY_LABEL, RESOURCE, digest};
use crate::api::{KeyspacesCredential, SecretSpec};
use crate::protocol::{CredentialId, Epoch, Issued, Published, ServiceUserName};

/// The resource that controls a Secret of this name.
pub struct Owner<'a> {
    resource: &'a KeyspacesCredential,
    secret_name: &'a str,
}

impl<'a> Owner<'a> {
    /// A resource as the owner of a Secret of this name. It has more than one Secret while the credential moves to another
    /// name.
    #[must_use]
    pub fn new(resource: &'a KeyspacesCredential, secret_name: &'a str) -> Self {
        Self { resource, secret_name }
    }

    fn reference(&self) -> Option<OwnerReference> {
        // `blockOwnerDeletion` would need a right on the finalizers subresource and gains nothing here.
        self.resource
            .controller_owner_ref(&())
            .map(|reference| OwnerReference { block_owner_deletion: None, ..reference })
    }
}

/// What a CQL client logs in with, and where it came from.
pub struct Login<'a> {
    /// The credential's id in IAM.
    pub id: &'a CredentialId,
    /// The user name.
    pub user_name: &'a ServiceUserName,
    /// The password in plain text. Only here does it leave its type.
    pub password: &'a str,
    /// When IAM created the credential.
    pub issued_at: Timestamp,
    /// The attempt that publishes it.
    pub epoch: Epoch,
}

impl<'a> Login<'a> {
    /// The login that was published, to be rendered once more.
    #[must_use]
    pub fn of(published: &'a Published, password: &'a str) -> Self {
        let Issued { id, service_user_name, issued_at } = &published.credential;
        Self { id, user_name: service_user_name, password, issued_at: *issued_at, epoch: published.epoch }
    }
}

/// The whole Secret with this login. From `existing` it keeps the labels and annotations of other tools, and the
/// resourceVersion that fences the write.
#[must_use]
pub fn render(owner: &Owner<'_>, spec: &SecretSpec, login: &Login<'_>, existing: Option<&Secret>) -> Secret {
    let (mut labels, mut annotations) = existing.map_or_else(Default::default, others);
    labels.extend(spec.labels.clone());
    labels.insert(MANAGED_BY_LABEL.0.to_owned(), MANAGED_BY_LABEL.1.to_owned());
    annotations.extend(spec.annotations.clone());
    let fence = existing.map_or(Epoch(0), fence_of).max(login.epoch);
    for (key, value) in [
        (RESOURCE, owner.resource.name_any()),
        (CREDENTIAL_ID, login.id.to_string()),
        (ISSUED_AT, login.issued_at.to_string()),
        (EPOCH, login.epoch.to_string()),
        (FENCE, fence.to_string()),
        (DIGEST, digest(login.id.as_str(), login.user_name.as_str(), login.password)),
        (SPEC_LABELS, listed(&spec.labels)),
        (SPEC_ANNOTATIONS, listed(&spec.annotations)),
    ] {
        annotations.insert(key.to_owned(), value);
    }
    let data = BTreeMap::from([
        (spec.keys.username.clone(), ByteString(login.user_name.as_str().as_bytes().to_vec())),
        (spec.keys.password.clone(), ByteString(login.password.as_bytes().to_vec())),
    ]);
    let metadata = existing.map(|secret| secret.metadata.clone()).unwrap_or_default();
    Secret {
        metadata: ObjectMeta {
            name: Some(owner.secret_name.to_owned()),
            namespace: owner.resource.namespace(),
            labels: Some(labels),
            annotations: Some(annotations),
            owner_references: owner.reference().map(|reference| vec![reference]),
            managed_fields: None,
            ..metadata
        },
        data: Some(data),
        string_data: None,
        type_: Some(spec.type_.as_str().to_owned()),
        immutable: existing.and_then(|secret| secret.immutable),
    }
}

/// The annotation that lists the keys of the labels from the spec. With it the operator can remove a label from the Secret that
/// was removed from the spec.
const SPEC_LABELS: &str = "keyspaces.dev/spec-labels";
/// The same for annotations.
const SPEC_ANNOTATIONS: &str = "keyspaces.dev/spec-annotations";

fn listed(map: &BTreeMap<String, String>) -> String {
    map.keys().map(String::as_str).collect::<Vec<_>>().join(",")
}

/// Labels and annotations that other tools put on the Secret.
pub(super) fn others(existing: &Secret) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let ours = |record: &str| -> Vec<String> {
        let keys = existing.annotations().get(record).map_or("", String::as_str);
        keys.split(',').map(str::to_owned).collect()
    };
    let (our_labels, our_annotations) = (ours(SPEC_LABELS), ours(SPEC_ANNOTATIONS));
    let mut labels = existing.labels().clone();
    labels.retain(|key, _| !our_labels.contains(key) && key != MANAGED_BY_LABEL.0);
    let mut annotations = existing.annotations().clone();
    annotations.retain(|key, _| !our_annotations.contains(key) && !key.starts_with("keyspaces.dev/"));
    (labels, annotations)
}

/// The highest epoch that wrote to the Secret.
#[must_use]
pub fn fence_of(secret: &Secret) -> Epoch {
    [FENCE, EPOCH].iter().filter_map(|key| epoch(secret.annotations().get(*key)?)).max().unwrap_or_default()
}

/// An epoch in an annotation.
pub(super) fn epoch(text: &str) -> Option<Epoch> {
    Epoch::parse(text.parse::<u64>().ok()?).ok()
}

/// The Secret without its owner reference, so that it is not deleted together with the resource.
#[must_use]
pub fn release(mut secret: Secret, owner: &KeyspacesCredential) -> Secret {
    let uid = owner.meta().uid.as_deref().unwrap_or_default();
    if let Some(references) = &mut secret.metadata.owner_references {
        references.retain(|reference| reference.uid != uid);
    }
    secret.metadata.labels.get_or_insert_default().remove(MANAGED_BY_LABEL.0);
    secret.metadata.managed_fields = None;
    secret
}
