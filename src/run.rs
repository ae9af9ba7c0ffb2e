//! One run, stage by stage: look, start, follow; and at each stage, what a
//! signal or the end of the time means.

use std::pin::pin;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, timeout};

use crate::deadline::Deadline;
use crate::deployment::{Deployment, DeploymentId, Service, ServiceKind, Verdict};
use crate::inputs::{Abandon, Logs};
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::report::{Event, Reporter};
use crate::sevalla::{self, Client, Patience};
use crate::stop::{Signal, Stop};
use crate::trigger::{self, Before, Cancelled, Started, TriggerError};
use crate::watch::{Ended, Reading, Remote, Watch};

/// How long after the run's time the last requests may still take.
const LAST_REQUESTS: Duration = sevalla::SPARED;

/// How long after the run's time cancelling may still take, if that is wanted.
const LATE_CANCEL: Duration = Duration::from_millis(9700);

/// How long cleaning up may take after a signal. A CI sends the next one after
/// seven and a half seconds; a second of ours is left for telling.
const CLEAN_UP: Duration = Duration::from_millis(4800);

/// How much of that an answer may take that is on its way.
const IN_FLIGHT: Duration = Duration::from_millis(2200);

/// How much of that looking up a lost answer may take.
const LOOK_UP: Duration = Duration::from_secs(1);

/// How long the check of the key may keep the run from following.
const KEY_CHECK: Duration = Duration::from_secs(3);

/// How long what only adds words may keep the run after its end is known.
const MORE_WORDS: Duration = Duration::from_secs(5);

/// A key that expires sooner than this deserves a warning.
const SOON: jiff::SignedDuration = jiff::SignedDuration::from_hours(14 * 24);

/// One run with everything it needs.
pub(crate) struct Run<'a> {
    pub(crate) client: Client,
    pub(crate) plan: &'a Plan,
    pub(crate) deadline: Deadline,
    pub(crate) stop: &'a Stop,
    pub(crate) reporter: &'a Reporter,
    pub(crate) clock: fn() -> Timestamp,
}

