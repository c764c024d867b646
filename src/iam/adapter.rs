//! The AWS adapter: one client, five calls.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_iam::Client;
use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::config::timeout::TimeoutConfig;
use aws_sdk_iam::types::StatusType;
use keyspaces_credential_protocol::{CredentialId, Deleted, IamUserName};

use super::classify::{classify, is_absence, is_of_another_user};
use super::credential::{IssuedCredential, ListedCredential, SERVICE_NAME};
use super::error::{IamError, IamErrorKind, Operation};
use super::pace::{Pace, Rate, Turn, Urgency};
use super::reply;
use super::witness::Witness;

/// The most pages that one List reads. A user has at most two credentials, so one page is normal.
const MOST_PAGES: usize = 16;

/// The longest wait for a connection, if the deadline does not end it sooner.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A client of IAM for the service-specific credentials for Amazon Keyspaces.
#[derive(Debug, Clone)]
pub struct Iam {
    client: Client,
    pace: Arc<Pace>,
}

impl Iam {
    /// A client with the region, endpoint and credentials of `sdk_config`. It gives each request up after `deadline`. All
    /// clones together send no more than `rate`.
    ///
    /// The deadline must be well below the consistency window: a request that was given up may still take effect.
    ///
    /// Source: *AWS SDKs and Tools Reference Guide*, "Service-specific endpoints" (`AWS_ENDPOINT_URL_IAM`).
    #[must_use]
    pub fn new(sdk_config: &SdkConfig, deadline: Duration, rate: Rate) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT.min(deadline))
            .operation_attempt_timeout(deadline)
            .operation_timeout(deadline)
            .build();
        let mut config = aws_sdk_iam::config::Builder::from(sdk_config)
            // By default the SDK sends a Create up to three times when the reply is lost. Then both slots may be taken by
            // credentials whose passwords nobody has. List and Delete are not retried either, so that no call outlasts its
            // deadline and the operator's own backoff is the only one.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        // IAM has one endpoint per partition, so a pod without a region can reach the one of the partition `aws`. In every
        // other partition the region has to be set: the SDK derives the partition from it.
        if sdk_config.region().is_none() {
            config = config.region(Region::from_static("us-east-1"));
        }
        // The SDK panics without a behavior version.
        if sdk_config.behavior_version().is_none() {
            config = config.behavior_version(BehaviorVersion::latest());
        }
        Self { client: Client::from_conf(config.build()), pace: Arc::new(Pace::new(rate)) }
    }

    /// Waits for the right to send one request. The wait is not part of the request's deadline. To end the wait, drop the
    /// future.
    pub async fn turn(&self, urgency: Urgency) -> Turn {
        self.pace.turn(urgency).await
    }

    /// The right to send a List that nothing waits for, if the rate leaves room for it now.
    ///
    /// # Errors
    /// There is no room. The error is the time after which to ask again.
    pub fn spare_turn(&self) -> Result<Turn, Duration> {
        self.pace.spare()
    }

    /// Lowers the speed if IAM throttled the request.
    fn heed(&self, turn: Turn, error: IamError) -> IamError {
        if error.kind() == IamErrorKind::Throttled {
            self.pace.throttled(turn);
        }
        error
    }

    /// Creates a credential: exactly one request, whatever happens to it.
    ///
    /// Source: *IAM API Reference*, `CreateServiceSpecificCredential`.
    ///
    /// # Errors
    /// [`Ambiguous`](super::IamErrorKind::Ambiguous) unless it is certain that IAM refused or never saw the request: no
    /// answer in time, a broken connection, a failure of the server, an answer that breaks off or cannot be read, and a
    /// success that lacks a field or is for another user or service. Every other kind is a definite refusal.
    pub async fn create(&self, turn: Turn, user: &IamUserName) -> Result<IssuedCredential, IamError> {
        const OPERATION: Operation = Operation::Create;
        let witness = Witness::of(OPERATION);
        let output = self
            .client
            .create_service_specific_credential()
            .user_name(user.as_str())
            .service_name(SERVICE_NAME)
            .customize()
            .interceptor(witness.clone())
            .send()
            .await
            .map_err(|error| self.heed(turn, classify(OPERATION, user, witness.has_left(), &error)))?;
        output
            .service_specific_credential
            .ok_or("the reply has no credential")
            .and_then(|credential| reply::issued(user, credential))
            .map_err(|flaw| IamError::new(OPERATION, OPERATION.outcome_unknown(), user, flaw))
    }

    /// Resets the password of a credential: exactly one request, whatever happens to it. The former password stops working at
    /// once. Id, user name and status stay.
    ///
    /// Source: *IAM API Reference*, `ResetServiceSpecificCredential`.
    ///
    /// # Errors
    /// As [`Iam::create`]. If the credential is gone, the kind is [`Unavailable`](super::IamErrorKind::Unavailable), and the
    /// caller has to list again.
    pub async fn reset(&self, turn: Turn, user: &IamUserName, id: &CredentialId) -> Result<IssuedCredential, IamError> {
        const OPERATION: Operation = Operation::Reset;
        let witness = Witness::of(OPERATION);
        let output = self
            .client
            .reset_service_specific_credential()
            .user_name(user.as_str())
            .service_specific_credential_id(id.as_str())
            .customize()
            .interceptor(witness.clone())
            .send()
            .await
            .map_err(|error| {
                if is_absence(&error) {
                    IamError::new(OPERATION, IamErrorKind::Unavailable, user, "IAM knows no such credential")
                } else {
                    self.heed(turn, classify(OPERATION, user, witness.has_left(), &error))
                }
            })?;
        output
            .service_specific_credential
            .ok_or("the reply has no credential")
            .and_then(|credential| reply::issued(user, credential))
            .and_then(|issued| if issued.id == *id { Ok(issued) } else { Err("the reply is about another credential") })
            .map_err(|flaw| IamError::new(OPERATION, OPERATION.outcome_unknown(), user, flaw))
    }

    /// Lists the user's credentials for Amazon Keyspaces, all pages of them, each id once, in no order.
    ///
    /// The list may be stale in both directions.
    ///
    /// Source: *IAM API Reference*, `ListServiceSpecificCredentials`.
    ///
    /// # Errors
    /// Any kind but [`LimitExceeded`](super::IamErrorKind::LimitExceeded) and
    /// [`Ambiguous`](super::IamErrorKind::Ambiguous). A list that is not complete, or wrong in one entry, is
    /// [`Unavailable`](super::IamErrorKind::Unavailable): half a list would be false evidence of absence.
    pub async fn list(&self, turn: Turn, user: &IamUserName) -> Result<Vec<ListedCredential>, IamError> {
        let untrustworthy = |flaw| IamError::new(Operation::List, Operation::List.outcome_unknown(), user, flaw);
        let mut found: Vec<ListedCredential> = Vec::new();
        let mut markers: Vec<String> = Vec::new();
        let mut turn = turn;
        for _ in 0..MOST_PAGES {
            let witness = Witness::of(Operation::List);
            let page = self
                .client
                .list_service_specific_credentials()
                .user_name(user.as_str())
                .service_name(SERVICE_NAME)
                .set_marker(markers.last().cloned())
                .customize()
                .interceptor(witness.clone())
                .send()
                .await
                .map_err(|error| self.heed(turn, classify(Operation::List, user, witness.has_left(), &error)))?;
            for entry in page.service_specific_credentials.unwrap_or_default() {
                let entry = reply::listed(user, entry).map_err(untrustworthy)?;
                // Pages are not a snapshot: an entry may move to the next page while the operator fetches it.
                if found.iter().all(|known| known.id != entry.id) {
                    found.push(entry);
                }
            }
            if !page.is_truncated {
                return Ok(found);
            }
            match page.marker {
                Some(next) if !next.is_empty() && !markers.contains(&next) => markers.push(next),
                _ => return Err(untrustworthy("the list has no next page, or runs in a circle")),
            }
            turn = self.turn(Urgency::Look).await;
        }
        Err(untrustworthy("the list has more pages than two credentials can fill"))
    }

    /// Deletes a credential of this user, and never one of another user. If there is no such credential, that is a success.
    ///
    /// Source: *IAM API Reference*, `DeleteServiceSpecificCredential`.
    ///
    /// # Errors
    /// Any kind but [`UserNotFound`](super::IamErrorKind::UserNotFound), `LimitExceeded` and `Ambiguous`.
    pub async fn delete(&self, turn: Turn, user: &IamUserName, id: &CredentialId) -> Result<Deleted, IamError> {
        let witness = Witness::of(Operation::Delete);
        let outcome = self
            .client
            .delete_service_specific_credential()
            .user_name(user.as_str())
            .service_specific_credential_id(id.as_str())
            .customize()
            .interceptor(witness.clone())
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(Deleted::Now),
            Err(error) if is_absence(&error) => Ok(Deleted::Before),
            Err(error) if is_of_another_user(&error) => Ok(Deleted::NotTheirs),
            Err(error) => Err(self.heed(turn, classify(Operation::Delete, user, witness.has_left(), &error))),
        }
    }

    /// Sets a credential of this user to Inactive. It still occupies its slot and can be set Active again. If there is no such
    /// credential, that is a success too.
    ///
    /// Source: *IAM API Reference*, `UpdateServiceSpecificCredential`.
    ///
    /// # Errors
    /// As [`Iam::delete`].
    pub async fn deactivate(&self, turn: Turn, user: &IamUserName, id: &CredentialId) -> Result<(), IamError> {
        let witness = Witness::of(Operation::Update);
        let outcome = self
            .client
            .update_service_specific_credential()
            .user_name(user.as_str())
            .service_specific_credential_id(id.as_str())
            .status(StatusType::Inactive)
            .customize()
            .interceptor(witness.clone())
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(()),
            Err(error) if is_absence(&error) || is_of_another_user(&error) => Ok(()),
            Err(error) => Err(self.heed(turn, classify(Operation::Update, user, witness.has_left(), &error))),
        }
    }
}
