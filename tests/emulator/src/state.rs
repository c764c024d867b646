//! The true state of IAM: users and their service-specific credentials. It has no clock and no IO; time is an argument.

mod listing;

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::clock::{iso, later};
use crate::error::IamError;
use crate::options::Lag;
use crate::password::Password;
use crate::random;

use listing::Pagings;
pub(crate) use listing::{ListQuery, Page};

/// The service whose credentials the CQL endpoint accepts.
pub(crate) const CASSANDRA: &str = "cassandra.amazonaws.com";
const SERVICES: [&str; 2] = [CASSANDRA, "codecommit.amazonaws.com"];
const QUOTA: usize = 2;
const ID_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// An IAM user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// The name, which may be used again after a deletion.
    pub name: String,
    /// The id, which is never used again.
    pub id: String,
    /// The ARN.
    pub arn: String,
    /// When the user was created.
    pub create_date: String,
}

/// What is known of a credential besides its password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CredentialInfo {
    /// The id, which identifies it.
    pub id: String,
    /// The present name of its user; `None` when the user is gone.
    pub user: Option<String>,
    /// The id of its user.
    pub user_id: String,
    /// The service that accepts it.
    pub service: String,
    /// The name to log in with.
    pub service_user_name: String,
    /// Active, Inactive, or whatever was set from outside.
    pub status: String,
    /// When it was created.
    pub create_date: String,
    /// Whether it was created from outside and not by a request.
    pub outside: bool,
}

/// A credential together with its password. Create and Reset return it once.
#[derive(Clone)]
pub struct IssuedCredential {
    /// All but the password.
    pub info: CredentialInfo,
    /// The password.
    pub password: Password,
}

struct Credential {
    info: CredentialInfo,
    password: Password,
    replaced_passwords: Vec<Password>,
    created: Timestamp,
    password_set: Timestamp,
    shown_from: Option<Timestamp>,
    login_from: Option<Timestamp>,
    deleted: Option<Deleted>,
}

struct Deleted {
    at: Timestamp,
    shown_until: Option<Timestamp>,
}

/// All users and credentials.
pub(crate) struct State {
    account: String,
    lag: Lag,
    users: Vec<User>,
    /// Deleted credentials stay: a lagging list still shows them, and tests search logs for their passwords.
    credentials: Vec<Credential>,
    pagings: Pagings,
}

impl State {
    pub(crate) fn new(account: String, page_size: usize, lag: Lag) -> Self {
        let pagings = Pagings::new(page_size);
        Self { account, lag, users: Vec::new(), credentials: Vec::new(), pagings }
    }

    pub(crate) fn lag(&self) -> Lag {
        self.lag
    }

    /// A shorter lag also ends a wait that has begun; a longer one applies only to later changes.
    pub(crate) fn set_lag(&mut self, lag: Lag) {
        self.lag = lag;
        for credential in &mut self.credentials {
            shorten(&mut credential.shown_from, credential.created, lag.list_new);
            shorten(&mut credential.login_from, credential.password_set, lag.login);
            if let Some(deleted) = &mut credential.deleted {
                shorten(&mut deleted.shown_until, deleted.at, lag.list_deleted);
            }
        }
    }

    pub(crate) fn users(&self) -> &[User] {
        &self.users
    }

    pub(crate) fn user(&self, name: &str) -> Result<&User, IamError> {
        let found = self.users.iter().find(|user| user.name == name);
        found.ok_or_else(|| IamError::FindUser(name.into()))
    }

    pub(crate) fn create_user(&mut self, name: &str, now: Timestamp) -> Result<User, IamError> {
        validate_user_name(name)?;
        if self.user(name).is_ok() {
            return Err(IamError::CreateUser(name.into()));
        }
        let id = format!("AIDA{}", random::text(ID_ALPHABET, 17));
        let arn = format!("arn:aws:iam::{}:user/{name}", self.account);
        let user = User { name: name.into(), id, arn, create_date: iso(now) };
        self.users.push(user.clone());
        Ok(user)
    }