impl Run<'_> {
    /// Makes the change and follows it to its end.
    pub(crate) async fn deploy(&self) -> Outcome {
        let tell = |event: Event<'_>| self.reporter.on(event);
        let look = trigger::look_before(&self.client, self.plan, &tell);
        let before = tokio::select! {
            before = look => before,
            signal = self.stop.asked() => return nothing_started(signal),
        };
        let before = match before {
            Ok(before) => before,
            Err(error) => return self.not_started(error).await,
        };
        if self.plan.dry_run {
            return Outcome::planned(&before.order);
        }
        let mut start = pin!(trigger::start(&self.client, self.plan, &before, &tell));
        let started = tokio::select! {
            // The signal first: it also makes the start give up, and then what
            // it gives up with is not the reason for the end.
            biased;
            signal = self.stop.asked() => {
                let by = Instant::now() + CLEAN_UP;
                tell(Event::Stopping(signal));
                let started = timeout(IN_FLIGHT, start).await.ok();
                return self.stop_in_flight(signal, started, &before, by).await;
            }
            started = &mut start => started,
        };
        match started {
            Ok(Started::Known(service, deployment)) if self.plan.follow => {
                self.follow(service, *deployment, &before).await
            }
            Ok(Started::Known(_, deployment)) => Outcome::triggered(Some(&deployment)),
            Ok(Started::Unseen) => Outcome::triggered(None),
            Err(error) => self.not_started(error).await,
        }
    }

    async fn follow(&self, service: Service, deployment: Deployment, before: &Before) -> Outcome {
        let tell = |event: Event<'_>| self.reporter.on(event);
        let id = deployment.id.clone();
        let source = Remote {
            client: self.client.until(self.deadline.moment() + LAST_REQUESTS),
            service,
            id: id.clone(),
        };
        let follow = async {
            let _late = timeout(KEY_CHECK, self.warn_of_expiry()).await;
            Watch::new(&source, deployment, self.deadline, self.reading(), &tell)
                .knowing(before.past())
                .follow()
                .await
        };
        let ended = tokio::select! {
            ended = follow => ended,
            signal = self.stop.asked() => {
                let by = Instant::now() + CLEAN_UP;
                tell(Event::Stopping(signal));
                return self.stop_following(signal, service, &id, by).await;
            }
        };
        match ended {
            Ended::TimedOut { .. } if self.plan.on_timeout == Abandon::Cancel => {
                self.cancel_late(ended, service, &id).await
            }
            ended => self.conclude(ended, &source, before).await,
        }
    }

    /// Adds to the end what is worth a last request.
    async fn conclude(&self, ended: Ended, source: &Remote, before: &Before) -> Outcome {
        match ended {
            Ended::Seen(deployment, Verdict::Success) => {
                self.for_more_words(self.tell_url(source, before)).await;
                Outcome::of_ended(&Ended::Seen(deployment, Verdict::Success), source.service)
            }
            Ended::Seen(mut deployment, Verdict::Failed) => {
                let error = build_error(source, &deployment.id);
                deployment.build_error = self.for_more_words(error).await.flatten();
                Outcome::of_ended(&Ended::Seen(deployment, Verdict::Failed), source.service)
            }
            Ended::Lost { last, error } => {
                let status = error.status();
                let outcome = Outcome::of_ended(&Ended::Lost { last, error }, source.service);
                self.with_capabilities(outcome.and_left(&source.id), status)
                    .await
            }
            ended => Outcome::of_ended(&ended, source.service).and_left(&source.id),
        }
    }

    /// When the log is worth reading.
    const fn reading(&self) -> Reading {
        match (self.plan.logs, &self.plan.log_file) {
            (Logs::Live, _) => Reading::Live,
            (_, Some(_)) => Reading::AtTheEnd,
            (Logs::OnFailure, None) => Reading::AfterFailure,
            (Logs::Off, None) => Reading::Never,
        }
    }
}

/// Ending early.
impl Run<'_> {
    /// A signal came while the request that starts the deployment was on its
    /// way. `started` is what it came to, if it did within the time for that.
    async fn stop_in_flight(
        &self,
        signal: Signal,
        started: Option<Result<Started, TriggerError>>,
        before: &Before,
        by: Instant,
    ) -> Outcome {
        match started {
            Some(Ok(Started::Known(service, deployment))) => {
                self.stop_following(signal, service, &deployment.id, by)
                    .await
            }
            Some(Ok(Started::Unseen)) => Outcome::interrupted(signal).because(
                "The hook was called; which deployment it started is not known, so it goes on",
            ),
            Some(Err(TriggerError::Api(error))) => {
                nothing_started(signal).because(error.to_string())
            }
            Some(Err(TriggerError::Refused { reason, .. })) => {
                nothing_started(signal).because(reason)
            }
            Some(Err(TriggerError::Unidentified(_) | TriggerError::Ambiguous { .. })) | None => {
                self.look_up_and_stop(signal, before, by).await
            }
        }
    }

    /// The answer that tells the deployment's id did not come in time.
    async fn look_up_and_stop(&self, signal: Signal, before: &Before, by: Instant) -> Outcome {
        let client = self.client.hurried(by.min(Instant::now() + LOOK_UP));
        let found = match self.plan.work.service() {
            Some(service) => {
                let found = trigger::find_started(&client, service, before).await;
                found.map(|deployment| (service, deployment))
            }
            None => None,
        };
        let Some((service, deployment)) = found else {
            return Outcome::interrupted(signal)
                .because("The request that starts a deployment was on its way; whether it took effect is not known")
                .hint("Look in the dashboard, and cancel the deployment there if there is one");
        };
        self.reporter.on(Event::Started(service, &deployment));
        self.stop_following(signal, service, &deployment.id, by)
            .await
    }

    async fn stop_following(
        &self,
        signal: Signal,
        service: Service,
        id: &DeploymentId,
        by: Instant,
    ) -> Outcome {
        let outcome = Outcome::interrupted(signal);
        if self.plan.on_cancel == Abandon::Leave || self.plan.token.is_none() {
            return outcome.and_left(id);
        }
        let tell = |event: Event<'_>| self.reporter.on(event);
        let cancelled = trigger::cancel(&self.client.hurried(by), service, id, &tell).await;
        outcome.and_cancelled(id, &cancelled)
    }

    /// The time is over, and the deployment shall not go on.
    async fn cancel_late(&self, ended: Ended, service: Service, id: &DeploymentId) -> Outcome {
        let tell = |event: Event<'_>| self.reporter.on(event);
        tell(Event::Note(
            "The time is over. Cancelling the deployment, as on-timeout asks.",
        ));
        let client = self.client.hurried(self.deadline.moment() + LATE_CANCEL);
        let cancelled = tokio::select! {
            cancelled = trigger::cancel(&client, service, id, &tell) => cancelled,
            signal = self.stop.asked() => return Outcome::interrupted(signal).and_left(id),
        };
        match cancelled {
            Cancelled::TooLate(deployment) => {
                Outcome::of_ended(&Ended::Seen(deployment, Verdict::Success), service)
                    .because("It ended just when the time was over, too late to be cancelled")
            }
            cancelled => Outcome::of_ended(&ended, service).and_cancelled(id, &cancelled),
        }
    }
}

