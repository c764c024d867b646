//! Properties of `decide`, asserted of every decision of histories and of arbitrary facts. Each says how often it must have met its
//! subject: a property that is never met proves nothing.

mod attempts;
mod deletions;
mod kinds;
mod records;
mod rights;
mod secrets;
mod waits;

use jiff::{SignedDuration, Timestamp};
use keyspaces_credential_protocol::*;
use proptest::{prop_assert, prop_assert_eq, prop_assert_ne};

use crate::facts::assert_of_moments;
use crate::world::{CONSISTENCY_WINDOW, HOLD};

/// The attempt of this process, if it is the present one of the open operation.
fn own_stage(observed: &Observed) -> Option<&Stage> {
    let operation = observed.resource.record.operation.as_ref()?;
    let own = observed.memory.attempt.as_ref().filter(|attempt| attempt.epoch == operation.epoch);
    own.map(|attempt| &attempt.stage)
}

fn published_id(observed: &Observed) -> Option<&CredentialId> {
    observed.secret().and_then(SecretFact::published_id)
}

fn fence(observed: &Observed) -> Epoch {
    observed.secret().map(SecretFact::fence).unwrap_or_default()
}

fn update(step: Step) -> Option<Update> {
    match step {
        Step::Record(update) => Some(*update),
        _ => None,
    }
}

/// What the credentials that are not foreign are called: current, retiring, published and in hand.
fn ours(observed: &Observed) -> Vec<&CredentialId> {
    let record = &observed.resource.record;
    let in_hand = own_stage(observed).and_then(|_| observed.memory.in_hand());
    [record.current_id(), record.retiring_id(), published_id(observed), in_hand].into_iter().flatten().collect()
}

#[test]
fn the_same_facts_give_the_same_step() {
    assert_of_moments(10_000, |observed, now| {
        prop_assert_eq!(decide(observed, now), decide(observed, now));
        Ok(true)
    });
}

/// What a step has as its success.
fn success(observed: &Observed, step: &Step, now: Timestamp) -> Option<Outcome> {
    let ours = |change: &dyn Fn(&mut OurSecret)| {
        let mut secret = observed.secret().cloned();
        match &mut secret {
            Some(SecretFact::Ours(ours)) => change(ours),
            other => panic!("only a Secret of ours is written: {other:?}"),
        }
        secret.map(Outcome::Secret)
    };
    Some(match step {
        Step::ReadGrant => Outcome::Grant(Grant::Granted),
        Step::ReadClaims => Outcome::Claim(Claim::Won),
        Step::ReadSecret(_) | Step::DeleteFormerSecret(_) => Outcome::Secret(SecretFact::Absent),
        Step::ListCredentials | Step::Resync => {
            Outcome::Listing(Listing { credentials: Vec::new(), taken_at: now, confirmed: false })
        }
        Step::FenceSecret(epoch) => return ours(&|secret| secret.fence = *epoch),
        Step::Render => return ours(&|secret| secret.rendering = Rendering::Current),
        Step::CopySecret => return observed.secret().cloned().map(Outcome::Secret),
        Step::ReleaseSecret => Outcome::Secret(SecretFact::NotOurs),
        Step::DeleteCredential(..) => Outcome::Deleted(Deleted::Now),
        Step::ConfirmListing
        | Step::AddFinalizer
        | Step::RemoveFinalizer
        | Step::Record(_)
        | Step::DryRun(_)
        | Step::Deactivate(_) => Outcome::Done,
        Step::Publish(epoch) => {
            let id = observed.memory.in_hand().cloned().expect("only what is in hand is published");
            let service_user_name = ServiceUserName::parse("orders-app-at-111122223333").unwrap();
            let published =
                Some(Published { credential: Issued { id, service_user_name, issued_at: now }, epoch: *epoch });
            let (rendering, immutable) = (Rendering::Current, false);
            Outcome::Secret(SecretFact::Ours(OurSecret { published, fence: *epoch, rendering, immutable }))
        }
        Step::Create(_) | Step::Reset(..) | Step::StartOver | Step::Wait { .. } => return None,
    })
}

#[test]
fn no_step_repeats_once_its_success_is_known() {
    assert_of_moments(10_000, |observed, now| {
        let step = decide(observed, now);
        // Status that closes the attempt of a password in hand was edited: it is published, and not accepted, until it is given up.
        let record = &observed.resource.record;
        let closed = record.operation.as_ref().is_some_and(|operation| operation.epoch <= record.closed);
        let Some(outcome) = success(observed, &step, now).filter(|_| !closed) else {
            return Ok(false);
        };
        let mut next = observed.clone();
        if next.after(&step, outcome) != Next::Decide {
            return Ok(false);
        }
        prop_assert_ne!(decide(&next, now), step);
        Ok(true)
    });
}

#[test]
fn what_was_seen_of_a_former_credential_changes_nothing() {
    assert_of_moments(200, |observed, now| {
        let about = match &observed.memory.sighting {
            Sighting::Missing { id, .. } | Sighting::Unusable(Listed { id, .. }) => Some(id),
            Sighting::NotSeen | Sighting::Usable => None,
        };
        let Some(about) = about.filter(|about| observed.resource.record.current_id() != Some(*about)) else {
            return Ok(false);
        };
        let (mut seen, mut fresh) = (observed.clone(), observed.clone());
        fresh.memory.sighting = Sighting::NotSeen;
        prop_assert_eq!(decide(observed, now), decide(&fresh, now), "{}", about);
        let listing =
            observed.listing.clone().unwrap_or(Listing { credentials: Vec::new(), taken_at: now, confirmed: false });
        seen.after(&Step::Resync, Outcome::Listing(listing.clone()));
        fresh.after(&Step::Resync, Outcome::Listing(listing));
        prop_assert_eq!(seen.memory, fresh.memory);
        Ok(true)
    });
}
