//! Facts of which each is drawn for itself: most of them contradict each other, and the decision must bear that.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use keyspaces_credential_protocol::*;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::{Just, any, prop_oneof};
use proptest::sample::select;
use proptest::strategy::Strategy as Draw;

use super::history::Moment;
use crate::world::{SETTINGS, World, id, issued, secret_name};

fn time() -> impl Draw<Value = Timestamp> {
    let near = (0i64..40).prop_map(|minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes));
    prop_oneof![30 => near, 1 => Just(Timestamp::MIN), 1 => Just(Timestamp::MAX)]
}

fn ids() -> impl Draw<Value = BTreeSet<CredentialId>> {
    btree_set((1u64..6).prop_map(id), 0..3)
}

fn epoch() -> impl Draw<Value = Epoch> {
    prop_oneof![30 => (0u64..5).prop_map(Epoch), 1 => Just(Epoch(Epoch::LAST.0 - 2))]
}

fn credential() -> impl Draw<Value = Issued> {
    (1u64..6, time()).prop_map(|(number, at)| issued(number, at))
}

/// The Secret of the credential, and another one.
const BOUND: &str = "orders";
const OTHER: &str = "bills";

fn name() -> impl Draw<Value = SecretName> {
    prop_oneof![Just(secret_name(BOUND)), Just(secret_name(OTHER))]
}

fn operation() -> impl Draw<Value = Operation> {
    let means = prop_oneof![Just(Means::Create), (1u64..6).prop_map(|number| Means::Reset(id(number)))];
    let purpose = select(vec![Purpose::First, Purpose::Requested, Purpose::SecretLost, Purpose::CredentialGone]);
    (epoch(), 0u64..3, time(), time(), ids(), (means, purpose)).prop_map(
        |(epoch, later, from, attempted_at, baseline, (means, purpose))| Operation {
            epoch: Epoch(epoch.0 + later),
            first_epoch: epoch,
            purpose,
            means,
            secret_name: secret_name(BOUND),
            rotate: None,
            from,
            attempted_at,
            baseline,
        },
    )
}

fn record() -> impl Draw<Value = Record> {
    let window =
        (epoch(), ids(), time(), time()).prop_map(|(epoch, baseline, from, end)| Window { epoch, baseline, from, end });
    let retiring =
        (credential(), any::<bool>(), option::of(epoch())).prop_map(|(one, active, published_by)| Retiring {
            published_by,
            id: one.id,
            service_user_name: one.service_user_name,
            since: one.issued_at,
            stage: if active { RetiringStage::Active } else { RetiringStage::Inactive },
        });
    let facts = (option::of(credential()), option::of(retiring), option::of(operation()), epoch());
    let doubt = (1u64..6, time()).prop_map(|(number, until)| ResetInDoubt { id: id(number), until });
    let former = (name(), time()).prop_map(|(name, since)| FormerSecret { name, since });
    let further = (option::of(doubt), vec(former, 0..3), option::of(epoch()), option::of(name()));
    (facts.boxed(), option::of("[ab]"), option::of(time()), option::of(window).boxed(), further.boxed()).prop_map(
        |((current, retiring, operation, closed), handled_rotate, rotated_at, window, further)| Record {
            reset_in_doubt: further.0,
            former_secrets: further.1,
            published_by: further.2,
            secret_name: further.3,
            current,
            retiring,
            operation,
            closed,
            handled_rotate,
            rotated_at,
            window,
            failures: None,
        },
    )
}

fn secret() -> impl Draw<Value = SecretFact> {
    let published = (credential(), epoch()).prop_map(|(credential, epoch)| Published { credential, epoch });
    let ours = (option::of(published), epoch(), any::<bool>(), any::<bool>()).prop_map(
        |(published, fence, stale, immutable)| {
            let rendering = if stale { Rendering::Stale } else { Rendering::Current };
            SecretFact::Ours(OurSecret { published, fence, rendering, immutable })
        },
    );
    prop_oneof![1 => Just(SecretFact::Absent), 1 => Just(SecretFact::NotOurs), 4 => ours]
}

fn listing() -> impl Draw<Value = Listing> {
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

fn memory() -> impl Draw<Value = Memory> {
    let stage = prop_oneof![
        Just(Stage::Begun),
        Just(Stage::DryRun),
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

fn resource() -> impl Draw<Value = Resource> {
    let template = World::new().resource;
    let as_it_was = template.rotation;
    // The longest that the schema admits is 99999h99999m99999s.
    let span = |near: std::ops::Range<i64>| prop_oneof![20 => near, 1 => Just(366_096_339)];
    let rotation = (option::of(span(1..200_000)), span(0..20_000), any::<bool>()).prop_map(
        move |(interval, inactive_for, reset)| Rotation {
            strategy: if reset { Strategy::InPlace } else { Strategy::Overlap },
            interval: interval.map(SignedDuration::from_secs),
            inactive_for: SignedDuration::from_secs(inactive_for),
            ..as_it_was
        },
    );
    let annotations = (option::of("[ab]"), option::of((1u64..6).prop_map(|number| id(number).to_string())));
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    ((flags, time()), rotation, annotations, record().boxed(), name()).prop_map(
        move |(
            ((deleting, finalizer, retain, keep), created_at),
            rotation,
            (rotate, retire),
            record,
            wanted_secret,
        )| {
            Resource {
                created_at,
                wanted_secret,
                foreign: if keep { ForeignPolicy::Keep } else { ForeignPolicy::Delete },
                rotation,
                retire,
                deleting,
                finalizer,
                deletion_policy: if retain { DeletionPolicy::Retain } else { DeletionPolicy::Delete },
                rotate,
                record,
                ..template.clone()
            }
        },
    )
}

/// Facts of which each is drawn for itself, and a time.
pub(crate) fn moment() -> impl Draw<Value = Moment> {
    let lost = ids().prop_map(|theirs| Claim::Lost { winner: None, theirs });
    let claim = prop_oneof![8 => Just(Claim::Won), 1 => Just(Claim::Contested), 1 => lost];
    let refused = Grant::Refused { namespace: "shop".to_owned(), annotation: None };
    let grant = prop_oneof![3 => Just(Grant::Granted), 1 => Just(refused)];
    let rights = (option::of(grant), option::of(claim));
    let secrets = (option::of(secret()), btree_map(name(), secret(), 0..2));
    (
        (resource().boxed(), rights.boxed(), secrets.boxed(), option::of(listing()).boxed(), ids(), memory().boxed()),
        time(),
    )
        .prop_map(|((resource, (grant, claim), (secret, mut secrets), listing, deleted, memory), now)| {
            secrets.extend(secret.map(|secret| (resource.secret_name().clone(), secret)));
            let (copied, deactivated) = (BTreeSet::new(), BTreeSet::new());
            let settings = SETTINGS;
            let observed =
                Observed { resource, grant, claim, secrets, copied, listing, deleted, deactivated, memory, settings };
            Moment { observed, now }
        })
}
