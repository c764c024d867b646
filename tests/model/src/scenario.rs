//! What a run may meet, and how far it goes.

use std::fmt;
use std::time::Duration;

use keyspaces_credential_protocol::{DeletionPolicy, ForeignPolicy, Strategy};

use crate::facts::Tick;
use crate::mutation::Mutation;

/// How many faults of each kind a run may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// A process dies and starts again.
    pub crashes: u8,
    /// A reply is lost (the call happened or not), a write meets a conflict.
    pub failures: u8,
    /// A call to IAM happens later than its reply was lost.
    pub late: u8,
    /// List is stale.
    pub stale: u8,
    /// Somebody outside acts.
    pub outside: u8,
    /// A process is overtaken by another in the middle of its pass.
    pub switches: u8,
}

/// What somebody outside may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outside {
    /// Sets a new value of the annotation.
    Rotate,
    /// Deletes the Secret.
    DeleteSecret,
    /// Edits the Secret's data.
    DamageSecret,
    /// Deletes the current credential in IAM.
    DeleteCredential,
    /// Makes a credential of his own in IAM.
    AddForeign,
    /// Deletes the resource.
    DeleteResource,
    /// Grants the IAM user to the resource's namespace.
    Grant,
    /// Takes the grant away.
    Withdraw,
    /// From now on the Secret's write is refused, as by a quota.
    RefuseSecret,
    /// Gives the Secret its other name in the spec.
    Rename,
    /// Suspends the resource, or lets it go on.
    Suspend,
}

/// Where a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The resource was just applied.
    Applied,
    /// It is Ready, and IAM shows it.
    Ready,
    /// It was rotated, and the replaced credential still works.
    Overlap,
}

/// A run.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent parts of the shell's contract, each breakable")]
pub struct Scenario {
    pub name: &'static str,
    pub resources: u8,
    /// Processes for each resource, fenced by nothing.
    pub replicas: u8,
    pub policy: DeletionPolicy,
    pub strategy: Strategy,
    pub foreign: ForeignPolicy,
    pub start: Start,
    pub budget: Budget,
    pub outside: &'static [Outside],
    /// The resources whose namespace is not granted the IAM user when the run begins.
    pub refused: &'static [u8],
    /// How many ticks may pass.
    pub ticks: Tick,
    /// The highest epoch.
    pub epochs: u8,
    pub consistency_window: Tick,
    pub hold: Tick,
    pub overlap: Tick,
    /// How long a replaced credential then stays, switched off.
    pub inactive_for: Tick,
    /// A process gives a pass up that is older than the consistency window before it sends Create or Reset.
    pub create_deadline: bool,
    /// Confirming a listing reads the Secret again, before the resource.
    pub reread_secret: bool,
    /// A write of the resource lands within the hold time of its decision or never.
    pub write_deadline: bool,
    /// Before a process deletes what it holds for a resource that is gone, it looks whether the Secret holds it.
    pub look_when_gone: bool,
    /// A window that is open counts as an operation to those who ask for the same IAM user.
    pub windows_contest: bool,
    /// The run ends after this time, complete or not.
    pub timeout: Option<Duration>,
    pub threads: usize,
    pub mutation: Option<Mutation>,
    /// The one property that is looked at; all of them if none.
    pub only: Option<&'static str>,
}

impl Scenario {
    /// Whether there is a moment in which some namespace is not granted the IAM user.
    pub(crate) fn knows_refusals(&self) -> bool {
        !self.refused.is_empty() || self.outside.contains(&Outside::Withdraw)
    }

    /// One process of one resource, and nothing goes wrong.
    pub fn quiet(name: &'static str, start: Start) -> Self {
        Self {
            name,
            resources: 1,
            replicas: 1,
            policy: DeletionPolicy::Delete,
            strategy: Strategy::Overlap,
            foreign: ForeignPolicy::Keep,
            start,
            budget: Budget::default(),
            outside: &[],
            refused: &[],
            ticks: 4,
            epochs: 6,
            consistency_window: 2,
            hold: 1,
            overlap: 2,
            inactive_for: 0,
            create_deadline: true,
            reread_secret: true,
            write_deadline: true,
            look_when_gone: true,
            windows_contest: true,
            timeout: None,
            threads: 2,
            mutation: None,
            only: None,
        }
    }
}

/// The bounds: what may go wrong, and how far it goes.
impl fmt::Display for Scenario {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Budget { crashes, failures, late, stale, outside, switches } = self.budget;
        let bounds = [
            ("resources", self.resources),
            ("replicas", self.replicas),
            ("crashes", crashes),
            ("failures", failures),
            ("late", late),
            ("stale", stale),
            ("outside", outside),
            ("switches", switches),
            ("ticks", self.ticks),
            ("epochs", self.epochs),
        ];
        let told = bounds.iter().filter(|(_, bound)| *bound > 0).map(|(name, bound)| format!("{name} {bound}"));
        formatter.write_str(&told.collect::<Vec<_>>().join(", "))
    }
}
