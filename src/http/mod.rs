//! [`Http`]: the one HTTP client, with its time-outs, limits, trusted
//! certificates and proxies. A library: it knows nothing of Sevalla and retries
//! nothing. Made once by [`crate::process::network`]; tests replace it by
//! another [`Transport`].

mod blocked_address;
mod error;
mod proxy;
pub mod retry_after;
mod tls;

use std::error::Error as _;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Certificate, Method, Proxy};
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use crate::environment::Variables;
use crate::http::blocked_address::Resolver;
pub use crate::http::blocked_address::{NOT_PUBLIC, Reach, is_known_not_public};
pub use crate::http::error::TransportError;
pub(crate) use crate::http::error::http_status;
use crate::http::proxy::Proxies;
use crate::http::tls::TrustedRoot;

/// How long connecting may take, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long this thread may work while it waits for one answer. Interim answers
/// (1xx) that never end keep it at work, and the HTTP library neither limits them
/// nor shows them.
const MOST_WORK: Duration = Duration::from_secs(2);

/// How this program names itself.
pub(crate) const USER_AGENT: &str = concat!("sevalla-deploy/", env!("CARGO_PKG_VERSION"));

/// The most headers of an answer.
pub const MOST_HEADERS: usize = 100;

/// The largest head of a response, in bytes: status and headers. It is the HTTP
/// library's own limit, named here for error messages; a head that is a little
/// larger may still be accepted, if it arrives with the last bytes below the
/// limit.
pub const LARGEST_HEAD: usize = 408 * 1024;

/// What is ignored of the variables that describe the network.
pub fn ignored_network_settings(variables: &Variables) -> Vec<String> {
    let mut ignored = proxy::warnings(variables);
    ignored.extend(tls::warnings(variables));
    ignored
}

/// The proxy on the way to this address, without user and password.
pub(crate) fn proxy_of(variables: &Variables, url: &Url) -> Option<String> {
    let proxies = Proxies::read(variables).ok()?;
    proxies.of(url).map(proxy::shown)
}

/// The variable that names the proxy on the way to this address.
pub(crate) fn proxy_variable(variables: &Variables, url: &Url) -> Option<&'static str> {
    proxy_of(variables, url)?;
    proxy::variable(variables, url)
}

/// Sends requests: [`Http`], or a script in a test.
pub trait Transport {
    /// Sends a request once and gives whatever comes back within `limit`.
    fn exchange(&self, request: Request, limit: Duration) -> ResponseFuture<'_>;
}

/// The future of a response.
pub type ResponseFuture<'a> = Pin<Box<dyn Future<Output = Result<Response, TransportError>> + 'a>>;

/// A request, ready to be sent.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The whole address.
    pub url: Url,
    /// The kinds of answer that are wanted.
    pub accept: &'static str,
    /// The header that carries the key.
    pub authorization: Option<HeaderValue>,
    /// The JSON body; without one no content type is sent either.
    pub body: Option<Vec<u8>>,
    /// The most to read of the answer's body, in bytes.
    pub body_limit: usize,
    /// Where it may go.
    pub reach: Reach,
    /// Whether caches on the way must revalidate with the server.
    pub is_fresh: bool,
}

/// A response, whatever its status.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or why it did not arrive.
    pub body: Result<Vec<u8>, TransportError>,
}

/// The client could not be set up; the text names the variable at fault.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConnectionError(pub(crate) String);

/// The HTTP client. Made once for a run; retries are left to its callers.
pub struct Http {
    client: reqwest::Client,
    resolver: Resolver,
    /// GitLab's own API, and the client that trusts what its runner names for it.
    gitlab: Option<(Url, reqwest::Client)>,
    proxies: Proxies,
    /// What is trusted, for asking a proxy.
    roots: Vec<TrustedRoot>,
}

impl Http {
    /// Sets it up by the proxy and certificate variables. It connects on the
    /// first request.
    pub fn new(variables: &Variables) -> Result<Self, ConnectionError> {
        tls::install_provider();
        let resolver = Resolver::default();
        let roots = tls::roots(variables).map_err(ConnectionError)?;
        let proxies = Proxies::read(variables)?;
        let gitlab = match tls::gitlab(variables) {
            Some((api, its)) => {
                let roots: Vec<TrustedRoot> = roots.iter().cloned().chain(its).collect();
                Some((api, client(&roots, &proxies, &resolver)?))
            }
            None => None,
        };
        Ok(Self {
            client: client(&roots, &proxies, &resolver)?,
            resolver,
            gitlab,
            proxies,
            roots,
        })
    }

