//! The connections: reads a request, forwards it, and does what a fault asks for.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, BodyStream, Full, StreamBody};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Response, StatusCode};
use hyper_util::rt::TokioIo;
use keyspaces_emulator::When;
use serde_json::{Value, json};
use socket2::{SockRef, Socket};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Shared;
use super::faults::{Action, Fault, Verdict};
use super::record::{Request, Verb};

/// A body that is passed on as it comes, so that a watch streams.
type Body = UnsyncBoxBody<Bytes, kube::Error>;

/// What the proxy does with a connection.
enum Answer {
    Reply(Response<Body>),
    Hang,
    Close,
    Reset,
}

/// Serves each connection in a task. All of them end with this one.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut sessions = JoinSet::new();
    loop {
        while sessions.try_join_next().is_some() {}
        let Ok((socket, _)) = listener.accept().await else {
            // Most likely the process has no file descriptor left. Wait until other connections are closed.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let shared = Arc::clone(&shared);
        // An error means that a fault asked for it, or that the operator closed the connection.
        sessions.spawn(async move { session(shared, socket).await });
    }
}

async fn session(shared: Arc<Shared>, socket: TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    // A second handle of the socket, for faults at the level of TCP.
    let grip = Arc::new(SockRef::from(&socket).try_clone()?);
    let service = service_fn(move |request| act_out(Arc::clone(&shared), Arc::clone(&grip), request));
    http1::Builder::new().serve_connection(TokioIo::new(socket), service).await.map_err(io::Error::other)
}

async fn act_out(
    shared: Arc<Shared>,
    grip: Arc<Socket>,
    request: hyper::Request<Incoming>,
) -> io::Result<Response<Body>> {
    let (head, incoming) = request.into_parts();
    let bytes = incoming.collect().await.map_err(io::Error::other)?.to_bytes();
    let seen = Request::new(head.method.as_str(), head.uri.path(), head.uri.query().unwrap_or_default(), &bytes);
    let (seq, fault) = shared.change(|state| {
        state.sent.extend_from_slice(head.uri.to_string().as_bytes());
        // Only real writes of Secrets may contain a password, so everything else is kept for the search.
        if seen.resource != "secrets" || seen.dry_run {
            state.sent.extend_from_slice(&bytes);
        }
        let fault = state.faults.strike(&seen);
        let seq = state.record.add(Request { fault: fault.as_ref().map(|fault| fault.action.name()), ..seen.clone() });
        (seq, fault)
    });
    let exchange = Exchange { shared, seen: Request { seq, ..seen }, head, bytes };
    // This is a task of its own: a request that was sent takes effect, whether or not the operator still waits for it.
    let answer = tokio::spawn(exchange.answer(fault)).await.unwrap_or(Answer::Close);
    match answer {
        Answer::Reply(reply) => Ok(reply),
        // The server drops a connection whose service fails.
        Answer::Close => Err(io::ErrorKind::ConnectionAborted.into()),
        Answer::Reset => {
            // If the system refuses, the connection is closed in order. The test then sees that.
            let _ = grip.set_linger(Some(Duration::ZERO));
            Err(io::ErrorKind::ConnectionReset.into())
        }
        Answer::Hang => std::future::pending().await,
    }
}

/// A request and its place in the record.
struct Exchange {
    shared: Arc<Shared>,
    seen: Request,
    head: hyper::http::request::Parts,
    bytes: Bytes,
}

impl Exchange {
    async fn answer(self, fault: Option<Fault>) -> Answer {
        let answer = match fault {
            None => self.forward().await,
            Some(fault) if fault.when == When::After => {
                let reply = self.forward().await;
                match self.suffer(fault.action).await {
                    Some(answer) => answer,
                    None => reply,
                }
            }
            Some(fault) => match self.suffer(fault.action).await {
                Some(answer) => answer,
                None => self.forward().await,
            },
        };
        if let Answer::Reply(reply) = &answer {
            let status = reply.status().as_u16();
            self.shared.change(|state| state.record.amend(self.seen.seq, |request| request.status = Some(status)));
        }
        answer
    }

    /// What takes the place of the reply, if anything does.
    async fn suffer(&self, action: Action) -> Option<Answer> {
        match action {
            Action::Refuse(code) => Some(Answer::Reply(refusal(code))),
            Action::Answer(object) => Some(Answer::Reply(reply(StatusCode::OK, &object))),
            Action::Delay(time) => {
                tokio::time::sleep(time).await;
                None
            }
            Action::Hang => Some(Answer::Hang),
            Action::Close => Some(Answer::Close),
            Action::Reset => Some(Answer::Reset),
            // It concerns only what comes after the reply has begun.
            Action::Stall(_) => None,
            Action::Hold(gate) => (gate.pass().await == Verdict::Discard).then_some(Answer::Close),
        }
    }

    async fn forward(&self) -> Answer {
        let path = self.head.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = hyper::Request::new(kube::client::Body::from(self.bytes.to_vec()));
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = path.parse().expect("it was parsed before");
        *request.headers_mut() = end_to_end(self.head.headers.clone());
        let Ok(reply) = self.shared.upstream.send(request).await else {
            // The operator would see the same if there were no API server.
            return Answer::Close;
        };
        let effect = reply.status().as_u16();
        self.shared.change(|state| state.record.amend(self.seen.seq, |request| request.effect = Some(effect)));
        let (mut head, body) = reply.into_parts();
        head.headers = end_to_end(head.headers);
        let body = match self.seen.verb {
            Verb::Watch => delivered(Arc::clone(&self.shared), self.seen.clone(), body),
            _ => body.boxed_unsync(),
        };
        Answer::Reply(Response::from_parts(head, body))
    }
}

/// What a watch delivers, piece by piece. Each one waits while the watch is stalled.
fn delivered(shared: Arc<Shared>, watch: Request, body: kube::client::Body) -> Body {
    let pieces = BodyStream::new(body).then(move |piece| {
        let stall = shared.read(|state| state.faults.stall(&watch));
        async move {
            if let Some(gate) = stall {
                gate.pass().await;
            }
            piece
        }
    });
    StreamBody::new(pieces).boxed_unsync()
}

/// Removes the headers that are only for one hop.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in [HOST, CONNECTION, TRANSFER_ENCODING, CONTENT_LENGTH] {
        headers.remove(name);
    }
    headers
}

/// An error as the API server sends it.
fn refusal(code: u16) -> Response<Body> {
    let reason = match code {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        410 => "Expired",
        422 => "Invalid",
        429 => "TooManyRequests",
        500 => "InternalError",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "",
    };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "a test wants it so", "reason": reason, "code": code,
    });
    reply(StatusCode::from_u16(code).expect("an HTTP status"), &status)
}

fn reply(status: StatusCode, object: &Value) -> Response<Body> {
    let body = Full::new(Bytes::from(object.to_string())).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
