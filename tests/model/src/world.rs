//! The state of everything: IAM, the API server, the processes, and what is on its way between them.

use keyspaces_credential_protocol as protocol;
use protocol::ForeignPolicy;

use crate::facts::{Id, Ids, Issued, Listing, Means, Memory, Name, Object, Secret, Tick, Version, one};
use crate::scenario::{Budget, Scenario};

/// A credential in IAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Credential {
    pub(crate) id: Id,
    pub(crate) created: Tick,
    /// The resource whose process created it; a human did if none.
    pub(crate) owner: Option<u8>,
    /// Its present password.
    pub(crate) version: Version,
    /// That password is of an attempt that was no longer the present one when IAM reset it.
    pub(crate) stray: bool,
    /// It is switched off.
    pub(crate) inactive: bool,
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
    /// It lands before a time or never.
    Reset {
        id: Id,
        epoch: u8,
        before: Tick,
    },
}

/// One `KeyspacesCredential` and its Secrets, one of each name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owned {
    /// None once it is gone.
    pub(crate) object: Option<Object>,
    /// Its namespace is granted the IAM user.
    pub(crate) granted: bool,
    pub(crate) secrets: [Option<Secret>; 2],
    /// What was current and retiring when the resource went.
    pub(crate) kept: Ids,
}

impl Owned {
    /// The Secrets of the resource, and those that it was to leave behind.
    pub(crate) fn all_secrets(&self) -> impl Iterator<Item = Secret> {
        self.secrets.into_iter().flatten()
    }
}

/// A Secret as it was read or written in a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    /// None: there is none.
    pub(crate) secret: Option<Secret>,
    /// It has not changed since: a write with the resourceVersion that was read succeeds.
    pub(crate) fresh: bool,
}

/// What one pass knows.
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
    pub(crate) secrets: [Option<Seen>; 2],
    /// The wanted Secret was written in this pass.
    pub(crate) copied: bool,
    pub(crate) listing: Option<Listing>,
    pub(crate) deleted: Ids,
    pub(crate) deactivated: Ids,
    /// The first of the step's two requests was made.
    pub(crate) halfway: bool,
}

impl Pass {
    /// A pass that has read the resource and nothing else.
    pub(crate) fn begun(object: Object, now: Tick) -> Self {
        Self {
            object,
            fresh: true,
            read_at: now,
            decided_at: now,
            granted: None,
            claim: None,
            secrets: [None; 2],
            copied: false,
            listing: None,
            deleted: 0,
            deactivated: 0,
            halfway: false,
        }
    }
}

/// A credential whose password this process alone knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Held {
    pub(crate) credential: Issued,
    pub(crate) version: Version,
    pub(crate) since: Tick,
    /// The Secret that it is to be published to.
    pub(crate) secret_name: Name,
}

/// One process of the operator, reconciling one resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    pub(crate) resource: u8,
    pub(crate) memory: Memory,
    /// Held for as long as the memory says that it is in hand.
    pub(crate) held: Option<Held>,
    pub(crate) pass: Option<Pass>,
    /// When it looks again without being called. 0: at once.
    pub(crate) wake: Option<Tick>,
}

impl Process {
    /// A process that was just started.
    pub(crate) fn started(resource: u8) -> Self {
        Self { resource, memory: Memory::default(), held: None, pass: None, wake: Some(0) }
    }
}

/// Harm that we did, which no later state would show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Harm {
    /// We deleted a credential that a human made and that was not ours to delete.
    ForeignDeleted,
    /// We deleted the credential that the record calls current, and the resource is not being deleted.
    CurrentDeleted,
    /// We created a credential although its publication would be refused.
    CreatedInVain,
    /// We began to replace a Secret that held the current credential, as if it were lost.
    NeedlesslyReplaced,
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
    /// A human deleted or damaged a Secret.
    pub(crate) secret_lost: bool,
    pub(crate) harm: Option<Harm>,
}

impl World {
    /// A world in which every resource was just applied.
    pub(crate) fn applied(scenario: &Scenario) -> Self {
        let owned = |resource| Owned {
            object: Some(Object::default()),
            granted: !scenario.refused.contains(&resource),
            secrets: [None; 2],
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
                .flat_map(|resource| (0..scenario.replicas).map(move |_| Process::started(resource)))
                .collect(),
            budget: scenario.budget,
            last: None,
            refuses_secret: false,
            destroyed_outside: 0,
            secret_lost: false,
            harm: None,
        }
    }

