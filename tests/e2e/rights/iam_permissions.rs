//! IAM refuses the operator: the user does not exist, the operator has no identity or lacks a permission. A condition names
//! what is missing, and the operator goes on when it is there.

use futures::future::join_all;
use keyspaces_emulator::{Fault, FaultKind, Operation};
use kit::world::{PATIENCE, USER, World};
use serde_json::json;

use crate::BINARY;
use crate::support::{apply, handled, nothing_retires, quiet, ready, refuse, secret_version, with_flags, world};

fn denied() -> FaultKind {
    FaultKind::Refuse {
        status: 403,
        code: "AccessDenied".to_owned(),
        message: "User: arn:aws:sts::111122223333:assumed-role/operator is not authorized to perform this".to_owned(),
    }
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
async fn without_an_aws_identity_the_resource_says_what_is_missing() {
    let mut world = World::new(BINARY, "identity").await;
    let none = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];
    world.start_with(&[], &none);
    world.apply_with_defaults("orders").await;
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
        world.apply_with_defaults("orders").await;
        let message = world.stalled("orders", "IamAccessDenied").await;
        assert!(message.contains(action) && message.contains("assumed-role/operator"), "{message}");
        assert_eq!(world.counts().0, creates, "{operation:?}");
        assert_eq!(world.ids(), [""; 0]);
        assert!(world.secrets().get_opt("orders").await.unwrap().is_none());
        // The permission is there now. The operator tries at once after any change of the spec.
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
async fn without_the_right_to_delete_no_more_credentials_are_made() {
    let world = with_flags("hoarder", &[]).await;
    ready(&world, "1s").await;
    world.iam.set_fault(Fault::on(Operation::Delete, refuse(403, "AccessDenied")).for_ever());
    world.rotate("orders", "one").await;
    let message = world.stalled("orders", "IamAccessDenied").await;
    assert!(message.contains("iam:DeleteServiceSpecificCredential"), "{message}");
    world.rotate("orders", "two").await;
    let tried = world.iam.wait_until(PATIENCE, |_| world.counts().2 >= 2).await;
    assert!(tried, "a new request is a reason to try again at once\n{}", world.log());
    assert_eq!(world.counts().0, 2, "the first one, and one rotation");
    world.login("orders").await.expect("the published password works");

    world.iam.clear_faults();
    apply(&world, "orders", USER, "2s").await;
    handled(&world, "two").await;
    nothing_retires(&world).await;
    quiet(&world).await;
    let applied = world.calls(Operation::Delete).into_iter().filter(|call| call.applied).count();
    assert_eq!((world.counts().0, applied), (3, 2));
}

#[tokio::test]
async fn an_identity_or_a_clock_that_iam_refuses_is_no_evidence_of_absence() {
    let codes = ["ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch", "RequestExpired"];
    join_all(codes.map(async |code| {
        let world = with_flags("expired", &["--resync", "1s", "--consistency-window", "1s"]).await;
        ready(&world, "1h").await;
        let (secret, credential) = (secret_version(&world).await, world.ids());
        world.iam.set_fault(Fault::on_any(refuse(403, code)).for_ever());
        let message = world.stalled("orders", "OperatorCredentials").await;
        assert!(message.contains(code), "{message}");
        assert_eq!(secret_version(&world).await, secret, "{code}: the Secret was not touched");
        world.login("orders").await.expect("what was published works");

        world.iam.clear_faults();
        apply(&world, "orders", USER, "2h").await;
        world.ready("orders").await;
        quiet(&world).await;
        assert_eq!((secret_version(&world).await, world.ids()), (secret, credential), "{code}");
        assert_eq!((world.counts().0, world.counts().2), (1, 0), "{code}");
    }))
    .await;
}
