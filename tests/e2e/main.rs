//! End to end: the real control plane, the shipped binary under its deployed rights, an IAM that behaves like IAM.
//!
//! | folder | what its tests are about |
//! |---|---|
//! | `life` | what a user asks for: create, rotate, rename the Secret, suspend, delete |
//! | `rights` | what a resource may have: grants, claims, slots, permissions; and what is refused |
//! | `recovery` | what goes wrong: lost Secrets and credentials, crashes, faults of IAM and of the API server |
//! | `replicas` | more than one process: leader election, fencing, start and end of a process |
//! | `docs` | what is claimed: README, fault catalogue, no password in any output, the image |
//!
//! `support` holds what they share.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code: a panic is how it says that something is not as it should be"
)]

mod docs;
mod life;
mod recovery;
mod replicas;
mod rights;
mod support;

/// The shipped binary: as cargo builds it beside the tests, or another build of it.
const BINARY: &str = match option_env!("OPERATOR_UNDER_TEST") {
    Some(path) => path,
    None => env!("CARGO_BIN_EXE_keyspaces-credential-operator"),
};
