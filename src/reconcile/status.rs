//! Between the status in the cluster and the facts of the protocol.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::{
    self, FailuresStatus, FormerSecretStatus, IssuedStatus, KeyspacesCredentialStatus, OperationReason,
    OperationStatus, ResetInDoubtStatus, RetiringStatus, UnresolvedStatus,
};
use crate::protocol::{
    CredentialId, Epoch, Failures, FormerSecret, InvalidName, Issued, Means, Operation, Purpose, Recorded,
    ResetInDoubt, Retiring, RetiringStage, SecretName, ServiceUserName, Unresolved, whole_second,
};

/// The facts that status records. `bound` is the Secret that an open operation publishes to: an operation that an older version
/// of the operator began does not name it.
///
/// # Errors
/// An id, a name or an epoch in status is not one; somebody edited it.
pub(crate) fn recorded(status: &KeyspacesCredentialStatus, bound: &SecretName) -> Result<Recorded, InvalidName> {
    Ok(Recorded {
        credential: status.credential.as_ref().map(issued).transpose()?,
        retiring: status.retiring.as_ref().map(retiring).transpose()?,
        operation: status.operation.as_ref().map(|status| operation(status, bound)).transpose()?,
        completed: Epoch::parse(status.completed_epoch.unwrap_or(0))?,
        published: status.published_epoch.map(Epoch::parse).transpose()?,
        handled_rotate: status.last_handled_rotate.clone(),
        rotated_at: status.last_rotated_at.as_ref().map(|time| time.0),
        unresolved: status.unresolved.as_ref().map(unresolved).transpose()?,
        reset_in_doubt: status.reset_in_doubt.as_ref().map(reset_in_doubt).transpose()?,
        former_secrets: status.former_secrets.iter().map(former_secret).collect::<Result<_, _>>()?,
        failures: status.failures.as_ref().map(failures),
    })
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
        stage: match status.stage {
            api::RetiringStage::Active => RetiringStage::Active,
            api::RetiringStage::Inactive => RetiringStage::Inactive,
        },
        published: status.published_epoch.map(Epoch::parse).transpose()?,
    })
}

fn operation(status: &OperationStatus, bound: &SecretName) -> Result<Operation, InvalidName> {
    Ok(Operation {
        epoch: Epoch::parse(status.epoch)?,
        first_epoch: Epoch::parse(status.first_epoch)?,
        purpose: match status.reason {
            OperationReason::First => Purpose::First,
            OperationReason::Requested => Purpose::Requested,
            OperationReason::Scheduled => Purpose::Scheduled,
            OperationReason::SecretLost => Purpose::SecretLost,
            OperationReason::SecretDamaged => Purpose::SecretDamaged,
            OperationReason::CredentialGone => Purpose::CredentialGone,
            OperationReason::ResetInDoubt => Purpose::ResetInDoubt,
        },
        means: match &status.resets {
            None => Means::Create,
            Some(id) => Means::Reset(CredentialId::parse(id.as_str())?),
        },
        secret_name: bound.clone(),
        rotate: status.rotate_token.clone(),
        started_at: status.started_at.0,
        attempted_at: status.attempted_at.0,
        baseline: ids(&status.baseline)?,
    })
}

fn unresolved(status: &UnresolvedStatus) -> Result<Unresolved, InvalidName> {
    Ok(Unresolved {
        epoch: Epoch::parse(status.epoch)?,
        baseline: ids(&status.baseline)?,
        started_at: status.started_at.0,
        until: status.until.0,
    })
}

fn reset_in_doubt(status: &ResetInDoubtStatus) -> Result<ResetInDoubt, InvalidName> {
    Ok(ResetInDoubt { id: CredentialId::parse(status.id.as_str())?, until: status.until.0 })
}

