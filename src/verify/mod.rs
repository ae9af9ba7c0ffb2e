//! The health check: whether the deployed version returns healthy responses at
//! its URL. What follows from the result, such as a rollback, is decided in
//! [`crate::actions`].
//!
//! The key is never sent there, and only a short reason of a response is shown.
//! A check that could not be made is not a failed one: nobody has seen the
//! application, so nothing is known against it.

mod expectation;
mod obstacle;

use std::fmt;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::LOCATION;
use tokio::time::{Instant, sleep};
use url::Url;

pub use self::expectation::{Expectation, Statuses};
use crate::backoff::Schedule;
use crate::http::{
    NOT_PUBLIC, Reach, Request, Response, Transport, TransportError, is_known_not_public,
};
use crate::text::duration::duration;

/// How long one visit may take, redirects included.
pub const VISIT: Duration = Duration::from_secs(15);

/// How often one visit may be sent elsewhere.
pub const MOST_REDIRECTS: usize = 10;

/// The most that is read of an answer's body, in bytes.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// A visit that had less time than this, or than half of the whole check, and
/// got no response shows nothing: the application may be slower than that.
const SHORTEST_VISIT: Duration = Duration::from_secs(5);

/// The most of an address that is shown, in bytes.
const LONGEST_ADDRESS: usize = 200;

/// How many digits of a commit `{commit-short}` stands for.
const SHORT_COMMIT: usize = 7;

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

/// What a good answer is, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct Check {
    /// Where to look; `None` is the service's own address.
    pub address: Option<CheckAddress>,
    /// The statuses of a good answer.
    pub statuses: Statuses,
    /// What it must hold besides.
    pub expectation: Option<Expectation>,
    /// How many good answers in a row are wanted.
    pub successes: u64,
    /// How long to go on asking.
    pub timeout: Duration,
}

/// An address that may hold `{commit}` and `{deployment-id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckAddress(String);

/// What the placeholders are replaced by.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'a> {
    /// For `{commit}` and `{commit-short}`.
    pub commit: Option<&'a str>,
    /// For `{deployment-id}`.
    pub deployment: &'a str,
}

/// Why a placeholder cannot be replaced, or the result is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotFilled(String);

/// The result of a check.
#[derive(Debug, PartialEq, Eq)]
pub enum Verified {
    /// So many healthy responses in a row.
    Yes,
    /// The application was seen, and is not healthy.
    No(CheckReport),
    /// Nobody has seen the application, or not for long enough.
    NotMade(CheckReport),
}

/// What a check came to, for people.
#[derive(Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// What was wrong with the last response, or why there was none, in a
    /// sentence.
    pub reason: String,
    /// How often it was visited, and for how long.
    pub effort: Option<String>,
}

impl Verified {
    /// Nothing was visited, for this reason.
    pub fn not_made(reason: impl fmt::Display) -> Self {
        Self::NotMade(CheckReport {
            reason: format!("Whether it answers well cannot be checked: {reason}"),
            effort: None,
        })
    }
}

/// One look, for people.
#[derive(Debug)]
pub struct Visit<'a> {
    /// Where.
    pub url: &'a Url,
    /// What came back, or why nothing did.
    pub result: &'a Result<Healthy, CheckMiss>,
    /// How long it took.
    pub took: Duration,
    /// How many healthy responses in a row there are, and how many are needed.
    pub row: (u64, u64),
}

/// A healthy response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healthy {
    status: u16,
    /// Where it came from, if the first address redirected there.
    from: Option<String>,
}

/// Why a visit did not get a healthy response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckMiss {
    reason: String,
    sight: AppObservation,
}

/// What a visit has seen of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AppObservation {
    /// It responded, or did not although there was time and a way.
    Application,
    /// Something else responded, or there was no way to it.
    SomethingElse,
    /// Too little time to tell.
    TooShort,
}

impl CheckMiss {
    fn seen(reason: impl Into<String>) -> Self {
        Self::of(AppObservation::Application, reason)
    }

    fn of(sight: AppObservation, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { reason, sight }
    }
}

impl CheckAddress {
    /// Reads an address; the error completes "expected …, but".
    pub fn parse(text: &str) -> Result<Self, String> {
        let address = Self(text.to_owned());
        let sample = Filling {
            commit: Some("0000000"),
            deployment: "0",
        };
        let url = address.fill(sample).map_err(|NotFilled(reason)| reason)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("it is neither http nor https".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it holds a user or a password, which would be shown".to_owned());
        }
        Ok(address)
    }

    fn fill(&self, filling: Filling<'_>) -> Result<Url, NotFilled> {
        let text = fill(&self.0, filling)?;
        Url::parse(&text).map_err(|error| NotFilled(format!("it is not a URL: {error}")))
    }
}

