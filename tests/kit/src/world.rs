//! One world per test: a namespace, an IAM of its own, and an operator that looks at that namespace.
//!
//! A test reads as what a user does: `world.apply(…)`, `world.ready("orders")`, `world.login("orders")`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::api::events::v1::Event;
use keyspaces_credential_operator::api::{KeyspacesCredential, ROTATE_ANNOTATION};
use keyspaces_credential_operator::protocol::GRANT_ANNOTATION;
use keyspaces_emulator::{Call, Emulator, Operation, Options};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource as _};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::control_plane::{ControlPlane, OPERATOR};
use crate::login::login;
use crate::operator::{Operator, Start};
use crate::password_search::Searched;
use crate::proxy::Proxy;

/// How long a test waits for something that has to happen. No test concludes anything from how long it took.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// The IAM user of a test that needs one.
pub const USER: &str = "orders-app";

/// Which namespaces the operator of a world looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// That of the world.
    Namespace,
    /// All. Only on a control plane that no other test uses.
    Cluster,
}

/// How an operator reaches the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As in a cluster.
    Direct,
    /// Through the proxy of its world.
    Proxied,
}

/// A namespace, an IAM and an operator.
pub struct World {
    /// The API server that all tests share.
    pub control_plane: &'static ControlPlane,
    /// A client with an administrator's rights.
    pub client: Client,
    /// The namespace of this test.
    pub namespace: String,
    /// The IAM of this test, and the login of Amazon Keyspaces.
    pub iam: Emulator,
    /// The operator, if it runs.
    pub operator: Option<Operator>,
    /// The proxy between [`World::operator`] and the API server, if there is one.
    pub proxy: Option<Proxy>,
    /// What starts the operator's program, for instance `chroot` and a folder; empty if nothing does.
    pub launcher: Vec<String>,
    scope: Scope,
    binary: PathBuf,
    folder: TempDir,
    pub(crate) searched: Searched,
}

impl World {
    /// A world whose operator does not run yet. `binary` is the operator's program.
    pub async fn new(binary: &str, name: &str) -> Self {
        Self::with_iam(binary, name, Options::with_users([USER])).await
    }

    /// A world with an IAM of a special kind. Its namespace may ask for every IAM user.
    pub async fn with_iam(binary: &str, name: &str, iam: Options) -> Self {
        Self::on(ControlPlane::shared(), Scope::Namespace, binary, name, iam, Some("*")).await
    }

    /// A world whose operator does not run yet, and whose namespace is granted no IAM user.
    pub async fn ungranted(binary: &str, name: &str, iam: Options) -> Self {
        Self::on(ControlPlane::shared(), Scope::Namespace, binary, name, iam, None).await
    }

    /// A world whose operator does not run yet and will look at all namespaces, of a control plane that no other test uses.
    /// Its namespace is granted no IAM user.
    pub async fn of_many_namespaces(binary: &str, name: &str, iam: Options) -> Self {
        let control_plane = ControlPlane::start().await.expect("the control plane starts");
        // It ends with the process, as the shared one does.
        Self::on(Box::leak(Box::new(control_plane)), Scope::Cluster, binary, name, iam, None).await
    }

    /// A world on a control plane of its own, for a test that changes what others rely on. It lasts as long as the process.
    pub async fn apart(binary: &str, name: &str, iam: Options) -> Self {
        let control_plane = ControlPlane::start_empty().await.expect("the control plane starts");
        Self::on(Box::leak(Box::new(control_plane)), Scope::Namespace, binary, name, iam, Some("*")).await
    }

    async fn on(
        control_plane: &'static ControlPlane,
        scope: Scope,
        binary: &str,
        name: &str,
        iam: Options,
        grant: Option<&str>,
    ) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        control_plane.install().await;
        let client = control_plane.admin().await;
        let namespace = format!("{name}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        add_namespace(&client, &namespace, grant).await;
        let folder = tempfile::tempdir().expect("a folder");
        let kubeconfig = folder.path().join("kubeconfig");
        control_plane.service_account_kubeconfig(OPERATOR, OPERATOR, &kubeconfig).await;
        let iam = Emulator::start(iam).expect("the emulator starts");
        let binary = Path::new(binary).to_owned();
        Self {
            control_plane,
            client,
            namespace,
            iam,
            operator: None,
            proxy: None,
            launcher: Vec::new(),
            scope,
            binary,
            folder,
            searched: Searched::default(),
        }
    }

