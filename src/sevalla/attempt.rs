//! [`ApiConnection`]: one attempt at one request, with its URL, its limits in
//! time and size, and the decoding of the response. Whether another attempt
//! follows is decided in [`super::retry`]; the connection is made by
//! [`Client`](super::Client).

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use crate::deployment::{Deployment, DeploymentId};
use crate::http::retry_after;
use crate::http::{ConnectionError, Reach, Request, Transport, TransportError};
use crate::lenient_json;
use crate::sanitize::Sanitizer;
use crate::sanitize::redactor::Redactor;
use crate::secret::ApiToken;
use crate::sevalla::contract::news;
use crate::sevalla::error::{ApiErrorKind, Refusal};
use crate::sevalla::limits::{BudgetShare, Delay, RateLimits};
use crate::sevalla::observe::ResponseHead;
use crate::sevalla::operation::{self, Tier};
use crate::sevalla::resource_record::ResourceRecord;
use crate::sevalla::{ApiCall, wire};

/// How long one attempt may take, from connecting to the body's last byte.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The most that is read of a body, in bytes. A page of a hundred records is
/// a few hundred kilobytes.
pub const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// The most that is read of a page of log lines, in bytes.
pub const LOG_BODY_LIMIT: usize = 16 * 1024 * 1024;

/// How deep the values of a body may be nested. It is the JSON library's own
/// limit, named here for error messages. Values in fields that nobody reads are
/// passed over without it.
pub const DEEPEST_JSON: usize = 127;

/// The most that is kept of a text for people, in characters.
const ERROR_TEXT_LIMIT: usize = 500;

/// The id of a request, which the service's support needs.
static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The transport with the API's address and the key. Shared by all clones of a
/// [`Client`](super::Client).
pub(super) struct ApiConnection {
    exchange: Box<dyn Transport>,
    base: Url,
    authorization: Option<HeaderValue>,
    /// Knows the key: an answer may repeat it. Once it is the run's, it knows
    /// every secret.
    sanitizer: Sanitizer,
    has_run_sanitizer: bool,
    budget: RefCell<RateLimits>,
    /// What was reported as not in the contract.
    news: RefCell<BTreeSet<String>>,
    /// The time of the last response, by the service's clock.
    time: Cell<Option<Timestamp>>,
}

/// A complete response with a status of success.
pub(super) struct ApiResponse {
    pub(super) status: u16,
    request_id: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    sanitizer: Sanitizer,
}

impl ApiConnection {
    pub(super) fn new(
        exchange: Box<dyn Transport>,
        base: &Url,
        token: Option<&ApiToken>,
    ) -> Result<Self, ConnectionError> {
        Ok(Self {
            exchange,
            base: base.clone(),
            authorization: token.map(bearer).transpose()?,
            sanitizer: Sanitizer::new(Redactor::new(token.map(ApiToken::expose))),
            has_run_sanitizer: false,
            budget: RefCell::default(),
            news: RefCell::default(),
            time: Cell::new(None),
        })
    }

    /// Cleans the texts of responses with the run's sanitizer.
    pub(super) fn pass(&mut self, sanitizer: Sanitizer) {
        self.sanitizer = sanitizer;
        self.has_run_sanitizer = true;
    }

    /// The time by the service's clock, as its last response gave it.
    pub(super) const fn service_time(&self) -> Option<Timestamp> {
        self.time.get()
    }

    /// How long to wait before a request of this tier, for the sake of the
    /// company's other jobs.
    pub(super) fn pause(&self, tier: Tier) -> Delay {
        self.budget.borrow().pause(tier)
    }

    /// For how long the service is known to refuse every request of this tier.
    pub(super) fn frees_in(&self, tier: Tier) -> Duration {
        self.budget.borrow().frees_in(tier)
    }

    /// What is known of this tier's budget.
    pub(super) fn share(&self, tier: Tier) -> Option<BudgetShare> {
        self.budget.borrow().share(tier)
    }

    /// Sends the request once and reads the answer, within `limit` and by
    /// `deadline` at the latest.
    pub(super) async fn attempt(
        &self,
        call: &ApiCall<'_>,
        limit: Duration,
        deadline: Instant,
    ) -> Result<ApiResponse, ApiErrorKind> {
        let started = Instant::now();
        let limit = limit.min(deadline.saturating_duration_since(started));
        if limit.is_zero() {
            return Err(ApiErrorKind::NoTime);
        }
        self.budget.borrow_mut().spend();
        let result = self.exchange(call, limit).await;
        log(call, &self.path(call), &result, started.elapsed());
        if tracing::enabled!(tracing::Level::DEBUG) {
            self.note_news(call, &result);
        }
        result
    }

