//! One match: a step on the left, its one effect on the right.

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use super::context::Held;
use super::failure::Failure;
use super::observe;
use super::pass::{After, Pass, bounded};
use super::status::{number, timestamp};
use crate::api::{Binding, RetiringStage};
use crate::iam::{Deleted, IamError, IamErrorKind, IssuedCredential, Turn, Urgency};
use crate::protocol::{
    Attempt, Class, Completion, CredentialId, Disposal, Epoch, FormerSecret, Operation, SecretName, Settlement, Stage,
    Step, Verdict,
};

impl Pass<'_> {
    /// Performs one step and takes in what came of it.
    ///
    /// # Errors
    /// The step failed, or nobody knows whether it did.
    pub(crate) async fn perform(&mut self, step: Step) -> Result<After, Failure> {
        match step {
            Step::ReadGrant => self.read_grant().await?,
            Step::ReadClaims => self.read_claims().await?,
            Step::ReadSecret => self.read_secret().await?,
            Step::ReadOther(name) => self.read_other(name).await?,
            Step::ListCredentials => match self.turn(Urgency::Look).await {
                Some(turn) => self.list_credentials(turn).await?,
                None => return Ok(After::Wait(Some(Timestamp::now()))),
            },
            Step::Resync => match self.context.iam.spare_turn() {
                Ok(turn) => self.list_credentials(turn).await?,
                // Not in this pass: the resource must not be deaf to changes for as long as a thousand others are looked at.
                Err(wait) => return Ok(After::Wait(SignedDuration::try_from(wait).ok().map(after_now))),
            },
            Step::ConfirmListing => return self.confirm_listing().await,
            Step::StartOver => return Ok(After::StartOver),
            Step::AddFinalizer => self.write_finalizer(true).await?,
            Step::BeginOperation(operation) => self.begin_operation(&operation).await?,
            Step::FenceSecret(epoch) => self.fence_secret(epoch).await?,
            Step::VoidEarlier(epoch) => {
                self.write_status(|status| status.completed_epoch = Some(number(epoch))).await?;
            }
            Step::Preflight(epoch) => {
                self.preflight(epoch).await?;
                self.observed.memory.attempt = Some(Attempt { epoch, stage: Stage::Preflighted });
            }
            Step::Create(epoch) => match self.turn_to_change().await {
                Ok(turn) => return self.create(turn, epoch).await,
                Err(after) => return Ok(after),
            },
            Step::Reset(epoch, id) => match self.turn_to_change().await {
                Ok(turn) => return self.reset(turn, epoch, &id).await,
                Err(after) => return Ok(after),
            },
            Step::Publish(epoch) => self.publish(epoch).await?,
            Step::Complete(completion) => self.complete(&completion).await?,
            Step::Abandon(settlement) => self.abandon(&settlement).await?,
            Step::Rerender => self.rerender().await?,
            Step::AnnounceCopy(former) => {
                self.write_status(|status| status.former_secrets = former.iter().map(Into::into).collect()).await?;
            }
            Step::CopySecret => self.copy_secret().await?,
            Step::Move(former) => return self.relocate(&former).await,
            Step::DeleteFormer(name) => self.delete_former(name).await?,
            Step::ForgetFormer(name) => {
                self.write_status(|status| status.former_secrets.retain(|former| former.name != name.as_str())).await?;
            }
            Step::DeleteCredential(id, disposal) => match self.turn_to_change().await {
                Ok(turn) => self.delete_credential(turn, id, disposal).await?,
                Err(after) => return Ok(after),
            },
            Step::Deactivate(id) => match self.turn_to_change().await {
                Ok(turn) => self.deactivate(turn, id).await?,
                Err(after) => return Ok(after),
            },
            Step::RecordInactive => self.record_inactive().await?,
            Step::ForgetRetiring => self.write_status(|status| status.retiring = None).await?,
            Step::Settle => self.write_status(|status| status.unresolved = None).await?,
            Step::ReleaseSecret => self.release_secret().await?,
            Step::RemoveFinalizer => {
                self.write_finalizer(false).await?;
                return Ok(After::Wait(None));
            }
            Step::Wait { until, verdict } => return self.report(&verdict, until).await,
        }
        Ok(After::Decide)
    }

    /// Waits for the right to send one request to IAM. None if this process no longer leads.
    async fn turn(&mut self, urgency: Urgency) -> Option<Turn> {
        let context = self.context;
        let mut turn = std::pin::pin!(context.iam.turn(urgency));
        tokio::select! {
            biased;
            turn = &mut turn => return Some(turn),
            () = std::future::ready(()) => {}
        }
        // From here on the pass goes at the pace of IAM, and makes room for one that does not.
        self.room = None;
        tokio::select! {
            turn = turn => Some(turn),
            () = context.role.clone().steps_down() => None,
        }
    }

    /// Waits for the right to change something in IAM, and says what comes instead if there is none.
    ///
    /// What is known must not be old. A process that was stopped for long may find that its operation is over, and the window
    /// in which its credential would be recognised as an orphan closed. So this is looked at after the wait.
    async fn turn_to_change(&mut self) -> Result<Turn, After> {
        let turn = self.turn(Urgency::Change).await.ok_or_else(|| After::Wait(Some(Timestamp::now())))?;
        if Timestamp::now().duration_since(self.known_at) < self.observed.settings.settle {
            Ok(turn)
        } else {
            Err(After::StartOver)
        }
    }

    async fn read_secret(&mut self) -> Result<(), Failure> {
        let secrets = self.secrets();
        let secret =
            bounded(self.context, "reading the Secret", secrets.get_opt(self.observed.resource.secret_name.as_str()))
                .await?;
        self.see_secret(secret);
        Ok(())
    }

    async fn read_other(&mut self, name: SecretName) -> Result<(), Failure> {
        let secrets = self.secrets();
        let secret = bounded(self.context, "reading the other Secret", secrets.get_opt(name.as_str())).await?;
        self.see_other(name, secret);
        Ok(())
    }

    /// Status names the wanted Secret from now on, and with it everything that is read and written next.
    async fn relocate(&mut self, former: &[FormerSecret]) -> Result<After, Failure> {
        let (old, new) =
            (self.observed.resource.secret_name.clone(), self.observed.resource.wanted_secret_name.clone());
        self.write_status(|status| {
            status.binding = Some(Binding { name: new.to_string() });
            status.former_secrets = former.iter().map(Into::into).collect();
        })
        .await?;
        self.tell("SecretMoved", &format!("the credential is in Secret {new} from now on, and no longer in {old}"));
        Ok(After::StartOver)
    }

    async fn list_credentials(&mut self, turn: Turn) -> Result<(), Failure> {
        // Before the call: what is created while it runs may or may not be in the reply.
        let taken_at = Timestamp::now();
        let resource = &self.observed.resource;
        let credentials = match self.context.iam.list(turn, &resource.iam_user).await {
            // A user that is gone has no credentials. Only a deletion may conclude that; it would wait for ever otherwise.
            Err(error) if error.kind() == IamErrorKind::UserNotFound && resource.deleting => Vec::new(),
            listed => listed?,
        };
        let listing = observe::listing(credentials, taken_at);
        let settle = self.observed.settings.settle;
        self.observed.memory.learn(&listing, resource.recorded.credential.as_ref(), settle);
        self.observed.listing = Some(listing);
        Ok(())
    }

    /// Reads the Secret and then the resource once more. In this order: a Secret that is read after the resource may have
    /// been written under a right that the resource no longer shows.
    async fn confirm_listing(&mut self) -> Result<After, Failure> {
        let asked_at = Timestamp::now();
        let (resources, name) = (self.resources(), self.object.name_any());
        let (secrets, secret_name) = (self.secrets(), self.observed.resource.secret_name.clone());
        let secret = bounded(self.context, "reading the Secret", secrets.get_opt(secret_name.as_str())).await?;
        let known = self.existing();
        if identity(secret.as_ref()) != identity(known) {
            return Ok(After::StartOver);
        }
        let object = bounded(self.context, "reading the resource", resources.get_opt(&name)).await?;
        if identity(object.as_ref()) != identity(Some(&self.object)) {
            return Ok(After::StartOver);
        }
        self.known_at = asked_at;
        if let Some(listing) = &mut self.observed.listing {
            listing.confirmed = true;
        }
        Ok(After::Decide)
    }

    async fn begin_operation(&mut self, operation: &Operation) -> Result<(), Failure> {
        let verdict = Verdict::working(operation);
        let taken_over = operation.recovering();
        let written = self.write_status_with(&verdict, |status| status.operation = Some(operation.into())).await;
        if matches!(&written, Err(failure) if failure.class() != Class::Conflict) {
            // It may have been written. What stands there then must not look as if another process had written it.
            self.observed.memory.attempt = None;
        }
        written?;
        self.observed.memory.attempt = Some(Attempt { epoch: operation.epoch, stage: Stage::Begun });
        self.held = None;
        // Who else asks for the user is read again now that our intent can be seen: of two that race, one sees the other.
        self.observed.claim = None;
        if taken_over {
            self.tell(
                "TakenOver",
                "an earlier attempt has an unknown outcome; beginning anew and cleaning up what it left",
            );
        } else {
            self.tell(verdict.reason.as_str(), &verdict.message);
        }
        Ok(())
    }

    async fn create(&mut self, turn: Turn, epoch: Epoch) -> Result<After, Failure> {
        let outcome = self.context.iam.create(turn, &self.observed.resource.iam_user).await;
        if let Ok(issued) = &outcome {
            let (id, user_name) = (&issued.id, &issued.service_user_name);
            self.tell("CredentialCreated", &format!("created credential {id} ({user_name}) in IAM"));
        }
        self.take_in_hand(epoch, outcome)
    }

    async fn reset(&mut self, turn: Turn, epoch: Epoch, id: &CredentialId) -> Result<After, Failure> {
        let outcome = self.context.iam.reset(turn, &self.observed.resource.iam_user, id).await;
        if outcome.is_ok() {
            self.tell("PasswordReset", &format!("reset the password of credential {id} in IAM"));
        }
        self.take_in_hand(epoch, outcome)
    }

    fn take_in_hand(&mut self, epoch: Epoch, outcome: Result<IssuedCredential, IamError>) -> Result<After, Failure> {
        match outcome {
            Ok(issued) => {
                let stage = Stage::InHand { id: issued.id.clone(), since: Timestamp::now() };
                self.observed.memory.attempt = Some(Attempt { epoch, stage });
                let resource = &self.observed.resource;
                let (user, secret_name) = (resource.iam_user.clone(), resource.secret_name.clone());
                self.held = Some(Held { user, secret_name, epoch, issued });
                // The call took its time. Whether the operation is still ours, and what the Secret is by now, is read again.
                Ok(After::StartOver)
            }
            Err(error) => {
                // A definite refusal leaves the attempt ours. After anything else nobody knows, so it is forgotten, and the next
                // pass takes the operation over.
                let known = error.kind() != IamErrorKind::Ambiguous;
                self.observed.memory.attempt = known.then_some(Attempt { epoch, stage: Stage::Begun });
                Err(error.into())
            }
        }
    }

    async fn complete(&mut self, completion: &Completion) -> Result<(), Failure> {
        let secret = self.observed.resource.secret_name.clone();
        let rotated_at = timestamp(completion.rotated_at);
        self.write_status_with(&completion.verdict, |status| {
            status.credential = Some((&completion.credential).into());
            status.retiring = completion.retiring.as_ref().map(Into::into);
            status.operation = None;
            status.completed_epoch = Some(number(completion.completed));
            status.published_epoch = Some(number(completion.published));
            status.last_handled_rotate.clone_from(&completion.handled_rotate);
            status.unresolved = completion.unresolved.as_ref().map(Into::into);
            status.reset_in_doubt = completion.reset_in_doubt.as_ref().map(Into::into);
            status.last_rotated_at = Some(rotated_at);
            status.failures = None;
            status.binding = Some(Binding { name: secret.to_string() });
        })
        .await?;
        if self.held.as_ref().is_none_or(|held| held.issued.id == completion.credential.id) {
            self.held = None;
            self.observed.memory.attempt = None;
        }
        self.tell("Published", &completion.verdict.message);
        Ok(())
    }

    async fn record_inactive(&mut self) -> Result<(), Failure> {
        self.write_status(|status| {
            if let Some(retiring) = &mut status.retiring {
                retiring.stage = RetiringStage::Inactive;
            }
        })
        .await
    }

    async fn abandon(&mut self, settlement: &Settlement) -> Result<(), Failure> {
        self.write_status(|status| {
            status.operation = None;
            status.completed_epoch = Some(number(settlement.completed));
            status.unresolved = settlement.unresolved.as_ref().map(Into::into);
            status.reset_in_doubt = settlement.reset_in_doubt.as_ref().map(Into::into);
        })
        .await?;
        self.observed.memory.attempt = None;
        Ok(())
    }

    async fn delete_credential(&mut self, turn: Turn, id: CredentialId, disposal: Disposal) -> Result<(), Failure> {
        let deleted = self.context.iam.delete(turn, &self.observed.resource.iam_user, &id).await?;
        if self.held.as_ref().is_some_and(|held| held.issued.id == id) {
            self.held = None;
            self.observed.memory.attempt = None;
        }
        if deleted == Deleted::NotTheirs {
            self.tell(
                "CredentialNotOurs",
                &format!("IAM says that credential {id} is not one of this user, so it is left alone and forgotten"),
            );
        }
        if deleted == Deleted::Now {
            let (reason, why) = match disposal {
                Disposal::Orphan => ("OrphanDeleted", "an attempt whose outcome was unknown had created it"),
                Disposal::Retired => ("RetiredDeleted", "it was replaced"),
                Disposal::Foreign => ("ForeignDeleted", "its slot is needed and spec.foreignCredentials is Delete"),
                Disposal::ResourceDeleted => ("CredentialDeleted", "the resource is deleted"),
            };
            self.tell(reason, &format!("deleted credential {id} from IAM: {why}"));
        }
        self.observed.removed.insert(id);
        Ok(())
    }

    async fn deactivate(&mut self, turn: Turn, id: CredentialId) -> Result<(), Failure> {
        self.context.iam.deactivate(turn, &self.observed.resource.iam_user, &id).await?;
        self.tell("RetiringDeactivated", &format!("switched credential {id} off in IAM: its overlap is over"));
        self.observed.deactivated.insert(id);
        Ok(())
    }
}

fn after_now(wait: SignedDuration) -> Timestamp {
    Timestamp::now().checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// Which object it is, and which version of it.
fn identity<K: ResourceExt>(object: Option<&K>) -> Option<(Option<String>, Option<String>)> {
    object.map(|object| (object.uid(), object.resource_version()))
}
