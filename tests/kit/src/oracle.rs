//! The universal oracle: what has to be true of a resource that nothing is left to be done for, whatever happened before.

use crate::world::{World, has_condition, speaks_of_present};

impl World {
    /// The Secret's password is that of an Active credential whose id status names, it logs in, and
    /// besides it and a retiring one IAM holds nothing of ours; and no password is anywhere else.
    pub async fn assert_whole(&self, name: &str) {
        self.assert_in_order(name).await;
        self.assert_no_password_shown().await;
    }

    /// Checks one resource, except that no password is shown.
    pub async fn assert_in_order(&self, name: &str) {
        let resource = self.resource(name).await;
        let status = resource.status.clone().unwrap_or_default();
        let current = status.credential.expect("status names a credential").id;
        let secret = status.binding.expect("status names the Secret").name;
        let (user_name, password) = self.user_and_password(&secret).await;
        assert_eq!(self.iam.verify(&user_name, &password).as_deref(), Some(current.as_str()), "{}", self.log());
        self.login(&secret).await.expect("the Secret's password logs in");
        let mut ours: Vec<String> =
            std::iter::once(current).chain(status.retiring.map(|retiring| retiring.id)).collect();
        ours.sort();
        let mut kept: Vec<String> = self
            .iam
            .credentials_of(&resource.spec.iam_user_name)
            .into_iter()
            .filter(|credential| !credential.outside)
            .map(|credential| credential.id)
            .collect();
        kept.sort();
        assert_eq!(kept, ours, "IAM holds what status says\n{}", self.log());
        assert!(has_condition(&resource, "Ready", "True", "Published"), "{:?}", resource.status);
        assert!(speaks_of_present(&resource), "{:?}", resource.status);
    }
}
