//! Ordinary clients, as for the real services.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use aws_sdk_iam::Client;
use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::config::timeout::TimeoutConfig;
use aws_sdk_iam::config::{Credentials, Region};
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_iam::types::ServiceSpecificCredential;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use keyspaces_emulator::{Emulator, Options};

pub(crate) const CASSANDRA: &str = "cassandra.amazonaws.com";
pub(crate) const USER: &str = "orders-app";
/// Long enough for a slow machine. A test that passes never waits for so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn start() -> Emulator {
    Emulator::start(Options::with_users([USER, "other"])).unwrap()
}

/// A client without retries.
pub(crate) fn client(emulator: &Emulator) -> Client {
    client_with(emulator.iam_url(), RetryConfig::disabled(), "AKIATEST", None)
}

pub(crate) fn client_with(url: String, retries: RetryConfig, key: &str, ca: Option<&str>) -> Client {
    let http = aws_smithy_http_client::Builder::new();
    let http = match ca {
        None => http.build_http(),
        Some(pem) => {
            let trust = TrustStore::empty().with_pem_certificate(pem);
            let context = TlsContext::builder().with_trust_store(trust).build().unwrap();
            http.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(context).build_https()
        }
    };
    let config = aws_sdk_iam::Config::builder()
        .behavior_version_latest()
        .http_client(http)
        .endpoint_url(url)
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new(key, "secret", None, None, "test"))
        .retry_config(retries)
        .timeout_config(TimeoutConfig::builder().operation_timeout(PATIENCE).build())
        .build();
    Client::from_conf(config)
}

pub(crate) async fn create(client: &Client, user: &str) -> ServiceSpecificCredential {
    let request = client.create_service_specific_credential();
    let output = request.user_name(user).service_name(CASSANDRA).send().await.unwrap();
    output.service_specific_credential.unwrap()
}

pub(crate) async fn list_ids(client: &Client, user: &str) -> Vec<String> {
    let request = client.list_service_specific_credentials().user_name(user);
    let output = request.send().await.unwrap();
    let listed = output.service_specific_credentials.unwrap_or_default();
    let mut ids: Vec<_> = listed.into_iter().map(|it| it.service_specific_credential_id).collect();
    ids.sort();
    ids
}

/// The HTTP status and the error code of a refusal.
pub(crate) fn refusal<T, E: ProvideErrorMetadata>(result: Result<T, SdkError<E>>) -> (u16, String) {
    let Err(error) = result else { panic!("not refused") };
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    (status, error.code().unwrap_or("none").to_owned())
}
