//! The shipped [`decide`](keyspaces_credential_protocol::decide), run exhaustively against an environment that crashes,
//! delays, loses and lies.
//!
//! `shell` is the table of what the shell does with each step; compare it with the real one. `environment` is what may
//! happen around it, `schedule` what must come of it when that stops, `runs` the bounds, `mutation` the protocol with one
//! rule broken.
//!
//! # Checked in every reachable state
//!
//! * A Secret's credential is in IAM, unless a human deleted it there or the resource goes with `deletionPolicy: Delete`.
//! * We deleted no credential of a human, and none that status calls current while its resource lives.
//! * No Create is sent while the Secret's write is refused.
//! * If no fault happens from here on and one process goes on, whichever, while the others stand still, all becomes
//!   quiet and good: Ready with the one credential that the Secret holds (and the retiring one in its overlap), or gone
//!   with nothing left behind. When the others then wake up, it stays so.
//!
//! # Assumed
//!
//! Time is counted in ticks. What these spans bound is given up, and does not happen, later:
//!
//! * A Create lands within `settle` of the moment at which its process last knew its epoch to be the resource's. The
//!   process does not send it later than that.
//! * List shows what is older than `settle` and hides what has been gone for as long.
//! * A write of the resource lands within `hold` of its decision.
//! * A Secret that did not exist is created within `hold` of the moment at which the password came into hand. An existing
//!   one is protected by its resourceVersion, however late the write.
//! * The clocks of the processes agree, and that of IAM.
//! * A human makes a credential of his own only while no operation is open, unresolved or about to begin; List shows it at
//!   once. One that he makes inside an operation's window cannot be told from ours.
//! * A human who is asked to free a slot does so in the end.
//! * Nobody writes an old Secret back, edits status, or makes a Secret of that name that is not ours.
//! * Ids are not used twice.
//!
//! # Not seen here
//!
//! Passwords and Reset (a password belongs to its id as long as nothing resets it), rendering, quotas and HTTP, backoff,
//! `suspend`, Inactive credentials, more than two processes or resources, epochs and ticks beyond the bounds of a run.

#![allow(missing_docs, reason = "the names of a test's parts say what they are")]
#![allow(clippy::expect_used, reason = "a value outside the model's range is a fault of the model")]
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate, reason = "read by this project only")]

mod calls;
mod environment;
mod facts;
pub mod mutation;
pub mod report;
pub mod runs;
pub mod scenario;
mod schedule;
mod shell;
mod world;
mod writes;

pub use report::{Counterexample, Report, check};
