//! Properties of `decide` over arbitrary facts, reachable or not.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::Strategy;

use super::world::{SETTINGS, id, issued, secret_name};
use crate::*;

fn time() -> impl Strategy<Value = Timestamp> {
    let near = (0i64..40).prop_map(|minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes));
    prop_oneof![30 => near, 1 => Just(Timestamp::MIN), 1 => Just(Timestamp::MAX)]
}

fn ids() -> impl Strategy<Value = BTreeSet<CredentialId>> {
    btree_set((1u64..6).prop_map(id), 0..3)
}

fn epoch() -> impl Strategy<Value = Epoch> {
    prop_oneof![30 => (0u64..5).prop_map(Epoch), 1 => Just(Epoch(Epoch::LAST.0 - 2))]
}

fn credential() -> impl Strategy<Value = Issued> {
    (1u64..6, time()).prop_map(|(number, at)| issued(number, at))
}

/// The Secret of the credential, and another one.
const BOUND: &str = "orders";
const OTHER: &str = "bills";

fn name() -> impl Strategy<Value = SecretName> {
    prop_oneof![Just(secret_name(BOUND)), Just(secret_name(OTHER))]
}

fn operation() -> impl Strategy<Value = Operation> {
    let means = prop_oneof![Just(Means::Create), (1u64..6).prop_map(|number| Means::Reset(id(number)))];
    (epoch(), 0u64..3, time(), time(), ids(), means).prop_map(
        |(epoch, later, started_at, attempted_at, baseline, means)| Operation {
            epoch: Epoch(epoch.0 + later),
            first_epoch: epoch,
            purpose: Purpose::SecretLost,
            means,
            secret_name: secret_name(BOUND),
            rotate: None,
            started_at,
            attempted_at,
            baseline,
        },
    )
}

fn recorded() -> impl Strategy<Value = Recorded> {
    let unresolved = (epoch(), ids(), time(), time()).prop_map(|(epoch, baseline, started_at, until)| Unresolved {
        epoch,
        baseline,
        started_at,
        until,
    });
    let retiring = (credential(), any::<bool>(), option::of(epoch())).prop_map(|(one, active, published)| Retiring {
        published,
        id: one.id,
        service_user_name: one.service_user_name,
        since: one.issued_at,
        stage: if active { RetiringStage::Active } else { RetiringStage::Inactive },
    });
    let facts = (option::of(credential()), option::of(retiring), option::of(operation()), epoch());
    let doubt = (1u64..6, time()).prop_map(|(number, until)| ResetInDoubt { id: id(number), until });
    let former = (name(), time()).prop_map(|(name, since)| FormerSecret { name, since });
    let further = (option::of(doubt), vec(former, 0..3), option::of(epoch()));
    (facts, option::of("[ab]"), option::of(time()), option::of(unresolved), further).prop_map(
        |((credential, retiring, operation, completed), handled_rotate, rotated_at, unresolved, further)| Recorded {
            reset_in_doubt: further.0,
            former_secrets: further.1,
            published: further.2,
            credential,
            retiring,
            operation,
            completed,
            handled_rotate,
            rotated_at,
            unresolved,
            failures: None,
        },
    )
}

fn secret() -> impl Strategy<Value = SecretFact> {
    let published = (credential(), epoch()).prop_map(|(credential, epoch)| Published { credential, epoch });
    let ours = (option::of(published), epoch(), any::<bool>(), any::<bool>()).prop_map(
        |(published, fence, stale, immutable)| {
            let rendering = if stale { Rendering::Stale } else { Rendering::Current };
            SecretFact::Ours(OurSecret { published, fence, rendering, immutable })
        },
    );
    prop_oneof![1 => Just(SecretFact::Absent), 1 => Just(SecretFact::NotOurs), 4 => ours]
}

fn listing() -> impl Strategy<Value = Listing> {
    let listed = (1u64..6, time(), any::<bool>()).prop_map(|(number, created_at, active)| Listed {
        id: id(number),
        created_at,
        usable: if active { Usable::Yes } else { Usable::No },
    });
    (vec(listed, 0..3), time(), any::<bool>()).prop_map(|(mut credentials, taken_at, confirmed)| {
        // The adapter reads each id once.
        credentials.sort_by(|one, other| one.id.cmp(&other.id));
        credentials.dedup_by(|one, other| one.id == other.id);
        Listing { credentials, taken_at, confirmed }
    })
}

