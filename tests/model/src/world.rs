//! The state of everything: IAM, the API server, the processes, and what is on its way between them.

use keyspaces_credential_protocol as protocol;

use crate::facts::{Id, Ids, Issued, Listing, Memory, Object, Secret, Tick, one};
use crate::scenario::{Budget, Scenario};

/// A credential in IAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Credential {
    pub(crate) id: Id,
    pub(crate) created: Tick,
    /// The resource whose process created it; a human did if none.
    pub(crate) owner: Option<u8>,
}

/// A call that IAM accepted and has not performed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Flying {
    /// It lands before a time or never.
    Create {
        before: Tick,
        owner: u8,
    },
    Delete {
        id: Id,
    },
}

/// One `KeyspacesCredential` and its Secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owned {
    /// None once it is gone.
    pub(crate) object: Option<Object>,
    /// Its namespace is granted the IAM user.
    pub(crate) granted: bool,
    pub(crate) secret: Option<Secret>,
    /// What was current and retiring when the resource went.
    pub(crate) kept: Ids,
}

/// What a pass has read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pass {
    pub(crate) object: Object,
    /// The resource has not changed since: a write with the resourceVersion that was read succeeds.
    pub(crate) fresh: bool,
    /// When the API server last told that this is the resource.
    pub(crate) read_at: Tick,
    /// The time that `decide` was given. The step may be performed much later.
    pub(crate) decided_at: Tick,
    pub(crate) granted: Option<bool>,
    pub(crate) claim: Option<protocol::Claim>,
    /// None: not read. Some(None): read, and there is none.
    #[expect(clippy::option_option, reason = "`decide` tells the two apart as well")]
    pub(crate) secret: Option<Option<Secret>>,
    /// The Secret has not changed since.
    pub(crate) secret_fresh: bool,
    pub(crate) listing: Option<Listing>,
    pub(crate) removed: Ids,
}

/// One process of the operator, reconciling one resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    pub(crate) resource: u8,
    pub(crate) memory: Memory,
    pub(crate) pass: Option<Pass>,
    /// When it looks again without being called. 0: at once.
    pub(crate) wake: Option<Tick>,
}

/// Harm that we did, which no later state would show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Harm {
    /// We deleted a credential that a human made.
    ForeignDeleted,
    /// We deleted the credential that status calls current, and the resource is not being deleted.
    CurrentDeleted,
    /// We created a credential although its publication would be refused.
    CreatedInVain,
    /// We began to replace a Secret that held the current credential, as if it were lost.
    HealthyReplaced,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) now: Tick,
    pub(crate) iam: Vec<Credential>,
    /// What List may still show, and since when it is gone.
    pub(crate) ghosts: Vec<(Credential, Tick)>,
    pub(crate) next_id: Id,
    pub(crate) flying: Vec<Flying>,
    pub(crate) owned: Vec<Owned>,
    pub(crate) processes: Vec<Process>,
    pub(crate) budget: Budget,
    /// The process that went last, if it is in the middle of a pass.
    pub(crate) last: Option<u8>,
    /// The Secret's write is refused.
    pub(crate) refuses_secret: bool,
    /// What a human deleted.
    pub(crate) destroyed_outside: Ids,
    pub(crate) harm: Option<Harm>,
}

impl World {
    /// A world in which every resource was just applied.
    pub(crate) fn applied(scenario: &Scenario) -> Self {
        let process = |resource| Process { resource, memory: Memory::default(), pass: None, wake: Some(0) };
        let owned = |resource| Owned {
            object: Some(Object::default()),
            granted: !scenario.refused.contains(&resource),
            secret: None,
            kept: 0,
        };
        Self {
            now: 0,
            iam: Vec::new(),
            ghosts: Vec::new(),
            next_id: 1,
            flying: Vec::new(),
            owned: (0..scenario.resources).map(owned).collect(),
            processes: (0..scenario.resources)
                .flat_map(|resource| (0..scenario.replicas).map(move |_| process(resource)))
                .collect(),
            budget: scenario.budget,
            last: None,
            refuses_secret: false,
            destroyed_outside: 0,
            harm: None,
        }
    }

