//! What is counted of the requests to a service: the same for each.

use serde_json::json;

use crate::answer::{Answer, Refusal};
use crate::limits::Tier;
use crate::operation::{Method, Operation};
use crate::routes::{applications, static_sites};
use crate::state::Context;
use crate::validate;

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation::new(
        "getApplicationTopStatusCodesV3",
        Method::Get,
        "/v3/applications/{id}/metrics/top-status-codes",
        Tier::Read,
        |context| {
            applications::named(context)
                .map(drop)
                .and_then(|()| totals(context))
        },
    ),
    Operation::new(
        "getApplicationResponseTimeAvgV3",
        Method::Get,
        "/v3/applications/{id}/metrics/response-time-avg",
        Tier::Read,
        |context| {
            applications::named(context)
                .map(drop)
                .and_then(|()| average(context))
        },
    ),
    Operation::new(
        "getStaticSiteTopStatusCodesV3",
        Method::Get,
        "/v3/static-sites/{id}/metrics/top-status-codes",
        Tier::Read,
        |context| {
            static_sites::named(context)
                .map(drop)
                .and_then(|()| totals(context))
        },
    ),
    Operation::new(
        "getStaticSiteResponseTimeAvgV3",
        Method::Get,
        "/v3/static-sites/{id}/metrics/response-time-avg",
        Tier::Read,
        |context| {
            static_sites::named(context)
                .map(drop)
                .and_then(|()| average(context))
        },
    ),
];

/// The largest number that every JSON parser takes.
const LARGEST: usize = 9_007_199_254_740_991;

/// Refuses a call without the window that the document requires, and parameters
/// that are none.
fn needs_window(context: &Context<'_>) -> Result<(), Refusal> {
    let time = |name| validate::time(context.ask, name, context.clock);
    if time("from")?.is_none() || time("to")?.is_none() {
        return Err(Refusal::bad_request("from and to are required"));
    }
    validate::integer(context.ask, "interval_in_seconds", 1, LARGEST, 60).map(drop)
}

fn totals(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    needs_window(context)?;
    validate::integer(context.ask, "limit", 1, 100, 10)?;
    Ok(Answer::json(
        200,
        &json!([
            { "status": "200", "total": 1200 },
            { "status": "304", "total": 30 },
            { "status": "404", "total": 7 },
            { "status": "502", "total": 2 },
        ]),
    ))
}

fn average(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    needs_window(context)?;
    Ok(Answer::json(
        200,
        &json!({ "average_response_time_ms": 87.5 }),
    ))
}
