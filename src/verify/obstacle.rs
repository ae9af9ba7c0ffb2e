//! Responses that are not the application's own: bot challenges, blocks at the
//! edge, sign-in pages. Pure; used by the health check.
//!
//! A check that is stopped by one has not seen the application, so it proves
//! nothing about a deployment, neither good nor bad.

use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use url::Url;

use crate::http::{Response, is_known_not_public};

/// How much of a body is searched for the marks of a page, in bytes.
const SEARCHED: usize = 256 * 1024;

/// What stopped a request that did not get a healthy response, in words that
/// complete "HTTP 403 of".
pub(super) fn behind_failure(start: &Url, end: &Url, reply: &Response) -> Option<String> {
    if reply.status == 407 {
        return Some("the proxy, which requires a sign-in".to_owned());
    }
    if reply.status == 429 && edge(reply, true).is_none() {
        return Some(RATE_LIMIT.to_owned());
    }
    let is_asked_for = reply.status == 401 && reply.headers.contains_key(WWW_AUTHENTICATE);
    by_edge(reply, true).or_else(|| {
        let is_sign_in = is_asked_for || leads_to_sign_in(start, end);
        is_sign_in.then(|| SIGN_IN.to_owned())
    })
}

/// The obstacle behind a response with an accepted status whose content nobody
/// checks: it may be somebody else's page.
pub(super) fn behind_success(start: &Url, end: &Url, reply: &Response) -> Option<String> {
    by_edge(reply, reply.status == 202).or_else(|| {
        let is_elsewhere = !is_same_site(start, end);
        let is_sign_in = is_elsewhere && (is_sign_in_address(end) || has_password_field(reply));
        is_sign_in.then(|| SIGN_IN.to_owned())
    })
}

/// Whether a redirect leads to a place for signing in on another host. It need
/// not be followed to know that.
pub(super) fn leads_to_sign_in(start: &Url, next: &Url) -> bool {
    !is_same_site(start, next) && is_sign_in_address(next)
}

/// Of the application or of something before it: both say how often it was asked, and
/// nothing of how it is.
const RATE_LIMIT: &str = "a rate limit; let this check pass there, or raise verify-timeout";

/// What a sign-in page is called.
pub(super) const SIGN_IN: &str =
    "a sign-in page; set verify-url to a path that responds without signing in";

fn by_edge(reply: &Response, is_bad: bool) -> Option<String> {
    let edge = edge(reply, is_bad)?;
    Some(format!(
        "a bot challenge or block of {edge}; let this check pass there, or set verify-url to an \
         address without it"
    ))
}

/// The edge network that answered with a page of its own.
fn edge(reply: &Response, is_bad: bool) -> Option<&'static str> {
    let by_header = || {
        HEADERS
            .iter()
            .find(|mark| mark.fits(&reply.headers, is_bad))
    };
    let by_page = || {
        let body = page(reply).filter(|_| is_bad)?;
        let has = |text: &str| memchr::memmem::find(body, text.as_bytes()).is_some();
        PAGES.iter().find(|(_, text)| has(text))
    };
    by_header()
        .map(|mark| mark.edge)
        .or_else(|| by_page().map(|(edge, _)| *edge))
}

/// A header by which an edge network marks a response of its own.
struct EdgeHeader {
    edge: &'static str,
    header: &'static str,
    /// The beginning of its value, in lower case; empty for any.
    value: &'static str,
    /// Whether the header also comes with good responses, where it means
    /// nothing.
    is_common: bool,
}

impl EdgeHeader {
    fn fits(&self, headers: &HeaderMap, is_bad: bool) -> bool {
        let mut values = headers.get_all(self.header).iter();
        let fits = |value: &HeaderValue| {
            let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
            value.trim_start().starts_with(self.value)
        };
        (is_bad || !self.is_common) && values.any(fits)
    }
}

const fn own(edge: &'static str, header: &'static str, value: &'static str) -> EdgeHeader {
    EdgeHeader {
        edge,
        header,
        value,
        is_common: false,
    }
}

const fn common(edge: &'static str, header: &'static str, value: &'static str) -> EdgeHeader {
    EdgeHeader {
        is_common: true,
        ..own(edge, header, value)
    }
}

/// Sources: the vendors' documentation of their responses to blocked requests
/// (Cloudflare "Detect a Challenge Page response", AWS WAF "CAPTCHA and
/// Challenge actions", Vercel "Attack Challenge Mode", `DataDome` "Response
/// headers", Sucuri "Block page", Kasada's headers of its challenge).
const HEADERS: &[EdgeHeader] = &[
    own("Cloudflare", "cf-mitigated", ""),
    own("AWS WAF", "x-amzn-waf-action", ""),
    own("Vercel", "x-vercel-mitigated", ""),
    own("Vercel", "x-vercel-challenge-token", ""),
    own("Sucuri", "x-sucuri-block", ""),
    own(
        "Google Identity-Aware Proxy",
        "x-goog-iap-generated-response",
        "",
    ),
    common("Kasada", "x-kpsdk-ct", ""),
    common("DDoS-Guard", "server", "ddos-guard"),
    common("DataDome", "x-datadome", ""),
    common("DataDome", "x-dd-b", ""),
    common("Azure Front Door", "set-cookie", "afd_azwaf"),
];

