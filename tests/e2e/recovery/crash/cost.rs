//! What one more death may cost: how much more often than without it something is done.
//!
//! A death costs that what was under way is done once more. Where its outcome is unknown the attempt is taken over, so all
//! of an attempt is done once more, and what the former one may have left is looked for. The numbers are the smallest ones
//! that the protocol explains, and the test prints the greatest ones that it saw.

use keyspaces_emulator::Operation;

use super::effort::{Deed, How, Write};
use super::scenario::Scenario;

/// How much more often each kind of deed may be done for one death.
#[derive(Default)]
struct Cost {
    /// Patches of the resource: the finalizer.
    finalizers: usize,
    /// Writes of status.
    statuses: usize,
    /// Dry runs of writes of the Secret.
    dry_runs: usize,
    /// Writes of the whole Secret that are meant.
    publications: usize,
    /// Patches of the Secret: the fence.
    fences: usize,
    /// Deletions of a Secret.
    removals: usize,
    creates: usize,
    resets: usize,
    updates: usize,
    deletes: usize,
}

impl Cost {
    fn of(scenario: Scenario) -> Self {
        // A new credential: one attempt once more, and the leftover of the former one is deleted.
        let attempt = Self { dry_runs: 1, publications: 1, creates: 1, deletes: 1, ..Self::default() };
        match scenario {
            // Both slots are taken and there is no Secret that could be fenced. So four writes of status: the takeover; that it
            // waits until whoever holds a password has given up; that what is published before then does not count; and
            // when all is over, that nothing can show up any more.
            Scenario::Create => Self { finalizers: 1, statuses: 4, ..attempt },
            // As Create. What becomes of the replaced credential is sent once more.
            Scenario::Recover => Self { statuses: 4, updates: 1, ..attempt },
            // The fence makes the wait needless, and what is published before it loses. So two writes of status: the takeover,
            // and that nothing can show up any more.
            Scenario::Rotate => Self { statuses: 2, fences: 1, updates: 1, ..attempt },
            // Two attempts more: one that takes over, and one when the former reset can no longer land. So three writes of
            // status: the takeover; the intent of the last reset, and its end.
            Scenario::Reset => {
                Self { statuses: 3, dry_runs: 2, publications: 2, fences: 1, resets: 2, ..Self::default() }
            }
            // No attempt, for no password is made and IAM is not called: each step is done once more. With the move itself,
            // the announcement of the copy is, if it is older than the hold time when the next operator is there.
            Scenario::Move => Self { statuses: 2, dry_runs: 1, publications: 1, removals: 1, ..Self::default() },
            // What is deleted is deleted once more.
            Scenario::Delete => Self { finalizers: 1, deletes: 1, ..Self::default() },
            // The Secret is given away once more, or the finalizer taken off.
            Scenario::Retain => Self { finalizers: 1, publications: 1, ..Self::default() },
        }
    }

    fn covers(&self, deed: &Deed) -> usize {
        match deed {
            Deed::Write(Write { resource, how, .. }) => match (resource.as_str(), how) {
                ("keyspacescredentials", How::Part) => self.finalizers,
                ("keyspacescredentials/status", How::Whole) => self.statuses,
                ("secrets", How::DryRun) => self.dry_runs,
                ("secrets", How::Whole) => self.publications,
                ("secrets", How::Part) => self.fences,
                ("secrets", How::Delete) => self.removals,
                _ => 0,
            },
            Deed::Call(Operation::Create) => self.creates,
            Deed::Call(Operation::Reset) => self.resets,
            Deed::Call(Operation::Update) => self.updates,
            Deed::Call(Operation::Delete) => self.deletes,
            Deed::Call(_) => 0,
        }
    }
}

impl Scenario {
    /// How much more often than without a fault something may be done for one death.
    pub(super) fn cost(self, deed: &Deed) -> usize {
        Cost::of(self).covers(deed)
    }
}
