//! What becomes of a request to IAM: its effect, its reply, and what a fault makes of the two.

use std::sync::Arc;
use std::time::Duration;

use crate::error::IamError;
use crate::faults::{Fault, FaultKind, When};
use crate::query::{Outcome, Request};
use crate::world::Shared;
use crate::{random, xml};

/// What the server does with the connection.
pub(crate) enum Answer {
    /// Send a reply.
    Reply(Reply),
    /// Send the head of a reply and this many bytes of its body, then close.
    CutReply(Reply, usize),
    /// Close without a reply.
    Close,
    /// Reset without a reply.
    Reset,
    /// Keep the connection open without a reply.
    Hang,
}

/// A complete reply.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) request_id: String,
    pub(crate) body: String,
}

/// A request and its place in the record.
#[derive(Clone)]
struct Received {
    shared: Arc<Shared>,
    seq: u64,
    request: Request,
}

/// Receives a request, carries it out, and answers it as the faults allow.
pub(crate) async fn answer(shared: &Arc<Shared>, request: Request) -> Answer {
    let (seq, fault) = shared.change(|world, now| world.receive(&request, now));
    let received = Received { shared: Arc::clone(shared), seq, request };
    let Some(fault) = fault else {
        let reply = received.carry_out();
        return received.send(reply);
    };
    received.suffer(fault).await
}

impl Received {
    async fn suffer(self, fault: Fault) -> Answer {
        let effect_first = fault.when == When::After;
        match fault.kind {
            FaultKind::Delay { ms } => {
                let reply = self.delay(Duration::from_millis(ms), effect_first).await;
                self.send(reply)
            }
            FaultKind::Refuse { status, code, message } => {
                self.apply_if(effect_first);
                self.send(refusal(status, &code, &message))
            }
            FaultKind::Status { status } => {
                self.apply_if(effect_first);
                self.send(refusal(
                    status,
                    "ServiceFailure",
                    "The request processing has failed because of an unknown error, exception or failure.",
                ))
            }
            FaultKind::Hang => {
                self.apply_if(effect_first);
                self.give_up(Answer::Hang)
            }
            FaultKind::Close => {
                self.apply_if(effect_first);
                self.give_up(Answer::Close)
            }
            FaultKind::Reset => {
                self.apply_if(effect_first);
                self.give_up(Answer::Reset)
            }
            FaultKind::CutBody { at } => {
                let reply = self.carry_out();
                let length = at.unwrap_or(reply.body.len() / 2).min(reply.body.len());
                self.note_reply(&reply);
                Answer::CutReply(reply, length)
            }
            FaultKind::CutXml { at } => {
                let mut reply = self.carry_out();
                let length = at.unwrap_or(reply.body.len() / 2);
                reply.body = reply.body.chars().take(length).collect();
                self.send(reply)
            }
            FaultKind::DropField { element } => {
                let mut reply = self.carry_out();
                reply.body = xml::without(&reply.body, &element);
                self.send(reply)
            }
            FaultKind::Late { ms, hang } => {
                let delay = Duration::from_millis(ms);
                self.shared.change(|world, now| {
                    world.postpone(self.seq, self.request.clone(), delay, now);
                });
                self.give_up(if hang { Answer::Hang } else { Answer::Close })
            }
        }
    }

    /// Waits before or after the effect. The effect is a task of its own, so that it happens even if the client closes the
    /// connection.
    async fn delay(&self, delay: Duration, effect_first: bool) -> Reply {
        if effect_first {
            let reply = self.carry_out();
            tokio::time::sleep(delay).await;
            return reply;
        }
        let delayed = self.clone();
        let task = tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            delayed.carry_out()
        });
        task.await.unwrap_or_else(|_| refusal(500, "ServiceFailure", "The emulator stops."))
    }

    fn carry_out(&self) -> Reply {
        let result = self.apply();
        let request_id = random::uuid();
        let (status, body) = match result {
            Ok(outcome) => (200, xml::reply(&self.request.action, &outcome, &request_id)),
            Err(error) => {
                let body = xml::error(error.status(), error.code(), &error.to_string(), &request_id);
                (error.status(), body)
            }
        };
        Reply { status, request_id, body }
    }

    fn apply(&self) -> Result<Outcome, IamError> {
        self.shared.change(|world, now| world.apply(self.seq, &self.request, now))
    }

    fn apply_if(&self, effect_first: bool) {
        if effect_first {
            // The client gets the fault and not the outcome. The record has both.
            let _ = self.apply();
        }
    }

    fn send(&self, reply: Reply) -> Answer {
        self.note_reply(&reply);
        Answer::Reply(reply)
    }

    fn note_reply(&self, reply: &Reply) {
        let code = error_code(&reply.body).map(str::to_owned);
        self.shared.change(|world, _| {
            world.record.amend(self.seq, |call| {
                call.status = Some(reply.status);
                call.error = code.or(call.error.take());
                call.done = true;
            });
        });
    }

    fn give_up(&self, answer: Answer) -> Answer {
        self.shared.change(|world, _| world.record.amend(self.seq, |call| call.done = true));
        answer
    }
}

fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let request_id = random::uuid();
    let body = xml::error(status, code, message, &request_id);
    Reply { status, request_id, body }
}

fn error_code(body: &str) -> Option<&str> {
    let rest = body.split_once("<Code>")?.1;
    Some(rest.split_once("</Code>")?.0)
}
