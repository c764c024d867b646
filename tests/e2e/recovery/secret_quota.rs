//! A quota refuses the Secret: before the operator has a password, or after that.

use keyspaces_credential_operator::api::KeyspacesCredential;
use kit::world::{USER, World, has_condition};
use serde_json::json;

use crate::support::{apply, proxied, quiet, secret_writes, status, world};

/// Lets no more Secrets into the namespace, as an administrator would.
async fn forbid_secrets(world: &World) {
    let hard = json!({ "hard": { "count/secrets": "0" } });
    let metadata = json!({ "name": "none", "namespace": world.namespace });
    let quota = json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": hard });
    world.control_plane.apply(&quota.to_string()).await.success();
    let counted = async || {
        world.kubectl(&["get", "quota", "none", "-o", "jsonpath={.status.hard}"]).await.stdout.contains("secrets")
    };
    assert!(world.eventually(counted).await);
}

/// A first password is in hand, and the namespace takes no more Secrets.
async fn refused_with_a_password_in_hand(world: &World) {
    let gate = world.proxy().hold(secret_writes());
    apply(world, "orders", USER, "1h").await;
    gate.arrived().await;
    forbid_secrets(world).await;
    gate.release();
    let message = world.stalled("orders", "KubernetesRefused").await;
    assert!(message.contains("its words are not shown"), "{message}");
    assert_eq!(world.proxy().replies_to(&secret_writes()), [Some(403)]);
    assert_eq!((world.counts().0, world.ids().len()), (1, 1));
}

#[tokio::test]
async fn a_quota_that_comes_after_the_dry_run_and_goes_again_costs_no_second_credential() {
    let world = proxied("quotagoes", &["--hold", "10m"]).await;
    refused_with_a_password_in_hand(&world).await;
    world.kubectl(&["delete", "quota", "none"]).await.success();
    apply(&world, "orders", USER, "2h").await;
    world.ready("orders").await;
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (1, 0), "the password in hand was published");
}

#[tokio::test]
async fn a_quota_that_stays_makes_it_drop_the_password_and_remove_the_credential() {
    let world = proxied("quotastays", &["--hold", "10s", "--api-deadline", "60s"]).await;
    refused_with_a_password_in_hand(&world).await;
    // While the operator holds the password, each change of the spec makes it try the publication once more.
    let mut hours = 1;
    let dropped = world
        .eventually(async || {
            hours += 1;
            apply(&world, "orders", USER, &format!("{hours}h")).await;
            let present =
                |resource: &KeyspacesCredential| status(resource).observed_generation == resource.metadata.generation;
            let told = world.until("orders", "told of the present spec", present).await;
            has_condition(&told, "Stalled", "True", "SecretRefused")
        })
        .await;
    assert!(dropped, "{}", world.log());
    assert_eq!(world.counts().0, 1, "the next attempt gets no further than its dry run");

    world.kubectl(&["delete", "quota", "none"]).await.success();
    apply(&world, "orders", USER, "0s").await;
    world.ready("orders").await;
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (2, 1), "the replacement; the one whose password was dropped");
}

#[tokio::test]
async fn a_secret_that_would_be_refused_is_known_before_there_is_a_password() {
    let world = world("quota").await;
    forbid_secrets(&world).await;
    world.apply_with_defaults("orders").await;
    let message = world.stalled("orders", "SecretRefused").await;
    assert!(message.contains("exceeded quota"), "{message}");
    assert_eq!(world.counts(), (0, 1, 0), "a List for the baseline, no Create");
    world.kubectl(&["delete", "quota", "none"]).await.success();
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "2h" } })).await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
}
