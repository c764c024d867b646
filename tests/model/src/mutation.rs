//! Ways to break the protocol, one for each of its rules, to see that the checker notices.
//!
//! Two rules have none. 12 (delete re-reads): a pass begins with a quorum read, a deletion cannot be taken back, and what is
//! deleted are ids that status recorded or that were created inside its windows; ids are not used twice. So a pass that works on
//! an old copy of a deleted resource deletes again what is gone already, and the model has nothing to add. What remains of the
//! rule is what a process does with a credential in hand when its resource is gone, which `Scenario::look_when_gone` breaks. 14
//! (leader election): every run with two replicas is a run without it, for nothing in the model fences one against the other.

use jiff::Timestamp;
use keyspaces_credential_protocol as protocol;
use protocol::{
    Completion, CredentialId, Disposal, Observed, Retiring, RetiringStage, SecretFact, Settlement, Stage, Step,
};

use crate::facts::Issued;

/// A rule that is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// 1: a failed read of the Secret is taken for its absence.
    ErrorIsAbsence,
    /// 2: the intent is kept in memory only.
    NoIntent,
    /// 3: an operation that another process began is continued under its epoch.
    Continue,
    /// 4: Create without a dry run of the Secret's write.
    NoPreflight,
    /// 5: a client library repeats Create when the reply is lost.
    RetryCreate,
    /// 6: the Secret is written without a resourceVersion.
    PublishUnfenced,
    /// 6: an orphan is deleted before the Secret carries the new epoch.
    NoFence,
    /// 7: status is completed when Create replied, without a look at the Secret.
    CompleteUnseen,
    /// 8: every id that is not known is an orphan.
    ClaimAll,
    /// 9: the current credential goes first when a slot is needed.
    CurrentFirst,
    /// 10: what List shows is believed at once.
    NoSettle,
    /// 11: two resources share an IAM user.
    ShareUser,
    /// 13: a reset that may still land is not recorded, so no last reset follows it.
    ForgetDoubt,
    /// 13: what an attempt left behind is given a new password and used, instead of being replaced.
    AdoptByReset,
    /// A rename: an operation publishes to the Secret that is wanted now, and not to the one that it began with.
    FollowWantedSecret,
    /// A rename: the old Secret is deleted before the new one is there.
    DeleteBeforeCopy,
}

/// `decide` as shipped, or broken where `mutation` says so.
pub(crate) fn decide(mutation: Option<Mutation>, mut observed: Observed, now: Timestamp) -> Step {
    match mutation {
        Some(Mutation::ClaimAll) => claim_all(&mut observed),
        Some(Mutation::CurrentFirst) => current_first(&mut observed),
        _ => {}
    }
    let step = protocol::decide(&observed, now);
    match (mutation, step) {
        (Some(Mutation::NoFence), Step::FenceSecret(epoch)) => {
            if let Some(SecretFact::Ours(secret)) = &mut observed.secret {
                secret.fence = epoch;
            }
            protocol::decide(&observed, now)
        }
        (Some(Mutation::ForgetDoubt), Step::Complete(completion)) => {
            Step::Complete(Completion { reset_in_doubt: None, ..completion })
        }
        (Some(Mutation::ForgetDoubt), Step::Abandon(settlement)) => {
            Step::Abandon(Settlement { reset_in_doubt: None, ..settlement })
        }
        (Some(Mutation::AdoptByReset), Step::Create(epoch)) => {
            left_behind(&observed).map_or(Step::Create(epoch), |id| Step::Reset(epoch, id))
        }
        // The protocol does not delete what is in use; here it does.
        (Some(Mutation::CurrentFirst), Step::ForgetRetiring) => match &observed.resource.recorded.credential {
            Some(current) if !observed.removed.contains(&current.id) => {
                Step::DeleteCredential(current.id.clone(), Disposal::Retired)
            }
            _ => Step::ForgetRetiring,
        },
        (Some(Mutation::DeleteBeforeCopy), Step::CopySecret) => Step::DeleteFormer(observed.resource.secret_name),
        (Some(Mutation::CompleteUnseen), Step::Publish(epoch)) => complete_unseen(&observed, epoch, now),
        (_, step) => step,
    }
}

/// What List shows that an earlier attempt of the open operation may have created.
fn left_behind(observed: &Observed) -> Option<CredentialId> {
    let recorded = &observed.resource.recorded;
    let operation = recorded.operation.as_ref().filter(|operation| operation.recovering())?;
    let listed = observed.listing.as_ref()?.credentials.iter().map(|listed| &listed.id);
    listed.filter(|id| !operation.baseline.contains(id)).min().cloned()
}

fn claim_all(observed: &mut Observed) {
    let recorded = &mut observed.resource.recorded;
    if let Some(operation) = &mut recorded.operation {
        operation.baseline.clear();
        operation.started_at = Timestamp::UNIX_EPOCH;
        operation.first_epoch = protocol::Epoch(0);
    }
    if let Some(unresolved) = &mut recorded.unresolved {
        unresolved.baseline.clear();
        unresolved.started_at = Timestamp::UNIX_EPOCH;
    }
}

fn current_first(observed: &mut Observed) {
    let full = observed.listing.as_ref().is_some_and(|listing| listing.credentials.len() >= 2);
    let recorded = &mut observed.resource.recorded;
    if let (true, Some(_), None, Some(current)) = (full, &recorded.operation, &recorded.retiring, &recorded.credential)
    {
        recorded.retiring = Some(Retiring {
            id: current.id.clone(),
            service_user_name: current.service_user_name.clone(),
            since: current.issued_at,
            stage: RetiringStage::Active,
            published: None,
        });
    }
}

fn complete_unseen(observed: &Observed, epoch: protocol::Epoch, now: Timestamp) -> Step {
    let mut seen = observed.clone();
    let Some(Stage::InHand { id, .. }) = seen.memory.attempt.take().map(|attempt| attempt.stage) else {
        return Step::Publish(epoch);
    };
    let credential = Issued { id: crate::facts::number(&id), at: crate::facts::tick(now) };
    seen.secret = Some(SecretFact::Ours(protocol::OurSecret {
        published: Some(protocol::Published { credential: credential.out(), epoch }),
        fence: epoch,
        rendering: protocol::Rendering::Current,
        immutable: false,
    }));
    protocol::decide(&seen, now)
}
