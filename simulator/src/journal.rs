//! Every request that arrived.

use std::time::Duration;

use serde_json::Value;

/// One request and how it was answered.
#[derive(Debug, Clone)]
pub struct Call {
    /// Arrival, since the simulator's start.
    pub at: Duration,
    /// The API document's `operationId`, `getCurrentApiKey`, `hook` or
    /// `unknown`.
    pub operation: String,
    /// Method.
    pub method: String,
    /// Path, with `/v3`.
    pub path: String,
    /// Query, as sent.
    pub query: Option<String>,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// Status, once a full answer was sent.
    pub status: Option<u16>,
    /// `x-request-id` of the answer.
    pub request_id: String,
    /// Number of the TCP connection, counted from 1.
    pub connection: u64,
}

impl Call {
    /// The body as JSON, if it is.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}
