//! A Kubernetes operator that keeps Amazon Keyspaces credentials in Secrets.
//!
//! * [`api`]: the resource `KeyspacesCredential`.
//! * [`protocol`]: the functional core that decides, a crate of its own.
//! * [`reconcile`]: the shell that observes, performs one step and repeats.
//! * [`iam`] and [`secret`]: the adapters for IAM and for Secrets.
//! * [`leader`] and [`role`]: which of several replicas acts.
//! * [`operator`]: starts the parts and connects them.

pub mod api;
pub mod arguments;
pub mod crd;
mod cut;
pub mod iam;
pub mod leader;
pub mod operator;
pub mod probes;
pub mod reconcile;
pub mod role;
pub mod secret;
pub mod telemetry;

pub use keyspaces_credential_protocol as protocol;
