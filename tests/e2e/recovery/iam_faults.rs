//! IAM throttles, shows new credentials late or lists them in pages.

use std::pin::pin;
use std::time::Duration;

use futures::TryStreamExt;
use keyspaces_credential_operator::api::FailuresStatus;
use keyspaces_emulator::{Fault, FaultKind, Lag, Operation, Options};
use kit::world::{PATIENCE, USER, has_condition};
use kube::api::{WatchEvent, WatchParams};

use crate::support::{apply, handled, lists, quiet, ready, refuse, status, with_flags, with_iam, world};

/// List does not show what is new.
const BLIND: Lag = Lag { list_new: Duration::MAX, list_deleted: Duration::ZERO, login: Duration::ZERO };

/// How often it is tried in a minute.
const TRIES: usize = 7;

#[tokio::test]
async fn throttled_on_every_call_it_asks_less_and_less_often() {
    let world = with_flags("storm", &[]).await;
    world.iam.set_fault(Fault::on_any(refuse(400, "Throttling")).for_ever());
    // Every version of the resource, however fast one follows the other.
    let resources = world.resources();
    let mut versions = pin!(resources.watch(&WatchParams::default(), "0").await.expect("it can be watched"));
    apply(&world, "orders", USER, "1h").await;
    let mut told: Vec<FailuresStatus> = Vec::new();
    while told.len() < TRIES {
        let version = tokio::time::timeout(PATIENCE, versions.try_next()).await.expect("it goes on trying");
        if let Some(WatchEvent::Added(resource) | WatchEvent::Modified(resource)) = version.expect("the watch goes on")
            && let Some(failures) = status(&resource).failures
            && told.last() != Some(&failures)
        {
            told.push(failures);
        }
    }
    assert_eq!(world.iam.calls().len(), TRIES, "one call a try");
    for (count, failures) in (1_i64..).zip(told) {
        assert_eq!(failures.count, count);
        let wait = failures.next.0.duration_since(failures.last.0).as_secs();
        // The waits are 1, 2, 4, 8 … seconds and up to a quarter more. Status rounds the beginning of a wait down to a second,
        // and its end up.
        let shortest = 1_i64 << (count - 1);
        assert!((shortest..=shortest + shortest / 4 + 2).contains(&wait), "{failures:?}");
    }
    assert!(has_condition(&world.resource("orders").await, "Reconciling", "True", "IamThrottled"));
    world.iam.clear_faults();
    world.ready("orders").await;
    quiet(&world).await;
    assert_eq!(world.counts(), (1, TRIES + 1, 0), "the first Lists were refused");
}

#[tokio::test]
async fn a_leftover_that_list_does_not_show_yet_is_waited_for() {
    let world = with_flags("invisible", &["--consistency-window", "4s"]).await;
    ready(&world, "1h").await;
    world.iam.set_lag(BLIND);
    world.iam.set_fault(Fault::on(Operation::Create, FaultKind::Close).after_effect());
    world.rotate("orders", "once").await;
    world
        .until("orders", "at the limit", |resource| {
            has_condition(resource, "Reconciling", "True", "IamLimitExceeded")
                && has_condition(resource, "Ready", "True", "Published")
        })
        .await;
    assert_eq!((world.ids().len(), world.counts().2), (2, 0), "current and leftover; nothing is deleted on a guess");
    world.login("orders").await.expect("the published password works");

    world.iam.set_lag(Lag::default());
    handled(&world, "once").await;
    quiet(&world).await;
    let refused = world.calls(Operation::Create).into_iter().filter(|call| !call.applied).count();
    assert_eq!((world.counts().0 - refused, world.counts().2), (3, 1), "the first, the leftover, its replacement");
}

#[tokio::test]
async fn a_list_that_does_not_show_the_new_credential_is_no_evidence() {
    let world = with_flags("stale", &["--consistency-window", "60s", "--resync", "1s"]).await;
    world.iam.set_lag(BLIND);
    ready(&world, "1h").await;
    assert!(world.iam.wait_until(PATIENCE, |iam| lists(iam) >= 5).await);
    let resource = world.resource("orders").await;
    assert!(has_condition(&resource, "Ready", "True", "Published"), "{:?}", resource.status);
    assert_eq!(status(&resource).conditions.len(), 1, "no word of a credential that is missing");
    assert_eq!((world.counts().0, world.counts().2), (1, 0));
    world.iam.set_lag(Lag::default());
    world.assert_whole("orders").await;
}

#[tokio::test]
async fn a_list_in_pages_of_one_is_read_to_its_end() {
    let world = with_iam("pages", Options { page_size: 1, ..Options::with_users([USER]) }).await;
    let (one, two) = (world.iam.create_credential(USER).unwrap().info.id, world.iam.create_credential(USER).unwrap());
    apply(&world, "orders", USER, "1h").await;
    let message = world.stalled("orders", "NoFreeSlot").await;
    assert!(message.contains(&one) && message.contains(&two.info.id), "{message}");
    assert_eq!(world.counts().0, 0, "both were seen, on a page each");
    world.iam.delete_credential(&one).unwrap();
    world.ready("orders").await;
    world.rotate("orders", "no room").await;
    // The current credential and a foreign one, again on a page each.
    world.stalled("orders", "NoFreeSlot").await;
    assert_eq!((world.counts().0, world.counts().2), (1, 0));
    world.iam.delete_credential(&two.info.id).unwrap();
    handled(&world, "no room").await;
    quiet(&world).await;
}

#[tokio::test]
async fn a_password_that_amazon_keyspaces_does_not_know_yet_is_covered_by_the_overlap() {
    let world = with_flags("notyet", &[]).await;
    ready(&world, "1h").await;
    let (old_user, old_password) = world.user_and_password("orders").await;
    world.iam.set_lag(Lag { login: Duration::MAX, ..Lag::default() });
    world.rotate("orders", "once").await;
    handled(&world, "once").await;
    world.login("orders").await.expect_err("the new one is not known there yet");
    world.login_as(&old_user, &old_password).await.expect("the old one works until it is");
    world.iam.set_lag(Lag::default());
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (2, 0));
}

#[tokio::test]
async fn throttling_is_waited_out() {
    let world = world("throttled").await;
    world.iam.set_fault(Fault::on_any(refuse(400, "Throttling")).times(3));
    world.apply_with_defaults("orders").await;
    world.until("orders", "waiting", |resource| has_condition(resource, "Reconciling", "True", "IamThrottled")).await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert!(world.iam.wait_until(PATIENCE, |iam| iam.calls().len() == 5).await, "three refused, one List, one Create");
}
