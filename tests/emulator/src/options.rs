//! What an emulator is started with.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// What an emulator is started with. Port 0 stands for any free one.
#[derive(Clone, Debug)]
pub struct Options {
    /// The account that service user names end in.
    pub account: String,
    /// The region. The CQL endpoint reports it as its data centre.
    pub region: String,
    /// IAM users that exist from the start, next to the default user.
    pub users: Vec<String>,
    /// The caller of a request whose access key is not in `access_keys`.
    pub default_user: String,
    /// Which access key belongs to which user.
    pub access_keys: BTreeMap<String, String>,
    /// Where IAM and the CQL endpoint listen. The control interface is on 127.0.0.1 always.
    pub listen: IpAddr,
    /// The port of IAM over HTTP.
    pub iam_port: u16,
    /// The port of IAM over HTTPS; `None` leaves it out.
    pub iam_tls_port: Option<u16>,
    /// The port of the CQL endpoint.
    pub cql_port: u16,
    /// The port of the control interface.
    pub control_port: u16,
    /// DNS names in the certificate besides `localhost`.
    pub dns_names: Vec<String>,
    /// The most credentials in one page of a list.
    pub page_size: usize,
    /// How far List and the login are behind.
    pub lag: Lag,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            account: "111122223333".into(),
            region: "us-east-1".into(),
            users: Vec::new(),
            default_user: "operator".into(),
            access_keys: BTreeMap::new(),
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            iam_port: 0,
            iam_tls_port: None,
            cql_port: 0,
            control_port: 0,
            dns_names: Vec::new(),
            page_size: 100,
            lag: Lag::default(),
        }
    }
}

impl Options {
    /// The defaults, with these IAM users.
    pub fn with_users<T: Into<String>>(users: impl IntoIterator<Item = T>) -> Self {
        Self { users: users.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

/// How far List and the login are behind the true state. `Duration::MAX` stands for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// How long a new credential does not show in a list.
    pub list_new: Duration,
    /// How long a deleted credential goes on showing in a list.
    pub list_deleted: Duration,
    /// How long the login refuses a new password.
    pub login: Duration,
}
