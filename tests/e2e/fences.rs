//! The rules of the protocol, each shown from outside: the shipped binary behind a proxy that holds, refuses and swallows.
//!
//! A test here fails when its rule is broken in the operator. Each was tried.

mod intent;
mod publication;
mod reads;
mod replicas;

use kit::proxy::Which;
use kit::world::{USER, World};
use serde_json::json;

use crate::BINARY;

/// The writes that publish or fence a password.
pub(crate) fn secret_writes() -> Which {
    Which::writes().of("secrets")
}

/// The writes of the resource's status: intent, completion, report.
fn status_writes() -> Which {
    Which::writes().of("keyspacescredentials/status")
}

/// A world whose operator runs behind a proxy. It holds a password for longer than a slow machine needs to do what a test
/// does meanwhile, and so it waits for the API server.
async fn proxied(name: &str) -> World {
    proxied_with(name, &["--api-deadline", "60s"]).await
}

/// The same with other flags.
async fn proxied_with(name: &str, flags: &[&str]) -> World {
    let mut world = World::proxied(BINARY, name).await;
    let settle = ["--settle", "2s"].as_slice();
    let settle = if flags.contains(&"--settle") { &[] } else { settle };
    let all = [&["--hold", "60s"], settle, flags].concat();
    world.start(&all);
    world
}

/// Applies the resource that all of these tests are about.
async fn apply(world: &World) {
    world.apply("orders", json!({ "iamUserName": USER })).await;
}

/// Changes something that makes the operator look again at once, and nothing else.
async fn nudge(world: &World, overlap: &str) {
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": overlap } })).await;
}
