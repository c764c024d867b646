//! Steps in a word.

use crate::Step;

/// The name of a step, with what matters of its arguments.
pub(crate) fn name(step: &Step) -> String {
    match step {
        Step::DeleteCredential(id, disposal) => {
            format!("Delete({}, {disposal:?})", id.as_str().trim_start_matches("ACCA").trim_start_matches('0'))
        }
        Step::BeginOperation(operation) => format!("Begin({}, {:?})", operation.epoch, operation.purpose),
        Step::FenceSecret(epoch) => format!("Fence({epoch})"),
        Step::VoidEarlier(epoch) => format!("Void({epoch})"),
        Step::Wait { verdict, .. } => format!("Wait({:?}/{})", verdict.state, verdict.reason.as_str()),
        other => kind(other).to_owned(),
    }
}

/// The kind of a step.
pub(crate) fn kind(step: &Step) -> &'static str {
    match step {
        Step::ReadGrant => "ReadGrant",
        Step::ReadClaims => "ReadClaims",
        Step::ReadSecret => "ReadSecret",
        Step::ListCredentials | Step::Resync => "List",
        Step::ConfirmListing => "Confirm",
        Step::StartOver => "StartOver",
        Step::AddFinalizer => "AddFinalizer",
        Step::BeginOperation(_) => "Begin",
        Step::FenceSecret(_) => "Fence",
        Step::VoidEarlier(_) => "Void",
        Step::Preflight(_) => "Preflight",
        Step::Create(_) => "Create",
        Step::Reset(..) => "Reset",
        Step::Publish(_) => "Publish",
        Step::Complete(_) => "Complete",
        Step::Abandon(_) => "Abandon",
        Step::Rerender => "Rerender",
        Step::DeleteCredential(..) => "Delete",
        Step::ReadOther(_) => "ReadOther",
        Step::AnnounceCopy(_) => "AnnounceCopy",
        Step::CopySecret => "CopySecret",
        Step::Move(_) => "Move",
        Step::DeleteFormer(_) => "DeleteFormer",
        Step::ForgetFormer(_) => "ForgetFormer",
        Step::Deactivate(_) => "Deactivate",
        Step::RecordInactive => "RecordInactive",
        Step::ForgetRetiring => "ForgetRetiring",
        Step::Settle => "Settle",
        Step::ReleaseSecret => "ReleaseSecret",
        Step::RemoveFinalizer => "RemoveFinalizer",
        Step::Wait { .. } => "Wait",
    }
}
