//! Reads and writes of Secrets, each write fenced by the resourceVersion that was read.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, Preconditions};
use serde_json::json;

use super::objects::Objects;
use crate::protocol::{
    CredentialId, Epoch, IamUserName, InvalidName, Outcome, SecretFact, SecretName, ServiceUserName,
};
use crate::reconcile::client::{patch, post};
use crate::reconcile::failure::{Failure, kubernetes};
use crate::reconcile::memory::Held;
use crate::secret::{self, FENCE, Login, Owner, render};

/// In the place of a server's words.
const WITHHELD: &str = "the API server refuses it; its words are not shown, for they may quote the password";

const WRITING_SECRET: &str = "writing the Secret";

/// A password's length and alphabet, and none that logs in.
const NO_PASSWORD: &str = "000000000000000000000000000000000000000000000000000000000000";

impl Objects {
    pub(crate) async fn read_secret(&mut self, name: &SecretName) -> Result<Outcome, Failure> {
        let secrets = self.server.secrets();
        let secret = self.server.call("reading the Secret", secrets.get_opt(name.as_str())).await?;
        Ok(self.see(name, secret))
    }

    /// The Secret's write as a dry run, with a password of the same form: quota, admission, rights, type and
    /// immutability all speak before there is a password to lose.
    pub(crate) async fn dry_run(
        &mut self,
        name: &SecretName,
        user: &IamUserName,
        epoch: Epoch,
    ) -> Result<Outcome, Failure> {
        let invalid = |error: InvalidName| Failure::Invalid(error.to_string());
        let login = Login {
            id: &CredentialId::parse("ACCA00000000000000000").map_err(invalid)?,
            user_name: &ServiceUserName::parse(format!("{user}-at-000000000000")).map_err(invalid)?,
            password: NO_PASSWORD,
            issued_at: Timestamp::UNIX_EPOCH,
            epoch,
        };
        let existing = self.secret(name);
        self.try_write(&self.rendered(name, &login, existing), existing).await?;
        Ok(Outcome::Done)
    }

    /// Writes the credential in hand into the Secret.
    pub(crate) async fn publish(&mut self, name: &SecretName, held: &Held) -> Result<Outcome, Failure> {
        let login = Login {
            id: &held.issued.id,
            user_name: &held.issued.service_user_name,
            password: held.issued.password.expose(),
            issued_at: held.issued.issued_at,
            epoch: held.epoch,
        };
        let existing = self.secret(name);
        let written = self.write(&self.rendered(name, &login, existing), existing).await?;
        Ok(self.see(name, Some(written)))
    }

    /// Writes the Secret's own credential again, as the spec wants it.
    pub(crate) async fn render(&mut self, name: &SecretName) -> Result<Outcome, Failure> {
        let existing = self.secret(name);
        let Some((published, password)) = existing.and_then(secret::published) else {
            return Err(Failure::Conflict("rendering the Secret again"));
        };
        let wanted = self.rendered(name, &Login::of(&published, password), existing);
        let written = self.write(&wanted, existing).await?;
        if let Some(part) = secret::changed(&wanted, &written) {
            // It would be rendered again and again.
            return Err(changed_by_admission(part));
        }
        Ok(self.see(name, Some(written)))
    }

    /// Writes the credential of one Secret into another one, which is new or already ours.
    pub(crate) async fn copy_secret(&mut self, from: &SecretName, to: &SecretName) -> Result<Outcome, Failure> {
        let Some((published, password)) = self.secret(from).and_then(secret::published) else {
            return Err(Failure::Conflict("copying the Secret"));
        };
        let target = self.secret(to);
        let login = Login::of(&published, password);
        let wanted = fenced_anew(self.rendered(to, &login, target), target);
        // Errors of the real write are not shown, for they may quote the password. So a dry run with a placeholder
        // comes first, and its errors are shown.
        let trial = self.rendered(to, &Login { password: NO_PASSWORD, ..login }, target);
        self.try_write(&trial, target).await?;
        let written = self.write(&wanted, target).await?;
        Ok(self.see(to, Some(written)))
    }

    /// Deletes a Secret that was moved from, if it is still the object that was read.
    ///
    /// The resource is read again first: if the Secret is the one of the credential again, that was recorded before the
    /// Secret was written. So either this read sees the record, or the resourceVersion of the Secret is an old one.
    pub(crate) async fn delete_former_secret(&mut self, name: &SecretName) -> Result<Outcome, Failure> {
        const DELETING: &str = "deleting the former Secret";
        if !self.is_unchanged().await? {
            return Err(Failure::Conflict(DELETING));
        }
        let version =
            |secret: &Secret| Preconditions { uid: secret.uid(), resource_version: secret.resource_version() };
        let params = DeleteParams { preconditions: self.secret(name).map(version), ..DeleteParams::default() };
        let secrets = self.server.secrets();
        let call = secrets.delete(name.as_str(), &params);
        self.server.in_time(call).await.map_err(|error| withheld(DELETING, &error))?;
        self.secrets.insert(name.clone(), None);
        Ok(Outcome::Secret(SecretFact::Absent))
    }

