//! Starts and ends what the demo needs: the control plane, IAM, the operator.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use keyspaces_credential_operator::api::{KeyspacesCredential, KeyspacesCredentialStatus};
use keyspaces_emulator::{CredentialInfo, Emulator, Operation, Options};
use kit::control_plane::{ControlPlane, OPERATOR, repository};
use kit::login::login;
use kit::operator::{Operator, Start};
use kube::Api;
use kube::api::ListParams;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::screen::Screen;

/// The IAM user of the example.
pub(crate) const USER: &str = "orders-app";
/// Another user, for the user of the demo to try things with.
pub(crate) const OTHER_USER: &str = "billing-app";
pub(crate) const NAMESPACE: &str = "shop";
pub(crate) const SECRET: &str = "orders-keyspaces";

/// How long a step may take that has to happen.
const PATIENCE: Duration = Duration::from_mins(1);
const LOG_LINES_SHOWN: usize = 12;

/// How long the operator waits for IAM, which is fast here, and for a human. The defaults are for the real ones.
const FLAGS: [&str; 4] = ["--consistency-window", "1s", "--recheck", "2s"];

/// A user name and a password, as a Secret holds them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) user_name: String,
    password: String,
}

/// A control plane, an IAM and the path of the operator's program.
pub(crate) struct Stage {
    pub(crate) iam: Emulator,
    client: kube::Client,
    pub(crate) control_plane: ControlPlane,
    program: PathBuf,
    folder: TempDir,
}

impl Stage {
    /// Starts all but the operator.
    pub(crate) async fn set(screen: &Screen, program: &Path) -> Result<Self, String> {
        let program = program
            .canonicalize()
            .map_err(|error| format!("{} is not there ({error}); build it with `make build`", program.display()))?;
        let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;

        screen.heading("A cluster and an IAM");
        // It starts without the project's resources, because the demo shows how to install them.
        let starting = ControlPlane::start_empty();
        let control_plane = screen
            .progress("starting etcd, kube-apiserver and kube-controller-manager, about ten seconds", starting)
            .await
            .map_err(|error| error.to_string())?;
        let client = control_plane.admin().await;
        let version =
            client.apiserver_version().await.map_err(|error| format!("Kubernetes does not answer: {error}"))?;
        screen.check(&format!("Kubernetes {} answers", version.git_version));

        let iam = Emulator::start(Options::with_users([USER, OTHER_USER]))
            .map_err(|error| format!("the emulator does not start: {error}"))?;
        let stage = Self { iam, client, control_plane, program, folder };
        stage.probe(stage.iam.control_url().trim_start_matches("http://"), "/healthz").await?;
        let taken = stage.credentials().len();
        ensure(taken == 0, || format!("IAM begins with {taken} credentials of {USER}"))?;
        screen.check(&format!("IAM and Keyspaces, emulated, answer; IAM user {USER} has no credential"));
        Ok(stage)
    }

