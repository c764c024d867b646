//! From status to the record.

use std::collections::BTreeSet;

use crate::api::{
    self, FailuresStatus, FormerSecretStatus, IssuedStatus, KeyspacesCredentialStatus, OperationReason,
    OperationStatus, ResetInDoubtStatus, RetiringStatus, UnresolvedStatus,
};
use crate::protocol::{
    CredentialId, Epoch, Failures, FormerSecret, InvalidName, Issued, Means, Operation, Purpose, Record, ResetInDoubt,
    Retiring, RetiringStage, SecretName, ServiceUserName, Window,
};

/// The record that status holds. `wanted` is the Secret that the spec asks for: an operation that an older version of
/// the operator began does not name its Secret.
///
/// # Errors
/// An id, a name or an epoch in status is not one; somebody edited it.
pub(crate) fn record(status: &KeyspacesCredentialStatus, wanted: &SecretName) -> Result<Record, InvalidName> {
    let secret_name = secret_name(status)?;
    let bound = secret_name.as_ref().unwrap_or(wanted);
    Ok(Record {
        current: status.credential.as_ref().map(issued).transpose()?,
        published_by: status.published_epoch.map(Epoch::parse).transpose()?,
        retiring: status.retiring.as_ref().map(retiring).transpose()?,
        operation: status.operation.as_ref().map(|status| operation(status, bound)).transpose()?,
        closed: Epoch::parse(status.completed_epoch.unwrap_or(0))?,
        window: status.unresolved.as_ref().map(window).transpose()?,
        reset_in_doubt: status.reset_in_doubt.as_ref().map(reset_in_doubt).transpose()?,
        former_secrets: status.former_secrets.iter().map(former_secret).collect::<Result<_, _>>()?,
        handled_rotate: status.last_handled_rotate.clone(),
        rotated_at: status.last_rotated_at.as_ref().map(|time| time.0),
        failures: status.failures.as_ref().map(failures),
        secret_name,
    })
}

/// The bound Secret. One whose name is no name does not matter while an operation names its own: completing it names
/// that one.
fn secret_name(status: &KeyspacesCredentialStatus) -> Result<Option<SecretName>, InvalidName> {
    let bound = status.binding.as_ref().map(|binding| SecretName::parse(binding.name.as_str())).transpose();
    let named = status.operation.as_ref().is_some_and(|operation| operation.secret_name.is_some());
    if named { Ok(bound.unwrap_or_default()) } else { bound }
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
        published_by: status.published_epoch.map(Epoch::parse).transpose()?,
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
        secret_name: match &status.secret_name {
            Some(name) => SecretName::parse(name.as_str())?,
            None => bound.clone(),
        },
        rotate: status.rotate_token.clone(),
        from: status.started_at.0,
        attempted_at: status.attempted_at.0,
        baseline: ids(&status.baseline)?,
    })
}

fn window(status: &UnresolvedStatus) -> Result<Window, InvalidName> {
    Ok(Window {
        epoch: Epoch::parse(status.epoch)?,
        baseline: ids(&status.baseline)?,
        from: status.started_at.0,
        end: status.until.0,
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
