//! No password is in any output at the log level TRACE, from the creation of a resource to its deletion, with accidents.

use keyspaces_emulator::{Fault, FaultKind, Operation};
use kit::world::{USER, World};
use kube::api::DeleteParams;
use serde_json::json;

use crate::BINARY;
use crate::support::{current, nothing_retires, quiet, status};

#[tokio::test]
async fn at_trace_level_no_password_is_in_any_output() {
    let mut world = World::proxied(BINARY, "trace").await;
    world.start_with(&["--resync", "2s"], &[("RUST_LOG", "trace")]);
    // These replies of Create carry a password and cannot be used. An error that quoted the body would show it.
    world.iam.set_fault(Fault::on(Operation::Create, FaultKind::CutXml { at: None }));
    world
        .iam
        .set_fault(Fault::on(Operation::Create, FaultKind::DropField { element: "UserName".to_owned() }).from_nth(2));
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "1s" } })).await;
    world.ready("orders").await;
    world.rotate("orders", "once").await;
    world
        .until("orders", "rotated", |resource| {
            resource.status.as_ref().is_some_and(|status| {
                status.last_handled_rotate.as_deref() == Some("once")
                    && status.retiring.is_none()
                    && status.unresolved.is_none()
            })
        })
        .await;
    world.secrets().delete("orders", &DeleteParams::default()).await.expect("it is there");
    let rotated = current(&world).await;
    world
        .until("orders", "recovered", |resource| status(resource).credential.is_some_and(|now| now.id != rotated))
        .await;
    nothing_retires(&world).await;
    quiet(&world).await;
    world.delete("orders").await;
    world.gone("orders").await;
    assert!(world.log().contains("TRACE"), "the log is at the level that it should be");
    assert!(!world.log().contains('\u{1b}'), "nobody looks on, so it has no colours");
    world.assert_no_password_shown().await;
    assert!(world.counts().0 >= 5, "two Creates were lost on the way");
}
