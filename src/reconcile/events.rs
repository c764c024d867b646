//! Events, as `kubectl describe` shows them. An event that cannot be written changes nothing.

use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::sync::mpsc;

use crate::api::MANAGER;
use crate::cut::cut;
use crate::protocol::Reason;

/// How many events may wait. Beyond that they are dropped: no pass waits for an event.
const WAITING: usize = 256;
const DEADLINE: Duration = Duration::from_secs(5);

/// Writes events in the order in which they happened, beside the passes.
#[derive(Clone)]
pub struct Events(mpsc::Sender<(ObjectReference, Event)>);

impl Events {
    /// Starts the writer. It ends when the last handle is dropped and all is written.
    #[must_use]
    pub fn start(client: Client) -> (Self, tokio::task::JoinHandle<()>) {
        let (sender, mut receiver) = mpsc::channel::<(ObjectReference, Event)>(WAITING);
        let recorder = Recorder::new(
            client,
            Reporter { controller: MANAGER.to_owned(), instance: std::env::var("POD_NAME").ok() },
        );
        let writer = tokio::spawn(async move {
            while let Some((about, event)) = receiver.recv().await {
                match tokio::time::timeout(DEADLINE, recorder.publish(&event, &about)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => tracing::debug!(reason = event.reason, "the event was refused"),
                    Err(_) => tracing::debug!(reason = event.reason, "the event took too long"),
                }
            }
        });
        (Self(sender), writer)
    }

    /// Something went as it should.
    pub(crate) fn normal(&self, about: ObjectReference, reason: Reason, note: &str) {
        self.write(about, EventType::Normal, reason.as_str(), note);
    }

    /// Something needs attention.
    pub(crate) fn warning(&self, about: ObjectReference, reason: Reason, note: &str) {
        self.write(about, EventType::Warning, reason.as_str(), note);
    }

    fn write(&self, about: ObjectReference, type_: EventType, reason: &str, note: &str) {
        let event = Event {
            type_,
            reason: reason.to_owned(),
            // The API server refuses a note of more than 1 kB (*Event v1 events.k8s.io*, `note`) and an action of more
            // than 128.
            note: Some(cut(note, 1024)),
            // Events of the same action are counted as one. Two credentials that were created are not one event.
            action: cut(note, 128),
            secondary: None,
        };
        if self.0.try_send((about, event)).is_err() {
            tracing::debug!(reason, "an event was dropped: too many are waiting");
        }
    }
}
