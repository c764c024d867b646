//! The cluster may hold any status that the schema admits, not only what the operator wrote. The operator refuses it, or
//! decides on it without harm: no panic, no Create without an attempt of its own, and no Delete of what is in use.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

use super::observe;
use super::status::{failures_status, recorded_in};
use crate::api::{
    Binding, FINALIZER, FailuresStatus, FormerSecretStatus, IssuedStatus, KeyspacesCredential,
    KeyspacesCredentialStatus, OperationReason, OperationStatus, ResetInDoubtStatus, RetiringStage, RetiringStatus,
    UnresolvedStatus,
};
use crate::protocol::{
    Claim, CredentialId, Epoch, Grant, Issued, Listed, Listing, Memory, Observed, OurSecret, Published, Record,
    Rendering, SecretFact, ServiceUserName, Settings, Step, Usable, decide, failed,
};

const SETTINGS: Settings = Settings {
    consistency_window: SignedDuration::from_mins(2),
    hold: SignedDuration::from_mins(1),
    resync: SignedDuration::from_mins(10),
    recheck: SignedDuration::from_mins(2),
};

fn moment() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        6 => (0i64..100_000).prop_map(|second| Timestamp::from_second(1_763_800_000 + second).unwrap()),
        1 => Just(Timestamp::MIN),
        1 => Just(Timestamp::MAX),
        1 => Just(Timestamp::UNIX_EPOCH),
    ]
}

fn time() -> impl Strategy<Value = Time> {
    moment().prop_map(Time)
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![
        12 => 0i64..6,
        1 => any::<i64>(),
        1 => proptest::sample::select(vec![i64::MIN, -1, i64::MAX, (1 << 53) - 1, 1 << 53, (1 << 53) + 1]),
    ]
}

fn known_id() -> impl Strategy<Value = String> {
    (1u8..5).prop_map(|number| format!("ACCA{number:017}"))
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof![40 => known_id(), 1 => any::<String>(), 1 => Just("x".repeat(100_000)), 1 => Just(String::new())]
}

fn user_name() -> impl Strategy<Value = String> {
    prop_oneof![40 => Just("orders-app-at-111122223333".to_owned()), 1 => any::<String>()]
}

fn credential() -> impl Strategy<Value = IssuedStatus> {
    (id(), user_name(), time()).prop_map(|(id, service_user_name, issued_at)| IssuedStatus {
        id,
        service_user_name,
        issued_at,
    })
}

fn retiring() -> impl Strategy<Value = RetiringStatus> {
    let stage = prop_oneof![Just(RetiringStage::Active), Just(RetiringStage::Inactive)];
    (id(), user_name(), time(), stage, option::of(number())).prop_map(
        |(id, service_user_name, since, stage, published_epoch)| RetiringStatus {
            id,
            service_user_name,
            since,
            stage,
            published_epoch,
        },
    )
}

fn operation() -> impl Strategy<Value = OperationStatus> {
    let reason = proptest::sample::select(vec![
        OperationReason::First,
        OperationReason::Requested,
        OperationReason::SecretLost,
        OperationReason::CredentialGone,
        OperationReason::ResetInDoubt,
    ]);
    let means = (option::of(id()), option::of(any::<String>()));
    (number(), number(), (reason, means), option::of(any::<String>()), time(), time(), vec(id(), 0..4)).prop_map(
        |(epoch, first_epoch, (reason, means), rotate_token, started_at, attempted_at, baseline)| OperationStatus {
            epoch,
            first_epoch,
            reason,
            resets: means.0,
            secret_name: means.1,
            rotate_token,
            started_at,
            attempted_at,
            baseline,
        },
    )
}

fn secret_name() -> impl Strategy<Value = String> {
    prop_oneof![9 => Just("orders".to_owned()), 1 => any::<String>()]
}

fn any_status() -> impl Strategy<Value = KeyspacesCredentialStatus> {
    let unresolved = (number(), vec(id(), 0..4), time(), time())
        .prop_map(|(epoch, baseline, started_at, until)| UnresolvedStatus { epoch, baseline, started_at, until });
    let failures = (prop_oneof![0i64..9, any::<i64>()], time(), time())
        .prop_map(|(count, last, next)| FailuresStatus { count, last, next, rotate_token: None });
    let doubt = (id(), time()).prop_map(|(id, until)| ResetInDoubtStatus { id, until });
    let former = (secret_name(), time()).prop_map(|(name, since)| FormerSecretStatus { name, since });
    let binding = option::of(secret_name().prop_map(|name| Binding { name }));
    let further = (option::of(doubt), vec(former, 0..3), binding);
    let records = (option::of(credential()), option::of(retiring()), option::of(operation()), further);
    let epochs = (option::of(number()), option::of(number()));
    let rest = (epochs, option::of(unresolved), option::of(time()), option::weighted(0.2, failures));
    (records, rest, option::of(any::<i64>())).prop_map(
        |(
            (credential, retiring, operation, (reset_in_doubt, former_secrets, binding)),
            ((completed, published), unresolved, rotated_at, failures),
            generation,
        )| {
            KeyspacesCredentialStatus {
                observed_generation: generation,
                credential,
                retiring,
                operation,
                completed_epoch: completed,
                published_epoch: published,
                unresolved,
                last_rotated_at: rotated_at,
                failures,
                reset_in_doubt,
                former_secrets,
                binding,
                ..KeyspacesCredentialStatus::default()
            }
        },
    )
}

