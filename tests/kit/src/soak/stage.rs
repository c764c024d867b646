//! The world of the chaos, and how each action is carried out in it.

use std::time::Duration;

use keyspaces_credential_operator::api::{KeyspacesCredential, RETIRE_ANNOTATION, ROTATE_ANNOTATION};
use keyspaces_emulator::Options;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Replicas;
use super::actor::{Actor, End, launch};
use super::guard::{Foreign, pair};
use super::plan::{Action, CAST, OPERATORS, Role};
use crate::operator::Operator;
use crate::proxy::{Gate, Verb, Which};
use crate::world::{Way, World, has_condition};

/// A namespace, an IAM and the operators.
pub(super) struct Stage {
    pub(super) world: World,
    pub(super) foreign: Foreign,
    operators: Vec<Actor>,
    /// One more operator, which runs the whole time. A memory leak shows in an operator that has worked for long.
    veteran: Operator,
    stalls: Vec<(Gate, Instant)>,
    rotations: u64,
}

impl Stage {
    pub(super) async fn new(binary: &str, replicas: Replicas) -> Self {
        let users = CAST.iter().map(|(name, _)| *name);
        let world = World::proxied_with_iam(binary, "soak", Options::with_users(users)).await;
        if replicas == Replicas::Elected {
            let right = ["apply", "-f", "deploy/role.yaml", "-f", "deploy/role-binding.yaml"];
            world.kubectl(&right).await.success();
        }
        let ways: [Way; OPERATORS] = [Way::Proxied, Way::Direct];
        let operators = ways.map(|way| Actor::start(&world, way, replicas)).into();
        let veteran = launch(&world, Way::Proxied, replicas);
        let stage = Self { world, foreign: Foreign::default(), operators, veteran, stalls: Vec::new(), rotations: 0 };
        for (name, _) in CAST {
            stage.apply(name).await;
        }
        for (name, _) in CAST {
            stage.world.ready(name).await;
        }
        stage
    }

