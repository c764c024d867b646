//! The adapter against an HTTP server: what reaches IAM, how often, and what the adapter makes of the answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod create;
mod list_and_delete;
mod malformed;
mod server;

use std::time::Duration;

use aws_config::imds;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::web_identity_token::{StaticConfiguration, WebIdentityTokenCredentialsProvider};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_iam::config::{Credentials, SharedCredentialsProvider};
use keyspaces_credential_protocol::{CredentialId, IamUserName};

use self::server::{Reply, Server};
use super::{Iam, IamErrorKind as Kind, Rate, Turn};

const ID: &str = "ACCA1234567890ABCDEFG";
const DEADLINE: Duration = Duration::from_secs(20);
const RATE: Rate = Rate { per_second: 1_000.0, burst: 1_000 };

fn user() -> IamUserName {
    IamUserName::parse("orders-app").unwrap()
}

fn id() -> CredentialId {
    CredentialId::parse(ID).unwrap()
}

fn config(server: &Server) -> SdkConfig {
    let credentials = Credentials::builder()
        .access_key_id("AKIDEXAMPLE")
        .secret_access_key("a key of the tests")
        .provider_name("tests")
        .build();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-central-1"))
        .endpoint_url(server.url())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

fn iam(server: &Server) -> Iam {
    Iam::new(&config(server), DEADLINE, RATE)
}

fn cut_after(text: &str, part: &str) -> String {
    text.split_inclusive(part).next().unwrap().to_owned()
}

fn refused(status: u16, code: &str, message: &str) -> Reply {
    Reply::Answer(
        status,
        format!(
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>6d3f5a0c-9a3b-4f5e-8d5e-0123456789ab</RequestId></ErrorResponse>"
        ),
    )
}

#[tokio::test]
async fn nothing_is_sent_without_credentials_and_the_error_says_what_to_do() {
    let server = Server::start(vec![Reply::Close]);
    let none = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).endpoint_url(server.url()).build();
    let unreadable = WebIdentityTokenCredentialsProvider::builder()
        .static_configuration(StaticConfiguration {
            web_identity_token_file: "/nonexistent/token".into(),
            role_arn: "arn:aws:iam::111122223333:role/operator".to_owned(),
            session_name: "tests".to_owned(),
        })
        .build();
    let unreadable = SharedCredentialsProvider::new(unreadable);
    let unreadable = config(&server).into_builder().credentials_provider(unreadable).build();
    let metadata_service = Server::start(vec![Reply::Hang]);
    let metadata = imds::Client::builder().endpoint(metadata_service.url()).unwrap().build();
    let silent = ImdsCredentialsProvider::builder().imds_client(metadata).build();
    let silent = SharedCredentialsProvider::new(silent);
    let silent = config(&server).into_builder().credentials_provider(silent).build();
    for (config, deadline, cause) in [
        (none, DEADLINE, "failed to select an auth scheme"),
        (unreadable, DEADLINE, "No such file or directory"),
        (silent, Duration::from_millis(300), "credentials"),
    ] {
        let iam = Iam::new(&config, deadline, RATE);
        let errors = [
            iam.create(Turn::for_test(), &user()).await.err(),
            iam.list(Turn::for_test(), &user()).await.err(),
            iam.delete(Turn::for_test(), &user(), &id()).await.err(),
        ];
        for error in errors.map(|error| error.expect("an error")) {
            assert_eq!(error.kind(), Kind::Credentials, "{error}");
            for part in ["was not sent", cause, "IRSA"] {
                assert!(error.to_string().contains(part), "{error}");
            }
        }
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_as_the_cause() {
    let config = {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.local_addr().unwrap());
        config(&Server::start(vec![Reply::Close])).into_builder().endpoint_url(url).build()
    };
    let error = Iam::new(&config, DEADLINE, RATE).list(Turn::for_test(), &user()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    assert!(error.to_string().contains("Connection refused"), "{error}");
}

#[tokio::test]
async fn a_config_without_region_and_behaviour_version_will_do() {
    let server = Server::start(vec![refused(404, "NoSuchEntity", "no such user")]);
    let bare = SdkConfig::builder()
        .endpoint_url(server.url())
        .credentials_provider(config(&server).credentials_provider().unwrap())
        .build();
    let error = Iam::new(&bare, DEADLINE, RATE).list(Turn::for_test(), &user()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::UserNotFound, "{error}");
}
