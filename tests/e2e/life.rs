//! The main job: a credential is made, published, rotated and removed.

use kit::world::{USER, condition, has_condition};
use serde_json::json;

use crate::world;

#[tokio::test]
async fn a_resource_becomes_a_secret_that_logs_in() {
    let world = world("create").await;
    let resource = world.ready_with_defaults("orders").await;
    world.assert_whole("orders").await;
    let status = resource.status.unwrap_or_default();
    assert_eq!(status.binding.expect("it is bound").name, "orders");
    assert!(status.operation.is_none() && status.retiring.is_none() && status.failures.is_none());

    // And nothing else happened.
    assert_eq!(world.counts(), (1, 1, 0), "one Create, one List, no Delete");
    let writes = world.control_plane.writes_in(&world.namespace);
    assert_eq!(
        writes,
        [
            "patch keyspacescredentials",
            "update keyspacescredentials/status",
            "create secrets (dry run)",
            "create secrets",
            "update keyspacescredentials/status",
        ]
    );
}
