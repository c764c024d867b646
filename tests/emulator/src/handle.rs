//! The direct way to the emulator, for tests in the same process.

use std::sync::Arc;
use std::time::Duration;

use crate::error::IamError;
use crate::faults::{Fault, FaultStatus};
use crate::options::Lag;
use crate::password::owners_of_leaked;
use crate::record::{Call, Login};
use crate::state::{CASSANDRA, CredentialInfo, IssuedCredential, User};
use crate::world::Shared;

/// How often a condition is checked although nothing is known to have changed: late calls take effect and lags end by time
/// alone.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Reads and changes the state of the emulator. All clones belong to the same emulator.
#[derive(Clone)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
}

/// Users and credentials.
impl Handle {
    /// All IAM users.
    #[must_use]
    pub fn users(&self) -> Vec<User> {
        self.shared.read(|world, _| world.state.users().to_vec())
    }

    /// All credentials that exist, whatever List shows.
    #[must_use]
    pub fn credentials(&self) -> Vec<CredentialInfo> {
        self.shared.read(|world, _| world.state.credentials())
    }

    /// The credentials of the user of this name.
    #[must_use]
    pub fn credentials_of(&self, user: &str) -> Vec<CredentialInfo> {
        let mut all = self.credentials();
        all.retain(|info| info.user.as_deref() == Some(user));
        all
    }

    /// The credential with this id.
    #[must_use]
    pub fn credential(&self, id: &str) -> Option<CredentialInfo> {
        self.credentials().into_iter().find(|info| info.id == id)
    }

    /// Creates an IAM user.
    ///
    /// # Errors
    /// When the name is malformed or taken.
    pub fn create_user(&self, name: &str) -> Result<User, IamError> {
        self.shared.change(|world, now| world.state.create_user(name, now))
    }

    /// Deletes an IAM user that has no credentials.
    ///
    /// # Errors
    /// When there is no such user, or it has credentials.
    pub fn delete_user(&self, name: &str) -> Result<(), IamError> {
        self.shared.change(|world, _| world.state.delete_user(name, false))
    }

    /// Deletes an IAM user. Its credentials stay, and belong to a user id that no longer exists.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn force_delete_user(&self, name: &str) -> Result<(), IamError> {
        self.shared.change(|world, _| world.state.delete_user(name, true))
    }

    /// Renames an IAM user; the service user names stay.
    ///
    /// # Errors
    /// When there is no such user, or the new name is malformed or taken.
    pub fn rename_user(&self, name: &str, new_name: &str) -> Result<(), IamError> {
        self.shared.change(|world, _| world.state.rename_user(name, new_name))
    }

    /// Creates a credential for a user from outside, as a human would.
    ///
    /// # Errors
    /// When there is no such user, or both of its slots are taken.
    pub fn create_credential(&self, user: &str) -> Result<IssuedCredential, IamError> {
        self.shared.change(|world, now| world.state.create(user, CASSANDRA, true, now))
    }

    /// Sets any status, also one that IAM does not know.
    ///
    /// # Errors
    /// When there is no such credential.
    pub fn set_status(&self, id: &str, status: &str) -> Result<(), IamError> {
        self.shared.change(|world, _| world.state.force_status(id, status))
    }

    /// Deletes a credential from outside.
    ///
    /// # Errors
    /// When there is no such credential.
    pub fn delete_credential(&self, id: &str) -> Result<(), IamError> {
        self.shared.change(|world, now| world.state.force_delete(id, now))
    }

    /// The id of the Active credential that has this name and password, whatever the login's lag. It is not recorded as a
    /// login.
    #[must_use]
    pub fn verify(&self, service_user_name: &str, password: &str) -> Option<String> {
        self.shared.read(|world, _| world.state.verify(service_user_name, password).map(str::to_owned))
    }

    /// The ids of the credentials whose passwords are in `bytes`: present and replaced passwords, also of deleted credentials;
    /// plain, percent-encoded or in base64.
    #[must_use]
    pub fn leaks(&self, bytes: &[u8]) -> Vec<String> {
        // The search runs without the lock, so that no request has to wait for it.
        let passwords = self.shared.read(|world, _| world.state.passwords());
        owners_of_leaked(&passwords, bytes).into_iter().collect()
    }
}

