//! What the operator is in the middle of when it is killed: how it begins, and how it has to end.

use keyspaces_credential_operator::api::{KeyspacesCredential, KeyspacesCredentialStatus};
use kit::world::{USER, World, condition, has_condition};
use kube::ResourceExt;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use super::ending::Difference;
use crate::support::quiet;

const NAME: &str = "orders";

/// What the operator is in the middle of when it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scenario {
    Create,
    /// Until the replaced credential is gone.
    Rotate,
    /// The Secret was deleted; until the replaced credential is gone.
    Recover,
    /// Rotation in place, until no reset can land any more.
    Reset,
    /// Another name for the Secret, until the former one is gone.
    Move,
    Delete,
    /// A deletion that leaves credential and Secret.
    Retain,
}

impl Scenario {
    pub(super) const ALL: [Self; 7] =
        [Self::Create, Self::Rotate, Self::Recover, Self::Reset, Self::Move, Self::Delete, Self::Retain];

    /// Whether a second crash is tried: only in scenarios in which the operator holds a password.
    pub(super) fn again(self) -> bool {
        matches!(self, Self::Create | Self::Rotate | Self::Reset)
    }

    /// The state that the scenario begins from.
    pub(super) async fn prepare(self, world: &World) {
        if self == Self::Create {
            return;
        }
        world.apply(NAME, self.spec(NAME)).await;
        // If the machine is too slow for the hold time, the first attempt may have left a leftover that has to be deleted
        // first.
        quiet(world).await;
    }

    fn spec(self, secret: &str) -> Value {
        let policy = if self == Self::Retain { "Retain" } else { "Delete" };
        let strategy = if self == Self::Reset { "InPlace" } else { "Overlap" };
        json!({
            "iamUserName": USER,
            "secret": { "name": secret },
            // It stays switched off for so long that even a slow machine sees it: without a crash the test always sees it.
            "rotation": { "strategy": strategy, "overlap": "3s", "inactiveFor": "3s" },
            "deletionPolicy": policy,
        })
    }

    /// What a human does.
    pub(super) async fn begin(self, world: &World) {
        match self {
            Self::Create => {
                world.apply_with_defaults(NAME).await;
            }
            Self::Rotate | Self::Reset => world.rotate(NAME, "once").await,
            Self::Move => {
                world.apply(NAME, self.spec("bills")).await;
            }
            Self::Recover => {
                world.secrets().delete(NAME, &DeleteParams::default()).await.expect("it is there");
            }
            Self::Delete | Self::Retain => world.delete(NAME).await,
        }
    }

    /// Whether somebody else may have a credential of the same user: only where one slot is enough.
    pub(super) fn leaves_room(self) -> bool {
        matches!(self, Self::Create | Self::Reset | Self::Move | Self::Delete | Self::Retain)
    }

    /// The resource as it is before it begins.
    pub(super) async fn before(self, world: &World) -> Option<KeyspacesCredential> {
        world.resources().get_opt(NAME).await.expect("it can be read")
    }

    /// Waits until nothing is left to be done, and asserts that all is well.
    pub(super) async fn end(self, world: &World, before: Option<&KeyspacesCredential>) {
        let old = before.and_then(|resource| credential(resource.status.as_ref()));
        match self {
            Self::Create | Self::Rotate | Self::Recover | Self::Reset => self.served(world, old).await,
            Self::Move => {
                self.served(world, old).await;
                world.secret_gone(NAME).await;
            }
            Self::Delete | Self::Retain => {
                world.gone(NAME).await;
                let ours = world.iam.credentials_of(USER).into_iter().filter(|credential| !credential.outside);
                let ours: Vec<String> = ours.map(|credential| credential.id).collect();
                if self == Self::Delete {
                    world.secret_gone(NAME).await;
                    assert_eq!(ours, [""; 0], "nothing of ours is left in IAM\n{}", world.log());
                } else {
                    assert_eq!(ours, [old.expect("there was one")], "it stays in IAM\n{}", world.log());
                    let secret = world.secrets().get(NAME).await.expect("the Secret stays");
                    assert_eq!(secret.owner_references(), [], "nothing collects it");
                    world.login(NAME).await.expect("it goes on working");
                }
                world.assert_no_password_shown().await;
            }
        }
    }

    /// Whether crashes explain a difference to the final state of the run without a crash.
    pub(super) fn explains(self, difference: &Difference<'_>, deaths: usize) -> bool {
        // A copy that is made again gets a fence above that of the first copy. Otherwise its write would change nothing: see
        // `copy_secret`. Nobody but the operator reads the fence.
        let fences = (0..=deaths).map(|above| Some(json!(above)));
        self == Self::Move
            && difference.path.ends_with("/keyspaces.dev/fence/above the epoch")
            && fences.into_iter().any(|fence| fence.as_ref() == difference.here)
    }

    async fn served(self, world: &World, old: Option<&str>) {
        let done = |status: &KeyspacesCredentialStatus| {
            let idle = status.operation.is_none()
                && status.unresolved.is_none()
                && status.retiring.is_none()
                && status.reset_in_doubt.is_none()
                && status.former_secrets.is_empty();
            let current = credential(Some(status));
            let rotated = status.last_handled_rotate.as_deref() == Some("once");
            let as_asked = match self {
                Self::Rotate => rotated && current != old,
                Self::Reset => rotated && current == old,
                Self::Move => status.binding.as_ref().is_some_and(|it| it.name == "bills") && current == old,
                Self::Create | Self::Recover | Self::Delete | Self::Retain => current != old,
            };
            idle && current.is_some() && as_asked
        };
        // The message no longer mentions an overlap or a reset to come.
        let told = |status: &KeyspacesCredentialStatus| {
            let (secret, user) = (&status.binding.as_ref()?.name, &status.credential.as_ref()?.service_user_name);
            Some(format!("Secret {secret} holds the credential of {user}"))
        };
        let ready = |resource: &KeyspacesCredential| {
            let message = condition(resource, "Ready").map(|condition| condition.message.clone());
            has_condition(resource, "Ready", "True", "Published") && message == resource.status.as_ref().and_then(told)
        };
        world.until(NAME, "done", |resource| ready(resource) && resource.status.as_ref().is_some_and(done)).await;
        world.assert_whole(NAME).await;
    }
}

fn credential(status: Option<&KeyspacesCredentialStatus>) -> Option<&str> {
    Some(status?.credential.as_ref()?.id.as_str())
}