/// Reading that adds words, and never changes a result.
impl Run<'_> {
    /// Reads something only as long as it is worth the wait, and nobody asks
    /// to end.
    async fn for_more_words<T>(&self, read: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            read = timeout(MORE_WORDS, read) => read.ok(),
            _ = self.stop.asked() => None,
        }
    }

    async fn not_started(&self, error: TriggerError) -> Outcome {
        let status = match &error {
            TriggerError::Api(error) => error.status(),
            TriggerError::Refused { .. }
            | TriggerError::Unidentified(_)
            | TriggerError::Ambiguous { .. } => None,
        };
        self.with_capabilities(Outcome::of_trigger_error(error), status)
            .await
    }

    /// After a 403, says what the key can do.
    async fn with_capabilities(&self, outcome: Outcome, status: Option<u16>) -> Outcome {
        if status != Some(403) {
            return outcome;
        }
        let client = self.client.hurried(Instant::now() + KEY_CHECK);
        let capabilities = client.key_capabilities().await;
        if capabilities.is_empty() {
            return outcome;
        }
        outcome.because(format!("The key can: {}", capabilities.join(", ")))
    }

    async fn warn_of_expiry(&self) {
        let Ok(Some(expires)) = self.client.key_expires_at().await else {
            return;
        };
        let left = expires.duration_since((self.clock)());
        if left < SOON {
            let text = format!("The key expires on {expires:.0}. Make a new one before that.");
            self.reporter.on(Event::Warning(&text));
        }
    }

    /// After a success, finds out where the service can be visited.
    async fn tell_url(&self, source: &Remote, before: &Before) {
        let host = match source.service.kind {
            ServiceKind::StaticSite => before.host.clone(),
            ServiceKind::Application => source.client.application_host(source.service.id).await,
        };
        if let Some(url) = host.and_then(|host| sevalla::address(&host)) {
            self.reporter
                .on(Event::Url(url.as_str().trim_end_matches('/')));
        }
    }
}

fn nothing_started(signal: Signal) -> Outcome {
    Outcome::interrupted(signal).because("No deployment was started")
}

/// After a failure of a static site, reads what the build said: only the list
/// of deployments has it.
async fn build_error(source: &Remote, id: &DeploymentId) -> Option<String> {
    if source.service.kind != ServiceKind::StaticSite {
        return None;
    }
    let recent = source
        .client
        .deployments(source.service, 20, Patience::Once)
        .await;
    let mut recent = recent.unwrap_or_default().into_iter();
    recent.find(|other| other.id == *id)?.build_error
}
