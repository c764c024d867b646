//! The shipped [`decide`](keyspaces_credential_protocol::decide) and [`after`](keyspaces_credential_protocol::Observed::after), run
//! exhaustively against an environment that crashes, delays, loses and lies.
//!
//! `shell` is a process and its passes. `writes` and `calls` say what its steps do to the API server and to IAM; compare them with the
//! real ones. `environment` is what may happen around it, and `schedule` what must come of it when that stops. `runs` has the bounds,
//! `mutation` the protocol with one rule broken. `facts` is the small form in which the states keep what is known, and `world` a state.
//!
//! # Checked in every reachable state
//!
//! * What the Secret of the resource holds is in IAM, Active and with IAM's present password. Excepted is what a human deleted there, and a
//!   resource that is deleted with `deletionPolicy: Delete`. Reset weakens that: the published password may be an old one while the
//!   operation that resets it is open. It may also be one while a doubt is recorded, if IAM reset the password for an attempt that was no
//!   longer the present one, after it did so for a present one.
//! * The credential that the record calls current is in a Secret of ours, or an open operation has published its replacement. Excepted is a
//!   Secret that a human deleted or damaged.
//! * What a Secret that was moved from holds works for the time of an overlap, with the same exceptions and but for a rotation in place.
//! * We deleted no credential of a human, unless `foreignCredentials: Delete` allows it and it is the oldest one. And we deleted none that
//!   the record calls current while its resource lives.
//! * No Create is sent while the Secret's write is refused.
//! * No operation replaces a Secret as lost that holds the current credential.
//! * All becomes quiet and good if no fault happens from here on and one process goes on, whichever, while the others stand still. Good is:
//!   Ready with the one credential and the password that the wanted Secret holds, no replaced credential, no former Secret, no doubt. Or
//!   the resource is gone, and nothing is left behind but what `Retain` keeps, and that works. When the others then wake up, it stays so.
//!
//! # Assumed
//!
//! Time is counted in ticks. What these spans bound is given up, and does not happen, later:
//!
//! * A Create or Reset lands within the consistency window of the moment at which its process last knew its epoch to be the resource's.
//!   The process does not send it later than that.
//! * List shows what is older than the consistency window, and hides what has been gone for as long. It shows at once what is switched off.
//! * A write of the resource lands within the hold time of its decision, and so does a copy to a Secret that does not exist.
//! * A Secret that did not exist is published to within the hold time of the moment at which the password came into hand. An existing one
//!   is protected by its resourceVersion, however late the write.
//! * The clocks of the processes agree, and that of IAM.
//! * A human makes a credential of his own only while no operation and no window is open, and none is about to. List shows it at once. One
//!   that he makes inside an operation's window cannot be told from ours.
//! * A human who is asked to free a slot does so in the end, and one who suspends a resource lets it go on.
//! * Nobody writes an old Secret back, edits status, or makes a Secret of our names that is not ours.
//! * The garbage collector deletes the Secrets at once. Ids are not used twice.
//!
//! # Not seen here
//!
//! * Rendering, quotas and HTTP, backoff, schedules, an overlap that is ended by hand.
//! * A spec that changes but for the Secret's name, a resource that is made again under the same name.
//! * A Deactivate that lands late; `foreignCredentials: Delete` and `inactiveFor` with two processes.
//! * More than two processes, resources or names of a Secret; epochs and ticks beyond the bounds of a run. Each run prints its bounds.

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

pub use report::{Counterexample, Findings, check};