    /// The resource goes, for no finalizer keeps it, and the garbage collector takes the Secrets that it controls. Every process is
    /// told.
    pub(crate) fn collect(&mut self, resource: u8) {
        let owned = &mut self.owned[usize::from(resource)];
        let Some(object) = owned.object.take_if(|object| object.deleting && !object.finalizer) else {
            return;
        };
        owned.secrets = owned.secrets.map(|secret| secret.filter(|secret| !secret.ours));
        owned.kept = object.record.known();
        self.resource_changed(resource, None);
        self.secret_changed(resource, 0, None);
        self.secret_changed(resource, 1, None);
    }

    /// IAM makes a credential, if a slot is free.
    pub(crate) fn create(&mut self, owner: Option<u8>) -> Option<Issued> {
        if self.iam.len() >= 2 {
            return None;
        }
        let credential =
            Credential { id: self.next_id, created: self.now, owner, version: 0, stray: false, inactive: false };
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

    /// IAM gives a credential of ours another password, if it has it.
    pub(crate) fn reset(&mut self, id: Id, epoch: u8) -> Option<Credential> {
        let present = |object: &Object| {
            let open = object.record.operation.as_ref();
            open.is_some_and(|open| open.means == Means::Reset(id) && open.epoch == epoch)
        };
        let stray = !self.owned.iter().filter_map(|owned| owned.object.as_ref()).any(present);
        let credential = self.iam.iter_mut().find(|credential| credential.id == id)?;
        credential.version += 1;
        credential.stray = stray;
        Some(*credential)
    }

    /// One of our processes has IAM delete a credential.
    pub(crate) fn delete_by_us(&mut self, id: Id, foreign: ForeignPolicy) {
        let Some(credential) = self.iam.iter().find(|credential| credential.id == id) else {
            return;
        };
        let older = |other: &Credential| other.owner.is_none() && other.created < credential.created;
        if credential.owner.is_none() && (foreign == ForeignPolicy::Keep || self.iam.iter().any(older)) {
            self.harm = Some(Harm::ForeignDeleted);
        }
        let current = |object: &Object| !object.deleting && object.record.current.is_some_and(|one| one.id == id);
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

    /// The Secret of this name was written by `writer`, or by somebody outside.
    pub(crate) fn secret_changed(&mut self, resource: u8, name: Name, writer: Option<usize>) {
        for (index, process) in self.processes.iter_mut().enumerate() {
            if process.resource == resource && Some(index) != writer {
                process.wake = Some(0);
                if let Some(pass) = &mut process.pass {
                    pass.secrets[usize::from(name)].iter_mut().for_each(|seen| seen.fresh = false);
                }
            }
        }
    }

    /// Time passes. What is over by then is forgotten, so that states that differ in nothing else are one.
    pub(crate) fn advance(&mut self, to: Tick, consistency_window: Tick) {
        self.now = to;
        self.ghosts.retain(|(_, gone)| to < gone + consistency_window);
        self.flying.retain(|call| match call {
            Flying::Create { before, .. } | Flying::Reset { before, .. } => to < *before,
            Flying::Delete { .. } => true,
        });
        for process in &mut self.processes {
            if process.wake.is_some_and(|wake| wake <= to) {
                process.wake = Some(0);
            }
        }
    }

    /// A reply of List. A stale one misses what is younger than the consistency window and shows what went within it.
    pub(crate) fn list(&self, stale: bool, consistency_window: Tick) -> Listing {
        let young = |credential: &&Credential| {
            stale && credential.owner.is_some() && self.now < credential.created + consistency_window
        };
        let issued = |credential: &Credential| Issued { id: credential.id, at: credential.created };
        let mut shown: Vec<Issued> = self.iam.iter().filter(|one| !young(one)).map(issued).collect();
        if stale {
            shown.extend(self.ghosts.iter().map(|(credential, _)| issued(credential)));
        }
        shown.sort_by_key(|issued| issued.id);
        let off = self.iam.iter().filter(|credential| credential.inactive);
        Listing {
            shown,
            inactive: off.map(|credential| one(credential.id)).sum(),
            taken_at: self.now,
            confirmed: false,
        }
    }

    /// The ids that IAM has.
    pub(crate) fn ids(&self) -> Ids {
        self.iam.iter().map(|credential| one(credential.id)).sum()
    }
}
