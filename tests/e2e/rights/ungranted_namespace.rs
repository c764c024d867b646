//! Two namespaces want one IAM user. The one without a grant gets nothing and blocks nobody, whatever its age and whatever
//! somebody writes into its status.

use keyspaces_credential_operator::api::{FINALIZER, KeyspacesCredential};
use kit::world::{USER, World, add_namespace, grant, has_condition};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::{spec, users};
use crate::BINARY;
use crate::support::a_second_after;

const SQUATTER: &str = "squatter";

/// The resource in the other namespace.
struct Elder<'a> {
    world: &'a World,
    resources: Api<KeyspacesCredential>,
}

impl<'a> Elder<'a> {
    fn of(world: &'a World) -> Self {
        Self { world, resources: Api::namespaced(world.client.clone(), SQUATTER) }
    }

    async fn apply(&self, object: Value) {
        let mut object = object;
        object["apiVersion"] = json!("keyspaces.dev/v1alpha1");
        object["kind"] = json!("KeyspacesCredential");
        object["metadata"]["name"] = json!("elder");
        object["spec"] = json!({ "iamUserName": USER });
        let params = PatchParams::apply("test").force();
        self.resources.patch("elder", &params, &Patch::Apply(&object)).await.expect("it is accepted");
    }

    async fn until(&self, type_: &str, reason: &str) {
        let told = async || {
            let elder = self.resources.get_opt("elder").await.ok().flatten();
            elder.is_some_and(|elder| has_condition(&elder, type_, "True", reason))
        };
        assert!(self.world.eventually(told).await, "{reason} is not told\n{}", self.world.log());
    }

    /// Waits until every resource that is created from now on is younger.
    async fn is_older(&self) {
        a_second_after(&self.resources.get("elder").await.unwrap()).await;
    }

    async fn delete(&self) {
        self.resources.delete("elder", &DeleteParams::default()).await.expect("it can be deleted");
        let gone = async || matches!(self.resources.get_opt("elder").await, Ok(None));
        assert!(self.world.eventually(gone).await, "the elder is still there\n{}", self.world.log());
    }
}

#[tokio::test]
async fn a_squatter_takes_nothing_and_blocks_nobody() {
    let mut world = World::of_many_namespaces(BINARY, "shop", users()).await;
    add_namespace(&world.client, SQUATTER, Some("billing-*")).await;
    world.grant(Some(USER)).await;
    world.start(&[]);
    let elder = Elder::of(&world);
    elder.apply(json!({})).await;
    elder.until("Stalled", "IamUserNotGranted").await;
    elder.is_older().await;
    world.ready_with_defaults("orders").await;
    world.assert_whole("orders").await;

    // Its owner writes into its status, in every possible way, that the victim's credential is its own. Then he deletes it.
    let victim = world.resource("orders").await.status.and_then(|status| status.credential).expect("there is one");
    let time = "2020-01-01T00:00:00Z";
    let window = json!({ "epoch": 5, "baseline": [], "startedAt": time, "until": "2999-01-01T00:00:00Z" });
    let operation = json!({
        "epoch": 7, "firstEpoch": 6, "reason": "Requested", "startedAt": time, "attemptedAt": time, "baseline": [],
    });
    let credential = json!({ "id": victim.id, "serviceUserName": victim.service_user_name, "issuedAt": time });
    let mut retiring = credential.clone();
    retiring["since"] = json!(time);
    let status = json!({ "status": {
        "credential": credential, "retiring": retiring, "operation": operation, "unresolved": window,
    }});
    elder.resources.patch_status("elder", &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    elder
        .apply(json!({ "metadata": { "finalizers": [FINALIZER], "annotations": { "keyspaces.dev/rotate": "x" } } }))
        .await;
    let closed = async || {
        let status = elder.resources.get("elder").await.ok().and_then(|elder| elder.status).unwrap_or_default();
        status.operation.is_none() && status.unresolved.is_none()
    };
    assert!(world.eventually(closed).await, "its windows are closed\n{}", world.log());
    elder.resources.patch_status("elder", &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    elder.delete().await;
    assert_eq!(world.ids(), [victim.id], "the victim's credential is there");
    assert_eq!(world.counts().2, 0, "IAM was not even asked to delete anything");
    world.assert_whole("orders").await;

    // With a grant, the older resource has the user. What the other one has published goes on working.
    elder.apply(json!({})).await;
    elder.until("Stalled", "IamUserNotGranted").await;
    world.assert_whole("orders").await;
    elder.is_older().await;
    world.delete("orders").await;
    world.gone("orders").await;
    world.ready_with_defaults("orders").await;
    let ids = world.ids();
    grant(&world.client, SQUATTER, Some(USER)).await;
    elder.until("Ready", "Published").await;
    world.apply("orders", spec("2h")).await;
    let message = world.stalled("orders", "IamUserInUse").await;
    assert!(message.contains("another namespace") && !message.contains("elder"), "{message}");
    assert!(ids.iter().all(|id| world.ids().contains(id)), "what is published stays");
    world.login("orders").await.expect("and works");
    elder.delete().await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert_eq!(world.ids(), ids);
}
