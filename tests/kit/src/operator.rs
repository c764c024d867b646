//! The operator under test: the shipped binary, as a process, with the rights that its manifests give it.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::leash::Leash;

/// How an operator is started.
pub struct Start<'a> {
    /// The program.
    pub binary: &'a Path,
    /// The kubeconfig of its service account.
    pub kubeconfig: &'a Path,
    /// Where IAM answers.
    pub iam_url: &'a str,
    /// Where it writes its log.
    pub log: PathBuf,
    /// Flags.
    pub flags: Vec<String>,
    /// Environment variables, in addition to the usual ones. An empty value removes a variable.
    pub environment: Vec<(String, String)>,
}

/// A running operator. Dropping it kills it. It is also killed when the test process ends, however that happens.
pub struct Operator {
    // This field comes before the process. A leash that ended after it could kill another process that has its pid by then.
    leash: Option<Leash>,
    child: Child,
    log: PathBuf,
    probe_address: String,
}

impl Operator {
    /// Starts it. Nothing of the environment of the test reaches it.
    pub fn start(start: Start<'_>) -> Self {
        Self::start_by(&[], start)
    }

    /// Starts it by another program, for instance `chroot` and a folder.
    pub fn start_by(launcher: &[String], start: Start<'_>) -> Self {
        let probe_address = free_address();
        let log = File::options().create(true).append(true).open(&start.log).expect("the log can be written");
        let mut command = match launcher.split_first() {
            None => Command::new(start.binary),
            Some((launcher, arguments)) => {
                let mut command = Command::new(launcher);
                command.args(arguments).arg(start.binary);
                command
            }
        };
        command
            .args(["--probe-address", &probe_address])
            .args(&start.flags)
            .env_clear()
            .env("KUBECONFIG", start.kubeconfig)
            .env("AWS_ENDPOINT_URL_IAM", start.iam_url)
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("RUST_LOG", "trace");
        for (name, value) in &start.environment {
            if value.is_empty() {
                command.env_remove(name);
            } else {
                command.env(name, value);
            }
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("the operator starts");
        let leash = Leash::new(child.id().expect("it has just started"), Stdio::piped()).expect("sh is there");
        Self { leash: Some(leash), child, log: start.log, probe_address }
    }

    /// What it has logged so far, and before it the earlier operators that wrote to the same file.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Where its probes answer.
    pub fn probe_address(&self) -> &str {
        &self.probe_address
    }

    /// What its probe of readiness says, if it answers and whether or not it is ready: `leading`, `standby`.
    pub async fn readiness(&self) -> Option<String> {
        let ask = async {
            let mut stream = TcpStream::connect(&self.probe_address).await?;
            stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n").await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            std::io::Result::Ok(answer)
        };
        let answer = ask.await.ok()?;
        answer.split_once("\r\n\r\n").map(|(_, body)| body.trim().to_owned())
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Its resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux tells");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    }

    /// Ends it as Kubernetes does, and waits until it is gone. Gives its exit code.
    pub async fn terminate(&mut self) -> Option<i32> {
        signal("TERM", self.id()).await;
        self.ended().await
    }

    /// Ends it with SIGKILL.
    pub async fn kill(&mut self) {
        self.leash = None;
        self.child.kill().await.expect("it can be killed");
    }

    /// Waits until it ends by itself. Gives its exit code.
    pub async fn ended(&mut self) -> Option<i32> {
        let code = self.child.wait().await.expect("it can be waited for").code();
        self.leash = None;
        code
    }

    /// Stops it at once (SIGSTOP), and waits until it has stopped.
    pub async fn pause(&self) {
        signal("STOP", self.id()).await;
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while self.state() != Some('T') {
            ticks.tick().await;
        }
    }

    /// Continues it (SIGCONT).
    pub async fn resume(&self) {
        signal("CONT", self.id()).await;
    }

    /// The state of the process in the kernel: `T` if it is stopped.
    fn state(&self) -> Option<char> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).expect("it runs");
        // The name before it may contain any character, so search for the last bracket.
        stat.rsplit_once(')')?.1.trim_start().chars().next()
    }
}

/// Sends a signal to a process that the test started.
pub async fn signal(name: &str, id: u32) {
    let status = Command::new("kill").arg("-s").arg(name).arg(id.to_string()).status().await.expect("kill runs");
    assert!(status.success(), "the process is there");
}

/// An address that nobody else takes in the moment between this and the operator's start. So it is none of the ports that the
/// kernel gives to connections, and none that this process has given out lately.
fn free_address() -> String {
    const PORTS: std::ops::Range<u32> = 20_000..30_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let count = PORTS.end - PORTS.start;
    // Another process of tests begins elsewhere.
    let first = std::process::id().wrapping_mul(97);
    (0..count)
        .map(|_| first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % count + PORTS.start)
        .map(|port| format!("127.0.0.1:{port}"))
        .find(|address| TcpListener::bind(address).is_ok())
        .expect("there is a free port")
}
