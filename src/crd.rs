//! The CustomResourceDefinition, as `crds/` holds it.

use std::error::Error;
use std::io::Write;

use kube::CustomResourceExt;

use crate::api::KeyspacesCredential;

/// The definition as YAML.
///
/// # Errors
/// It cannot be written as YAML.
pub fn yaml() -> Result<String, Box<dyn Error>> {
    let yaml = serde_saphyr::to_string(&KeyspacesCredential::crd())?;
    Ok(format!("# Printed by `keyspaces-credential-operator crd`. Do not edit.\n{yaml}"))
}

/// Prints the definition.
///
/// # Errors
/// Standard output is closed.
pub fn print() -> Result<(), Box<dyn Error>> {
    std::io::stdout().write_all(yaml()?.as_bytes())?;
    Ok(())
}
