//! Calls to the API server, each with a deadline.

use std::future::Future;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{ApiResource, DynamicObject, PatchParams, PostParams};
use kube::{Api, Client};

use super::failure::{Failure, kubernetes};
use crate::api::{KeyspacesCredential, MANAGER};

/// The API server, for the objects of one namespace.
pub(crate) struct Server {
    client: Client,
    namespace: String,
    deadline: Duration,
}

impl Server {
    pub(crate) fn new(client: Client, namespace: &str, deadline: Duration) -> Self {
        Self { client, namespace: namespace.to_owned(), deadline }
    }

    pub(crate) fn resources(&self) -> Api<KeyspacesCredential> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The resources as the API server holds them, whatever is in them.
    pub(crate) fn untyped_resources(&self) -> Api<DynamicObject> {
        let kind = ApiResource::erase::<KeyspacesCredential>(&());
        Api::namespaced_with(self.client.clone(), &self.namespace, &kind)
    }

    pub(crate) fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// A call with a deadline. Without one, a server that accepts and never answers would hold the pass for ever.
    /// `doing` says what is tried: "writing the status".
    pub(crate) async fn call<T>(
        &self,
        doing: &'static str,
        call: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, Failure> {
        self.in_time(call).await.map_err(|error| kubernetes(doing, &error))
    }

    /// The same with the error as it came.
    pub(crate) async fn in_time<T>(
        &self,
        call: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, kube::Error> {
        match tokio::time::timeout(self.deadline, call).await {
            Ok(result) => result,
            Err(elapsed) => Err(kube::Error::Service(elapsed.into())),
        }
    }
}

/// Parameters of a create or replace by this operator.
pub(crate) fn post(dry_run: bool) -> PostParams {
    PostParams { dry_run, field_manager: Some(MANAGER.to_owned()) }
}

/// Parameters of a patch by this operator.
pub(crate) fn patch() -> PatchParams {
    PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() }
}
