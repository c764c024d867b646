//! model

#![allow(missing_docs, clippy::expect_used)]

mod environment;
mod facts;
pub mod mutation;
mod report;
pub mod runs;
pub mod scenario;
mod schedule;
mod shell;
mod world;

pub use report::{Report, check};