    /// A world whose operator does not run yet, and will reach the API server through a proxy.
    pub async fn proxied(binary: &str, name: &str) -> Self {
        Self::proxied_with_iam(binary, name, Options::with_users([USER])).await
    }

    /// The same with an IAM of a special kind.
    pub async fn proxied_with_iam(binary: &str, name: &str, iam: Options) -> Self {
        let mut world = Self::with_iam(binary, name, iam).await;
        let proxy = Proxy::start(&world.control_plane.kubeconfig()).await.expect("the proxy starts");
        let (direct, through) = (world.folder.path().join("kubeconfig"), world.folder.path().join("kubeconfig-proxy"));
        proxy.write_kubeconfig(&direct, &through).expect("the kubeconfig can be written");
        world.proxy = Some(proxy);
        world
    }

    /// A world whose operator runs.
    pub async fn running(binary: &str, name: &str) -> Self {
        let mut world = Self::new(binary, name).await;
        world.start(&[]);
        world
    }

    /// Starts the operator with further flags.
    pub fn start(&mut self, flags: &[&str]) {
        self.start_with(flags, &[]);
    }

    /// Starts the operator with further flags and environment variables.
    pub fn start_with(&mut self, flags: &[&str], environment: &[(&str, &str)]) {
        let way = if self.proxy.is_some() { Way::Proxied } else { Way::Direct };
        self.operator = Some(self.launch(way, flags, environment));
    }

    /// Starts one more operator in the same namespace. It reaches the API server directly.
    pub fn replica(&self, flags: &[&str]) -> Operator {
        self.launch(Way::Direct, flags, &[])
    }

    /// Starts one more operator in the same namespace, which is the caller's.
    pub fn launch(&self, way: Way, flags: &[&str], environment: &[(&str, &str)]) -> Operator {
        let kubeconfig = match way {
            Way::Direct => "kubeconfig",
            Way::Proxied => "kubeconfig-proxy",
        };
        let mut all = match self.scope {
            Scope::Namespace => vec!["--namespace".to_owned(), self.namespace.clone()],
            Scope::Cluster => Vec::new(),
        };
        let usual = [
            // The consistency window can be short: the emulator shows every change at once unless a test sets a lag.
            ("--consistency-window", "3s"),
            ("--hold", "6s"),
            ("--recheck", "1s"),
            ("--iam-deadline", "10s"),
            // The fences have to hold without an election, so most tests run without one. The tests of the election switch it
            // on.
            ("--leader-election", "false"),
        ];
        for (flag, value) in usual {
            if !flags.contains(&flag) {
                all.extend([flag.to_owned(), value.to_owned()]);
            }
        }
        all.extend(flags.iter().map(|&flag| flag.to_owned()));
        let start = Start {
            binary: &self.binary,
            kubeconfig: &self.folder.path().join(kubeconfig),
            iam_url: &self.iam.iam_url(),
            log: self.log_file(),
            flags: all,
            environment: environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
        };
        Operator::start_by(&self.launcher, start)
    }

