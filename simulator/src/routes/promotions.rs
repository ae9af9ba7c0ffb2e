//! Promotions from one application of a pipeline to others.

use serde_json::{Map, Value, json};

use crate::answer::{Answer, Refusal};
use crate::deployment::Origin;
use crate::limits::Tier;
use crate::operation::{Method, Operation};
use crate::pipeline::Pipeline;
use crate::routes::deployments::refuse_unfit;
use crate::routes::pipelines::named;
use crate::schema::{self, Field, Kind};
use crate::state::{Context, State};
use crate::validate::path_id;

pub(crate) const OPERATIONS: &[Operation] = &[Operation::new(
    "promotePipelineV3",
    Method::Post,
    "/v3/pipelines/{id}/promote",
    Tier::Deployment,
    promote,
)];

const BODY: &[Field] = &[
    Field::required("source_app_id", Kind::Uuid),
    Field::required("target_app_ids", Kind::List(1, &Kind::Uuid)),
];

fn promote(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let now = context.now;
    path_id(context.ask, "id")?;
    let body = schema::closed(context.ask, BODY)?;
    let source = schema::text(&body, "source_app_id").unwrap_or_default();
    let targets = targets(&body);
    let pipeline = named(context)?.clone();
    let state = &mut *context.state;
    let found = state.application(&source);
    let found = found.ok_or_else(|| Refusal::not_found("Source application"))?;
    let artifact = found.lane.latest_success(now);
    // All or nothing: what is wrong with one target is found before any deploys.
    for target in &targets {
        if target.eq_ignore_ascii_case(&source) {
            return Err(Refusal::bad_request(
                "An application cannot be promoted to itself",
            ));
        }
        let found = state.application(target);
        let found = found.ok_or_else(|| Refusal::not_found("Target application"))?;
        refuse_unfit(found, now)?;
    }
    refuse_strangers(state, &pipeline, targets.iter().chain([&source]))?;
    let artifact = artifact.ok_or_else(|| {
        Refusal::bad_request("The source application has no successful deployment to promote")
    })?;
    let is_in = |list: &[String], id: &str| list.iter().any(|one| one.eq_ignore_ascii_case(id));
    let mut pairs = Vec::new();
    for target in targets.iter().filter(|id| !is_in(&pipeline.skips, id)) {
        let Some(found) = state.application(target) else {
            continue;
        };
        let origin = Origin::reusing("PROMOTION");
        let script = found.lane.next_script();
        let deployment = found.lane.add(now, origin, artifact.clone(), script);
        if !is_in(&pipeline.hides, target) {
            pairs.push(json!({ "target_app_id": found.id, "deployment_id": deployment }));
        }
    }
    Ok(Answer::json(200, &Value::from(pairs)))
}

fn targets(body: &Map<String, Value>) -> Vec<String> {
    let targets = body.get("target_app_ids").and_then(Value::as_array);
    let targets = targets.into_iter().flatten().filter_map(Value::as_str);
    targets.map(str::to_owned).collect()
}

/// Refuses applications of other pipelines, if this one does.
fn refuse_strangers<'a>(
    state: &mut State,
    pipeline: &Pipeline,
    mut applications: impl Iterator<Item = &'a String>,
) -> Result<(), Refusal> {
    let mut is_own = |id: &String| {
        let preview = state
            .application(id)
            .and_then(|found| found.preview.as_ref());
        pipeline.has(id) || preview.is_some_and(|from| from.pipeline == pipeline.id)
    };
    if pipeline.within && applications.any(|id| !is_own(id)) {
        return Err(Refusal::bad_request(
            "Source and targets must be in stages of this pipeline",
        ));
    }
    Ok(())
}
