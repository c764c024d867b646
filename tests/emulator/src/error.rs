//! What IAM refuses, and with which codes and messages.

use std::fmt;

/// A definite refusal by IAM: nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IamError {
    /// No user of that name.
    FindUser(String),
    /// A service that has no service-specific credentials.
    FindService(String),
    /// No credential of that id.
    FindCredential(String),
    /// Both slots of the user are taken.
    TakeSlot,
    /// A parameter that is missing or malformed, or an id that belongs to another user id.
    Validate(String),
    /// Parameters that are well formed and not allowed.
    AcceptInput(String),
    /// The user still has credentials.
    DeleteUser,
    /// A user of that name exists.
    CreateUser(String),
    /// An operation that the emulator does not know.
    FindAction(String),
    /// The request carries no signature.
    Authenticate,
}

impl IamError {
    /// The HTTP status of the reply.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::FindUser(_) | Self::FindService(_) | Self::FindCredential(_) => 404,
            Self::TakeSlot | Self::DeleteUser | Self::CreateUser(_) => 409,
            Self::Validate(_) | Self::AcceptInput(_) | Self::FindAction(_) => 400,
            Self::Authenticate => 403,
        }
    }

    /// The code in the reply.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::FindUser(_) | Self::FindService(_) | Self::FindCredential(_) => "NoSuchEntity",
            Self::TakeSlot => "LimitExceeded",
            Self::Validate(_) => "ValidationError",
            Self::AcceptInput(_) => "InvalidInput",
            Self::DeleteUser => "DeleteConflict",
            Self::CreateUser(_) => "EntityAlreadyExists",
            Self::FindAction(_) => "InvalidAction",
            Self::Authenticate => "MissingAuthenticationToken",
        }
    }
}

impl fmt::Display for IamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FindUser(name) => write!(f, "The user with name {name} cannot be found."),
            Self::FindService(name) => {
                write!(f, "No such service {name} is supported for Service Specific Credentials")
            }
            Self::FindCredential(id) => write!(f, "No such credential {id} exists"),
            Self::TakeSlot => f.write_str("Cannot exceed quota for ContextSpecificCredentialsPerUserPerContext: 2"),
            Self::Validate(message) | Self::AcceptInput(message) => f.write_str(message),
            Self::DeleteUser => f.write_str("Cannot delete entity, must delete service specific credentials first."),
            Self::CreateUser(name) => write!(f, "User with name {name} already exists."),
            Self::FindAction(name) => {
                write!(f, "Could not find operation {name} for version 2010-05-08")
            }
            Self::Authenticate => f.write_str("Request is missing Authentication Token"),
        }
    }
}

impl std::error::Error for IamError {}
