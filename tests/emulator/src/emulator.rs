//! The emulator as a whole: its endpoints, and their end.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::handle::Handle;
use crate::options::Options;
use crate::server::{listen, serve};
use crate::tls::Tls;
use crate::world::Shared;
use crate::{control, cql, http};

/// A running emulator. Its endpoints end when it is dropped.
pub struct Emulator {
    handle: Handle,
    iam: SocketAddr,
    iam_tls: Option<SocketAddr>,
    cql: SocketAddr,
    control: SocketAddr,
    ca_pem: String,
    servers: Vec<JoinHandle<()>>,
}

impl Emulator {
    /// Starts all endpoints as tasks of the current Tokio runtime. They accept connections when
    /// this returns.
    ///
    /// # Errors
    /// When a port cannot be listened on, a certificate cannot be made, or a user name is malformed.
    pub fn start(options: Options) -> io::Result<Self> {
        let tls = Tls::generate(&options)?;
        let shared = Arc::new(Shared::new(&options).map_err(io::Error::other)?);
        let listen_on = |port| listen(SocketAddr::new(options.listen, port));

        let iam = listen_on(options.iam_port)?;
        let iam_tls = options.iam_tls_port.map(listen_on).transpose()?;
        let cql = listen_on(options.cql_port)?;
        let control = listen(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), options.control_port))?;

        let handle = Handle { shared: Arc::clone(&shared) };
        let mut emulator = Self {
            handle: handle.clone(),
            iam: iam.local_addr()?,
            iam_tls: iam_tls.as_ref().map(tokio::net::TcpListener::local_addr).transpose()?,
            cql: cql.local_addr()?,
            control: control.local_addr()?,
            ca_pem: tls.ca_pem,
            servers: Vec::new(),
        };

        let iam_shared = Arc::clone(&shared);
        let iam_session = move |connection| http::iam(Arc::clone(&iam_shared), connection);
        emulator.servers.push(serve(iam, None, iam_session.clone()));
        if let Some(listener) = iam_tls {
            emulator.servers.push(serve(listener, Some(tls.acceptor.clone()), iam_session));
        }
        let node = cql::Node::new(emulator.cql, options.region);
        let cql_session = move |connection| cql::session(Arc::clone(&shared), node.clone(), connection);
        emulator.servers.push(serve(cql, Some(tls.acceptor), cql_session));
        let ca_pem = emulator.ca_pem.clone();
        let control_session = move |connection| control::session(handle.clone(), ca_pem.clone(), connection);
        emulator.servers.push(serve(control, None, control_session));
        Ok(emulator)
    }

    /// A handle of this emulator, which can be cloned and sent to other tasks.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// IAM over HTTP, for `AWS_ENDPOINT_URL_IAM`.
    #[must_use]
    pub fn iam_url(&self) -> String {
        format!("http://{}", self.iam)
    }

    /// IAM over HTTPS, if it was asked for.
    #[must_use]
    pub fn iam_tls_url(&self) -> Option<String> {
        Some(format!("https://localhost:{}", self.iam_tls?.port()))
    }

    /// The CQL endpoint, over TLS.
    #[must_use]
    pub fn cql_address(&self) -> SocketAddr {
        self.cql
    }

    /// The control interface.
    #[must_use]
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control)
    }

    /// The certification authority to trust for TLS.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }
}

impl Deref for Emulator {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        for server in &self.servers {
            server.abort();
        }
    }
}
