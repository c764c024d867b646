//! Steps in a word.

use keyspaces_credential_protocol::{Change, Step};

/// The name of a step, with what matters of its arguments.
pub(crate) fn name(step: &Step) -> String {
    match step {
        Step::DeleteCredential(id, disposal) => {
            format!("Delete({}, {disposal:?})", id.as_str().trim_start_matches("ACCA").trim_start_matches('0'))
        }
        Step::Record(update) => match (update.change, &update.record.operation) {
            (Change::Begin | Change::TakeOver, Some(operation)) => {
                format!("Begin({}, {:?})", operation.epoch, operation.purpose)
            }
            (Change::CloseEarlier, _) => format!("CloseEarlier({})", update.record.closed),
            (_, _) => kind(step).to_owned(),
        },
        Step::FenceSecret(epoch) => format!("Fence({epoch})"),
        Step::Wait { report: Some(report), .. } => format!("Wait({:?}/{})", report.state, report.reason.as_str()),
        other => kind(other).to_owned(),
    }
}

/// The kind of a step.
pub(crate) fn kind(step: &Step) -> &'static str {
    match step {
        Step::ReadGrant => "ReadGrant",
        Step::ReadClaims => "ReadClaims",
        Step::ReadSecret(_) => "ReadSecret",
        Step::ListCredentials | Step::Resync => "List",
        Step::ConfirmListing => "Confirm",
        Step::StartOver => "StartOver",
        Step::AddFinalizer => "AddFinalizer",
        Step::Record(update) => match update.change {
            Change::Begin | Change::TakeOver => "Begin",
            Change::CloseEarlier => "CloseEarlier",
            Change::Accept => "Accept",
            Change::Abandon => "Abandon",
            Change::CloseWindow => "CloseWindow",
            Change::MarkInactive => "MarkInactive",
            Change::ForgetRetiring => "ForgetRetiring",
            Change::AnnounceCopy => "AnnounceCopy",
            Change::MoveSecret => "MoveSecret",
            Change::ForgetFormerSecret => "ForgetFormerSecret",
        },
        Step::FenceSecret(_) => "Fence",
        Step::DryRun(_) => "DryRun",
        Step::Create(_) => "Create",
        Step::Reset(..) => "Reset",
        Step::Publish(_) => "Publish",
        Step::Render => "Render",
        Step::CopySecret => "CopySecret",
        Step::DeleteFormerSecret(_) => "DeleteFormerSecret",
        Step::DeleteCredential(..) => "Delete",
        Step::Deactivate(_) => "Deactivate",
        Step::ReleaseSecret => "ReleaseSecret",
        Step::RemoveFinalizer => "RemoveFinalizer",
        Step::Wait { .. } => "Wait",
    }
}