    /// Deletes a user. With `force`, its credentials stay and belong to a user id that no longer exists.
    pub(crate) fn delete_user(&mut self, name: &str, force: bool) -> Result<(), IamError> {
        let id = self.user(name)?.id.clone();
        let has_credentials = self.living().any(|credential| credential.info.user_id == id);
        if has_credentials && !force {
            return Err(IamError::DeleteUser);
        }
        self.users.retain(|user| user.id != id);
        for credential in self.credentials.iter_mut().filter(|it| it.info.user_id == id) {
            credential.info.user = None;
        }
        Ok(())
    }

    /// Renames a user. The service user names stay as they are.
    pub(crate) fn rename_user(&mut self, name: &str, new_name: &str) -> Result<(), IamError> {
        let id = self.user(name)?.id.clone();
        validate_user_name(new_name)?;
        if self.user(new_name).is_ok() {
            return Err(IamError::CreateUser(new_name.into()));
        }
        let arn = format!("arn:aws:iam::{}:user/{new_name}", self.account);
        for user in self.users.iter_mut().filter(|user| user.id == id) {
            user.name = new_name.into();
            user.arn.clone_from(&arn);
        }
        for credential in self.credentials.iter_mut().filter(|it| it.info.user_id == id) {
            credential.info.user = Some(new_name.into());
        }
        Ok(())
    }

    pub(crate) fn create(
        &mut self,
        user: &str,
        service: &str,
        outside: bool,
        now: Timestamp,
    ) -> Result<IssuedCredential, IamError> {
        let user = self.user(user)?.clone();
        let service = known_service(service)?;
        let of_user = |it: &&Credential| it.info.user_id == user.id && it.info.service == service;
        if self.living().filter(of_user).count() >= QUOTA {
            return Err(IamError::TakeSlot);
        }
        let credential = Credential {
            info: CredentialInfo {
                id: format!("ACCA{}", random::text(ID_ALPHABET, 17)),
                service_user_name: self.free_service_user_name(&user.name, &service),
                user: Some(user.name),
                user_id: user.id,
                service,
                status: "Active".into(),
                create_date: iso(now),
                outside,
            },
            password: Password::generate(),
            replaced_passwords: Vec::new(),
            created: now,
            password_set: now,
            shown_from: later(now, self.lag.list_new),
            login_from: later(now, self.lag.login),
            deleted: None,
        };
        let issued = credential.issued();
        self.credentials.push(credential);
        Ok(issued)
    }

    pub(crate) fn reset(&mut self, user: &str, id: &str, now: Timestamp) -> Result<IssuedCredential, IamError> {
        let login_from = later(now, self.lag.login);
        let credential = self.owned(user, id)?;
        let old = std::mem::replace(&mut credential.password, Password::generate());
        credential.replaced_passwords.push(old);
        credential.password_set = now;
        credential.login_from = login_from;
        Ok(credential.issued())
    }

