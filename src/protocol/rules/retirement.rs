//! What becomes of the replaced credential.

use std::ops::ControlFlow::{Break, Continue};

use crate::answer::{Change, Disposal, Step};
use crate::facts::{Record, Retiring, RetiringStage};
use crate::record::{is_in_use, retiring_gone_at, stops_at};

use super::case::{Answer, Case};

/// The replaced credential is switched off when its overlap is over, and deleted after `inactiveFor`. Its owner can end
/// its time by naming it in the annotation.
pub(crate) fn retire(case: &Case<'_>) -> Answer {
    let (resource, now) = (case.resource(), case.now);
    let Some(retiring) = &case.record().retiring else {
        return Continue(());
    };
    if resource.retire.as_deref() == Some(retiring.id.as_str()) || retiring_gone_at(resource, retiring) <= now {
        return delete_retiring(case, retiring);
    }
    match retiring.stage {
        // IAM first and the record second. The other way round, a crash in between would leave it working in the belief
        // that it is off.
        RetiringStage::Active if case.observed.deactivated.contains(&retiring.id) => {
            let off = Retiring { stage: RetiringStage::Inactive, ..retiring.clone() };
            Break(Step::record(Change::MarkInactive, Record { retiring: Some(off), ..case.record().clone() }))
        }
        RetiringStage::Active if stops_at(resource, retiring) <= now => Break(Step::Deactivate(retiring.id.clone())),
        RetiringStage::Active | RetiringStage::Inactive => Continue(()),
    }
}

/// Deletes the retiring credential, then forgets it. The other way round, a crash in between would leave it in IAM for
/// good.
pub(crate) fn delete_retiring(case: &Case<'_>, retiring: &Retiring) -> Answer {
    // If it is current or in the Secret as well, somebody edited status or Secret. What is in use is not deleted on
    // such a word.
    if case.observed.deleted.contains(&retiring.id) || is_in_use(case.observed, &retiring.id) {
        let forgotten = Record { retiring: None, ..case.record().clone() };
        return Break(Step::record(Change::ForgetRetiring, forgotten));
    }
    Break(Step::DeleteCredential(retiring.id.clone(), Disposal::Retired))
}
