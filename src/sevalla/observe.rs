//! Reading a response as it is, for what describes the API itself: headers,
//! fields, words. Everything else reads only what it needs.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::time::Instant;

use super::attempt::ApiResponse;
use super::contract::news;
use super::limits;
use super::operation::Operation;
use super::{ApiCall, ApiError, ApiErrorKind, Client, Patience};
use crate::http::retry_after;

/// What the headers of a response say, also of one that refuses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseHead {
    /// Their names.
    pub names: Vec<String>,
    /// `x-ratelimit-limit`, `-remaining` and `-reset`, as they are.
    pub budget: [Option<String>; 3],
    /// The server's clock.
    pub date: Option<Timestamp>,
}

impl ResponseHead {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self {
            names: headers.keys().map(ToString::to_string).collect(),
            budget: limits::texts(headers),
            date: retry_after::service_time(headers),
        }
    }

    /// The headers that the contract does not have.
    pub fn news(&self) -> impl Iterator<Item = String> {
        let names = self.names.iter();
        names.filter_map(|name| news::of_header_to_paste(name))
    }
}

/// A response with everything that it says.
#[derive(Debug)]
pub struct Observed {
    /// The operation.
    pub operation: &'static Operation,
    /// The status.
    pub status: u16,
    /// Its headers.
    pub head: ResponseHead,
    /// How long it took.
    pub took: Duration,
    /// The body.
    pub body: Value,
}

impl Client {
    /// Sends a reading request once.
    pub async fn observe(
        &self,
        operation: &'static Operation,
        ids: &[&str],
        query: &[(&'static str, String)],
    ) -> Result<Observed, ApiError> {
        let mut call = ApiCall::new(operation, ids);
        call.query.extend_from_slice(query);
        let started = Instant::now();
        let take = |answer: &ApiResponse| {
            Ok::<_, ApiErrorKind>(Observed {
                operation,
                status: answer.status,
                head: ResponseHead::of(&answer.headers),
                took: started.elapsed(),
                body: answer.decode()?,
            })
        };
        self.send_and(call, Patience::Once, take).await
    }
}

impl Observed {
    /// What the contract does not have.
    pub fn news(&self) -> Vec<String> {
        let mut all = news::of_body(self.operation.id, &self.body);
        all.extend(self.head.news());
        all.extend(news::of_status(self.status));
        all
    }
}