fn former_secret(status: &FormerSecretStatus) -> Result<FormerSecret, InvalidName> {
    Ok(FormerSecret { name: SecretName::parse(status.name.as_str())?, since: status.since.0 })
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
    Time(whole_second(time))
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
            stage: match retiring.stage {
                RetiringStage::Active => api::RetiringStage::Active,
                RetiringStage::Inactive => api::RetiringStage::Inactive,
            },
            published_epoch: retiring.published.map(number),
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

impl From<&ResetInDoubt> for ResetInDoubtStatus {
    fn from(doubt: &ResetInDoubt) -> Self {
        Self { id: doubt.id.to_string(), until: rounded_up(doubt.until) }
    }
}

impl From<&FormerSecret> for FormerSecretStatus {
    fn from(former: &FormerSecret) -> Self {
        Self { name: former.name.to_string(), since: rounded_up(former.since) }
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn id(last: char) -> CredentialId {
        CredentialId::parse(format!("ACCA1234567890123456{last}")).unwrap()
    }

    fn name() -> ServiceUserName {
        ServiceUserName::parse("orders-app-at-111122223333").unwrap()
    }

    fn secret(name: &str) -> SecretName {
        SecretName::parse(name).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_is_recorded_is_read_again() {
        let issued = Issued { id: id('A'), service_user_name: name(), issued_at: at(1) };
        let retiring = Retiring {
            id: id('B'),
            service_user_name: name(),
            since: at(2),
            stage: RetiringStage::Inactive,
            published: Some(Epoch(3)),
        };
        let operation = Operation {
            epoch: Epoch(9),
            first_epoch: Epoch(7),
            purpose: Purpose::SecretDamaged,
            means: Means::Reset(id('A')),
            secret_name: secret("orders"),
            rotate: Some("now".to_owned()),
            started_at: at(3),
            attempted_at: at(4),
            baseline: BTreeSet::from([id('A'), id('B')]),
        };
        let unresolved =
            Unresolved { epoch: Epoch(5), baseline: BTreeSet::from([id('C')]), started_at: at(5), until: at(6) };
        let doubt = ResetInDoubt { id: id('A'), until: at(10) };
        let former = FormerSecret { name: secret("bills"), since: at(11) };
        let failures = Failures { count: 3, last: at(7), next: at(8) };
        let status = KeyspacesCredentialStatus {
            credential: Some((&issued).into()),
            retiring: Some((&retiring).into()),
            operation: Some((&operation).into()),
            completed_epoch: Some(number(Epoch(6))),
            published_epoch: Some(number(Epoch(4))),
            unresolved: Some((&unresolved).into()),
            reset_in_doubt: Some((&doubt).into()),
            former_secrets: vec![(&former).into()],
            failures: Some(failures_status(&failures, None)),
            last_rotated_at: Some(whole(at(9))),
            ..KeyspacesCredentialStatus::default()
        };
        let json = serde_json::to_value(&status).unwrap();
        let status: KeyspacesCredentialStatus = serde_json::from_value(json).unwrap();
        assert_eq!(status.operation.as_ref().unwrap().secret_name.as_deref(), Some("orders"));
        assert_eq!(
            recorded(&status, &secret("orders")).unwrap(),
            Recorded {
                credential: Some(issued),
                retiring: Some(retiring),
                operation: Some(operation),
                completed: Epoch(6),
                published: Some(Epoch(4)),
                handled_rotate: None,
                rotated_at: Some(at(9)),
                unresolved: Some(unresolved),
                reset_in_doubt: Some(doubt),
                former_secrets: vec![former],
                failures: Some(failures),
            }
        );
    }

    #[test]
    fn a_time_that_must_not_come_early_is_rounded_up() {
        let time = Timestamp::from_millisecond(1_500).unwrap();
        assert_eq!((whole(time).0, rounded_up(time).0), (at(1), at(2)));
    }

    #[test]
    fn an_id_that_is_none_is_not_believed() {
        let status = KeyspacesCredentialStatus {
            credential: Some(IssuedStatus {
                id: "*".to_owned(),
                service_user_name: "a".to_owned(),
                issued_at: Time(at(1)),
            }),
            ..KeyspacesCredentialStatus::default()
        };
        assert!(recorded(&status, &secret("orders")).is_err());
    }
}
