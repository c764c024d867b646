//! An HTTP proxy on 127.0.0.1 between one operator and the API server, on which any request can be made to go wrong.
//!
//! Its faults are described like those of the emulator: which requests, from the Nth on, how many, before or after their
//! effect, and what happens to them.
//!
//! ```no_run
//! # use kit::proxy::{Action, Fault, Gate, Proxy, Which};
//! # async fn example(proxy: Proxy) {
//! // The next write of a Secret takes effect, and its reply is lost.
//! proxy.set_fault(Fault::on(Which::writes().of("secrets"), Action::Close).after_effect());
//! // The second write of a status waits until the test has done something else.
//! let gate = Gate::new();
//! proxy.set_fault(Fault::on(Which::writes().of("keyspacescredentials/status"), Action::Hold(gate.clone())).from_nth(2));
//! gate.arrived().await;
//! gate.release();
//! # }
//! ```
//!
//! A crash at a request consists of the same parts: hold the request before or after its effect, kill the operator,
//! [`Gate::discard`]. If the request was held before its effect, the API server never receives it. If it was held after its
//! effect, the operator never receives the reply.

mod faults;
mod record;
mod serve;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use faults::{Action, Fault, Gate};
pub use keyspaces_emulator::When;
pub use record::{Request, Verb, Which};

use crate::world::PATIENCE;
use faults::Faults;
use record::Record;

/// A running proxy. Dropping it closes all of its connections.
pub struct Proxy {
    url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

/// What all connections share.
struct Shared {
    /// The connection to the API server, without an identity: the operator sends its own.
    upstream: kube::Client,
    state: Mutex<State>,
    changes: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    faults: Faults,
    record: Record,
    sent: Vec<u8>,
}

impl Shared {
    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let result = act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changes.send_replace(());
        result
    }
}

impl Proxy {
    /// Starts one before the API server of a kubeconfig. The user of the kubeconfig is not used.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start(kubeconfig: &Path) -> io::Result<Self> {
        let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("the kubeconfig can be read");
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .expect("the kubeconfig is complete");
        config.auth_info = AuthInfo::default();
        config.proxy_url = None;
        config.default_retry = false;
        let upstream = kube::Client::try_from(config).expect("the kubeconfig makes a client");
        let shared = Arc::new(Shared { upstream, state: Mutex::default(), changes: watch::Sender::new(()) });

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let server = tokio::spawn(serve::serve(listener, Arc::clone(&shared)));
        Ok(Self { url, shared, server })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Writes a kubeconfig with the user of another one and the address of this proxy.
    ///
    /// # Errors
    /// The other one cannot be read, or the new one cannot be written.
    pub fn write_kubeconfig(&self, of: &Path, path: &Path) -> io::Result<()> {
        let mut kubeconfig: Value = serde_json::from_slice(&std::fs::read(of)?)?;
        for cluster in kubeconfig["clusters"].as_array_mut().into_iter().flatten() {
            cluster["cluster"] = json!({ "server": self.url });
        }
        std::fs::write(path, format!("{kubeconfig:#}\n"))
    }

    /// Sets a fault. Requests that have come before are not counted.
    pub fn set_fault(&self, fault: Fault) {
        self.shared.change(|state| state.faults.set(fault));
    }

    /// Holds the next of these requests before its effect, until the test releases it.
    pub fn hold(&self, which: Which) -> Gate {
        let gate = Gate::new();
        self.set_fault(Fault::on(which, Action::Hold(gate.clone())));
        gate
    }

    /// Holds back what these watches deliver from now on, until the test releases it. Their connections stay open.
    pub fn stall(&self, watches: Which) -> Gate {
        let gate = Gate::new();
        self.set_fault(Fault::on(watches, Action::Stall(gate.clone())).for_ever());
        gate
    }

    /// Clears all faults. What is held stays held.
    pub fn clear_faults(&self) {
        self.shared.change(|state| state.faults.clear_all());
    }

    /// All requests so far, in the order of their coming.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.read(|state| state.record.requests().to_vec())
    }

    /// What was sent to the API server since it was last asked for: paths and bodies, without the data of Secrets that were
    /// meant to be written.
    pub fn take_sent(&self) -> Vec<u8> {
        self.shared.change(|state| std::mem::take(&mut state.sent))
    }

    /// The requests of one kind so far.
    pub fn requests_that(&self, which: &Which) -> Vec<Request> {
        self.requests().into_iter().filter(|request| which.matches(request)).collect()
    }

    /// What became of the requests of one kind: the statuses that were sent, nothing where no reply was sent.
    pub fn replies_to(&self, which: &Which) -> Vec<Option<u16>> {
        self.requests_that(which).into_iter().map(|request| request.status).collect()
    }

    /// Waits until the record of the requests is as `wanted` says.
    pub async fn until(&self, what: &str, wanted: impl Fn(&[Request]) -> bool) {
        let mut changes = self.shared.changes.subscribe();
        let wait = async {
            while !self.shared.read(|state| wanted(state.record.requests())) {
                changes.changed().await.expect("the proxy lives");
            }
        };
        let found = tokio::time::timeout(PATIENCE, wait).await.is_ok();
        assert!(found, "the proxy did not see {what}: {:#?}", self.requests());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}
