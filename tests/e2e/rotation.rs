//! Rotation by schedule, the stages of a replaced credential, and what its owner can do about them.

use jiff::SignedDuration;
use keyspaces_credential_operator::api::RetiringStage;
use keyspaces_emulator::{Fault, FaultKind, Operation};
use kit::world::{USER, World, has_condition};
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::moments::{PATIENT, annotate, carried_out, edit_status, handled, passes, patient, status};
use crate::{BINARY, world};

#[tokio::test]
async fn a_schedule_rotates_and_says_when_it_will_again() {
    let mut world = World::new(BINARY, "schedule").await;
    world.start(&["--settle", "1s"]);
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "interval": "8s", "overlap": "1s" } })).await;
    let first = status(&world.ready("orders").await);
    let next = first.next_rotation_at.clone().expect("it is shown").0;
    let rotated_at = first.last_rotated_at.clone().expect("it is shown").0;
    assert!(next > rotated_at && next.duration_since(rotated_at).as_secs() <= 8);
    let rotated =
        world.until("orders", "rotated", |resource| status(resource).last_rotated_at > first.last_rotated_at).await;
    assert_ne!(status(&rotated).credential, first.credential);
    assert!(status(&rotated).last_rotated_at.expect("it is shown").0 >= next, "not before the time that was shown");
    world.event("orders", "Rotating").await;

    // Down for more than two intervals: one rotation makes up for all that were missed.
    world.until("orders", "quiet", |resource| status(resource).retiring.is_none()).await;
    world.operator().kill().await;
    let missed = status(&world.resource("orders").await).last_rotated_at.expect("it is shown").0;
    let long_after = missed + SignedDuration::from_secs(17);
    assert!(world.eventually(async || jiff::Timestamp::now() > long_after).await);
    let before = world.counts().0;
    world.start(&["--settle", "1s"]);
    let caught_up = world
        .until("orders", "caught up", |resource| {
            status(resource).last_rotated_at.is_some_and(|time| time.0 >= long_after)
        })
        .await;
    let status = status(&caught_up);
    assert_eq!((world.counts().0, status.completed_epoch), (before + 1, first.completed_epoch.map(|epoch| epoch + 2)));
    let (rotated_at, next) =
        (status.last_rotated_at.expect("it is shown").0, status.next_rotation_at.expect("it is shown").0);
    assert!(next.duration_since(rotated_at) >= SignedDuration::from_secs(7), "the next one is a whole interval away");
    world.ready("orders").await;
    world.assert_whole("orders").await;
}

#[tokio::test]
async fn a_replaced_credential_works_then_is_off_then_is_gone() {
    let world = world("stages").await;
    let stages = async |overlap: &str, inactive_for: &str| {
        let rotation = json!({ "overlap": overlap, "inactiveFor": inactive_for });
        world.apply("orders", json!({ "iamUserName": USER, "rotation": rotation })).await;
    };
    stages("1h", "1h").await;
    world.ready("orders").await;
    let (user, password) = world.user_and_password("orders").await;
    world.rotate("orders", "once").await;
    world.until("orders", "rotated", |resource| status(resource).retiring.is_some()).await;
    world.login_as(&user, &password).await.expect("it still works");

    stages("1s", "1h").await;
    let off = world
        .until("orders", "switched off", |resource| {
            status(resource).retiring.is_some_and(|retiring| retiring.stage == RetiringStage::Inactive)
        })
        .await;
    let id = status(&off).retiring.expect("it is there").id;
    assert_eq!(world.iam.credential(&id).expect("it is there").status, "Inactive");
    world.login_as(&user, &password).await.expect_err("it is off");
    assert!(has_condition(&off, "Ready", "True", "Published"));

    stages("1s", "1s").await;
    world.until("orders", "done", |resource| status(resource).retiring.is_none()).await;
    assert!(!world.ids().contains(&id));
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert_eq!((world.calls(Operation::Update).len(), world.counts().2), (1, 1));
}

