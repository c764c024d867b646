//! What IAM lists.

use jiff::Timestamp;

use super::names::CredentialId;

/// The reply of List, all pages.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Listing {
    /// The credentials that it shows.
    pub credentials: Vec<Listed>,
    /// When it was asked for.
    pub taken_at: Timestamp,
    /// The Secret and then the resource were read again after the listing, and neither had changed. Without this an id
    /// in the listing may belong to an operation that began after the resource was read.
    pub confirmed: bool,
}

/// A credential in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Listed {
    /// Its id.
    pub id: CredentialId,
    /// When IAM created it.
    pub created_at: Timestamp,
    /// Whether it can log in.
    pub usable: Usable,
}

/// Whether a credential can log in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Usable {
    /// Active.
    Yes,
    /// Inactive: somebody switched it off.
    No,
    /// A status that this operator does not know.
    Unknown(String),
}
