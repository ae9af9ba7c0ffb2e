//! One visit of an address: how far its requests may go, where redirects lead,
//! and why no response came.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::LOCATION;
use tokio::time::Instant;
use url::Url;

use super::{AppObservation, CheckMiss, obstacle};
use crate::http::{
    NOT_PUBLIC, Reach, Request, Response, Transport, TransportError, is_known_not_public,
};
use crate::text::duration::duration;

/// How often one visit may be sent elsewhere.
pub const MOST_REDIRECTS: usize = 10;

/// The most that is read of an answer's body, in bytes.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// A visit that had less time than this, or than half of the whole check, and
/// got no response shows nothing: the application may be slower than that.
const SHORTEST_VISIT: Duration = Duration::from_secs(5);

/// How the TLS library begins to describe a certificate.
const UNTRUSTED: &str = "invalid peer certificate";

/// What the HTTP library says where the network of this machine or the TLS in
/// front of the application is at fault, or the name is none, and the
/// application was never reached. The system's errors go by their numbers on
/// Linux, since their words depend on the C library.
const NOT_REACHED: &[&str] = &[
    "dns error",
    "invalid dns name",
    "tunnel",
    "proxy",
    // This machine forbids it (EPERM, EACCES).
    "(os error 1)",
    "(os error 13)",
    // It has no such network, or none that is up (EAFNOSUPPORT, EADDRNOTAVAIL,
    // ENETDOWN, ENETUNREACH).
    "(os error 97)",
    "(os error 99)",
    "(os error 100)",
    "(os error 101)",
    // No route (EHOSTUNREACH).
    "(os error 113)",
    // Nothing has a certificate for the name yet, or nothing there speaks TLS.
    "received fatal alert",
    "received corrupt message",
];

/// Where visits begin, and how far the first request may go.
pub(super) struct Route {
    pub(super) start: Url,
    pub(super) reach: Reach,
}

/// A response, and where it came from.
pub(super) struct Arrival {
    pub(super) url: Url,
    pub(super) reply: Response,
    pub(super) hops: usize,
}

impl Route {
    /// To the address that the service gives for itself. Whoever can add a
    /// domain to it chooses that, so it must be public.
    pub(super) fn of_service(own: &Url) -> Result<Self, String> {
        if is_known_not_public(own) {
            let host = own.host_str().unwrap_or_default();
            return Err(format!("its address on Sevalla is {host}, {NOT_PUBLIC}"));
        }
        Ok(Self {
            start: own.clone(),
            reach: Reach::Public,
        })
    }

    /// One look, wherever it is redirected to.
    pub(super) async fn visit(
        &self,
        exchange: &dyn Transport,
        limit: Duration,
    ) -> Result<Arrival, CheckMiss> {
        let end = Instant::now() + limit;
        let (mut url, mut reach) = (self.start.clone(), self.reach);
        for hops in 0..=MOST_REDIRECTS {
            let request = Request {
                method: Method::GET,
                url: url.clone(),
                accept: "*/*",
                authorization: None,
                body: None,
                body_limit: BODY_LIMIT,
                reach,
                is_fresh: true,
            };
            let left = end.saturating_duration_since(Instant::now());
            let reply = exchange.exchange(request, left).await;
            let reply = reply.map_err(|cause| failed(&cause, limit, hops))?;
            let Some(next) = redirect(&url, &reply)? else {
                return Ok(Arrival { url, reply, hops });
            };
            reach = self.reach_of_redirect(&next)?;
            url = next;
        }
        Err(CheckMiss::seen(format!(
            "it redirects more than {MOST_REDIRECTS} times"
        )))
    }

    /// How far a redirect may go. What the user wrote is asked for; where a
    /// server sends us is not.
    fn reach_of_redirect(&self, next: &Url) -> Result<Reach, CheckMiss> {
        let host = next.host_str().unwrap_or_default();
        if obstacle::leads_to_sign_in(&self.start, next) {
            return Err(CheckMiss::of(
                AppObservation::SomethingElse,
                format!("it redirects to {host}, {}", obstacle::SIGN_IN),
            ));
        }
        if self.is_same_server(next) {
            return Ok(self.reach);
        }
        if is_known_not_public(next) {
            return Err(CheckMiss::seen(format!(
                "it redirects to {host}, {NOT_PUBLIC}"
            )));
        }
        Ok(Reach::Public)
    }

    /// Whether this is the server where the visit began, also where it only
    /// moves from http to https.
    fn is_same_server(&self, next: &Url) -> bool {
        let ports = |url: &Url| url.port_or_known_default();
        let is_upgrade = ports(&self.start) == Some(80) && ports(next) == Some(443);
        self.start.host() == next.host() && (ports(&self.start) == ports(next) || is_upgrade)
    }
}

/// Where the answer sends us, if it does.
fn redirect(from: &Url, reply: &Response) -> Result<Option<Url>, CheckMiss> {
    if !matches!(reply.status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = reply.headers.get(LOCATION) else {
        return Ok(None);
    };
    let next = location.to_str().ok().and_then(|to| from.join(to).ok());
    let next = next.filter(|next| matches!(next.scheme(), "http" | "https"));
    let Some(next) = next else {
        return Err(CheckMiss::seen(
            "it redirects to something that is not an address",
        ));
    };
    if from.scheme() == "https" && next.scheme() == "http" {
        return Err(CheckMiss::seen("it redirects from https to http"));
    }
    Ok(Some(next))
}

/// How a visit without a response in time is described.
const NO_ANSWER: &str = "no complete answer within ";

/// Why no response came. Where the network of this machine is at fault, nobody
/// has asked the application. After a redirect that network is known to work.
fn failed(cause: &TransportError, limit: Duration, hops: usize) -> CheckMiss {
    let unseen = |reason: String| match hops {
        0 => CheckMiss::of(AppObservation::SomethingElse, reason),
        _ => CheckMiss::seen(reason),
    };
    match cause {
        TransportError::TimedOut { .. } => {
            CheckMiss::seen(format!("{NO_ANSWER}{}", duration(limit)))
        }
        TransportError::NotConnected { reason, .. } if reason.contains(UNTRUSTED) => {
            let (_, detail) = reason.split_once(UNTRUSTED).unwrap_or_default();
            unseen(format!(
                "its certificate is not trusted ({}); SSL_CERT_FILE names a file with further ones",
                detail.trim_start_matches([':', ' '])
            ))
        }
        TransportError::NotConnected { reason, .. }
            if NOT_REACHED.iter().any(|text| reason.contains(text)) =>
        {
            unseen(cause.to_string())
        }
        TransportError::ProxyRefused { .. } => unseen(cause.to_string()),
        cause => CheckMiss::seen(cause.to_string()),
    }
}

/// Time-outs that our own haste has caused show nothing.
pub(super) fn too_short(miss: CheckMiss, limit: Duration, timeout: Duration) -> CheckMiss {
    let is_short = limit < SHORTEST_VISIT.min(timeout / 2);
    if is_short && miss.reason.starts_with(NO_ANSWER) {
        return CheckMiss::of(AppObservation::TooShort, miss.reason);
    }
    miss
}
