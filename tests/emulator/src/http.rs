//! HTTP, and how the server carries an answer out on a connection.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;

use crate::act::{Answer, Reply, answer};
use crate::query::Request;
use crate::server::{Connection, Grip};
use crate::world::Shared;

const LONGEST_REQUEST: usize = 1 << 20;

/// A body that may end too early.
pub(crate) struct ReplyBody {
    bytes: Option<Bytes>,
    cut: Cut,
}

#[derive(Clone, Copy)]
enum Cut {
    No,
    AfterBytes,
    /// End it now: what was written before has been flushed.
    Now,
}

/// Serves IAM on a connection.
pub(crate) async fn iam(shared: Arc<Shared>, connection: Connection) {
    let Connection { stream, grip } = connection;
    let service = service_fn(move |request| {
        let (shared, grip) = (Arc::clone(&shared), grip.clone());
        async move {
            let request = read(request).await?;
            act_out(answer(&shared, request).await, &grip).await
        }
    });
    // An error means that a fault asked for it, or that the client closed the connection.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// The whole body of a request.
pub(crate) async fn body(incoming: Incoming) -> io::Result<Bytes> {
    let body = Limited::new(incoming, LONGEST_REQUEST).collect().await;
    Ok(body.map_err(io::Error::other)?.to_bytes())
}

async fn read(request: hyper::Request<Incoming>) -> io::Result<Request> {
    let (head, incoming) = request.into_parts();
    let authorization = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let form = body(incoming).await?;
    // The protocol also allows a GET with all parameters in the URL.
    let query = head.uri.query().unwrap_or_default().as_bytes();
    Ok(Request::parse(if form.is_empty() { query } else { &form }, authorization))
}

async fn act_out(answer: Answer, grip: &Grip) -> io::Result<Response<ReplyBody>> {
    match answer {
        Answer::Reply(reply) => {
            let length = reply.body.len();
            Ok(response(reply, length, Cut::No))
        }
        Answer::CutReply(reply, length) => Ok(response(reply, length, Cut::AfterBytes)),
        // The server drops a connection whose service fails.
        Answer::Close => Err(io::ErrorKind::ConnectionAborted.into()),
        Answer::Reset => {
            grip.reset_at_close();
            Err(io::ErrorKind::ConnectionReset.into())
        }
        Answer::Hang => std::future::pending().await,
    }
}

fn response(reply: Reply, length: usize, cut: Cut) -> Response<ReplyBody> {
    let announced = reply.body.len();
    let bytes = Bytes::from(reply.body).slice(..length);
    let mut response = Response::new(ReplyBody { bytes: Some(bytes), cut });
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(announced));
    if let Ok(id) = HeaderValue::try_from(reply.request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

impl ReplyBody {
    /// A body that does not end early.
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: Some(bytes.into()), cut: Cut::No }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(bytes) = self.bytes.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match self.cut {
            Cut::No => Poll::Ready(None),
            Cut::AfterBytes => {
                // An error now would discard what is not flushed yet. The server flushes while the body is pending, so return
                // Pending first.
                self.cut = Cut::Now;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Cut::Now => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.bytes.as_ref().and_then(|bytes| u64::try_from(bytes.len()).ok());
        match self.cut {
            Cut::No => SizeHint::with_exact(length.unwrap_or(0)),
            // The announced length is not the true one.
            Cut::AfterBytes | Cut::Now => SizeHint::default(),
        }
    }
}

/// A handler that cannot fail, served over HTTP.
pub(crate) async fn plain<F, S>(connection: Connection, handler: F)
where
    F: Fn(hyper::Request<Incoming>) -> S,
    S: Future<Output = Response<ReplyBody>>,
{
    let service = service_fn(|request| {
        let reply = handler(request);
        async move { Ok::<_, Infallible>(reply.await) }
    });
    // An error means that the client closed the connection.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(connection.stream), service).await;
}
