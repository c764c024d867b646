//! More than one process, at a time or one after the other: which of them acts, how one starts and ends, and why one that
//! comes too late does no harm.
//!
//! Both `leader_election` and `fencing` are about two operators. In `fencing` there is no election: the writes alone keep
//! them from each other's work.

mod fencing;
mod leader_election;
mod shutdown;
mod startup;
