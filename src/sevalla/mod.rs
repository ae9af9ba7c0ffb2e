//! [`Client`]: the part of Sevalla's API that this program uses.
//!
//! Every request goes through `Client::send_and`, and every attempt through
//! `Client::attempt`. What a response or an error means for the run is decided
//! in [`crate::actions`]. The client is made in `lib.rs`, once for each run.

mod api_keys;
mod applications;
mod attempt;
mod call;
mod contention;
pub mod contract;
mod databases;
mod env_vars;
pub(crate) mod error;
mod lenient_field;
pub mod limits;
mod log_window;
mod metrics;
mod mutations;
mod observe;
pub mod operation;
mod pipelines;
mod resource_record;
mod retry;
mod static_sites;
mod wire;
mod writes;

use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};
use url::Url;

pub(crate) use self::api_keys::capabilities;
pub(crate) use self::applications::best_host;
use self::call::ApiCall;
pub use self::databases::InternalConnection;
pub use self::env_vars::EnvVar;
pub use self::error::{ApiError, ApiErrorKind, Refusal};
use self::limits::BudgetShare;
pub use self::log_window::LogWindow;
pub use self::metrics::Metrics;
pub use self::observe::{Observed, ResponseHead};
use self::operation::{Operation, Tier};
pub use self::retry::RetryDecision;
pub use self::wire::{
    AppSummary, Application, Domain, ListPage, Pipeline, PipelineStage, StaticSite,
};
pub use self::writes::Writes;
use crate::backoff::Schedule;
use crate::deployment::{Deployment, DeploymentId, LogLine, Service, ServiceKind};
use crate::environment::Variables;
use crate::http::{ConnectionError, Http, Transport, TransportError};
use crate::sanitize::Sanitizer;
use crate::secret::ApiToken;
use crate::sevalla::attempt::{ApiConnection, ApiResponse};
pub use crate::sevalla::attempt::{BODY_LIMIT, DEEPEST_JSON, LOG_BODY_LIMIT, REQUEST_TIMEOUT};
pub use crate::sevalla::resource_record::{LAST_OFFSET, RecordList, ResourceRecord};
use crate::shutdown::Shutdown;

/// How many entries a page of a list has at most.
pub const LONGEST_PAGE: usize = 100;

/// How many lines one reading of a log gives at most.
pub const LOG_PAGE: usize = 5000;

/// What no pause takes of the time until the deadline: the last request still
/// has to be made, and answered.
pub const SPARED: Duration = Duration::from_secs(5);

/// Called before each wait for another attempt.
pub type OnWait = Rc<dyn Fn(&ApiError, Duration)>;

/// A client of the API. Clones share one connection; each has its own deadline.
#[derive(Clone)]
pub struct Client {
    connection: Rc<ApiConnection>,
    on_wait: OnWait,
    /// No attempt begins or continues after this moment.
    deadline: Instant,
    /// How long one attempt may take.
    limit: Duration,
    /// After a signal no new write is sent.
    stop: Shutdown,
    /// Cleaning up: writes go out in spite of that, and no budget is spared.
    is_for_cleanup: bool,
}

/// How long one request is repeated.
#[derive(Debug, Clone, Copy)]
pub enum Patience {
    /// One attempt.
    Once,
    /// Until this long after the first attempt, or the client's deadline.
    For(Duration),
}

impl Patience {
    /// When it ends, if it has an end of its own.
    fn end(self, started: Instant) -> Option<Instant> {
        match self {
            Self::Once => None,
            Self::For(time) => Some(started + time),
        }
    }

    /// For what comes before anything has been started: giving up is cheap,
    /// and somebody is waiting.
    pub const BEFORE_THE_START: Self = Self::For(Duration::from_secs(180));

    /// For a write, which is sent again only when it was not carried out: long
    /// enough for two windows of a rate limit.
    pub const FOR_A_WRITE: Self = Self::For(Duration::from_secs(300));

    /// For looking up what became of a write.
    pub const FOR_A_SEARCH: Self = Self::For(Duration::from_secs(60));
}

