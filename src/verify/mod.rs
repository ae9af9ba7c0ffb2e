//! Whether what was deployed answers well, at its address.
//!
//! The key is never sent there, and what comes back is only looked at: a short
//! reason is all that is told of it.

mod expectation;

use std::fmt;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::LOCATION;
use tokio::time::{Instant, sleep};
use url::Url;

pub use self::expectation::{Expectation, Statuses};
use crate::report::duration;
use crate::schedule::Schedule;
use crate::sevalla::{Cause, Exchange, Reply, Request, is_never_visited};

/// How long one visit may take, redirects included.
pub const VISIT: Duration = Duration::from_secs(15);

/// How often one visit may be sent elsewhere.
pub const MOST_REDIRECTS: usize = 10;

/// The most that is read of an answer's body, in bytes.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// How the TLS library begins to tell of a certificate.
const UNTRUSTED: &str = "invalid peer certificate";

/// What a good answer is, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct Check {
    /// Where to look; `None` is the service's own address.
    pub address: Option<Address>,
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
pub struct Address(String);

/// What stands for the placeholders.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'a> {
    /// For `{commit}`.
    pub commit: Option<&'a str>,
    /// For `{deployment-id}`.
    pub deployment: &'a str,
}

/// What came of checking.
#[derive(Debug, PartialEq, Eq)]
pub enum Verified {
    /// So many good answers in a row.
    Yes,
    /// Not in time.
    No {
        /// What was wrong with the last answer, or why there was none, in a
        /// sentence.
        reason: String,
        /// How often it was looked, and for how long.
        effort: Option<String>,
    },
}

/// One look, for people.
#[derive(Debug)]
pub struct Visit<'a> {
    /// Where.
    pub url: &'a Url,
    /// What came back, or why nothing did.
    pub result: &'a Result<u16, Miss>,
    /// How long it took.
    pub took: Duration,
    /// How many good answers in a row there are, and how many are wanted.
    pub row: (u64, u64),
}

/// Why an answer is not good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss(pub String);

impl Address {
    /// Reads an address; the error completes "expected …, but".
    pub fn parse(text: &str) -> Result<Self, String> {
        let address = Self(text.to_owned());
        let sample = Filling {
            commit: Some("0"),
            deployment: "0",
        };
        let url = address.fill(sample).map_err(|Miss(reason)| reason)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("it is neither http nor https".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it holds a user or a password, which would be shown".to_owned());
        }
        Ok(address)
    }

    fn fill(&self, filling: Filling<'_>) -> Result<Url, Miss> {
        let text = fill(&self.0, filling)?;
        Url::parse(&text).map_err(|error| Miss(format!("it is not a URL: {error}")))
    }
}

/// The text with its placeholders replaced.
pub(crate) fn fill(text: &str, filling: Filling<'_>) -> Result<String, Miss> {
    // The service's text becomes a part of an address: what is no commit could
    // lead anywhere.
    let is_commit = |text: &&str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let commit = filling.commit.filter(is_commit);
    if text.contains("{commit}") && commit.is_none() {
        return Err(Miss(
            "Sevalla does not tell the commit that {commit} stands for".to_owned(),
        ));
    }
    Ok(text
        .replace("{commit}", commit.unwrap_or_default())
        .replace("{deployment-id}", filling.deployment))
}

