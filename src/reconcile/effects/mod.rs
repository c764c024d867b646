//! The effects: what a step does to the API server and to IAM.

mod iam;
mod interruption;
mod objects;
mod resource;
mod rights;
mod secret;

pub(crate) use iam::IamAccess;
pub(crate) use interruption::Interruption;
pub(crate) use objects::Objects;
