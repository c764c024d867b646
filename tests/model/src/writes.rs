//! Requests to the API server, each fenced by the resourceVersion that the pass has read.

use keyspaces_credential_protocol as protocol;
use protocol::{Change, Outcome, Purpose, Update};

use crate::facts::{Name, Object, Published, Record, Secret, Tick, secret_out};
use crate::mutation::Mutation;
use crate::shell::{CONFLICT, Fault, Interruption, NO_REPLY, Request};
use crate::world::{Harm, Owned, Seen};

impl Request<'_> {
    /// The resource of this process, and its Secrets.
    pub(crate) fn owned(&mut self) -> &mut Owned {
        &mut self.world.owned[usize::from(self.world.processes[self.me].resource)]
    }

    /// One write of the resource with the resourceVersion that this pass knows.
    pub(crate) fn write_resource(&mut self, change: impl FnOnce(&mut Object)) -> Outcome {
        // The request's deadline: a decision that was made long ago is not written any more.
        let late = self.scenario.write_deadline && self.world.now >= self.pass.decided_at + self.scenario.hold;
        let may = self.arrives() && self.pass.fresh && !late;
        let written = self.owned().object.as_mut().filter(|_| may).map(change);
        if written.is_some() {
            self.pass.read_at = self.world.now;
            self.world.resource_changed(self.world.processes[self.me].resource, Some(self.me));
        }
        self.learned(written.map(|()| Outcome::Done))
    }

    /// One write of the record.
    pub(crate) fn record(&mut self, update: &Update) -> Outcome {
        let unwritten = self.breaks(Mutation::NoIntent) && matches!(update.change, Change::Begin | Change::TakeOver);
        let needless = update.change == Change::Begin && self.replaces_needlessly(update);
        let outcome = if unwritten {
            Outcome::Done
        } else {
            self.write_resource(|object| object.record = Record::of(&update.record))
        };
        if needless && outcome == Outcome::Done {
            self.world.harm = Some(Harm::NeedlesslyReplaced);
        }
        outcome
    }

    /// The Secret is taken for lost, and it holds the current credential.
    fn replaces_needlessly(&mut self, update: &Update) -> bool {
        let Some(operation) = update.record.operation.as_ref().filter(|one| one.purpose == Purpose::SecretLost) else {
            return false;
        };
        let name = crate::facts::secret_number(&operation.secret_name);
        let published = self.owned().secrets[usize::from(name)].and_then(|secret| secret.published);
        published.map(|published| published.credential) == self.pass.object.record.current
    }

    pub(crate) fn read_secret(&mut self, name: Name) -> Outcome {
        let found = self.owned().secrets[usize::from(name)].filter(|_| self.fault != Some(Fault::Lost));
        self.see(name, found)
    }

    /// One write of the Secret of the credential, with the resourceVersion that this pass knows.
    pub(crate) fn write_secret(&mut self, change: impl FnOnce(&mut Secret)) -> Outcome {
        let name = self.pass.object.secret_name();
        let may = self.arrives() && self.is_as_seen(name) && !self.world.refuses_secret;
        let written = self.owned().secrets[usize::from(name)].filter(|_| may).map(|mut secret| {
            change(&mut secret);
            self.put(name, Some(secret))
        });
        self.learned(written)
    }

    /// The credential in hand into the Secret.
    pub(crate) fn publish(&mut self, epoch: u8) -> Outcome {
        let Some(held) = self.world.processes[self.me].held else {
            return CONFLICT;
        };
        let published = Published { credential: held.credential, version: held.version, epoch };
        self.write_whole(self.pass.object.secret_name(), held.since, published, epoch)
    }

    /// The Secret's own credential into the wanted Secret.
    pub(crate) fn copy(&mut self) -> Outcome {
        let (from, to) = (self.pass.object.secret_name(), self.pass.object.wanted_secret);
        let Some(published) = self.seen(from).and_then(|secret| secret.published) else {
            return CONFLICT;
        };
        // Higher than before, so that the write is one.
        let fence = self.seen(to).map_or(published.epoch, |there| there.fence.max(published.epoch) + 1);
        self.write_whole(to, self.pass.decided_at, published, fence)
    }

    /// One write of a whole Secret, with the resourceVersion that this pass knows. Where it must not exist, no resourceVersion
    /// protects it, so the request's deadline is inside the hold time.
    fn write_whole(&mut self, name: Name, since: Tick, published: Published, fence: u8) -> Outcome {
        let in_time = self.seen(name).is_some() || self.world.now < since + self.scenario.hold;
        let fenced = (self.is_as_seen(name) && in_time) || self.breaks(Mutation::PublishUnfenced);
        let accepted = self.owned().object.is_some() && !self.world.refuses_secret;
        let secret = Secret { ours: true, published: Some(published), fence };
        let written = (self.arrives() && fenced && accepted).then(|| self.put(name, Some(secret)));
        self.learned(written)
    }

    /// GET the Secret, then, as another request, the resource. Both must be as this pass knows them.
    pub(crate) fn confirm(&mut self) -> Result<Outcome, Interruption> {
        if self.scenario.reread_secret && !self.pass.halfway {
            self.pass.halfway = self.is_as_seen(self.pass.object.secret_name());
            return if self.pass.halfway { Err(Interruption::Halfway) } else { Ok(Outcome::Changed) };
        }
        self.pass.read_at = self.world.now;
        Ok(if self.pass.fresh { Outcome::Done } else { Outcome::Changed })
    }

    /// GET the resource, which must not have changed, then, as another request, deletes a Secret that was moved from, if it is
    /// still the one that was read.
    pub(crate) fn delete_former(&mut self, name: Name) -> Result<Outcome, Interruption> {
        if self.arrives() && self.pass.fresh && !self.pass.halfway {
            self.pass.halfway = true;
            return Err(Interruption::Halfway);
        }
        let may = self.arrives() && self.pass.halfway && self.is_as_seen(name);
        let written = may.then(|| self.put(name, None));
        Ok(self.learned(written))
    }

    /// The request gets through, and nobody wrote just before.
    fn arrives(&self) -> bool {
        !matches!(self.fault, Some(Fault::Lost | Fault::Conflict))
    }

    /// What the process learns of a write that was done, or was not.
    fn learned(&self, written: Option<Outcome>) -> Outcome {
        match self.fault {
            Some(Fault::Lost | Fault::Unseen) => NO_REPLY,
            _ => written.unwrap_or(CONFLICT),
        }
    }

    /// The Secret of this name, as this pass has seen it.
    fn seen(&self, name: Name) -> Option<Secret> {
        self.pass.secrets[usize::from(name)].and_then(|seen| seen.secret)
    }

    /// Whether it still is so.
    fn is_as_seen(&self, name: Name) -> bool {
        let there = self.world.owned[usize::from(self.world.processes[self.me].resource)].secrets[usize::from(name)];
        match self.pass.secrets[usize::from(name)] {
            Some(Seen { secret: Some(_), fresh }) => fresh,
            Some(Seen { secret: None, .. }) | None => there.is_none(),
        }
    }

    fn put(&mut self, name: Name, secret: Option<Secret>) -> Outcome {
        let resource = self.world.processes[self.me].resource;
        self.owned().secrets[usize::from(name)] = secret;
        self.world.secret_changed(resource, name, Some(self.me));
        self.see(name, secret)
    }

    /// This is what the process has of the Secret from now on.
    fn see(&mut self, name: Name, secret: Option<Secret>) -> Outcome {
        self.pass.secrets[usize::from(name)] = Some(Seen { secret, fresh: true });
        Outcome::Secret(secret_out(secret))
    }
}
