//! `/healthz` says that the process lives, `/readyz` that it reconciles or stands by, and which of the two.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::role::{CurrentRole, Role};

/// Listens on an address. `::` accepts IPv4 as well. Where there is no IPv6, `::` means all IPv4 addresses.
///
/// # Errors
/// The address is taken, or it is no address of this machine.
pub async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(error) if address.ip() == Ipv6Addr::UNSPECIFIED && error.kind() != ErrorKind::AddrInUse => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        listener => listener,
    }
}

/// Answers probes until the task is dropped. `listed` says whether the leader has listed all resources.
pub async fn serve(listener: TcpListener, role: CurrentRole, listed: watch::Receiver<bool>) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Most likely the process has no file descriptor left. Wait until other connections are closed.
                tracing::warn!("a probe could not be accepted: {error}");
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                continue;
            }
        };
        let (role, listed) = (role.clone(), listed.clone());
        tokio::spawn(async move {
            let answer = service_fn(move |request| {
                let answer = answer(&request, role.now(), *listed.borrow());
                async move { Ok::<_, Infallible>(answer) }
            });
            // It is no failure if the client closes the connection early.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

fn answer(request: &Request<Incoming>, role: Role, listed: bool) -> Response<Full<Bytes>> {
    let (status, text) = match request.uri().path() {
        "/healthz" => (StatusCode::OK, "ok\n"),
        "/readyz" => readiness(role, listed),
        _ => (StatusCode::NOT_FOUND, "only /healthz and /readyz are here\n"),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}

/// A standby counts as ready. Otherwise a rolling update of two replicas would wait for it for ever.
fn readiness(role: Role, listed: bool) -> (StatusCode, &'static str) {
    match role {
        Role::Standby => (StatusCode::OK, "standby\n"),
        Role::Leading if listed => (StatusCode::OK, "leading\n"),
        Role::Leading => (StatusCode::SERVICE_UNAVAILABLE, "the resources are not listed yet\n"),
        Role::Starting => (StatusCode::SERVICE_UNAVAILABLE, "the lease could not be asked for yet\n"),
        Role::Ending => (StatusCode::SERVICE_UNAVAILABLE, "ending\n"),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use std::net::IpAddr;

    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn a_kubelet_that_speaks_ipv4_reaches_it_at_the_default_address() {
        let listener = listen(SocketAddr::new(IpAddr::from(Ipv6Addr::UNSPECIFIED), 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok());
    }
}
