//! What a step does to the world of a history. A write succeeds only if what it was decided on is still so.

use keyspaces_credential_protocol::*;

use super::history::History;
use crate::world::{id, issued};

impl History {
    pub(crate) fn secret_named(&self, name: &SecretName) -> SecretFact {
        self.secrets.get(name).cloned().unwrap_or(SecretFact::Absent)
    }

    /// Writes a Secret, if it is still as it was read.
    fn write(
        &mut self,
        observed: &Observed,
        name: &SecretName,
        change: impl FnOnce(&OurSecret) -> SecretFact,
    ) -> Outcome {
        let before = self.secret_named(name);
        if observed.secrets.get(name) != Some(&before) {
            return Outcome::Failed(Class::Conflict);
        }
        let empty = OurSecret { published: None, fence: Epoch(0), rendering: Rendering::Current, immutable: false };
        let after = match &before {
            SecretFact::Ours(ours) if !ours.immutable => change(ours),
            SecretFact::Absent => change(&empty),
            SecretFact::Ours(_) | SecretFact::NotOurs => return Outcome::Failed(Class::Terminal),
        };
        self.kept.push(before);
        self.secrets.insert(name.clone(), after.clone());
        Outcome::Secret(after)
    }

    fn record(&mut self, observed: &Observed, change: impl FnOnce(&mut Resource)) -> Outcome {
        if self.resource != observed.resource {
            return Outcome::Failed(Class::Conflict);
        }
        change(&mut self.resource);
        Outcome::Done
    }

    pub(super) fn effect(&mut self, observed: &Observed, step: &Step) -> Outcome {
        let name = observed.resource.secret_name();
        match step {
            Step::ReadGrant => Outcome::Grant(self.grant.clone()),
            Step::ReadClaims => Outcome::Claim(self.claim.clone()),
            Step::ReadSecret(name) => Outcome::Secret(self.secret_named(name)),
            Step::ListCredentials | Step::Resync => Outcome::Listing(self.list()),
            Step::ConfirmListing => {
                let same = self.resource == observed.resource && observed.secret() == Some(&self.secret_named(name));
                if same { Outcome::Done } else { Outcome::Changed }
            }
            Step::AddFinalizer => self.record(observed, |resource| resource.finalizer = true),
            Step::RemoveFinalizer => self.record(observed, |resource| resource.finalizer = false),
            Step::Record(update) => self.record(observed, |resource| resource.record = update.record.clone()),
            Step::FenceSecret(epoch) => {
                self.write(observed, name, |ours| SecretFact::Ours(OurSecret { fence: *epoch, ..ours.clone() }))
            }
            Step::Render => self.write(observed, name, |ours| {
                SecretFact::Ours(OurSecret { rendering: Rendering::Current, ..ours.clone() })
            }),
            Step::Publish(epoch) => {
                let published =
                    observed.memory.in_hand().map(|id| Published { credential: self.issued(id), epoch: *epoch });
                self.write(observed, name, |ours| {
                    SecretFact::Ours(OurSecret { published, fence: *epoch, ..ours.clone() })
                })
            }
            Step::ReleaseSecret => self.write(observed, name, |_| SecretFact::NotOurs),
            Step::CopySecret => {
                let copy = observed.secret().cloned().unwrap_or(SecretFact::Absent);
                self.write(observed, &observed.resource.wanted_secret, |_| copy)
            }
            Step::DeleteFormerSecret(name) => self.write(observed, name, |_| SecretFact::Absent),
            Step::Create(_) => self.create(),
            Step::Reset(_, id) => {
                let Issued { id, service_user_name, .. } = self.issued(id);
                Outcome::Issued { id, service_user_name, at: self.now }
            }
            Step::DeleteCredential(id, _) => {
                let before = self.iam.len();
                self.iam.retain(|listed| listed.id != *id);
                Outcome::Deleted(if self.iam.len() < before { Deleted::Now } else { Deleted::Before })
            }
            Step::Deactivate(id) => {
                self.iam.iter_mut().filter(|listed| listed.id == *id).for_each(|listed| listed.usable = Usable::No);
                Outcome::Done
            }
            Step::DryRun(_) | Step::StartOver | Step::Wait { .. } => Outcome::Done,
        }
    }

    fn create(&mut self) -> Outcome {
        if self.iam.len() >= 2 {
            return Outcome::Failed(Class::Transient);
        }
        let Issued { id, service_user_name, issued_at } = issued(self.next_id, self.now);
        self.next_id += 1;
        self.iam.push(Listed { id: id.clone(), created_at: issued_at, usable: Usable::Yes });
        Outcome::Issued { id, service_user_name, at: issued_at }
    }

    fn list(&self) -> Listing {
        let shown = self.iam.iter().filter(|listed| !self.hidden.contains(&listed.id));
        let gone = self.ghosts.iter().filter(|ghost| self.iam.iter().all(|listed| listed.id != ghost.id));
        Listing { credentials: shown.chain(gone).cloned().collect(), taken_at: self.now, confirmed: false }
    }

    /// A credential as IAM issued it.
    pub(crate) fn issued(&self, wanted: &CredentialId) -> Issued {
        let number = (0..=self.next_id).find(|number| id(*number) == *wanted).unwrap_or(0);
        let created_at = self.iam.iter().find(|listed| listed.id == *wanted).map(|listed| listed.created_at);
        Issued { id: wanted.clone(), ..issued(number, created_at.unwrap_or(self.now)) }
    }
}
