//! Reads and writes of the resource.

use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::Patch;
use serde_json::json;

use super::objects::Objects;
use crate::api::{FINALIZER, KeyspacesCredential, KeyspacesCredentialStatus};
use crate::protocol::{Outcome, SecretName};
use crate::reconcile::client::{patch, post};
use crate::reconcile::failure::Failure;

impl Objects {
    /// Writes the status by compare-and-swap.
    pub(crate) async fn write_status(&mut self, status: KeyspacesCredentialStatus) -> Result<Outcome, Failure> {
        let mut resource = self.resource.clone();
        resource.status = Some(status);
        resource.metadata.managed_fields = None;
        let asked_at = Timestamp::now();
        let (resources, name, params) = (self.server.resources(), resource.name_any(), post(false));
        let call = resources.replace_status(&name, &params, &resource);
        let written = self.server.call("writing the status", call).await?;
        Ok(self.written(written, asked_at))
    }

    /// Puts the finalizer on the resource or takes it off.
    pub(crate) async fn write_finalizer(&mut self, present: bool) -> Result<Outcome, Failure> {
        let mut finalizers: Vec<String> = self.resource.finalizers().to_vec();
        finalizers.retain(|finalizer| finalizer != FINALIZER);
        if present {
            finalizers.push(FINALIZER.to_owned());
        }
        let change = json!({ "metadata": {
            "finalizers": finalizers,
            "resourceVersion": self.resource.resource_version(),
        }});
        let asked_at = Timestamp::now();
        let (resources, name) = (self.server.resources(), self.resource.name_any());
        let (params, change) = (patch(), Patch::Merge(&change));
        let call = resources.patch(&name, &params, &change);
        let written = self.server.call("writing the finalizer", call).await?;
        if present && !written.finalizers().iter().any(|finalizer| finalizer == FINALIZER) {
            // Without it a deletion would leave the credential in IAM.
            let message = format!(
                "an admission webhook takes the finalizer {FINALIZER} off; exempt KeyspacesCredentials from it"
            );
            return Err(Failure::Refused { doing: "writing the finalizer", message });
        }
        Ok(self.written(written, asked_at))
    }

    /// Reads the Secret and then the resource once more. In this order: a Secret that is read after the resource may
    /// have been written under a right that the resource no longer shows.
    pub(crate) async fn confirm(&mut self, secret: &SecretName) -> Result<Outcome, Failure> {
        let asked_at = Timestamp::now();
        let secrets = self.server.secrets();
        let found = self.server.call("reading the Secret", secrets.get_opt(secret.as_str())).await?;
        if version(found.as_ref()) != version(self.secret(secret)) || !self.is_unchanged().await? {
            return Ok(Outcome::Changed);
        }
        self.known_at = asked_at;
        Ok(Outcome::Done)
    }

    /// Whether a quorum read finds the resource as it is known here.
    pub(super) async fn is_unchanged(&self) -> Result<bool, Failure> {
        let (resources, name) = (self.server.resources(), self.resource.name_any());
        let found = self.server.call("reading the resource", resources.get_opt(&name)).await?;
        Ok(version(found.as_ref()) == version(Some(&self.resource)))
    }

    fn written(&mut self, resource: KeyspacesCredential, asked_at: Timestamp) -> Outcome {
        self.resource = resource;
        self.known_at = asked_at;
        Outcome::Done
    }
}

/// Which object it is, and which version of it.
fn version<K: ResourceExt>(object: Option<&K>) -> Option<(Option<String>, Option<String>)> {
    object.map(|object| (object.uid(), object.resource_version()))
}
