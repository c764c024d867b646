//! A real Kubernetes control plane on 127.0.0.1: etcd, kube-apiserver and kube-controller-manager.
//!
//! `tests/control-plane/start.sh` runs it. This module holds the other end of the script's stdin. However the test process
//! ends, the kernel closes that pipe, and the script ends the control plane.

use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;

use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::io::AsyncWriteExt;
use tokio::sync::OnceCell;

/// The namespace and the service account of `deploy/`: both bear the project's name.
pub const OPERATOR: &str = "keyspaces-credential-operator";

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the kit lives two folders below the root of the repository")
}

/// The definitions of the project's resources.
fn definitions() -> PathBuf {
    repository().join("crds")
}

/// A running control plane. Dropping it ends it and waits until nothing is left.
#[derive(Debug)]
pub struct ControlPlane {
    script: Child,
    directory: PathBuf,
    installed: OnceCell<()>,
}

impl ControlPlane {
    /// Starts one of its own for the caller, which takes about ten seconds; it knows the resources of `crds/`. The first
    /// time ever, it is built before that, which takes about ten minutes and is announced on stderr.
    ///
    /// # Errors
    /// When the script cannot run or a component does not start; why is on stderr by then.
    pub async fn start() -> io::Result<Self> {
        Self::start_script(Some(definitions()), Stdio::piped()).await
    }

    /// Starts one without anything of the project, not even its resources.
    ///
    /// # Errors
    /// As [`ControlPlane::start`].
    pub async fn start_empty() -> io::Result<Self> {
        Self::start_script(None, Stdio::piped()).await
    }

