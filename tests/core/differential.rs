//! Temporary: the decisions of the rewritten core against those of the core before it, over the facts of the properties.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use keyspaces_credential_protocol::*;
use previous_protocol as old;
use proptest::test_runner::TestCaseError;

use crate::facts::{Moment, each_case};

fn id(id: &CredentialId) -> old::CredentialId {
    old::CredentialId::parse(id.as_str()).unwrap()
}

fn ids(ids: &BTreeSet<CredentialId>) -> BTreeSet<old::CredentialId> {
    ids.iter().map(id).collect()
}

fn name(name: &SecretName) -> old::SecretName {
    old::SecretName::parse(name.as_str()).unwrap()
}

fn epoch(epoch: Epoch) -> old::Epoch {
    old::Epoch(epoch.0)
}

fn user_name(name: &ServiceUserName) -> old::ServiceUserName {
    old::ServiceUserName::parse(name.as_str()).unwrap()
}

fn issued(issued: &Issued) -> old::Issued {
    old::Issued {
        id: id(&issued.id),
        service_user_name: user_name(&issued.service_user_name),
        issued_at: issued.issued_at,
    }
}

fn retiring(retiring: &Retiring) -> old::Retiring {
    old::Retiring {
        id: id(&retiring.id),
        service_user_name: user_name(&retiring.service_user_name),
        since: retiring.since,
        stage: match retiring.stage {
            RetiringStage::Active => old::RetiringStage::Active,
            RetiringStage::Inactive => old::RetiringStage::Inactive,
        },
        published: retiring.published_by.map(epoch),
    }
}

fn purpose(purpose: Purpose) -> old::Purpose {
    match purpose {
        Purpose::First => old::Purpose::First,
        Purpose::Requested => old::Purpose::Requested,
        Purpose::Scheduled => old::Purpose::Scheduled,
        Purpose::SecretLost => old::Purpose::SecretLost,
        Purpose::SecretDamaged => old::Purpose::SecretDamaged,
        Purpose::CredentialGone => old::Purpose::CredentialGone,
        Purpose::ResetInDoubt => old::Purpose::ResetInDoubt,
    }
}

fn operation(operation: &Operation) -> old::Operation {
    old::Operation {
        epoch: epoch(operation.epoch),
        first_epoch: epoch(operation.first_epoch),
        purpose: purpose(operation.purpose),
        means: match &operation.means {
            Means::Create => old::Means::Create,
            Means::Reset(reset) => old::Means::Reset(id(reset)),
        },
        secret_name: name(&operation.secret_name),
        rotate: operation.rotate.clone(),
        started_at: operation.from,
        attempted_at: operation.attempted_at,
        baseline: ids(&operation.baseline),
    }
}

/// The record of old, without the name of the Secret, which was a field of the resource.
fn record(record: &Record) -> old::Recorded {
    old::Recorded {
        credential: record.current.as_ref().map(issued),
        retiring: record.retiring.as_ref().map(retiring),
        operation: record.operation.as_ref().map(operation),
        completed: epoch(record.closed),
        published: record.published_by.map(epoch),
        handled_rotate: record.handled_rotate.clone(),
        rotated_at: record.rotated_at,
        unresolved: record.window.as_ref().map(|window| old::Unresolved {
            epoch: epoch(window.epoch),
            baseline: ids(&window.baseline),
            started_at: window.from,
            until: window.end,
        }),
        reset_in_doubt: record
            .reset_in_doubt
            .as_ref()
            .map(|doubt| old::ResetInDoubt { id: id(&doubt.id), until: doubt.until }),
        former_secrets: record
            .former_secrets
            .iter()
            .map(|former| old::FormerSecret { name: name(&former.name), since: former.since })
            .collect(),
        failures: record.failures.map(|Failures { count, last, next }| old::Failures { count, last, next }),
    }
}

