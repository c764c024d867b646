//! An HTTP server for the adapter's tests, with one scripted behaviour per request, and a count of what reached it.
//!
//! It reads each request to its end before it misbehaves. So "reached the server" means that IAM could have carried it out.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the server does with a request. Each is on a connection of its own.
#[derive(Clone)]
pub(super) enum Reply {
    /// Answers with this status and body.
    Answer(u16, String),
    /// Announces more bytes than it sends, then closes.
    ShortOfItsLength(String),
    /// Sends an answer without a length, which ends where the connection ends. HTTP cannot see that such an answer was cut.
    EndsWithConnection(String),
    /// Sends these bytes as the answer.
    Raw(String),
    /// Closes the connection without an answer.
    Close,
    /// Never answers.
    Hang,
}

/// The server. Its last behaviour is repeated, so that a client's retries would be seen.
pub(super) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) fn start(script: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(body) = read_request(&mut stream) else {
                    continue;
                };
                let turn = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(body);
                    seen.len() - 1
                };
                match &script[turn.min(script.len() - 1)] {
                    Reply::Hang => silent.push(stream),
                    // The client may have closed the connection, which is no failure of the server.
                    reply => drop(stream.write_all(reply.bytes().as_bytes())),
                }
            }
        });
        Self { address, requests }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The bodies of the requests so far.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Reply {
    fn bytes(&self) -> String {
        match self {
            Self::Answer(status, body) => format!(
                "HTTP/1.1 {status} Some Reason\r\nContent-Type: text/xml\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
            Self::ShortOfItsLength(body) => {
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len() + 100)
            }
            Self::EndsWithConnection(body) => format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}"),
            Self::Raw(bytes) => bytes.clone(),
            Self::Close | Self::Hang => String::new(),
        }
    }
}

/// Reads head and body, and returns the body; nothing if the client closed without a request.
fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.trim().parse().unwrap());
            if body.len() >= length {
                return Some(body.to_owned());
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}
