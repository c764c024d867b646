//! The Query protocol: parses a request and carries it out on the state.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::error::IamError;
use crate::operation::Operation;
use crate::state::{IssuedCredential, ListQuery, Page, State, User, validate_user_name};

/// A parsed request. It holds no password: none of the operations takes one.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) operation: Operation,
    pub(crate) action: String,
    pub(crate) access_key_id: Option<String>,
    parameters: BTreeMap<String, String>,
}

/// What a request gave.
pub(crate) enum Outcome {
    Issued(IssuedCredential),
    Listed(Page),
    User(User),
    Done,
}

impl Request {
    /// Reads a form and the `Authorization` header.
    pub(crate) fn parse(form: &[u8], authorization: Option<&str>) -> Self {
        let parameters: BTreeMap<String, String> = form_urlencoded::parse(form).into_owned().collect();
        let action = parameters.get("Action").cloned().unwrap_or_default();
        Self {
            operation: Operation::of_action(&action),
            action,
            access_key_id: authorization.and_then(access_key_id),
            parameters,
        }
    }

    /// The user that the request names. An empty name is none.
    pub(crate) fn named_user(&self) -> Option<&str> {
        self.get("UserName").filter(|name| !name.is_empty())
    }

    pub(crate) fn credential_id(&self) -> Option<&str> {
        self.get("ServiceSpecificCredentialId")
    }

    /// Carries the request out. If the request names no user, it is about `caller`.
    pub(crate) fn perform(&self, state: &mut State, caller: &str, now: Timestamp) -> Result<Outcome, IamError> {
        if self.access_key_id.is_none() {
            return Err(IamError::Authenticate);
        }
        if let Some(name) = self.named_user() {
            validate_user_name(name)?;
        }
        let user = self.named_user().unwrap_or(caller);
        match self.operation {
            Operation::Create => {
                let user = self.named_user().ok_or_else(|| missing("userName"))?;
                state.user(user)?;
                let service = self.required("ServiceName")?;
                state.create(user, service, false, now).map(Outcome::Issued)
            }
            Operation::List => self.list(state, user, now).map(Outcome::Listed),
            Operation::Reset => {
                let id = self.id(state, user)?;
                state.reset(user, id, now).map(Outcome::Issued)
            }
            Operation::Update => {
                let id = self.id(state, user)?;
                state.update(user, id, self.required("Status")?).map(|()| Outcome::Done)
            }
            Operation::Delete => {
                let id = self.id(state, user)?;
                state.delete(user, id, now).map(|()| Outcome::Done)
            }
            Operation::CreateUser => {
                let user = self.named_user().ok_or_else(|| missing("userName"))?;
                state.create_user(user, now).map(Outcome::User)
            }
            Operation::GetUser => state.user(user).cloned().map(Outcome::User),
            Operation::DeleteUser => {
                let user = self.named_user().ok_or_else(|| missing("userName"))?;
                state.delete_user(user, false).map(|()| Outcome::Done)
            }
            Operation::Login | Operation::Unknown => Err(IamError::FindAction(self.action.clone())),
        }
    }

    fn list(&self, state: &mut State, user: &str, now: Timestamp) -> Result<Page, IamError> {
        let all_users = self.get("AllUsers").is_some_and(|it| it.eq_ignore_ascii_case("true"));
        if all_users && self.named_user().is_some() {
            let message = "UserName and AllUsers cannot be given together";
            return Err(IamError::AcceptInput(message.into()));
        }
        if !all_users {
            state.user(user)?;
        }
        let max_items = match self.get("MaxItems") {
            None => 100,
            Some(text) => match text.parse() {
                Ok(number) if (1..=1_000).contains(&number) => number,
                _ => {
                    let message = format!("Value '{text}' at 'maxItems' must be between 1 and 1000");
                    return Err(IamError::Validate(message));
                }
            },
        };
        let query = ListQuery {
            user: (!all_users).then_some(user),
            service: self.get("ServiceName"),
            marker: self.get("Marker"),
            max_items,
        };
        state.list(&query, now)
    }

    /// The id of the credential, asked for only when the user exists.
    fn id(&self, state: &State, user: &str) -> Result<&str, IamError> {
        state.user(user)?;
        self.required("ServiceSpecificCredentialId")
    }

    fn required(&self, name: &str) -> Result<&str, IamError> {
        self.get(name).ok_or_else(|| {
            let mut field = name.to_owned();
            field[..1].make_ascii_lowercase();
            missing(&field)
        })
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }
}

fn missing(field: &str) -> IamError {
    IamError::Validate(format!(
        "1 validation error detected: Value at '{field}' failed to satisfy constraint: Member must not be null"
    ))
}

/// The access key in `AWS4-HMAC-SHA256 Credential=AKIA…/20260101/us-east-1/iam/aws4_request, …`.
fn access_key_id(authorization: &str) -> Option<String> {
    let scope = authorization.split_once("Credential=")?.1;
    let key = scope.split('/').next().unwrap_or_default();
    (!key.is_empty()).then(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_access_key_is_found_in_the_signature() {
        let header = "AWS4-HMAC-SHA256 Credential=AKIAX/20260101/us-east-1/iam/aws4_request, SignedHeaders=host";
        assert_eq!(access_key_id(header).as_deref(), Some("AKIAX"));
        assert_eq!(access_key_id("Bearer x"), None);
    }

    #[test]
    fn an_empty_user_name_is_none() {
        let request = Request::parse(b"Action=ListServiceSpecificCredentials&UserName=", None);
        assert_eq!((request.operation, request.named_user()), (Operation::List, None));
    }
}