    /// Carries an action out. Returns what came of it, where that is not certain.
    pub(super) async fn perform(&mut self, action: Action) -> &'static str {
        match action {
            Action::Rotate(name) => {
                self.rotations += 1;
                self.annotate(name, ROTATE_ANNOTATION, &self.rotations.to_string()).await
            }
            Action::Retire(name) => match self.status_text(name, "/retiring/id").await {
                Some(id) => self.annotate(name, RETIRE_ANNOTATION, &id).await,
                None => "nothing retires",
            },
            Action::DeleteSecret(name) => {
                done(self.world.secrets().delete(name, &DeleteParams::default()).await.is_ok())
            }
            Action::EditSecret(name) => {
                self.patch_secret(name, json!({ "stringData": { "password": "edited" } })).await
            }
            Action::StripSecret(name) => {
                let none = json!({ "metadata": { "annotations": { "keyspaces.dev/digest": null } } });
                self.patch_secret(name, none).await
            }
            Action::DeleteCredential(name) => match self.status_text(name, "/credential/id").await {
                Some(id) => done(self.world.iam.delete_credential(&id).is_ok()),
                None => "there is none",
            },
            Action::DeleteResource(name) => {
                done(self.world.resources().delete(name, &DeleteParams::default()).await.is_ok())
            }
            Action::Apply(name) => match self.resource(name).await {
                None => self.apply(name).await,
                Some(_) => "it is there",
            },
            Action::AddForeign(name) => self.add_foreign(name).await,
            Action::RemoveForeign(name) => self.remove_foreign(name),
            Action::Kill(index, away) => self.operators[index].end(away, End::Kill).await,
            Action::Terminate(index, away) => self.operators[index].end(away, End::Terminate).await,
            Action::Pause(index, time) => self.operators[index].pause(time).await,
            Action::FailIam(fault) => {
                self.world.iam.set_fault(fault);
                ""
            }
            Action::Lag(lag) => {
                self.world.iam.set_lag(lag);
                ""
            }
            Action::PageSize(size) => {
                self.world.iam.set_page_size(size);
                ""
            }
            Action::FailApi(fault) => {
                self.world.proxy().set_fault(fault);
                ""
            }
            Action::Stall(time) => {
                let gate = self.world.proxy().stall(Which::verbs(&[Verb::Watch]));
                self.stalls.push((gate, Instant::now() + time));
                ""
            }
        }
    }

    /// Ends what has lasted long enough.
    pub(super) async fn tick(&mut self) {
        let now = Instant::now();
        for actor in &mut self.operators {
            actor.tick(&self.world, now).await;
        }
        self.stalls.retain(|(gate, until)| {
            let lasts = *until > now;
            if !lasts {
                gate.release();
            }
            lasts
        });
    }

    /// Ends all faults and pauses.
    pub(super) async fn calm_down(&mut self) {
        self.world.iam.clear_faults();
        self.world.iam.set_lag(keyspaces_emulator::Lag::default());
        self.world.iam.set_page_size(100);
        self.world.proxy().clear_faults();
        for (gate, _) in self.stalls.drain(..) {
            gate.release();
        }
        let later = Instant::now() + Duration::from_mins(10);
        for actor in &mut self.operators {
            actor.tick(&self.world, later).await;
        }
    }

    /// Whether the Secret holds a password that works.
    pub(super) async fn serves(&self, name: &str) -> bool {
        let secret = self.world.secrets().get_opt(name).await.expect("the API server answers the test");
        let pair = secret.as_ref().and_then(pair);
        pair.is_some_and(|(user_name, password)| self.world.iam.verify(&user_name, &password).is_some())
    }

    /// The resident memory of the operator that nothing is done to, in KiB.
    pub(super) fn memory(&self) -> u64 {
        self.veteran.resident_kib()
    }

    pub(super) async fn resource(&self, name: &str) -> Option<KeyspacesCredential> {
        self.world.resources().get_opt(name).await.expect("the API server answers the test")
    }

    pub(super) async fn apply(&self, name: &str) -> &'static str {
        let role = CAST.iter().find(|(known, _)| *known == name).map(|(_, role)| *role).expect("it is one of them");
        let foreign = if role == Role::Greedy { "Delete" } else { "Keep" };
        let rotation = match role {
            Role::Calm | Role::Greedy => json!({ "overlap": "5s" }),
            Role::Rough | Role::Guest => json!({ "overlap": "2s", "inactiveFor": "2s" }),
        };
        let spec = json!({ "iamUserName": name, "rotation": rotation, "foreignCredentials": foreign });
        done(self.world.try_apply(name, spec).await.is_ok())
    }

    async fn annotate(&self, name: &str, key: &str, value: &str) -> &'static str {
        let patch = json!({ "metadata": { "annotations": { key: value } } });
        done(self.world.resources().patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.is_ok())
    }

    async fn patch_secret(&self, name: &str, patch: Value) -> &'static str {
        done(self.world.secrets().patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.is_ok())
    }

    async fn status_text(&self, name: &str, pointer: &str) -> Option<String> {
        let status = serde_json::to_value(self.resource(name).await?.status?).ok()?;
        status.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
    }

    /// Adds none in the middle of an operation: the operator could not distinguish it from one of its own (README, "Limits").
    /// Nothing that opens an operation is done to a guest, so what is seen here still holds a moment later. A greedy resource
    /// may delete it in any case.
    async fn add_foreign(&self, name: &str) -> &'static str {
        let Some(resource) = self.resource(name).await else {
            return "it is gone";
        };
        let status = resource.status.clone().unwrap_or_default();
        let idle = status.operation.is_none() && status.unresolved.is_none();
        if !idle || !has_condition(&resource, "Ready", "True", "Published") {
            return "it is busy";
        }
        let Ok(issued) = self.world.iam.create_credential(name) else {
            return "there is no room";
        };
        if name == "guest" {
            self.foreign.set().insert(issued.info.id);
        }
        "done"
    }

    fn remove_foreign(&self, name: &str) -> &'static str {
        let Some(theirs) = self.world.iam.credentials_of(name).into_iter().find(|credential| credential.outside) else {
            return "there is none";
        };
        self.foreign.set().remove(&theirs.id);
        done(self.world.iam.delete_credential(&theirs.id).is_ok())
    }
}

fn done(is: bool) -> &'static str {
    if is { "done" } else { "refused" }
}
