//! No password is anywhere but in the data of a Secret.
//!
//! Each world is searched when it ends, whatever its test does: what its operators logged and the messages of their panics,
//! what they sent to the API server besides the writes of Secrets, and the events, resources and Secrets that the API server
//! returns.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::control_plane::Output;
use crate::world::World;

/// Everything that the operator writes besides Secrets, and the Secrets without their data. Leases are left out, since only the
/// crate of the election writes them.
const SHOWN: [&str; 5] =
    ["get", "events.v1.events.k8s.io,keyspacescredentials,secrets", "--show-managed-fields", "--output", "json"];
/// How much at the end of the searched text is searched again. It is longer than a password in any encoding, since the operator
/// may have written only half of one by then.
const SEAM: u64 = 4_096;

/// How far the log was searched. It cannot contain a password before IAM has made that password, so nothing has to be searched
/// twice.
#[derive(Debug, Default)]
pub(crate) struct Searched(Mutex<u64>);

impl World {
    /// No password, present or replaced, is in the log, in what was sent, in events or in any object but a Secret's data.
    pub async fn assert_no_password_shown(&self) {
        self.search_what_the_operators_wrote();
        self.search_what_is_shown(&self.kubectl(&SHOWN).await);
    }

    fn search_what_the_operators_wrote(&self) {
        self.assert_silent("the log", &self.log_since_the_last_search());
        if let Some(proxy) = &self.proxy {
            self.assert_silent("what was sent to the API server", &proxy.take_sent());
        }
    }

    fn search_what_is_shown(&self, output: &Output) {
        let mut shown: Value = serde_json::from_str(&output.clone().success()).expect("kubectl writes JSON");
        for object in shown["items"].as_array_mut().expect("a list") {
            if object["kind"] == "Secret" {
                object["data"] = Value::Null;
            }
        }
        self.assert_silent("what kubectl shows", shown.to_string().as_bytes());
    }

    fn assert_silent(&self, place: &str, bytes: &[u8]) {
        let leaks = self.iam.leaks(bytes);
        assert!(leaks.is_empty(), "the passwords of {leaks:?} are in {place} of {}", self.namespace);
    }

    fn log_since_the_last_search(&self) -> Vec<u8> {
        let mut new = Vec::new();
        // No operator was started.
        let Ok(mut log) = File::open(self.log_file()) else {
            return new;
        };
        let mut searched = self.searched.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.seek(SeekFrom::Start(searched.saturating_sub(SEAM))).expect("a file");
        log.read_to_end(&mut new).expect("it can be read");
        *searched = log.stream_position().expect("a file");
        new
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The panic that is under way is more important.
        if std::thread::panicking() {
            return;
        }
        self.operator = None;
        self.search_what_the_operators_wrote();
        let arguments = [["--namespace", &self.namespace].as_slice(), &SHOWN].concat();
        self.search_what_is_shown(&self.control_plane.kubectl_blocking(&arguments));
    }
}
