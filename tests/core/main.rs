//! The functional core, told as sentences through a small world, and properties of it over arbitrary facts.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so")]

mod conditions;
mod deletion;
mod events;
mod facts;
mod in_hand;
mod life;
mod memory;
mod names;
mod outcomes;
mod properties;
mod recovery;
mod rename;
mod reset;
mod retirement;
mod rights;
mod steps;
mod world;