impl Client {
    /// A client for the API at `base`. Reads the proxy and certificate
    /// variables; connects on the first request.
    pub fn new(
        base: &Url,
        token: Option<&ApiToken>,
        variables: &Variables,
        deadline: Instant,
        on_wait: OnWait,
    ) -> Result<Self, ConnectionError> {
        Self::over(
            Box::new(Http::new(variables)?),
            base,
            token,
            deadline,
            on_wait,
        )
    }

    /// A client whose requests are carried by `exchange`.
    pub fn over(
        exchange: Box<dyn Transport>,
        base: &Url,
        token: Option<&ApiToken>,
        deadline: Instant,
        on_wait: OnWait,
    ) -> Result<Self, ConnectionError> {
        Ok(Self {
            connection: Rc::new(ApiConnection::new(exchange, base, token)?),
            on_wait,
            deadline,
            limit: REQUEST_TIMEOUT,
            stop: Shutdown::default(),
            is_for_cleanup: false,
        })
    }

    /// With the run's sanitizer, which cleans the texts in errors. Called
    /// before the client is cloned.
    #[must_use]
    pub fn with_sanitizer(mut self, sanitizer: Sanitizer) -> Self {
        if let Some(connection) = Rc::get_mut(&mut self.connection) {
            connection.pass(sanitizer);
        }
        self
    }

    /// With the run's shutdown signal, after which no new write is sent.
    #[must_use]
    pub fn stopped_by(self, stop: Shutdown) -> Self {
        Self { stop, ..self }
    }

    /// A client for cleaning up in a hurry: with this deadline, a short time
    /// for each attempt, and in spite of a signal.
    #[must_use]
    pub fn for_cleanup(&self, deadline: Instant) -> Self {
        Self {
            deadline,
            limit: Duration::from_millis(1500),
            is_for_cleanup: true,
            ..self.clone()
        }
    }

    /// A client for taking back what this one has just done, in spite of a
    /// signal.
    #[must_use]
    pub fn ignoring_signals(&self) -> Self {
        Self {
            is_for_cleanup: true,
            ..self.clone()
        }
    }

    /// No attempt begins or continues after this moment.
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether only the deadline prevented a response, in a place where earlier
    /// reads have shown that the service responds.
    pub fn ran_out_of_time(&self, error: &ApiError) -> bool {
        error.attempts <= 1
            && matches!(
                error.cause,
                ApiErrorKind::NoTime | ApiErrorKind::Transport(TransportError::TimedOut { .. })
            )
            && Instant::now() >= self.deadline
    }

    /// The time by the service's clock, as its last response gave it.
    pub fn service_time(&self) -> Option<Timestamp> {
        self.connection.service_time()
    }

    /// What is known of the reads that the service allows the company.
    pub fn share(&self) -> Option<BudgetShare> {
        self.connection.share(Tier::Read)
    }

    /// What is known of this company's budget for readings of logs.
    pub fn log_share(&self) -> Option<BudgetShare> {
        self.connection.share(Tier::Logs)
    }

    /// Whether nothing new is to be begun. Before it says so, everything else in
    /// this task has its turn: what waits for the signal there has to notice it
    /// first, or the error that a write ends with would pass for the reason.
    pub async fn is_closing(&self) -> bool {
        let is_closing = self.stop.is_requested() && !self.is_for_cleanup;
        if is_closing {
            yield_now().await;
        }
        is_closing
    }

    /// A client for the last looks when the time is over: responses may arrive
    /// a little later, except after a signal.
    #[must_use]
    pub fn with_grace(&self) -> Self {
        let more = if self.is_for_cleanup {
            Duration::ZERO
        } else {
            SPARED
        };
        self.until(self.deadline + more)
    }

    /// Waits, and reports it like any wait for another attempt; `false` if
    /// nothing new should begin any more.
    pub async fn wait_after(&self, error: &ApiError, wait: Duration) -> bool {
        (self.on_wait)(error, wait);
        tokio::select! {
            () = sleep(wait) => true,
            _ = self.stop.requested() => {
                self.is_closing().await;
                false
            }
        }
    }

