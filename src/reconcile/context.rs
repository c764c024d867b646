//! What all passes share.

use std::time::Duration;

use kube::Client;
use tokio::sync::Semaphore;

use super::client::Server;
use super::events::Events;
use super::memory::{Held, Memories};
use crate::iam::Iam;
use crate::protocol::Settings;
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
    /// Where events are written.
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

    /// Whether a pass may go on. One that has a password in hand may without leading: nobody else can publish it.
    pub(crate) fn may_go_on(&self, held: Option<&Held>) -> bool {
        held.is_some() || self.role.now() == Role::Leading
    }

    /// The API server, as the passes of a namespace call it.
    pub(crate) fn server(&self, namespace: &str) -> Server {
        Server::new(self.client.clone(), namespace, self.deadline)
    }
}
