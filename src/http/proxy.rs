//! Which proxy a request goes through, by the usual variables, and how the
//! refusal of a proxy is recognized.

use std::io;
use std::io::{Read as _, Write as _};
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderMap;
use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

use crate::environment::Variables;
use crate::http::tls::{self, TrustedRoot};
use crate::http::{ConnectionError, USER_AGENT};

/// How long asking a proxy for its status may take.
const ASKING: Duration = Duration::from_secs(5);

/// More bytes than the first line of an answer has.
const LONGEST_LINE: usize = 1024;

/// The variables that name a proxy, each in upper and lower case.
const FOR_ALL: [&str; 2] = ["ALL_PROXY", "all_proxy"];
const FOR_HTTPS: [&str; 2] = ["HTTPS_PROXY", "https_proxy"];
const FOR_HTTP: [&str; 2] = ["HTTP_PROXY", "http_proxy"];

/// The proxies that the variables name, and the hosts that are reached without
/// one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies {
    /// For `https` addresses.
    secure: Option<Url>,
    /// For `http` addresses.
    plain: Option<Url>,
    except: Exceptions,
}

impl Proxies {
    /// Reads the variables: upper case before lower case, one scheme before all.
    pub(crate) fn read(variables: &Variables) -> Result<Self, ConnectionError> {
        let all = proxy(variables, FOR_ALL)?;
        let secure = proxy(variables, FOR_HTTPS)?;
        let plain = proxy(variables, FOR_HTTP)?;
        Ok(Self {
            secure: secure.or_else(|| all.clone()),
            plain: plain.or(all),
            except: Exceptions::read(variables),
        })
    }

    /// The proxy for this address.
    pub(crate) fn of(&self, url: &Url) -> Option<&Url> {
        let proxy = match url.scheme() {
            "https" => self.secure.as_ref(),
            _ => self.plain.as_ref(),
        };
        proxy.filter(|_| !self.except.contain(url))
    }
}

/// What is wrong with the entries of `NO_PROXY`, if a proxy is set at all.
pub(crate) fn warnings(variables: &Variables) -> Vec<String> {
    let is_used = Proxies::read(variables)
        .is_ok_and(|proxies| proxies.secure.is_some() || proxies.plain.is_some());
    if is_used {
        Exceptions::read(variables).unusable
    } else {
        Vec::new()
    }
}

/// The variable that names the proxy for this address.
pub(crate) fn variable(variables: &Variables, url: &Url) -> Option<&'static str> {
    let own = match url.scheme() {
        "https" => FOR_HTTPS,
        _ => FOR_HTTP,
    };
    let named = either(variables, own).or_else(|| either(variables, FOR_ALL));
    named.map(|(name, _)| name)
}

/// A variable in upper or lower case, with the name that it has.
fn either<'a>(
    variables: &'a Variables,
    [upper, lower]: [&'static str; 2],
) -> Option<(&'static str, &'a str)> {
    let value = |name| Some((name, variables.text(name)?));
    value(upper).or_else(|| value(lower))
}

