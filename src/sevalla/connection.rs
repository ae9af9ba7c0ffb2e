//! One attempt at one request: addresses, headers, time and size bounds, and
//! the reading of whatever comes back.

use std::cell::RefCell;
use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION,
};
use reqwest::{NoProxy, Proxy};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout};
use url::Url;

use super::error::{Cause, Refusal};
use super::limits::Budget;
use super::operation::Tier;
use super::{Call, limits, operation, tls, wire};
use crate::process::Variables;
use crate::secret::ApiToken;

/// How long connecting may take, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long one attempt may take, from connecting to the body's last byte.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The most that is read of a body, in bytes. A page of a hundred records is
/// a few hundred kilobytes.
pub const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// The most that is read of a page of log lines, in bytes.
pub const LOG_BODY_LIMIT: usize = 16 * 1024 * 1024;

/// The most that is shown of a text in an error body, in characters.
const ERROR_TEXT_LIMIT: usize = 500;

/// What the service's support asks for.
static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The HTTP client with the address and the key it is for.
pub(super) struct Connection {
    http: reqwest::Client,
    base: Url,
    authorization: Option<HeaderValue>,
    budget: RefCell<Budget>,
}

/// The client could not be set up; the text names the variable at fault.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConnectionError(String);

/// A complete answer with a status of success.
pub(super) struct Answer {
    status: u16,
    request_id: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Connection {
    pub(super) fn new(
        base: &Url,
        token: Option<ApiToken>,
        variables: &Variables,
    ) -> Result<Self, ConnectionError> {
        tls::install_provider();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("sevalla-deploy/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(1)
            .redirect(reqwest::redirect::Policy::none())
            // The library would repeat some requests by itself; what is
            // repeated here is our decision alone.
            .retry(reqwest::retry::never())
            .tls_certs_only(tls::roots(variables).map_err(ConnectionError)?)
            .no_proxy();
        for proxy in proxies(variables)? {
            builder = builder.proxy(proxy);
        }
        let http = builder
            .build()
            .map_err(|error| ConnectionError(chain(&error)))?;
        let authorization = token.map(|token| bearer(&token)).transpose()?;
        Ok(Self {
            http,
            base: base.clone(),
            authorization,
            budget: RefCell::default(),
        })
    }

    /// How long to wait before a request of this tier, for the sake of the
    /// company's other jobs.
    pub(super) fn pause(&self, tier: Tier) -> Duration {
        self.budget.borrow().pause(tier)
    }

    /// Sends the request once and reads the answer, within `limit` and by
    /// `deadline` at the latest.
    pub(super) async fn attempt(
        &self,
        call: &Call<'_>,
        limit: Duration,
        deadline: Instant,
    ) -> Result<Answer, Cause> {
        let started = Instant::now();
        let limit = limit.min(deadline.saturating_duration_since(started));
        if limit.is_zero() {
            return Err(Cause::NoTime);
        }
        self.budget.borrow_mut().spend();
        let result = match timeout(limit, self.exchange(call)).await {
            Ok(result) => result,
            Err(_elapsed) => Err(Cause::TimedOut { limit }),
        };
        log(call, &result, started.elapsed());
        result
    }

    async fn exchange(&self, call: &Call<'_>) -> Result<Answer, Cause> {
        let response = self
            .request(call)?
            .send()
            .await
            .map_err(|error| transport(&error))?;
        let status = response.status();
        let headers = response.headers().clone();
        self.budget.borrow_mut().told(call.operation.tier, &headers);
        let request_id = header(&headers, &REQUEST_ID);
        let body = read_body(response, call.operation.body_limit()).await;
        if status.is_success() {
            return Ok(Answer {
                status: status.as_u16(),
                request_id,
                body: body?,
            });
        }
        // The status is the message; a body that broke off only says less.
        Err(Cause::Refused(Box::new(refusal(
            status.as_u16(),
            &headers,
            &body.unwrap_or_default(),
        ))))
    }

    fn request(&self, call: &Call<'_>) -> Result<reqwest::RequestBuilder, Cause> {
        let is_hook = call.operation.id == operation::CALL_HOOK.id;
        let url = if is_hook {
            hook_url(call)
        } else {
            Some(self.url(call))
        };
        let url = url.ok_or_else(|| Cause::NotConnected {
            reason: "the address is not a URL".to_owned(),
            may_heal: false,
        })?;
        let mut request = self
            .http
            .request(call.operation.method.clone(), url)
            .header(ACCEPT, "application/json");
        if let Some(authorization) = self.authorization.as_ref().filter(|_| !is_hook) {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(body) = &call.body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone());
        }
        Ok(request)
    }

    /// The address of a call: the ids take the places of the braces, each as
    /// one segment whatever characters it has.
    fn url(&self, call: &Call<'_>) -> Url {
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

fn hook_url(call: &Call<'_>) -> Option<Url> {
    Url::parse(call.ids.first()?).ok()
}

fn bearer(token: &ApiToken) -> Result<HeaderValue, ConnectionError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
        .map_err(|_| ConnectionError("sevalla-token: it cannot be sent in a header".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The proxies that the variables name, upper case first.
fn proxies(variables: &Variables) -> Result<Vec<Proxy>, ConnectionError> {
    type Make = fn(&str) -> reqwest::Result<Proxy>;
    let either = |upper: &'static str, lower: &'static str| {
        variables
            .text(upper)
            .map(|value| (upper, value))
            .or_else(|| Some((lower, variables.text(lower)?)))
    };
    let except = either("NO_PROXY", "no_proxy").and_then(|(_, value)| NoProxy::from_string(value));
    let makers: [(&str, &str, Make); 3] = [
        ("HTTPS_PROXY", "https_proxy", |url| Proxy::https(url)),
        ("HTTP_PROXY", "http_proxy", |url| Proxy::http(url)),
        ("ALL_PROXY", "all_proxy", |url| Proxy::all(url)),
    ];
    let mut proxies = Vec::new();
    for (upper, lower, make) in makers {
        let Some((name, value)) = either(upper, lower) else {
            continue;
        };
        // The value may hold a password, so it is not shown.
        let proxy = make(value)
            .map_err(|_| ConnectionError(format!("{name}: it is not the URL of a proxy")))?;
        proxies.push(proxy.no_proxy(except.clone()));
    }
    Ok(proxies)
}

async fn read_body(mut response: reqwest::Response, limit: usize) -> Result<Vec<u8>, Cause> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| transport(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(Cause::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl Answer {
    /// The body as `T`; the error names the place in the JSON.
    pub(super) fn decode<T: DeserializeOwned>(&self) -> Result<T, Cause> {
        let mut deserializer = serde_json::Deserializer::from_slice(&self.body);
        let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = error.path().to_string();
            let inner = error.into_inner();
            let reason = if inner.is_data() {
                format!("at {path}: {inner}")
            } else {
                format!("not JSON ({}): {inner}", what_is_it(&self.body))
            };
            self.undecodable(reason)
        })?;
        deserializer
            .end()
            .map_err(|error| self.undecodable(format!("not JSON: {error}")))?;
        Ok(value)
    }

    fn undecodable(&self, reason: String) -> Cause {
        Cause::Undecodable {
            status: self.status,
            reason,
            request_id: self.request_id.clone(),
        }
    }
}

/// What a body that is not JSON seems to be.
fn what_is_it(body: &[u8]) -> &'static str {
    match body.trim_ascii_start() {
        [] => "an empty body",
        [b'<', ..] => "an HTML page",
        [b'{' | b'[', ..] => "cut off",
        _ => "text",
    }
}

fn refusal(status: u16, headers: &HeaderMap, body: &[u8]) -> Refusal {
    let error: wire::ErrorBody = serde_json::from_slice(body).unwrap_or_default();
    let data = error.data.unwrap_or_default();
    let page = || title(&String::from_utf8_lossy(body));
    Refusal {
        status,
        message: error.message.or_else(page).map(shorten),
        detail: data.message.map(shorten),
        code: data.code.map(shorten),
        request_id: header(headers, &REQUEST_ID).map(shorten),
        retry_after: limits::asked_wait(status, headers),
        location: (300..400)
            .contains(&status)
            .then(|| header(headers, &LOCATION))
            .flatten()
            .map(shorten),
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

fn shorten(text: String) -> String {
    match text.char_indices().nth(ERROR_TEXT_LIMIT) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// What the HTTP library reports, sorted by whether the request was sent.
fn transport(error: &reqwest::Error) -> Cause {
    let reason = chain(error);
    if error.is_builder() {
        return Cause::NotConnected {
            reason,
            may_heal: false,
        };
    }
    if error.is_connect() {
        let may_heal = !is_about_a_certificate(error);
        return Cause::NotConnected { reason, may_heal };
    }
    Cause::Broken { reason }
}

/// An untrusted or wrong certificate stays so, unlike a refused connection.
fn is_about_a_certificate(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        let inside = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        let tls = cause
            .downcast_ref::<rustls::Error>()
            .or_else(|| inside.and_then(|inside| inside.downcast_ref::<rustls::Error>()));
        if let Some(tls) = tls {
            return matches!(tls, rustls::Error::InvalidCertificate(_));
        }
        source = cause.source();
    }
    false
}

/// The causes of an error, without the address: a hook's is a secret.
fn chain(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        source = cause.source();
    }
    if parts.is_empty() {
        parts.push("the request could not be made".to_owned());
    }
    parts.join(": ")
}

fn log(call: &Call<'_>, result: &Result<Answer, Cause>, took: Duration) {
    let operation = call.operation.id;
    let method = call.operation.method.as_str();
    let path = call.operation.path;
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match result {
        Ok(Answer {
            status,
            request_id,
            body,
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

    fn answer(body: &str) -> Answer {
        Answer {
            status: 200,
            request_id: Some("req-1".to_owned()),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn a_body_that_does_not_decode_names_the_place() {
        let reason = |body: &str| match answer(body).decode::<wire::Page<wire::WireDeployment>>() {
            Err(Cause::Undecodable { reason, .. }) => reason,
            other => panic!("{:?}", other.map(|page| page.data.len())),
        };
        assert!(reason(r#"{"data":[{"id":"a"},{"id":7}]}"#).starts_with("at data[1].id: "));
        assert!(reason("<html>").contains("an HTML page"));
        assert!(reason("").contains("an empty body"));
        assert!(reason(r#"{"data":[{"id":"a"}"#).contains("cut off"));
        assert!(reason(r#"{"data":[]} tail"#).contains("not JSON"));
    }

    #[test]
    fn an_error_page_is_told_by_its_title() {
        let said = |body: &str| refusal(502, &HeaderMap::new(), body.as_bytes()).message;
        let page = "<html><head><TITLE> Bad gateway </TITLE></head><body>long</body></html>";
        assert_eq!(said(page).as_deref(), Some("Bad gateway"));
        assert_eq!(said("upstream gone").as_deref(), Some("upstream gone"));
        assert_eq!(said("<html></html>"), None);
        assert_eq!(said(""), None);
        assert_eq!(said(r#"{"message":"m","data":null}"#).as_deref(), Some("m"));
        assert_eq!(
            said(&"x".repeat(9999)).map(|text| text.chars().count()),
            Some(501)
        );
    }

    #[test]
    fn an_id_is_one_segment_whatever_it_holds() {
        let base = Url::parse("https://api.example.com/v3/").unwrap();
        let connection = Connection::new(&base, None, &Variables::default()).unwrap();
        let call = Call::new(&operation::GET_DEPLOYMENT, ["app", "../x/?y"]).query("limit", "5");
        assert_eq!(
            connection.url(&call).as_str(),
            "https://api.example.com/v3/applications/app/deployments/..%2Fx%2F%3Fy?limit=5"
        );
    }

    #[test]
    fn a_wrong_proxy_or_certificate_file_is_told_by_its_variable() {
        let base = Url::parse("https://api.example.com/v3").unwrap();
        let refused = |name, value| {
            let variables = Variables::from([(name, value)]);
            Connection::new(&base, None, &variables)
                .err()
                .unwrap()
                .to_string()
        };
        let proxy = refused("https_proxy", "http://user:password@:x");
        assert!(
            proxy.contains("https_proxy") && !proxy.contains("password"),
            "{proxy}"
        );
        assert!(refused("SSL_CERT_FILE", "/nonexistent/ca.pem").contains("SSL_CERT_FILE"));
        assert!(refused("SSL_CERT_FILE", "Cargo.toml").contains("no PEM certificate"));
    }
}
