//! One deployment of one service.

pub(crate) mod auto_deploy;
pub(crate) mod baseline;
pub mod cancel;
pub(crate) mod commit_guard;
pub(crate) mod concurrency;
pub(crate) mod finalize;
pub(crate) mod matcher;
pub(crate) mod past;
pub(crate) mod preflight;
pub mod rerun;
pub(crate) mod resolve;
pub(crate) mod rollback;
pub(crate) mod skipped;
pub(crate) mod start;
pub(crate) mod start_rollback;
pub(crate) mod tested_commit;
pub(crate) mod verification;

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::actions::deploy::cancel::CancelResult;
use crate::actions::deploy::commit_guard::CommitGuard;
use crate::actions::deploy::concurrency::BusyDecision;
use crate::actions::deploy::finalize::DeploymentContext;
use crate::actions::deploy::preflight::Preflight;
use crate::actions::deploy::start::Started;
use crate::actions::deploy::start_rollback::{Rollback, earlier_success};
use crate::actions::deploy::verification::{FOR_DETAILS, ServiceAddress, own_address};
use crate::actions::error::{Report, TriggerError};
use crate::actions::journaling::DEPLOY;
use crate::actions::sighting::SightingSource;
use crate::actions::task::DeployOperation;
use crate::actions::{
    ActionContext, CLEAN_UP, Interruption, KEY_CHECK, LATE_CANCEL, MISMATCH, WriteResult,
    nothing_started,
};
use crate::deployment::{Deployment, DeploymentId, EndedDeployment, Service, ServiceKind, Verdict};
use crate::event::EventKind;
use crate::inputs::Abandon;
use crate::messages::Warning;
use crate::outcome::{LastSeen, Outcome};
use crate::sevalla::Metrics;
use crate::sevalla::operation::{DEPLOY_STATIC_SITE, Operation, ROLLBACK_DEPLOYMENT};
use crate::shutdown::Signal;

use crate::follow::{DeploymentClient, EndSignal, FollowResult, Follower};

/// The operation that rolls this service back.
fn rollback_on(service: Service) -> &'static Operation {
    match service.kind {
        ServiceKind::Application => &ROLLBACK_DEPLOYMENT,
        ServiceKind::StaticSite => &DEPLOY_STATIC_SITE,
    }
}

/// How often to look whether the company's budget has room again.
const UNTIL_ROOM: Duration = Duration::from_secs(5);