impl Check {
    /// Whether it needs the commit of the deployment.
    pub fn needs_commit(&self) -> bool {
        let address = self.address.as_ref().map(|address| address.0.as_str());
        let content = self.expectation.as_ref().map(Expectation::text);
        let mut texts = address.into_iter().chain(content);
        texts.any(|text| text.contains("{commit}") || text.contains("{commit-short}"))
    }
}

/// The text with its placeholders replaced.
pub(crate) fn fill(text: &str, filling: Filling<'_>) -> Result<String, NotFilled> {
    // The service's text becomes a part of an address: what is no commit or no
    // id could lead anywhere.
    let is_commit = |text: &&str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let commit = filling.commit.filter(is_commit);
    let needed = ["{commit}", "{commit-short}"];
    if let Some(needed) = needed.iter().find(|needed| text.contains(**needed))
        && commit.is_none()
    {
        return Err(NotFilled(format!(
            "Sevalla does not report the commit that {needed} stands for"
        )));
    }
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.contains("{deployment-id}") && !filling.deployment.bytes().all(is_id) {
        return Err(NotFilled(
            "the id that {deployment-id} stands for has other characters than an id".to_owned(),
        ));
    }
    let commit = commit.unwrap_or_default();
    Ok(text
        .replace("{commit}", commit)
        .replace(
            "{commit-short}",
            commit.get(..SHORT_COMMIT).unwrap_or(commit),
        )
        .replace("{deployment-id}", filling.deployment))
}

