//! `decide`, told as sentences through a small world, and properties of it over arbitrary facts.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so")]

mod ending;
mod in_place;
mod life;
mod memory;
mod moving;
mod properties;
mod recovery;
mod rights;
mod stages;
mod world;
