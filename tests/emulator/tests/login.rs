//! The login as a driver sees it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use keyspaces_emulator::{Emulator, Fault, FaultKind, IssuedCredential, Lag, Operation};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use support::{USER, client, start};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

async fn connect(emulator: &Emulator, user: &str, password: &str) -> Result<Session, String> {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(emulator.ca_pem().as_bytes()).unwrap();
    roots.add(ca).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let session = SessionBuilder::new()
        .known_node_addr(emulator.cql_address())
        .user(user, password)
        .tls_context(Some(Arc::new(config)))
        .connection_timeout(support::PATIENCE)
        .build()
        .await;
    session.map_err(|error| error.to_string())
}

async fn can_log_in(emulator: &Emulator, issued: &IssuedCredential) -> bool {
    let name = &issued.info.service_user_name;
    connect(emulator, name, issued.password.expose()).await.is_ok()
}

#[tokio::test]
async fn the_right_password_logs_in_and_reads_system_tables() {
    let emulator = start();
    let issued = emulator.create_credential(USER).unwrap();
    let name = &issued.info.service_user_name;
    let session = connect(&emulator, name, issued.password.expose()).await.unwrap();

    let statement = "SELECT data_center FROM system.local WHERE key='local'";
    let result = session.query_unpaged(statement, &()).await.unwrap();
    let row = result.into_rows_result().unwrap().single_row::<(String,)>().unwrap();
    assert_eq!(row.0, "us-east-1");
    let prepared =
        session.prepare("SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?").await.unwrap();
    let result = session.execute_unpaged(&prepared, ("orders",)).await.unwrap();
    assert_eq!(result.into_rows_result().unwrap().rows_num(), 0);
    assert!(session.query_unpaged("SELECT * FROM system.peers_v2", &()).await.is_err());

    let logins = emulator.logins();
    assert!(!logins.is_empty());
    assert!(logins.iter().all(|login| login.accepted && &login.service_user_name == name));
    assert_eq!(logins[0].credential_id.as_ref(), Some(&issued.info.id));
    assert_eq!(emulator.leaks(format!("{logins:?}").as_bytes()), Vec::<String>::new());
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_recorded() {
    let emulator = start();
    let issued = emulator.create_credential(USER).unwrap();
    let wrong = connect(&emulator, &issued.info.service_user_name, "wrong").await;
    assert!(wrong.is_err());
    assert!(connect(&emulator, "nobody", issued.password.expose()).await.is_err());
    let logins = emulator.logins();
    assert!(!logins.is_empty() && logins.iter().all(|login| !login.accepted));
}

#[tokio::test]
async fn a_password_works_exactly_while_its_credential_is_active() {
    let emulator = start();
    let issued = emulator.create_credential(USER).unwrap();
    let id = &issued.info.id;
    assert!(can_log_in(&emulator, &issued).await);
    emulator.set_status(id, "Inactive").unwrap();
    assert!(!can_log_in(&emulator, &issued).await);
    emulator.set_status(id, "Active").unwrap();
    assert!(can_log_in(&emulator, &issued).await);
    emulator.delete_credential(id).unwrap();
    assert!(!can_log_in(&emulator, &issued).await);
}

#[tokio::test]
async fn a_reset_kills_the_old_password_at_once() {
    let emulator = start();
    let issued = emulator.create_credential(USER).unwrap();
    let request = client(&emulator).reset_service_specific_credential().user_name(USER);
    let output = request.service_specific_credential_id(&issued.info.id).send().await.unwrap();
    let reset = output.service_specific_credential.unwrap();
    let (name, password) = (reset.service_user_name, reset.service_password);
    assert!(!can_log_in(&emulator, &issued).await);
    assert!(connect(&emulator, &name, &password).await.is_ok());
    assert_eq!(emulator.verify(&name, &password), Some(issued.info.id.clone()));
    assert_eq!(emulator.verify(&name, issued.password.expose()), None);
}

#[tokio::test]
async fn a_login_is_refused_until_its_lag_is_over() {
    let emulator = start();
    emulator.stop_clock();
    emulator.set_lag(Lag { login: Duration::from_secs(15), ..Lag::default() });
    let issued = emulator.create_credential(USER).unwrap();
    assert!(!can_log_in(&emulator, &issued).await);
    assert!(emulator.verify(&issued.info.service_user_name, issued.password.expose()).is_some());
    emulator.advance_clock(Duration::from_secs(15));
    assert!(can_log_in(&emulator, &issued).await);
}

#[tokio::test]
async fn a_login_can_be_made_to_go_wrong() {
    let emulator = start();
    let issued = emulator.create_credential(USER).unwrap();
    for kind in [FaultKind::Close, FaultKind::Reset, FaultKind::Status { status: 500 }] {
        let fault = emulator.set_fault(Fault::on(Operation::Login, kind).for_ever());
        assert!(!can_log_in(&emulator, &issued).await);
        emulator.clear_fault(fault);
    }
    assert!(can_log_in(&emulator, &issued).await);
}
