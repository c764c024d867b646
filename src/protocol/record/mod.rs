//! How the record is read and what it becomes: pure functions from facts to facts, without an order of questions.

mod accept;
mod ownership;
mod schedule;
mod window;

pub(crate) use accept::{accept, accept_rollback, accepted, closed_publication, rolled_back};
pub(crate) use ownership::{foreign, is_in_use, leftovers, oldest_foreign};
pub use schedule::{due, shortest_interval};
pub(crate) use schedule::{
    former_secret_gone_at, is_due, last_former_secret_gone_at, next_former_secret_gone_at, next_stage_at,
    retiring_gone_at, stops_at, works_until,
};
pub(crate) use window::{doubt_ends_at, last_reset_is_due, reset_in_doubt, shortened, take_over, window};
