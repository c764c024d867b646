//! Which calls go wrong, and how.

use serde::{Deserialize, Serialize};

use crate::operation::Operation;

/// A rule that makes calls go wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The operation it is about; any of IAM's when absent.
    #[serde(default)]
    pub operation: Option<Operation>,
    /// The IAM user it is about, or for a login the service user name; any when absent.
    #[serde(default)]
    pub user: Option<String>,
    /// The first call to go wrong, counted from 1 since the fault was set.
    #[serde(default = "one")]
    pub from: u64,
    /// How many calls go wrong; all that follow when absent.
    #[serde(default)]
    pub count: Option<u64>,
    /// Whether the call takes effect first. Cut and incomplete replies always do, late ones never.
    #[serde(default)]
    pub when: When,
    /// What happens to the call.
    pub kind: FaultKind,
}

/// Before or after the effect of the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Nothing has happened yet; except for a delay, nothing will.
    #[default]
    Before,
    /// The call has taken effect.
    After,
}

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// An error reply.
    Refuse {
        /// The HTTP status.
        status: u16,
        /// The error code.
        code: String,
        /// The message; empty when absent.
        #[serde(default)]
        message: String,
    },
    /// The call takes longer. It takes effect even if the client closes the connection meanwhile.
    Delay {
        /// How much longer.
        ms: u64,
    },
    /// The connection stays open and no reply ever comes.
    Hang,
    /// The connection is closed without a reply.
    Close,
    /// The connection is reset (TCP RST) without a reply.
    Reset,
    /// An error reply with IAM's `ServiceFailure`.
    Status {
        /// The HTTP status, 500 or 503.
        status: u16,
    },
    /// The connection is closed in the middle of the reply's body.
    CutBody {
        /// How many bytes of the body are sent; half of them when absent.
        #[serde(default)]
        at: Option<usize>,
    },
    /// The reply is complete as HTTP, and its XML ends early.
    CutXml {
        /// How many bytes of the XML are sent; half of them when absent.
        #[serde(default)]
        at: Option<usize>,
    },
    /// The reply lacks an element.
    DropField {
        /// The name of the element, such as `ServicePassword`.
        element: String,
    },
    /// The connection is closed now and the call takes effect later.
    Late {
        /// How much later, by the emulator's clock.
        ms: u64,
        /// Whether the connection hangs instead of being closed.
        #[serde(default)]
        hang: bool,
    },
}

/// A fault that is set, and its counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultStatus {
    /// The id to clear it by.
    pub id: u64,
    /// The rule.
    pub fault: Fault,
    /// How many calls matched it.
    pub seen: u64,
    /// How many calls it made go wrong.
    pub applied: u64,
}

/// All faults that are set.
#[derive(Default)]
pub(crate) struct Faults {
    set: Vec<FaultStatus>,
    last_id: u64,
}

impl Fault {
    /// The next call of `operation` goes wrong, before its effect.
    #[must_use]
    pub fn on(operation: Operation, kind: FaultKind) -> Self {
        Self { operation: Some(operation), ..Self::on_any(kind) }
    }

    /// The next call of any of IAM's operations goes wrong, before its effect.
    #[must_use]
    pub fn on_any(kind: FaultKind) -> Self {
        Self { operation: None, user: None, from: 1, count: Some(1), when: When::Before, kind }
    }

    /// Only calls for this user.
    #[must_use]
    pub fn of_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// The calls before the `nth` do not go wrong.
    #[must_use]
    pub fn from_nth(mut self, nth: u64) -> Self {
        self.from = nth;
        self
    }

    /// This many calls go wrong.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// All calls go wrong until the fault is cleared.
    #[must_use]
    pub fn for_ever(mut self) -> Self {
        self.count = None;
        self
    }

    /// The call takes effect and goes wrong then.
    #[must_use]
    pub fn after_effect(mut self) -> Self {
        self.when = When::After;
        self
    }

    fn matches(&self, operation: Operation, user: Option<&str>) -> bool {
        let operation_matches = self.operation.map_or(operation != Operation::Login, |wanted| wanted == operation);
        operation_matches && self.user.as_deref().is_none_or(|wanted| user == Some(wanted))
    }
}

impl FaultKind {
    /// Its name in the record of calls.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Refuse { .. } => "refuse",
            Self::Delay { .. } => "delay",
            Self::Hang => "hang",
            Self::Close => "close",
            Self::Reset => "reset",
            Self::Status { .. } => "status",
            Self::CutBody { .. } => "cut_body",
            Self::CutXml { .. } => "cut_xml",
            Self::DropField { .. } => "drop_field",
            Self::Late { .. } => "late",
        }
    }
}

impl Faults {
    pub(crate) fn set(&mut self, fault: Fault) -> u64 {
        self.last_id += 1;
        self.set.push(FaultStatus { id: self.last_id, fault, seen: 0, applied: 0 });
        self.last_id
    }

    pub(crate) fn clear(&mut self, id: u64) -> bool {
        let before = self.set.len();
        self.set.retain(|status| status.id != id);
        self.set.len() < before
    }

    pub(crate) fn clear_all(&mut self) {
        self.set.clear();
    }

    pub(crate) fn all(&self) -> &[FaultStatus] {
        &self.set
    }

    /// Counts a call in every fault that is about it. The first that is due acts on it.
    pub(crate) fn strike(&mut self, operation: Operation, user: Option<&str>) -> Option<Fault> {
        let mut acting = None;
        for status in &mut self.set {
            if !status.fault.matches(operation, user) {
                continue;
            }
            status.seen += 1;
            let past = status.seen.saturating_sub(status.fault.from);
            let due = status.seen >= status.fault.from && status.fault.count.is_none_or(|count| past < count);
            if due && acting.is_none() {
                status.applied += 1;
                acting = Some(status.fault.clone());
            }
        }
        acting
    }
}

fn one() -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_spares_the_calls_before_the_nth_and_ends_after_its_count() {
        let mut faults = Faults::default();
        faults.set(Fault::on(Operation::Create, FaultKind::Close).from_nth(2).times(2));
        let struck: Vec<_> = (0..5).map(|_| faults.strike(Operation::Create, None).is_some()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert!(faults.strike(Operation::List, None).is_none());
    }

    #[test]
    fn a_fault_on_any_operation_does_not_mean_the_login() {
        let mut faults = Faults::default();
        faults.set(Fault::on_any(FaultKind::Hang).for_ever());
        assert!(faults.strike(Operation::Login, None).is_none());
        assert!(faults.strike(Operation::List, None).is_some());
    }

    #[test]
    fn the_first_fault_acts_and_the_others_count() {
        let mut faults = Faults::default();
        faults.set(Fault::on_any(FaultKind::Hang));
        faults.set(Fault::on_any(FaultKind::Close).from_nth(2));
        assert_eq!(faults.strike(Operation::List, None).map(|f| f.kind), Some(FaultKind::Hang));
        assert_eq!(faults.strike(Operation::List, None).map(|f| f.kind), Some(FaultKind::Close));
    }
}