/// Visits until enough answers in a row were good, or the time is over.
pub async fn verify(
    exchange: &dyn Exchange,
    check: &Check,
    own: Option<&Url>,
    filling: Filling<'_>,
    deadline: Instant,
    tell: &dyn Fn(Visit<'_>),
) -> Verified {
    let started = Instant::now();
    let address = match &check.address {
        Some(address) => address.fill(filling),
        None => own.cloned().ok_or_else(|| {
            Miss("Sevalla does not tell its address; set verify-url to it".to_owned())
        }),
    };
    let expectation = check
        .expectation
        .as_ref()
        .map(|expectation| expectation.fill(filling))
        .transpose();
    let (url, expectation) = match (address, expectation) {
        (Ok(url), Ok(expectation)) => (url, expectation),
        (Err(Miss(reason)), _) | (_, Err(Miss(reason))) => {
            return Verified::No {
                reason: format!("Whether it answers well cannot be checked: {reason}"),
                effort: None,
            };
        }
    };
    let give_up = deadline.min(started + check.timeout);
    let mut looks = Schedule::for_looks();
    let (mut visits, mut row) = (0, 0);
    loop {
        let begun = Instant::now();
        let limit = VISIT.min(give_up.saturating_duration_since(begun));
        visits += 1;
        let result = visit(exchange, &url, limit)
            .await
            .and_then(|reply| judge(check, expectation.as_ref(), &reply));
        row = if result.is_ok() { row + 1 } else { 0 };
        tell(Visit {
            url: &url,
            result: &result,
            took: begun.elapsed(),
            row: (row, check.successes),
        });
        if row >= check.successes {
            return Verified::Yes;
        }
        let wait = looks.next_wait(None);
        if Instant::now() + wait >= give_up {
            let reason = match result {
                Err(Miss(reason)) => reason,
                Ok(_) => format!("only {row} of {} good answers in a row", check.successes),
            };
            let plural = if visits == 1 { "" } else { "s" };
            return Verified::No {
                reason: format!("{url} did not answer well: {reason}"),
                effort: Some(format!(
                    "{visits} visit{plural} in {}",
                    duration(started.elapsed())
                )),
            };
        }
        sleep(wait).await;
    }
}

/// One look, wherever it is sent on to.
async fn visit(exchange: &dyn Exchange, url: &Url, limit: Duration) -> Result<Reply, Miss> {
    let end = Instant::now() + limit;
    let mut url = url.clone();
    for hop in 0..=MOST_REDIRECTS {
        // What the user wrote is asked for; where a server sends us is not.
        if hop > 0 && is_never_visited(&url) {
            return Err(Miss(format!(
                "it redirects to {}, an address of the machine's own network",
                url.host_str().unwrap_or_default()
            )));
        }
        let request = Request {
            method: Method::GET,
            url: url.clone(),
            accept: "*/*",
            authorization: None,
            body: None,
            body_limit: BODY_LIMIT,
        };
        let left = end.saturating_duration_since(Instant::now());
        let reply = exchange
            .exchange(request, left)
            .await
            .map_err(|cause| Miss(describe(&cause, limit)))?;
        let Some(next) = redirect(&url, &reply)? else {
            return Ok(reply);
        };
        url = next;
    }
    Err(Miss(format!(
        "it redirects more than {MOST_REDIRECTS} times"
    )))
}

/// Where the answer sends us, if it does.
fn redirect(from: &Url, reply: &Reply) -> Result<Option<Url>, Miss> {
    if !matches!(reply.status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = reply.headers.get(LOCATION) else {
        return Ok(None);
    };
    let next = location.to_str().ok().and_then(|to| from.join(to).ok());
    let next = next.filter(|next| matches!(next.scheme(), "http" | "https"));
    let Some(next) = next else {
        return Err(Miss("it redirects to what is no address".to_owned()));
    };
    if from.scheme() == "https" && next.scheme() == "http" {
        return Err(Miss("it redirects from https to http".to_owned()));
    }
    Ok(Some(next))
}

fn judge(check: &Check, expectation: Option<&Expectation>, reply: &Reply) -> Result<u16, Miss> {
    if !check.statuses.contain(reply.status) {
        return Err(Miss(format!("HTTP {}", reply.status)));
    }
    match (&reply.body, expectation) {
        // Of a body that nobody reads, more than is read is no fault.
        (Ok(_) | Err(Cause::TooLarge { .. }), None) => {}
        (Err(cause), None) => return Err(Miss(format!("HTTP {}, but {cause}", reply.status))),
        (_, Some(expectation)) => expectation.judge(reply)?,
    }
    Ok(reply.status)
}

fn describe(cause: &Cause, limit: Duration) -> String {
    match cause {
        Cause::TimedOut { .. } | Cause::NoTime => {
            format!("no complete answer within {}", duration(limit))
        }
        Cause::NotConnected { reason, .. } if reason.contains(UNTRUSTED) => {
            let (_, detail) = reason.split_once(UNTRUSTED).unwrap_or_default();
            format!(
                "its certificate is not trusted ({}); SSL_CERT_FILE names a file with further ones",
                detail.trim_start_matches([':', ' '])
            )
        }
        cause => cause.to_string(),
    }
}

impl fmt::Display for Visit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = self.took.as_millis();
        let (row, wanted) = self.row;
        match self.result {
            Ok(status) => write!(
                f,
                "{}: HTTP {status} in {took} ms ({row} of {wanted})",
                self.url
            ),
            Err(Miss(reason)) => write!(f, "{}: {reason} ({took} ms)", self.url),
        }
    }
}