fn object(status: KeyspacesCredentialStatus, deleting: bool, interval: bool) -> KeyspacesCredential {
    // The longest times that the schema admits.
    let rotation = if interval {
        json!({ "interval": "99999h99999m99999s", "overlap": "99999h", "inactiveFor": "1h" })
    } else {
        json!({ "overlap": "99999h99999m99999s", "inactiveFor": "99999h99999m99999s" })
    };
    let deleted_at = deleting.then_some("2026-11-22T10:00:00Z");
    let mut object: KeyspacesCredential = serde_json::from_value(json!({
        "apiVersion": "keyspaces.dev/v1alpha1",
        "kind": "KeyspacesCredential",
        "metadata": { "name": "orders", "uid": "1", "finalizers": [FINALIZER], "deletionTimestamp": deleted_at },
        "spec": { "iamUserName": "orders-app", "rotation": rotation },
    }))
    .unwrap();
    object.status = Some(status);
    object
}

fn secret() -> impl Strategy<Value = SecretFact> {
    let published = (known_id(), moment(), 0u64..8).prop_map(|(id, issued_at, epoch)| Published {
        credential: Issued {
            id: CredentialId::parse(id).unwrap(),
            service_user_name: ServiceUserName::parse("orders-app-at-111122223333").unwrap(),
            issued_at,
        },
        epoch: Epoch(epoch),
    });
    let ours = (option::weighted(0.8, published), 0u64..8).prop_map(|(published, fence)| {
        SecretFact::Ours(OurSecret { published, fence: Epoch(fence), rendering: Rendering::Current, immutable: false })
    });
    prop_oneof![1 => Just(SecretFact::Absent), 4 => ours]
}

fn listing() -> impl Strategy<Value = Listing> {
    let listed = (known_id(), moment()).prop_map(|(id, created_at)| Listed {
        id: CredentialId::parse(id).unwrap(),
        created_at,
        usable: Usable::Yes,
    });
    (vec(listed, 0..3), moment()).prop_map(|(credentials, taken_at)| Listing { credentials, taken_at, confirmed: true })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_status_is_refused_or_decided_on_without_harm(
        found in any_status(),
        (deleting, interval) in (any::<bool>(), any::<bool>()),
        secret in secret(),
        listing in option::weighted(0.8, listing()),
        now in moment(),
    ) {
        let mut object = object(found, deleting, interval);
        let Ok(resource) = observe::resource(&object, &SETTINGS) else {
            // Refused: nothing is decided at all.
            return Ok(());
        };
        // A record of failures is continued, whatever it says.
        let next = failed(resource.record.failures.as_ref(), crate::protocol::Class::Transient, 7, now);
        object.status.as_mut().unwrap().failures = Some(failures_status(&next, None));
        let in_secret = match &secret {
            SecretFact::Ours(ours) => ours.published.as_ref().map(|published| published.credential.id.clone()),
            SecretFact::Absent | SecretFact::NotOurs => None,
        };
        let mut observed = Observed::new(resource, Memory::default(), SETTINGS);
        (observed.grant, observed.claim, observed.listing) = (Some(Grant::Granted), Some(Claim::Won), listing);
        observed.secrets.insert(observed.resource.secret_name().clone(), secret);
        let step = decide(&observed, now);
        prop_assert!(!matches!(step, Step::Create(_) | Step::Reset(..) | Step::Publish(_) | Step::DryRun(_)), "{:?}", step);
        if let Step::DeleteCredential(id, _) = &step {
            let current = observed.resource.record.current_id();
            prop_assert!(deleting || (Some(id) != in_secret.as_ref() && Some(id) != current), "{:?}", step);
        }
        if let Step::Record(update) = step {
            recorded_in(object.status.as_mut().unwrap(), &update.record);
        }
        serde_json::to_string(&object).unwrap();
        // A record that was written is read again with the same meaning. Only after the last epoch there is no next one.
        let record = &observed.resource.record;
        let last = record.closed == Epoch::LAST
            || record.operation.as_ref().is_some_and(|open| open.epoch == Epoch::LAST);
        let again = observe::resource(&object, &SETTINGS).map(|again| Record { failures: None, ..again.record });
        match decide(&observed, now) {
            Step::Record(update) if !last => prop_assert_eq!(again.unwrap(), Record { failures: None, ..update.record }),
            _ => prop_assert!(last || again.is_ok(), "{:?}", object.status),
        }
    }
}
