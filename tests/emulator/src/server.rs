//! What all endpoints share: listening, one task per connection, TLS, and access to the raw socket for faults at the level of
//! TCP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, Socket};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// A stream of bytes, plain or TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection that was accepted.
pub(crate) struct Connection {
    pub(crate) stream: Box<dyn Stream>,
    pub(crate) grip: Grip,
}

/// A second handle of a connection's socket.
#[derive(Clone)]
pub(crate) struct Grip(Arc<Socket>);

impl Grip {
    /// Makes the end of the connection a reset instead of an orderly close.
    pub(crate) fn reset_at_close(&self) {
        // If the system refuses, the connection is closed in order. The test then sees that.
        let _ = self.0.set_linger(Some(Duration::ZERO));
    }
}

/// Opens a listener at once, so that its port is known.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Serves each connection in a task. All of them end when the returned task is aborted.
pub(crate) fn serve<F, S>(listener: TcpListener, tls: Option<TlsAcceptor>, session: F) -> JoinHandle<()>
where
    F: Fn(Connection) -> S + Clone + Send + Sync + 'static,
    S: Future<Output = ()> + Send,
{
    tokio::spawn(async move {
        let mut sessions = JoinSet::new();
        loop {
            while sessions.try_join_next().is_some() {}
            let Ok((socket, _)) = listener.accept().await else {
                // Most likely the process has no file descriptor left. Wait until other connections are closed.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let (tls, session) = (tls.clone(), session.clone());
            sessions.spawn(async move {
                // A client that fails at TLS sees the failure itself.
                if let Ok(connection) = accept(socket, tls).await {
                    session(connection).await;
                }
            });
        }
    })
}

async fn accept(socket: TcpStream, tls: Option<TlsAcceptor>) -> io::Result<Connection> {
    socket.set_nodelay(true)?;
    let grip = Grip(Arc::new(SockRef::from(&socket).try_clone()?));
    let stream: Box<dyn Stream> = match tls {
        Some(acceptor) => Box::new(acceptor.accept(socket).await?),
        None => Box::new(socket),
    };
    Ok(Connection { stream, grip })
}
