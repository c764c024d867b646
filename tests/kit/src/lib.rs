//! What the end-to-end tests and the demo use: each module is one part of the environment of the operator.
#![allow(
    clippy::expect_used,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code: a panic is how it says that something is not as it should be, and what a step returns is often of no interest"
)]

pub mod clock;
pub mod control_plane;
mod leash;
pub mod login;
pub mod operator;
mod oracle;
mod password_search;
pub mod proxy;
pub mod soak;
pub mod world;