    /// The one that all tests of this process share; it knows the resources of `crds/`. It holds no client and no task,
    /// because each test has a runtime of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<ControlPlane> = OnceLock::new();
        SHARED.get_or_init(|| {
            Self::start_blocking(Some(definitions()), Stdio::piped()).expect("the control plane starts")
        })
    }

    async fn start_script(definitions: Option<PathBuf>, stdin: Stdio) -> io::Result<Self> {
        tokio::task::spawn_blocking(|| Self::start_blocking(definitions, stdin)).await.expect("starting does not panic")
    }

    fn start_blocking(definitions: Option<PathBuf>, stdin: Stdio) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("control-plane-").tempdir()?.keep();
        let mut script = Command::new(repository().join("tests/control-plane/start.sh"))
            .arg(&directory)
            .args(definitions)
            .stdin(stdin)
            .stdout(Stdio::piped())
            // An interrupt that is typed at the terminal must reach only the test or the demo, which may still have something
            // to clean up.
            .process_group(0)
            .spawn()?;
        let stdout = script.stdout.take().expect("stdout is a pipe");
        let this = Self { script, directory, installed: OnceCell::new() };

        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        if line.trim() == "ready" {
            Ok(this)
        } else {
            Err(io::Error::other("the control plane did not start; its last words are on stderr"))
        }
    }

    /// Where it keeps its files: `kubeconfig`, `server`, `ca.crt`, `kubectl` and a log of each component.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the operator asked the API server to write in a namespace, from the server's audit log: `create secrets`, `update
    /// keyspacescredentials/status`. Dry runs count, events do not.
    pub fn writes_in(&self, namespace: &str) -> Vec<String> {
        let record = std::fs::read_to_string(self.directory.join("audit.jsonl")).unwrap_or_default();
        record
            .lines()
            // The last line may be half written.
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|entry| entry["objectRef"]["namespace"] == namespace && entry["objectRef"]["resource"] != "events")
            .map(|entry| {
                let text = |pointer: &str| entry.pointer(pointer).and_then(|text| text.as_str()).unwrap_or_default();
                let subresource = match text("/objectRef/subresource") {
                    "" => String::new(),
                    subresource => format!("/{subresource}"),
                };
                let dry_run = if text("/requestURI").contains("dryRun=All") { " (dry run)" } else { "" };
                format!("{} {}{subresource}{dry_run}", text("/verb"), text("/objectRef/resource"))
            })
            .collect()
    }

    /// The kubeconfig of an administrator.
    pub fn kubeconfig(&self) -> PathBuf {
        self.directory.join("kubeconfig")
    }

    /// A new client with an administrator's rights, for the runtime of the caller.
    pub async fn admin(&self) -> kube::Client {
        client(&self.kubeconfig()).await
    }

    /// Runs kubectl as an administrator, in the root of the repository.
    pub async fn kubectl(&self, arguments: &[&str]) -> Output {
        self.kubectl_with_input(arguments, "").await
    }

    /// Runs `kubectl apply` on a manifest.
    pub async fn apply(&self, manifest: &str) -> Output {
        self.kubectl_with_input(&["apply", "-f", "-"], manifest).await
    }

    /// Runs kubectl with something to read on its stdin.
    pub async fn kubectl_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = tokio::process::Command::from(self.kubectl_command(arguments))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("kubectl is there");
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        // A kubectl that refuses its arguments does not read its stdin. The caller sees that in the output.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = child.wait_with_output().await.expect("kubectl ends");
        Output::of(arguments, &output)
    }

    /// Runs kubectl where nothing can be awaited, and blocks the thread meanwhile.
    pub(crate) fn kubectl_blocking(&self, arguments: &[&str]) -> Output {
        let output = self.kubectl_command(arguments).stdin(Stdio::null()).output().expect("kubectl runs");
        Output::of(arguments, &output)
    }

    fn kubectl_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.directory.join("kubectl"));
        command
            .args(arguments)
            .current_dir(repository())
            // Proxies and trust stores of the developer's shell are not part of the test.
            .env_clear()
            .env("KUBECONFIG", self.kubeconfig())
            .env("HOME", &self.directory);
        command
    }

    /// Installs what a user installs: the definition of the resource and the operator's manifests. Nothing runs the pod of
    /// the deployment, there is no node. Only the first call does anything.
    pub async fn install(&self) {
        let install = async || {
            self.kubectl(&["apply", "--server-side", "-f", "crds/"]).await.success();
            self.kubectl(&["wait", "--for=condition=Established", "--timeout=60s", "-f", "crds/"]).await.success();
            self.kubectl(&["apply", "-k", "deploy/"]).await.success();
        };
        self.installed.get_or_init(install).await;
    }

    /// Writes a kubeconfig with a token of a service account, valid for some hours: what runs with it has exactly the
    /// rights that are bound to the account.
    pub async fn service_account_kubeconfig(&self, namespace: &str, name: &str, path: &Path) {
        let arguments = ["create", "token", name, "--namespace", namespace, "--duration=8h"];
        let token = self.kubectl(&arguments).await.success();
        let server = std::fs::read_to_string(self.directory.join("server")).expect("the script wrote it");
        let kubeconfig = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": "test", "cluster": {
                "server": server.trim(),
                "certificate-authority": self.directory.join("ca.crt"),
            }}],
            "users": [{ "name": name, "user": { "token": token.trim() } }],
            "contexts": [{ "name": "test", "context": { "cluster": "test", "user": name } }],
            "current-context": "test",
        });
        // JSON is YAML.
        std::fs::write(path, format!("{kubeconfig:#}\n")).expect("the kubeconfig can be written");
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        // Closes the script's stdin first.
        let _ = self.script.wait();
    }
}

/// A new client for what a kubeconfig says and nothing else: no proxy from the environment.
pub async fn client(kubeconfig: &Path) -> kube::Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("the kubeconfig can be read");
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .expect("the kubeconfig is complete");
    config.proxy_url = None;
    kube::Client::try_from(config).expect("the kubeconfig makes a client")
}

/// What a command wrote and how it ended.
#[derive(Clone, Debug)]
pub struct Output {
    /// The command line, for messages.
    pub command: String,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
    /// How it ended.
    pub status: ExitStatus,
}

impl Output {
    fn of(arguments: &[&str], output: &std::process::Output) -> Self {
        Self {
            command: format!("kubectl {}", arguments.join(" ")),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            status: output.status,
        }
    }

    /// What a command wrote to stdout that has to succeed. If it failed, this panics with all that it wrote.
    pub fn success(self) -> String {
        assert!(self.status.success(), "{} ended with {}\n{}{}", self.command, self.status, self.stdout, self.stderr);
        self.stdout
    }

    /// What a command wrote to stderr that has to fail.
    pub fn failure(self) -> String {
        assert!(!self.status.success(), "{} succeeded\n{}{}", self.command, self.stdout, self.stderr);
        self.stderr
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, Instant};

    use super::*;

