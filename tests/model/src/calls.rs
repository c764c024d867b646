//! Requests to IAM, and the claim on its user.

use keyspaces_credential_protocol as protocol;
use protocol::{Claim, Contender, Deleted, Outcome};

use crate::facts::{Id, Issued, Object, Version, set, spelt, time, user_name};
use crate::mutation::Mutation;
use crate::scenario::Scenario;
use crate::shell::{Fault, Interruption, NO_REPLY, REFUSED, Request, UNKNOWN};
use crate::world::{Flying, Harm, Held, World};

impl Request<'_> {
    pub(crate) fn create(&mut self) -> Result<Outcome, Interruption> {
        self.is_in_time()?;
        let owner = self.world.processes[self.me].resource;
        if self.world.refuses_secret {
            self.world.harm = Some(Harm::CreatedInVain);
        }
        match self.fault {
            Some(Fault::Lost) => {}
            Some(Fault::Late) => self.world.flying.push(Flying::Create { before: self.lands_by(), owner }),
            _ => match self.world.create(Some(owner)) {
                // LimitExceeded.
                None => return Ok(REFUSED),
                Some(created) if self.fault.is_none() => return Ok(self.take_in_hand(created, 0)),
                Some(_) => {}
            },
        }
        if self.breaks(Mutation::RetryCreate)
            && let Some(created) = self.world.create(Some(owner))
        {
            return Ok(self.take_in_hand(created, 0));
        }
        Ok(UNKNOWN)
    }

    /// The same credential with another password.
    pub(crate) fn reset(&mut self, epoch: u8, id: Id) -> Result<Outcome, Interruption> {
        self.is_in_time()?;
        match self.fault {
            Some(Fault::Lost) => {}
            Some(Fault::Late) => self.world.flying.push(Flying::Reset { id, epoch, before: self.lands_by() }),
            _ => match self.world.reset(id, epoch) {
                // NoSuchEntity.
                None => return Ok(REFUSED),
                Some(credential) if self.fault.is_none() => {
                    return Ok(self.take_in_hand(Issued { id, at: credential.created }, credential.version));
                }
                Some(_) => {}
            },
        }
        Ok(UNKNOWN)
    }

    pub(crate) fn delete(&mut self, id: Id) -> Outcome {
        match self.fault {
            Some(Fault::Lost) => {}
            Some(Fault::Late) => self.world.flying.push(Flying::Delete { id }),
            _ => self.world.delete_by_us(id, self.scenario.foreign),
        }
        if self.fault.is_none() { Outcome::Deleted(Deleted::Now) } else { NO_REPLY }
    }

    /// Switches a replaced credential off. To IAM, one that is gone is off.
    pub(crate) fn deactivate(&mut self, id: Id) -> Outcome {
        if self.fault != Some(Fault::Lost) {
            self.world.iam.iter_mut().filter(|one| one.id == id).for_each(|one| one.inactive = true);
        }
        if self.fault.is_none() { Outcome::Done } else { NO_REPLY }
    }

    /// The process does not send what might land after its window.
    fn is_in_time(&self) -> Result<(), Interruption> {
        let late = self.scenario.create_deadline && self.world.now >= self.lands_by();
        if late { Err(Interruption::NotTried) } else { Ok(()) }
    }

    /// A call of this pass lands before this, or never.
    fn lands_by(&self) -> u8 {
        self.pass.read_at + self.scenario.consistency_window
    }

    /// The process holds the password from now on.
    fn take_in_hand(&mut self, credential: Issued, version: Version) -> Outcome {
        let (since, secret_name) = (self.world.now, self.pass.object.secret_name());
        self.world.processes[self.me].held = Some(Held { credential, version, since, secret_name });
        let id = credential.id;
        Outcome::Issued { id: spelt(id), service_user_name: user_name(id), at: time(since) }
    }
}

/// The claim by a quorum read of all resources. The first is the oldest.
pub(crate) fn claim(scenario: &Scenario, world: &World, resource: u8) -> Claim {
    if scenario.mutation == Some(Mutation::ShareUser) {
        return Claim::Won;
    }
    let contender = |index: usize, object: &Object| Contender {
        granted: world.owned[index].granted,
        uid: index.to_string(),
        created_at: time(0),
        namespace: String::new(),
        name: String::new(),
        operating: object.record.operation.is_some() || (scenario.windows_contest && object.record.window.is_some()),
        holds: set(object.record.known()),
    };
    let all: Vec<Contender> = world
        .owned
        .iter()
        .enumerate()
        .filter_map(|(index, owned)| owned.object.as_ref().map(|object| contender(index, object)))
        .collect();
    let me = all.iter().find(|contender| contender.uid == resource.to_string());
    me.map_or(Claim::Won, |me| protocol::claim(me, &all))
}
