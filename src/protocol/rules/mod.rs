//! The rules. A rule returns `Break(step)` if its step is next, and `Continue(())` if the next rule decides.

pub(crate) mod always;
pub(crate) mod at_rest;
pub(crate) mod attempt;
pub(crate) mod begin;
pub(crate) mod case;
pub(crate) mod deletion;
pub(crate) mod leftovers;
pub(crate) mod rename;
pub(crate) mod reset;
pub(crate) mod retirement;
pub(crate) mod rights;
pub(crate) mod slots;
pub(crate) mod takeover;