fn proxy(variables: &Variables, names: [&'static str; 2]) -> Result<Option<Url>, ConnectionError> {
    let Some((name, value)) = either(variables, names) else {
        return Ok(None);
    };
    let with_scheme = if value.contains("://") {
        value.to_owned()
    } else {
        format!("http://{value}")
    };
    // Other kinds of proxy are not built in; ignoring one silently would send
    // the requests another way than the user configured.
    let is_usable =
        |url: &Url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
    let url = Url::parse(&with_scheme).ok().filter(is_usable);
    // The value may hold a password, so it is not shown.
    url.map(Some)
        .ok_or_else(|| ConnectionError(format!("{name}: it is not the URL of an HTTP proxy")))
}

/// A proxy for people: without the user and the password.
pub(crate) fn shown(proxy: &Url) -> String {
    let host = proxy.host_str().unwrap_or_default();
    let port = proxy.port_or_known_default().unwrap_or_default();
    format!("{}://{host}:{port}", proxy.scheme())
}

/// The hosts that `NO_PROXY` names.
///
/// Each tool reads it in its own way (curl's manual, Go's
/// `golang.org/x/net/http/httpproxy`, Python's `urllib`); this takes what any of
/// them does: `*`, `name`, `.name` and `*.name` (the name and all below it),
/// addresses, networks (`10.0.0.0/8`), each with or without `:port`, IPv6 with or
/// without brackets, and the dot at the end of a full name. Commas and white
/// space separate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Exceptions {
    entries: Vec<NoProxyEntry>,
    /// What is wrong with the others.
    unusable: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NoProxyEntry {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    All,
    /// A name and all below it, without dots at its ends.
    Name(String),
    /// The addresses that share so many first bits.
    Network(IpAddr, u8),
}

impl Exceptions {
    fn read(variables: &Variables) -> Self {
        let mut read = Self::default();
        let Some((name, value)) = either(variables, ["NO_PROXY", "no_proxy"]) else {
            return read;
        };
        let separates = |c: char| c == ',' || c.is_whitespace();
        for text in value.split(separates).filter(|text| !text.is_empty()) {
            match NoProxyEntry::parse(text) {
                Some(entry) => read.entries.push(entry),
                None => read.unusable.push(format!(
                    "{name}: {text:?} is ignored, because it is not a host name, address or network. \
                     Requests to it go through the proxy."
                )),
            }
        }
        read
    }

    fn contain(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        let is_meant = |entry: &NoProxyEntry| {
            entry.hosts.contain(url) && (entry.port.is_none() || entry.port == port)
        };
        self.entries.iter().any(is_meant)
    }
}

impl NoProxyEntry {
    fn parse(text: &str) -> Option<Self> {
        if let Some(hosts) = Hosts::parse(text) {
            return Some(Self { hosts, port: None });
        }
        let (hosts, port) = text.rsplit_once(':')?;
        Some(Self {
            hosts: Hosts::parse(hosts)?,
            port: Some(port.parse().ok()?),
        })
    }
}

impl Hosts {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        let bare = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        if let Ok(address) = bare.unwrap_or(text).parse::<IpAddr>() {
            return Some(Self::of(address));
        }
        if let Some((address, bits)) = text.split_once('/') {
            let address: IpAddr = address.parse().ok()?;
            let bits = bits.parse().ok().filter(|bits| *bits <= width(address))?;
            return Some(Self::Network(address, bits));
        }
        let name = text.strip_prefix('*').unwrap_or(text);
        let is_of_names = text.len() == name.len() || name.starts_with('.');
        let name = name.strip_prefix('.').unwrap_or(name);
        let name = name.strip_suffix('.').unwrap_or(name);
        let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        if !is_of_names || name.is_empty() || !name.chars().all(is_plain) {
            return None;
        }
        // As in an address: in lower case, and in ASCII.
        match Host::parse(name).ok()? {
            Host::Domain(name) => Some(Self::Name(name)),
            // The URL standard reads `10.` as 0.0.0.10: somebody means more.
            _ => name.parse().ok().map(Self::of),
        }
    }

    fn of(address: IpAddr) -> Self {
        Self::Network(address, width(address))
    }

    fn contain(&self, url: &Url) -> bool {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::from(address)),
            Some(Host::Ipv6(address)) => Some(address.into()),
            _ => None,
        };
        match self {
            Self::All => true,
            Self::Network(network, bits) => {
                address.is_some_and(|address| shares(address, *network, *bits))
            }
            Self::Name(name) => url.domain().is_some_and(|host| {
                let host = host.strip_suffix('.').unwrap_or(host);
                host.strip_suffix(name.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }),
        }
    }
}

/// How many bits an address has.
const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Whether two addresses share so many first bits.
fn shares(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    let rest = u32::from(width(one) - bits.min(width(one)));
    let differing = number(one) ^ number(other);
    width(one) == width(other) && differing.checked_shr(rest).unwrap_or(0) == 0
}

/// The status with which a proxy responds to a request for a tunnel, requested
/// once more: the HTTP library says only that it was no success. `None` if that
/// cannot be known.
pub(crate) async fn status_of_tunnel(
    proxy: &Url,
    target: &Url,
    roots: &[TrustedRoot],
    end: Instant,
) -> Option<u16> {
    let end = end.min(Instant::now() + ASKING);
    timeout_at(end, ask_for_tunnel(proxy, target, roots))
        .await
        .ok()?
}

