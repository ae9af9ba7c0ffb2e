//! A request, from the socket into the journal.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{RawPathParams, Request};
use axum::response::Response;
use hyper::Method;

use crate::answer::Refusal;
use crate::ask::Ask;
use crate::ids;
use crate::journal::Call;
use crate::operation::Operation;
use crate::passage::Passage;
use crate::state::Shared;
use crate::wire::Connection;

/// Fastify's own default.
const BODY_LIMIT: usize = 1024 * 1024;

/// Answers one request; `None` is no operation at all.
pub(crate) async fn handle(
    shared: Arc<Shared>,
    operation: Option<Operation>,
    params: Option<RawPathParams>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let connection: Connection = head.extensions.get().cloned().unwrap_or_default();
    let mut ask = Ask {
        is_get: head.method == Method::GET || head.method == Method::HEAD,
        path: head.uri.path().to_owned(),
        query: pairs(head.uri.query().unwrap_or_default()),
        headers: headers(&head.headers),
        ..Ask::default()
    };
    for (name, value) in params.iter().flatten() {
        ask.params.insert(name.to_owned(), value.to_owned());
    }
    let request_id = ids::request_id();
    let index = shared.state().note(Call {
        at: shared.clock.now().since_start(),
        operation: operation.map_or("unknown", |known| known.name).to_owned(),
        method: head.method.to_string(),
        path: ask.path.clone(),
        query: head.uri.query().map(str::to_owned),
        headers: ask.headers.clone(),
        body: Vec::new(),
        status: None,
        request_id: request_id.clone(),
        connection: connection.number,
    });
    let body = to_bytes(body, BODY_LIMIT).await;
    let mut passage = Passage {
        shared,
        operation,
        connection,
        index,
        request_id,
        ask,
    };
    let Ok(body) = body else {
        let refusal = Refusal::new(413, "Request body is too large");
        let answer = passage.dressed(refusal.into());
        return passage.send(answer, None);
    };
    passage.shared.state().note_body(index, &body);
    passage.ask.body = body;
    passage.go().await
}

fn headers(map: &hyper::HeaderMap) -> Vec<(String, String)> {
    map.iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect()
}

/// A query, decoded.
fn pairs(query: &str) -> Vec<(String, String)> {
    let text = format!("/?{query}");
    let parsed = text.parse::<hyper::Uri>().ok();
    parsed
        .and_then(|uri| axum::extract::Query::try_from_uri(&uri).ok())
        .map(|axum::extract::Query(pairs)| pairs)
        .unwrap_or_default()
}
