//! The operations that the emulator records, and that faults can be about.

use serde::{Deserialize, Serialize};

/// What a call asks for. In JSON the five have their full names; short ones are understood too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// `CreateServiceSpecificCredential`.
    #[serde(rename = "CreateServiceSpecificCredential", alias = "Create")]
    Create,
    /// `ListServiceSpecificCredentials`.
    #[serde(rename = "ListServiceSpecificCredentials", alias = "List")]
    List,
    /// `ResetServiceSpecificCredential`.
    #[serde(rename = "ResetServiceSpecificCredential", alias = "Reset")]
    Reset,
    /// `UpdateServiceSpecificCredential`.
    #[serde(rename = "UpdateServiceSpecificCredential", alias = "Update")]
    Update,
    /// `DeleteServiceSpecificCredential`.
    #[serde(rename = "DeleteServiceSpecificCredential", alias = "Delete")]
    Delete,
    /// `CreateUser`.
    CreateUser,
    /// `GetUser`.
    GetUser,
    /// `DeleteUser`.
    DeleteUser,
    /// A login at the CQL endpoint. A fault on any operation of IAM does not apply to it.
    Login,
    /// Anything else.
    Unknown,
}

impl Operation {
    /// The operation of an `Action` parameter.
    pub(crate) fn of_action(action: &str) -> Self {
        match action {
            "CreateServiceSpecificCredential" => Self::Create,
            "ListServiceSpecificCredentials" => Self::List,
            "ResetServiceSpecificCredential" => Self::Reset,
            "UpdateServiceSpecificCredential" => Self::Update,
            "DeleteServiceSpecificCredential" => Self::Delete,
            "CreateUser" => Self::CreateUser,
            "GetUser" => Self::GetUser,
            "DeleteUser" => Self::DeleteUser,
            _ => Self::Unknown,
        }
    }
}