impl ActionContext<'_> {
    /// Rolls back to the last success of a service before the one that is live.
    pub(crate) async fn roll_back(&self, service: Service) -> Outcome {
        if let Some(outcome) = self.resume(Some(service), rollback_on(service), true).await {
            return outcome;
        }
        let rerun = self.plan.rerun.as_ref();
        let earlier = Box::pin(earlier_success(&self.client, service, rerun));
        let earlier = tokio::select! {
            earlier = earlier => earlier,
            signal = self.stop.requested() => return nothing_started(signal),
        };
        match earlier {
            Ok(earlier) => {
                let work = DeployOperation::back_to(service, earlier);
                self.deploy(&work).await
            }
            Err(error) => self.not_started(error).await,
        }
    }

    /// Makes the change and follows it to its end.
    pub(crate) async fn deploy(&self, work: &DeployOperation) -> Outcome {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let look = async {
            let _turn = match self.turns {
                Some(turns) => turns.acquire().await.ok(),
                None => None,
            };
            preflight::preflight(&self.client, self.plan, work, &report).await
        };
        let look = Box::pin(look);
        let before = tokio::select! {
            before = look => before,
            signal = self.stop.requested() => return nothing_started(signal),
        };
        let before = match before {
            Ok(before) => before,
            Err(error) => return self.not_started(error).await,
        };
        if let Some(refused) = self.refuse_unguarded(work, &before) {
            return refused;
        }
        if let Some(service) = work.service()
            && let Err(outcome) = self
                .refuse_impossible_check(service, &before, &report)
                .await
        {
            return outcome;
        }
        let before = match Box::pin(self.leftover(work, before)).await {
            Ok(before) => before,
            Err(outcome) => return outcome,
        };
        let next = tokio::select! {
            next = Box::pin(self.make_way(work, before)) => next,
            signal = self.stop.requested() => return nothing_started(signal),
        };
        let before = match next {
            Ok(BusyDecision::Start(before)) => *before,
            Ok(BusyDecision::Join(before, other)) => {
                if self.plan.follow {
                    let note = format!("Joining {}, which deploys the same.", other.summary());
                    report(EventKind::Note(&note));
                }
                return Box::pin(self.join(work, &before, *other)).await;
            }
            Ok(BusyDecision::End(outcome)) => return outcome,
            Err(error) => return self.not_started(error).await,
        };
        let (service, operation) = (work.service(), work.operation());
        let entry = self.deployment_entry(DEPLOY, operation, service, &before);
        let before = Preflight { entry, ..before };
        Box::pin(self.start_and_follow(work, &before)).await
    }

    /// What there is before a deployment is started; the error is the end of a run that
    /// starts none, since an earlier attempt may have, or that is dry or impossible.
    async fn leftover(
        &self,
        work: &DeployOperation,
        mut before: Preflight,
    ) -> Result<Preflight, Outcome> {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let service = work.service();
        let earlier = self.earlier_attempt(service, &mut before, work.is_rollback(), &report);
        let earlier = match self.until_stopped(earlier).await {
            Ok(Ok(earlier)) => earlier,
            Ok(Err(error)) => return Err(self.not_started(error).await),
            Err(signal) => return Err(nothing_started(signal)),
        };
        if let Some(earlier) = earlier {
            report(EventKind::Note(&earlier.note(self.plan)));
            if let Some(instead) = earlier.plan(self.plan).filter(|_| self.plan.dry_run) {
                return Err(Outcome::planned(&instead));
            }
            if let Some(other) = earlier.deployment() {
                return Err(Box::pin(self.join(work, &before, other)).await);
            }
        }
        if let Some(refused) = before.rollback.as_ref().and_then(Rollback::refusal) {
            return Err(self.not_started(refused).await);
        }
        if self.plan.dry_run {
            return Err(Outcome::planned(&format!("deploy {}", before.order)));
        }
        Ok(before)
    }

    /// Starts a deployment, and follows it to its end where the run waits for
    /// that.
    async fn start_and_follow(&self, work: &DeployOperation, before: &Preflight) -> Outcome {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let is_followed = self.plan.follow;
        let start = Box::pin(start::start(
            &self.client,
            work,
            is_followed,
            before,
            &report,
        ));
        let then = Some(self.on_cancel());
        let started = match self.write_or_stop(start, then, &report).await {
            WriteResult::Done(started) => started,
            WriteResult::Interrupted(interruption) => {
                return self.stop_in_flight(interruption, work, before).await;
            }
        };
        match started {
            Ok(Started::Known(service, deployment)) if is_followed => {
                let context = DeploymentContext {
                    is_ours: !work.is_rollback(),
                    ..DeploymentContext::of(before)
                };
                Box::pin(self.follow(service, *deployment, &context)).await
            }
            Ok(Started::Known(_, deployment)) => Outcome::triggered(Some(&deployment)),
            Ok(Started::Unseen) => Outcome::triggered(None),
            Err(error) => self.not_started(error).await,
        }
    }

    /// Follows a deployment that somebody else has started, and that is the
    /// same as ours would be.
    async fn join(&self, work: &DeployOperation, before: &Preflight, other: Deployment) -> Outcome {
        let Some(service) = work.service() else {
            return Outcome::joined(&other);
        };
        self.record_followed(DEPLOY, service, before, &other.id);
        self.follow_joined(service, before, other).await
    }

    /// Follows a deployment that was joined, now or by an earlier process.
    pub(crate) async fn follow_joined(
        &self,
        service: Service,
        before: &Preflight,
        other: Deployment,
    ) -> Outcome {
        if !self.plan.follow {
            return Outcome::joined(&other);
        }
        // It may be wanted by whoever has started it.
        self.reporter.explain_interrupt(Abandon::Leave);
        self.reporter.on(EventKind::Found(service, &other));
        let context = DeploymentContext::of_anothers(before);
        Box::pin(self.follow(service, other, &context)).await
    }

    /// Follows a deployment to its end, and does what is to be done then.
    pub(crate) async fn follow(
        &self,
        service: Service,
        deployment: Deployment,
        context: &DeploymentContext,
    ) -> Outcome {
        let guard = CommitGuard::new(self.plan, context.branch.as_deref());
        let report = |event: EventKind<'_>| self.reporter.on(event);
        let compare = |seen: &Deployment| {
            if let Some(warning) = guard.observe(seen) {
                report(EventKind::Warning(Warning::AnotherCommit, warning));
            }
        };
        // The follower yields only what later looks show.
        compare(&deployment);
        let log = self.diagnose_log(&report);
        let context = &context.with_log(&log);
        let source = self.source(service, &deployment.id);
        let end = EndSignal::default();
        let looks = SightingSource::new(&source, &deployment, self.clock);
        let own = RefCell::new(None);
        let follow = async {
            let watch = Follower::new(&looks, deployment, self.deadline, &log, &report)
                .with_history(context.past.clone())
                .with_end_signal(&end)
                .observed_by(&compare)
                .reading(self.reading())
                .follow();
            let watch = Box::pin(watch);
            tokio::select! {
                ended = watch => ended,
                // Large, and of no use to most of the others' futures.
                never = Box::pin(self.ask_meanwhile(&source, context, &own)) => match never {},
            }
        };
        let ended = tokio::select! {
            ended = follow => ended,
            signal = self.stop.requested() => {
                let (ended, seen) = (end.take(), looks.last());
                return self.interrupt(signal, &source, ended, seen, context).await;
            }
            mismatch = guard.cancel_requested(), if !context.is_anothers => {
                return self.cancel_mismatch(&source, context, mismatch).await;
            }
        };
        match ended {
            FollowResult::Seen(ended) => {
                let context = &context.with_address(own.take());
                Box::pin(self.finalize(&source, ended, context, &report)).await
            }
            FollowResult::TimedOut { .. }
                if self.plan.on_timeout == Abandon::Cancel && !context.is_anothers =>
            {
                self.cancel_late(ended, &source, context).await
            }
            FollowResult::Lost { .. } | FollowResult::TimedOut { .. } => {
                self.lose_track(&ended, service, looks.last()).await
            }
        }
    }

    /// The outcome of a deployment whose end was not seen.
    async fn lose_track(
        &self,
        ended: &FollowResult,
        service: Service,
        seen: Option<LastSeen>,
    ) -> Outcome {
        let status = match ended {
            FollowResult::Lost { error, .. } => error.status(),
            _ => None,
        };
        let outcome = Outcome::of_ended_at(ended, service, seen.map(|seen| seen.at));
        self.with_capabilities(outcome, status).await
    }

    /// Asks for what is to be known at the end, while there is nothing else to
    /// do and the budget has room.
    async fn ask_meanwhile(
        &self,
        source: &DeploymentClient,
        context: &DeploymentContext,
        own: &RefCell<Option<ServiceAddress>>,
    ) -> Infallible {
        if !self.reporter.is_about_one_of_several() {
            let _late = timeout(KEY_CHECK, self.warn_of_expiry()).await;
        }
        let host = context.host.as_deref();
        let report = |event: EventKind<'_>| self.reporter.on(event);
        self.ask_for_address(source, host, own, Some(&report)).await
    }

    /// Asks for the address of the service as soon as the budget has room, and
    /// then for its metrics if somebody is to get them.
    pub(super) async fn ask_for_address(
        &self,
        source: &DeploymentClient,
        host: Option<&str>,
        own: &RefCell<Option<ServiceAddress>>,
        report: Option<Report<'_>>,
    ) -> Infallible {
        while !self.has_room() {
            sleep(UNTIL_ROOM).await;
        }
        own.replace(Some(own_address(source, host, FOR_DETAILS).await));
        if let Some(report) = report
            && let Some(metrics) = self.metrics(source).await
        {
            report(EventKind::MetricsBefore(&metrics));
        }
        pending().await
    }

    /// The requests to the service in the hour before now, for a run with a health
    /// check. They only inform: the caller does not wait for them.
    async fn metrics(&self, source: &DeploymentClient) -> Option<Metrics> {
        if self.plan.check.is_none() || !self.has_room() {
            return None;
        }
        let read = source.client.metrics(source.service, (self.clock)());
        read.await.ok()
    }

    /// The deployment has another commit, and shall not go on.
    async fn cancel_mismatch(
        &self,
        source: &DeploymentClient,
        context: &DeploymentContext,
        mismatch: String,
    ) -> Outcome {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        report(EventKind::Note(
            "Cancelling the deployment, as on-commit-mismatch asks.",
        ));
        report(EventKind::Cancelling);
        let id = &source.id;
        let by = self.deadline.moment().min(Instant::now() + MISMATCH);
        let client = self.client.until(by);
        let cancelled = tokio::select! {
            // The signal first, as in `until_stopped`.
            biased;
            signal = self.stop.requested() => return Outcome::interrupted(signal).and_left(id, None),
            cancelled = self.cancel_own(&client, source.service, id, &report) => cancelled,
        };
        match cancelled {
            CancelResult::TooLate(ended) => self.finalize(source, ended, context, &report).await,
            CancelResult::Ended(ended) if ended.verdict() == Verdict::Failed => {
                let outcome = self.finalize(source, ended, context, &report).await;
                outcome.because(mismatch)
            }
            cancelled => Outcome::mismatched(id, &cancelled)
                .because(mismatch)
                .and_cancelled(id, &cancelled),
        }
    }
}