async fn ask_for_tunnel(proxy: &Url, target: &Url, roots: &[TrustedRoot]) -> Option<u16> {
    let tls = match proxy.scheme() {
        "https" => Some(tls::connection(roots, name_of(proxy)?)?),
        _ => None,
    };
    let mut line = ProxyStream {
        stream: TcpStream::connect(place(proxy)?).await.ok()?,
        tls,
    };
    let request = request_for_tunnel(proxy, &place(target)?);
    line.write(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    while !answer.contains(&b'\n') && answer.len() < LONGEST_LINE {
        if line.read(&mut answer).await.ok()? == 0 {
            break;
        }
    }
    status_in(&answer)
}

/// Host and port.
fn place(url: &Url) -> Option<String> {
    let port = url.port_or_known_default()?;
    Some(format!("{}:{port}", url.host_str()?))
}

/// The name that a server's certificate must have.
fn name_of(url: &Url) -> Option<ServerName<'static>> {
    Some(match url.host()? {
        Host::Domain(name) => ServerName::try_from(name.to_owned()).ok()?,
        Host::Ipv4(address) => ServerName::from(IpAddr::from(address)),
        Host::Ipv6(address) => ServerName::from(IpAddr::from(address)),
    })
}

fn request_for_tunnel(proxy: &Url, target: &str) -> String {
    let mut request =
        format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nuser-agent: {USER_AGENT}\r\n");
    if !proxy.username().is_empty() || proxy.password().is_some() {
        let mut pair = decoded(proxy.username());
        pair.push(b':');
        pair.extend(decoded(proxy.password().unwrap_or_default()));
        request += &format!("proxy-authorization: Basic {}\r\n", STANDARD.encode(pair));
    }
    request + "\r\n"
}

/// A connection to a proxy, which may itself be reached over TLS.
struct ProxyStream {
    stream: TcpStream,
    tls: Option<ClientConnection>,
}

impl ProxyStream {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => tls.writer().write_all(bytes),
            None => self.stream.write_all(bytes).await,
        }
    }

    /// Adds what comes next, and gives how many bytes the other side has sent;
    /// of a handshake nothing is added.
    async fn read(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.stream.read_buf(into).await;
        };
        let mut out = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut out)?;
        }
        self.stream.write_all(&out).await?;
        let mut bytes = Vec::new();
        let count = self.stream.read_buf(&mut bytes).await?;
        let mut left = bytes.as_slice();
        while !left.is_empty() {
            tls.read_tls(&mut left)?;
            let state = tls.process_new_packets().map_err(io::Error::other)?;
            let plain = u64::try_from(state.plaintext_bytes_to_read()).unwrap_or_default();
            tls.reader().take(plain).read_to_end(into)?;
        }
        Ok(count)
    }
}

/// The status in the first line of an answer.
fn status_in(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\n').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    words.next().filter(|word| word.starts_with("HTTP/"))?;
    words.next()?.parse().ok()
}

/// The bytes that a part of a URL stands for.
fn decoded(part: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = part;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        let digits = after
            .get(..2)
            .filter(|two| two.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => bytes.push(byte),
            None => bytes.push(b'%'),
        }
        rest = after.get(digits.map_or(0, str::len)..).unwrap_or_default();
    }
    bytes.extend(rest.bytes());
    bytes
}

