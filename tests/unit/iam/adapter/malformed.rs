//! Replies that break off at any byte, or in which any byte was replaced by another one.

use proptest::prelude::*;

use super::create::{PASSWORD, created};
use super::list_and_delete::{entry, page};
use super::{ID, Kind, Reply, Server, Turn, iam, user};

#[tokio::test]
async fn a_reply_to_create_that_breaks_off_anywhere_is_ambiguous() {
    let whole = created();
    let script: Vec<_> = (0..whole.len()).map(|end| Reply::Answer(200, whole[..end].to_owned())).collect();
    let (count, server) = (script.len(), Server::start(script));
    let iam = iam(&server);
    for end in 0..count {
        let error = iam.create(Turn::for_test(), &user()).await.err();
        let error = error.unwrap_or_else(|| panic!("a credential from {end} bytes: {}", &whole[..end]));
        assert_eq!(error.kind(), Kind::Ambiguous, "after {end} bytes: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    assert_eq!(server.requests().len(), count, "each was sent once");
}

#[tokio::test]
async fn a_reply_to_list_that_breaks_off_anywhere_is_no_list() {
    let whole = page(&(entry(ID, "Active") + &entry("ACCA0000000000ABCDEFG", "Inactive")), None);
    let script: Vec<_> = (0..whole.len()).map(|end| Reply::Answer(200, whole[..end].to_owned())).collect();
    let (count, server) = (script.len(), Server::start(script));
    let iam = iam(&server);
    for end in 0..count {
        let listed = iam.list(Turn::for_test(), &user()).await;
        let error = listed.err().unwrap_or_else(|| panic!("a list from {end} bytes: {}", &whole[..end]));
        assert_eq!(error.kind(), Kind::Unavailable, "after {end} bytes: {error}");
    }
}

/// Bytes of a reply to replace; they may be bytes of the tags.
fn other_bytes() -> impl Strategy<Value = Vec<(prop::sample::Index, char)>> {
    let byte =
        prop_oneof![3 => prop::char::range(' ', '~'), 1 => prop::sample::select(vec!['<', '>', '&', '/', '\0', 'é'])];
    prop::collection::vec((any::<prop::sample::Index>(), byte), 1..4)
}

fn malformed(whole: &str, changes: &[(prop::sample::Index, char)]) -> String {
    let mut letters: Vec<char> = whole.chars().collect();
    for (index, letter) in changes {
        let place = index.index(letters.len());
        letters[place] = *letter;
    }
    letters.into_iter().collect()
}

#[test]
fn a_reply_to_create_with_other_bytes_is_whole_or_ambiguous_and_shows_no_password() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(changes in other_bytes())| {
        let reply = malformed(&created(), &changes);
        let server = Server::start(vec![Reply::Answer(200, reply.clone())]);
        match runtime.block_on(iam(&server).create(Turn::for_test(), &user())) {
            Ok(issued) => {
                prop_assert!(!issued.password.expose().is_empty());
                prop_assert!(reply.to_lowercase().contains("orders-app"), "{}", reply);
                prop_assert!((20..=128).contains(&issued.id.as_str().len()));
            }
            Err(error) => {
                prop_assert_eq!(error.kind(), Kind::Ambiguous, "{}", error);
                let shown = format!("{error} {error:?}");
                prop_assert!(!shown.contains("hunter2") && !shown.contains(PASSWORD), "{}", shown);
            }
        }
        prop_assert_eq!(server.requests().len(), 1);
    });
}