/// Ending early.
impl ActionContext<'_> {
    /// A signal came while the request that starts the deployment was on its
    /// way.
    async fn stop_in_flight(
        &self,
        interruption: Interruption<Result<Started, TriggerError>>,
        work: &DeployOperation,
        before: &Preflight,
    ) -> Outcome {
        let Interruption { signal, result, by } = interruption;
        match result {
            Some(Ok(Started::Known(service, deployment))) => {
                self.stop_following(signal, service, &deployment.id, by)
                    .await
            }
            Some(Ok(Started::Unseen)) if self.plan.token.is_none() => Outcome::interrupted(signal)
                .because(
                    "The hook was called; which deployment it started is not known, so it was not \
                     cancelled",
                ),
            Some(Err(TriggerError::Api(error))) => {
                nothing_started(signal).because(error.to_string())
            }
            Some(Err(TriggerError::Refused(refused))) => {
                nothing_started(signal).because(refused.reason)
            }
            Some(
                Ok(Started::Unseen)
                | Err(
                    TriggerError::At(..)
                    | TriggerError::Unidentified(_)
                    | TriggerError::Ambiguous { .. },
                ),
            )
            | None => self.look_up_and_stop(signal, work, before, by).await,
        }
    }

    /// The answer with the deployment's id did not come in time.
    async fn look_up_and_stop(
        &self,
        signal: Signal,
        work: &DeployOperation,
        before: &Preflight,
        by: Instant,
    ) -> Outcome {
        let client = self.looking_up(by);
        let found = match work.service() {
            Some(service) => {
                let found = start::find_started(&client, service, before).await;
                found.map(|deployment| (service, deployment))
            }
            None => None,
        };
        let Some((service, deployment)) = found else {
            return Outcome::interrupted(signal)
                .because("The request that starts a deployment was on its way; whether it took effect is not known")
                .hint("Check in the dashboard, and cancel the deployment there if there is one");
        };
        self.reporter.on(EventKind::Started(service, &deployment));
        self.stop_following(signal, service, &deployment.id, by)
            .await
    }

    /// A signal came while the deployment was followed. `ended` is its end, if
    /// it was seen, and `seen` what was seen last.
    async fn interrupt(
        &self,
        signal: Signal,
        source: &DeploymentClient,
        ended: Option<EndedDeployment>,
        seen: Option<LastSeen>,
        context: &DeploymentContext,
    ) -> Outcome {
        let outcome = Outcome::interrupted(signal);
        if let Some(ended) = ended {
            self.reporter.on(EventKind::Stopping(signal, None));
            return outcome.and_ended(&ended);
        }
        let by = Instant::now() + CLEAN_UP;
        let then = if context.is_anothers {
            Abandon::Leave
        } else {
            self.on_cancel()
        };
        self.reporter.on(EventKind::Stopping(signal, Some(then)));
        if then == Abandon::Leave {
            return outcome.and_left(&source.id, seen.as_ref());
        }
        self.stop_following(signal, source.service, &source.id, by)
            .await
    }

    pub(crate) async fn stop_following(
        &self,
        signal: Signal,
        service: Service,
        id: &DeploymentId,
        by: Instant,
    ) -> Outcome {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        self.stop_and_report(signal, service, id, by, &report).await
    }

    /// Like [`Self::stop_following`], with events reported to `report`.
    pub(crate) async fn stop_and_report(
        &self,
        signal: Signal,
        service: Service,
        id: &DeploymentId,
        by: Instant,
        report: Report<'_>,
    ) -> Outcome {
        let outcome = Outcome::interrupted(signal);
        if self.on_cancel() == Abandon::Leave {
            return outcome.and_left(id, None);
        }
        let client = self.client.for_cleanup(by);
        let cancelled = self.cancel_own(&client, service, id, report).await;
        outcome.and_cancelled(id, &cancelled)
    }

    /// What becomes of a deployment after a signal: nobody can cancel without
    /// a key.
    pub(crate) fn on_cancel(&self) -> Abandon {
        match self.plan.token {
            Some(_) => self.plan.on_cancel,
            None => Abandon::Leave,
        }
    }

    /// The run's time is over, and the deployment shall not go on.
    async fn cancel_late(
        &self,
        ended: FollowResult,
        source: &DeploymentClient,
        context: &DeploymentContext,
    ) -> Outcome {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        report(EventKind::Note(
            "Timed out. Cancelling the deployment, because on-timeout is cancel.",
        ));
        report(EventKind::Cancelling);
        let (service, id) = (source.service, &source.id);
        let client = self
            .client
            .for_cleanup(self.deadline.moment() + LATE_CANCEL);
        let cancelled = tokio::select! {
            cancelled = self.cancel_own(&client, service, id, &report) => cancelled,
            signal = self.stop.requested() => return Outcome::interrupted(signal).and_left(id, None),
        };
        match cancelled {
            // Whatever a success has to pass, this one has to as well.
            CancelResult::TooLate(ended) => self
                .finalize(source, ended, context, &report)
                .await
                .because("It ended just when the run timed out, too late to be cancelled"),
            cancelled => Outcome::of_ended(&ended, service).and_cancelled(id, &cancelled),
        }
    }
}
