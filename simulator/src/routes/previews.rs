//! Preview apps of a pipeline.

use serde_json::Value;

use crate::answer::{Answer, Refusal};
use crate::limits::Tier;
use crate::operation::{Method, Operation};
use crate::routes::applications::summary;
use crate::schema::{self, Field, Kind};
use crate::state::Context;
use crate::validate::path_id;

pub(crate) const OPERATIONS: &[Operation] = &[
    // Newer than the document; from its page on api-docs.sevalla.com.
    Operation::new(
        "createPreviewApp",
        Method::Post,
        "/v3/pipelines/{id}/preview/apps",
        Tier::Creation,
        create,
    ),
];

const BODY: &[Field] = &[
    Field::required("branch", Kind::Text(1, usize::MAX)),
    Field::optional("pull_request_number", Kind::Integer(1, i64::MAX)),
];

fn create(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (clock, now) = (context.clock, context.now);
    let id = path_id(context.ask, "id")?;
    let body = schema::closed(context.ask, BODY)?;
    let branch = schema::text(&body, "branch").unwrap_or_default();
    let number = body.get("pull_request_number").and_then(Value::as_u64);
    let pipeline = context.state.pipeline(&id);
    let preview = pipeline.and_then(|pipeline| pipeline.preview.as_ref());
    let status = preview.map_or(201, |preview| preview.status);
    let made = context.state.make_preview(&id, &branch, number, true)?;
    Ok(Answer::json(status, &summary(made, clock, now)))
}