/// Lags, pages and the clock.
impl Handle {
    /// How far List and the login are behind.
    #[must_use]
    pub fn lag(&self) -> Lag {
        self.shared.read(|world, _| world.state.lag())
    }

    /// Sets how far List and the login are behind. A shorter lag also ends a wait that has begun; a longer one applies only to
    /// later changes.
    pub fn set_lag(&self, lag: Lag) {
        self.shared.change(|world, _| world.state.set_lag(lag));
    }

    /// The most credentials in one page of a list.
    #[must_use]
    pub fn page_size(&self) -> usize {
        self.shared.read(|world, _| world.state.page_size())
    }

    /// Sets the most credentials in one page of a list.
    pub fn set_page_size(&self, page_size: usize) {
        self.shared.change(|world, _| world.state.set_page_size(page_size));
    }

    /// Stops the emulator's clock: only `advance_clock` moves it.
    pub fn stop_clock(&self) {
        self.shared.change(|world, _| world.clock.stop());
    }

    /// Lets the emulator's clock go with real time, keeping what was advanced.
    pub fn start_clock(&self) {
        self.shared.change(|world, _| world.clock.go());
    }

    /// Moves the emulator's clock forward.
    pub fn advance_clock(&self, by: Duration) {
        self.shared.change(|world, _| world.clock.advance(by));
    }
}

/// Faults.
#[expect(clippy::must_use_candidate, reason = "setting and clearing are done for their effect")]
impl Handle {
    /// Sets a fault and gives the id to clear it by.
    pub fn set_fault(&self, fault: Fault) -> u64 {
        self.shared.change(|world, _| world.faults.set(fault))
    }

    /// Clears a fault; false when there is none of that id.
    pub fn clear_fault(&self, id: u64) -> bool {
        self.shared.change(|world, _| world.faults.clear(id))
    }

    /// Clears all faults. Late calls still take effect.
    pub fn clear_faults(&self) {
        self.shared.change(|world, _| world.faults.clear_all());
    }

    /// All faults that are set, also those that are over.
    #[must_use]
    pub fn faults(&self) -> Vec<FaultStatus> {
        self.shared.read(|world, _| world.faults.all().to_vec())
    }

    /// How many late calls have not taken effect yet.
    #[must_use]
    pub fn late_calls(&self) -> usize {
        self.shared.read(|world, _| world.late_calls())
    }

    /// Lets all late calls take effect now.
    pub fn land_late_calls(&self) {
        self.shared.change(|world, _| world.land_late_calls(None));
    }
}

/// The record.
impl Handle {
    /// All requests to IAM since the record was cleared, in the order in which they came.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.read(|world, _| world.record.calls().to_vec())
    }

    /// All logins since the record was cleared.
    #[must_use]
    pub fn logins(&self) -> Vec<Login> {
        self.shared.read(|world, _| world.record.logins().to_vec())
    }

    /// Deletes the record of calls and logins. Their numbers go on.
    pub fn clear_calls(&self) {
        self.shared.change(|world, _| world.record.clear());
    }

    /// Waits until `condition` holds; false when it does not within `patience`.
    pub async fn wait_until(&self, patience: Duration, condition: impl Fn(&Self) -> bool) -> bool {
        let mut changes = self.shared.changes();
        let wait = async {
            while !condition(self) {
                // The condition is checked again after a change, and after this time without one.
                let _ = tokio::time::timeout(LOOK_AGAIN, changes.changed()).await;
            }
        };
        tokio::time::timeout(patience, wait).await.is_ok()
    }
}
