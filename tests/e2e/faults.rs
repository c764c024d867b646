//! Rows of the fault catalogue that are no other story's subject. `tests/FAULTS.md` says where each row is told.

mod admission;
mod api;
mod clock;
mod iam;
mod panics;
mod people;
mod replies;
mod secret;

use keyspaces_emulator::{FaultKind, Options};
use kit::proxy::Which;
use kit::world::{USER, World};
use kube::ResourceExt;
use serde_json::json;

use crate::BINARY;

/// The IAM user of a second resource.
const OTHER: &str = "billing-app";

fn secret_writes() -> Which {
    Which::writes().of("secrets")
}

fn status_writes() -> Which {
    Which::writes().of("keyspacescredentials/status")
}

/// A refusal in IAM's words.
fn refuse(status: u16, code: &str) -> FaultKind {
    FaultKind::Refuse { status, code: code.to_owned(), message: "a test wants it so".to_owned() }
}

/// A world whose operator has these flags.
async fn with_flags(name: &str, flags: &[&str]) -> World {
    let mut world = World::new(BINARY, name).await;
    world.start(flags);
    world
}

/// A world whose operator has these flags and a proxy in its way.
async fn proxied(name: &str, flags: &[&str]) -> World {
    let mut world = World::proxied(BINARY, name).await;
    world.start(flags);
    world
}

/// A world with a second IAM user, whose operator has these flags and a proxy in its way.
async fn proxied_with_other(name: &str, flags: &[&str]) -> World {
    let world = proxied(name, flags).await;
    world.iam.create_user(OTHER).expect("it is new");
    world
}

/// An IAM of this kind, and a running operator.
async fn with_iam(name: &str, iam: Options) -> World {
    let mut world = World::with_iam(BINARY, name, iam).await;
    world.start(&[]);
    world
}

/// Applies a resource for an IAM user, with this overlap. Another overlap makes the operator look again at once.
async fn apply(world: &World, name: &str, user: &str, overlap: &str) {
    world.apply(name, json!({ "iamUserName": user, "rotation": { "overlap": overlap } })).await;
}

/// The same for the usual user, until it is ready.
async fn ready(world: &World, overlap: &str) {
    apply(world, "orders", USER, overlap).await;
    world.ready("orders").await;
}

/// Which version of the Secret it is.
async fn secret_version(world: &World) -> Option<String> {
    world.secrets().get("orders").await.expect("the Secret is there").resource_version()
}