fn secret(secret: &SecretFact) -> old::SecretFact {
    match secret {
        SecretFact::Absent => old::SecretFact::Absent,
        SecretFact::NotOurs => old::SecretFact::NotOurs,
        SecretFact::Ours(ours) => old::SecretFact::Ours(old::OurSecret {
            published: ours.published.as_ref().map(|published| old::Published {
                credential: issued(&published.credential),
                epoch: epoch(published.epoch),
            }),
            fence: epoch(ours.fence),
            rendering: match ours.rendering {
                Rendering::Current => old::Rendering::Current,
                Rendering::Stale => old::Rendering::Stale,
            },
            immutable: ours.immutable,
        }),
    }
}

fn listed(listed: &Listed) -> old::Listed {
    old::Listed {
        id: id(&listed.id),
        created_at: listed.created_at,
        usable: match &listed.usable {
            Usable::Yes => old::Usable::Yes,
            Usable::No => old::Usable::No,
            Usable::Unknown(word) => old::Usable::Unknown(word.clone()),
        },
    }
}

fn memory(memory: &Memory) -> old::Memory {
    old::Memory {
        attempt: memory.attempt.as_ref().map(|attempt| old::Attempt {
            epoch: epoch(attempt.epoch),
            stage: match &attempt.stage {
                Stage::Begun => old::Stage::Begun,
                Stage::DryRun => old::Stage::Preflighted,
                Stage::InHand { id: held, since } => old::Stage::InHand { id: id(held), since: *since },
            },
        }),
        listed_at: memory.listed_at,
        sighting: match &memory.sighting {
            Sighting::NotSeen => old::Sighting::NotSeen,
            Sighting::Usable => old::Sighting::Usable,
            Sighting::Unusable(seen) => old::Sighting::Unusable(listed(seen)),
            Sighting::Missing { id: missing, since } => old::Sighting::Missing { id: id(missing), since: *since },
        },
    }
}

fn resource(resource: &Resource) -> old::Resource {
    let rotation = resource.rotation;
    old::Resource {
        iam_user: old::IamUserName::parse(resource.iam_user.as_str()).unwrap(),
        created_at: resource.created_at,
        secret_name: name(resource.secret_name()),
        wanted_secret_name: name(&resource.wanted_secret),
        deleting: resource.deleting,
        finalizer: resource.finalizer,
        suspended: resource.suspended,
        deletion_policy: match resource.deletion_policy {
            DeletionPolicy::Delete => old::DeletionPolicy::Delete,
            DeletionPolicy::Retain => old::DeletionPolicy::Retain,
        },
        foreign: match resource.foreign {
            ForeignPolicy::Keep => old::ForeignPolicy::Keep,
            ForeignPolicy::Delete => old::ForeignPolicy::Delete,
        },
        rotation: old::Rotation {
            strategy: match rotation.strategy {
                Strategy::Overlap => old::Strategy::Overlap,
                Strategy::InPlace => old::Strategy::InPlace,
            },
            interval: rotation.interval,
            overlap: rotation.overlap,
            inactive_for: rotation.inactive_for,
            seed: rotation.seed,
        },
        rotate: resource.rotate.clone(),
        retire: resource.retire.clone(),
        changed_since_failure: resource.changed_since_failure,
        recorded: record(&resource.record),
    }
}

