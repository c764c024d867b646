//! An operator whose clock is wrong, and times in status that a wrong clock has written.

use keyspaces_credential_operator::api::KeyspacesCredential;
use kit::clock::WrongClock;
use kit::world::{PATIENCE, USER, World};
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::BINARY;
use crate::support::{apply, edit_status, lists, nothing_retires, quiet, status, with_flags};

const HOUR: i64 = 3_600;

fn schedule() -> Value {
    json!({ "iamUserName": USER, "rotation": { "interval": "1h", "overlap": "1s" } })
}

/// Waits until the operator has looked at IAM this many times more.
async fn looked(world: &World, times: usize) {
    let before = world.counts().1;
    let looked = world.iam.wait_until(PATIENCE, |iam| lists(iam) >= before + times).await;
    assert!(looked, "it looks no more\n{}", world.log());
}

fn creates(world: &World) -> usize {
    world.counts().0
}

/// Waits until there is another credential than in `before`, and the one that it replaced is gone.
async fn rotated_since(world: &World, before: &KeyspacesCredential) -> KeyspacesCredential {
    let former = status(before).credential;
    world.until("orders", "rotated", |resource| status(resource).credential != former).await;
    nothing_retires(world).await;
    world.ready("orders").await
}

#[tokio::test]
async fn a_clock_that_jumps_costs_one_rotation_at_the_most() {
    // The operator reaches the proxy without TLS: with a wrong clock, a certificate would be expired or not yet valid.
    let mut world = World::proxied(BINARY, "jump").await;
    let clock = WrongClock::new(world.folder());
    world.start_with(&["--resync", "1s", "--consistency-window", "2s"], &clock.environment());
    world.apply("orders", schedule()).await;
    let first = world.ready("orders").await;

    // Two rotations would have been due in this time.
    clock.show(3 * HOUR);
    let ahead = rotated_since(&world, &first).await;
    looked(&world, 3).await;
    assert_eq!(creates(&world), 2, "one makes up for all that seem to have been missed");
    world.assert_whole("orders").await;

    // The times in the record are in the future now. If the operator believed them, it would rotate nothing before that time.
    clock.show(-3 * HOUR);
    let behind = rotated_since(&world, &ahead).await;
    looked(&world, 3).await;
    assert_eq!(creates(&world), 3);
    world.assert_whole("orders").await;

    clock.show(0);
    rotated_since(&world, &behind).await;
    looked(&world, 3).await;
    quiet(&world).await;
    assert_eq!((creates(&world), world.counts().2), (4, 3));
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_keep_it_from_looking_at_iam() {
    let mut world = World::proxied(BINARY, "setback").await;
    let clock = WrongClock::new(world.folder());
    world.start_with(&["--resync", "1s", "--consistency-window", "2s"], &clock.environment());
    clock.show(3 * HOUR);
    apply(&world, "orders", USER, "1s").await;
    let first = world.ready("orders").await;
    looked(&world, 2).await;
    clock.show(0);
    looked(&world, 2).await;
    world.iam.delete_credential(&status(&first).credential.expect("there is one").id).unwrap();
    rotated_since(&world, &first).await;
    quiet(&world).await;
    assert_eq!(creates(&world), 2);
}

#[tokio::test]
async fn times_that_a_wrong_clock_has_written_do_not_silence_a_resource() {
    for time in ["2001-01-01T00:00:00Z", "2099-01-01T00:00:00Z"] {
        let mut world = with_flags("wrongtimes", &[]).await;
        world.apply("orders", schedule()).await;
        let first = world.ready("orders").await;
        world.operator().kill().await;

        // The schedule, a wait for the next try, and an operation that somebody began.
        let operation = json!({
            "epoch": 2, "firstEpoch": 2, "reason": "Scheduled", "startedAt": time, "attemptedAt": time, "baseline": [],
        });
        edit_status(&world, json!({ "operation": operation })).await;
        world.start(&[]);
        let second = rotated_since(&world, &first).await;
        world.operator().kill().await;

        edit_status(&world, json!({ "lastRotatedAt": time })).await;
        world.start(&[]);
        let third = rotated_since(&world, &second).await;
        world.operator().kill().await;

        edit_status(&world, json!({ "failures": { "count": 9, "last": time, "next": time } })).await;
        world.secrets().delete("orders", &DeleteParams::default()).await.unwrap();
        world.start(&[]);
        rotated_since(&world, &third).await;
        quiet(&world).await;
        assert_eq!((creates(&world), world.counts().2), (4, 3), "{time}: one for each of these");
    }
}
