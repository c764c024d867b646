//! Between the status in the cluster and the facts of the protocol.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::{
    FailuresStatus, IssuedStatus, KeyspacesCredentialStatus, OperationReason, OperationStatus, RetiringStatus,
    UnresolvedStatus,
};
use crate::protocol::{
    CredentialId, Epoch, Failures, InvalidName, Issued, Operation, Purpose, Recorded, Retiring, ServiceUserName,
    Unresolved,
};

/// The facts that status records.
///
/// # Errors
/// An id or a name in status is not one; somebody edited it.
pub(crate) fn recorded(status: &KeyspacesCredentialStatus) -> Result<Recorded, InvalidName> {
    Ok(Recorded {
        credential: status.credential.as_ref().map(issued).transpose()?,
        retiring: status.retiring.as_ref().map(retiring).transpose()?,
        operation: status.operation.as_ref().map(operation).transpose()?,
        completed: epoch(status.completed_epoch.unwrap_or(0)),
        handled_rotate: status.last_handled_rotate.clone(),
        unresolved: status.unresolved.as_ref().map(unresolved).transpose()?,
        failures: status.failures.as_ref().map(failures),
    })
}

fn epoch(number: i64) -> Epoch {
    Epoch(u64::try_from(number).unwrap_or(0))
}

/// The number of an epoch in status.
pub(crate) fn number(epoch: Epoch) -> i64 {
    i64::try_from(epoch.0).unwrap_or(i64::MAX)
}

fn ids(texts: &[String]) -> Result<BTreeSet<CredentialId>, InvalidName> {
    texts.iter().map(|text| CredentialId::parse(text.as_str())).collect()
}

fn issued(status: &IssuedStatus) -> Result<Issued, InvalidName> {
    Ok(Issued {
        id: CredentialId::parse(status.id.as_str())?,
        service_user_name: ServiceUserName::parse(status.service_user_name.as_str())?,
        issued_at: status.issued_at.0,
    })
}

fn retiring(status: &RetiringStatus) -> Result<Retiring, InvalidName> {
    Ok(Retiring {
        id: CredentialId::parse(status.id.as_str())?,
        service_user_name: ServiceUserName::parse(status.service_user_name.as_str())?,
        since: status.since.0,
    })
}

fn operation(status: &OperationStatus) -> Result<Operation, InvalidName> {
    Ok(Operation {
        epoch: epoch(status.epoch),
        first_epoch: epoch(status.first_epoch),
        purpose: match status.reason {
            OperationReason::First => Purpose::First,
            OperationReason::Requested => Purpose::Requested,
            OperationReason::SecretLost => Purpose::SecretLost,
            OperationReason::SecretDamaged => Purpose::SecretDamaged,
            OperationReason::CredentialGone => Purpose::CredentialGone,
        },
        rotate: status.rotate_token.clone(),
        started_at: status.started_at.0,
        attempted_at: status.attempted_at.0,
        baseline: ids(&status.baseline)?,
    })
}

fn unresolved(status: &UnresolvedStatus) -> Result<Unresolved, InvalidName> {
    Ok(Unresolved {
        epoch: epoch(status.epoch),
        baseline: ids(&status.baseline)?,
        started_at: status.started_at.0,
        until: status.until.0,
    })
}

fn failures(status: &FailuresStatus) -> Failures {
    Failures { count: u32::try_from(status.count).unwrap_or(0), last: status.last.0, next: status.next.0 }
}

/// A time as Kubernetes writes it: whole seconds.
fn whole(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

/// A time that must not be earlier than meant when its fraction of a second is cut off.
fn rounded_up(time: Timestamp) -> Time {
    let seconds = time.as_second() + i64::from(time.subsec_nanosecond() > 0);
    Time(Timestamp::from_second(seconds).unwrap_or(time))
}

fn texts(ids: &BTreeSet<CredentialId>) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

impl From<&Issued> for IssuedStatus {
    fn from(issued: &Issued) -> Self {
        Self {
            id: issued.id.to_string(),
            service_user_name: issued.service_user_name.to_string(),
            issued_at: whole(issued.issued_at),
        }
    }
}

impl From<&Retiring> for RetiringStatus {
    fn from(retiring: &Retiring) -> Self {
        Self {
            id: retiring.id.to_string(),
            service_user_name: retiring.service_user_name.to_string(),
            since: rounded_up(retiring.since),
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
                Purpose::SecretLost => OperationReason::SecretLost,
                Purpose::SecretDamaged => OperationReason::SecretDamaged,
                Purpose::CredentialGone => OperationReason::CredentialGone,
            },
            rotate_token: operation.rotate.clone(),
            started_at: whole(operation.started_at),
            attempted_at: rounded_up(operation.attempted_at),
            baseline: texts(&operation.baseline),
        }
    }
}

impl From<&Unresolved> for UnresolvedStatus {
    fn from(unresolved: &Unresolved) -> Self {
        Self {
            epoch: number(unresolved.epoch),
            baseline: texts(&unresolved.baseline),
            started_at: whole(unresolved.started_at),
            until: rounded_up(unresolved.until),
        }
    }
}

/// Failures as status keeps them. `rotate` tells later whether the owner asked anew.
pub(crate) fn failures_status(failures: &Failures, rotate: Option<&String>) -> FailuresStatus {
    FailuresStatus {
        count: i64::from(failures.count),
        last: whole(failures.last),
        next: rounded_up(failures.next),
        rotate_token: rotate.cloned(),
    }
}

/// Now, as status keeps it.
pub(crate) fn timestamp(now: Timestamp) -> Time {
    whole(now)
}
