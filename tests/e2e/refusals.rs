//! What stands in the way outside of the spec: a condition that says what to do, no Create, nothing overwritten.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use keyspaces_emulator::{Fault, FaultKind, Operation};
use kit::world::{PATIENCE, USER, World, has_condition};
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;

use crate::moments::patient;
use crate::{BINARY, world};

fn denied() -> FaultKind {
    FaultKind::Refuse {
        status: 403,
        code: "AccessDenied".to_owned(),
        message: "User: arn:aws:sts::111122223333:assumed-role/operator is not authorized to perform this".to_owned(),
    }
}

#[tokio::test]
async fn a_secret_that_is_not_ours_is_left_as_it_is() {
    let world = world("conflict").await;
    let theirs: Secret =
        serde_json::from_value(json!({ "metadata": { "name": "orders" }, "stringData": { "key": "theirs" } })).unwrap();
    let before = world.secrets().create(&PostParams::default(), &theirs).await.unwrap();
    world.apply("orders", json!({ "iamUserName": USER })).await;
    let message = world.stalled("orders", "SecretConflict").await;
    assert!(message.contains("Secret orders exists and is not controlled by this resource"), "{message}");
    assert_eq!(world.secrets().get("orders").await.unwrap(), before, "not a byte of it changed");
    assert_eq!(world.iam.calls().len(), 0, "IAM was not asked at all");

    // The human acts, and it goes on by itself.
    world.kubectl(&["delete", "secret", "orders"]).await.success();
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert_eq!(world.counts().0, 1);
}

#[tokio::test]
async fn a_user_that_does_not_exist_is_told_and_tried_again() {
    let world = world("nouser").await;
    world.apply("orders", json!({ "iamUserName": "nobody" })).await;
    let message = world.stalled("orders", "IamUserNotFound").await;
    assert!(message.contains("nobody") && message.contains("spec.iamUserName"), "{message}");
    assert_eq!(world.counts().0, 0);
    world.iam.create_user("nobody").unwrap();
    world.rotate("orders", "try now").await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
}

#[tokio::test]
async fn the_older_of_two_resources_has_the_user_and_the_other_takes_over() {
    let world = world("rivals").await;
    world.ready_with_defaults("first").await;
    // Ages are whole seconds.
    let second_began = world.resource("first").await.metadata.creation_timestamp.unwrap().0 + Duration::from_secs(1);
    assert!(world.eventually(async || jiff::Timestamp::now() > second_began).await);
    world.apply("second", json!({ "iamUserName": USER })).await;
    let message = world.stalled("second", "IamUserInUse").await;
    assert!(message.contains("KeyspacesCredential first of this namespace"), "{message}");
    assert_eq!(world.counts(), (1, 1, 0), "the second asked nothing of IAM");
    assert!(world.secrets().get_opt("second").await.unwrap().is_none());
    world.assert_whole("first").await;

    world.delete("first").await;
    world.gone("first").await;
    world.ready("second").await;
    world.assert_whole("second").await;
    assert_eq!(world.counts(), (2, 2, 1));
}

#[tokio::test]
async fn of_two_resources_that_want_one_secret_the_first_has_it() {
    let world = patient("onesecret").await;
    world.iam.create_user("billing-app").unwrap();
    let shared = |user: &str| json!({ "iamUserName": user, "secret": { "name": "shared" } });
    world.apply("first", shared(USER)).await;
    world.ready("first").await;
    let published = world.user_and_password("shared").await;
    let calls = world.iam.calls().len();
    world.apply("second", shared("billing-app")).await;
    let message = world.stalled("second", "SecretConflict").await;
    assert!(message.contains("Secret shared exists and is not controlled by this resource"), "{message}");
    assert_eq!(world.iam.calls().len(), calls, "nothing was asked of IAM for the second");
    assert!(published == world.user_and_password("shared").await);
    world.assert_whole("first").await;

    world.delete("first").await;
    world.gone("first").await;
    world.ready("second").await;
    world.assert_whole("second").await;
    assert_eq!((world.counts().0, world.counts().2), (2, 1));
}

