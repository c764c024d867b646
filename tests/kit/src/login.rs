//! A CQL login with a real driver.

use std::net::SocketAddr;
use std::sync::Arc;

use scylla::client::session_builder::SessionBuilder;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Tries to log in and to read the table `system.local`. The error says what the server or the driver said.
///
/// # Errors
/// The login was refused, or the server cannot be reached.
pub async fn login(address: SocketAddr, ca_pem: &str, user_name: &str, password: &str) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).expect("the CA is PEM")).expect("it is a CA");
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let session = SessionBuilder::new()
        .known_node_addr(address)
        .user(user_name, password)
        .tls_context(Some(Arc::new(tls)))
        .build()
        .await
        .map_err(|error| error.to_string())?;
    session
        .query_unpaged("SELECT data_center FROM system.local WHERE key='local'", &())
        .await
        .map_err(|error| error.to_string())?;
    Ok(())
}