    /// The client for this address.
    fn client(&self, url: &Url) -> &reqwest::Client {
        let is_gitlabs = |api: &Url| {
            url.origin() == api.origin()
                && url
                    .path()
                    .strip_prefix(api.path().trim_end_matches('/'))
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        match &self.gitlab {
            Some((api, client)) if is_gitlabs(api) => client,
            _ => &self.client,
        }
    }

    async fn send(&self, request: Request, limit: Duration) -> Result<Response, TransportError> {
        let end = Instant::now() + limit;
        let late = |_elapsed| TransportError::TimedOut { limit };
        if request.reach == Reach::Public {
            self.resolver.restrict(&request.url);
        }
        let url = request.url.clone();
        let mut builder = self
            .client(&url)
            .request(request.method, request.url)
            .header(ACCEPT, request.accept);
        if request.is_fresh {
            builder = builder.header(CACHE_CONTROL, "no-cache");
        }
        if let Some(authorization) = request.authorization {
            builder = builder.header(AUTHORIZATION, authorization);
        }
        if let Some(body) = request.body {
            builder = builder.header(CONTENT_TYPE, "application/json").body(body);
        }
        let sent = tokio::select! {
            sent = timeout_at(end, builder.send()) => sent.map_err(late)?,
            () = flooded() => return Err(TransportError::Broken {
                reason: "the server sends without end, and not an answer".to_owned(),
            }),
        };
        let response = match sent {
            Ok(response) => response,
            Err(error) => return Err(self.not_sent(&error, &url, end).await),
        };
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let wants_json = request.accept == "application/json";
        if let Some(proxy) = self.proxies.of(&url).filter(|_| url.scheme() == "http")
            && proxy::is_its_own(status, &headers, wants_json)
        {
            let proxy = proxy::shown(proxy);
            return Err(TransportError::ProxyRefused { proxy, status });
        }
        let body = timeout_at(end, read_body(response, request.body_limit)).await;
        Ok(Response {
            status,
            headers,
            body: body.unwrap_or_else(|elapsed| Err(late(elapsed))),
        })
    }

    /// Why there is no answer, with the proxy if one is on the way.
    async fn not_sent(&self, error: &reqwest::Error, url: &Url, end: Instant) -> TransportError {
        let (proxy, reason, may_heal) = match (self.proxies.of(url), transport(error)) {
            (Some(proxy), TransportError::NotConnected { reason, may_heal }) => {
                (proxy, reason, may_heal)
            }
            (_, cause) => return cause,
        };
        let name = proxy::shown(proxy);
        // Words of the HTTP library: it gives no code.
        let status = if reason.contains("tunnel error: proxy authorization required") {
            Some(407)
        } else if reason.contains("tunnel error: unsuccessful") {
            proxy::status_of_tunnel(proxy, url, &self.roots, end).await
        } else {
            None
        };
        match status {
            Some(status @ (408 | 425 | 429 | 500..)) => TransportError::NotConnected {
                reason: format!("the proxy {name} answered {}", http_status(status)),
                may_heal: true,
            },
            Some(status @ 300..) => TransportError::ProxyRefused {
                proxy: name,
                status,
            },
            _ => TransportError::NotConnected {
                reason: format!("{reason} (through the proxy {name})"),
                may_heal,
            },
        }
    }
}

/// Resolves once this thread has worked for [`MOST_WORK`] since now. By the
/// processor's time, so that the load of other processes does not count.
async fn flooded() {
    let began = processor_time();
    loop {
        sleep(Duration::from_secs(1)).await;
        let worked = processor_time().zip(began);
        if worked.is_some_and(|(now, began)| now.saturating_sub(began) >= MOST_WORK) {
            return;
        }
    }
}

/// How long this thread has worked, where the system reports it: proc(5), in
/// hundredths of a second, after the name in parentheses.
fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let times = fields.split_ascii_whitespace().skip(11).take(2);
    let times: Vec<u64> = times.filter_map(|time| time.parse().ok()).collect();
    (times.len() == 2).then(|| Duration::from_millis(times.iter().sum::<u64>() * 10))
}