    /// Reports once what a response has that the contract does not.
    fn note_news(&self, call: &ApiCall<'_>, result: &Result<ApiResponse, ApiErrorKind>) {
        let operation = call.operation.id;
        let found: Vec<String> = match result {
            Ok(answer) => {
                let body = lenient_json::from_slice::<Value>(&answer.body);
                let body = body.map(|body| news::of_body(operation, &body));
                let names = answer.headers.keys();
                let headers = names.filter_map(|name| news::of_header(name.as_str()));
                let status = news::of_status(answer.status);
                headers
                    .chain(status)
                    .chain(body.unwrap_or_default())
                    .collect()
            }
            Err(ApiErrorKind::Refused(refusal)) => {
                let names = refusal.head.names.iter();
                let headers = names.filter_map(|name| news::of_header(name));
                headers.chain(news::of_status(refusal.status)).collect()
            }
            Err(_) => Vec::new(),
        };
        for what in found {
            if self.news.borrow_mut().insert(what.clone()) {
                tracing::debug!(operation, what, "not in the contract");
            }
        }
    }

    async fn exchange(
        &self,
        call: &ApiCall<'_>,
        limit: Duration,
    ) -> Result<ApiResponse, ApiErrorKind> {
        let reply = self.exchange.exchange(self.request(call)?, limit).await?;
        if let Some(time) = retry_after::service_time(&reply.headers) {
            self.time.set(Some(time));
        }
        // A gateway that answers in place of the service does not know the limits.
        if reply.status < 500 || RateLimits::are_in(&reply.headers) {
            let mut budget = self.budget.borrow_mut();
            budget.observe(call.operation.tier, &reply.headers);
        }
        if (200..300).contains(&reply.status) {
            let sanitizer = self.sanitizer_for(call);
            let request_id = header(&reply.headers, &REQUEST_ID);
            return Ok(ApiResponse {
                status: reply.status,
                request_id: request_id.map(|id| shorten(&id, &sanitizer)),
                headers: reply.headers,
                body: reply.body?,
                sanitizer,
            });
        }
        // The status is the message; a body that broke off or never came only
        // says less.
        let body = reply.body.unwrap_or_default();
        Err(ApiErrorKind::Refused(Box::new(refusal(
            reply.status,
            &reply.headers,
            &body,
            &self.sanitizer_for(call),
        ))))
    }

    /// What text of the answer passes before it is cut or its lines are joined:
    /// a part of a secret would not be known as one any more.
    fn sanitizer_for(&self, call: &ApiCall<'_>) -> Sanitizer {
        if is_hook(call) && !self.has_run_sanitizer {
            Sanitizer::new(Redactor::new(call.ids.iter().copied()))
        } else {
            self.sanitizer.clone()
        }
    }

    fn request(&self, call: &ApiCall<'_>) -> Result<Request, ApiErrorKind> {
        let is_hook = is_hook(call);
        let url = if is_hook {
            hook_url(call)
        } else {
            Some(self.url(call))
        };
        Ok(Request {
            accept: "application/json",
            method: call.operation.method.clone(),
            url: url.ok_or_else(|| {
                ApiErrorKind::Transport(TransportError::NotConnected {
                    reason: "the address is not a URL".to_owned(),
                    may_heal: false,
                })
            })?,
            authorization: self.authorization.clone().filter(|_| !is_hook),
            body: call.body.clone(),
            body_limit: call.operation.body_limit(),
            reach: Reach::Anywhere,
            is_fresh: false,
        })
    }

    /// The path of a call below the API's address, with its ids, for people. A
    /// hook's address is a secret.
    pub(super) fn path(&self, call: &ApiCall<'_>) -> String {
        if is_hook(call) {
            return call.operation.path.to_owned();
        }
        let mut ids = call.ids.iter();
        let parts = call.operation.path.split('/').map(|part| {
            let id = part.starts_with('{').then(|| ids.next()).flatten();
            id.copied().unwrap_or(part)
        });
        let parts: Vec<&str> = parts.collect();
        shorten(&parts.join("/"), &self.sanitizer)
    }

    /// The address of a call: the ids take the places of the braces, each as
    /// one segment whatever characters it has.
    fn url(&self, call: &ApiCall<'_>) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty();
            let mut ids = call.ids.iter();
            for part in call.operation.path.split('/').skip(1) {
                let is_id = part.starts_with('{');
                segments.push(if is_id {
                    ids.next().unwrap_or(&part)
                } else {
                    part
                });
            }
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        url
    }
}

