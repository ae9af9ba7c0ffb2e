//! Processes of an application: one web process.

use serde_json::json;

use crate::answer::{Answer, Refusal};
use crate::limits::Tier;
use crate::operation::{Method, Operation};
use crate::routes::applications::named;
use crate::routes::paging::page;
use crate::state::Context;
use crate::validate::Page;

pub(crate) const OPERATIONS: &[Operation] = &[Operation::new(
    "listProcessesV3",
    Method::Get,
    "/v3/applications/{id}/processes",
    Tier::Read,
    list,
)];

fn list(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (asked, clock) = (Page::of(context.ask)?, context.clock);
    let application = named(context)?;
    let created = clock.rfc3339(application.created);
    let web = json!({
        "id": application.process_id,
        "app_id": application.id,
        "key": "web",
        "type": "web",
        "display_name": "Web process",
        "entrypoint": "",
        "port": 8080,
        "is_ingress_enabled": true,
        "ingress_protocol": "http",
        "scaling_strategy": { "type": "manual", "config": { "instanceCount": 1 } },
        "resource_type_id": null,
        "resource_type_name": "S1",
        "cpu_limit": 500,
        "memory_limit": 1024,
        "schedule": null,
        "time_zone": null,
        "job_start_policy": null,
        "liveness_probe": null,
        "readiness_probe": null,
        "internal_hostname": null,
        "created_at": created,
        "updated_at": created,
    });
    Ok(page(&[web], asked, Clone::clone))
}
