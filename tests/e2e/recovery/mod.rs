//! Something is lost, fails or is wrong: a Secret, a credential, the process, IAM, the API server, the clock. No published
//! password stops working, and no leftover stays.
//!
//! `tests/FAULTS.md` says which test is about which fault. `create_intent`, `secret_publication` and `failed_reads` show the
//! rules of the protocol from outside: the operator runs behind a proxy that holds, refuses and drops requests. A test there
//! fails when the operator breaks its rule. This was tried with each of them.

mod admission;
mod api_server_faults;
mod clock;
mod crash;
mod create_intent;
mod failed_reads;
mod iam_faults;
mod iam_replies;
mod lost_credential;
mod lost_secret;
mod panics;
mod secret_publication;
mod secret_quota;
mod soak;

use kit::world::World;

/// Waits until status names another credential than `former`.
async fn replaced(world: &World, former: &str) {
    world
        .until("orders", "recovered", |resource| {
            let status = resource.status.as_ref();
            status.and_then(|status| status.credential.as_ref()).is_some_and(|credential| credential.id != former)
        })
        .await;
    world.ready("orders").await;
}
