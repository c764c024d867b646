//! End to end: the real control plane, the shipped binary under its deployed rights, an IAM that behaves like IAM.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code: a panic is how it says that something is not as it should be"
)]

mod bad_input;
mod catalogue;
mod claims;
mod crash;
mod deletion;
mod faults;
mod fences;
mod grants;
mod healing;
mod image;
mod in_place;
mod leader;
mod life;
mod load;
mod moments;
mod moving;
mod readme;
mod refusals;
mod retry;
mod rotation;
mod shutdown;
mod silence;
mod slots;
mod soak;
mod start;
mod steady;
mod strange;
mod suspend;

use kit::world::World;

/// The shipped binary: as cargo builds it beside the tests, or another build of it.
const BINARY: &str = match option_env!("OPERATOR_UNDER_TEST") {
    Some(path) => path,
    None => env!("CARGO_BIN_EXE_keyspaces-credential-operator"),
};

/// A world with a running operator.
async fn world(name: &str) -> World {
    World::running(BINARY, name).await
}
