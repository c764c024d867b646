//! What this process remembers of each resource between its passes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::iam::IssuedCredential;
use crate::protocol::{Epoch, IamUserName, Memory, SecretName};

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
    /// What the protocol remembers. It names the credential that `held` holds, or none is held.
    pub(crate) memory: Memory,
    pub(crate) held: Option<Held>,
    /// What was last reported of a resource that cannot be decoded, so that it is reported once.
    pub(crate) reported: Option<String>,
    /// How many passes in a row gave way to others who write all the time.
    pub(crate) collisions: u32,
}

/// What is remembered of all resources, by namespace and name.
#[derive(Default)]
pub(crate) struct Memories(Mutex<HashMap<Name, SharedEntry>>);

/// Namespace and name of a resource.
type Name = (String, String);

/// Locked by the pass that works on the resource.
pub(crate) type SharedEntry = Arc<tokio::sync::Mutex<Entry>>;

impl Memories {
    /// The entry of a resource. A pass locks it for as long as it lasts: a second pass for the same resource waits.
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
            entry.memory.attempt = Some(Attempt { epoch: Epoch(7), stage: Stage::DryRun });
        }
        memories.refresh().await;
        let entry = entry.lock().await;
        assert_eq!((entry.uid.as_str(), &entry.memory), ("1", &Memory::default()));
    }
}
