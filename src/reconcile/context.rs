//! What every pass needs, and what is remembered between passes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::Client;
use tokio::sync::{Semaphore, watch};

use super::events::Events;
use crate::iam::{Iam, IssuedCredential};
use crate::protocol::{Epoch, IamUserName, Memory, Settings};

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
    /// Room for the passes that work at the same time. One that waits for its turn at IAM takes no room.
    pub(crate) room: Semaphore,
    stopping: watch::Sender<bool>,
    pub(crate) memories: Memories,
}

impl Context {
    /// A context with nothing remembered.
    #[must_use]
    pub fn new(
        client: Client,
        iam: Iam,
        settings: Settings,
        namespace: Option<String>,
        grants: Grants,
        deadline: Duration,
        events: Events,
    ) -> Self {
        Self {
            client,
            iam,
            settings,
            namespace,
            grants,
            deadline,
            events,
            room: Semaphore::new(ROOM),
            stopping: watch::Sender::new(false),
            memories: Memories::default(),
        }
    }

    /// Nobody begins a pass or waits for a turn any more.
    pub(crate) fn stop(&self) {
        self.room.close();
        self.stopping.send_replace(true);
    }

    /// Completes when the operator is about to stop.
    pub(crate) async fn stopped(&self) {
        // The sender lives as long as `self`.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }
}

/// A credential whose password only this process knows. It has no `Debug`.
pub(crate) struct Held {
    pub(crate) user: IamUserName,
    pub(crate) secret_name: String,
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

    /// Forgets a resource that is gone.
    pub(crate) fn forget(&self, namespace: &str, name: &str) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.remove(&(namespace.to_owned(), name.to_owned()));
    }
}
