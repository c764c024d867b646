//! IAM allows two credentials per user. Which credentials take the second slot, and what the operator then does.

use std::time::Duration;

use keyspaces_emulator::{Fault, FaultKind, Lag, Operation};
use kit::world::{USER, has_condition};
use serde_json::json;

use crate::support::{carried_out, current, handled, patient, quiet, ready, status, with_flags, world};

#[tokio::test]
async fn a_rotation_waits_for_the_place_that_somebody_else_has_and_then_goes_on() {
    let world = patient("taken").await;
    world.ready_with_defaults("orders").await;
    let former = current(&world).await;
    let theirs = world.iam.create_credential(USER).unwrap().info;
    world.rotate("orders", "once").await;
    let message = world.stalled("orders", "NoFreeSlot").await;
    let date = theirs.create_date.split(['.', 'Z']).next().expect("there is a first part");
    let dated = format!("this resource does not know {} (created {date}", theirs.id);
    assert!(message.contains(&dated), "{dated} is not in: {message}");
    assert!(message.contains(&format!("this resource uses {former}")), "{message}");
    let (_, command) = message.split_once("aws iam delete-service-specific-credential").expect("it has the command");
    assert_eq!(
        command,
        format!(" --user-name {USER} --service-specific-credential-id {}", theirs.id),
        "what is in use is never offered"
    );
    assert_eq!((world.counts().0, world.counts().2), (1, 0), "nothing was created, nothing was deleted");
    world.login("orders").await.expect("what is published works");

    // This is what the command in the message does.
    world.iam.delete_credential(&theirs.id).unwrap();
    handled(&world, "once").await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert_eq!(status(&world.resource("orders").await).retiring.expect("it is there").id, former);
    assert_eq!((world.counts().0, world.counts().2), (2, 0));
}

#[tokio::test]
async fn a_rotation_makes_itself_room_if_its_owner_says_so() {
    let world = patient("room").await;
    world.apply("orders", json!({ "iamUserName": USER, "foreignCredentials": "Delete" })).await;
    world.ready("orders").await;
    let former = current(&world).await;
    let theirs = world.iam.create_credential(USER).unwrap().info.id;
    world.apply("orders", json!({ "iamUserName": USER, "foreignCredentials": "Delete", "suspend": false })).await;
    world.ready("orders").await;
    assert!(world.ids().contains(&theirs), "as long as its place is not needed it stays");

    world.rotate("orders", "once").await;
    handled(&world, "once").await;
    let event = world.event("orders", "ForeignDeleted").await;
    assert!(event.contains(&theirs), "{event}");
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert!(!world.ids().contains(&theirs) && world.ids().contains(&former), "the replaced one has its overlap");
    assert_eq!((world.counts().0, world.counts().2), (2, 1));
}

#[tokio::test]
async fn a_leftover_that_counts_before_it_is_listed_is_waited_for_and_removed() {
    let world = patient("invisible").await;
    world.ready_with_defaults("orders").await;
    world.iam.set_lag(Lag { list_new: Duration::MAX, ..Lag::default() });
    world.iam.set_fault(Fault::on(Operation::Create, FaultKind::Close).after_effect());
    world.rotate("orders", "once").await;
    // IAM refuses because both slots are taken, and lists only one credential.
    let waiting = world
        .until("orders", "waiting", |resource| has_condition(resource, "Reconciling", "True", "IamLimitExceeded"))
        .await;
    assert!(has_condition(&waiting, "Ready", "True", "Published"), "the published password works: {waiting:?}");
    assert_eq!(world.counts().2, 0);

    world.iam.set_lag(Lag::default());
    handled(&world, "once").await;
    world.event("orders", "LeftoverDeleted").await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
    let made = carried_out(&world, Operation::Create);
    assert_eq!((made, world.counts().2), (3, 1), "the first, the lost and its replacement; the leftover");
}

#[tokio::test]
async fn foreign_credentials_make_room_only_if_their_owner_says_so() {
    let world = world("foreign").await;
    let older = world.iam.create_credential(USER).unwrap().info.id;
    let younger = world.iam.create_credential(USER).unwrap().info.id;
    world.apply_with_defaults("orders").await;
    world.stalled("orders", "NoFreeSlot").await;
    world.apply("orders", json!({ "iamUserName": USER, "foreignCredentials": "Delete" })).await;
    world.ready("orders").await;
    let event = world.event("orders", "ForeignDeleted").await;
    let gone = [&older, &younger].into_iter().find(|id| !world.ids().contains(id)).expect("one of them went");
    assert!(event.contains(gone.as_str()), "{event}");
    assert_eq!(world.counts().2, 1, "one place was needed and one was freed");
    world.assert_whole("orders").await;

    // A rotation needs the other slot as well.
    world.rotate("orders", "once").await;
    handled(&world, "once").await;
    world.ready("orders").await;
    let left = world.ids();
    assert!(![&older, &younger].into_iter().any(|id| left.contains(id)), "both have gone: {left:?}");
    assert_eq!((world.counts().0, world.counts().2), (2, 2));
    world.assert_whole("orders").await;
}

#[tokio::test]
async fn two_foreign_credentials_leave_no_room_and_none_is_touched() {
    let world = world("full").await;
    let one = world.iam.create_credential(USER).unwrap().info.id;
    let two = world.iam.create_credential(USER).unwrap().info.id;
    world.apply_with_defaults("orders").await;
    let message = world.stalled("orders", "NoFreeSlot").await;
    for part in [one.as_str(), two.as_str(), "aws iam delete-service-specific-credential --user-name orders-app"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!((world.counts().0, world.counts().2), (0, 0));
    world.iam.delete_credential(&one).unwrap();
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert!(world.ids().contains(&two), "the other one is still there");
    assert_eq!((world.counts().0, world.counts().2), (1, 0));
}

#[tokio::test]
async fn a_second_credential_of_a_humans_making_is_left_alone_and_holds_up_the_next_rotation() {
    let world = with_flags("second", &["--resync", "1s"]).await;
    ready(&world, "1h").await;
    let theirs = world.iam.create_credential(USER).unwrap().info.id;
    world.rotate("orders", "once").await;
    let message = world.stalled("orders", "NoFreeSlot").await;
    assert!(message.contains(&theirs), "{message}");
    world.login("orders").await.expect("the published password works");
    assert_eq!((world.counts().0, world.counts().2), (1, 0));
    world.iam.delete_credential(&theirs).unwrap();
    handled(&world, "once").await;
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (2, 0));
}
