//! The shell: it reads, asks [`decide`](crate::protocol::decide), performs the one step that it is told, and repeats.
//!
//! ```text
//!   controller   which resource, and what calls it
//!       │
//!   retry        another pass at once, or a time to look again
//!       │
//!   pass         1. read the resource
//!       │        2. decide
//!       │        3. perform the step, and take its outcome in
//!       │        4. repeat, until the step is to wait
//!       │
//!   perform      one match, one effect per arm
//!       │
//!   effects      the resource, its Secrets, its rights, IAM
//!       │
//!   client       calls to the API server, each with a deadline
//! ```
//!
//! Whatever fails ends the pass and is recorded with the time of the next try; whatever conflicts begins it anew. A
//! pass that panics is reported in the same way, and only that resource forgets what was known of it.
//!
//! | file | duty |
//! |---|---|
//! | `observe`, `status` | from objects to facts, and from the record to status |
//! | `report`, `conditions`, `events` | what the user is told |
//! | `failure`, `panics`, `undecodable` | what can go wrong |
//! | `context`, `memory` | what passes share, and what is remembered between them |

mod client;
mod conditions;
mod context;
mod controller;
mod effects;
mod events;
mod failure;
mod memory;
mod observe;
mod panics;
mod pass;
mod perform;
mod report;
mod retry;
mod status;
mod undecodable;

#[cfg(test)]
#[path = "../../tests/unit/reconcile/any_status.rs"]
mod any_status;

pub use context::{Context, Grants};
pub use controller::{LONGEST_SILENCE, run};
pub use events::Events;
