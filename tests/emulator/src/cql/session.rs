//! One connection: from OPTIONS to the login, and then system queries.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::frame::{Code, Reader, Reply, Request, VERSION, request};
use super::query::Select;
use super::tables::Node;
use crate::faults::FaultKind;
use crate::server::Connection;
use crate::world::Shared;

const AUTHENTICATOR: &str = "org.apache.cassandra.auth.PasswordAuthenticator";
const COMPRESSED: u8 = 0x01;

struct Session {
    shared: Arc<Shared>,
    node: Node,
    stage: Stage,
    prepared: HashMap<Vec<u8>, String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Started,
    LoggedIn,
}

/// What to do with the connection.
enum Answer {
    Reply(Reply),
    ReplyAndClose(Reply),
    Close,
    Reset,
    Hang,
}

/// Serves one connection to its end.
pub(crate) async fn session(shared: Arc<Shared>, node: Node, mut connection: Connection) {
    let session = Session { shared, node, stage: Stage::New, prepared: HashMap::new() };
    // An error means that the client closed the connection, or does not use this protocol.
    let _ = session.run(&mut connection).await;
}

impl Session {
    async fn run(mut self, connection: &mut Connection) -> io::Result<()> {
        while let Some(request) = Request::read(&mut connection.stream).await? {
            let stream = request.stream;
            match self.answer(&request).await {
                Answer::Reply(reply) => reply.write(&mut connection.stream, stream).await?,
                Answer::ReplyAndClose(reply) => {
                    return reply.write(&mut connection.stream, stream).await;
                }
                Answer::Close => return Ok(()),
                Answer::Reset => {
                    connection.grip.reset_at_close();
                    return Ok(());
                }
                // Goes on reading, so that the session ends when the client closes the connection.
                Answer::Hang => while Request::read(&mut connection.stream).await?.is_some() {},
            }
        }
        Ok(())
    }

    async fn answer(&mut self, frame: &Request) -> Answer {
        if frame.version != VERSION {
            let message = "Invalid or unsupported protocol version; the supported version is 4";
            return Answer::ReplyAndClose(Reply::error(Code::Protocol, message));
        }
        if frame.flags & COMPRESSED != 0 {
            return Answer::Reply(Reply::error(Code::Protocol, "Compression was not agreed on"));
        }
        match (frame.opcode, self.stage) {
            (request::OPTIONS, _) => Answer::Reply(Reply::supported(&[
                ("CQL_VERSION", &["3.4.4"]),
                ("COMPRESSION", &[]),
                ("PROTOCOL_VERSIONS", &["3/v3", "4/v4"]),
            ])),
            (request::STARTUP, Stage::New) => {
                self.stage = Stage::Started;
                Answer::Reply(Reply::authenticate(AUTHENTICATOR))
            }
            (request::AUTH_RESPONSE, Stage::Started) => self.log_in(&frame.body).await,
            (request::REGISTER, Stage::LoggedIn) => Answer::Reply(Reply::ready()),
            (request::QUERY, Stage::LoggedIn) => Answer::Reply(self.query(&frame.body)),
            (request::PREPARE, Stage::LoggedIn) => Answer::Reply(self.prepare(&frame.body)),
            (request::EXECUTE, Stage::LoggedIn) => Answer::Reply(self.execute(&frame.body)),
            _ => Answer::Reply(Reply::error(Code::Protocol, "Unexpected message")),
        }
    }

    async fn log_in(&mut self, body: &[u8]) -> Answer {
        let token = Reader(body).bytes().unwrap_or_default();
        let mut parts = token.splitn(3, |byte| *byte == 0).map(std::str::from_utf8);
        let (Some(Ok(_)), Some(Ok(name)), Some(Ok(password))) = (parts.next(), parts.next(), parts.next()) else {
            let message = "Password authentication needs a user name and a password";
            return Answer::ReplyAndClose(Reply::error(Code::Protocol, message));
        };
        let (accepted, fault) = self.shared.change(|world, now| world.log_in(name, password, now));
        match fault {
            None => self.conclude_login(accepted),
            Some(FaultKind::Delay { ms }) => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                self.conclude_login(accepted)
            }
            Some(FaultKind::Refuse { message, .. }) => {
                Answer::ReplyAndClose(Reply::error(Code::BadCredentials, &message))
            }
            Some(FaultKind::Status { .. }) => {
                Answer::ReplyAndClose(Reply::error(Code::Server, "Internal server error"))
            }
            Some(FaultKind::Hang) => Answer::Hang,
            Some(FaultKind::Reset) => Answer::Reset,
            Some(_) => Answer::Close,
        }
    }

    fn conclude_login(&mut self, accepted: bool) -> Answer {
        if accepted {
            self.stage = Stage::LoggedIn;
            return Answer::Reply(Reply::auth_success());
        }
        let message = "Provided username and/or password are incorrect";
        Answer::ReplyAndClose(Reply::error(Code::BadCredentials, message))
    }

    fn query(&self, body: &[u8]) -> Reply {
        match Reader(body).long_string() {
            Some(statement) => self.rows(statement),
            None => Reply::error(Code::Protocol, "The query cannot be read"),
        }
    }

    fn prepare(&mut self, body: &[u8]) -> Reply {
        let Some(statement) = Reader(body).long_string() else {
            return Reply::error(Code::Protocol, "The query cannot be read");
        };
        match Select::parse(statement) {
            Ok(select) => {
                // Any id works that is the same for the same statement.
                let id = statement.as_bytes().to_vec();
                let reply = select.prepared(&id);
                self.prepared.insert(id, statement.into());
                reply
            }
            Err(error) => error,
        }
    }

    fn execute(&self, body: &[u8]) -> Reply {
        let id = Reader(body).short_bytes().unwrap_or_default();
        match self.prepared.get(id) {
            Some(statement) => self.rows(statement),
            None => Reply::unprepared(id),
        }
    }

    fn rows(&self, statement: &str) -> Reply {
        match Select::parse(statement) {
            Ok(select) => select.rows(&self.node),
            Err(error) => error,
        }
    }
}
