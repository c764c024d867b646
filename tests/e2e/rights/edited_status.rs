//! Status gives no rights: whoever can write it must not gain the credential of another IAM user, nor get one deleted.

use keyspaces_emulator::Operation;
use kit::world::{USER, World};
use serde_json::{Value, json};

use super::{at_rest, spec, users};
use crate::BINARY;
use crate::support::{OTHER, edit_status};

const LONG_AGO: &str = "2020-01-01T00:00:00Z";

const FAR_AHEAD: &str = "2999-01-01T00:00:00Z";

/// Writes into status, and makes the operator look at the resource.
async fn tamper(world: &World, status: Value, overlap: &str) {
    edit_status(world, status).await;
    world.apply("orders", spec(overlap)).await;
}

#[tokio::test]
async fn an_edited_status_neither_deletes_nor_adopts_what_belongs_to_another_user() {
    let mut world = World::with_iam(BINARY, "tampered", users()).await;
    world.start(&[]);
    world.apply("orders", spec("1h")).await;
    world.apply("billing", json!({ "iamUserName": OTHER })).await;
    world.ready("orders").await;
    world.ready("billing").await;
    let theirs = world.resource("billing").await.status.and_then(|status| status.credential).expect("there is one");
    let named = json!({ "id": theirs.id, "serviceUserName": theirs.service_user_name, "issuedAt": LONG_AGO });
    let untouched = async || {
        world.assert_whole("billing").await;
        let now = world.iam.credential(&theirs.id).expect("it is there");
        assert_eq!(now.status, "Active");
        let (_, password) = world.user_and_password("billing").await;
        assert_ne!(password, world.user_and_password("orders").await.1, "nor published anywhere else");
    };

    let retiring = json!({ "id": theirs.id, "serviceUserName": theirs.service_user_name, "since": LONG_AGO });
    tamper(&world, json!({ "retiring": retiring }), "2h").await;
    world
        .until("orders", "recovered", |resource| {
            resource.status.as_ref().is_some_and(|status| status.retiring.is_none())
        })
        .await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert_eq!(world.counts().0, 2, "one for each: nothing was made anew");
    untouched().await;

    let window = json!({ "epoch": 1, "baseline": [theirs.id], "startedAt": LONG_AGO, "until": FAR_AHEAD });
    tamper(&world, json!({ "unresolved": window }), "3h").await;
    at_rest(&world).await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert_eq!(world.counts().0, 2, "nothing was made anew");
    untouched().await;

    // This epoch is below those of the Secret and the record, which no attempt can be.
    let operation = json!({
        "epoch": 0, "firstEpoch": 0, "reason": "Requested", "startedAt": LONG_AGO, "attemptedAt": FAR_AHEAD,
        "baseline": [theirs.id],
    });
    tamper(&world, json!({ "operation": operation }), "4h").await;
    at_rest(&world).await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
    untouched().await;

    // The last epoch: no other can follow it.
    let mut endless = operation;
    endless["epoch"] = json!(i64::MAX);
    tamper(&world, json!({ "operation": endless }), "5h").await;
    let message = world.stalled("orders", "InvalidResource").await;
    assert!(message.contains("status: not a valid epoch"), "{message}");
    tamper(&world, json!({ "operation": null }), "6h").await;
    world.ready("orders").await;
    world.assert_whole("orders").await;

    // The Secret does not hold what status says, so the operator creates a new credential. It calls IAM about the id in status
    // only under this resource's own user, and IAM has no such credential of that user.
    let before = world.resource("orders").await.status.and_then(|status| status.credential).expect("there is one");
    tamper(&world, json!({ "credential": named }), "7h").await;
    world
        .until("orders", "recovered", |resource| {
            let current = resource.status.as_ref().and_then(|status| status.credential.as_ref());
            current.is_some_and(|current| current.id != theirs.id && current.id != before.id)
        })
        .await;
    world.ready("orders").await;
    world.login("orders").await.expect("what it holds works");
    let retire = format!("keyspaces.dev/retire={}", theirs.id);
    world.kubectl(&["annotate", "kscred", "orders", &retire]).await.success();
    world
        .until("orders", "rid of what is not its own", |resource| {
            resource.status.as_ref().is_some_and(|status| status.retiring.is_none())
        })
        .await;
    world.event("orders", "CredentialNotOurs").await;
    world.ready("orders").await;
    untouched().await;
    let refused = world.iam.calls().into_iter().filter(|call| {
        matches!(call.operation, Operation::Delete | Operation::Update)
            && call.credential_id.as_deref() == Some(&theirs.id)
    });
    for call in refused {
        assert_eq!((call.user.as_deref(), call.error.as_deref()), (Some(USER), Some("ValidationError")), "{call:?}");
    }
}
