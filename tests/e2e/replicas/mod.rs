//! More than one process, at a time or one after the other: which of them acts, how a process starts and ends, and why a
//! process that continues too late does no harm.
//!
//! Both `leader_election` and `fencing` are about two operators. In `fencing` there is no election: only the fences of the
//! writes keep the operators from undoing each other's work.

mod fencing;
mod leader_election;
mod shutdown;
mod startup;
