//! What the service says of an hour of requests to an application or a static
//! site. It only informs: what cannot be read is absent.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::operation::{
    GET_APPLICATION_RESPONSE_TIME, GET_APPLICATION_TOP_STATUS_CODES, GET_STATIC_SITE_RESPONSE_TIME,
    GET_STATIC_SITE_TOP_STATUS_CODES, Operation,
};
use super::{ApiCall, ApiError, Client, LONGEST_PAGE, Patience};
use crate::deployment::{Service, ServiceKind};
use crate::lenient_json::Entries;

/// How long before a moment the requests are counted.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// The hour before a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// The moment.
    pub until: Timestamp,
    /// The requests, by the first digit of their status; without a digit, 0.
    pub by_class: [u64; 6],
    /// How long a response took on average, if there was one.
    pub milliseconds: Option<f64>,
}

#[derive(Deserialize)]
struct StatusTotal {
    status: Value,
    total: f64,
}

#[derive(Deserialize)]
struct ResponseTime {
    average_response_time_ms: Option<f64>,
}

/// A call about the hour before a moment.
fn hour<'a>(operation: &'static Operation, id: &'a str, until: Timestamp) -> ApiCall<'a> {
    let from = until.checked_sub(WINDOW).unwrap_or(until);
    ApiCall::new(operation, [id])
        .query("from", format!("{from:.3}"))
        .query("to", format!("{until:.3}"))
}

impl Client {
    /// Reads what the service says of the hour before a moment.
    pub async fn metrics(&self, service: Service, until: Timestamp) -> Result<Metrics, ApiError> {
        let by_class = self.requests_by_class(service, until).await?;
        let milliseconds = self.response_time(service, until).await.ok().flatten();
        Ok(Metrics {
            until,
            by_class,
            milliseconds,
        })
    }

    /// The requests by the first digit of their status.
    pub async fn requests_by_class(
        &self,
        service: Service,
        until: Timestamp,
    ) -> Result<[u64; 6], ApiError> {
        let operation = match service.kind {
            ServiceKind::Application => &GET_APPLICATION_TOP_STATUS_CODES,
            ServiceKind::StaticSite => &GET_STATIC_SITE_TOP_STATUS_CODES,
        };
        let id = service.id.to_string();
        let call = hour(operation, &id, until).query("limit", LONGEST_PAGE.to_string());
        let all: Entries<StatusTotal, LONGEST_PAGE> = self.send(call, Patience::Once).await?;
        let mut by_class = [0_u64; 6];
        for entry in all.readable() {
            let text = entry.status.to_string();
            let digit = text.trim_matches('"').chars().next();
            let class = digit
                .and_then(|digit| digit.to_digit(10))
                .unwrap_or_default();
            let class = usize::try_from(class).unwrap_or_default();
            let class = if class < by_class.len() { class } else { 0 };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "saturates"
            )]
            let total = entry.total as u64;
            if let Some(sum) = by_class.get_mut(class) {
                *sum = sum.saturating_add(total);
            }
        }
        Ok(by_class)
    }

    /// How long a response took on average.
    pub async fn response_time(
        &self,
        service: Service,
        until: Timestamp,
    ) -> Result<Option<f64>, ApiError> {
        let operation = match service.kind {
            ServiceKind::Application => &GET_APPLICATION_RESPONSE_TIME,
            ServiceKind::StaticSite => &GET_STATIC_SITE_RESPONSE_TIME,
        };
        let id = service.id.to_string();
        let time: ResponseTime = self
            .send(hour(operation, &id, until), Patience::Once)
            .await?;
        Ok(time.average_response_time_ms)
    }
}

impl Metrics {
    /// How many requests there were.
    pub fn requests(&self) -> u64 {
        self.by_class
            .iter()
            .fold(0, |sum, total| sum.saturating_add(*total))
    }

    /// The classes that occurred, such as `2xx`.
    fn classes(&self) -> impl Iterator<Item = (String, u64)> {
        let classes = (0_u8..).zip(self.by_class);
        let classes = classes.filter(|(_, total)| *total > 0);
        classes.map(|(class, total)| match class {
            0 => ("other".to_owned(), total),
            class => (format!("{class}xx"), total),
        })
    }

    /// In one line, for people.
    pub fn summary(&self) -> String {
        let classes: Vec<String> = self
            .classes()
            .map(|(class, total)| format!("{class} {total}"))
            .collect();
        let classes = if classes.is_empty() {
            String::new()
        } else {
            format!(" ({})", classes.join(", "))
        };
        let time = self.milliseconds.filter(|_| self.requests() > 0);
        let time = time.map(|time| format!(", {time:.0} ms on average"));
        format!(
            "Last hour: {} requests{classes}{}",
            self.requests(),
            time.unwrap_or_default()
        )
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let classes: serde_json::Map<String, Value> = self
            .classes()
            .map(|(class, total)| (class, total.into()))
            .collect();
        json!({
            "until": format!("{:.0}", self.until),
            "requests": self.requests(),
            "statuses": classes,
            "average-milliseconds": self.milliseconds,
        })
    }
}