    /// The resource goes, for no finalizer keeps it, and the garbage collector takes the Secret that it controls.
    pub(crate) fn collect(&mut self, resource: u8, writer: Option<usize>) {
        let owned = &mut self.owned[usize::from(resource)];
        let Some(object) = owned.object.take_if(|object| object.deleting && !object.finalizer) else {
            return;
        };
        owned.secret = owned.secret.filter(|secret| !secret.ours);
        let recorded = object.recorded;
        owned.kept = [recorded.credential, recorded.retiring].into_iter().flatten().map(|issued| one(issued.id)).sum();
        self.resource_changed(resource, writer);
        self.secret_changed(resource, writer);
    }

    /// IAM makes a credential, if a slot is free.
    pub(crate) fn create(&mut self, owner: Option<u8>) -> Option<Issued> {
        if self.iam.len() >= 2 {
            return None;
        }
        let credential = Credential { id: self.next_id, created: self.now, owner };
        self.next_id += 1;
        self.iam.push(credential);
        Some(Issued { id: credential.id, at: credential.created })
    }

    /// IAM deletes a credential, if it has it.
    pub(crate) fn delete(&mut self, id: Id) {
        if let Some(position) = self.iam.iter().position(|credential| credential.id == id) {
            let credential = self.iam.remove(position);
            self.ghosts.push((credential, self.now));
        }
    }

    /// One of our processes has IAM delete a credential.
    pub(crate) fn delete_by_us(&mut self, id: Id) {
        let Some(credential) = self.iam.iter().find(|credential| credential.id == id) else {
            return;
        };
        if credential.owner.is_none() {
            self.harm = Some(Harm::ForeignDeleted);
        }
        let current = |object: &Object| !object.deleting && object.recorded.credential.is_some_and(|one| one.id == id);
        if self.owned.iter().filter_map(|owned| owned.object.as_ref()).any(current) {
            self.harm = Some(Harm::CurrentDeleted);
        }
        self.delete(id);
    }

    /// The resource was written by `writer`, or by somebody outside.
    pub(crate) fn resource_changed(&mut self, resource: u8, writer: Option<usize>) {
        for (index, process) in self.processes.iter_mut().enumerate() {
            if process.resource == resource && Some(index) != writer {
                process.wake = Some(0);
                if let Some(pass) = &mut process.pass {
                    pass.fresh = false;
                }
            }
        }
    }

    /// The annotation of the resource's namespace was edited.
    pub(crate) fn grant_changed(&mut self, resource: u8) {
        for process in self.processes.iter_mut().filter(|process| process.resource == resource) {
            process.wake = Some(0);
        }
    }

    /// The Secret was written by `writer`, or by somebody outside.
    pub(crate) fn secret_changed(&mut self, resource: u8, writer: Option<usize>) {
        for (index, process) in self.processes.iter_mut().enumerate() {
            if process.resource == resource && Some(index) != writer {
                process.wake = Some(0);
                if let Some(pass) = &mut process.pass {
                    pass.secret_fresh = false;
                }
            }
        }
    }

    /// Time passes. What is over by then is forgotten, so that states that differ in nothing else are one.
    pub(crate) fn advance(&mut self, to: Tick, settle: Tick) {
        self.now = to;
        self.ghosts.retain(|(_, gone)| to < gone + settle);
        self.flying.retain(|call| match call {
            Flying::Create { before, .. } => to < *before,
            Flying::Delete { .. } => true,
        });
        for process in &mut self.processes {
            if process.wake.is_some_and(|wake| wake <= to) {
                process.wake = Some(0);
            }
        }
    }

    /// A reply of List. A stale one misses what is younger than the settle time and shows what went within it.
    pub(crate) fn list(&self, stale: bool, settle: Tick) -> Listing {
        let young =
            |credential: &&Credential| stale && credential.owner.is_some() && self.now < credential.created + settle;
        let issued = |credential: &Credential| Issued { id: credential.id, at: credential.created };
        let mut shown: Vec<Issued> = self.iam.iter().filter(|one| !young(one)).map(issued).collect();
        if stale {
            shown.extend(self.ghosts.iter().map(|(credential, _)| issued(credential)));
        }
        shown.sort_by_key(|issued| issued.id);
        Listing { shown, taken_at: self.now, secret_seen: false, confirmed: false }
    }

    /// The ids that IAM has.
    pub(crate) fn ids(&self) -> Ids {
        self.iam.iter().map(|credential| one(credential.id)).sum()
    }
}