/// Texts that only a page of such a network has.
const PAGES: &[(&str, &str)] = &[
    ("Cloudflare", "_cf_chl_opt"),
    ("Cloudflare", "cf-turnstile-response"),
    ("Cloudflare", "Attention Required! | Cloudflare"),
    ("Cloudflare", "used Cloudflare to restrict access"),
    // A ban of the network, the address, the country, or the kind of client.
    ("Cloudflare", "error code: 1005"),
    ("Cloudflare", "error code: 1006"),
    ("Cloudflare", "error code: 1007"),
    ("Cloudflare", "error code: 1008"),
    ("Cloudflare", "error code: 1009"),
    ("Cloudflare", "error code: 1010"),
    ("Cloudflare", "error code: 1012"),
    ("Cloudflare", "error code: 1015"),
    ("Cloudflare", "error code: 1020"),
    ("AWS WAF", "awsWafCookieDomainList"),
    (
        "F5",
        "The requested URL was rejected. Please consult with your administrator",
    ),
    ("Kasada", "KPSDK"),
    ("Radware", "perfdrive.com"),
    ("Sucuri", "Sucuri WebSite Firewall"),
    ("Imperva", "_Incapsula_Resource"),
    ("HUMAN", "px-captcha"),
    ("DataDome", "captcha-delivery.com"),
    ("Akamai", "errors.edgesuite.net"),
];

/// Whether two hosts are the same but for `www`.
fn is_same_site(one: &Url, other: &Url) -> bool {
    let site = |url: &Url| {
        let host = url.host_str().unwrap_or_default();
        host.strip_prefix("www.").unwrap_or(host).to_owned()
    };
    site(one) == site(other)
}

/// Hosts whose only purpose is to sign in to something else.
const SIGN_IN_HOSTS: &[&str] = &[
    "accounts.google.com",
    "login.microsoftonline.com",
    "login.live.com",
    "cloudflareaccess.com",
    "okta.com",
    "oktapreview.com",
    "auth0.com",
    "onelogin.com",
    "pingone.com",
    "amazoncognito.com",
    "awsapps.com",
    "b2clogin.com",
    "ciamlogin.com",
    "duosecurity.com",
    "jumpcloud.com",
];

/// The first label of a host for signing in.
const SIGN_IN_LABELS: &[&str] = &[
    "accounts",
    "account",
    "adfs",
    "auth",
    "authelia",
    "authenticate",
    "authentik",
    "authn",
    "id",
    "identity",
    "idp",
    "keycloak",
    "login",
    "oauth",
    "signin",
    "sso",
];

/// Parts of a path for signing in, without an ending such as `.php`.
const SIGN_IN_PATHS: &[&str] = &[
    "adfs",
    "authenticate",
    "authorize",
    "log-in",
    "log_in",
    "login",
    "logon",
    "oauth",
    "oauth2",
    "oidc",
    "openid-connect",
    "saml",
    "saml2",
    "sign-in",
    "sign_in",
    "signin",
    "sso",
    "sso-api",
    "wp-login",
];