    /// The proxy.
    pub fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().expect("the world has one")
    }

    /// The operator.
    pub fn operator(&mut self) -> &mut Operator {
        self.operator.as_mut().expect("the operator was started")
    }

    /// What the operators of this world have logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.log_file()).unwrap_or_default()).into_owned()
    }

    /// Where they log it.
    pub(crate) fn log_file(&self) -> PathBuf {
        self.folder.path().join("operator.log")
    }

    /// How many bytes that is.
    pub fn log_size(&self) -> u64 {
        std::fs::metadata(self.log_file()).map_or(0, |file| file.len())
    }

    /// A folder that goes with the world.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The resources of the world.
    pub fn resources(&self) -> Api<KeyspacesCredential> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The Secrets of the world.
    pub fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Grants IAM users to the namespace of the world; `None` takes every grant away.
    pub async fn grant(&self, users: Option<&str>) {
        grant(&self.client, &self.namespace, users).await;
    }

    /// Runs kubectl in the namespace of the world.
    pub async fn kubectl(&self, arguments: &[&str]) -> crate::control_plane::Output {
        let mut all = vec!["--namespace", self.namespace.as_str()];
        all.extend(arguments);
        self.control_plane.kubectl(&all).await
    }

    /// Tries to apply a resource of this name, with this spec, as a user would.
    pub async fn try_apply(&self, name: &str, spec: Value) -> Result<KeyspacesCredential, kube::Error> {
        self.try_apply_object(json!({ "metadata": { "name": name }, "spec": spec })).await
    }

    /// Tries to apply a whole resource; kind and version are filled in.
    pub async fn try_apply_object(&self, mut object: Value) -> Result<KeyspacesCredential, kube::Error> {
        object["apiVersion"] = json!("keyspaces.dev/v1alpha1");
        object["kind"] = json!("KeyspacesCredential");
        let name = object["metadata"]["name"].as_str().expect("it has a name").to_owned();
        self.resources().patch(&name, &PatchParams::apply("test").force(), &Patch::Apply(&object)).await
    }

    /// Applies a resource of this name with this spec.
    pub async fn apply(&self, name: &str, spec: Value) -> KeyspacesCredential {
        self.try_apply(name, spec).await.expect("the API server accepts it")
    }

    /// Applies a resource for [`USER`] with the defaults.
    pub async fn apply_with_defaults(&self, name: &str) -> KeyspacesCredential {
        self.apply(name, json!({ "iamUserName": USER })).await
    }

    /// The same, and waits until it is ready.
    pub async fn ready_with_defaults(&self, name: &str) -> KeyspacesCredential {
        self.apply_with_defaults(name).await;
        self.ready(name).await
    }

    /// Asks for a rotation.
    pub async fn rotate(&self, name: &str, value: &str) {
        let patch = json!({ "metadata": { "annotations": { ROTATE_ANNOTATION: value } } });
        self.resources()
            .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .expect("the annotation can be set");
    }

    /// Asks for a deletion.
    pub async fn delete(&self, name: &str) {
        self.resources().delete(name, &DeleteParams::default()).await.expect("it can be deleted");
    }

    /// The resource as it is.
    pub async fn resource(&self, name: &str) -> KeyspacesCredential {
        self.resources().get(name).await.expect("it is there")
    }

    /// Waits until the resource is as `wanted` says.
    pub async fn until(
        &self,
        name: &str,
        what: &str,
        wanted: impl Fn(&KeyspacesCredential) -> bool,
    ) -> KeyspacesCredential {
        let mut last = None;
        let found = self
            .eventually(async || {
                let now = self.resources().get_opt(name).await.ok().flatten();
                let holds = now.as_ref().is_some_and(&wanted);
                last = now;
                holds
            })
            .await;
        let status = last.as_ref().map(|resource| serde_json::to_string_pretty(&resource.status).unwrap_or_default());
        assert!(found, "{name} is not {what}: {}\n{}", status.unwrap_or_default(), self.log());
        last.expect("it was found")
    }

    /// Waits until `holds`.
    pub async fn eventually(&self, mut holds: impl AsyncFnMut() -> bool) -> bool {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < deadline {
            ticks.tick().await;
            if holds().await {
                return true;
            }
        }
        false
    }

    /// Waits until the resource is ready and its status describes its present spec.
    pub async fn ready(&self, name: &str) -> KeyspacesCredential {
        self.until(name, "Ready", |resource| {
            has_condition(resource, "Ready", "True", "Published") && speaks_of_present(resource)
        })
        .await
    }

    /// Waits until the resource reports that a human has to act, for this reason. Returns the message.
    pub async fn stalled(&self, name: &str, reason: &str) -> String {
        let resource = self
            .until(name, &format!("Stalled/{reason}"), |resource| {
                has_condition(resource, "Stalled", "True", reason) && has_condition(resource, "Ready", "False", reason)
            })
            .await;
        condition(&resource, "Stalled").map(|condition| condition.message.clone()).expect("it is stalled")
    }

    /// Waits until the resource is gone.
    pub async fn gone(&self, name: &str) {
        let gone = self.eventually(async || matches!(self.resources().get_opt(name).await, Ok(None))).await;
        assert!(gone, "{name} is still there: {:?}\n{}", self.resource(name).await.status, self.log());
    }

    /// Waits until the Secret is gone.
    pub async fn secret_gone(&self, name: &str) {
        let gone = self.eventually(async || matches!(self.secrets().get_opt(name).await, Ok(None))).await;
        assert!(gone, "Secret {name} is still there");
    }

    /// User name and password of a Secret.
    pub async fn user_and_password(&self, secret: &str) -> (String, String) {
        let secret = self.secrets().get(secret).await.expect("the Secret is there");
        let data = secret.data.unwrap_or_default();
        let text = |key: &str| String::from_utf8(data[key].0.clone()).expect("it is text");
        (text("username"), text("password"))
    }

    /// Logs in with what a Secret holds.
    pub async fn login(&self, secret: &str) -> Result<(), String> {
        let (user_name, password) = self.user_and_password(secret).await;
        self.login_as(&user_name, &password).await
    }

    /// Logs in with a user name and a password.
    pub async fn login_as(&self, user_name: &str, password: &str) -> Result<(), String> {
        login(self.iam.cql_address(), self.iam.ca_pem(), user_name, password).await
    }

    /// The calls of one operation that IAM recorded.
    pub fn calls(&self, operation: Operation) -> Vec<Call> {
        self.iam.calls().into_iter().filter(|call| call.operation == operation).collect()
    }

    /// How often IAM was asked to create, list and delete.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |operation| self.calls(operation).len();
        (count(Operation::Create), count(Operation::List), count(Operation::Delete))
    }

    /// The ids of the credentials of [`USER`] in IAM, sorted.
    pub fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.iam.credentials_of(USER).into_iter().map(|credential| credential.id).collect();
        ids.sort();
        ids
    }

    /// The events about a resource, as `Reason: note`, in the order in which they happened.
    pub async fn events(&self, name: &str) -> Vec<String> {
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut events = events.list(&ListParams::default()).await.expect("events can be listed").items;
        events.retain(|event| event.regarding.as_ref().is_some_and(|about| about.name.as_deref() == Some(name)));
        events.sort_by_key(|event| event.event_time.clone());
        let text = |text: Option<String>| text.unwrap_or_default();
        events.into_iter().map(|event| format!("{}: {}", text(event.reason), text(event.note))).collect()
    }

    /// Waits until there is an event of this reason about a resource.
    pub async fn event(&self, name: &str, reason: &str) -> String {
        let mut found = None;
        let prefix = format!("{reason}: ");
        let there = self
            .eventually(async || {
                found = self.events(name).await.into_iter().find(|event| event.starts_with(&prefix));
                found.is_some()
            })
            .await;
        assert!(there, "no event {reason}: {:?}", self.events(name).await);
        found.unwrap_or_default()
    }
}

