//! What a resource may have: IAM users that are granted, a Secret of its own, a free slot in IAM. The operator refuses
//! everything else with a condition that says what to do.

mod edited_status;
mod grants;
mod iam_permissions;
mod invalid_spec;
mod secret_conflict;
mod slots;
mod stored_status;
mod undecodable_resource;
mod ungranted_namespace;
mod user_claims;

use keyspaces_credential_operator::api::KeyspacesCredential;
use keyspaces_emulator::Options;
use kit::world::{USER, World};
use serde_json::{Value, json};

use crate::support::OTHER;

fn users() -> Options {
    Options::with_users([USER, OTHER])
}

fn spec(overlap: &str) -> Value {
    json!({ "iamUserName": USER, "rotation": { "overlap": overlap } })
}

/// Waits until nothing of any attempt is left to be done.
async fn at_rest(world: &World) -> KeyspacesCredential {
    world
        .until("orders", "at rest", |resource| {
            resource.status.as_ref().is_none_or(|status| status.operation.is_none() && status.unresolved.is_none())
        })
        .await
}
