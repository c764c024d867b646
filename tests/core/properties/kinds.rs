//! The facts lead to everything that a decision can say.

use std::cell::RefCell;
use std::collections::BTreeMap;

use keyspaces_credential_protocol::*;

use crate::facts::assert_of_moments;

/// Every kind of step, every change, every disposal, every purpose and every reason that a decision can give.
const EVERYTHING: &str = "ReadGrant ReadClaims ReadSecret ListCredentials Resync ConfirmListing StartOver AddFinalizer FenceSecret DryRun \
    Create Reset Publish Render CopySecret DeleteFormerSecret Deactivate ReleaseSecret RemoveFinalizer Wait \
    Begin TakeOver CloseEarlier Accept Abandon CloseWindow MarkInactive ForgetRetiring AnnounceCopy MoveSecret ForgetFormerSecret \
    Leftover Retired Foreign ResourceDeleted \
    for:First for:Requested for:Scheduled for:SecretLost for:SecretDamaged for:CredentialGone for:ResetInDoubt \
    says:nothing says:Published says:Creating says:Rotating says:Recovering says:RotationWaits says:CleaningUp \
    says:CredentialMissing says:Deleting says:IamUserContested says:IamUserNotGranted says:IamUserInUse says:SecretConflict \
    says:SecretImmutable says:NoFreeSlot says:CredentialInactive says:Suspended";

fn words(step: &Step) -> Vec<String> {
    let mut words = Vec::new();
    let report = match step {
        Step::Wait { report, .. } => {
            words.push("Wait".to_owned());
            if report.is_none() {
                words.push("says:nothing".to_owned());
            }
            report.as_ref()
        }
        Step::Record(update) => {
            words.push(format!("{:?}", update.change));
            if let (Change::Begin, Some(operation)) = (update.change, &update.record.operation) {
                words.push(format!("for:{:?}", operation.purpose));
            }
            update.report.as_ref()
        }
        Step::DeleteCredential(_, disposal) => {
            words.push(format!("{disposal:?}"));
            None
        }
        step => {
            words.push(format!("{step:?}").split([' ', '(']).next().unwrap_or_default().to_owned());
            None
        }
    };
    words.extend(report.map(|report| format!("says:{}", report.reason.as_str())));
    words
}

#[test]
fn the_facts_lead_to_every_step_and_every_reason() {
    let counts = RefCell::new(BTreeMap::<String, u32>::new());
    assert_of_moments(10_000, |observed, now| {
        for word in words(&decide(observed, now)) {
            *counts.borrow_mut().entry(word).or_default() += 1;
        }
        Ok(true)
    });
    let counts = counts.into_inner();
    println!("{counts:#?}");
    let rare: Vec<_> =
        EVERYTHING.split_whitespace().filter(|word| counts.get(*word).is_none_or(|count| *count < 3)).collect();
    assert!(rare.is_empty(), "hardly met: {rare:?}");
    let new: Vec<_> = counts.keys().filter(|word| !EVERYTHING.split_whitespace().any(|known| known == *word)).collect();
    assert!(new.is_empty(), "not known here: {new:?}");
}
