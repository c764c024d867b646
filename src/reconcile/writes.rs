//! Writes to the API server, each fenced by the resourceVersion that was read.

use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::json;

use super::failure::{Failure, kubernetes};
use super::pass::{Pass, bounded, in_time};
use crate::api::{FINALIZER, KeyspacesCredentialStatus, MANAGER};
use crate::protocol::{CredentialId, Epoch, SecretName, ServiceUserName};
use crate::secret::{self, FENCE, Login, Owner, render};
use k8s_openapi::api::core::v1::Secret;

/// In the place of a server's words.
const UNSPOKEN: &str = "the API server refuses it; its words are not shown, for they may quote the password";

const WRITING_SECRET: &str = "writing the Secret";

/// A password's length and alphabet, and none that logs in.
const NO_PASSWORD: &str = "000000000000000000000000000000000000000000000000000000000000";

fn post(dry_run: bool) -> PostParams {
    PostParams { dry_run, field_manager: Some(MANAGER.to_owned()) }
}

impl Pass<'_> {
    /// Writes status by compare-and-swap. The reply is the next observation of the resource.
    pub(crate) async fn write_status(
        &mut self,
        change: impl FnOnce(&mut KeyspacesCredentialStatus),
    ) -> Result<(), Failure> {
        let mut object = self.object.clone();
        change(object.status.get_or_insert_default());
        object.metadata.managed_fields = None;
        let asked_at = Timestamp::now();
        let (resources, name, params) = (self.resources(), self.object.name_any(), post(false));
        let call = resources.replace_status(&name, &params, &object);
        let object = bounded(self.context, "writing the status", call).await?;
        self.adopt(object, asked_at)
    }

    /// Puts our finalizer on the resource or takes it off.
    pub(crate) async fn write_finalizer(&mut self, present: bool) -> Result<(), Failure> {
        let mut finalizers: Vec<String> = self.object.finalizers().to_vec();
        finalizers.retain(|finalizer| finalizer != FINALIZER);
        if present {
            finalizers.push(FINALIZER.to_owned());
        }
        let patch = json!({ "metadata": {
            "finalizers": finalizers,
            "resourceVersion": self.object.resource_version(),
        }});
        let asked_at = Timestamp::now();
        let (resources, name) = (self.resources(), self.object.name_any());
        let (params, patch) = (manager(), Patch::Merge(&patch));
        let call = resources.patch(&name, &params, &patch);
        let object = bounded(self.context, "writing the finalizer", call).await?;
        self.adopt(object, asked_at)
    }

    /// The Secret's write as a dry run, with a password of the same form: quota, admission, rights, type and immutability
    /// all speak before there is a password to lose.
    pub(crate) async fn preflight(&mut self, epoch: Epoch) -> Result<(), Failure> {
        let invalid = |error: crate::protocol::InvalidName| Failure::Invalid(error.to_string());
        let login = Login {
            id: &CredentialId::parse("ACCA00000000000000000").map_err(invalid)?,
            user_name: &ServiceUserName::parse(format!("{}-at-000000000000", self.observed.resource.iam_user))
                .map_err(invalid)?,
            password: NO_PASSWORD,
            issued_at: Timestamp::UNIX_EPOCH,
            epoch,
        };
        self.try_secret(&self.rendered(&login), self.existing()).await
    }

    /// Asks what the API server has against a write.
    async fn try_secret(&self, wanted: &Secret, existing: Option<&Secret>) -> Result<(), Failure> {
        match self.put(wanted, existing, true).await {
            Ok(returned) => match secret::changed(wanted, &returned) {
                None => Ok(()),
                Some(part) => Err(Failure::SecretRefused {
                    message: format!(
                        "an admission webhook changes the {part} of the Secret; exempt this Secret from it"
                    ),
                }),
            },
            Err(error) => Err(refused_trial(&error, existing)),
        }
    }

    /// Writes the credential in hand into the Secret.
    pub(crate) async fn publish(&mut self, epoch: Epoch) -> Result<(), Failure> {
        let Some(held) = self.held.as_ref().filter(|held| held.epoch == epoch) else {
            // Memory says that a credential is in hand and there is none: let the attempt be taken over.
            self.observed.memory.attempt = None;
            return Ok(());
        };
        let wanted = self.rendered(&Login {
            id: &held.issued.id,
            user_name: &held.issued.service_user_name,
            password: held.issued.password.expose(),
            issued_at: held.issued.issued_at,
            epoch,
        });
        self.write_secret(&wanted).await
    }

    /// Writes the Secret's own credential again, as the spec wants it.
    pub(crate) async fn rerender(&mut self) -> Result<(), Failure> {
        let Some((published, password)) = self.existing().and_then(secret::published) else {
            return Err(Failure::Conflict("rendering the Secret again"));
        };
        let wanted = self.rendered(&Login::of(&published, password));
        let written = self.write(&wanted, self.existing()).await?;
        if let Some(part) = secret::changed(&wanted, &written) {
            // It would be rendered again and again.
            return Err(changed_by_admission(part));
        }
        self.see_secret(Some(written));
        Ok(())
    }

    /// Writes the Secret's own credential into the Secret to move to, which is new or already ours.
    pub(crate) async fn copy_secret(&mut self) -> Result<(), Failure> {
        let Some((published, password)) = self.existing().and_then(secret::published) else {
            return Err(Failure::Conflict("copying the Secret"));
        };
        let name = self.observed.resource.wanted_secret_name.clone();
        let target = self.others.get(&name).and_then(|seen| seen.object.as_ref());
        let login = Login::of(&published, password);
        let (owner, spec) = (Owner::new(&self.object, name.as_str()), &self.object.spec.secret);
        let wanted = fenced_anew(render(&owner, spec, &login, target), target);
        // What the API server says to the write itself is not repeated. What it has against it, it says to a password that is none.
        let trial = render(&owner, spec, &Login { password: NO_PASSWORD, ..login }, target);
        self.try_secret(&trial, target).await?;
        let written = self.write(&wanted, target).await?;
        self.see_other(name.clone(), Some(written));
        self.observed.copied.insert(name);
        Ok(())
    }

    /// Deletes a Secret that was moved from, if it is still the object that was read.
    ///
    /// The resource is read again first: if the Secret was to be the one in use again since, that was recorded before the Secret
    /// was written, so either this sees the record or the resourceVersion is an old one.
    pub(crate) async fn delete_former(&mut self, name: SecretName) -> Result<(), Failure> {
        let (resources, own_name) = (self.resources(), self.object.name_any());
        let now = bounded(self.context, "reading the resource", resources.get_opt(&own_name)).await?;
        if now.as_ref().and_then(ResourceExt::resource_version) != self.object.resource_version() {
            return Err(Failure::Conflict("deleting the former Secret"));
        }
        let former = self.others.get(&name).and_then(|seen| seen.object.as_ref());
        let preconditions =
            former.map(|secret| Preconditions { uid: secret.uid(), resource_version: secret.resource_version() });
        let (secrets, params) = (self.secrets(), DeleteParams { preconditions, ..DeleteParams::default() });
        let call = secrets.delete(name.as_str(), &params);
        in_time(self.context, call).await.map_err(|error| quiet("deleting the former Secret", &error))?;
        self.tell("FormerSecretDeleted", &format!("deleted Secret {name}: the credential has moved to another one"));
        self.see_other(name, None);
        Ok(())
    }

    /// Writes an epoch on the Secret. Whoever prepared a write before this one has an older resourceVersion and loses.
    pub(crate) async fn fence_secret(&mut self, epoch: Epoch) -> Result<(), Failure> {
        let version = self.existing().and_then(ResourceExt::resource_version);
        let patch = json!({ "metadata": {
            "annotations": { FENCE: epoch.to_string() },
            "resourceVersion": version,
        }});
        let (secrets, name) = (self.secrets(), self.observed.resource.secret_name.clone());
        let (params, patch) = (manager(), Patch::Merge(&patch));
        let call = secrets.patch(name.as_str(), &params, &patch);
        let written = in_time(self.context, call).await.map_err(|error| quiet(WRITING_SECRET, &error))?;
        self.see_secret(Some(written));
        Ok(())
    }

    /// Takes our ownership off the Secret.
    pub(crate) async fn release_secret(&mut self) -> Result<(), Failure> {
        let Some(existing) = self.existing() else {
            return Err(Failure::Conflict("releasing the Secret"));
        };
        let released = secret::release(existing.clone(), &self.object);
        self.write_secret(&released).await
    }

    /// Takes in a Secret that was read or written.
    pub(crate) fn see_secret(&mut self, object: Option<Secret>) {
        let seen = secret::read(object, &self.object);
        self.observed.secret = Some(seen.fact.clone());
        self.secret = Some(seen);
    }

    /// Takes in a further Secret that was read or written.
    pub(crate) fn see_other(&mut self, name: SecretName, object: Option<Secret>) {
        let seen = secret::read(object, &self.object);
        self.observed.others.insert(name.clone(), seen.fact.clone());
        self.others.insert(name, seen);
    }

    async fn write_secret(&mut self, wanted: &Secret) -> Result<(), Failure> {
        let written = self.write(wanted, self.existing()).await?;
        self.see_secret(Some(written));
        Ok(())
    }

    async fn write(&self, wanted: &Secret, existing: Option<&Secret>) -> Result<Secret, Failure> {
        let written = self.put(wanted, existing, false).await.map_err(|error| quiet(WRITING_SECRET, &error))?;
        if written.data == wanted.data {
            return Ok(written);
        }
        Err(changed_by_admission("data"))
    }

    pub(crate) fn existing(&self) -> Option<&Secret> {
        self.secret.as_ref().and_then(|seen| seen.object.as_ref())
    }

    fn rendered(&self, login: &Login<'_>) -> Secret {
        let owner = Owner::new(&self.object, self.observed.resource.secret_name.as_str());
        render(&owner, &self.object.spec.secret, login, self.existing())
    }

    /// One write of the whole Secret: a create that fails if it exists, or a replace that fails if it changed.
    async fn put(&self, wanted: &Secret, existing: Option<&Secret>, dry_run: bool) -> Result<Secret, kube::Error> {
        let (secrets, name) = (self.secrets(), wanted.name_any());
        let call = async {
            match existing {
                Some(_) => secrets.replace(&name, &post(dry_run), wanted).await,
                None => secrets.create(&post(dry_run), wanted).await,
            }
        };
        in_time(self.context, call).await
    }
}

