//! The role of this process: whether it acts.

use std::sync::Arc;

use tokio::sync::watch;

/// What this process does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It does not know yet whether another process acts.
    Starting,
    /// Another process acts, or will in a moment.
    Standby,
    /// It acts.
    Leading,
    /// It completes what it has begun, and begins nothing new.
    Ending,
}

/// The role of this process. One part assigns it, other parts read it. All clones show the same role.
#[derive(Debug, Clone)]
pub struct CurrentRole(Arc<watch::Sender<Role>>);

impl Default for CurrentRole {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Role::Starting)))
    }
}

impl CurrentRole {
    /// The role now.
    #[must_use]
    pub fn now(&self) -> Role {
        *self.0.borrow()
    }

    /// Assigns a role. `Ending` is final: a process that gets the lease after that does not act.
    pub fn assign(&self, role: Role) {
        let is_new = self.0.send_if_modified(|current| {
            let changes = *current != role && *current != Role::Ending;
            if changes {
                *current = role;
            }
            changes
        });
        match role {
            _ if !is_new => {}
            Role::Starting => {}
            Role::Standby => tracing::info!("standing by"),
            Role::Leading => tracing::info!("leading"),
            Role::Ending => tracing::info!("stopping: finishing what has begun"),
        }
    }

    /// Waits until this process leads. False when it is ending and will not lead again.
    pub async fn leads(&self) -> bool {
        self.becomes(|role| matches!(role, Role::Leading | Role::Ending)).await;
        self.now() != Role::Ending
    }

    /// Waits until this process does not lead any more.
    pub async fn steps_down(self) {
        self.becomes(|role| role != Role::Leading).await;
    }

    /// Waits until this process is to end.
    pub async fn ends(&self) {
        self.becomes(|role| role == Role::Ending).await;
    }

    async fn becomes(&self, wanted: impl Fn(Role) -> bool) {
        // The sender is held by `self`, so the channel cannot be closed.
        let _ = self.0.subscribe().wait_for(|role| wanted(*role)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_ends_does_not_lead_again() {
        let role = CurrentRole::default();
        role.assign(Role::Leading);
        role.assign(Role::Ending);
        role.assign(Role::Leading);
        assert_eq!(role.now(), Role::Ending);
    }
}
