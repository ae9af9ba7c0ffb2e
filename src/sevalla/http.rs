//! The network: one HTTP client with its time-outs, trusted certificates and
//! proxies.

use std::error::Error as _;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, NoProxy, Proxy};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::address::Outward;
use super::error::Cause;
use super::tls;
use crate::process::Variables;

/// How long connecting may take, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The most headers of an answer.
pub const MOST_HEADERS: usize = 100;

/// The largest head of an answer, in bytes: status and headers. The HTTP
/// library's own limit, named here to be told; one that is little larger may
/// still come through, if it arrives with the last of the bytes below it.
pub const LARGEST_HEAD: usize = 408 * 1024;

/// What carries requests: the network, or a script in a test.
pub trait Exchange {
    /// Sends a request once and gives whatever comes back within `limit`.
    fn exchange(&self, request: Request, limit: Duration) -> Exchanged<'_>;
}

/// What comes back, some time.
pub type Exchanged<'a> = Pin<Box<dyn Future<Output = Result<Reply, Cause>> + 'a>>;

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
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or why it did not arrive.
    pub body: Result<Vec<u8>, Cause>,
}

/// The client could not be set up; the text names the variable at fault.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConnectionError(pub(super) String);

/// The HTTP client.
pub struct Http(reqwest::Client);

impl Http {
    /// Sets it up by the proxy and certificate variables. It connects on the
    /// first request.
    pub fn new(variables: &Variables) -> Result<Self, ConnectionError> {
        tls::install_provider();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("sevalla-deploy/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(1)
            .http1_max_headers(MOST_HEADERS)
            .redirect(reqwest::redirect::Policy::none())
            // The library would repeat some requests by itself; what is
            // repeated here is our decision alone.
            .retry(reqwest::retry::never())
            .tls_certs_only(tls::roots(variables).map_err(ConnectionError)?)
            .dns_resolver(std::sync::Arc::new(Outward))
            .no_proxy();
        for proxy in proxies(variables)? {
            builder = builder.proxy(proxy);
        }
        builder
            .build()
            .map(Self)
            .map_err(|error| ConnectionError(chain(&error)))
    }

    async fn send(&self, request: Request, limit: Duration) -> Result<Reply, Cause> {
        let end = Instant::now() + limit;
        let late = |_elapsed| Cause::TimedOut { limit };
        let mut builder = self
            .0
            .request(request.method, request.url)
            .header(ACCEPT, request.accept);
        if let Some(authorization) = request.authorization {
            builder = builder.header(AUTHORIZATION, authorization);
        }
        if let Some(body) = request.body {
            builder = builder.header(CONTENT_TYPE, "application/json").body(body);
        }
        let response = timeout_at(end, builder.send())
            .await
            .map_err(late)?
            .map_err(|error| transport(&error))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = timeout_at(end, read_body(response, request.body_limit)).await;
        Ok(Reply {
            status,
            headers,
            body: body.unwrap_or_else(|elapsed| Err(late(elapsed))),
        })
    }
}

impl Exchange for Http {
    fn exchange(&self, request: Request, limit: Duration) -> Exchanged<'_> {
        Box::pin(self.send(request, limit))
    }
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
        let refused = || ConnectionError(format!("{name}: it is not the URL of an HTTP proxy"));
        let proxy = make(value)
            .ok()
            .filter(|_| is_http(value))
            .ok_or_else(refused)?;
        proxies.push(proxy.no_proxy(except.clone()));
    }
    Ok(proxies)
}

/// Other kinds of proxy are not built in; passing one over in silence would
/// send the requests another way than the user asked for.
fn is_http(proxy: &str) -> bool {
    proxy
        .split_once("://")
        .is_none_or(|(scheme, _)| matches!(scheme, "http" | "https"))
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
        let may_heal = !is_lasting(error);
        return Cause::NotConnected { reason, may_heal };
    }
    if reason.contains("message head is too large") {
        let reason = format!(
            "the answer has more than the {MOST_HEADERS} headers, or larger ones than the {} KiB, \
             that are read",
            LARGEST_HEAD / 1024
        );
        return Cause::Broken { reason };
    }
    Cause::Broken { reason }
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
        };
        let http = Http::new(&Variables::default()).unwrap();
        let cause = http.exchange(request, Duration::from_secs(5)).await.err();
        let told = cause.unwrap().to_string();
        assert!(
            told.starts_with("no connection: tcp connect error: "),
            "{told}"
        );
    }
}