/// Whether a response without TLS that came through a proxy is the proxy's own:
/// a `407` always, a `403` if a header shows it or if JSON was requested and
/// something else came.
pub(crate) fn is_its_own(status: u16, headers: &HeaderMap, wants_json: bool) -> bool {
    let has = |name: &str| headers.contains_key(name);
    let is_json = headers
        .get("content-type")
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.to_ascii_lowercase().contains("json"));
    let is_marked = ["proxy-authenticate", "proxy-status", "x-squid-error"]
        .into_iter()
        .any(has);
    status == 407 || status == 403 && (is_marked || wants_json && !is_json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached_without_proxy(except: &str, url: &str) -> bool {
        let variables = Variables::from([("ALL_PROXY", "proxy:3128"), ("NO_PROXY", except)]);
        let proxies = Proxies::read(&variables).unwrap();
        proxies.of(&Url::parse(url).unwrap()).is_none()
    }

    #[test]
    fn every_way_to_name_an_exception_works() {
        const API: &str = "https://api.sevalla.com/v3";
        for (except, url, is_meant) in [
            ("api.sevalla.com", API, true),
            ("API.Sevalla.COM", API, true),
            ("sevalla.com", API, true),
            (".sevalla.com", API, true),
            ("*.sevalla.com", API, true),
            ("*.sevalla.com.", API, true),
            ("sevalla.com.", API, true),
            ("sevalla.com", "https://api.sevalla.com./v3", true),
            ("evalla.com", API, false),
            ("*.sevalla.com", "https://notsevalla.com/", false),
            ("api.sevalla.com:443", API, true),
            ("*.sevalla.com:443", API, true),
            ("api.sevalla.com:8443", API, false),
            ("sevalla.com:80", "http://sevalla.com/", true),
            ("*", API, true),
            ("*", "http://127.0.0.1:1/", true),
            ("*:443", API, true),
            ("*:80", API, false),
            ("a.test,sevalla.com", API, true),
            ("a.test , sevalla.com", API, true),
            ("a.test sevalla.com", API, true),
            (",,sevalla.com,", API, true),
            ("127.0.0.1", "http://127.0.0.1:8080/", true),
            ("127.0.0.1:8080", "http://127.0.0.1:8080/", true),
            ("127.0.0.1:8081", "http://127.0.0.1:8080/", false),
            ("10.0.0.0/8", "http://10.20.30.40/", true),
            ("10.0.0.0/8", "http://11.20.30.40/", false),
            ("0.0.0.0/0", "http://11.20.30.40/", true),
            ("0.0.0.0/0", API, false),
            ("::1", "http://[::1]:8080/", true),
            ("[::1]", "http://[::1]:8080/", true),
            ("[::1]:8080", "http://[::1]:8080/", true),
            ("[::1]:8081", "http://[::1]:8080/", false),
            ("fd00::/8", "http://[fd12::1]/", true),
            ("fd00::/8", "http://[fe12::1]/", false),
            ("größe.example", "https://www.xn--gre-6ka8i.example/", true),
        ] {
            assert_eq!(
                reached_without_proxy(except, url),
                is_meant,
                "{except} {url}"
            );
        }
    }

    #[test]
    fn what_is_no_exception_is_named() {
        for entry in [
            "api.*",
            "10.0.*",
            "10.",
            "192.168.",
            "172.16",
            "*sevalla.com",
            "https://api.sevalla.com",
            "10.0.0.0/33",
            "sevalla.com:https",
            "<local>",
            ".",
        ] {
            let variables = Variables::from([("HTTPS_PROXY", "proxy:3128"), ("no_proxy", entry)]);
            let warnings = warnings(&variables);
            assert_eq!(warnings.len(), 1, "{entry}");
            assert!(
                warnings[0].starts_with(&format!("no_proxy: {entry:?} is ignored")),
                "{warnings:?}"
            );
            assert!(
                !reached_without_proxy(entry, "https://api.sevalla.com/"),
                "{entry}"
            );
            assert!(super::warnings(&Variables::from([("NO_PROXY", entry)])).is_empty());
        }
    }

    #[test]
    fn a_proxy_is_shown_without_its_password() {
        let shown = |value| {
            let proxy = proxy(
                &Variables::from([("HTTPS_PROXY", value)]),
                ["HTTPS_PROXY", ""],
            );
            proxy
                .map(|proxy| shown(&proxy.unwrap()))
                .map_err(|error| error.to_string())
        };
        assert_eq!(
            shown("http://user:pass@proxy.test:3128").unwrap(),
            "http://proxy.test:3128"
        );
        assert_eq!(
            shown("user:pass@proxy.test").unwrap(),
            "http://proxy.test:80"
        );
        assert_eq!(shown("[::1]:3128").unwrap(), "http://[::1]:3128");
        for value in [
            "socks5://user:pass@proxy.test",
            "http://user:pass@:x",
            "ftp://pass",
        ] {
            let reported = shown(value).unwrap_err();
            assert!(
                reported.contains("HTTPS_PROXY") && !reported.contains("pass"),
                "{reported}"
            );
        }
    }

    #[test]
    fn a_user_and_a_password_are_decoded() {
        assert_eq!(decoded("a%40b%2fc"), b"a@b/c");
        assert_eq!(decoded("100%"), b"100%");
        assert_eq!(decoded("%zz%4"), b"%zz%4");
        assert_eq!(decoded("%\u{e4}"), "%\u{e4}".as_bytes());
    }

    #[test]
    fn the_first_line_of_an_answer_has_the_status() {
        assert_eq!(status_in(b"HTTP/1.0 403 Forbidden\r\nx: y\r\n"), Some(403));
        for answer in [
            &b""[..],
            b"\xff",
            b"220 smtp\r\n",
            b"HTTP/1.1\r\n",
            b"HTTP/1.1 x\r\n",
        ] {
            assert_eq!(status_in(answer), None, "{answer:?}");
        }
    }
}
