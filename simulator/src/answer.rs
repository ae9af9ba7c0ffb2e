//! Answers before they become HTTP.

use axum::body::Bytes;
use serde_json::{Value, json};

use crate::ids;
use crate::limits::Standing;

/// Status, headers and body of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

pub(crate) const JSON: &str = "application/json; charset=utf-8";

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, JSON, body.to_string())
    }

    pub(crate) fn text(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.into(),
        }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// Replaces a header.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.headers
            .push((name.to_ascii_lowercase(), value.to_owned()));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    /// Takes status and body of another, and keeps the other headers.
    pub(crate) fn replace(&mut self, other: Self) {
        self.remove("content-type");
        self.headers.extend(other.headers);
        self.status = other.status;
        self.body = other.body;
    }

    pub(crate) fn set_standing(&mut self, standing: Standing) {
        self.set("x-ratelimit-limit", &standing.limit.to_string());
        self.set("x-ratelimit-remaining", &standing.remaining.to_string());
        self.set("x-ratelimit-reset", &standing.reset.to_string());
        if standing.refused {
            self.set("retry-after", &standing.reset.to_string());
        }
    }
}

/// An answer that says no, in the API's shape.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(404, format!("{what} not found"))
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let mut body = json!({ "message": refusal.message, "status": refusal.status });
        // The document makes `data` optional: both shapes must be coped with.
        if matches!(refusal.status, 400 | 403 | 500)
            && let Some(fields) = body.as_object_mut()
        {
            let code = format!("err-{}", ids::hex(8));
            fields.insert("data".to_owned(), json!({ "code": code }));
        }
        Self::json(refusal.status, &body)
    }
}