#[tokio::test]
async fn two_foreign_credentials_leave_no_room_and_none_is_touched() {
    let world = world("full").await;
    let one = world.iam.create_credential(USER).unwrap().info.id;
    let two = world.iam.create_credential(USER).unwrap().info.id;
    world.apply("orders", json!({ "iamUserName": USER })).await;
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
async fn without_an_aws_identity_the_resource_says_what_is_missing() {
    let mut world = World::new(BINARY, "identity").await;
    let none = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];
    world.start_with(&[], &none);
    world.apply("orders", json!({ "iamUserName": USER })).await;
    let message = world.stalled("orders", "OperatorCredentials").await;
    assert!(message.contains("IRSA"), "{message}");
    assert_eq!(world.iam.calls().len(), 0);
    assert!(world.secrets().get_opt("orders").await.unwrap().is_none());
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_for_each_action() {
    for (operation, action, creates) in [
        (Operation::List, "iam:ListServiceSpecificCredentials", 0),
        (Operation::Create, "iam:CreateServiceSpecificCredential", 1),
    ] {
        let world = world("denied").await;
        world.iam.set_fault(Fault::on(operation, denied()).for_ever());
        world.apply("orders", json!({ "iamUserName": USER })).await;
        let message = world.stalled("orders", "IamAccessDenied").await;
        assert!(message.contains(action) && message.contains("assumed-role/operator"), "{message}");
        assert_eq!(world.counts().0, creates, "{operation:?}");
        assert_eq!(world.ids(), [""; 0]);
        assert!(world.secrets().get_opt("orders").await.unwrap().is_none());
        // The right is given; any change of the spec is tried at once.
        world.iam.clear_faults();
        world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "2h" } })).await;
        world.ready("orders").await;
        world.assert_whole("orders").await;
    }
}

#[tokio::test]
async fn without_the_right_to_delete_the_resource_stays_and_says_so() {
    let world = world("undeletable").await;
    world.ready_with_defaults("orders").await;
    world.iam.set_fault(Fault::on(Operation::Delete, denied()).for_ever());
    world.delete("orders").await;
    let message = world.stalled("orders", "IamAccessDenied").await;
    assert!(message.contains("iam:DeleteServiceSpecificCredential"), "{message}");
    assert_eq!(world.ids().len(), 1);
    assert_eq!(world.counts().0, 1, "nothing is created meanwhile");
    world.iam.clear_faults();
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "2h" } })).await;
    world.gone("orders").await;
    assert_eq!(world.ids(), [""; 0]);
}

#[tokio::test]
async fn a_secret_that_would_be_refused_is_known_before_there_is_a_password() {
    let world = world("quota").await;
    let quota = format!(
        "{{apiVersion: v1, kind: ResourceQuota, metadata: {{name: none, namespace: {}}}, spec: {{hard: {{count/secrets: 0}}}}}}",
        world.namespace
    );
    world.control_plane.apply(&quota).await.success();
    let counted = async || {
        world.kubectl(&["get", "quota", "none", "-o", "jsonpath={.status.hard}"]).await.stdout.contains("secrets")
    };
    assert!(world.eventually(counted).await);
    world.apply("orders", json!({ "iamUserName": USER })).await;
    let message = world.stalled("orders", "SecretRefused").await;
    assert!(message.contains("exceeded quota"), "{message}");
    assert_eq!(world.counts(), (0, 1, 0), "a List for the baseline, no Create");
    world.kubectl(&["delete", "quota", "none"]).await.success();
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "2h" } })).await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
}

#[tokio::test]
async fn a_secret_whose_owner_was_taken_away_is_noticed_and_left_alone() {
    let world = world("stolen").await;
    world.ready_with_defaults("orders").await;
    // Somebody takes the owner reference away: the Secret is no longer ours, whatever its name.
    let patch = json!({ "metadata": { "ownerReferences": null } });
    world.secrets().patch("orders", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    world.stalled("orders", "SecretConflict").await;
    assert_eq!(world.counts().0, 1, "no second credential");
    assert_eq!(world.ids().len(), 1, "and the first one stays");
}

#[tokio::test]
async fn throttling_is_waited_out() {
    let world = world("throttled").await;
    let throttled =
        FaultKind::Refuse { status: 400, code: "Throttling".to_owned(), message: "Rate exceeded".to_owned() };
    world.iam.set_fault(Fault::on_any(throttled).times(3));
    world.apply("orders", json!({ "iamUserName": USER })).await;
    world.until("orders", "waiting", |resource| has_condition(resource, "Reconciling", "True", "IamThrottled")).await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert!(world.iam.wait_until(PATIENCE, |iam| iam.calls().len() == 5).await, "three refused, one List, one Create");
}