    /// Writes an epoch on the Secret. Whoever prepared a write before this one has an older resourceVersion and loses.
    pub(crate) async fn fence_secret(&mut self, name: &SecretName, epoch: Epoch) -> Result<Outcome, Failure> {
        let change = json!({ "metadata": {
            "annotations": { FENCE: epoch.to_string() },
            "resourceVersion": self.secret(name).and_then(ResourceExt::resource_version),
        }});
        let (secrets, params, change) = (self.server.secrets(), patch(), Patch::Merge(&change));
        let call = secrets.patch(name.as_str(), &params, &change);
        let written = self.server.in_time(call).await.map_err(|error| withheld(WRITING_SECRET, &error))?;
        Ok(self.see(name, Some(written)))
    }

    /// Takes our ownership off the Secret.
    pub(crate) async fn release_secret(&mut self, name: &SecretName) -> Result<Outcome, Failure> {
        let existing = self.secret(name);
        let Some(held) = existing.cloned() else {
            return Err(Failure::Conflict("releasing the Secret"));
        };
        let written = self.write(&secret::release(held, &self.resource), existing).await?;
        Ok(self.see(name, Some(written)))
    }

    /// Asks what the API server has against a write.
    async fn try_write(&self, wanted: &Secret, existing: Option<&Secret>) -> Result<(), Failure> {
        let returned = self.put(wanted, existing, true).await.map_err(|error| refused_dry_run(&error, existing))?;
        match secret::changed(wanted, &returned) {
            None => Ok(()),
            Some(part) => Err(Failure::SecretRefused {
                message: format!("an admission webhook changes the {part} of the Secret; exempt this Secret from it"),
            }),
        }
    }

    async fn write(&self, wanted: &Secret, existing: Option<&Secret>) -> Result<Secret, Failure> {
        let written = self.put(wanted, existing, false).await.map_err(|error| withheld(WRITING_SECRET, &error))?;
        if written.data == wanted.data { Ok(written) } else { Err(changed_by_admission("data")) }
    }

    fn rendered(&self, name: &SecretName, login: &Login<'_>, existing: Option<&Secret>) -> Secret {
        render(&Owner::new(&self.resource, name.as_str()), &self.resource.spec.secret, login, existing)
    }

    /// One write of the whole Secret: a create that fails if it exists, or a replace that fails if it changed.
    async fn put(&self, wanted: &Secret, existing: Option<&Secret>, dry_run: bool) -> Result<Secret, kube::Error> {
        let (secrets, name) = (self.server.secrets(), wanted.name_any());
        let call = async {
            match existing {
                Some(_) => secrets.replace(&name, &post(dry_run), wanted).await,
                None => secrets.create(&post(dry_run), wanted).await,
            }
        };
        self.server.in_time(call).await
    }
}

/// A dry run that failed. A webhook sees the present Secret as well, so its words are shown only if they repeat nothing
/// of it.
fn refused_dry_run(error: &kube::Error, existing: Option<&Secret>) -> Failure {
    match (kubernetes("trying the Secret's write", error), error) {
        (Failure::Refused { doing, message }, kube::Error::Api(status)) => {
            let quoted = existing.is_some_and(|existing| secret::quoted(existing, &status.message));
            let message = if quoted { WITHHELD.to_owned() } else { message };
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

/// The Secret with a higher fence than the one that it replaces, so that the API server does not take the write for
/// none.
fn fenced_anew(mut wanted: Secret, target: Option<&Secret>) -> Secret {
    if let Some(target) = target {
        let fence = secret::fence_of(target).max(secret::fence_of(&wanted)).next();
        wanted.metadata.annotations.get_or_insert_default().insert(FENCE.to_owned(), fence.to_string());
    }
    wanted
}

/// A failed write of a Secret that holds a password, before it or after it. A webhook's refusal may quote the Secret,
/// so no server's words are repeated. What it has to say was said to the dry run.
fn withheld(doing: &'static str, error: &kube::Error) -> Failure {
    match kubernetes(doing, error) {
        Failure::Refused { doing, .. } => Failure::Refused { doing, message: WITHHELD.to_owned() },
        other => other,
    }
}