    pub(crate) fn update(&mut self, user: &str, id: &str, status: &str) -> Result<(), IamError> {
        let credential = self.owned(user, id)?;
        match status {
            "Active" | "Inactive" => credential.info.status = status.into(),
            "Expired" => {
                return Err(IamError::AcceptInput("Status cannot be set to Expired".into()));
            }
            other => {
                return Err(constraint(
                    other,
                    "status",
                    "Member must satisfy enum value set: [Active, Inactive, Expired]",
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn delete(&mut self, user: &str, id: &str, now: Timestamp) -> Result<(), IamError> {
        let shown_until = later(now, self.lag.list_deleted);
        self.owned(user, id)?.deleted = Some(Deleted { at: now, shown_until });
        Ok(())
    }

    /// Sets any status, also one that IAM does not know, without asking whose credential it is.
    pub(crate) fn force_status(&mut self, id: &str, status: &str) -> Result<(), IamError> {
        self.any(id)?.info.status = status.into();
        Ok(())
    }

    /// Deletes a credential without asking whose it is.
    pub(crate) fn force_delete(&mut self, id: &str, now: Timestamp) -> Result<(), IamError> {
        let shown_until = later(now, self.lag.list_deleted);
        self.any(id)?.deleted = Some(Deleted { at: now, shown_until });
        Ok(())
    }

    /// All credentials that exist, in the order of their creation.
    pub(crate) fn credentials(&self) -> Vec<CredentialInfo> {
        self.living().map(|credential| credential.info.clone()).collect()
    }

    /// The credential that the login accepts for this name and password, if there is one.
    pub(crate) fn login(&self, name: &str, password: &str, now: Timestamp) -> Option<&str> {
        let accepted = self.living().find(|credential| {
            credential.opens(name, password) && credential.login_from.is_some_and(|from| from <= now)
        });
        accepted.map(|credential| credential.info.id.as_str())
    }

    /// As `login`, but without the lag.
    pub(crate) fn verify(&self, name: &str, password: &str) -> Option<&str> {
        let accepted = self.living().find(|credential| credential.opens(name, password));
        accepted.map(|credential| credential.info.id.as_str())
    }

    /// All passwords that there have been, each with the id of its credential.
    pub(crate) fn passwords(&self) -> Vec<(String, Password)> {
        let all = self.credentials.iter().flat_map(|credential| {
            let passwords = credential.replaced_passwords.iter().chain([&credential.password]);
            passwords.map(|password| (credential.info.id.clone(), password.clone()))
        });
        all.collect()
    }

    fn living(&self) -> impl Iterator<Item = &Credential> {
        self.credentials.iter().filter(|credential| credential.deleted.is_none())
    }

    fn any(&mut self, id: &str) -> Result<&mut Credential, IamError> {
        let mut living = self.credentials.iter_mut().filter(|it| it.deleted.is_none());
        living.find(|it| it.info.id == id).ok_or_else(|| IamError::FindCredential(id.into()))
    }

    /// The credential `id`, if the present user of that name owns it. The user is checked first.
    fn owned(&mut self, user: &str, id: &str) -> Result<&mut Credential, IamError> {
        let user_id = self.user(user)?.id.clone();
        validate_id(id)?;
        let credential = self.any(id)?;
        if credential.info.user_id == user_id {
            Ok(credential)
        } else {
            Err(IamError::Validate(format!("The credential {id} does not belong to the user {user}")))
        }
    }

    fn free_service_user_name(&self, user: &str, service: &str) -> String {
        let taken =
            |name: &str| self.living().any(|it| it.info.service == service && it.info.service_user_name == name);
        let mut name = format!("{user}-at-{}", self.account);
        let mut number = 0;
        while taken(&name) {
            number += 1;
            name = format!("{user}+{number}-at-{}", self.account);
        }
        name
    }
}

impl Credential {
    fn issued(&self) -> IssuedCredential {
        IssuedCredential { info: self.info.clone(), password: self.password.clone() }
    }

    fn opens(&self, name: &str, password: &str) -> bool {
        self.info.service == CASSANDRA
            && self.info.user.is_some()
            && self.info.status == "Active"
            && self.info.service_user_name == name
            && self.password.expose() == password
    }
}

/// Checks a name against IAM's pattern.
pub(crate) fn validate_user_name(name: &str) -> Result<(), IamError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if name.is_empty() || name.chars().count() > 64 {
        return Err(constraint(name, "userName", "Member must have length between 1 and 64"));
    }
    if !name.chars().all(allowed) {
        return Err(constraint(name, "userName", r"Member must satisfy regular expression pattern: [\w+=,.@-]+"));
    }
    Ok(())
}

fn validate_id(id: &str) -> Result<(), IamError> {
    let field = "serviceSpecificCredentialId";
    if !(20..=128).contains(&id.len()) {
        return Err(constraint(id, field, "Member must have length between 20 and 128"));
    }
    if !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(constraint(id, field, r"Member must satisfy regular expression pattern: [\w]+"));
    }
    Ok(())
}

fn known_service(name: &str) -> Result<String, IamError> {
    let service = name.to_ascii_lowercase();
    if SERVICES.contains(&service.as_str()) { Ok(service) } else { Err(IamError::FindService(name.into())) }
}

fn constraint(value: &str, field: &str, rule: &str) -> IamError {
    IamError::Validate(format!(
        "1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: {rule}"
    ))
}

/// Brings `until` forward to `since` plus `lag`, if that is sooner.
fn shorten(until: &mut Option<Timestamp>, since: Timestamp, lag: Duration) {
    if let Some(sooner) = later(since, lag) {
        *until = Some(until.map_or(sooner, |present| present.min(sooner)));
    }
}