    /// A client with another deadline.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Self {
        Self {
            deadline,
            ..self.clone()
        }
    }

    /// Sends a request, again where that cannot do harm, and decodes the body.
    async fn send<T: DeserializeOwned>(
        &self,
        call: ApiCall<'_>,
        patience: Patience,
    ) -> Result<T, ApiError> {
        self.send_and(call, patience, ApiResponse::decode).await
    }

    /// Sends a request, again where that cannot do harm. `read` takes what is
    /// wanted out of the answer.
    async fn send_and<T>(
        &self,
        call: ApiCall<'_>,
        patience: Patience,
        read: impl Fn(&ApiResponse) -> Result<T, ApiErrorKind>,
    ) -> Result<T, ApiError> {
        let mut value = None;
        let mut take = |answer: &ApiResponse| {
            value = Some(read(answer)?);
            Ok(())
        };
        self.send_until(&call, patience, &mut take).await?;
        #[expect(clippy::expect_used, reason = "it ends well only once it was taken")]
        Ok(value.expect("a value was taken"))
    }

    /// The retry loop of `send_and`. `take` decodes the response and may reject
    /// it. Not generic, to have one copy instead of one for each operation.
    async fn send_until(
        &self,
        call: &ApiCall<'_>,
        patience: Patience,
        take: &mut dyn FnMut(&ApiResponse) -> Result<(), ApiErrorKind>,
    ) -> Result<(), ApiError> {
        let started = Instant::now();
        let give_up = match patience {
            Patience::Once => started,
            Patience::For(time) => self.deadline.min(started + time),
        };
        let mut schedule = Schedule::for_requests();
        let mut attempts = 0;
        let mut last = None;
        loop {
            attempts += 1;
            let attempt = self
                .attempt(call, attempts == 1, patience.end(started))
                .await;
            let cause = match attempt.and_then(|answer| take(&answer)) {
                Ok(()) => return Ok(()),
                Err(cause) => cause,
            };
            // That there was no time for another attempt is not the reason.
            if let (Some(last), ApiErrorKind::NoTime | ApiErrorKind::Stopped) =
                (last.take(), &cause)
            {
                return Err(last);
            }
            let error = ApiError {
                operation: call.operation,
                path: self.connection.path(call),
                cause,
                attempts,
                elapsed: started.elapsed(),
            };
            let RetryDecision::Retry(not_before) = error.next() else {
                return Err(error);
            };
            let wait = schedule.next_wait(not_before);
            if Instant::now() + wait >= give_up {
                return Err(error);
            }
            (self.on_wait)(&error, wait);
            if self.sleep_or_stop(call, wait).await {
                return Err(error);
            }
            last = Some(error);
        }
    }

    /// One attempt. The first waits for its share of the company's budget; a
    /// repeated one has waited already.
    async fn attempt(
        &self,
        call: &ApiCall<'_>,
        is_first: bool,
        give_up: Option<Instant>,
    ) -> Result<ApiResponse, ApiErrorKind> {
        let deadline = give_up.map_or(self.deadline, |give_up| give_up.min(self.deadline));
        if is_first && !self.is_for_cleanup {
            let pause = self.pause_before(call, deadline)?;
            if !pause.is_zero() && self.sleep_or_stop(call, pause).await {
                return Err(ApiErrorKind::Stopped);
            }
        }
        if call.is_write() && self.is_closing().await {
            return Err(ApiErrorKind::Stopped);
        }
        self.connection.attempt(call, self.limit, deadline).await
    }

    /// How long to wait for the share of the company's budget; an error if the
    /// budget is known to be used up for longer than there is time. A write must
    /// have some left for its answer.
    fn pause_before(
        &self,
        call: &ApiCall<'_>,
        deadline: Instant,
    ) -> Result<Duration, ApiErrorKind> {
        let left = deadline.saturating_duration_since(Instant::now());
        let spare = left.saturating_sub(SPARED);
        let longest = if call.is_write() { spare } else { left };
        let frees_in = self.connection.frees_in(call.operation.tier);
        if !left.is_zero() && !frees_in.is_zero() && frees_in >= longest {
            return Err(ApiErrorKind::BudgetUsedUp { frees_in });
        }
        let pause = self.connection.pause(call.operation.tier);
        let pause = pause.least + pause.spread.mul_f64(fastrand::f64());
        Ok(pause.min(spare).max(frees_in))
    }

    /// Waits; `true` if a stop has made sending a write pointless meanwhile.
    async fn sleep_or_stop(&self, call: &ApiCall<'_>, wait: Duration) -> bool {
        if !call.is_write() || self.is_for_cleanup {
            sleep(wait).await;
            return false;
        }
        tokio::select! {
            () = sleep(wait) => false,
            _ = self.stop.requested() => self.is_closing().await,
        }
    }
}