#[tokio::test]
async fn a_rotation_inside_an_overlap_waits_and_can_be_hurried() {
    let world = world("hurry").await;
    world.ready_with_defaults("orders").await;
    world.rotate("orders", "one").await;
    let rotated = world.until("orders", "rotated", |resource| status(resource).retiring.is_some()).await;
    let retiring = status(&rotated).retiring.expect("it is there").id;
    world.rotate("orders", "two").await;
    let waiting = world
        .until("orders", "waiting", |resource| has_condition(resource, "Reconciling", "True", "RotationWaits"))
        .await;
    assert!(has_condition(&waiting, "Ready", "True", "Published"), "the published password works");
    assert_eq!(world.counts().0, 2);

    // A name that is not that of the retiring one ends nothing.
    let retire = async |id: &str| {
        let patch = json!({ "metadata": { "annotations": { "keyspaces.dev/retire": id } } });
        world.resources().patch("orders", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    };
    retire("ACCA00000000000000000").await;
    retire(&retiring).await;
    world
        .until("orders", "rotated again", |resource| status(resource).last_handled_rotate.as_deref() == Some("two"))
        .await;
    assert!(!world.ids().contains(&retiring));
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert_eq!((world.counts().0, world.counts().2), (3, 1));
}

#[tokio::test]
async fn an_interval_that_leaves_no_time_is_refused_or_told() {
    let world = world("interval").await;
    let spec = |interval: &str| json!({ "iamUserName": USER, "rotation": { "interval": interval, "overlap": "1h" } });
    let refused = world.try_apply("orders", spec("1h")).await.expect_err("it is refused").to_string();
    assert!(
        refused.contains("rotation.interval must be longer than rotation.overlap and rotation.inactiveFor"),
        "{refused}"
    );
    world.apply("orders", spec("1h1s")).await;
    let message = world.stalled("orders", "InvalidSpec").await;
    // 3600 s of overlap and twice the settle time of 3 s fill nine tenths of it.
    assert!(message.contains("the smallest value is 4008s"), "{message}");
    assert_eq!(world.iam.calls().len(), 0);
    world.apply("orders", spec("4008s")).await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
}

#[tokio::test]
async fn foreign_credentials_make_room_only_if_their_owner_says_so() {
    let world = world("foreign").await;
    let older = world.iam.create_credential(USER).unwrap().info.id;
    let younger = world.iam.create_credential(USER).unwrap().info.id;
    world.apply("orders", json!({ "iamUserName": USER })).await;
    world.stalled("orders", "NoFreeSlot").await;
    world.apply("orders", json!({ "iamUserName": USER, "foreignCredentials": "Delete" })).await;
    world.ready("orders").await;
    let event = world.event("orders", "ForeignDeleted").await;
    let gone = [&older, &younger].into_iter().find(|id| !world.ids().contains(id)).expect("one of them went");
    assert!(event.contains(gone.as_str()), "{event}");
    assert_eq!(world.counts().2, 1, "one place was needed and one was freed");
    world.assert_whole("orders").await;

    // A rotation needs the other place as well.
    world.rotate("orders", "once").await;
    handled(&world, "once").await;
    world.ready("orders").await;
    let left = world.ids();
    assert!(![&older, &younger].into_iter().any(|id| left.contains(id)), "both have gone: {left:?}");
    assert_eq!((world.counts().0, world.counts().2), (2, 2));
    world.assert_whole("orders").await;
}

#[tokio::test]
async fn a_time_in_status_that_cannot_be_costs_one_rotation_at_most() {
    let mut world = World::proxied(BINARY, "times").await;
    world.start(&PATIENT);
    let interval = SignedDuration::from_hours(720);
    let rotation = json!({ "interval": "720h", "overlap": "0s" });
    world.apply("orders", json!({ "iamUserName": USER, "rotation": rotation })).await;
    world.ready("orders").await;
    for (count, time) in [(2, "2101-01-01T00:00:00Z"), (3, "1999-01-01T00:00:00Z")] {
        edit_status(&world, json!({ "lastRotatedAt": time, "nextRotationAt": time })).await;
        let before = jiff::Timestamp::now();
        passes(&world, 3).await;
        let resource = world
            .until("orders", "rotated", |resource| {
                let status = status(resource);
                status.completed_epoch == Some(count) && status.retiring.is_none()
            })
            .await;
        passes(&world, 3).await;
        let rotated_at = status(&resource).last_rotated_at.expect("it is shown").0;
        let next = status(&resource).next_rotation_at.expect("it is shown").0.duration_since(rotated_at);
        assert!(rotated_at.as_second() >= before.as_second() && rotated_at <= jiff::Timestamp::now(), "{rotated_at}");
        assert!(next <= interval && next >= interval * 9 / 10, "{time}: {next}");
        world.ready("orders").await;
        world.assert_whole("orders").await;
        assert_eq!(world.counts().0, usize::try_from(count).unwrap(), "{time}: one rotation");
    }
}

#[tokio::test]
async fn any_value_of_the_annotation_is_one_rotation_and_none_is_told_at_length() {
    let world = patient("values").await;
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "0s" } })).await;
    world.ready("orders").await;
    // The API server takes 256 KiB of annotations in all.
    let (long, longest) = ("ä".repeat(32 * 1024), "x".repeat(250 * 1024));
    let values = ["", "nächste Woche ☂", "{\"not\": \"ours\"}\n", &long, "  ", &longest];
    for (done, value) in values.into_iter().enumerate() {
        let throttled =
            FaultKind::Refuse { status: 400, code: "Throttling".to_owned(), message: "Rate exceeded".to_owned() };
        world.iam.set_fault(Fault::on(Operation::Create, throttled));
        world.rotate("orders", value).await;
        handled(&world, value).await;
        let rotated = world.until("orders", "rotated", |resource| status(resource).retiring.is_none()).await;
        assert!(status(&rotated).conditions.iter().all(|condition| condition.message.len() < 1024));
        let carried_out = [Operation::Create, Operation::Delete].map(|operation| carried_out(&world, operation));
        assert_eq!(carried_out, [done + 2, done + 1], "{} bytes", value.len());
    }
    world.ready("orders").await;
    assert!(world.events("orders").await.iter().all(|event| event.len() < 1024));
    world.assert_whole("orders").await;

    // To take it away asks for nothing, and the last value again was handled.
    annotate(&world, json!({ "keyspaces.dev/rotate": null })).await;
    world.rotate("orders", &longest).await;
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "1s" } })).await;
    world.ready("orders").await;
    assert_eq!(world.counts().2, values.len());
}

#[tokio::test]
async fn of_values_in_quick_succession_the_last_one_is_handled() {
    let world = patient("quick").await;
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "0s" } })).await;
    world.ready("orders").await;
    let values = ["one", "two", "three"];
    for value in values {
        world.rotate("orders", value).await;
    }
    handled(&world, "three").await;
    world.until("orders", "done with the old one", |resource| status(resource).retiring.is_none()).await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
    let (creates, _, deletes) = world.counts();
    assert!((2..=1 + values.len()).contains(&creates) && deletes == creates - 1, "{creates} and {deletes}");
}
