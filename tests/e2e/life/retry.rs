//! The operator tries a failure again when `status.failures.next` says so: also after a restart. It tries at once when the
//! owner changes something.

use jiff::{SignedDuration, Timestamp};
use kit::world::{PATIENCE, USER, World, has_condition};
use serde_json::json;

use crate::BINARY;
use crate::support::{PATIENT, edit_status, passes, status};

/// A world whose operator was killed after a failure, with the next try due after `wait`.
async fn failed(wait: SignedDuration) -> World {
    let mut world = World::proxied(BINARY, "retry").await;
    world.start(&PATIENT);
    world.apply("orders", json!({ "iamUserName": "nobody" })).await;
    world.stalled("orders", "IamUserNotFound").await;
    world.operator().kill().await;
    let failures = status(&world.resource("orders").await).failures.expect("they are counted");
    let pause = failures.next.0.duration_since(failures.last.0);
    assert!(pause >= SignedDuration::from_secs(15), "a human has to act, so it is tried slowly: {pause}");
    let next = Timestamp::from_second((Timestamp::now() + wait).as_second()).unwrap();
    edit_status(&world, json!({ "failures": { "next": next.to_string() } })).await;
    world
}

#[tokio::test]
async fn a_restart_is_no_reason_to_try_at_once() {
    let mut world = failed(SignedDuration::from_secs(8)).await;
    let calls = world.iam.calls().len();
    let failures = status(&world.resource("orders").await).failures.expect("they are counted");
    world.start(&PATIENT);
    assert!(world.iam.wait_until(PATIENCE, |iam| iam.calls().len() > calls).await);
    let called_at: Timestamp = world.iam.calls()[calls].time.parse().unwrap();
    assert!(called_at >= failures.next.0, "{called_at} is before {}", failures.next.0);
    let more = world
        .until("orders", "failing again", |resource| {
            status(resource).failures.is_some_and(|now| now.count > failures.count)
        })
        .await;
    assert!(has_condition(&more, "Stalled", "True", "IamUserNotFound"));
    assert_eq!(world.iam.calls().len(), calls + 1, "one try");
}

#[tokio::test]
async fn a_change_of_the_spec_or_of_the_rotation_is_tried_at_once() {
    // Longer than this test waits. So what happens does not happen because the next try is due.
    let long = SignedDuration::try_from(PATIENCE).unwrap() * 5;
    for change in ["spec", "annotation"] {
        let mut world = failed(long).await;
        let calls = world.iam.calls().len();
        world.start(&PATIENT);
        passes(&world, 3).await;
        assert_eq!(world.iam.calls().len(), calls, "{change}: not before it is time");

        world.iam.create_user("nobody").unwrap();
        match change {
            "spec" => {
                world.apply("orders", json!({ "iamUserName": "nobody", "rotation": { "overlap": "2h" } })).await;
            }
            _ => world.rotate("orders", "now").await,
        }
        world.ready("orders").await;
        world.assert_whole("orders").await;
        assert!(status(&world.resource("orders").await).failures.is_none());
        assert_eq!((world.counts().0, world.counts().2), (1, 0), "{change}");
        assert_eq!(world.iam.credentials_of(USER).len(), 0);
    }
}
