//! What a step's outcome does to the facts. Shell, tests and model checker all run this one.

use crate::answer::{Change, Class, Next, Outcome, Step, Update};
use crate::facts::{Attempt, CredentialId, Epoch, Observed, SecretName, Stage};

impl Observed {
    /// Takes in what came of a step, and says how the pass goes on.
    pub fn after(&mut self, step: &Step, outcome: Outcome) -> Next {
        if let Outcome::Failed(class) = outcome {
            self.after_failure(step, class);
            return Next::StartOver;
        }
        if outcome == Outcome::Changed {
            return Next::StartOver;
        }
        match step {
            Step::Wait { until, .. } => return Next::Rest(*until),
            Step::StartOver => return Next::StartOver,
            Step::ReadGrant
            | Step::ReadClaims
            | Step::ReadSecret(_)
            | Step::ListCredentials
            | Step::Resync
            | Step::FenceSecret(_)
            | Step::Publish(_)
            | Step::Render
            | Step::CopySecret
            | Step::DeleteFormerSecret(_)
            | Step::ReleaseSecret => self.learn(step, outcome),
            Step::ConfirmListing => self.listing.iter_mut().for_each(|listing| listing.confirmed = true),
            Step::AddFinalizer => self.resource.finalizer = true,
            Step::Record(update) => return self.after_record(update),
            Step::DryRun(epoch) => self.attempt(*epoch, Stage::DryRun),
            Step::Create(epoch) | Step::Reset(epoch, _) => {
                if let Outcome::Issued { id, at, .. } = outcome {
                    self.attempt(*epoch, Stage::InHand { id, since: at });
                }
                // The call took its time. Whether the operation is still ours, and what the Secret is by now, is read
                // again.
                return Next::StartOver;
            }
            Step::DeleteCredential(id, _) => self.after_delete(id),
            Step::Deactivate(id) => {
                self.deactivated.insert(id.clone());
            }
            Step::RemoveFinalizer => {
                self.resource.finalizer = false;
                // Nothing is left to do for a resource that is gone.
                return Next::Rest(None);
            }
        }
        Next::Decide
    }

    /// Takes in what was read, or what a write returned.
    fn learn(&mut self, step: &Step, outcome: Outcome) {
        match outcome {
            Outcome::Grant(grant) => self.grant = Some(grant),
            Outcome::Claim(claim) => self.claim = Some(claim),
            Outcome::Listing(listing) => {
                let current = self.resource.record.current.as_ref();
                self.memory.learn(&listing, current, self.settings.consistency_window);
                self.listing = Some(listing);
            }
            Outcome::Secret(secret) => {
                let name = self.secret_of(step);
                if *step == Step::CopySecret {
                    self.copied.insert(name.clone());
                }
                self.secrets.insert(name, secret);
            }
            Outcome::Done | Outcome::Failed(_) | Outcome::Changed | Outcome::Issued { .. } | Outcome::Deleted(_) => {}
        }
    }

    /// The Secret that a step is about.
    fn secret_of(&self, step: &Step) -> SecretName {
        match step {
            Step::ReadSecret(name) | Step::DeleteFormerSecret(name) => name.clone(),
            Step::CopySecret => self.resource.wanted_secret.clone(),
            _ => self.resource.secret_name().clone(),
        }
    }

    fn after_record(&mut self, update: &Update) -> Next {
        self.resource.record = update.record.clone();
        match update.change {
            Change::Begin | Change::TakeOver => {
                if let Some(operation) = &update.record.operation {
                    self.attempt(operation.epoch, Stage::Begun);
                }
                // Rule 2: who else asks for the user is read again now that our intent can be seen: of two that race,
                // one sees the other.
                self.claim = None;
            }
            // Another attempt's credential was accepted: the one in hand is still to be deleted.
            Change::Accept if self.memory.in_hand().is_some_and(|id| self.resource.record.current_id() != Some(id)) => {
            }
            Change::Accept | Change::Abandon => self.memory.attempt = None,
            // The Secret of another name is the one that is read and written from now on.
            Change::MoveSecret => return Next::StartOver,
            Change::CloseEarlier
            | Change::CloseWindow
            | Change::MarkInactive
            | Change::ForgetRetiring
            | Change::AnnounceCopy
            | Change::ForgetFormerSecret => {}
        }
        Next::Decide
    }

    fn after_delete(&mut self, id: &CredentialId) {
        if self.memory.in_hand() == Some(id) {
            self.memory.attempt = None;
        }
        self.deleted.insert(id.clone());
    }

    /// The pass ends here, but what this process may believe of its own attempt depends on the failure.
    fn after_failure(&mut self, step: &Step, class: Class) {
        match step {
            // It may have been written. What is recorded then must not look as if another process had written it (rule
            // 4).
            Step::Record(update) if update.begins_an_attempt() && class != Class::Conflict => {
                self.memory.attempt = None;
            }
            // Nobody knows what IAM did, so the attempt is forgotten, and the next pass takes the operation over (rules
            // 4 and 6).
            Step::Create(_) | Step::Reset(..) if class == Class::Ambiguous => self.memory.attempt = None,
            // A definite refusal: the attempt is still this process's.
            Step::Create(epoch) | Step::Reset(epoch, _) => self.attempt(*epoch, Stage::Begun),
            _ => {}
        }
    }

    fn attempt(&mut self, epoch: Epoch, stage: Stage) {
        self.memory.attempt = Some(Attempt { epoch, stage });
    }
}
