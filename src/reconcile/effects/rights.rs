//! Who may have the IAM user: the grant of the namespace, and the claims of all resources that ask for the same user.
//!
//! An error is neither a right nor a refusal: it ends the pass. A namespace that does not exist has no right.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::{Api, ResourceExt};

use super::objects::Objects;
use crate::api::KeyspacesCredential;
use crate::protocol::{GRANT_ANNOTATION, Grant, IamUserName, Outcome, claim, grant};
use crate::reconcile::context::{Context, Grants};
use crate::reconcile::failure::Failure;
use crate::reconcile::observe;

impl Objects {
    /// Reads what the namespace of the resource is granted.
    pub(crate) async fn read_grant(&self, context: &Context, user: &IamUserName) -> Result<Outcome, Failure> {
        let namespace = self.resource.namespace().unwrap_or_default();
        Ok(Outcome::Grant(self.grant_of(context, &namespace, user).await?))
    }

    /// Lists all resources of the same IAM user, and reads what the namespaces of the others are granted. The API
    /// server selects the resources by `spec.iamUserName`.
    pub(crate) async fn read_claims(&self, context: &Context, user: &IamUserName) -> Result<Outcome, Failure> {
        let kind = ApiResource::erase::<KeyspacesCredential>(&());
        let client = context.client.clone();
        let resources: Api<DynamicObject> = match &context.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &kind),
            None => Api::all_with(client, &kind),
        };
        let selector = ListParams::default().fields(&format!("spec.iamUserName={}", escaped(user.as_str())));
        let asking = self.server.call("listing the resources of the IAM user", resources.list(&selector)).await?;
        let others = asking.items.iter().filter(|other| other.uid() != self.resource.uid());
        let mut namespaces: BTreeSet<String> = others.filter_map(ResourceExt::namespace).collect();
        if !namespaces.is_empty() {
            namespaces.extend(self.resource.namespace());
        }
        let grants = try_join_all(namespaces.into_iter().map(async |namespace| {
            let granted = self.grant_of(context, &namespace, user).await? == Grant::Granted;
            Ok::<_, Failure>((namespace, granted))
        }))
        .await?;
        let grants: BTreeMap<String, bool> = grants.into_iter().collect();
        let granted = |namespace: Option<String>| namespace.and_then(|name| grants.get(&name)) == Some(&true);
        let contenders: Vec<_> =
            asking.items.iter().map(|other| observe::contender(other, granted(other.namespace()))).collect();
        let myself = observe::myself(&self.resource, granted(self.resource.namespace()));
        Ok(Outcome::Claim(claim(&myself, &contenders)))
    }

    /// Whether a namespace is granted the IAM user.
    async fn grant_of(&self, context: &Context, namespace: &str, user: &IamUserName) -> Result<Grant, Failure> {
        match context.grants {
            Grants::Open => Ok(Grant::Granted),
            Grants::Namespace => {
                let namespaces: Api<Namespace> = Api::all(context.client.clone());
                let call = namespaces.get_metadata_opt(namespace);
                let found = self.server.call("reading the namespace", call).await?;
                let annotation = found.as_ref().and_then(|found| found.annotations().get(GRANT_ANNOTATION));
                Ok(grant(user, namespace, annotation.map(String::as_str)))
            }
        }
    }
}

/// A value in a field selector: comma, equals sign and backslash are escaped (*Kubernetes fields package*,
/// `EscapeValue`).
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=")
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_iam_user_name_cannot_break_out_of_the_selector() {
        assert_eq!(super::escaped("a,b=c"), "a\\,b\\=c");
    }
}