/// A client that trusts these roots and uses these proxies.
fn client(
    roots: &[TrustedRoot],
    proxies: &Proxies,
    resolver: &Resolver,
) -> Result<reqwest::Client, ConnectionError> {
    let proxies = proxies.clone();
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(1)
        .http1_max_headers(MOST_HEADERS)
        .redirect(reqwest::redirect::Policy::none())
        // The library would repeat some requests by itself; what is
        // repeated here is our decision alone.
        .retry(reqwest::retry::never())
        .tls_certs_only(
            roots
                .iter()
                .filter_map(|root| Certificate::from_der(root).ok()),
        )
        .dns_resolver(std::sync::Arc::new(resolver.clone()))
        // Not those of the process's environment.
        .no_proxy()
        .proxy(Proxy::custom(move |url| proxies.of(url).cloned()))
        .build()
        .map_err(|error| ConnectionError(chain(&error)))
}

impl Transport for Http {
    fn exchange(&self, request: Request, limit: Duration) -> ResponseFuture<'_> {
        Box::pin(self.send(request, limit))
    }
}

async fn read_body(
    mut response: reqwest::Response,
    limit: usize,
) -> Result<Vec<u8>, TransportError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| transport(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(TransportError::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What the HTTP library reports, sorted by whether the request was sent.
fn transport(error: &reqwest::Error) -> TransportError {
    let reason = chain(error);
    if error.is_builder() {
        return TransportError::NotConnected {
            reason,
            may_heal: false,
        };
    }
    if error.is_connect() {
        let may_heal = !is_lasting(error);
        return TransportError::NotConnected { reason, may_heal };
    }
    if reason.contains("message head is too large") {
        let reason = format!(
            "the answer has more than the {MOST_HEADERS} headers, or larger ones than the {} KiB, \
             that are read",
            LARGEST_HEAD / 1024
        );
        return TransportError::Broken { reason };
    }
    TransportError::Broken { reason }
}

/// An untrusted certificate stays so, and a server that speaks no TLS too,
/// unlike a refused connection.
fn is_lasting(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(tls) = tls_error(cause) {
            let is_no_tls = matches!(tls, rustls::Error::InvalidMessage(_));
            return is_no_tls || matches!(tls, rustls::Error::InvalidCertificate(_));
        }
        source = cause.source();
    }
    false
}

/// The TLS error that `cause` is or holds. It comes wrapped in I/O errors, more
/// than one deep, and those do not name what they hold as their source.
fn tls_error<'a>(mut cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    loop {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        cause = cause.downcast_ref::<std::io::Error>()?.get_ref()?;
    }
}

/// The causes of an error, without the address: a hook's is a secret.
fn chain(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        // Of the library, and about nothing that users know.
        let is_said_below = text.starts_with("client error (") && cause.source().is_some();
        if !is_said_below && !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        source = cause.source();
    }
    if parts.is_empty() {
        parts.push("the request could not be made".to_owned());
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_proxy_or_certificate_file_is_told_by_its_variable() {
        let refused = |name, value| {
            let variables = Variables::from([(name, value)]);
            Http::new(&variables).err().unwrap().to_string()
        };
        let proxy = refused("https_proxy", "http://user:password@:x");
        assert!(
            proxy.contains("https_proxy") && !proxy.contains("password"),
            "{proxy}"
        );
        assert!(refused("SSL_CERT_FILE", "/nonexistent/ca.pem").contains("SSL_CERT_FILE"));
        assert!(refused("SSL_CERT_FILE", "Cargo.toml").contains("no PEM certificate"));
    }

    #[tokio::test]
    async fn a_refused_connection_is_told_without_words_of_the_library() {
        // Bound and not listening: refused, and no other test gets the port.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let closed = socket.local_addr().unwrap();
        let request = Request {
            method: Method::GET,
            url: Url::parse(&format!("http://{closed}/")).unwrap(),
            accept: "application/json",
            authorization: None,
            body: None,
            body_limit: 1024,
            reach: Reach::Anywhere,
            is_fresh: false,
        };
        let http = Http::new(&Variables::default()).unwrap();
        let cause = http.exchange(request, Duration::from_secs(5)).await.err();
        let reported = cause.unwrap().to_string();
        assert!(
            reported.starts_with("no connection: tcp connect error: "),
            "{reported}"
        );
    }
}
