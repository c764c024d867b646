//! The Secret: what it looks like, and what is read from it.
//!
//! [`render`] and [`read`] are pure. The writing, fenced by a resourceVersion, is in
//! [`reconcile`](crate::reconcile), where all effects are.

mod read;
mod render;

#[cfg(test)]
#[path = "../../tests/unit/secret/mod.rs"]
mod tests;

pub use read::{Seen, read};
pub(crate) use read::{changed, credential_id, published, quoted};
pub use render::{Login, Owner, fence_of, release, render};

/// Marks the Secrets of this operator, so that it watches only those.
pub const MANAGED_BY_LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", crate::api::MANAGER);

const CREDENTIAL_ID: &str = "keyspaces.dev/credential-id";
const ISSUED_AT: &str = "keyspaces.dev/issued-at";
const EPOCH: &str = "keyspaces.dev/epoch";
const DIGEST: &str = "keyspaces.dev/digest";
/// The annotation that names the resource of a Secret. It only says whom to call when the Secret changes, for instance because
/// its owner reference went; what a Secret belongs to is told by the owner reference alone.
pub const RESOURCE: &str = "keyspaces.dev/resource";
/// The annotation that carries the highest epoch that wrote to the Secret.
pub const FENCE: &str = "keyspaces.dev/fence";

/// Vouches that a user name and a password are the pair that was published for an id. The password has 60 random
/// characters, so its digest can be shown to whoever sees the Secret's metadata.
fn digest(id: &str, user_name: &str, password: &str) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write;
    let hash = Sha256::new()
        .chain_update(id)
        .chain_update([0])
        .chain_update(user_name)
        .chain_update([0])
        .chain_update(password)
        .finalize();
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