/// Whether an address is known to be for signing in. A path alone says so of
/// public hosts only: a redirect to `localhost` is a fault of the application.
fn is_sign_in_address(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let is_of = |name: &&str| {
        host.strip_suffix(*name)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let label = host.split('.').next().unwrap_or_default();
    let is_part = |part: &str| {
        let part = part.split('.').next().unwrap_or_default();
        SIGN_IN_PATHS.contains(&part.to_ascii_lowercase().as_str())
    };
    SIGN_IN_HOSTS.iter().any(is_of)
        || SIGN_IN_LABELS.contains(&label)
        || (!is_known_not_public(url) && url.path().split('/').any(is_part))
}

fn has_password_field(reply: &Response) -> bool {
    let body = page(reply).unwrap_or_default().to_ascii_lowercase();
    ["type=\"password\"", "type='password'", "type=password"]
        .iter()
        .any(|mark| memchr::memmem::find(&body, mark.as_bytes()).is_some())
}

/// The beginning of the body, if there is one.
fn page(reply: &Response) -> Option<&[u8]> {
    let body = reply.body.as_ref().ok()?;
    Some(body.get(..SEARCHED).unwrap_or(body))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderName;

    use super::*;

    const APP: &str = "https://shop.example/health";

    fn reply(status: u16, header: (&str, &str), body: &str) -> Response {
        let name = HeaderName::from_bytes(header.0.as_bytes()).unwrap();
        let value = HeaderValue::from_str(header.1).unwrap();
        Response {
            status,
            headers: HeaderMap::from_iter([(name, value)]),
            body: Ok(body.as_bytes().to_vec()),
        }
    }

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn a_challenge_is_known_by_the_header_or_the_page_of_the_edge() {
        let plain = ("server", "edge");
        for (status, header, body, edge) in [
            (403, ("cf-mitigated", "challenge"), "", Some("Cloudflare")),
            (503, plain, "window._cf_chl_opt={}", Some("Cloudflare")),
            (403, plain, "error code: 1020", Some("Cloudflare")),
            (403, plain, "error code: 1010", Some("Cloudflare")),
            (429, plain, "error code: 1015", Some("Cloudflare")),
            // The name leads nowhere: that is known against the deployment.
            (530, plain, "error code: 1016", None),
            (429, ("x-kpsdk-ct", "x"), "", Some("Kasada")),
            (403, ("server", "ddos-guard"), "", Some("DDoS-Guard")),
            (
                403,
                plain,
                "<title>Sucuri WebSite Firewall - Access Denied</title>",
                Some("Sucuri"),
            ),
            (202, ("x-amzn-waf-action", "challenge"), "", Some("AWS WAF")),
            (405, ("x-amzn-waf-action", "captcha"), "", Some("AWS WAF")),
            (429, ("x-vercel-mitigated", "challenge"), "", Some("Vercel")),
            (403, ("x-datadome", "protected"), "", Some("DataDome")),
            (
                403,
                ("set-cookie", "afd_azwaf_jsclearance=1"),
                "",
                Some("Azure Front Door"),
            ),
            (
                403,
                plain,
                "<iframe src=/_Incapsula_Resource?x>",
                Some("Imperva"),
            ),
            (403, plain, "<div id=px-captcha>", Some("HUMAN")),
            (403, ("set-cookie", "session=1"), "Forbidden", None),
            (429, plain, "Too Many Requests", None),
            (500, plain, "Internal Server Error", None),
        ] {
            let reply = reply(status, header, body);
            let found = behind_failure(&url(APP), &url(APP), &reply);
            assert_eq!(
                found
                    .as_deref()
                    .is_some_and(|found| found.contains("bot challenge")),
                edge.is_some(),
                "{header:?} {body}"
            );
            let found = found.unwrap_or_default();
            assert!(found.contains(edge.unwrap_or_default()), "{found}");
        }
    }

    #[test]
    fn marks_that_come_with_good_responses_mean_nothing_there() {
        for (status, header, body, is_obstacle) in [
            (200, ("x-datadome", "protected"), "", false),
            (200, ("server", "edge"), "px-captcha", false),
            (200, ("cf-mitigated", "challenge"), "", true),
            (202, ("x-amzn-waf-action", "challenge"), "", true),
        ] {
            let reply = reply(status, header, body);
            let found = behind_success(&url(APP), &url(APP), &reply);
            assert_eq!(found.is_some(), is_obstacle, "{header:?} {body}");
        }
    }

    #[test]
    fn a_sign_in_page_is_one_of_another_host_or_asks_for_credentials() {
        let form = "<form><input name=p TYPE=\"password\"></form>";
        for (end, body, is_sign_in) in [
            ("https://team.cloudflareaccess.com/", "", true),
            (
                "https://login.microsoftonline.com/x/oauth2/authorize",
                "",
                true,
            ),
            ("https://sso.shop.example/", "", true),
            ("https://other.example/users/sign_in", "", true),
            (
                "https://kc.example/realms/x/protocol/openid-connect/auth",
                "",
                true,
            ),
            ("https://fs.example/adfs/ls/?wa=wsignin1.0", "", true),
            ("https://vercel.example/sso-api?url=x", "", true),
            ("https://other.example/Login.aspx", "", true),
            ("https://other.example/logins", "", false),
            ("https://other.example/", form, true),
            ("https://other.example/", "hello", false),
            // The application's own page, wherever its own redirects lead.
            ("https://shop.example/login", form, false),
            ("https://www.shop.example/login", form, false),
            ("https://notokta.com/", "", false),
        ] {
            let reply = reply(200, ("server", "edge"), body);
            let found = behind_success(&url(APP), &url(end), &reply);
            assert_eq!(found.is_some(), is_sign_in, "{end} {body}");
        }
        let basic = ("www-authenticate", "Basic realm=\"x\"");
        assert!(behind_failure(&url(APP), &url(APP), &reply(401, basic, "")).is_some());
        let bare = reply(401, ("server", "app"), "");
        assert_eq!(behind_failure(&url(APP), &url(APP), &bare), None);
        let proxy = reply(407, ("server", "squid"), "");
        assert!(behind_failure(&url(APP), &url(APP), &proxy).is_some());
    }
}
