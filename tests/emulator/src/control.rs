//! The control interface: the methods of [`Handle`] over HTTP, with JSON bodies.

use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::IamError;
use crate::faults::Fault;
use crate::handle::Handle;
use crate::http::{self, ReplyBody};
use crate::options::Lag;
use crate::server::Connection;

/// A reply before it is turned into HTTP.
enum Reply {
    Json(Value),
    Text(String),
    Done,
}

/// Why a request was not carried out.
enum Refusal {
    FindPath,
    ReadBody(String),
    Iam(IamError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewName {
    new_name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCredential {
    user: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewStatus {
    status: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    service_user_name: String,
    password: String,
}

/// A field that is left out keeps its value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    list_new_lag: Option<Span>,
    list_deleted_lag: Option<Span>,
    login_lag: Option<Span>,
    page_size: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    stopped: Option<bool>,
    #[serde(default)]
    advance_ms: u64,
}

/// Milliseconds, or `"for_ever"`.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
enum Span {
    Milliseconds(u64),
    Endless(Endless),
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Endless {
    ForEver,
}

/// Serves the control interface on a connection.
pub(crate) async fn session(handle: Handle, ca_pem: String, connection: Connection) {
    let handler = |request| respond(handle.clone(), ca_pem.clone(), request);
    http::plain(connection, handler).await;
}

async fn respond(handle: Handle, ca_pem: String, request: Request<Incoming>) -> Response<ReplyBody> {
    let (head, incoming) = request.into_parts();
    let result = match http::body(incoming).await {
        Ok(body) => route(&handle, &ca_pem, &head.method, head.uri.path(), head.uri.query(), &body),
        Err(error) => Err(Refusal::ReadBody(error.to_string())),
    };
    let (status, content_type, text) = match result {
        Ok(Reply::Json(value)) => (StatusCode::OK, "application/json", value.to_string()),
        Ok(Reply::Text(text)) => (StatusCode::OK, "text/plain", text),
        Ok(Reply::Done) => (StatusCode::NO_CONTENT, "application/json", String::new()),
        Err(refusal) => {
            let (status, value) = refusal.describe();
            (status, "application/json", value.to_string())
        }
    };
    let mut response = Response::new(ReplyBody::whole(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn route(
    handle: &Handle,
    ca_pem: &str,
    method: &Method,
    path: &str,
    query: Option<&str>,
    body: &[u8],
) -> Result<Reply, Refusal> {
    let path: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (method.as_str(), path.as_slice()) {
        ("GET", ["healthz"]) => Ok(Reply::Text("ok".into())),
        ("GET", ["ca.pem"]) => Ok(Reply::Text(ca_pem.into())),
        ("GET", ["state"]) => Ok(Reply::Json(json!({
            "users": handle.users(),
            "credentials": handle.credentials(),
            "late_calls": handle.late_calls(),
        }))),
        ("POST", ["users"]) => {
            let new: NewUser = read(body)?;
            to_json(&handle.create_user(&new.name)?)
        }
        ("POST", ["users", name, "rename"]) => {
            let new: NewName = read(body)?;
            done(handle.rename_user(name, &new.new_name))
        }
        ("DELETE", ["users", name]) if query == Some("force=true") => done(handle.force_delete_user(name)),
        ("DELETE", ["users", name]) => done(handle.delete_user(name)),
        ("POST", ["credentials"]) => {
            let new: NewCredential = read(body)?;
            let issued = handle.create_credential(&new.user)?;
            let (info, password) = (issued.info, issued.password);
            Ok(Reply::Json(json!({ "credential": info, "password": password.expose() })))
        }
        ("PUT", ["credentials", id, "status"]) => {
            let new: NewStatus = read(body)?;
            done(handle.set_status(id, &new.status))
        }
        ("DELETE", ["credentials", id]) => done(handle.delete_credential(id)),
        ("POST", ["verify"]) => {
            let pair: Pair = read(body)?;
            let id = handle.verify(&pair.service_user_name, &pair.password);
            Ok(Reply::Json(json!({ "credential_id": id })))
        }
        ("POST", ["leaks"]) => Ok(Reply::Json(json!({ "credential_ids": handle.leaks(body) }))),
        ("GET", ["calls"]) => to_json(&handle.calls()),
        ("GET", ["logins"]) => to_json(&handle.logins()),
        ("DELETE", ["calls"]) => Ok(finish(|| handle.clear_calls())),
        ("GET", ["faults"]) => to_json(&handle.faults()),
        ("POST", ["faults"]) => {
            let fault: Fault = read(body)?;
            Ok(Reply::Json(json!({ "id": handle.set_fault(fault) })))
        }
        ("DELETE", ["faults"]) => Ok(finish(|| handle.clear_faults())),
        ("DELETE", ["faults", id]) => match id.parse() {
            Ok(id) if handle.clear_fault(id) => Ok(Reply::Done),
            _ => Err(Refusal::FindPath),
        },
        ("POST", ["late", "land"]) => Ok(finish(|| handle.land_late_calls())),
        ("GET", ["settings"]) => Ok(settings(handle)),
        ("PATCH", ["settings"]) => {
            change_settings(handle, &read(body)?);
            Ok(settings(handle))
        }
        ("POST", ["clock"]) => {
            change_clock(handle, &read(body)?);
            Ok(Reply::Done)
        }
        _ => Err(Refusal::FindPath),
    }
}

fn settings(handle: &Handle) -> Reply {
    let lag = handle.lag();
    Reply::Json(json!({
        "list_new_lag": Span::from(lag.list_new),
        "list_deleted_lag": Span::from(lag.list_deleted),
        "login_lag": Span::from(lag.login),
        "page_size": handle.page_size(),
    }))
}

fn change_settings(handle: &Handle, settings: &Settings) {
    let old = handle.lag();
    handle.set_lag(Lag {
        list_new: settings.list_new_lag.map_or(old.list_new, Duration::from),
        list_deleted: settings.list_deleted_lag.map_or(old.list_deleted, Duration::from),
        login: settings.login_lag.map_or(old.login, Duration::from),
    });
    if let Some(page_size) = settings.page_size {
        handle.set_page_size(page_size);
    }
}

fn change_clock(handle: &Handle, change: &ClockChange) {
    match change.stopped {
        Some(true) => handle.stop_clock(),
        Some(false) => handle.start_clock(),
        None => {}
    }
    handle.advance_clock(Duration::from_millis(change.advance_ms));
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        match span {
            Span::Milliseconds(ms) => Self::from_millis(ms),
            Span::Endless(Endless::ForEver) => Self::MAX,
        }
    }
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        match u64::try_from(duration.as_millis()) {
            Ok(ms) => Self::Milliseconds(ms),
            Err(_) => Self::Endless(Endless::ForEver),
        }
    }
}

impl From<IamError> for Refusal {
    fn from(error: IamError) -> Self {
        Self::Iam(error)
    }
}

impl Refusal {
    fn describe(&self) -> (StatusCode, Value) {
        match self {
            Self::FindPath => (StatusCode::NOT_FOUND, json!({ "code": "NotFound" })),
            Self::ReadBody(message) => (StatusCode::BAD_REQUEST, json!({ "code": "BadRequest", "message": message })),
            Self::Iam(error) => (
                StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST),
                json!({ "code": error.code(), "message": error.to_string() }),
            ),
        }
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::ReadBody(error.to_string()))
}

fn to_json<T: Serialize>(value: &T) -> Result<Reply, Refusal> {
    let value = serde_json::to_value(value);
    value.map(Reply::Json).map_err(|error| Refusal::ReadBody(error.to_string()))
}

fn done(result: Result<(), IamError>) -> Result<Reply, Refusal> {
    Ok(result.map(|()| Reply::Done)?)
}

fn finish(act: impl FnOnce()) -> Reply {
    act();
    Reply::Done
}
