//! Everything that the servers share, behind one lock. So a password works exactly while its credential is Active, and the
//! record has the order in which everything happened.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::clock::{Clock, later};
use crate::error::IamError;
use crate::faults::{Fault, FaultKind, Faults};
use crate::operation::Operation;
use crate::options::Options;
use crate::query::{Outcome, Request};
use crate::record::Record;
use crate::state::State;

/// The world, and a signal for those who wait for it to change.
pub(crate) struct Shared {
    world: Mutex<World>,
    changes: watch::Sender<()>,
}

pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) faults: Faults,
    pub(crate) record: Record,
    pub(crate) clock: Clock,
    access_keys: BTreeMap<String, String>,
    default_user: String,
    late: Vec<LateCall>,
}

struct LateCall {
    seq: u64,
    due: Option<Timestamp>,
    request: Request,
}

impl Shared {
    pub(crate) fn new(options: &Options) -> Result<Self, IamError> {
        let state = State::new(options.account.clone(), options.page_size, options.lag);
        let mut world = World {
            state,
            faults: Faults::default(),
            record: Record::default(),
            clock: Clock::default(),
            access_keys: options.access_keys.clone(),
            default_user: options.default_user.clone(),
            late: Vec::new(),
        };
        let now = world.clock.now();
        for name in [&options.default_user].into_iter().chain(&options.users) {
            if world.state.user(name).is_err() {
                world.state.create_user(name, now)?;
            }
        }
        Ok(Self { world: Mutex::new(world), changes: watch::Sender::new(()) })
    }

    /// Looks at the world as it is now.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&World, Timestamp) -> T) -> T {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let now = world.clock.now();
        world.land_late_calls(Some(now));
        look(&world, now)
    }

    /// Changes the world and notifies those who wait for a change.
    pub(crate) fn change<T>(&self, act: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let now = world.clock.now();
        world.land_late_calls(Some(now));
        let result = act(&mut world, now);
        drop(world);
        self.changes.send_replace(());
        result
    }

    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }
}

impl World {
    /// Records that a request has come, and returns the fault that applies to it.
    pub(crate) fn receive(&mut self, request: &Request, now: Timestamp) -> (u64, Option<Fault>) {
        let user = match request.operation {
            Operation::Create | Operation::CreateUser | Operation::DeleteUser => request.named_user(),
            _ => Some(request.named_user().unwrap_or_else(|| self.caller(request))),
        };
        let user = user.map(str::to_owned);
        let fault = self.faults.strike(request.operation, user.as_deref());
        let seq = self.record.add_call(request.operation, now);
        self.record.amend(seq, |call| {
            call.user = user;
            call.user_named = request.named_user().is_some();
            call.credential_id = request.credential_id().map(str::to_owned);
            call.access_key_id.clone_from(&request.access_key_id);
            call.fault = fault.as_ref().map(|fault| fault.kind.name().to_owned());
        });
        (seq, fault)
    }

    /// Lets a request take effect.
    pub(crate) fn apply(&mut self, seq: u64, request: &Request, now: Timestamp) -> Result<Outcome, IamError> {
        let caller = self.caller(request).to_owned();
        let result = request.perform(&mut self.state, &caller, now);
        self.record.amend(seq, |call| match &result {
            Ok(outcome) => {
                call.applied = true;
                if let Outcome::Issued(issued) = outcome {
                    call.credential_id = Some(issued.info.id.clone());
                }
            }
            Err(error) => call.error = Some(error.code().into()),
        });
        result
    }

    /// Lets a request take effect when `delay` has passed.
    pub(crate) fn postpone(&mut self, seq: u64, request: Request, delay: Duration, now: Timestamp) {
        self.late.push(LateCall { seq, due: later(now, delay), request });
    }

    /// Lets late calls take effect, each as of its own time: those due at `now`, or all of them.
    pub(crate) fn land_late_calls(&mut self, now: Option<Timestamp>) {
        let is_due = |call: &LateCall| now.is_none_or(|now| call.due.is_some_and(|due| due <= now));
        if !self.late.iter().any(is_due) {
            return;
        }
        let (mut due, waiting): (Vec<_>, Vec<_>) = self.late.drain(..).partition(is_due);
        self.late = waiting;
        due.sort_by_key(|call| (call.due, call.seq));
        let present = self.clock.now();
        for call in due {
            let at = call.due.map_or(present, |due| due.min(present));
            // No client gets the outcome. The record has it.
            let _ = self.apply(call.seq, &call.request, at);
        }
    }

    /// How many late calls have not taken effect yet.
    pub(crate) fn late_calls(&self) -> usize {
        self.late.len()
    }

    /// Tries a login, records it, and returns the fault that applies to it.
    pub(crate) fn log_in(&mut self, name: &str, password: &str, now: Timestamp) -> (bool, Option<FaultKind>) {
        let fault = self.faults.strike(Operation::Login, Some(name)).map(|fault| fault.kind);
        let spared = matches!(fault, None | Some(FaultKind::Delay { .. }));
        let id = self.state.login(name, password, now).filter(|_| spared).map(str::to_owned);
        let accepted = id.is_some();
        let fault_name = fault.as_ref().map(|kind| kind.name().to_owned());
        self.record.add_login(name, id, fault_name, now);
        (accepted, fault)
    }

    fn caller(&self, request: &Request) -> &str {
        let key = request.access_key_id.as_deref().unwrap_or_default();
        self.access_keys.get(key).unwrap_or(&self.default_user)
    }
}
