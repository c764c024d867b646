//! A schedule or a new value of the annotation `keyspaces.dev/rotate` rotates the credential, once.

use jiff::SignedDuration;
use keyspaces_emulator::{Fault, Operation};
use kit::world::{USER, World, has_condition};
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::BINARY;
use crate::support::{PATIENT, annotate, carried_out, edit_status, handled, passes, patient, refuse, status, world};

#[tokio::test]
async fn a_schedule_rotates_and_says_when_it_will_again() {
    let mut world = World::new(BINARY, "schedule").await;
    world.start(&["--consistency-window", "1s"]);
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

    // The operator is down for more than two intervals. One rotation makes up for all that it missed.
    world.until("orders", "quiet", |resource| status(resource).retiring.is_none()).await;
    world.operator().kill().await;
    let missed = status(&world.resource("orders").await).last_rotated_at.expect("it is shown").0;
    let long_after = missed + SignedDuration::from_secs(17);
    assert!(world.eventually(async || jiff::Timestamp::now() > long_after).await);
    let before = world.counts().0;
    world.start(&["--consistency-window", "1s"]);
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
    // 3600 s of overlap and twice the consistency window of 3 s fill nine tenths of it.
    assert!(message.contains("the smallest value is 4008s"), "{message}");
    assert_eq!(world.iam.calls().len(), 0);
    world.apply("orders", spec("4008s")).await;
    world.ready("orders").await;
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
        world.iam.set_fault(Fault::on(Operation::Create, refuse(400, "Throttling")));
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

    // The operator does nothing when the annotation is removed, and nothing when its last value is set again.
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

#[tokio::test]
async fn an_annotation_rotates_once_and_both_passwords_work_in_the_overlap() {
    let world = world("rotate").await;
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "1h" } })).await;
    let first = world.ready("orders").await.status.and_then(|status| status.credential).expect("there is one");
    let (old_user, old_password) = world.user_and_password("orders").await;

    world.rotate("orders", "2026-11-22").await;
    let rotated = world
        .until("orders", "rotated", |resource| {
            resource.status.as_ref().is_some_and(|status| status.last_handled_rotate.as_deref() == Some("2026-11-22"))
        })
        .await;
    let status = rotated.status.clone().unwrap_or_default();
    assert_eq!(status.retiring.expect("the old one retires").id, first.id);
    assert_ne!(status.credential.expect("there is one").id, first.id);
    assert!(has_condition(&rotated, "Ready", "True", "Published"));

    let (new_user, new_password) = world.user_and_password("orders").await;
    assert_ne!((&old_user, &old_password), (&new_user, &new_password));
    world.login_as(&new_user, &new_password).await.expect("the new one logs in");
    world.login_as(&old_user, &old_password).await.expect("the old one still logs in");
    let created: Vec<String> =
        world.events("orders").await.into_iter().filter(|event| event.starts_with("CredentialCreated")).collect();
    assert_eq!(created.len(), 2, "each has an event of its own: {created:?}");

    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "1s" } })).await;
    world
        .until("orders", "done with the old one", |resource| {
            resource.status.as_ref().is_some_and(|status| status.retiring.is_none())
        })
        .await;
    world.login_as(&old_user, &old_password).await.expect_err("its time is over");
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert_eq!(world.counts(), (2, 2, 1), "one more Create, one more List, one Delete");

    // The same value again is the same request, even if it was removed in between.
    let version = world.resource("orders").await.resource_version();
    let patch = json!({ "metadata": { "annotations": { "keyspaces.dev/rotate": null } } });
    world.resources().patch("orders", &PatchParams::default(), &Patch::Merge(&patch)).await.expect("it can go");
    world.rotate("orders", "2026-11-22").await;
    // Another change shows that the operator has looked at the resource since.
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "2s" } })).await;
    let after = world.ready("orders").await;
    assert_ne!(after.resource_version(), version);
    assert_eq!(world.counts(), (2, 2, 1), "nothing more");
}

#[tokio::test]
async fn a_value_that_is_there_at_creation_counts_as_handled() {
    let world = world("handled").await;
    world
        .try_apply_object(json!({
            "metadata": { "name": "orders", "annotations": { "keyspaces.dev/rotate": "once" } },
            "spec": { "iamUserName": USER },
        }))
        .await
        .expect("the API server accepts it");
    let resource = world.ready("orders").await;
    assert_eq!(resource.status.and_then(|status| status.last_handled_rotate).as_deref(), Some("once"));
    world.assert_whole("orders").await;
    assert_eq!(world.counts(), (1, 1, 0));
}
