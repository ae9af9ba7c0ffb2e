//! The health check: whether the deployed version returns healthy responses at
//! its URL. What follows from the result, such as a rollback, is decided in
//! [`crate::actions`].
//!
//! The key is never sent there, and only a short reason of a response is shown.
//! A check that could not be made is not a failed one: nobody has seen the
//! application, so nothing is known against it.

mod address;
mod expectation;
mod obstacle;
mod route;

use std::fmt;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use url::Url;

pub use self::address::{CheckAddress, Filling, NotFilled};
pub use self::expectation::{Expectation, Statuses};
use self::route::{Arrival, Route, too_short};
pub use self::route::{BODY_LIMIT, MOST_REDIRECTS};
use crate::backoff::Schedule;
use crate::http::{Reach, Response, Transport, TransportError};
use crate::text::duration::duration;

/// How long one visit may take, redirects included.
pub const VISIT: Duration = Duration::from_secs(15);

/// The most of an address that is shown, in bytes.
const LONGEST_ADDRESS: usize = 200;

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
            reason: format!("The health check could not be made: {reason}"),
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
    /// Too little time to decide.
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

impl Check {
    /// Whether it needs the commit of the deployment.
    pub fn needs_commit(&self) -> bool {
        let address = self.address.as_ref().map(CheckAddress::text);
        let content = self.expectation.as_ref().map(Expectation::text);
        let mut texts = address.into_iter().chain(content);
        texts.any(|text| text.contains("{commit}") || text.contains("{commit-short}"))
    }
}

/// Visits until enough responses in a row were healthy, or the time is over.
/// `own` is the service's address, or why it is not known.
pub async fn verify(
    exchange: &dyn Transport,
    check: &Check,
    own: Result<&Url, &str>,
    filling: Filling<'_>,
    deadline: Instant,
    report: &dyn Fn(Visit<'_>),
) -> Verified {
    let (route, expectation) = match prepare(check, own, filling) {
        Ok(prepared) => prepared,
        Err(reason) => return Verified::not_made(reason),
    };
    let started = Instant::now();
    let give_up = deadline.min(started + check.timeout);
    if give_up <= started {
        return Verified::not_made("the run timed out before the check could begin");
    }
    let mut looks = Schedule::for_looks();
    let mut tally = VisitTally::new(check);
    loop {
        let begun = Instant::now();
        let limit = VISIT.min(give_up.saturating_duration_since(begun));
        let result = look(exchange, check, &route, expectation.as_ref(), limit).await;
        tally.count(&result);
        report(Visit {
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

/// Visits once, for as long as the check may take.
pub async fn verify_once(
    exchange: &dyn Transport,
    check: &Check,
    own: Result<&Url, &str>,
    filling: Filling<'_>,
) -> Verified {
    let (route, expectation) = match prepare(check, own, filling) {
        Ok(prepared) => prepared,
        Err(reason) => return Verified::not_made(reason),
    };
    let begun = Instant::now();
    let limit = VISIT.min(check.timeout);
    let result = look(exchange, check, &route, expectation.as_ref(), limit).await;
    let mut tally = VisitTally::new(check);
    tally.count(&result);
    if tally.row >= check.successes {
        return Verified::Yes;
    }
    tally.conclude(&route.start, begun.elapsed())
}

async fn look(
    exchange: &dyn Transport,
    check: &Check,
    route: &Route,
    expectation: Option<&Expectation>,
    limit: Duration,
) -> Result<Healthy, CheckMiss> {
    route
        .visit(exchange, limit)
        .await
        .and_then(|reply| assess(check, expectation, &route.start, &reply))
        .map_err(|miss| too_short(miss, limit, check.timeout))
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
                let reason = format!("it was healthy only {row} of {needed} times in a row");
                (reason, self.was_unhealthy)
            }
        };
        let plural = if self.visits == 1 { "" } else { "s" };
        let finding = CheckReport {
            reason: format!("{url} failed the health check: {reason}"),
            effort: Some(format!(
                "{} request{plural} in {}",
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

/// Whether a response is healthy, and the application's own.
fn assess(
    check: &Check,
    expectation: Option<&Expectation>,
    start: &Url,
    arrival: &Arrival,
) -> Result<Healthy, CheckMiss> {
    let Arrival { url, reply, hops } = arrival;
    let from = (*hops > 0).then(|| shown(url));
    let checked = evaluate(check, expectation, reply);
    let obstacle = match (&checked, expectation) {
        // Nobody else has the content that is expected.
        (Ok(()), Some(_)) => None,
        (Ok(()), None) => obstacle::behind_success(start, url, reply),
        (Err(_), _) => obstacle::behind_failure(start, url, reply),
    };
    let status = reply.status;
    let at = from.as_ref().map(|from| format!(" at {from}"));
    let at = at.unwrap_or_default();
    match (obstacle, checked) {
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

fn evaluate(
    check: &Check,
    expectation: Option<&Expectation>,
    reply: &Response,
) -> Result<(), CheckMiss> {
    if !check.statuses.contain(reply.status) {
        let reason = format!("HTTP {} (expected {})", reply.status, check.statuses);
        return Err(CheckMiss::seen(reason));
    }
    match (&reply.body, expectation) {
        // Of a body that nobody reads, more than is read is no fault.
        (Ok(_) | Err(TransportError::TooLarge { .. }), None) => Ok(()),
        (Err(cause), None) => Err(CheckMiss::seen(format!(
            "HTTP {}, but {cause}",
            reply.status
        ))),
        (_, Some(expectation)) => expectation.evaluate(reply),
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