/// A dry run that failed. A webhook sees the Secret as it is, too, so its words are shown only if they repeat nothing of it.
fn refused_trial(error: &kube::Error, existing: Option<&Secret>) -> Failure {
    match (kubernetes("trying the Secret's write", error), error) {
        (Failure::Refused { doing, message }, kube::Error::Api(status)) => {
            let quoted = existing.is_some_and(|existing| secret::quoted(existing, &status.message));
            let message = if quoted { UNSPOKEN.to_owned() } else { message };
            match status.code {
                400 | 403 | 413 | 422 => Failure::SecretRefused { message },
                _ => Failure::Refused { doing, message },
            }
        }
        (failure, _) => failure,
    }
}

fn changed_by_admission(part: &str) -> Failure {
    let message = format!("an admission webhook changed the {part} of the Secret; exempt this Secret from it");
    Failure::Refused { doing: WRITING_SECRET, message }
}

/// The Secret with a higher fence than the one that it replaces, so that the API server does not take the write for none.
fn fenced_anew(mut wanted: Secret, target: Option<&Secret>) -> Secret {
    if let Some(target) = target {
        let fence = secret::fence_of(target).max(secret::fence_of(&wanted)).next();
        wanted.metadata.annotations.get_or_insert_default().insert(FENCE.to_owned(), fence.to_string());
    }
    wanted
}

/// A failed write of a Secret that holds a password, before it or after it. A webhook's refusal may quote the Secret, so no
/// server's words are repeated; what a dry run can bring about has been told by it.
fn quiet(doing: &'static str, error: &kube::Error) -> Failure {
    match kubernetes(doing, error) {
        Failure::Refused { doing, .. } => Failure::Refused { doing, message: UNSPOKEN.to_owned() },
        other => other,
    }
}

fn manager() -> PatchParams {
    PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() }
}
