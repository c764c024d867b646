//! What one more crash may cost: how much more often than without it something is done.
//!
//! After a crash, the next operator repeats what was under way. If the outcome of the attempt is unknown, it takes the attempt
//! over: it repeats the whole attempt, and looks for what the former attempt may have left. The numbers are the smallest ones
//! that the protocol explains. The test prints the greatest ones that it saw.

use keyspaces_emulator::Operation;

use super::effort::{Deed, How, Write};
use super::scenario::Scenario;

/// How much more often each kind of effect may happen per crash.
#[derive(Default)]
struct Cost {
    /// Patches of the resource: the finalizer.
    finalizers: usize,
    /// Writes of status.
    statuses: usize,
    /// Dry runs of writes of the Secret.
    dry_runs: usize,
    /// Real writes of the whole Secret, not dry runs.
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
        // For a new credential: one more attempt, and a Delete of the leftover of the former one.
        let attempt = Self { dry_runs: 1, publications: 1, creates: 1, deletes: 1, ..Self::default() };
        match scenario {
            // Both slots are taken, and there is no Secret that could be fenced. So there are four writes of status. The first
            // records the takeover. The second records that the operator waits until every holder of a password has given it
            // up. The third records that what they publish before then does not count. The last records, when all is over, that
            // nothing can show up any more.
            Scenario::Create => Self { finalizers: 1, statuses: 4, ..attempt },
            // As for Create. The call that switches the replaced credential off is repeated too.
            Scenario::Recover => Self { statuses: 4, updates: 1, ..attempt },
            // With a fence there is no wait, and a publication of the former attempt loses. So there are two writes of status:
            // one records the takeover, the other one that nothing can show up any more.
            Scenario::Rotate => Self { statuses: 2, fences: 1, updates: 1, ..attempt },
            // Two more attempts: one takes over, and one follows when the former reset can no longer take effect. So there are
            // three writes of status: the takeover, the intent of the last reset, and its end.
            Scenario::Reset => {
                Self { statuses: 3, dry_runs: 2, publications: 2, fences: 1, resets: 2, ..Self::default() }
            }
            // There is no attempt, since no password is made and IAM is not called: each step is repeated once. The record of
            // the copy is repeated along with the record of the move, if it is older than the hold time when the next operator
            // starts.
            Scenario::Move => Self { statuses: 2, dry_runs: 1, publications: 1, removals: 1, ..Self::default() },
            // The Delete in IAM, or the removal of the finalizer, is repeated.
            Scenario::Delete => Self { finalizers: 1, deletes: 1, ..Self::default() },
            // Either the release of the Secret or the removal of the finalizer is repeated.
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
    /// How much more often than without a fault an effect may happen per crash.
    pub(super) fn cost(self, deed: &Deed) -> usize {
        Cost::of(self).covers(deed)
    }
}
