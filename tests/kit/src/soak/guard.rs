//! What holds at every moment, however great the chaos.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyspaces_emulator::Handle;
use kube::Api;

use k8s_openapi::api::core::v1::Secret;

use super::plan::{CAST, Role};

/// How often the guard looks.
const PACE: Duration = Duration::from_millis(100);

/// The credentials that somebody else has made and has not deleted.
#[derive(Clone, Debug, Default)]
pub(super) struct Foreign(Arc<Mutex<BTreeSet<String>>>);

impl Foreign {
    pub(super) fn set(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks the Secrets again and again. Returns how often it looked at a Secret, or the first violation.
pub(super) struct Guard {
    pub(super) secrets: Api<Secret>,
    pub(super) iam: Handle,
    pub(super) foreign: Foreign,
}

impl Guard {
    pub(super) async fn watch(self, mut until: tokio::sync::watch::Receiver<bool>) -> Result<usize, String> {
        let untouched: Vec<&str> =
            CAST.iter().filter(|(_, role)| *role != Role::Rough).map(|(name, _)| *name).collect();
        let mut looks = 0;
        let mut ticks = tokio::time::interval(PACE);
        loop {
            tokio::select! {
                _ = until.wait_for(|over| *over) => return Ok(looks),
                _ = ticks.tick() => {}
            }
            for name in &untouched {
                self.look_at(name).await?;
                looks += 1;
            }
            self.look_at_foreign()?;
        }
    }

    /// The published password works.
    async fn look_at(&self, name: &str) -> Result<(), String> {
        let mut seen = self.read(name).await?;
        loop {
            let (user_name, password) = pair(&seen).ok_or_else(|| format!("the Secret {name} holds no password"))?;
            if self.iam.verify(&user_name, &password).is_some() {
                return Ok(());
            }
            // It may have been replaced after it was read, and its overlap may be over too.
            let now = self.read(name).await?;
            if now.metadata.resource_version == seen.metadata.resource_version {
                return Err(format!(
                    "the password in the Secret {name} does not work: {:?}",
                    seen.metadata.annotations
                ));
            }
            seen = now;
        }
    }

    async fn read(&self, name: &str) -> Result<Secret, String> {
        let secret = self.secrets.get_opt(name).await.map_err(|error| format!("the Secret {name}: {error}"))?;
        secret.ok_or_else(|| format!("the Secret {name} is gone"))
    }

    fn look_at_foreign(&self) -> Result<(), String> {
        let foreign = self.foreign.set();
        let gone = foreign.iter().find(|id| self.iam.credential(id).is_none());
        gone.map_or(Ok(()), |id| Err(format!("somebody else's credential {id} was deleted")))
    }
}

/// User name and password of a Secret.
pub(super) fn pair(secret: &Secret) -> Option<(String, String)> {
    let data = secret.data.as_ref()?;
    let text = |key: &str| String::from_utf8(data.get(key)?.0.clone()).ok();
    Some((text("username")?, text("password")?))
}