    /// Processes that have something of this folder on their command line: all components do.
    fn processes_of(directory: &Path) -> Vec<String> {
        let directory = directory.to_str().expect("a plain path");
        fs::read_dir("/proc")
            .expect("/proc is there")
            .filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok())
            .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
            .filter(|line| line.contains(directory))
            .collect()
    }

    async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let start = Instant::now();
        while !holds().await {
            assert!(start.elapsed() < Duration::from_mins(1), "not within a minute: {what}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    #[tokio::test]
    async fn it_answers_collects_garbage_and_leaves_nothing_behind() {
        let control_plane = ControlPlane::start_empty().await.expect("it starts");
        let version = control_plane.admin().await.apiserver_version().await.expect("it answers");
        assert_eq!(version.major, "1");

        control_plane.kubectl(&["create", "configmap", "owner"]).await.success();
        let uid =
            control_plane.kubectl(&["get", "configmap", "owner", "-o", "jsonpath={.metadata.uid}"]).await.success();
        let owned = format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: owned, ownerReferences: [\
             {{apiVersion: v1, kind: ConfigMap, name: owner, uid: {uid}}}]}}}}"
        );
        control_plane.apply(&owned).await.success();
        control_plane.kubectl(&["delete", "configmap", "owner"]).await.success();
        eventually("the owned ConfigMap goes with its owner", async || {
            let found = control_plane.kubectl(&["get", "configmap", "owned", "--ignore-not-found", "-o", "name"]).await;
            found.success().is_empty()
        })
        .await;

        let directory = control_plane.directory().to_owned();
        assert!(processes_of(&directory).len() >= 4, "the script and three components run");
        drop(control_plane);
        assert!(!directory.exists());
        assert_eq!(processes_of(&directory), [""; 0]);
    }

    #[tokio::test]
    async fn it_ends_with_a_parent_that_is_killed() {
        // The script knows of its parent only that it holds the other end of its stdin.
        let mut parent = Command::new("sleep").arg("600").stdout(Stdio::piped()).spawn().expect("sleep runs");
        let pipe = parent.stdout.take().expect("stdout is a pipe");
        let control_plane = ControlPlane::start_script(None, pipe.into()).await.expect("it starts");
        let directory = control_plane.directory().to_owned();
        assert!(processes_of(&directory).len() >= 4, "the script and three components run");

        parent.kill().expect("it can be killed");
        parent.wait().expect("it was killed");
        eventually("everything ends", async || processes_of(&directory).is_empty() && !directory.exists()).await;
    }

    #[tokio::test]
    async fn a_service_account_has_its_own_rights_and_no_others() {
        let control_plane = ControlPlane::shared();
        control_plane.install().await;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kubeconfig");
        control_plane.service_account_kubeconfig(OPERATOR, OPERATOR, &path).await;
        let path = path.to_str().expect("a plain path");

        let cases = [
            ("yes", "update secrets"),
            ("yes", "patch keyspacescredentials.keyspaces.dev"),
            ("yes", "update keyspacescredentials.keyspaces.dev --subresource=status"),
            ("yes", "delete secrets"),
            ("no", "deletecollection secrets"),
            ("no", "update namespaces"),
            ("no", "delete keyspacescredentials.keyspaces.dev"),
            ("no", "get configmaps"),
        ];
        for (expected, request) in cases {
            let mut arguments = vec!["--kubeconfig", path, "auth", "can-i", "--all-namespaces"];
            arguments.extend(request.split(' '));
            let answer = control_plane.kubectl(&arguments).await;
            assert_eq!(answer.stdout.trim(), expected, "{answer:?}");
        }

        let own = format!("leases.coordination.k8s.io/{OPERATOR}");
        let cases = [
            ("yes", OPERATOR, "create", "leases.coordination.k8s.io"),
            ("yes", OPERATOR, "get", own.as_str()),
            ("yes", OPERATOR, "update", own.as_str()),
            ("no", OPERATOR, "update", "leases.coordination.k8s.io/another"),
            ("no", "default", "update", own.as_str()),
            ("no", "default", "create", "leases.coordination.k8s.io"),
        ];
        for (expected, namespace, verb, what) in cases {
            let arguments = ["--kubeconfig", path, "auth", "can-i", "--namespace", namespace, verb, what];
            let answer = control_plane.kubectl(&arguments).await;
            assert_eq!(answer.stdout.trim(), expected, "{answer:?}");
        }
    }
}
