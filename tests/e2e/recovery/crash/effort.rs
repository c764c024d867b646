//! Counts what the operators of a world did, object by object.

use std::collections::BTreeMap;

use keyspaces_emulator::Operation;
use kit::proxy::{Request, Verb, Which};
use kit::world::World;

/// The calls of IAM that change something.
pub(super) const CALLS: [Operation; 4] = [Operation::Create, Operation::Reset, Operation::Update, Operation::Delete];

/// The effects of operators, each kind of them in its order. Reads and events are none.
#[derive(Clone, Debug)]
pub(super) struct Effort {
    writes: Vec<Write>,
    calls: Vec<Operation>,
}

/// A kind of write of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Write {
    /// The plural of the kind, with the subresource: `secrets`, `keyspacescredentials/status`.
    pub(super) resource: String,
    name: String,
    pub(super) how: How,
}

/// What a write does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    DryRun,
    /// A create or a replacement: which of them it is depends on how far an earlier attempt came.
    Whole,
    /// A patch.
    Part,
    Delete,
}

/// An effect that can be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Write(Write),
    Call(Operation),
}

impl Write {
    fn of(request: &Request) -> Self {
        let how = match request.verb {
            _ if request.dry_run => How::DryRun,
            Verb::Patch => How::Part,
            Verb::Delete => How::Delete,
            _ => How::Whole,
        };
        Self { resource: request.resource.clone(), name: request.name.clone().unwrap_or_default(), how }
    }
}

impl std::fmt::Display for Deed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Write(Write { resource, name, how }) => write!(formatter, "{how:?} {resource} {name}"),
            Self::Call(operation) => write!(formatter, "IAM {operation:?}"),
        }
    }
}

impl Effort {
    /// All of the operators of a world so far.
    pub(super) fn so_far(world: &World) -> Self {
        let calls = world.iam.calls().into_iter().map(|call| call.operation);
        Self {
            writes: world.proxy().requests_that(&Which::effects()).iter().map(Write::of).collect(),
            calls: calls.filter(|operation| CALLS.contains(operation)).collect(),
        }
    }

    pub(super) fn since(&self, earlier: &Self) -> Self {
        Self { writes: self.writes[earlier.writes.len()..].to_vec(), calls: self.calls[earlier.calls.len()..].to_vec() }
    }

    pub(super) fn writes(&self) -> usize {
        self.writes.len()
    }

    pub(super) fn calls_of(&self, operation: Operation) -> usize {
        self.calls.iter().filter(|call| **call == operation).count()
    }

    fn deeds(&self) -> impl Iterator<Item = Deed> {
        let calls = self.calls.iter().copied().map(Deed::Call);
        self.writes.iter().cloned().map(Deed::Write).chain(calls)
    }

    /// How often each deed was done.
    pub(super) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        self.deeds().for_each(|deed| *counts.entry(deed.to_string()).or_default() += 1);
        counts
    }

    /// What was done more often than in `faultless`, and how much more often.
    pub(super) fn beyond(&self, faultless: &Self) -> Vec<(Deed, usize)> {
        let mut beyond: Vec<(Deed, usize)> = Vec::new();
        for deed in self.deeds() {
            let count = |effort: &Self| effort.deeds().filter(|other| *other == deed).count();
            let more = count(self).saturating_sub(count(faultless));
            if more > 0 && beyond.iter().all(|(known, _)| *known != deed) {
                beyond.push((deed, more));
            }
        }
        beyond
    }

    /// Whether an effect is one that this run, which had no fault, has as well. A patch counts as well if this run writes the
    /// object in any way. Every call counts, since a call touches no object but the IAM user, and there is only one.
    pub(super) fn has_place_for(&self, deed: &Deed) -> bool {
        match deed {
            Deed::Write(Write { resource, name, how: How::Part }) => {
                self.writes.iter().any(|write| write.resource == *resource && write.name == *name)
            }
            Deed::Write(write) => self.writes.contains(write),
            Deed::Call(_) => true,
        }
    }
}
