//! The Secret: what it looks like, and what is read from it.
//!
//! [`render`] and [`fact`] are pure. The writing, fenced by a resourceVersion, is in
//! [`reconcile`](crate::reconcile), where all effects are.

mod annotations;
mod read;
mod render;

#[cfg(test)]
#[path = "../../tests/unit/secret/mod.rs"]
mod tests;

pub use annotations::{FENCE, MANAGED_BY_LABEL, RESOURCE};
pub use read::fact;
pub(crate) use read::{changed, credential_id, published, quoted};
pub use render::{Login, Owner, fence_of, release, render};
