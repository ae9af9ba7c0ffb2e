//! Pipelines and their stages.

use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::limits::Tier;
use crate::operation::{Method, Operation};
use crate::pipeline::Pipeline;
use crate::routes::paging::page;
use crate::state::Context;
use crate::validate::{Page, path_id};

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation::new(
        "listPipelinesV3",
        Method::Get,
        "/v3/pipelines",
        Tier::Read,
        list,
    ),
    Operation::new(
        "getPipelineV3",
        Method::Get,
        "/v3/pipelines/{id}",
        Tier::Read,
        get,
    ),
];

/// The pipeline the path names.
pub(crate) fn named<'a>(context: &'a mut Context<'_>) -> Result<&'a mut Pipeline, Refusal> {
    let id = path_id(context.ask, "id")?;
    let found = context.state.pipeline(&id);
    found.ok_or_else(|| Refusal::not_found("Pipeline"))
}

fn list(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (asked, clock) = (Page::of(context.ask)?, context.clock);
    let mut pipelines: Vec<&Pipeline> = context.state.world.pipelines.iter().collect();
    pipelines.sort_by_key(|pipeline| std::cmp::Reverse(pipeline.created));
    Ok(page(&pipelines, asked, |pipeline| {
        let stages = pipeline.told_stages().into_iter();
        let stages: Vec<Value> = stages
            .map(|(order, stage)| {
                json!({
                    "id": stage.id,
                    "display_name": stage.display_name,
                    "type": stage.kind,
                    "order": order,
                })
            })
            .collect();
        let created = clock.rfc3339(pipeline.created);
        json!({
            "id": pipeline.id,
            "display_name": pipeline.display_name,
            "type": pipeline.kind,
            "stages": stages,
            "created_at": created,
            "updated_at": created,
        })
    }))
}

fn get(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let clock = context.clock;
    let company = context.state.company_id.clone();
    let project = context.state.project_id.clone();
    let pipeline = named(context)?;
    let created = clock.rfc3339(pipeline.created);
    let stages = pipeline.told_stages().into_iter();
    let stages: Vec<Value> = stages
        .map(|(order, stage)| {
            json!({
                "id": stage.id,
                "pipeline_id": pipeline.id,
                "display_name": stage.display_name,
                "type": stage.kind,
                "order": order,
                "branch": stage.branch,
                "auto_create_app": stage.auto_create_app,
                "delete_stale_apps": stage.delete_stale_apps,
                "stale_app_days": stage.stale_app_days,
                "created_at": created,
                "updated_at": created,
            })
        })
        .collect();
    Ok(Answer::json(
        200,
        &json!({
            "id": pipeline.id,
            "company_id": company,
            "project_id": project,
            "display_name": pipeline.display_name,
            "type": pipeline.kind,
            "stages": stages,
            "created_at": created,
            "updated_at": created,
        }),
    ))
}
