//! The calling key.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a handler may refuse, these two never do"
)]

use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::clock::Moment;
use crate::limits::Tier;
use crate::operation::{Method, Operation};
use crate::state::Context;

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation::new(
        "validateApiKeyV3",
        Method::Get,
        "/v3/api-keys/validate",
        Tier::Read,
        validate,
    ),
    // Newer than the document; the fields are those of `GET /api-keys/{id}`.
    Operation::new(
        "getCurrentApiKey",
        Method::Get,
        "/v3/api-keys/me",
        Tier::Read,
        current,
    ),
];

fn validate(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    Ok(Answer::json(
        200,
        &json!({
            "name": context.state.world.key_name,
            "expires_at": null,
            "company_id": context.state.company_id,
            "status": "active",
        }),
    ))
}

fn current(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let state = &*context.state;
    let capabilities = state.world.capabilities.iter().enumerate();
    let capabilities: Vec<Value> = capabilities
        .map(|(index, (permission, resource))| {
            json!({
                "id": format!("00000000-0000-4000-8000-{index:012}"),
                "permission": permission,
                "id_resource": resource,
            })
        })
        .collect();
    let time = |moment| context.clock.rfc3339(moment);
    Ok(Answer::json(
        200,
        &json!({
            "id": state.key_id,
            "company_id": state.company_id,
            "name": state.world.key_name,
            "is_enabled": true,
            "source": "DASHBOARD",
            "masked_token": masked(&state.world.key),
            "roles": [],
            "capabilities": capabilities,
            "last_used_at": time(context.now),
            "expired_at": null,
            "old_token_expired_at": null,
            "created_at": time(Moment(0)),
            "updated_at": time(Moment(0)),
        }),
    ))
}

/// First six and last four characters.
fn masked(key: &str) -> String {
    let first: String = key.chars().take(6).collect();
    let length = key.chars().count();
    let last: String = key.chars().skip(length.saturating_sub(4)).collect();
    format!("{first}...{last}")
}
