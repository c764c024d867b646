//! Requests to IAM, each in its turn.

use jiff::{SignedDuration, Timestamp};
use tokio::sync::SemaphorePermit;

use super::interruption::Interruption;
use crate::iam::{IamError, IamErrorKind, IssuedCredential, Turn, Urgency};
use crate::protocol::{CredentialId, Epoch, Next, Outcome, Resource};
use crate::reconcile::context::Context;
use crate::reconcile::memory::Held;
use crate::reconcile::observe;

/// IAM, as one pass asks it.
pub(crate) struct IamAccess<'a> {
    context: &'a Context,
    /// The credential whose password this process alone knows.
    pub(crate) held: Option<Held>,
    /// The room that the pass takes, until it waits for its turn.
    room: Option<SemaphorePermit<'a>>,
}

impl<'a> IamAccess<'a> {
    pub(crate) fn new(context: &'a Context, held: Option<Held>, room: Option<SemaphorePermit<'a>>) -> Self {
        Self { context, held, room }
    }

    /// What outlives the pass.
    pub(crate) fn into_parts(self) -> (Option<Held>, Option<SemaphorePermit<'a>>) {
        (self.held, self.room)
    }

    /// Lists the credentials of the user, as soon as it is this pass's turn.
    pub(crate) async fn list(&mut self, resource: &Resource) -> Result<Outcome, Interruption> {
        let turn = self.turn(Urgency::Look).await?;
        self.listed(turn, resource).await
    }

    /// The same if a turn is to spare. Otherwise the pass ends: the resource must not be deaf to changes for as long as
    /// a thousand others are looked at.
    pub(crate) async fn resync(&mut self, resource: &Resource) -> Result<Outcome, Interruption> {
        match self.context.iam.spare_turn() {
            Ok(turn) => self.listed(turn, resource).await,
            Err(wait) => {
                let later =
                    SignedDuration::try_from(wait).ok().and_then(|wait| Timestamp::now().checked_add(wait).ok());
                Err(Interruption::NotTried(Next::Rest(later)))
            }
        }
    }

    async fn listed(&self, turn: Turn, resource: &Resource) -> Result<Outcome, Interruption> {
        // Before the call: what is created while it runs may or may not be in the reply.
        let taken_at = Timestamp::now();
        let credentials = match self.context.iam.list(turn, &resource.iam_user).await {
            // A user that is gone has no credentials. Only a deletion may conclude that: it would wait for ever
            // otherwise.
            Err(error) if error.kind() == IamErrorKind::UserNotFound && resource.deleting => Vec::new(),
            listed => listed?,
        };
        Ok(Outcome::Listing(observe::listing(credentials, taken_at)))
    }

    /// Creates a credential. `known_at` is when the resource was last known to be as it is.
    pub(crate) async fn create(
        &mut self,
        resource: &Resource,
        epoch: Epoch,
        known_at: Timestamp,
    ) -> Result<Outcome, Interruption> {
        let turn = self.turn_to_change(known_at).await?;
        let issued = self.context.iam.create(turn, &resource.iam_user).await;
        self.hold(resource, epoch, issued)
    }

    /// Resets the password of a credential.
    pub(crate) async fn reset(
        &mut self,
        resource: &Resource,
        epoch: Epoch,
        id: &CredentialId,
        known_at: Timestamp,
    ) -> Result<Outcome, Interruption> {
        let turn = self.turn_to_change(known_at).await?;
        let issued = self.context.iam.reset(turn, &resource.iam_user, id).await;
        self.hold(resource, epoch, issued)
    }

    pub(crate) async fn delete(
        &mut self,
        resource: &Resource,
        id: &CredentialId,
        known_at: Timestamp,
    ) -> Result<Outcome, Interruption> {
        let turn = self.turn_to_change(known_at).await?;
        Ok(Outcome::Deleted(self.context.iam.delete(turn, &resource.iam_user, id).await?))
    }

    pub(crate) async fn deactivate(
        &mut self,
        resource: &Resource,
        id: &CredentialId,
        known_at: Timestamp,
    ) -> Result<Outcome, Interruption> {
        let turn = self.turn_to_change(known_at).await?;
        self.context.iam.deactivate(turn, &resource.iam_user, id).await?;
        Ok(Outcome::Done)
    }

    /// Takes what IAM issued in hand.
    fn hold(
        &mut self,
        resource: &Resource,
        epoch: Epoch,
        issued: Result<IssuedCredential, IamError>,
    ) -> Result<Outcome, Interruption> {
        let issued = issued?;
        let (id, service_user_name) = (issued.id.clone(), issued.service_user_name.clone());
        let (user, secret_name) = (resource.iam_user.clone(), resource.secret_name().clone());
        self.held = Some(Held { user, secret_name, epoch, issued });
        Ok(Outcome::Issued { id, service_user_name, at: Timestamp::now() })
    }

    /// Waits for the right to send one request.
    async fn turn(&mut self, urgency: Urgency) -> Result<Turn, Interruption> {
        let context = self.context;
        let mut turn = std::pin::pin!(context.iam.turn(urgency));
        tokio::select! {
            biased;
            turn = &mut turn => return Ok(turn),
            () = std::future::ready(()) => {}
        }
        // From here on the pass goes at the pace of IAM, and makes room for one that does not.
        self.room = None;
        tokio::select! {
            turn = turn => Ok(turn),
            () = context.role.clone().steps_down() => Err(Interruption::NotTried(Next::Rest(Some(Timestamp::now())))),
        }
    }

    /// Waits for the right to change something in IAM.
    ///
    /// What is known must not be old. A process that was stopped for long may find that its operation is over, and that
    /// the window in which its credential would be recognised as a leftover is closed. So this is looked at after the
    /// wait.
    async fn turn_to_change(&mut self, known_at: Timestamp) -> Result<Turn, Interruption> {
        let turn = self.turn(Urgency::Change).await?;
        if Timestamp::now().duration_since(known_at) < self.context.settings.consistency_window {
            Ok(turn)
        } else {
            Err(Interruption::NotTried(Next::StartOver))
        }
    }
}
