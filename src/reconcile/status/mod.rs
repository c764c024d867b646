//! Between the status in the cluster and the record of the protocol.

mod read;
mod write;

pub(crate) use read::record;
pub(crate) use write::{failures_status, recorded_in, timestamp};

#[cfg(test)]
#[path = "../../../tests/unit/reconcile/status.rs"]
mod tests;
