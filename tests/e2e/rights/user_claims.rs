//! Several resources want one IAM user: the oldest has it. No message names a resource of another namespace.
//!
//! The operators of the other tests look at one namespace each. For the test across namespaces there is a control plane of
//! its own, with an operator that looks at all of them.

use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Secret};
use keyspaces_credential_operator::api::KeyspacesCredential;
use keyspaces_emulator::{Emulator, Operation, Options};
use kit::control_plane::{ControlPlane, OPERATOR};
use kit::operator::{Operator, Start};
use kit::world::{PATIENCE, USER, condition, has_condition};
use kube::api::{Api, DeleteParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::json;

use crate::BINARY;
use crate::support::{a_second_after, world};

/// A cluster whose operator looks at all namespaces.
struct Cluster {
    client: Client,
    iam: Emulator,
    folder: tempfile::TempDir,
    /// This field comes before the control plane, so that the operator ends first.
    _operator: Operator,
    _control_plane: ControlPlane,
}

impl Cluster {
    async fn start(namespaces: [&str; 2]) -> Self {
        let control_plane = ControlPlane::start().await.expect("it starts");
        control_plane.install().await;
        let client = control_plane.admin().await;
        let all: Api<Namespace> = Api::all(client.clone());
        for namespace in namespaces {
            let object = serde_json::from_value(json!({ "metadata": {
                "name": namespace,
                "annotations": { "keyspaces.dev/iam-users": USER },
            }}))
            .expect("a namespace");
            all.create(&PostParams::default(), &object).await.expect("it can be made");
        }
        let folder = tempfile::tempdir().expect("a folder");
        let kubeconfig = folder.path().join("kubeconfig");
        control_plane.service_account_kubeconfig(OPERATOR, OPERATOR, &kubeconfig).await;
        let iam = Emulator::start(Options::with_users([USER])).expect("it starts");
        let operator = Operator::start(Start {
            binary: Path::new(BINARY),
            kubeconfig: &kubeconfig,
            iam_url: &iam.iam_url(),
            log: folder.path().join("operator.log"),
            flags: ["--consistency-window", "3s", "--hold", "6s", "--recheck", "1s", "--lease-namespace", OPERATOR]
                .map(str::to_owned)
                .to_vec(),
            environment: Vec::new(),
        });
        Self { client, iam, folder, _operator: operator, _control_plane: control_plane }
    }

    fn resources(&self, namespace: &str) -> Api<KeyspacesCredential> {
        Api::namespaced(self.client.clone(), namespace)
    }

    async fn create(&self, namespace: &str, name: &str) -> KeyspacesCredential {
        let object = json!({
            "apiVersion": "keyspaces.dev/v1alpha1",
            "kind": "KeyspacesCredential",
            "metadata": { "name": name },
            "spec": { "iamUserName": USER },
        });
        let object = serde_json::from_value(object).expect("a resource");
        self.resources(namespace).create(&PostParams::default(), &object).await.expect("it can be made")
    }

    /// Waits until the resource has this condition with this reason, and returns its message.
    async fn until(&self, namespace: &str, name: &str, type_: &str, reason: &str) -> String {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        let wait = async {
            loop {
                ticks.tick().await;
                let resource = self.resources(namespace).get(name).await.expect("it is there");
                if has_condition(&resource, type_, "True", reason) {
                    return condition(&resource, type_).map(|condition| condition.message.clone()).unwrap_or_default();
                }
            }
        };
        let log = || std::fs::read_to_string(self.folder.path().join("operator.log")).unwrap_or_default();
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{name} is not {reason}\n{}", log()))
    }

    /// The Secret of a resource holds what IAM has, and IAM has nothing else.
    async fn assert_whole(&self, namespace: &str, name: &str) {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let data = secrets.get(name).await.expect("it is there").data.unwrap_or_default();
        let text = |key: &str| String::from_utf8(data[key].0.clone()).expect("it is text");
        let id = self.iam.verify(&text("username"), &text("password")).expect("it is the password");
        let ids: Vec<String> = self.iam.credentials_of(USER).into_iter().map(|credential| credential.id).collect();
        assert_eq!(ids, [id]);
    }

    fn count(&self, operation: Operation) -> usize {
        self.iam.calls().into_iter().filter(|call| call.operation == operation).count()
    }
}

#[tokio::test]
async fn across_namespaces_the_oldest_has_the_user_and_is_not_named_to_others() {
    let cluster = Cluster::start(["shop", "bank"]).await;
    let first = cluster.create("shop", "secretive").await;
    cluster.until("shop", "secretive", "Ready", "Published").await;
    a_second_after(&first).await;
    let second = cluster.create("bank", "curious").await;
    let far = cluster.until("bank", "curious", "Stalled", "IamUserInUse").await;
    assert!(far.contains("an older KeyspacesCredential of another namespace"), "{far}");
    assert!(!far.contains("secretive") && !far.contains("shop"), "{far}");
    a_second_after(&second).await;
    cluster.create("shop", "colleague").await;
    let near = cluster.until("shop", "colleague", "Stalled", "IamUserInUse").await;
    assert!(near.contains("KeyspacesCredential secretive of this namespace"), "{near}");
    assert_eq!((cluster.count(Operation::Create), cluster.count(Operation::List)), (1, 1), "the others asked nothing");
    cluster.assert_whole("shop", "secretive").await;

    // The resource that has the user is deleted, and the next oldest takes over. The message of the youngest then reports that
    // a resource of another namespace has the user.
    cluster.resources("shop").delete(&first.name_any(), &DeleteParams::default()).await.expect("it can be deleted");
    cluster.until("bank", "curious", "Ready", "Published").await;
    cluster.assert_whole("bank", "curious").await;
    let retold = tokio::time::timeout(PATIENCE, async {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        loop {
            ticks.tick().await;
            let near = cluster.until("shop", "colleague", "Stalled", "IamUserInUse").await;
            if near.contains("of another namespace") {
                return near;
            }
        }
    });
    let near = retold.await.expect("the youngest is told");
    assert!(!near.contains("curious") && !near.contains("bank"), "{near}");
    assert_eq!((cluster.count(Operation::Create), cluster.count(Operation::Delete)), (2, 1));
}

#[tokio::test]
async fn the_older_of_two_resources_has_the_user_and_the_other_takes_over() {
    let world = world("rivals").await;
    let first = world.ready_with_defaults("first").await;
    a_second_after(&first).await;
    world.apply_with_defaults("second").await;
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