fn is_hook(call: &ApiCall<'_>) -> bool {
    call.operation.id == operation::CALL_HOOK.id
}

fn hook_url(call: &ApiCall<'_>) -> Option<Url> {
    Url::parse(call.ids.first()?).ok()
}

fn bearer(token: &ApiToken) -> Result<HeaderValue, ConnectionError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
        .map_err(|_| ConnectionError("sevalla-token: it cannot be sent in a header".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

impl ApiResponse {
    /// The body as `T`; the error names the place in the JSON.
    pub(super) fn decode<T: DeserializeOwned>(&self) -> Result<T, ApiErrorKind> {
        let text = lenient_json::text(&self.body);
        let mut deserializer = serde_json::Deserializer::from_str(&text);
        let value = serde_path_to_error::deserialize(&mut deserializer);
        let value = value.map_err(|error| self.not_decoded(&text, error))?;
        let end = deserializer.end();
        end.map_err(|error| self.undecodable(&format!("not JSON: {error}")))?;
        Ok(value)
    }

    /// Apart, so that it is not compiled for every type.
    fn not_decoded(
        &self,
        text: &str,
        error: serde_path_to_error::Error<serde_json::Error>,
    ) -> ApiErrorKind {
        let path = error.path().to_string();
        let inner = error.into_inner();
        let reason = if inner.is_data() {
            format!("at {path}: {inner}")
        } else if inner.to_string().starts_with("recursion limit") {
            format!("JSON that is nested deeper than the {DEEPEST_JSON} levels that are read")
        } else {
            format!("not JSON ({}): {inner}", what_is_it(text))
        };
        self.undecodable(&reason)
    }

    /// The body as the deployment with this id: another one would be followed
    /// in the place of ours.
    pub(super) fn deployment(&self, id: &DeploymentId) -> Result<Deployment, ApiErrorKind> {
        let deployment: Deployment = self.decode::<wire::WireDeployment>()?.into();
        if !deployment.id.0.eq_ignore_ascii_case(&id.0) {
            return Err(self.undecodable(&format!(
                "it is about another deployment, {}",
                deployment.id
            )));
        }
        Ok(deployment)
    }

    /// The body as the record with this id: another one would pass for it.
    pub(super) fn record<T: DeserializeOwned>(
        &self,
        id: &str,
        its: impl Fn(&T) -> &str,
    ) -> Result<T, ApiErrorKind> {
        let record = self.decode()?;
        if !its(&record).eq_ignore_ascii_case(id) {
            let reason = format!("it is about another id, {}", its(&record));
            return Err(self.undecodable(&reason));
        }
        Ok(record)
    }

    /// The body as the record of something that was just made: without an id of
    /// the API it cannot be found again.
    pub(super) fn new_record(&self) -> Result<ResourceRecord, ApiErrorKind> {
        let record: ResourceRecord = self.decode()?;
        if record.id().is_none() {
            return Err(self.undecodable("its id is not a UUID"));
        }
        Ok(record)
    }

    /// The reason may repeat a value of the body, however long.
    pub(super) fn undecodable(&self, reason: &str) -> ApiErrorKind {
        ApiErrorKind::Undecodable {
            status: self.status,
            reason: shorten(reason, &self.sanitizer),
            request_id: self.request_id.clone(),
        }
    }
}

/// What a body that is not JSON seems to be.
fn what_is_it(body: &str) -> &'static str {
    match body.trim_ascii_start().as_bytes() {
        [] => "an empty body",
        [b'<', ..] => "an HTML page",
        [b'{' | b'[', ..] => "cut off",
        _ => "text",
    }
}

fn refusal(status: u16, headers: &HeaderMap, body: &[u8], sanitizer: &Sanitizer) -> Refusal {
    let shorten = |text: String| shorten(&text, sanitizer);
    let error: wire::ErrorBody = lenient_json::from_slice(body).unwrap_or_default();
    let is_its_own = error.is_the_apis(status);
    let data = error.data.unwrap_or_default();
    let page = || title(&lenient_json::decode(body));
    Refusal {
        status,
        message: error.message.or_else(page).map(shorten),
        detail: data.message.map(shorten),
        code: data.code.map(shorten),
        request_id: header(headers, &REQUEST_ID).map(shorten),
        retry_after: retry_after::requested_wait(status, headers),
        frees_in: retry_after::frees_in(status, headers),
        location: (300..400)
            .contains(&status)
            .then(|| header(headers, &LOCATION))
            .flatten()
            .map(shorten),
        head: ResponseHead::of(headers),
        is_its_own,
    }
}

/// What an error page is about: its title, or its text where it is no HTML.
fn title(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let inside = lower.find("<title>").map(|at| at + "<title>".len());
    let text = match inside {
        Some(from) => {
            let to = lower
                .get(from..)?
                .find("</title>")
                .map_or(page.len(), |length| from + length);
            page.get(from..to)?
        }
        None if page.trim_start().starts_with(['<', '{', '[']) => return None,
        None => page,
    };
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn shorten(text: &str, sanitizer: &Sanitizer) -> String {
    let line = sanitizer.line(text);
    let text = line.as_str();
    match text.char_indices().nth(ERROR_TEXT_LIMIT) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn log(call: &ApiCall<'_>, path: &str, result: &Result<ApiResponse, ApiErrorKind>, took: Duration) {
    let operation = call.operation.id;
    let method = call.operation.method.as_str();
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match result {
        Ok(ApiResponse {
            status,
            request_id,
            body,
            ..
        }) => {
            let request = request_id.as_deref().unwrap_or("-");
            tracing::debug!(
                operation,
                method,
                path,
                status,
                milliseconds,
                request,
                bytes = body.len(),
                "answered"
            );
        }
        Err(cause) => tracing::debug!(operation, method, path, milliseconds, %cause, "failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Variables;
    use crate::http::Http;

    fn answer(body: &str) -> ApiResponse {
        ApiResponse {
            status: 200,
            request_id: Some("req-1".to_owned()),
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
            sanitizer: Sanitizer::default(),
        }
    }

    #[test]
    fn a_body_that_does_not_decode_names_the_place() {
        let reason = |body: &str| match answer(body).decode::<wire::Page<wire::WireDeployment>>() {
            Err(ApiErrorKind::Undecodable { reason, .. }) => reason,
            other => panic!("{:?}", other.map(|page| page.data.readable().len())),
        };
        assert!(reason(r#"{"data":{"id":"a"}}"#).starts_with("at data: "));
        assert!(reason("<html>").contains("an HTML page"));
        assert!(reason("").contains("an empty body"));
        assert!(reason(r#"{"data":[{"id":"a"}"#).contains("cut off"));
        assert!(reason(r#"{"data":[]} tail"#).contains("not JSON"));
    }

    #[test]
    fn an_error_page_is_told_by_its_title() {
        let message_of = |body: &str| {
            refusal(
                502,
                &HeaderMap::new(),
                body.as_bytes(),
                &Sanitizer::default(),
            )
            .message
        };
        let page = "<html><head><TITLE> Bad gateway </TITLE></head><body>long</body></html>";
        assert_eq!(message_of(page).as_deref(), Some("Bad gateway"));
        assert_eq!(
            message_of("upstream gone").as_deref(),
            Some("upstream gone")
        );
        assert_eq!(message_of("<html></html>"), None);
        assert_eq!(message_of(""), None);
        assert_eq!(
            message_of(r#"{"message":"m","data":null}"#).as_deref(),
            Some("m")
        );
        assert_eq!(
            message_of(&"x".repeat(9999)).map(|text| text.chars().count()),
            Some(501)
        );
    }

    #[test]
    fn no_part_of_a_secret_is_left_where_a_text_is_cut() {
        let sanitizer = Sanitizer::new(Redactor::new(["svl_0123456789abcdef"]));
        for padding in 470..500 {
            let text = format!("{}svl_0123456789abcdef", "x".repeat(padding));
            let cut = shorten(&text, &sanitizer);
            assert!(!cut.contains("svl_") && cut.ends_with(['*', '…']), "{cut}");
        }
    }

    #[test]
    fn an_id_is_one_segment_whatever_it_holds() {
        let base = Url::parse("https://api.example.com/v3/").unwrap();
        let connection = ApiConnection::new(
            Box::new(Http::new(&Variables::default()).unwrap()),
            &base,
            None,
        )
        .unwrap();
        let call = ApiCall::new(&operation::GET_DEPLOYMENT, ["app", "../x/?y"]).query("limit", "5");
        assert_eq!(
            connection.url(&call).as_str(),
            "https://api.example.com/v3/applications/app/deployments/..%2Fx%2F%3Fy?limit=5"
        );
    }
}
