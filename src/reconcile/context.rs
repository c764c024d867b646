//! What every pass needs, and what is remembered between passes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::Client;
use tokio::sync::Semaphore;

use super::events::Events;
use crate::iam::{Iam, IssuedCredential};
use crate::protocol::{Epoch, IamUserName, Memory, SecretName, Settings};
use crate::role::{CurrentRole, Role};

/// Whether a namespace needs a grant for an IAM user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Grants {
    /// The annotation keyspaces.dev/iam-users of a Namespace says which users it may ask for.
    Namespace,
    /// Every namespace may ask for every user.
    Open,
}

/// Passes that work at the same time. One slow IAM user does not hold the others.
const ROOM: usize = 64;

/// What every pass needs.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// IAM.
    pub iam: Iam,
    /// How the protocol behaves.
    pub settings: Settings,
    /// The only namespace that is looked at, or all.
    pub namespace: Option<String>,
    /// Whether a namespace needs a grant for an IAM user.
    pub grants: Grants,
    /// How long a call to the API server may take.
    pub deadline: Duration,
    /// Where the story is told.
    pub events: Events,
    /// Whether this process acts.
    pub role: CurrentRole,
    /// Room for the passes that work at the same time. One that waits for its turn at IAM takes no room.
    pub(crate) room: Semaphore,
    pub(crate) memories: Memories,
}

impl Context {
    /// A context with nothing remembered.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "the parts of the operator, put together in one place")]
    pub fn new(
        client: Client,
        iam: Iam,
        settings: Settings,
        namespace: Option<String>,
        grants: Grants,
        deadline: Duration,
        events: Events,
        role: CurrentRole,
    ) -> Self {
        Self {
            client,
            iam,
            settings,
            namespace,
            grants,
            deadline,
            events,
            role,
            room: Semaphore::new(ROOM),
            memories: Memories::default(),
        }
    }

    /// Whether a pass may go on. One that has a password in hand always may: nobody else can publish it.
    pub(crate) fn may_go_on(&self, held: Option<&Held>) -> bool {
        held.is_some() || self.role.now() == Role::Leading
    }
}

/// A credential whose password only this process knows. It has no `Debug`.
pub(crate) struct Held {
    pub(crate) user: IamUserName,
    pub(crate) secret_name: SecretName,
    pub(crate) epoch: Epoch,
    pub(crate) issued: IssuedCredential,
}

/// What is remembered of one resource.
#[derive(Default)]
pub(crate) struct Entry {
    /// The resource that this is about. A resource that was made anew under the same name is another one.
    pub(crate) uid: String,
    pub(crate) memory: Memory,
    pub(crate) held: Option<Held>,
    /// What was last said about a resource that cannot be understood, so that it is said once.
    pub(crate) told: Option<String>,
    /// How many passes in a row had to begin anew until they gave way.
    pub(crate) collisions: u32,
}

/// The memories of all resources, by namespace and name.
#[derive(Default)]
pub(crate) struct Memories(Mutex<HashMap<Name, SharedEntry>>);

/// Namespace and name of a resource.
type Name = (String, String);

/// Locked by the pass that works on the resource.
pub(crate) type SharedEntry = Arc<tokio::sync::Mutex<Entry>>;

impl Memories {
    /// The entry of a resource. It is locked for as long as a pass lasts: a second pass for the same resource waits.
    pub(crate) fn entry(&self, namespace: &str, name: &str) -> SharedEntry {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(entries.entry((namespace.to_owned(), name.to_owned())).or_default())
    }

    /// Forgets all but passwords in hand. Another process may have acted since anything else was seen.
    pub(crate) async fn refresh(&self) {
        let entries: Vec<_> = {
            let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            entries.values().map(Arc::clone).collect()
        };
        for entry in entries {
            let mut entry = entry.lock().await;
            let attempt = entry.memory.attempt.take().filter(|_| entry.held.is_some());
            entry.memory = Memory { attempt, ..Memory::default() };
        }
    }

    /// Forgets a resource that is gone.
    pub(crate) fn forget(&self, namespace: &str, name: &str) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.remove(&(namespace.to_owned(), name.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Attempt, Stage};

    #[tokio::test]
    async fn what_was_seen_before_somebody_else_led_is_forgotten() {
        let memories = Memories::default();
        let entry = memories.entry("shop", "orders");
        {
            let mut entry = entry.lock().await;
            entry.uid = "1".to_owned();
            entry.memory.listed_at = Some(jiff::Timestamp::UNIX_EPOCH);
            entry.memory.attempt = Some(Attempt { epoch: Epoch(7), stage: Stage::Preflighted });
        }
        memories.refresh().await;
        let entry = entry.lock().await;
        assert_eq!((entry.uid.as_str(), &entry.memory), ("1", &Memory::default()));
    }
}
