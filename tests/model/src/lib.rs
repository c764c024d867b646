//! The shipped [`decide`](keyspaces_credential_protocol::decide), run exhaustively against an environment that crashes,
//! delays, loses and lies.
//!
//! `shell` is the table of what the shell does with each step; compare it with the real one. `environment` is what may
//! happen around it, `schedule` what must come of it when that stops, `runs` the bounds, `mutation` the protocol with one
//! rule broken.
//!
//! # Checked in every reachable state
//!
//! * What the Secret of the resource holds is in IAM, Active and with IAM's present password, unless a human deleted it there
//!   or the resource goes with `deletionPolicy: Delete`. Reset weakens that: the published password may be an old one while the
//!   operation that resets it is open; and for as long as status records a doubt, if IAM reset the password for an attempt that
//!   was no longer the present one, after it did so for a present one.
//! * The credential that status calls current is in a Secret of ours, or an open operation has published its replacement,
//!   unless a human deleted or damaged the Secret. What a Secret that was moved from holds works for the time of an overlap,
//!   unless the like happened or the rotation was in place.
//! * We deleted no credential of a human, unless `foreignCredentials: Delete` allows it and it is the oldest one, and none that
//!   status calls current while its resource lives.
//! * No Create is sent while the Secret's write is refused.
//! * If no fault happens from here on and one process goes on, whichever, while the others stand still, all becomes
//!   quiet and good: Ready with the one credential and the password that the wanted Secret holds, no replaced credential, no
//!   former Secret, no doubt; or gone with nothing left behind but what `Retain` keeps, and that works. When the others then
//!   wake up, it stays so.
//!
//! # Assumed
//!
//! Time is counted in ticks. What these spans bound is given up, and does not happen, later:
//!
//! * A Create or Reset lands within `settle` of the moment at which its process last knew its epoch to be the resource's. The
//!   process does not send it later than that.
//! * List shows what is older than `settle` and hides what has been gone for as long. It shows at once what is switched off.
//! * A write of the resource lands within `hold` of its decision, and so does a copy to a Secret that does not exist.
//! * A Secret that did not exist is published to within `hold` of the moment at which the password came into hand. An existing
//!   one is protected by its resourceVersion, however late the write.
//! * The clocks of the processes agree, and that of IAM.
//! * A human makes a credential of his own only while no operation is open, unresolved or about to begin; List shows it at
//!   once. One that he makes inside an operation's window cannot be told from ours.
//! * A human who is asked to free a slot does so in the end, and one who suspends a resource lets it go on.
//! * Nobody writes an old Secret back, edits status, or makes a Secret of our names that is not ours.
//! * The garbage collector takes the Secrets at once. Ids are not used twice.
//!
//! # Not seen here
//!
//! Rendering, quotas and HTTP, backoff, schedules, an overlap that is ended by hand, a spec that changes but for the Secret's
//! name, a Deactivate that lands late, `foreignCredentials: Delete` and `inactiveFor` with two processes, more than two
//! processes, resources or names of a Secret, a resource that is made again under the same name, epochs and ticks beyond the
//! bounds of a run. Each run prints its bounds.

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