impl ApiError {
    /// What may follow.
    pub fn next(&self) -> RetryDecision {
        retry::next(&self.operation.method, &self.cause)
    }

    /// Whether time can heal it.
    pub fn may_heal(&self) -> bool {
        self.next() != RetryDecision::Fatal
    }
}

/// Reading by service, whatever its kind.
impl Client {
    /// Reads one deployment, once.
    pub async fn deployment(
        &self,
        service: Service,
        id: &DeploymentId,
    ) -> Result<Deployment, ApiError> {
        self.read_deployment(service, id, Patience::Once).await
    }

    /// Reads one deployment.
    pub async fn read_deployment(
        &self,
        service: Service,
        id: &DeploymentId,
        patience: Patience,
    ) -> Result<Deployment, ApiError> {
        match service.kind {
            ServiceKind::Application => self.get_deployment(service.id, id, patience).await,
            ServiceKind::StaticSite => {
                self.get_static_site_deployment(service.id, id, patience)
                    .await
            }
        }
    }

    /// Reads the newest `limit` deployments, newest first, without those that
    /// cannot be read.
    pub async fn deployments(
        &self,
        service: Service,
        limit: usize,
        patience: Patience,
    ) -> Result<Vec<Deployment>, ApiError> {
        let mut all = self
            .deployments_and_unreadable(service, limit, patience)
            .await?;
        all.retain(|deployment| !deployment.is_unreadable());
        Ok(all)
    }

    /// Like [`deployments`](Self::deployments), with [`Deployment::unreadable`]
    /// in place of an entry that cannot be read: it may be the deployment that
    /// a lost response was about.
    pub async fn deployments_and_unreadable(
        &self,
        service: Service,
        limit: usize,
        patience: Patience,
    ) -> Result<Vec<Deployment>, ApiError> {
        match service.kind {
            ServiceKind::Application => self.list_deployments(service.id, limit, patience).await,
            ServiceKind::StaticSite => {
                self.list_static_site_deployments(service.id, limit, patience)
                    .await
            }
        }
    }

    /// Reads a page of all deployments of a service, newest first.
    pub async fn history(
        &self,
        service: Service,
        offset: usize,
        patience: Patience,
    ) -> Result<Vec<Deployment>, ApiError> {
        match service.kind {
            ServiceKind::Application => {
                self.list_deployments_from(service.id, offset, patience)
                    .await
            }
            ServiceKind::StaticSite => {
                self.list_static_site_deployments_from(service.id, offset, patience)
                    .await
            }
        }
    }

    /// Reads a part of a deployment's log, once.
    pub async fn deployment_logs(
        &self,
        service: Service,
        id: &DeploymentId,
        window: LogWindow,
    ) -> Result<Vec<LogLine>, ApiError> {
        match service.kind {
            ServiceKind::Application => {
                self.get_application_deployment_logs(service.id, id, window)
                    .await
            }
            ServiceKind::StaticSite => {
                self.get_static_site_deployment_logs(service.id, id, window)
                    .await
            }
        }
    }
}

/// The address of a host that the service names; `None` for what is no host.
pub fn address(host: &str) -> Option<Url> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_plain);
    let mut labels = host.strip_suffix('.').unwrap_or(host).split('.');
    labels
        .all(is_label)
        .then(|| Url::parse(&format!("https://{host}")).ok())
        .flatten()
}

impl Operation {
    /// The most we read of an answer's body, in bytes.
    const fn body_limit(&self) -> usize {
        match self.tier {
            Tier::Logs => LOG_BODY_LIMIT,
            Tier::Read | Tier::Deployment | Tier::Creation => BODY_LIMIT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_a_host_and_of_nothing_else() {
        for host in [
            "shop.sevalla.app",
            "shop.example.com.",
            "SHOP-1.example",
            "a",
        ] {
            assert!(address(host).is_some(), "{host}");
        }
        for host in [
            "", ".", "..", "a..b", ".a", "a b", "a/b", "a@b", "a:1", "[::1]", "*.a", "a#",
            "a_\u{e4}",
        ] {
            assert_eq!(address(host), None, "{host}");
        }
    }
}
