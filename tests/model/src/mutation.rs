//! Ways to break the protocol, to see that the checker notices. Each names the rule of [`keyspaces_credential_protocol`] that it breaks.
//!
//! These rules have none:
//!
//! * 15 (clocks lie): the clocks of the model agree, and nobody edits status.
//! * 16 (no storm): the model counts no requests. After most failures it tries again at once, which is the harder case.
//! * 17 (the right account): the protocol does not keep this rule yet.
//! * 18 (leader election): a run with two replicas is a run without it, for nothing in the model keeps one from acting beside the other.

use jiff::{SignedDuration, Timestamp};
use keyspaces_credential_protocol as protocol;
use protocol::{
    Attempt, Change, CredentialId, Disposal, Epoch, Observed, OurSecret, Published, Rendering, Retiring, RetiringStage,
    SecretFact, Stage, Step,
};

use crate::facts::Issued;

/// A rule that is broken on purpose, here or in the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// 1: a failed read of the Secret is taken for its absence.
    ErrorIsAbsence,
    /// 2: two resources share an IAM user.
    ShareUser,
    /// 3: the intent is kept in memory only.
    NoIntent,
    /// 4: an operation that another process began is continued under its epoch.
    Continue,
    /// 5: Create without a dry run of the Secret's write.
    NoDryRun,
    /// 6: a client library repeats Create when the reply is lost.
    RetryCreate,
    /// 7: the Secret is written without a resourceVersion.
    PublishUnfenced,
    /// 7, in a rename: an operation publishes to the Secret that is wanted now, and not to the one that it began with.
    FollowWantedSecret,
    /// 8: a credential is accepted when Create replied, without a look at the Secret.
    AcceptUnseen,
    /// 9: every id that is not known is a leftover.
    ClaimAll,
    /// 10: a leftover is deleted before the Secret carries the new epoch.
    NoFence,
    /// 11: the current credential goes first when a slot is needed.
    CurrentFirst,
    /// 12: what List shows is believed at once.
    BelieveAtOnce,
    /// 13: the finalizer is taken off while IAM still has the credential.
    LetGoFirst,
    /// 14: a reset that may still land is not recorded, so no last reset follows it.
    ForgetDoubt,
    /// 14: what an attempt left behind is given a new password and used, instead of being replaced.
    AdoptByReset,
    /// A rename, which has no number: the former Secret is deleted before the new one is there.
    DeleteBeforeCopy,
}

/// Breaks a rule by a change of the facts.
pub(crate) fn distort(mutation: Option<Mutation>, observed: &mut Observed) {
    match mutation {
        Some(Mutation::Continue) => continue_it(observed),
        Some(Mutation::FollowWantedSecret) => {
            let Observed { resource, .. } = observed;
            if let Some(operation) = &mut resource.record.operation {
                operation.secret_name.clone_from(&resource.wanted_secret);
            }
        }
        Some(Mutation::ClaimAll) => claim_all(observed),
        Some(Mutation::CurrentFirst) => current_first(observed),
        Some(Mutation::BelieveAtOnce) => observed.settings.consistency_window = SignedDuration::ZERO,
        _ => {}
    }
}

/// `decide` as shipped, or broken where `mutation` says so.
pub(crate) fn decide(mutation: Option<Mutation>, observed: &Observed, now: Timestamp) -> Step {
    let step = protocol::decide(observed, now);
    match (mutation, step) {
        (Some(Mutation::NoFence), Step::FenceSecret(epoch)) => {
            let mut fenced = observed.clone();
            if let Some(SecretFact::Ours(secret)) = fenced.secrets.get_mut(observed.resource.secret_name()) {
                secret.fence = epoch;
            }
            protocol::decide(&fenced, now)
        }
        (Some(Mutation::ForgetDoubt), Step::Record(mut update)) => {
            update.record.reset_in_doubt = None;
            Step::Record(update)
        }
        (Some(Mutation::AdoptByReset), Step::Create(epoch)) => {
            left_behind(observed).map_or(Step::Create(epoch), |id| Step::Reset(epoch, id))
        }
        // The protocol does not delete what is in use; here it does.
        (Some(Mutation::CurrentFirst), Step::Record(update)) if update.change == Change::ForgetRetiring => {
            let record = &observed.resource.record;
            match record.current_id().filter(|id| Some(*id) == record.retiring_id() && !observed.deleted.contains(id)) {
                Some(current) => Step::DeleteCredential(current.clone(), Disposal::Retired),
                None => Step::Record(update),
            }
        }
        (Some(Mutation::LetGoFirst), Step::DeleteCredential(_, Disposal::ResourceDeleted)) => Step::RemoveFinalizer,
        (Some(Mutation::DeleteBeforeCopy), Step::CopySecret) => {
            Step::DeleteFormerSecret(observed.resource.secret_name().clone())
        }
        (Some(Mutation::AcceptUnseen), Step::Publish(epoch)) => accept_unseen(observed, epoch, now),
        (_, step) => step,
    }
}

/// The attempt of the open operation is taken for one of this process.
fn continue_it(observed: &mut Observed) {
    if let Some(operation) = &observed.resource.record.operation
        && observed.memory.attempt.as_ref().is_none_or(|attempt| attempt.epoch != operation.epoch)
    {
        observed.memory.attempt = Some(Attempt { epoch: operation.epoch, stage: Stage::Begun });
    }
}

fn claim_all(observed: &mut Observed) {
    let record = &mut observed.resource.record;
    if let Some(operation) = &mut record.operation {
        operation.baseline.clear();
        operation.from = Timestamp::UNIX_EPOCH;
        operation.first_epoch = Epoch(0);
    }
    if let Some(window) = &mut record.window {
        window.baseline.clear();
        window.from = Timestamp::UNIX_EPOCH;
    }
}

fn current_first(observed: &mut Observed) {
    let full = observed.listing.as_ref().is_some_and(|listing| listing.credentials.len() >= 2);
    let record = &mut observed.resource.record;
    if let (true, Some(_), None, Some(current)) = (full, &record.operation, &record.retiring, &record.current) {
        record.retiring = Some(Retiring {
            id: current.id.clone(),
            service_user_name: current.service_user_name.clone(),
            since: current.issued_at,
            stage: RetiringStage::Active,
            published_by: None,
        });
    }
}

/// What List shows that an earlier attempt of the open operation may have created.
fn left_behind(observed: &Observed) -> Option<CredentialId> {
    let operation = observed.resource.record.operation.as_ref().filter(|operation| operation.is_taken_over())?;
    let listed = observed.listing.as_ref()?.credentials.iter().map(|listed| &listed.id);
    listed.filter(|id| !operation.baseline.contains(id)).min().cloned()
}

fn accept_unseen(observed: &Observed, epoch: Epoch, now: Timestamp) -> Step {
    let mut seen = observed.clone();
    let Some(Stage::InHand { id, .. }) = seen.memory.attempt.take().map(|attempt| attempt.stage) else {
        return Step::Publish(epoch);
    };
    let credential = Issued { id: crate::facts::number(&id), at: crate::facts::tick(now) }.out();
    let secret = OurSecret {
        published: Some(Published { credential, epoch }),
        fence: epoch,
        rendering: Rendering::Current,
        immutable: false,
    };
    seen.secrets.insert(observed.resource.secret_name().clone(), SecretFact::Ours(secret));
    protocol::decide(&seen, now)
}
