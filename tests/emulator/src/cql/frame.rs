//! Frames of the native protocol, version 4.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The version of the protocol.
pub(super) const VERSION: u8 = 4;
const REPLY: u8 = 0x80;
const LONGEST_BODY: u32 = 1 << 20;

/// What a request is.
pub(super) mod request {
    pub(crate) const STARTUP: u8 = 0x01;
    pub(crate) const OPTIONS: u8 = 0x05;
    pub(crate) const QUERY: u8 = 0x07;
    pub(crate) const PREPARE: u8 = 0x09;
    pub(crate) const EXECUTE: u8 = 0x0A;
    pub(crate) const REGISTER: u8 = 0x0B;
    pub(crate) const AUTH_RESPONSE: u8 = 0x0F;
}

const ERROR: u8 = 0x00;
const READY: u8 = 0x02;
const AUTHENTICATE: u8 = 0x03;
const SUPPORTED: u8 = 0x06;
const RESULT: u8 = 0x08;
const AUTH_SUCCESS: u8 = 0x10;

/// A request.
pub(super) struct Request {
    pub(super) version: u8,
    pub(super) flags: u8,
    pub(super) stream: [u8; 2],
    pub(super) opcode: u8,
    pub(super) body: Vec<u8>,
}

/// A reply without its stream.
pub(super) struct Reply {
    opcode: u8,
    body: Writer,
}

/// Codes of error replies.
#[derive(Clone, Copy)]
pub(super) enum Code {
    Server = 0x0000,
    Protocol = 0x000A,
    BadCredentials = 0x0100,
    Unauthorized = 0x2100,
    Invalid = 0x2200,
    Syntax = 0x2000,
    Unprepared = 0x2500,
}

/// The body of a frame, as it is written.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

/// The body of a frame, as it is read.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Request {
    /// Reads a frame; `None` at the end of the stream.
    pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let mut head = [0; 9];
        match stream.read_exact(&mut head).await {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let [version, flags, stream_high, stream_low, opcode, length @ ..] = head;
        let length = u32::from_be_bytes(length);
        if length > LONGEST_BODY {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut body = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        stream.read_exact(&mut body).await?;
        Ok(Some(Self { version, flags, stream: [stream_high, stream_low], opcode, body }))
    }
}

impl Reply {
    pub(super) fn error(code: Code, message: &str) -> Self {
        let mut body = Writer::default();
        body.int(code as i32).string(message);
        Self { opcode: ERROR, body }
    }

    /// The error for a statement id that this connection did not prepare.
    pub(super) fn unprepared(id: &[u8]) -> Self {
        let mut reply = Self::error(Code::Unprepared, "Prepared query not found");
        reply.body.short_bytes(id);
        reply
    }

    pub(super) fn ready() -> Self {
        Self { opcode: READY, body: Writer::default() }
    }

    pub(super) fn authenticate(class: &str) -> Self {
        let mut body = Writer::default();
        body.string(class);
        Self { opcode: AUTHENTICATE, body }
    }

    pub(super) fn auth_success() -> Self {
        let mut body = Writer::default();
        body.int(-1);
        Self { opcode: AUTH_SUCCESS, body }
    }

    pub(super) fn supported(options: &[(&str, &[&str])]) -> Self {
        let mut body = Writer::default();
        body.short(options.len());
        for (name, values) in options {
            body.string(name).short(values.len());
            for value in *values {
                body.string(value);
            }
        }
        Self { opcode: SUPPORTED, body }
    }

    pub(super) fn result(body: Writer) -> Self {
        Self { opcode: RESULT, body }
    }

    /// Writes the reply to a request of this stream.
    pub(super) async fn write(self, to: &mut (impl AsyncWrite + Unpin), stream: [u8; 2]) -> io::Result<()> {
        let length = u32::try_from(self.body.0.len()).map_err(io::Error::other)?;
        let mut frame = vec![REPLY | VERSION, 0, stream[0], stream[1], self.opcode];
        frame.extend(length.to_be_bytes());
        frame.extend(self.body.0);
        to.write_all(&frame).await?;
        to.flush().await
    }
}

impl Writer {
    pub(super) fn int(&mut self, value: i32) -> &mut Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// A number of things; there are never more than fit.
    pub(super) fn count(&mut self, value: usize) -> &mut Self {
        self.int(i32::try_from(value).unwrap_or(i32::MAX))
    }

    pub(super) fn short(&mut self, value: usize) -> &mut Self {
        self.0.extend(u16::try_from(value).unwrap_or(u16::MAX).to_be_bytes());
        self
    }

    pub(super) fn string(&mut self, text: &str) -> &mut Self {
        self.short_bytes(text.as_bytes())
    }

    pub(super) fn short_bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.short(bytes.len());
        self.0.extend(bytes);
        self
    }

    /// A value of a column; `None` is null.
    pub(super) fn value(&mut self, value: Option<&[u8]>) -> &mut Self {
        match value {
            Some(bytes) => {
                self.count(bytes.len());
                self.0.extend(bytes);
            }
            None => {
                self.int(-1);
            }
        }
        self
    }

    pub(super) fn append(&mut self, other: &Self) -> &mut Self {
        self.0.extend(&other.0);
        self
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn short_bytes(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_be_bytes(self.take(2)?.try_into().ok()?);
        self.take(length.into())
    }

    /// Bytes with an `int` for their length; null is `None`.
    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = i32::from_be_bytes(self.take(4)?.try_into().ok()?);
        self.take(usize::try_from(length).ok()?)
    }

    pub(super) fn long_string(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }
}