fn memory() -> impl Strategy<Value = Memory> {
    let stage = prop_oneof![
        Just(Stage::Begun),
        Just(Stage::Preflighted),
        (1u64..6, time()).prop_map(|(number, since)| Stage::InHand { id: id(number), since }),
    ];
    let attempt = (epoch(), stage).prop_map(|(epoch, stage)| Attempt { epoch, stage });
    let sighting = prop_oneof![
        Just(Sighting::NotSeen),
        Just(Sighting::Usable),
        (1u64..6, time()).prop_map(|(number, since)| Sighting::Missing { id: id(number), since }),
        (1u64..6, time()).prop_map(|(number, created_at)| {
            Sighting::Unusable(Listed { id: id(number), created_at, usable: Usable::No })
        }),
    ];
    (option::of(attempt), option::of(time()), sighting).prop_map(|(attempt, listed_at, sighting)| Memory {
        attempt,
        listed_at,
        sighting,
    })
}

fn resource() -> impl Strategy<Value = Resource> {
    let template = super::world::World::new().resource;
    // The longest that the schema admits is 99999h99999m99999s.
    let span = |near: std::ops::Range<i64>| prop_oneof![20 => near, 1 => Just(366_096_339)];
    let rotation =
        (option::of(span(1..200_000)), span(0..20_000), any::<bool>()).prop_map(|(interval, inactive_for, reset)| {
            Rotation {
                strategy: if reset { crate::Strategy::InPlace } else { crate::Strategy::Overlap },
                interval: interval.map(SignedDuration::from_secs),
                inactive_for: SignedDuration::from_secs(inactive_for),
                ..super::world::World::new().resource.rotation
            }
        });
    let annotations = (option::of("[ab]"), option::of((1u64..6).prop_map(|number| id(number).to_string())));
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    ((flags, time()), rotation, annotations, recorded(), name()).prop_map(
        move |(
            ((deleting, finalizer, retain, keep), created_at),
            rotation,
            (rotate, retire),
            recorded,
            wanted_secret_name,
        )| {
            Resource {
                created_at,
                wanted_secret_name,
                foreign: if keep { ForeignPolicy::Keep } else { ForeignPolicy::Delete },
                rotation,
                retire,
                deleting,
                finalizer,
                deletion_policy: if retain { DeletionPolicy::Retain } else { DeletionPolicy::Delete },
                rotate,
                recorded,
                ..template.clone()
            }
        },
    )
}

fn observed() -> impl Strategy<Value = Observed> {
    let lost = ids().prop_map(|theirs| Claim::Lost { winner: None, theirs });
    let claim = prop_oneof![8 => Just(Claim::Won), 1 => Just(Claim::Contested), 1 => lost];
    let refused = Grant::Refused { namespace: "shop".to_owned(), annotation: None };
    let grant = prop_oneof![3 => Just(Grant::Granted), 1 => Just(refused)];
    let rights = (option::of(grant), option::of(claim));
    let others = btree_map(name(), secret(), 0..2);
    (resource(), rights, option::of(secret()), others, option::of(listing()), ids(), memory()).prop_map(
        |(resource, (grant, claim), secret, others, listing, removed, memory)| Observed {
            others,
            copied: BTreeSet::new(),
            resource,
            grant,
            claim,
            secret,
            listing,
            removed,
            deactivated: BTreeSet::new(),
            memory,
            settings: SETTINGS,
        },
    )
}

/// Facts of a resource that is not being deleted and whose namespace is not granted the user, or not known to be.
fn refused() -> impl Strategy<Value = Observed> {
    (observed(), any::<bool>()).prop_map(|(mut observed, known)| {
        observed.resource.deleting = false;
        observed.grant = known.then(|| Grant::Refused { namespace: "shop".to_owned(), annotation: None });
        observed
    })
}