    /// Runs a command line as a human would who has set KUBECONFIG, and shows it with its output. The namespace is part of the
    /// line, so that it works for whoever copies it.
    pub(crate) async fn run(&self, screen: &Screen, line: &str) -> Result<String, String> {
        screen.command(line);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut path: Vec<_> = std::env::split_paths(&path).collect();
        path.insert(0, self.control_plane.directory().to_owned());
        let path = std::env::join_paths(path).map_err(|error| error.to_string())?;
        let output = Command::new("bash")
            .args(["-o", "pipefail", "-c", line])
            .current_dir(repository())
            // Proxies and trust stores of the person's shell have nothing to do with a cluster on 127.0.0.1.
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.control_plane.directory())
            .env("KUBECONFIG", self.control_plane.kubeconfig())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| format!("bash cannot be run: {error}"))?;
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Screen::output(&text);
        ensure(output.status.success(), || format!("`{line}` ended with {}", output.status))?;
        ensure(self.iam.leaks(text.as_bytes()).is_empty(), || format!("`{line}` showed a password"))?;
        Ok(text)
    }

    /// Starts the operator with the environment of its deployment, but as a process of this machine.
    pub(crate) async fn start_operator(&self, screen: &Screen) -> Result<Operator, String> {
        let kubeconfig = self.folder.path().join("kubeconfig");
        self.control_plane.service_account_kubeconfig(OPERATOR, OPERATOR, &kubeconfig).await;
        let iam_url = self.iam.iam_url();
        screen.command(&format!("AWS_ENDPOINT_URL_IAM={iam_url} {OPERATOR} {}", FLAGS.join(" ")));
        let mut operator = Operator::start(Start {
            binary: &self.program,
            kubeconfig: &kubeconfig,
            iam_url: &iam_url,
            log: self.log_file(),
            flags: FLAGS.map(str::to_owned).to_vec(),
            environment: [("RUST_LOG", "info"), ("POD_NAMESPACE", OPERATOR)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
        });
        let address = operator.probe_address().to_owned();
        // A standby is ready as well.
        let leads = async || self.probe(&address, "/readyz").await.is_ok_and(|answer| answer.ends_with("leading\n"));
        let ready = self.until("the operator is ready", leads);
        tokio::select! {
            ready = ready => ready?,
            code = operator.ended() => return Err(format!("the operator does not start, exit code {code:?}")),
        }
        screen.check("/readyz: it leads, has listed its resources and watches them");
        Ok(operator)
    }

    pub(crate) fn log_file(&self) -> PathBuf {
        self.folder.path().join("operator.log")
    }

    /// Shows the end of the operator's log, for whoever has to find out what went wrong.
    pub(crate) fn show_log(&self, screen: &Screen) {
        let log = std::fs::read_to_string(self.log_file()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        if lines.is_empty() {
            return;
        }
        screen.heading("The last lines of the operator's log");
        Screen::output(&lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n"));
    }

    /// Ends everything that the demo has started, and checks that it is gone.
    pub(crate) async fn strike(self, screen: &Screen) -> Result<(), String> {
        screen.heading("The end");
        let directory = self.control_plane.directory().to_owned();
        // Dropping a control plane waits until nothing is left of it.
        let ending = tokio::task::spawn_blocking(move || drop(self));
        let ended = screen.progress("ending IAM and the control plane", ending).await;
        ended.map_err(|error| format!("the end went wrong: {error}"))?;
        let left = processes_of(&directory);
        ensure(left.is_empty() && !directory.exists(), || format!("still there: {} {left:?}", directory.display()))
    }

    /// What IAM has for the user of the example.
    pub(crate) fn credentials(&self) -> Vec<CredentialInfo> {
        self.iam.credentials_of(USER)
    }

    /// How often an operation of IAM was called.
    pub(crate) fn calls(&self, operation: Operation) -> usize {
        self.iam.calls().iter().filter(|call| call.operation == operation).count()
    }

    /// The status of the resource.
    pub(crate) async fn status(&self) -> Result<KeyspacesCredentialStatus, String> {
        let resources: Api<KeyspacesCredential> = Api::namespaced(self.client.clone(), NAMESPACE);
        let resource =
            resources.get("orders").await.map_err(|error| format!("the resource cannot be read: {error}"))?;
        Ok(resource.status.unwrap_or_default())
    }

    /// Waits until the Secret holds another pair than this one, and gives it.
    pub(crate) async fn pair_after(&self, old: &Pair) -> Result<Pair, String> {
        let other = async || self.pair().await.is_ok_and(|pair| pair != *old);
        self.until("the Secret holds a new user name and password", other).await?;
        self.pair().await
    }

    /// What the Secret holds.
    pub(crate) async fn pair(&self) -> Result<Pair, String> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), NAMESPACE);
        let secret = secrets.get(SECRET).await.map_err(|error| format!("the Secret cannot be read: {error}"))?;
        let data = secret.data.unwrap_or_default();
        let text = |key: &str| {
            let bytes = data.get(key).ok_or_else(|| format!("the Secret has no key {key}"))?;
            String::from_utf8(bytes.0.clone()).map_err(|_| format!("key {key} of the Secret is not text"))
        };
        Ok(Pair { user_name: text("username")?, password: text("password")? })
    }

    /// Logs in to Keyspaces with a real driver.
    pub(crate) async fn login(&self, pair: &Pair) -> Result<(), String> {
        login(self.iam.cql_address(), self.iam.ca_pem(), &pair.user_name, &pair.password).await
    }

    /// A definition that was just applied takes a moment to be served.
    pub(crate) async fn knows_the_resource(&self) -> bool {
        let resources: Api<KeyspacesCredential> = Api::all(self.client.clone());
        resources.list(&ListParams::default().limit(1)).await.is_ok()
    }

    /// Waits until `holds`, which is asked again and again.
    pub(crate) async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) -> Result<(), String> {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        let wait = async {
            loop {
                ticks.tick().await;
                if holds().await {
                    return;
                }
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, wait).await.is_ok();
        ensure(in_time, || format!("not within {} seconds: {what}", PATIENCE.as_secs()))
    }

    /// Sends a GET to an address that answers 200 when all is well. Returns the answer.
    async fn probe(&self, address: &str, path: &str) -> Result<String, String> {
        let answer = async {
            let mut stream = TcpStream::connect(address).await?;
            let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            std::io::Result::Ok(answer)
        };
        let answer = answer.await.map_err(|error| format!("http://{address}{path}: {error}"))?;
        let first = answer.lines().next().unwrap_or_default();
        ensure(first.contains(" 200 "), || format!("http://{address}{path} says {first}"))?;
        Ok(answer)
    }
}

/// An error unless it holds.
pub(crate) fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// The processes that have a file of this folder on their command line, as every part of a control plane has.
fn processes_of(directory: &Path) -> Vec<String> {
    let directory = directory.to_string_lossy().into_owned();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&directory))
        .collect()
}
