//! Replies in the form of IAM's Query protocol.

use crate::query::Outcome;
use crate::state::{CredentialInfo, IssuedCredential, Page, User};

const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// The reply to a request that was carried out.
pub(crate) fn reply(action: &str, outcome: &Outcome, request_id: &str) -> String {
    let result = match outcome {
        Outcome::Issued(issued) => issued_credential(issued),
        Outcome::Listed(page) => listed(page),
        Outcome::User(it) => user(it),
        Outcome::Done => String::new(),
    };
    let result_element = match outcome {
        Outcome::Done => String::new(),
        _ => tag(&format!("{action}Result"), &result),
    };
    let metadata = tag("ResponseMetadata", &element("RequestId", request_id));
    format!(r#"<{action}Response xmlns="{NAMESPACE}">{result_element}{metadata}</{action}Response>"#)
}

/// An error reply.
pub(crate) fn error(status: u16, code: &str, message: &str, request_id: &str) -> String {
    let fault = if status >= 500 { "Receiver" } else { "Sender" };
    let error = element("Type", fault) + &element("Code", code) + &element("Message", message);
    let content = tag("Error", &error) + &element("RequestId", request_id);
    format!(r#"<ErrorResponse xmlns="{NAMESPACE}">{content}</ErrorResponse>"#)
}

/// `body` without every element of this name.
pub(crate) fn without(body: &str, name: &str) -> String {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut kept = body.to_owned();
    while let Some(start) = kept.find(&open) {
        let Some(length) = kept[start..].find(&close) else { break };
        kept.replace_range(start..start + length + close.len(), "");
    }
    kept
}

fn issued_credential(issued: &IssuedCredential) -> String {
    let info = &issued.info;
    let content = element("CreateDate", &info.create_date)
        + &element("ServiceName", &info.service)
        + &element("ServiceUserName", &info.service_user_name)
        + &element("ServicePassword", issued.password.expose())
        + &element("ServiceSpecificCredentialId", &info.id)
        + &element("UserName", info.user.as_deref().unwrap_or_default())
        + &element("Status", &info.status);
    tag("ServiceSpecificCredential", &content)
}

fn listed(page: &Page) -> String {
    let members: String = page.items.iter().map(|info| tag("member", &metadata(info))).collect();
    let marker = page.marker.as_deref().map(|it| element("Marker", it)).unwrap_or_default();
    tag("ServiceSpecificCredentials", &members)
        + &element("IsTruncated", if page.marker.is_some() { "true" } else { "false" })
        + &marker
}

fn metadata(info: &CredentialInfo) -> String {
    element("UserName", info.user.as_deref().unwrap_or_default())
        + &element("Status", &info.status)
        + &element("ServiceUserName", &info.service_user_name)
        + &element("CreateDate", &info.create_date)
        + &element("ServiceSpecificCredentialId", &info.id)
        + &element("ServiceName", &info.service)
}

fn user(user: &User) -> String {
    let content = element("Path", "/")
        + &element("UserName", &user.name)
        + &element("UserId", &user.id)
        + &element("Arn", &user.arn)
        + &element("CreateDate", &user.create_date);
    tag("User", &content)
}

fn tag(name: &str, content: &str) -> String {
    format!("<{name}>{content}</{name}>")
}

fn element(name: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    tag(name, &text.replace('"', "&quot;"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_an_element_can_be_taken_out() {
        let body = error(400, "ValidationError", "Value '<a&b>'", "r-1");
        assert!(body.contains("<Message>Value '&lt;a&amp;b&gt;'</Message>"));
        assert!(!without(&body, "Message").contains("Message"));
        assert_eq!(without(&body, "Missing"), body);
    }
}
