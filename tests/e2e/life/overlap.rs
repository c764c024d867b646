//! The overlap: a replaced credential works on, then the operator switches it off and deletes it. The owner can end it early.

use keyspaces_credential_operator::api::RetiringStage;
use keyspaces_emulator::Operation;
use kit::world::{USER, has_condition};
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::support::{status, world};

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

    // An id that is not that of the retiring credential ends nothing.
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