/// Makes a namespace that is granted these IAM users.
pub async fn add_namespace(client: &Client, name: &str, users: Option<&str>) {
    let annotations = users.map(|users| json!({ GRANT_ANNOTATION: users })).unwrap_or_default();
    let object = json!({ "metadata": { "name": name, "annotations": annotations } });
    let object = serde_json::from_value(object).expect("a namespace");
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.create(&PostParams::default(), &object).await.expect("the namespace can be made");
}

/// Grants IAM users to a namespace; `None` takes every grant away.
pub async fn grant(client: &Client, namespace: &str, users: Option<&str>) {
    let patch = json!({ "metadata": { "annotations": { GRANT_ANNOTATION: users } } });
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces
        .patch(namespace, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .expect("the namespace can be annotated");
}

/// A condition of a resource.
pub fn condition<'a>(
    resource: &'a KeyspacesCredential,
    type_: &str,
) -> Option<&'a k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition> {
    resource.status.as_ref()?.conditions.iter().find(|condition| condition.type_ == type_)
}

/// Whether a resource has a condition with this status and reason.
pub fn has_condition(resource: &KeyspacesCredential, type_: &str, status: &str, reason: &str) -> bool {
    condition(resource, type_).is_some_and(|condition| condition.status == status && condition.reason == reason)
}

pub(crate) fn speaks_of_present(resource: &KeyspacesCredential) -> bool {
    resource.status.as_ref().and_then(|status| status.observed_generation) == resource.meta().generation
}
