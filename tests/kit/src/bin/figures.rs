//! Measures what cannot be asserted: how long it takes from apply to Ready, against the floor of the same calls by a bare
//! client in the same run, and how much memory the operator holds.
//!
//!     cargo run -p kit --bin figures -- target/debug/keyspaces-credential-operator
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot be made has to say so and stop"
)]

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use keyspaces_credential_operator::api::{KeyspacesCredential, KeyspacesCredentialStatus};
use keyspaces_credential_operator::iam::{Iam, Rate, Urgency};
use keyspaces_credential_operator::protocol::IamUserName;
use kit::world::{World, has_condition};
use kube::api::{Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use serde_json::json;

const ROUNDS: usize = 20;

#[tokio::main]
async fn main() {
    let binary = std::env::args().nth(1).expect("usage: figures OPERATOR");
    let mut world = World::new(&binary, "figures").await;
    world.start_with(&[], &[("RUST_LOG", "info")]);
    let mut ready = Vec::new();
    let mut floor = Vec::new();
    let mut memory = 0;
    for round in 0..ROUNDS {
        let user = format!("user-{round}");
        world.iam.create_user(&user).expect("a new user");
        ready.push(apply_to_ready(&world, &format!("operator-{round}"), &user).await);
        if round == 0 {
            memory = world.operator().resident_kib();
        }
        let user = format!("bare-{round}");
        world.iam.create_user(&user).expect("a new user");
        floor.push(bare_client(&world, &format!("bare-{round}"), &user).await);
    }
    println!("apply to Ready      median {:>7.1?}  of {ROUNDS}", median(&mut ready));
    println!("the same calls bare median {:>7.1?}  of {ROUNDS}", median(&mut floor));
    println!(
        "resident memory     {memory} KiB after one credential, {} KiB after {ROUNDS}",
        world.operator().resident_kib()
    );
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

async fn apply_to_ready(world: &World, name: &str, user: &str) -> Duration {
    use futures::StreamExt;
    let resources = world.resources();
    let watch = WatchParams::default().fields(&format!("metadata.name={name}"));
    let mut changes = resources.watch(&watch, "0").await.expect("a watch").boxed();
    let start = Instant::now();
    world.apply(name, json!({ "iamUserName": user })).await;
    while let Some(event) = changes.next().await {
        if let Ok(WatchEvent::Added(resource) | WatchEvent::Modified(resource)) = event
            && has_condition(&resource, "Ready", "True", "Published")
        {
            return start.elapsed();
        }
    }
    panic!("the watch ended before {name} was ready");
}

/// The least that the operator has to do, done by a client that knows in advance that all goes well.
async fn bare_client(world: &World, name: &str, user: &str) -> Duration {
    let aws = aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .endpoint_url(world.iam.iam_url())
        .credentials_provider(aws_sdk_iam::config::SharedCredentialsProvider::new(
            aws_sdk_iam::config::Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "figures"),
        ))
        .build();
    let iam = Iam::new(&aws, Duration::from_secs(5), Rate { per_second: 1_000.0, burst: 1_000 });
    let user = IamUserName::parse(user).expect("a user name");
    // The resource is suspended, so that the operator does nothing for it but one write of status, which is not measured.
    world.apply(name, json!({ "iamUserName": user.as_str(), "suspend": true })).await;
    let object =
        world.until(name, "Suspended", |resource| has_condition(resource, "Ready", "Unknown", "Suspended")).await;
    let start = Instant::now();
    let (resources, secrets) = (world.resources(), world.secrets());
    resources.get(name).await.expect("a GET");
    secrets.get_opt(name).await.expect("a GET");
    iam.list(iam.turn(Urgency::Look).await, &user).await.expect("a List");
    let patch = json!({ "metadata": { "annotations": { "bare": "finalizer" } } });
    resources.patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("a write");
    let object = write_status(world, name, object.status.unwrap_or_default()).await;
    let issued = iam.create(iam.turn(Urgency::Look).await, &user).await.expect("a Create");
    let secret: Secret = serde_json::from_value(json!({
        "metadata": { "name": name },
        "stringData": { "username": issued.service_user_name.as_str(), "password": issued.password.expose() },
    }))
    .expect("a Secret");
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    secrets.create(&dry, &secret).await.expect("a dry run");
    secrets.create(&PostParams::default(), &secret).await.expect("a write");
    write_status(world, name, object.status.unwrap_or_default()).await;
    start.elapsed()
}

async fn write_status(world: &World, name: &str, mut status: KeyspacesCredentialStatus) -> KeyspacesCredential {
    status.last_handled_rotate = Some(format!("{:?}", Instant::now()));
    let patch = json!({ "status": status });
    world.resources().patch_status(name, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("a status write")
}
