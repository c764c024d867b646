//! The objects that belong to one resource, as they were last read or written. Their resourceVersions fence the next
//! writes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ObjectReference, Secret};
use kube::{Resource as _, ResourceExt};

use crate::api::KeyspacesCredential;
use crate::protocol::{Outcome, SecretName};
use crate::reconcile::client::Server;
use crate::secret;

/// A resource and its Secrets, for as long as a pass lasts. It has no `Debug`: the Secrets hold passwords.
pub(crate) struct Objects {
    pub(super) server: Server,
    pub(super) resource: KeyspacesCredential,
    /// When the API server was asked for what `resource` is.
    pub(super) known_at: Timestamp,
    /// What quorum reads found, by name. None: there is no such Secret.
    pub(super) secrets: BTreeMap<SecretName, Option<Secret>>,
}

impl Objects {
    pub(crate) fn new(server: Server, resource: KeyspacesCredential, known_at: Timestamp) -> Self {
        Self { server, resource, known_at, secrets: BTreeMap::new() }
    }

    pub(crate) fn resource(&self) -> &KeyspacesCredential {
        &self.resource
    }

    /// When the resource was last known to be as it is here.
    pub(crate) fn known_at(&self) -> Timestamp {
        self.known_at
    }

    /// Namespace and name of the resource, for the log.
    pub(crate) fn names(&self) -> (String, String) {
        (self.resource.namespace().unwrap_or_default(), self.resource.name_any())
    }

    pub(crate) fn reference(&self) -> ObjectReference {
        self.resource.object_ref(&())
    }

    /// The Secret as it was last read or written.
    pub(super) fn secret(&self, name: &SecretName) -> Option<&Secret> {
        self.secrets.get(name).and_then(Option::as_ref)
    }

    /// Takes in a Secret that was read or written.
    pub(super) fn see(&mut self, name: &SecretName, secret: Option<Secret>) -> Outcome {
        let fact = secret::fact(secret.as_ref(), &self.resource);
        self.secrets.insert(name.clone(), secret);
        Outcome::Secret(fact)
    }
}
