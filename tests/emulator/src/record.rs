//! What clients asked of the emulator, and what came of it. It never holds a password.

use jiff::Timestamp;
use serde::Serialize;

use crate::operation::Operation;

/// A request to IAM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// Its place among all calls and logins.
    pub seq: u64,
    /// When it came, with fractions of a second.
    pub time: String,
    /// What it asked for.
    pub operation: Operation,
    /// The user it was about: the one that was named, else the caller.
    pub user: Option<String>,
    /// Whether the request named that user.
    pub user_named: bool,
    /// The credential it was about or that it made.
    pub credential_id: Option<String>,
    /// The access key that signed it.
    pub access_key_id: Option<String>,
    /// The HTTP status that was sent; `None` while there is no reply, and when a fault suppressed the reply.
    pub status: Option<u16>,
    /// The error code that was sent or, without a reply, what the call was refused with.
    pub error: Option<String>,
    /// The fault that acted on it.
    pub fault: Option<String>,
    /// Whether it took effect.
    pub applied: bool,
    /// Whether the emulator has finished with it: it has answered it, or has given it up as the fault says.
    pub done: bool,
}

/// An attempt to log in at the CQL endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Login {
    /// Its place among all calls and logins.
    pub seq: u64,
    /// When it came, with fractions of a second.
    pub time: String,
    /// The service user name.
    pub service_user_name: String,
    /// Whether it was accepted.
    pub accepted: bool,
    /// The credential that was accepted.
    pub credential_id: Option<String>,
    /// The fault that acted on it.
    pub fault: Option<String>,
}

/// All calls and logins since they were last cleared.
#[derive(Default)]
pub(crate) struct Record {
    last_seq: u64,
    calls: Vec<Call>,
    logins: Vec<Login>,
}

impl Record {
    pub(crate) fn calls(&self) -> &[Call] {
        &self.calls
    }

    pub(crate) fn logins(&self) -> &[Login] {
        &self.logins
    }

    /// Deletes all; the numbers go on.
    pub(crate) fn clear(&mut self) {
        self.calls.clear();
        self.logins.clear();
    }

    /// Records a call that has come and returns its number.
    pub(crate) fn add_call(&mut self, operation: Operation, now: Timestamp) -> u64 {
        self.last_seq += 1;
        self.calls.push(Call {
            seq: self.last_seq,
            time: now.to_string(),
            operation,
            user: None,
            user_named: false,
            credential_id: None,
            access_key_id: None,
            status: None,
            error: None,
            fault: None,
            applied: false,
            done: false,
        });
        self.last_seq
    }

    /// Changes a call, unless it was cleared.
    pub(crate) fn amend(&mut self, seq: u64, change: impl FnOnce(&mut Call)) {
        if let Some(call) = self.calls.iter_mut().find(|call| call.seq == seq) {
            change(call);
        }
    }

    pub(crate) fn add_login(
        &mut self,
        service_user_name: &str,
        credential_id: Option<String>,
        fault: Option<String>,
        now: Timestamp,
    ) {
        self.last_seq += 1;
        self.logins.push(Login {
            seq: self.last_seq,
            time: now.to_string(),
            service_user_name: service_user_name.into(),
            accepted: credential_id.is_some(),
            credential_id,
            fault,
        });
    }
}
