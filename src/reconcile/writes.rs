//! Writes to the API server, each fenced by the resourceVersion that was read.

use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;

use super::failure::{Failure, cut, kubernetes};
use super::pass::{Pass, bounded};
use crate::api::{FINALIZER, KeyspacesCredentialStatus, MANAGER};
use crate::protocol::{CredentialId, Epoch, ServiceUserName};
use crate::secret::{self, FENCE, Login, Owner, render};
use k8s_openapi::api::core::v1::Secret;

const WRITING_SECRET: &str = "writing the Secret";

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
            password: &"0".repeat(60),
            issued_at: Timestamp::UNIX_EPOCH,
            epoch,
        };
        let wanted = self.rendered(&login);
        match self.put(&wanted, true).await {
            Ok(returned) if returned.data == wanted.data => Ok(()),
            Ok(_) => Err(Failure::SecretRefused {
                message: "an admission webhook changes the data of the Secret; exempt this Secret from it".to_owned(),
            }),
            Err(kube::Error::Api(status)) if matches!(status.code, 400 | 403 | 413 | 422) => {
                Err(Failure::SecretRefused { message: cut(&status.message) })
            }
            Err(error) => Err(kubernetes("trying the Secret's write", &error)),
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
        let existing = self.secret.as_ref().and_then(|seen| seen.object.as_ref());
        let Some((published, password)) = existing.and_then(secret::published) else {
            return Err(Failure::Conflict("rendering the Secret again"));
        };
        let wanted = self.rendered(&Login {
            id: &published.credential.id,
            user_name: &published.credential.service_user_name,
            password,
            issued_at: published.credential.issued_at,
            epoch: published.epoch,
        });
        self.write_secret(&wanted).await
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
        let call = secrets.patch(&name, &params, &patch);
        let written = bounded(self.context, WRITING_SECRET, call).await?;
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

    async fn write_secret(&mut self, wanted: &Secret) -> Result<(), Failure> {
        let returned = self.put(wanted, false).await.map_err(|error| quiet(&error))?;
        let as_sent = returned.data == wanted.data;
        self.see_secret(Some(returned));
        if as_sent {
            return Ok(());
        }
        Err(Failure::Refused {
            doing: WRITING_SECRET,
            message: "an admission webhook changed the data of the Secret; exempt this Secret from it".to_owned(),
        })
    }

    fn existing(&self) -> Option<&Secret> {
        self.secret.as_ref().and_then(|seen| seen.object.as_ref())
    }

    fn rendered(&self, login: &Login<'_>) -> Secret {
        render(&Owner::new(&self.object), &self.object.spec.secret, login, self.existing())
    }

    /// One write of the whole Secret: a create that fails if it exists, or a replace that fails if it changed.
    async fn put(&self, wanted: &Secret, dry_run: bool) -> Result<Secret, kube::Error> {
        let (secrets, name) = (self.secrets(), self.observed.resource.secret_name.clone());
        let call = async {
            match self.existing() {
                Some(_) => secrets.replace(&name, &post(dry_run), wanted).await,
                None => secrets.create(&post(dry_run), wanted).await,
            }
        };
        match tokio::time::timeout(self.context.deadline, call).await {
            Ok(result) => result,
            Err(elapsed) => Err(kube::Error::Service(elapsed.into())),
        }
    }
}

/// A failed write of a Secret that holds a password. A webhook's refusal may quote what it refused, so no server's words are
/// repeated; the dry run before has told them already.
fn quiet(error: &kube::Error) -> Failure {
    match kubernetes(WRITING_SECRET, error) {
        Failure::Refused { doing, .. } => Failure::Refused {
            doing,
            message:
                "the API server refuses the write that it accepted as a dry run; its words are not shown, for they may \
                      quote the password"
                    .to_owned(),
        },
        other => other,
    }
}

fn manager() -> PatchParams {
    PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() }
}