/// Visits until enough responses in a row were healthy, or the time is over.
/// `own` is the service's address, or why it is not known.
pub async fn verify(
    exchange: &dyn Transport,
    check: &Check,
    own: Result<&Url, &str>,
    filling: Filling<'_>,
    deadline: Instant,
    tell: &dyn Fn(Visit<'_>),
) -> Verified {
    let (route, expectation) = match prepare(check, own, filling) {
        Ok(prepared) => prepared,
        Err(reason) => return Verified::not_made(reason),
    };
    let started = Instant::now();
    let give_up = deadline.min(started + check.timeout);
    if give_up <= started {
        return Verified::not_made("the run's time (timeout) was over when it could begin");
    }
    let mut looks = Schedule::for_looks();
    let mut tally = VisitTally::new(check);
    loop {
        let begun = Instant::now();
        let limit = VISIT.min(give_up.saturating_duration_since(begun));
        let result = route
            .visit(exchange, limit)
            .await
            .and_then(|reply| assess(check, expectation.as_ref(), &route.start, &reply))
            .map_err(|miss| too_short(miss, limit, check));
        tally.count(&result);
        tell(Visit {
            url: &route.start,
            result: &result,
            took: begun.elapsed(),
            row: (tally.row, check.successes),
        });
        if tally.row >= check.successes {
            return Verified::Yes;
        }
        let wait = looks.next_wait(None);
        if Instant::now() + wait >= give_up {
            return tally.conclude(&route.start, started.elapsed());
        }
        sleep(wait).await;
    }
}

/// Where to go and what to expect there; else why that is not known.
fn prepare(
    check: &Check,
    own: Result<&Url, &str>,
    filling: Filling<'_>,
) -> Result<(Route, Option<Expectation>), String> {
    let route = match &check.address {
        Some(address) => {
            let start = address.fill(filling).map_err(|error| error.to_string())?;
            Route {
                start,
                reach: Reach::Anywhere,
            }
        }
        None => Route::of_service(own?)?,
    };
    let expectation = check.expectation.as_ref();
    let expectation = expectation.map(|expectation| expectation.fill(filling));
    let expectation = expectation.transpose().map_err(|error| error.to_string())?;
    Ok((route, expectation))
}

/// What the visits so far have shown.
struct VisitTally {
    visits: u32,
    row: u64,
    needed: u64,
    /// The last reason that means something.
    last: Option<CheckMiss>,
    is_last_healthy: bool,
    was_unhealthy: bool,
}

impl VisitTally {
    const fn new(check: &Check) -> Self {
        Self {
            visits: 0,
            row: 0,
            needed: check.successes,
            last: None,
            is_last_healthy: false,
            was_unhealthy: false,
        }
    }

    fn count(&mut self, result: &Result<Healthy, CheckMiss>) {
        self.visits += 1;
        match result {
            Ok(_) => {
                self.row += 1;
                self.is_last_healthy = true;
            }
            Err(miss) if miss.sight == AppObservation::TooShort && self.visits > 1 => {}
            Err(miss) => {
                self.row = 0;
                self.is_last_healthy = false;
                self.was_unhealthy |= miss.sight == AppObservation::Application;
                self.last = Some(miss.clone());
            }
        }
    }

    /// Not enough healthy responses in a row, and no more time.
    fn conclude(self, url: &Url, elapsed: Duration) -> Verified {
        let (reason, is_seen) = match self.last {
            Some(miss) if !self.is_last_healthy => {
                (miss.reason, miss.sight == AppObservation::Application)
            }
            _ => {
                let (row, needed) = (self.row, self.needed);
                let reason = format!("only {row} of {needed} good answers in a row");
                (reason, self.was_unhealthy)
            }
        };
        let plural = if self.visits == 1 { "" } else { "s" };
        let finding = CheckReport {
            reason: format!("{url} did not answer well: {reason}"),
            effort: Some(format!(
                "{} visit{plural} in {}",
                self.visits,
                duration(elapsed)
            )),
        };
        if is_seen {
            Verified::No(finding)
        } else {
            Verified::NotMade(finding)
        }
    }
}

/// Time-outs that our own haste has caused show nothing.
fn too_short(miss: CheckMiss, limit: Duration, check: &Check) -> CheckMiss {
    let is_short = limit < SHORTEST_VISIT.min(check.timeout / 2);
    if is_short && miss.reason.starts_with(NO_ANSWER) {
        return CheckMiss::of(AppObservation::TooShort, miss.reason);
    }
    miss
}

/// Where visits begin, and how far the first request may go.
struct Route {
    start: Url,
    reach: Reach,
}

/// A response, and where it came from.
struct Arrival {
    url: Url,
    reply: Response,
    hops: usize,
}

impl Route {
    /// To the address that the service gives for itself. Whoever can add a
    /// domain to it chooses that, so it must be public.
    fn of_service(own: &Url) -> Result<Self, String> {
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
    async fn visit(&self, exchange: &dyn Transport, limit: Duration) -> Result<Arrival, CheckMiss> {
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
        return Err(CheckMiss::seen("it redirects to what is no address"));
    };
    if from.scheme() == "https" && next.scheme() == "http" {
        return Err(CheckMiss::seen("it redirects from https to http"));
    }
    Ok(Some(next))
}

/// Whether a response is healthy, and the application's own.
fn assess(
    check: &Check,
    expectation: Option<&Expectation>,
    start: &Url,
    arrival: &Arrival,
) -> Result<Healthy, CheckMiss> {
    let Arrival { url, reply, hops } = arrival;
    let from = (*hops > 0).then(|| shown(url));
    let judged = judge(check, expectation, reply);
    let obstacle = match (&judged, expectation) {
        // Nobody else has the content that is expected.
        (Ok(()), Some(_)) => None,
        (Ok(()), None) => obstacle::behind_success(start, url, reply),
        (Err(_), _) => obstacle::behind_failure(start, url, reply),
    };
    let status = reply.status;
    let at = from.as_ref().map(|from| format!(" at {from}"));
    let at = at.unwrap_or_default();
    match (obstacle, judged) {
        (Some(obstacle), _) => Err(CheckMiss::of(
            AppObservation::SomethingElse,
            format!("HTTP {status}{at} of {obstacle}"),
        )),
        (None, Ok(())) => Ok(Healthy { status, from }),
        (None, Err(miss)) => Err(CheckMiss {
            reason: format!("{}{}", miss.reason, redirected(from.as_ref())),
            ..miss
        }),
    }
}

fn redirected(from: Option<&String>) -> String {
    from.map_or_else(String::new, |from| format!(" (redirected to {from})"))
}

/// An address without what may be a secret in it.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let is_whole = url.query().is_none() && url.fragment().is_none();
    url.set_query(None);
    url.set_fragment(None);
    let _without = (url.set_username(""), url.set_password(None));
    let text = url.as_str();
    match text.get(..LONGEST_ADDRESS) {
        Some(beginning) if text.len() > LONGEST_ADDRESS => format!("{beginning}…"),
        _ if is_whole => text.to_owned(),
        _ => format!("{text}?…"),
    }
}

fn judge(
    check: &Check,
    expectation: Option<&Expectation>,
    reply: &Response,
) -> Result<(), CheckMiss> {
    if !check.statuses.contain(reply.status) {
        return Err(CheckMiss::seen(format!("HTTP {}", reply.status)));
    }
    match (&reply.body, expectation) {
        // Of a body that nobody reads, more than is read is no fault.
        (Ok(_) | Err(TransportError::TooLarge { .. }), None) => Ok(()),
        (Err(cause), None) => Err(CheckMiss::seen(format!(
            "HTTP {}, but {cause}",
            reply.status
        ))),
        (_, Some(expectation)) => expectation.judge(reply),
    }
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

impl fmt::Display for Visit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = self.took.as_millis();
        let (row, needed) = self.row;
        match self.result {
            Ok(Healthy { status, from }) => write!(
                f,
                "{}: HTTP {status}{} in {took} ms ({row} of {needed})",
                self.url,
                redirected(from.as_ref())
            ),
            Err(miss) => write!(f, "{}: {} ({took} ms)", self.url, miss.reason),
        }
    }
}
