//! What the README shows is true: its manifests are accepted, and it explains every reason that a condition can have.

use std::collections::BTreeSet;

use keyspaces_credential_operator::protocol::Reason;

use crate::support::world;

const README: &str = include_str!("../../../README.md");

fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    README.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[tokio::test]
async fn its_manifests_are_accepted() {
    let world = world("readme").await;
    let blocks = blocks("yaml");
    assert!(blocks.len() >= 3);
    for block in blocks {
        assert!(block.contains("namespace: shop"), "{block}");
        let manifest = block.replace("namespace: shop", &format!("namespace: {}", world.namespace));
        let arguments = ["apply", "--dry-run=server", "-f", "-"];
        world.control_plane.kubectl_with_input(&arguments, &manifest).await.success();
    }
}

#[test]
fn it_explains_every_reason() {
    let explained: BTreeSet<&str> = README
        .lines()
        .filter(|line| line.starts_with("| `"))
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|cell| cell.split(',').map(|reason| reason.trim().trim_matches('`')))
        .collect();
    let reasons: BTreeSet<&str> =
        Reason::ALL.iter().filter(|reason| reason.is_of_conditions()).map(|reason| reason.as_str()).collect();
    assert_eq!(explained, reasons);
}
