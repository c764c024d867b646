//! Which of several replicas acts: the one that holds the lease.
//!
//! Correctness never rests on this. A process that was stopped for a while believes that it leads until it looks at its
//! clock, and what it then writes is fenced by epochs and resource versions, as if there were no lease. The lease spares the
//! replicas to do each other's work, and the orphans that come of it.

use std::future::{Future, pending};
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::time::Duration;

use k8s_controller::LeaderElection;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client, Config};

use crate::api::MANAGER;
use crate::role::{CurrentRole, Role};

/// A process that stands for election.
pub struct Candidate {
    election: LeaderElection,
    leases: Api<Lease>,
    retry: Duration,
}

impl Candidate {
    /// A candidate for the lease in `namespace`, or in that of `config`. The others take over when they saw no renewal for
    /// `duration`; the proportions within it are those of client-go.
    ///
    /// # Errors
    /// `config` makes no client.
    pub fn new(mut config: Config, namespace: Option<&str>, duration: Duration) -> Result<Self, kube::Error> {
        let (renew_deadline, retry) = (duration * 2 / 3, duration * 2 / 15);
        // A client of its own, because only renewals have a deadline in the election itself: an API server that accepts and
        // never answers would hold a standby, and the release, for as long as the longest watch.
        config.connect_timeout = Some(renew_deadline);
        config.read_timeout = Some(renew_deadline);
        config.write_timeout = Some(renew_deadline);
        let client = Client::try_from(config)?;
        let namespace = namespace.unwrap_or(client.default_namespace()).to_owned();
        let election = LeaderElection::new(client.clone(), &namespace, MANAGER, &identity())
            .with_lease_duration(duration)
            .with_renew_deadline(renew_deadline)
            .with_retry_period(retry);
        Ok(Self { election, leases: Api::namespaced(client, &namespace), retry })
    }

    /// Assigns the role of this process until `ended`, then releases the lease.
    ///
    /// A process that cannot renew goes back to standing by and not out: a password that it holds would be lost with it. The
    /// lease is renewed while passes are brought to an end, so that nobody takes over in the middle of a publication.
    pub async fn stand(self, role: &CurrentRole, ended: impl Future<Output = ()>) {
        let mut ended = pin!(ended);
        tokio::select! {
            () = self.see_lease() => role.assign(Role::Standby),
            () = &mut ended => return,
        }
        loop {
            // The passes are no part of this future: the election drops it when the lease is lost, and a pass that has a
            // password in hand must not be dropped.
            let term = self.election.with_lease(async {
                role.assign(Role::Leading);
                pending::<()>().await;
            });
            tokio::select! {
                _ = term => role.assign(Role::Standby),
                () = &mut ended => break,
            }
        }
        self.election.release().await;
    }

    /// Waits until the lease could be asked for. A replica that cannot take over is not ready to stand by.
    async fn see_lease(&self) {
        while let Err(error) = self.leases.get_opt(MANAGER).await {
            let why = match error {
                kube::Error::Api(status) => status.message,
                _ => "the API server cannot be reached".to_owned(),
            };
            tracing::warn!("the lease cannot be read, trying again: {why}");
            tokio::time::sleep(self.retry).await;
        }
    }
}

/// A name that no other process has: two that share one would each take the other's renewals for their own. The pod's name
/// alone is shared by a container and the one that is started after it.
fn identity() -> String {
    let pod = std::env::var("POD_NAME").unwrap_or_else(|_| MANAGER.to_owned());
    format!("{pod}_{:016x}", RandomState::new().hash_one(std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_processes_have_the_same_identity() {
        assert_ne!(identity(), identity());
    }
}
