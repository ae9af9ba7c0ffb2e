//! One request to the API, before it is sent.

use super::LONGEST_PAGE;
use super::operation::Operation;

/// One request: which operation, for which ids, with what.
pub(super) struct ApiCall<'a> {
    pub(super) operation: &'static Operation,
    pub(super) ids: Vec<&'a str>,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<Vec<u8>>,
}

impl<'a> ApiCall<'a> {
    pub(super) fn new(operation: &'static Operation, ids: impl Into<Vec<&'a str>>) -> Self {
        Self {
            operation,
            ids: ids.into(),
            query: Vec::new(),
            body: None,
        }
    }

    pub(super) fn is_write(&self) -> bool {
        self.operation.method != reqwest::Method::GET
    }

    pub(super) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// A whole page of a list, from this item on.
    pub(super) fn page(self, offset: usize) -> Self {
        self.query("limit", LONGEST_PAGE.to_string())
            .query("offset", offset.to_string())
    }

    pub(super) fn json(mut self, body: &impl serde::Serialize) -> Self {
        // Our own bodies are plain structs of text and booleans: they encode.
        self.body = Some(serde_json::to_vec(body).unwrap_or_default());
        self
    }
}
