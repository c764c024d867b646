//! Which requests go wrong, and how.

use std::sync::Arc;
use std::time::Duration;

use keyspaces_emulator::When;
use serde_json::Value;
use tokio::sync::watch;

use super::record::{Request, Which};
use crate::world::PATIENCE;

/// A rule that makes requests go wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    which: Which,
    from: u64,
    count: Option<u64>,
    /// Whether the request is forwarded, and the reply to it received, before anything goes wrong.
    pub(super) when: When,
    pub(super) action: Action,
}

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum Action {
    /// A `Status` with this code takes the place of the reply.
    Refuse(u16),
    /// It takes longer. It takes effect even if the operator closes the connection meanwhile.
    Delay(Duration),
    /// The connection stays open and no reply ever comes.
    Hang,
    /// The connection is closed without a reply. After the effect, the reply is lost.
    Close,
    /// The connection is reset (TCP RST) without a reply.
    Reset,
    /// It waits for the test. It goes on even if the operator closes the connection meanwhile.
    Hold(Gate),
    /// The reply is this object instead of the API server's, for instance an older version, as from a stale read.
    Answer(Value),
    /// What a watch delivers waits for the test, from now on, also where the watch has begun before. Its connection stays open.
    Stall(Gate),
}

/// Where requests wait for the test. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    held: watch::Sender<usize>,
    verdict: watch::Sender<Option<Verdict>>,
}

/// What becomes of the requests at a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Release,
    Discard,
}

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(Inner { held: watch::Sender::new(0), verdict: watch::Sender::new(None) }))
    }
}

impl Gate {
    /// A gate that is shut.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until a request is held.
    pub async fn arrived(&self) {
        let mut held = self.0.held.subscribe();
        let arrived = tokio::time::timeout(PATIENCE, held.wait_for(|held| *held > 0)).await.is_ok();
        assert!(arrived, "no request came to the gate");
    }

    /// Lets all requests go on as if there were no gate, later ones too.
    pub fn release(&self) {
        self.0.verdict.send_replace(Some(Verdict::Release));
    }

    /// Drops all requests, and closes their connections, if they are still there. One that was held before its effect never has any.
    pub fn discard(&self) {
        self.0.verdict.send_replace(Some(Verdict::Discard));
    }

    pub(super) async fn pass(&self) -> Verdict {
        let mut verdict = self.0.verdict.subscribe();
        self.0.held.send_modify(|held| *held += 1);
        let verdict = verdict.wait_for(Option::is_some).await;
        verdict.ok().and_then(|verdict| *verdict).unwrap_or(Verdict::Discard)
    }
}

impl Fault {
    /// The next of these requests goes wrong, before its effect.
    #[must_use]
    pub fn on(which: Which, action: Action) -> Self {
        Self { which, from: 1, count: Some(1), when: When::Before, action }
    }

    /// The requests before the `nth` do not go wrong.
    #[must_use]
    pub fn from_nth(mut self, nth: u64) -> Self {
        self.from = nth;
        self
    }

    /// This many requests go wrong.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// All requests go wrong until the faults are cleared.
    #[must_use]
    pub fn for_ever(mut self) -> Self {
        self.count = None;
        self
    }

    /// The request takes effect and goes wrong then.
    #[must_use]
    pub fn after_effect(mut self) -> Self {
        self.when = When::After;
        self
    }

    /// The request goes wrong before or after its effect.
    #[must_use]
    pub fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }
}

impl Action {
    /// Its name in the record of requests.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Refuse(_) => "refuse",
            Self::Delay(_) => "delay",
            Self::Hang => "hang",
            Self::Close => "close",
            Self::Reset => "reset",
            Self::Hold(_) => "hold",
            Self::Answer(_) => "answer",
            Self::Stall(_) => "stall",
        }
    }
}

/// All faults that are set, each with the number of requests that it is about.
#[derive(Default)]
pub(super) struct Faults(Vec<(Fault, u64)>);

impl Faults {
    pub(super) fn set(&mut self, fault: Fault) {
        self.0.push((fault, 0));
    }

    pub(super) fn clear_all(&mut self) {
        self.0.clear();
    }

    /// Counts a request in every fault that is about it. The first that is due acts on it.
    pub(super) fn strike(&mut self, request: &Request) -> Option<Fault> {
        let mut acting = None;
        for (fault, seen) in self.0.iter_mut().filter(|(fault, _)| fault.which.matches(request)) {
            if matches!(fault.action, Action::Stall(_)) {
                continue;
            }
            *seen += 1;
            let past = seen.saturating_sub(fault.from);
            let due = *seen >= fault.from && fault.count.is_none_or(|count| past < count);
            if due && acting.is_none() {
                acting = Some(fault.clone());
            }
        }
        acting
    }

    /// The gate that holds back what a watch delivers, if there is one.
    pub(super) fn stall(&self, watch: &Request) -> Option<Gate> {
        self.0.iter().find_map(|(fault, _)| match &fault.action {
            Action::Stall(gate) if fault.which.matches(watch) => Some(gate.clone()),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_spares_the_requests_before_the_nth_and_ends_after_its_count() {
        let mut faults = Faults::default();
        faults.set(Fault::on(Which::writes().of("secrets"), Action::Close).from_nth(2).times(2));
        let write = Request::new("PUT", "/api/v1/namespaces/shop/secrets/orders", "", &[]);
        let read = Request::new("GET", "/api/v1/namespaces/shop/secrets/orders", "", &[]);
        let struck: Vec<bool> = (0..5).map(|_| faults.strike(&write).is_some()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert!(faults.strike(&read).is_none());
    }

    #[tokio::test]
    async fn a_gate_holds_until_it_is_released_and_is_open_then() {
        let gate = Gate::new();
        let held = tokio::spawn({
            let gate = gate.clone();
            async move { gate.pass().await }
        });
        gate.arrived().await;
        assert!(!held.is_finished());
        gate.release();
        assert_eq!(held.await.unwrap(), Verdict::Release);
        assert_eq!(gate.pass().await, Verdict::Release);
    }
}
