//! The operator starts. If it cannot work, it ends with one clear line and a non-zero code. If it only has to wait, it logs
//! what it waits for.

use std::path::Path;
use std::process::Command;

use kit::control_plane::ControlPlane;
use kit::operator::{Operator, Start};
use kit::world::{PATIENCE, World};

use crate::BINARY;
use crate::support::world;

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = Command::new(BINARY).args(arguments).env_clear().envs(environment.iter().copied()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn a_bad_flag_ends_it_with_a_line_that_says_so() {
    let (code, text) = run(&["--consistency-windw", "2m"], &[]);
    assert_eq!(code, Some(2));
    assert!(
        text.contains("unexpected argument '--consistency-windw'") && text.contains("--consistency-window"),
        "{text}"
    );
    let (code, text) = run(&["--consistency-window", "soon"], &[]);
    assert_eq!(code, Some(2));
    assert!(text.contains("write hours, minutes and seconds like 1h, 90m or 1h30m"), "{text}");
}

#[test]
fn without_a_kubeconfig_it_ends_and_says_what_to_set() {
    let (code, text) = run(&["--probe-address", "127.0.0.1:0"], &[("HOME", "/nonexistent")]);
    assert_eq!(code, Some(1));
    assert!(text.contains("error: no way to the API server") && text.contains("KUBECONFIG"), "{text}");
    let (code, text) = run(&["--probe-address", "127.0.0.1:0"], &[("KUBECONFIG", "/nonexistent/kubeconfig")]);
    assert_eq!(code, Some(1));
    assert!(text.contains("/nonexistent/kubeconfig"), "{text}");
}

#[tokio::test]
async fn an_address_that_is_taken_ends_it() {
    let mut world = world("taken").await;
    let taken = world.operator().probe_address().to_owned();
    let kubeconfig = world.control_plane.kubeconfig();
    assert!(world.eventually(async || answers(&taken, "/healthz").await).await);
    let (code, text) = run(&["--probe-address", &taken], &[("KUBECONFIG", kubeconfig.to_str().unwrap())]);
    assert_eq!(code, Some(1));
    assert!(text.contains(&format!("cannot listen on {taken}")), "{text}");
}

#[tokio::test]
async fn without_the_crd_it_waits_and_says_how_to_install_it() {
    let control_plane = ControlPlane::start_empty().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut operator = Operator::start(Start {
        binary: Path::new(BINARY),
        kubeconfig: &control_plane.kubeconfig(),
        iam_url: "http://127.0.0.1:9",
        log: log.clone(),
        flags: Vec::new(),
        environment: Vec::new(),
    });
    let read = || std::fs::read_to_string(&log).unwrap_or_default();
    assert!(
        until(|| read().contains("the CRD is not installed, waiting for it: kubectl apply --server-side -f crds/"))
            .await,
        "{}",
        read()
    );
    let address = operator.probe_address().to_owned();
    assert!(answers(&address, "/healthz").await, "it lives");
    assert!(!answers(&address, "/readyz").await, "but it does not reconcile");
    control_plane.install().await;
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(100));
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !answers(&address, "/readyz").await {
        assert!(tokio::time::Instant::now() < deadline, "{}", read());
        ticks.tick().await;
    }
    assert_eq!(operator.terminate().await, Some(0), "{}", read());
}

#[tokio::test]
async fn the_json_log_is_json() {
    let mut world = World::new(BINARY, "json").await;
    world.start(&["--log-format", "json"]);
    world.ready_with_defaults("orders").await;
    for line in world.log().lines() {
        serde_json::from_str::<serde_json::Value>(line).expect(line);
    }
    world.assert_whole("orders").await;
}

async fn until(mut holds: impl FnMut() -> bool) -> bool {
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(50));
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < deadline {
        ticks.tick().await;
        if holds() {
            return true;
        }
    }
    false
}

/// Whether a probe answers 200.
async fn answers(address: &str, path: &str) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let ask = async {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer.starts_with("HTTP/1.1 200"))
    };
    ask.await.unwrap_or(false)
}
