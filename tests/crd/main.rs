//! The definition in `crds/` is the one that the binary prints. `BLESS=1` writes it anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is test code")]

use std::process::Command;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/crds/keyspacescredentials.yaml");

#[test]
fn the_definition_in_the_repository_is_the_one_that_the_binary_prints() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_keyspaces-credential-operator")).arg("crd").env_clear().output().unwrap();
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(FILE, &printed).unwrap();
    }
    let kept = std::fs::read_to_string(FILE).unwrap();
    assert!(kept == printed, "crds/ is out of date: run `BLESS=1 cargo test --test crd`");
}
