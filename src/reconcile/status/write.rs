//! From the record to status. The times of a record are whole seconds already, as Kubernetes stores them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::{
    self, Binding, FailuresStatus, FormerSecretStatus, IssuedStatus, KeyspacesCredentialStatus, OperationReason,
    OperationStatus, ResetInDoubtStatus, RetiringStatus, UnresolvedStatus,
};
use crate::protocol::{
    CredentialId, Epoch, Failures, FormerSecret, Issued, Means, Operation, Purpose, Record, ResetInDoubt, Retiring,
    RetiringStage, Window, whole_second,
};

/// Writes a record into a status. Failures are not changed by a step, only cleared.
pub(crate) fn recorded_in(status: &mut KeyspacesCredentialStatus, record: &Record) {
    status.credential = record.current.as_ref().map(Into::into);
    status.published_epoch = record.published_by.map(number);
    status.retiring = record.retiring.as_ref().map(Into::into);
    status.operation = record.operation.as_ref().map(Into::into);
    status.completed_epoch = Some(number(record.closed)).filter(|number| *number > 0);
    status.unresolved = record.window.as_ref().map(Into::into);
    status.reset_in_doubt = record.reset_in_doubt.as_ref().map(Into::into);
    status.binding = record.secret_name.as_ref().map(|name| Binding { name: name.to_string() });
    status.former_secrets = record.former_secrets.iter().map(Into::into).collect();
    status.last_handled_rotate.clone_from(&record.handled_rotate);
    status.last_rotated_at = record.rotated_at.map(Time);
    if record.failures.is_none() {
        status.failures = None;
    }
}

/// The number of an epoch in status.
fn number(epoch: Epoch) -> i64 {
    i64::try_from(epoch.0).unwrap_or(i64::MAX)
}

/// The second that a time lies in, as Kubernetes stores it.
pub(crate) fn timestamp(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

fn texts(ids: &BTreeSet<CredentialId>) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

impl From<&Issued> for IssuedStatus {
    fn from(issued: &Issued) -> Self {
        Self {
            id: issued.id.to_string(),
            service_user_name: issued.service_user_name.to_string(),
            issued_at: Time(issued.issued_at),
        }
    }
}

impl From<&Retiring> for RetiringStatus {
    fn from(retiring: &Retiring) -> Self {
        Self {
            id: retiring.id.to_string(),
            service_user_name: retiring.service_user_name.to_string(),
            since: Time(retiring.since),
            stage: match retiring.stage {
                RetiringStage::Active => api::RetiringStage::Active,
                RetiringStage::Inactive => api::RetiringStage::Inactive,
            },
            published_epoch: retiring.published_by.map(number),
        }
    }
}

impl From<&Operation> for OperationStatus {
    fn from(operation: &Operation) -> Self {
        Self {
            epoch: number(operation.epoch),
            first_epoch: number(operation.first_epoch),
            reason: match operation.purpose {
                Purpose::First => OperationReason::First,
                Purpose::Requested => OperationReason::Requested,
                Purpose::Scheduled => OperationReason::Scheduled,
                Purpose::SecretLost => OperationReason::SecretLost,
                Purpose::SecretDamaged => OperationReason::SecretDamaged,
                Purpose::CredentialGone => OperationReason::CredentialGone,
                Purpose::ResetInDoubt => OperationReason::ResetInDoubt,
            },
            resets: match &operation.means {
                Means::Create => None,
                Means::Reset(id) => Some(id.to_string()),
            },
            secret_name: Some(operation.secret_name.to_string()),
            rotate_token: operation.rotate.clone(),
            started_at: Time(operation.from),
            attempted_at: Time(operation.attempted_at),
            baseline: texts(&operation.baseline),
        }
    }
}

impl From<&Window> for UnresolvedStatus {
    fn from(window: &Window) -> Self {
        Self {
            epoch: number(window.epoch),
            baseline: texts(&window.baseline),
            started_at: Time(window.from),
            until: Time(window.end),
        }
    }
}

impl From<&ResetInDoubt> for ResetInDoubtStatus {
    fn from(doubt: &ResetInDoubt) -> Self {
        Self { id: doubt.id.to_string(), until: Time(doubt.until) }
    }
}

impl From<&FormerSecret> for FormerSecretStatus {
    fn from(former: &FormerSecret) -> Self {
        Self { name: former.name.to_string(), since: Time(former.since) }
    }
}

/// Failures as status holds them. `rotate` tells later whether the owner asked anew.
pub(crate) fn failures_status(failures: &Failures, rotate: Option<&String>) -> FailuresStatus {
    FailuresStatus {
        count: i64::from(failures.count),
        last: timestamp(failures.last),
        next: Time(whole_second(failures.next)),
        rotate_token: rotate.cloned(),
    }
}