fn observed(observed: &Observed) -> old::Observed {
    let bound = observed.resource.secret_name();
    let others = observed.secrets.iter().filter(|(name, _)| *name != bound);
    old::Observed {
        resource: resource(&observed.resource),
        grant: observed.grant.as_ref().map(|grant| match grant {
            Grant::Granted => old::Grant::Granted,
            Grant::Refused { namespace, annotation } => {
                old::Grant::Refused { namespace: namespace.clone(), annotation: annotation.clone() }
            }
        }),
        claim: observed.claim.as_ref().map(|claim| match claim {
            Claim::Won => old::Claim::Won,
            Claim::Contested => old::Claim::Contested,
            Claim::Lost { winner, theirs } => old::Claim::Lost { winner: winner.clone(), theirs: ids(theirs) },
        }),
        secret: observed.secret().map(secret),
        others: others.map(|(other, fact)| (name(other), secret(fact))).collect(),
        copied: observed.copied.iter().map(name).collect(),
        listing: observed.listing.as_ref().map(|listing| old::Listing {
            credentials: listing.credentials.iter().map(listed).collect(),
            taken_at: listing.taken_at,
            confirmed: listing.confirmed,
        }),
        removed: ids(&observed.deleted),
        deactivated: ids(&observed.deactivated),
        memory: memory(&observed.memory),
        settings: old::Settings {
            settle: observed.settings.consistency_window,
            hold: observed.settings.hold,
            resync: observed.settings.resync,
            recheck: observed.settings.recheck,
        },
    }
}

/// A step in words that both cores have: its kind and arguments, the record that it leaves, and what it tells.
type Words = (String, Option<(old::Recorded, Option<old::SecretName>)>, Option<(String, String)>);

fn told(state: State, reason: Reason) -> (String, String) {
    (format!("{state:?}"), reason.as_str().to_owned())
}

fn new_words(step: &Step) -> Words {
    match step {
        Step::Wait { until, report } => {
            let report = report.as_ref().map(|report| told(report.state, report.reason));
            (format!("Wait {until:?}"), None, report)
        }
        Step::Record(update) => {
            let kind = match update.change {
                Change::TakeOver => Change::Begin,
                change => change,
            };
            let report = update.report.as_ref().map(|report| told(report.state, report.reason));
            let name = update.record.secret_name.as_ref().map(name);
            (format!("{kind:?}"), Some((record(&update.record), name)), report)
        }
        step => (format!("{step:?}"), None, None),
    }
}

fn second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap()
}

/// What the old shell wrote, as it wrote it.
fn written(mut record: old::Recorded) -> old::Recorded {
    let up = old::whole_second;
    record.credential.iter_mut().for_each(|one| one.issued_at = second(one.issued_at));
    record.retiring.iter_mut().for_each(|one| one.since = up(one.since));
    record.operation.iter_mut().for_each(|one| {
        one.started_at = second(one.started_at);
        one.attempted_at = up(one.attempted_at);
    });
    record.unresolved.iter_mut().for_each(|one| {
        one.started_at = second(one.started_at);
        one.until = up(one.until);
    });
    record.reset_in_doubt.iter_mut().for_each(|one| one.until = up(one.until));
    record.former_secrets.iter_mut().for_each(|one| one.since = up(one.since));
    record.rotated_at = record.rotated_at.map(second);
    record
}

fn verdict(verdict: &old::Verdict) -> Option<(String, String)> {
    let reason = match verdict.reason {
        old::Reason::Healing => "Recovering",
        old::Reason::Settling => "CleaningUp",
        reason => reason.as_str(),
    };
    (verdict.state != old::State::Unchanged).then(|| (format!("{:?}", verdict.state), reason.to_owned()))
}

fn working(operation: &old::Operation) -> (String, String) {
    let reason = match operation.purpose {
        old::Purpose::First => "Creating",
        old::Purpose::Requested | old::Purpose::Scheduled | old::Purpose::ResetInDoubt => "Rotating",
        old::Purpose::SecretLost | old::Purpose::SecretDamaged | old::Purpose::CredentialGone => "Recovering",
    };
    ("Reconciling".to_owned(), reason.to_owned())
}

