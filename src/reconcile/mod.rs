//! The shell: it observes, asks [`decide`](crate::protocol::decide), performs the one step that it is told, and goes round.
//!
//! ```text
//!   controller   which resource, and when again
//!       │
//!   pass         1. GET the resource
//!       │        2. decide
//!       │        3. perform the step; its reply is the next observation
//!       │        4. go to 2, until the step is to wait
//!       │        5. tell: conditions, events
//!       │
//!   perform      one match, one effect an arm
//! ```
//!
//! Whatever fails ends the pass and is written down with the time of the next try; whatever conflicts begins it anew. A pass
//! that panics is told of in the same way, and only that resource forgets what was known of it.

mod conditions;
mod context;
mod controller;
mod events;
mod failure;
mod observe;
mod panics;
mod pass;
mod perform;
mod report;
mod rights;
mod status;
mod strange;
mod writes;

#[cfg(test)]
mod any_status;

pub use context::{Context, Grants};
pub use controller::{LONGEST_SILENCE, run};
pub use events::Events;
