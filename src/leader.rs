//! Leader election: of several replicas, the one that holds the lease acts.
//!
//! Correctness does not rest on it. A process that was stopped for a while believes that it leads until it looks at its clock.
//! Epochs and resourceVersions fence what it then writes, as if there were no lease. The lease only keeps the replicas from
//! doing each other's work, and from making leftovers by that.

use std::future::{Future, pending};
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::time::Duration;

use k8s_controller::LeaderElection;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client, Config};

use crate::api::MANAGER;
use crate::role::{CurrentRole, Role};

/// A process that takes part in the election.
pub struct Candidate {
    election: LeaderElection,
    leases: Api<Lease>,
    retry: Duration,
}

impl Candidate {
    /// A candidate for the lease in `namespace`, or in the namespace of `config`. The other replicas take over when they saw no
    /// renewal for `duration`. The deadline of a renewal and the time between tries are the same fractions of `duration` as in
    /// client-go.
    ///
    /// # Errors
    /// `config` makes no client.
    pub fn new(mut config: Config, namespace: Option<&str>, duration: Duration) -> Result<Self, kube::Error> {
        let (renew_deadline, retry) = (duration * 2 / 3, duration * 2 / 15);
        // The election gets a client of its own, because it sets a deadline for renewals only. With the operator's client, an
        // API server that accepts a request and never answers would block a standby, and the release of the lease, for as long
        // as the longest watch.
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
    /// A process that cannot renew the lease goes back to standby. It does not exit, because a password that it holds would be
    /// lost. The process keeps renewing the lease while it ends its passes, so that no other replica takes over in the middle
    /// of a publication.
    pub async fn stand(self, role: &CurrentRole, ended: impl Future<Output = ()>) {
        let mut ended = pin!(ended);
        tokio::select! {
            () = self.see_lease() => role.assign(Role::Standby),
            () = &mut ended => return,
        }
        loop {
            // This future must not contain the passes: the election drops it when the lease is lost, and a pass that has a
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

    /// Waits until the lease could be read. A replica that cannot read the lease cannot take over, so it is not ready to stand
    /// by.
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

/// A name that no other process has. Two processes with one name would each take the other's renewals for their own. The pod's
/// name is not enough: a container and the one that is started after it share it.
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
