//! Clusters and sizes.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a handler may refuse, these two never do"
)]

use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::limits::Tier;
use crate::operation::{Method, Operation};
use crate::resources::{CLUSTERS, SIZES};
use crate::state::Context;

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation::new(
        "listClustersV3",
        Method::Get,
        "/v3/resources/clusters",
        Tier::Read,
        clusters,
    ),
    Operation::new(
        "listDatabaseResourceTypesV3",
        Method::Get,
        "/v3/resources/database-resource-types",
        Tier::Read,
        sizes,
    ),
];

fn clusters(_: &mut Context<'_>) -> Result<Answer, Refusal> {
    let clusters = CLUSTERS.iter().map(|cluster| {
        json!({
            "id": cluster.id,
            "name": cluster.name,
            "display_name": cluster.display_name,
            "location": cluster.location,
        })
    });
    Ok(Answer::json(200, &clusters.collect::<Value>()))
}

fn sizes(_: &mut Context<'_>) -> Result<Answer, Refusal> {
    let sizes = SIZES.iter().map(|size| {
        json!({
            "id": size.id,
            "name": size.name,
            "cpu_limit": size.cpu,
            "memory_limit": size.memory,
            "storage_limit": size.storage,
        })
    });
    Ok(Answer::json(200, &sizes.collect::<Value>()))
}
