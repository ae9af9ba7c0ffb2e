//! Lists, cut into pages.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::validate::Page;

/// The page of `items`, each written only if it is on it.
pub(crate) fn page<T>(items: &[T], page: Page, write: impl Fn(&T) -> Value) -> Answer {
    let data: Vec<Value> = items
        .iter()
        .skip(page.offset)
        .take(page.limit)
        .map(write)
        .collect();
    Answer::json(
        200,
        &json!({
            "data": data,
            "total": items.len().min(10_000),
            "offset": page.offset,
            "limit": page.limit,
        }),
    )
}

pub(crate) fn message(text: &str) -> Answer {
    Answer::json(200, &json!({ "message": text }))
}
