//! Labels and annotations of a Secret, and the digest that vouches for its login.

/// Marks the Secrets of this operator, so that it watches only those.
pub const MANAGED_BY_LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", crate::api::MANAGER);

pub(crate) const CREDENTIAL_ID: &str = "keyspaces.dev/credential-id";
pub(crate) const ISSUED_AT: &str = "keyspaces.dev/issued-at";
pub(crate) const EPOCH: &str = "keyspaces.dev/epoch";
pub(crate) const DIGEST: &str = "keyspaces.dev/digest";
/// The annotation that names the resource of a Secret. It only says which resource to reconcile when the Secret changes, for
/// instance when somebody removes its owner reference. Only the owner reference decides which resource a Secret belongs to.
pub const RESOURCE: &str = "keyspaces.dev/resource";
/// The annotation that carries the highest epoch that wrote to the Secret.
pub const FENCE: &str = "keyspaces.dev/fence";

/// Vouches that a user name and a password are the pair that was published for an id. The password has 60 random characters, so
/// whoever sees the Secret's metadata may see this digest.
pub(crate) fn digest(id: &str, user_name: &str, password: &str) -> String {
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