/// The old step with what the old shell did for it. `named` is the name of the Secret on record.
fn old_words(before: &old::Observed, named: Option<old::SecretName>, step: old::Step) -> Words {
    let mut record = before.resource.recorded.clone();
    let mut named = named;
    let mut report = None;
    let kind = match step {
        old::Step::Wait { until, verdict: told } => return (format!("Wait {until:?}"), None, verdict(&told)),
        old::Step::ReadSecret => {
            return (format!("{:?}", Step::ReadSecret(back(&before.resource.secret_name))), None, None);
        }
        old::Step::ReadOther(name) => return (format!("{:?}", Step::ReadSecret(back(&name))), None, None),
        old::Step::Preflight(epoch) => return (format!("{:?}", Step::DryRun(Epoch(epoch.0))), None, None),
        old::Step::Rerender => return (format!("{:?}", Step::Render), None, None),
        old::Step::DeleteFormer(name) => {
            return (format!("{:?}", Step::DeleteFormerSecret(back(&name))), None, None);
        }
        old::Step::DeleteCredential(id, old::Disposal::Orphan) => {
            let id = CredentialId::parse(id.as_str()).unwrap();
            return (format!("{:?}", Step::DeleteCredential(id, Disposal::Leftover)), None, None);
        }
        old::Step::BeginOperation(operation) => {
            report = Some(working(&operation));
            record.operation = Some(operation);
            "Begin"
        }
        old::Step::VoidEarlier(epoch) => {
            record.completed = epoch;
            "CloseEarlier"
        }
        old::Step::Complete(completion) => {
            report = verdict(&completion.verdict);
            record.credential = Some(completion.credential);
            record.published = Some(completion.published);
            record.retiring = completion.retiring;
            record.operation = None;
            record.completed = completion.completed;
            record.handled_rotate = completion.handled_rotate;
            record.rotated_at = Some(completion.rotated_at);
            record.unresolved = completion.unresolved;
            record.reset_in_doubt = completion.reset_in_doubt;
            record.failures = None;
            named = Some(before.resource.secret_name.clone());
            "Accept"
        }
        old::Step::Abandon(settlement) => {
            record.operation = None;
            record.completed = settlement.completed;
            record.unresolved = settlement.unresolved;
            record.reset_in_doubt = settlement.reset_in_doubt;
            "Abandon"
        }
        old::Step::AnnounceCopy(former) => {
            record.former_secrets = former;
            "AnnounceCopy"
        }
        old::Step::Move(former) => {
            record.former_secrets = former;
            named = Some(before.resource.wanted_secret_name.clone());
            "MoveSecret"
        }
        old::Step::ForgetFormer(name) => {
            record.former_secrets.retain(|former| former.name != name);
            "ForgetFormerSecret"
        }
        old::Step::RecordInactive => {
            record.retiring.iter_mut().for_each(|retiring| retiring.stage = old::RetiringStage::Inactive);
            "MarkInactive"
        }
        old::Step::ForgetRetiring => {
            record.retiring = None;
            "ForgetRetiring"
        }
        old::Step::Settle => {
            record.unresolved = None;
            "CloseWindow"
        }
        step => return (format!("{step:?}"), None, None),
    };
    (kind.to_owned(), Some((written(record), named)), report)
}

fn back(name: &old::SecretName) -> SecretName {
    SecretName::parse(name.as_str()).unwrap()
}

#[test]
fn the_rewritten_core_decides_as_the_one_before_it() {
    let counts = RefCell::new(BTreeMap::<String, u32>::new());
    each_case(16_000, |facts| {
        for Moment { observed: facts, now } in facts.moments() {
            let before = observed(&facts);
            let named = facts.resource.record.secret_name.as_ref().map(name);
            let new = new_words(&decide(&facts, now));
            let old = old_words(&before, named, old::decide(&before, now));
            if new != old {
                return Err(TestCaseError::fail(format!("new {new:#?}\nold {old:#?}\nat {now} of {facts:#?}")));
            }
            let kind = new.0.split([' ', '(']).next().unwrap_or_default().to_owned();
            *counts.borrow_mut().entry(kind).or_default() += 1;
        }
        Ok(())
    });
    let counts = counts.into_inner();
    let all: u32 = counts.values().sum();
    println!("{all} decisions: {counts:#?}");
    assert!(all > 200_000, "{all} decisions only");
}