/// Facts of a resource whose Secret holds the current credential and that nothing is wrong with.
fn quiet() -> impl Strategy<Value = Observed> {
    (observed(), credential()).prop_map(|(mut observed, current)| {
        let published = Some(Published { credential: current.clone(), epoch: Epoch(1) });
        let rendering = Rendering::Current;
        observed.secret = Some(SecretFact::Ours(OurSecret { published, fence: Epoch(1), rendering, immutable: false }));
        observed.resource.deleting = false;
        observed.resource.wanted_secret_name = observed.resource.secret_name.clone();
        observed.resource.recorded = Recorded { credential: Some(current), ..Recorded::default() };
        (observed.grant, observed.claim) = (Some(Grant::Granted), Some(Claim::Won));
        observed
    })
}

fn held_by_secret(observed: &Observed) -> Option<&CredentialId> {
    match &observed.secret {
        Some(SecretFact::Ours(ours)) => ours.published.as_ref().map(|published| &published.credential.id),
        _ => None,
    }
}

/// The obvious effect of a step on the facts. None where a new pass begins.
fn fed_back(observed: &Observed, step: Step) -> Option<Observed> {
    let mut next = observed.clone();
    let recorded = &mut next.resource.recorded;
    match step {
        Step::ReadGrant => next.grant = Some(Grant::Granted),
        Step::ReadClaims => next.claim = Some(Claim::Won),
        Step::ReadSecret => next.secret = Some(SecretFact::Absent),
        Step::ListCredentials | Step::Resync => {
            next.listing = Some(Listing { credentials: vec![], taken_at: Timestamp::MAX, confirmed: false });
            next.memory.listed_at = Some(Timestamp::MAX);
        }
        Step::ConfirmListing => next.listing.as_mut()?.confirmed = true,
        Step::AddFinalizer => next.resource.finalizer = true,
        Step::BeginOperation(operation) => {
            next.memory.attempt = Some(Attempt { epoch: operation.epoch, stage: Stage::Begun });
            recorded.operation = Some(operation);
            next.claim = None;
        }
        Step::FenceSecret(epoch) => match &mut next.secret {
            Some(SecretFact::Ours(secret)) => secret.fence = epoch,
            _ => panic!("only a Secret of ours is fenced"),
        },
        Step::VoidEarlier(epoch) => recorded.completed = epoch,
        Step::Preflight(epoch) => next.memory.attempt = Some(Attempt { epoch, stage: Stage::Preflighted }),
        Step::Complete(completion) => {
            recorded.credential = Some(completion.credential);
            recorded.retiring = completion.retiring;
            recorded.operation = None;
            recorded.completed = completion.completed;
            recorded.unresolved = completion.unresolved;
            recorded.reset_in_doubt = completion.reset_in_doubt;
        }
        Step::Abandon(settlement) => {
            recorded.operation = None;
            recorded.unresolved = settlement.unresolved;
            recorded.reset_in_doubt = settlement.reset_in_doubt;
        }
        Step::Rerender => match &mut next.secret {
            Some(SecretFact::Ours(secret)) => secret.rendering = Rendering::Current,
            _ => panic!("only a Secret of ours is rendered"),
        },
        Step::DeleteCredential(id, _) => {
            next.removed.insert(id);
        }
        Step::Deactivate(id) => {
            next.deactivated.insert(id);
        }
        Step::RecordInactive => recorded.retiring.as_mut()?.stage = RetiringStage::Inactive,
        Step::ForgetRetiring => recorded.retiring = None,
        Step::Settle => recorded.unresolved = None,
        Step::ReleaseSecret => next.secret = Some(SecretFact::NotOurs),
        Step::RemoveFinalizer => next.resource.finalizer = false,
        Step::AnnounceCopy(former) => recorded.former_secrets = former,
        Step::CopySecret => {
            let wanted = next.resource.wanted_secret_name.clone();
            next.others.insert(wanted.clone(), next.secret.clone()?);
            next.copied.insert(wanted);
        }
        Step::Move(former) => {
            recorded.former_secrets = former;
            next.resource.secret_name.clone_from(&next.resource.wanted_secret_name);
        }
        Step::ReadOther(name) | Step::DeleteFormer(name) => {
            next.others.insert(name, SecretFact::Absent);
        }
        Step::ForgetFormer(name) => recorded.former_secrets.retain(|former| former.name != name),
        Step::Create(_) | Step::Reset(..) | Step::Publish(_) | Step::StartOver | Step::Wait { .. } => return None,
    }
    Some(next)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_facts_give_the_same_step(observed in observed(), now in time()) {
        prop_assert_eq!(decide(&observed, now), decide(&observed, now));
    }

    #[test]
    fn what_the_secret_holds_and_what_is_current_is_deleted_only_with_its_resource(observed in observed(), now in time()) {
        let resource = &observed.resource;
        let ending = resource.deleting && resource.deletion_policy == DeletionPolicy::Delete;
        let current = resource.recorded.credential.as_ref().map(|current| &current.id);
        if let Step::DeleteCredential(id, disposal) = decide(&observed, now) {
            prop_assert!(ending || (Some(&id) != current && Some(&id) != held_by_secret(&observed)), "{} {:?}", id, disposal);
        }
    }

    #[test]
    fn without_a_grant_nothing_is_made_changed_or_ended_but_leftovers(observed in refused(), now in time()) {
        let recorded = &observed.resource.recorded;
        match decide(&observed, now) {
            // What was reset is published: the password before it is dead.
            Step::Publish(_) if recorded.operation.as_ref().is_some_and(|open| open.means != Means::Create) => {}
            Step::Create(_) | Step::Reset(..) | Step::Resync | Step::Preflight(_) | Step::Publish(_) | Step::Rerender | Step::AddFinalizer
                | Step::AnnounceCopy(_) | Step::CopySecret | Step::Move(_) | Step::DeleteFormer(_) | Step::ForgetFormer(_) | Step::Deactivate(_) | Step::RecordInactive | Step::ForgetRetiring | Step::ReleaseSecret
                | Step::RemoveFinalizer => prop_assert!(false, "{:?}", decide(&observed, now)),
            // To take over is to end what is open: it is not begun.
            Step::BeginOperation(_) => prop_assert!(recorded.operation.is_some()),
            Step::DeleteCredential(id, disposal) => {
                prop_assert_eq!(disposal, Disposal::Orphan);
                prop_assert!(recorded.credential.as_ref().is_none_or(|current| current.id != id));
                prop_assert!(recorded.retiring.as_ref().is_none_or(|retiring| retiring.id != id));
                prop_assert!(held_by_secret(&observed) != Some(&id));
            }
            Step::ReadGrant | Step::ReadClaims | Step::ReadSecret | Step::ReadOther(_) | Step::ListCredentials
                | Step::ConfirmListing | Step::StartOver | Step::FenceSecret(_) | Step::VoidEarlier(_) | Step::Complete(_) | Step::Abandon(_) | Step::Settle
                | Step::Wait { .. } => {}
        }
    }

    #[test]
    fn without_a_grant_iam_is_asked_only_about_what_may_be_left_behind(observed in refused(), now in time()) {
        let mut observed = observed;
        observed.resource.recorded.operation = None;
        observed.resource.recorded.unresolved = None;
        observed.memory.attempt = None;
        let step = decide(&observed, now);
        let asks = matches!(step, Step::ListCredentials | Step::Create(_) | Step::DeleteCredential(..) | Step::Deactivate(_));
        prop_assert!(!asks, "{:?}", step);
    }

    #[test]
    fn what_a_better_right_calls_its_own_or_is_older_than_the_resource_is_not_deleted_on_the_word_of_status(
        observed in observed(), now in time(),
    ) {
        let held = match &observed.memory.attempt {
            Some(Attempt { stage: Stage::InHand { id, .. }, .. }) => Some(id.clone()),
            _ => None,
        };
        let listed = |id: &CredentialId| observed.listing.iter().flat_map(|listing| &listing.credentials).find(|one| one.id == *id).cloned();
        if let Step::DeleteCredential(id, disposal) = decide(&observed, now) {
            // What this process holds was created by it; status has no part in that.
            prop_assume!(held.as_ref() != Some(&id));
            if let Some(Claim::Lost { theirs, .. }) = &observed.claim {
                prop_assert!(!theirs.contains(&id), "{}", id);
            }
            if disposal == Disposal::Orphan {
                let oldest = observed.resource.created_at.checked_sub(CLOCK_SKEW).unwrap_or(Timestamp::MIN);
                prop_assert!(listed(&id).is_some_and(|listed| listed.created_at >= oldest), "{}", id);
            }
        }
    }

    #[test]
    fn create_needs_an_intent_of_this_process_and_a_dry_run(observed in observed(), now in time()) {
        if let Step::Create(epoch) = decide(&observed, now) {
            let attempt = Attempt { epoch, stage: Stage::Preflighted };
            prop_assert_eq!(observed.memory.attempt, Some(attempt));
            prop_assert_eq!(observed.resource.recorded.operation.map(|operation| operation.epoch), Some(epoch));
            prop_assert_eq!(&observed.claim, &Some(Claim::Won));
            prop_assert_eq!(&observed.grant, &Some(Grant::Granted));
        }
    }

    #[test]
    fn only_the_current_credential_is_reset_and_only_by_intent(observed in observed(), now in time()) {
        if let Step::Reset(epoch, id) = decide(&observed, now) {
            let attempt = Attempt { epoch, stage: Stage::Preflighted };
            prop_assert_eq!(&observed.memory.attempt, &Some(attempt));
            let operation = observed.resource.recorded.operation.clone().unwrap();
            prop_assert_eq!((operation.epoch, &operation.means), (epoch, &Means::Reset(id.clone())));
            prop_assert_eq!(held_by_secret(&observed), Some(&id));
            prop_assert_eq!(observed.resource.recorded.credential.map(|current| current.id), Some(id));
        }
    }

    #[test]
    fn a_former_secret_goes_only_while_another_one_holds_the_credential(observed in observed(), now in time()) {
        if let Step::DeleteFormer(name) = decide(&observed, now) {
            prop_assert_ne!(&name, &observed.resource.secret_name);
            prop_assert!(matches!(observed.others.get(&name), Some(SecretFact::Ours(_))));
            let current = observed.resource.recorded.credential.as_ref().map(|current| &current.id);
            prop_assert!(current.is_some() && held_by_secret(&observed) == current);
        }
    }

    #[test]
    fn publish_needs_the_password_and_the_right_to_it(observed in observed(), now in time()) {
        if let Step::Publish(epoch) = decide(&observed, now) {
            let in_hand = matches!(&observed.memory.attempt, Some(Attempt { epoch: held, stage: Stage::InHand { .. } }) if *held == epoch);
            prop_assert!(in_hand);
            prop_assert_eq!(observed.resource.recorded.operation.map(|operation| operation.epoch), Some(epoch));
            prop_assert!(!matches!(&observed.secret, Some(SecretFact::Ours(secret)) if secret.fence > epoch));
        }
    }

    #[test]
    fn nobody_elses_secret_is_written(observed in observed(), now in time()) {
        let step = decide(&observed, now);
        let writes = matches!(step, Step::FenceSecret(_) | Step::Publish(_) | Step::Rerender | Step::ReleaseSecret | Step::Preflight(_));
        prop_assert!(!writes || observed.secret != Some(SecretFact::NotOurs), "{:?}", step);
    }

    #[test]
    fn no_step_repeats_once_its_effect_is_known(observed in observed(), now in time()) {
        let step = decide(&observed, now);
        if let Some(next) = fed_back(&observed, step.clone()) {
            prop_assert_ne!(decide(&next, now), step);
        }
    }

    #[test]
    fn what_was_seen_of_a_former_credential_changes_nothing(
        observed in prop_oneof![observed(), quiet()], listing in listing(), now in time(),
    ) {
        let current = observed.resource.recorded.credential.clone();
        let about = match &observed.memory.sighting {
            Sighting::Missing { id, .. } | Sighting::Unusable(Listed { id, .. }) => Some(id),
            Sighting::NotSeen | Sighting::Usable => None,
        };
        if about != current.as_ref().map(|current| &current.id) {
            let mut fresh = observed.clone();
            fresh.memory.sighting = Sighting::NotSeen;
            prop_assert_eq!(decide(&observed, now), decide(&fresh, now));
            let mut memory = observed.memory;
            memory.learn(&listing, current.as_ref(), SETTINGS.settle);
            fresh.memory.learn(&listing, current.as_ref(), SETTINGS.settle);
            prop_assert_eq!(memory, fresh.memory);
        }
    }

    #[test]
    fn a_new_attempt_has_a_new_epoch(observed in observed(), now in time()) {
        if let Step::BeginOperation(operation) = decide(&observed, now) {
            let recorded = &observed.resource.recorded;
            let open = recorded.operation.as_ref().map(|open| open.epoch);
            prop_assert!(open.is_some_and(|open| operation.epoch > open) || operation.epoch > recorded.completed);
        }
    }
}
