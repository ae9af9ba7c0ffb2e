//! A promotion: one request, and every target followed at once.

pub(crate) mod start;

use std::cell::RefCell;
use std::pin::pin;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use crate::actions::at_once::join_all;
use crate::actions::deploy;
use crate::actions::deploy::cancel::CancelResult;
use crate::actions::deploy::finalize::DeploymentContext;
use crate::actions::deploy::preflight::Preflight;
use crate::actions::deploy::rollback::RollbackReport;
use crate::actions::deploy::verification::ServiceAddress;
use crate::actions::error::TriggerError;
use crate::actions::journaling::{PROMOTE, ResumedDeployment, recorded};
use crate::actions::promote::start::{PromotionPreflight, PromotionTarget};
use crate::actions::sighting::SightingSource;
use crate::actions::task::Promotion;
use crate::actions::{
    ActionContext, CLEAN_UP, Interruption, LATE_CANCEL, WriteResult, nothing_started,
};
use crate::deadline::Deadline;
use crate::deployment::{Deployment, DeploymentId, EndedDeployment, Verdict};
use crate::deployment_log::LogDiagnosis;
use crate::event::{Event, EventKind};
use crate::exit_status::ExitStatus;
use crate::follow::{DeploymentClient, EndSignal, FollowResult, Follower};
use crate::inputs::{Abandon, OnFailure};
use crate::messages::Failure;
use crate::outcome::Outcome;
use crate::sevalla::Client;
use crate::sevalla::operation::PROMOTE_PIPELINE;
use crate::shutdown::Signal;
use crate::text::duration::duration;

/// What became of the request for one target.
type TargetStart = Result<Deployment, TriggerError>;

/// How one target ended.
struct TargetResult {
    outcome: Outcome,
    /// What this run has put live there.
    live: Option<Deployment>,
    log: Option<LogDiagnosis>,
}

impl TargetResult {
    /// This result, once something else may be live.
    fn before_going_back(&self) -> Self {
        let outcome = self.outcome.clone();
        let outcome = match &self.live {
            Some(live) if outcome.ending() == ExitStatus::Unverified => {
                outcome.unverified_before(&live.id)
            }
            _ => outcome,
        };
        Self {
            outcome,
            live: self.live.clone(),
            log: self.log.clone(),
        }
    }
}

impl From<Outcome> for TargetResult {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            live: None,
            log: None,
        }
    }
}

impl ActionContext<'_> {
    /// Promotes to every target and follows them all to their ends.
    pub(crate) async fn promote(&self, promotion: &Promotion) -> Outcome {
        let report = |event: Event<'_>| self.reporter.on(event);
        let aim = tokio::select! {
            aim = start::preflight_promotion(&self.client, promotion, &report) => aim,
            signal = self.stop.requested() => return nothing_started(signal),
        };
        let aim = match aim {
            Ok(aim) => aim,
            Err(error) => return self.not_started(error).await,
        };
        if let Some(refused) = self.refuse_promotion(&aim).await {
            return refused;
        }
        if let Some(facts) = aim
            .source
            .as_ref()
            .and_then(|source| facts(source, (self.clock)()))
        {
            self.reporter.on(EventKind::Note(&facts));
        }
        let mut aim = aim;
        let resumed = Box::pin(self.resume_targets(&mut aim, &report));
        let resumed = match self.until_stopped(resumed).await {
            Ok(resumed) => resumed,
            Err(signal) => {
                return Outcome::interrupted(signal).because(
                    "An earlier process of this run may have promoted; this one changed nothing",
                );
            }
        };
        if self.plan.dry_run {
            return self.plan_promotion(&aim, resumed).await;
        }
        // What is followed already does not depend on the request for the others.
        let left = left_on(&aim, &resumed);
        let start = pin!(start::promote(
            &self.client,
            promotion,
            &aim,
            resumed,
            &report
        ));
        let then = Some(self.on_cancel());
        let report = |kind: EventKind<'_>| self.reporter.on(kind);
        let starts = match self.write_or_stop(start, then, &report).await {
            WriteResult::Done(starts) => starts,
            WriteResult::Interrupted(interruption) => {
                return self
                    .stop_in_flight_promotion(interruption, &aim, left)
                    .await;
            }
        };
        if self.plan.follow {
            self.follow_targets(&aim, starts).await
        } else {
            self.triggered(&aim, starts).await
        }
    }

    /// A signal came while the request was on its way. `left` holds what is followed
    /// on each target whatever comes of it.
    async fn stop_in_flight_promotion(
        &self,
        interruption: Interruption<Vec<TargetStart>>,
        aim: &PromotionPreflight,
        left: Vec<Option<DeploymentId>>,
    ) -> Outcome {
        let Interruption { signal, result, by } = interruption;
        let starts = result.unwrap_or_default();
        if let Some(refused) = refused(&starts) {
            return nothing_started(signal).because(refused);
        }
        let started = known(&starts).into_iter().chain(std::iter::repeat(None));
        let ids = left.into_iter().zip(started);
        let ids: Vec<_> = ids.map(|(left, id)| left.or(id)).collect();
        self.stop_targets(signal, aim, &ids, &[], by).await
    }

    /// What an earlier process or attempt of this run has started on each target, or
    /// why that is not known; and the journal's entry of what is still to be started.
    async fn resume_targets(
        &self,
        aim: &mut PromotionPreflight,
        report: &dyn Fn(Event<'_>),
    ) -> Vec<(Uuid, TargetStart)> {
        let mut starts = Vec::new();
        for target in &mut aim.targets {
            let service = target.service;
            let report = |kind: EventKind<'_>| report(Event::about(service, kind));
            let name = format!("{PROMOTE} {}", service.id);
            let resume = self.resume_deployment(&name, Some(service), &PROMOTE_PIPELINE, &report);
            match resume.await {
                Ok(None) => {
                    let earlier =
                        self.earlier_attempt(Some(service), &mut target.before, false, &report);
                    let left = match earlier.await {
                        Ok(None) => None,
                        Ok(Some(earlier)) => {
                            report(EventKind::Note(&earlier.note(self.plan)));
                            earlier.deployment().map(Ok)
                        }
                        Err(error) => Some(Err(error)),
                    };
                    if let Some(Ok(left)) = &left {
                        self.record_followed(&name, service, &target.before, &left.id);
                        report(EventKind::Found(service, left));
                        target.is_anothers = true;
                    }
                    starts.extend(left.map(|left| (service.id, left)));
                }
                Ok(Some(ResumedDeployment {
                    deployment,
                    before,
                    is_anothers,
                })) => {
                    report(if is_anothers {
                        EventKind::Found(service, &deployment)
                    } else {
                        EventKind::Started(service, &deployment)
                    });
                    target.is_anothers = is_anothers;
                    target.before = Preflight {
                        is_image: target.before.is_image,
                        ..before
                    };
                    starts.push((service.id, Ok(deployment)));
                }
                Err(error) => starts.push((service.id, Err(error))),
            }
        }
        let before = aim.targets.iter().map(|target| {
            let recorded = recorded(target.service, &target.before);
            (target.service.id.to_string(), recorded)
        });
        aim.entry = self.entry(PROMOTE, &PROMOTE_PIPELINE, before.collect());
        starts
    }

    /// Follows what was started to its end, or to a signal.
    async fn follow_targets(&self, aim: &PromotionPreflight, starts: Vec<TargetStart>) -> Outcome {
        let (ids, refused) = (known(&starts), refused(&starts));
        let seen: Vec<EndSignal> = aim.targets.iter().map(|_| EndSignal::default()).collect();
        let targets = aim.targets.iter().zip(starts).zip(&seen);
        let follow = targets.map(|((target, start), end)| self.follow_target(target, start, end));
        let follow = join_all(follow);
        let ends = tokio::select! {
            ends = follow => ends,
            signal = self.stop.requested() => {
                if let Some(refused) = refused {
                    return nothing_started(signal).because(refused);
                }
                let by = Instant::now() + CLEAN_UP;
                let is_over = seen.iter().all(|end| end.borrow().is_some());
                let then = (!is_over).then(|| self.on_cancel());
                self.reporter.on(EventKind::Stopping(signal, then));
                return self.stop_targets(signal, aim, &ids, &seen, by).await;
            }
        };
        self.conclude_promotion(aim, ends).await
    }

    /// The end of a promotion that cannot be guarded or checked as asked.
    async fn refuse_promotion(&self, aim: &PromotionPreflight) -> Option<Outcome> {
        if let Some(refused) = self.refuse_unguarded_promotion(aim) {
            return Some(refused);
        }
        for target in &aim.targets {
            let report = |kind: EventKind<'_>| self.reporter.on(Event::about(target.service, kind));
            let (service, before) = (target.service, &target.before);
            if let Err(outcome) = self.refuse_impossible_check(service, before, &report).await {
                return Some(outcome.because(format!("It is target {}", target.name)));
            }
        }
        None
    }

    /// The end of a promotion that is not followed.
    async fn triggered(&self, aim: &PromotionPreflight, starts: Vec<TargetStart>) -> Outcome {
        let mut ends = Vec::new();
        for (start, target) in starts.into_iter().zip(&aim.targets) {
            ends.push(match start {
                Ok(deployment) if target.is_anothers => Outcome::joined(&deployment),
                Ok(deployment) => Outcome::triggered(Some(&deployment)),
                Err(error) => self.not_started(error).await,
            });
        }
        let outcome = Outcome::of_targets(&names(aim).zip(ends).collect::<Vec<_>>());
        let found = aim.targets.iter().filter(|target| target.is_anothers);
        match (outcome.is_good(), found.count()) {
            (true, found @ 1..) => Outcome::promoted_before(found, aim.targets.len()),
            _ => outcome,
        }
    }

    /// The end of a dry run: what would be followed, and what would be promoted.
    async fn plan_promotion(
        &self,
        aim: &PromotionPreflight,
        resumed: Vec<(Uuid, TargetStart)>,
    ) -> Outcome {
        let mut open: Vec<&str> = Vec::new();
        let mut left = Vec::new();
        let mut resumed = resumed.into_iter().peekable();
        for target in &aim.targets {
            match resumed.next_if(|(id, _)| *id == target.service.id) {
                None => open.push(&target.name),
                Some((_, Ok(it))) => left.push(format!("{} on {}", it.summary(), target.name)),
                Some((_, Err(error))) => {
                    let place = format!("It is target {}", target.name);
                    return self.not_started(error.at(place)).await;
                }
            }
        }
        if left.is_empty() {
            return Outcome::planned(&format!("promote {}", aim.order));
        }
        let left = format!("follow {}", left.join(" and "));
        match open.join(", ") {
            none if none.is_empty() => Outcome::planned(&format!("{left}, and promote nothing")),
            open => Outcome::planned(&format!("{left}, and promote {} to {open}", aim.version)),
        }
    }

    async fn follow_target(
        &self,
        target: &PromotionTarget,
        start: TargetStart,
        end: &EndSignal,
    ) -> TargetResult {
        let deployment = match start {
            Ok(deployment) => deployment,
            Err(error) => return self.not_started(error).await.into(),
        };
        let service = target.service;
        let report = |kind: EventKind<'_>| self.reporter.on(Event::about(service, kind));
        let log = self.diagnose_log(&report);
        let source = self.source(service, &deployment.id);
        let id = deployment.id.clone();
        let looks = SightingSource::new(&source, &deployment, self.clock);
        let own = RefCell::new(None);
        let watch = Follower::new(&looks, deployment, self.end_of_targets(), &log, &report)
            .with_history(target.before.past.clone())
            .with_end_signal(end)
            .reading(self.reading())
            .follow();
        let ended = tokio::select! {
            ended = Box::pin(watch) => ended,
            never = Box::pin(self.ask_for_address(&source, None, &own, Some(&report))) => match never {},
        };
        match ended {
            FollowResult::Seen(ended) => {
                self.finalize_target(target, &source, ended, own.take(), log)
                    .await
            }
            FollowResult::TimedOut { .. }
                if self.plan.on_timeout == Abandon::Cancel && !target.is_anothers =>
            {
                report(EventKind::Cancelling);
                let client = self
                    .client
                    .for_cleanup(self.deadline.moment() + LATE_CANCEL);
                let cancelled = self.cancel_own(&client, service, &id, &report).await;
                if let CancelResult::TooLate(ended) = cancelled {
                    return self
                        .finalize_target(target, &source, ended, own.take(), log)
                        .await;
                }
                Outcome::of_ended(&ended, service)
                    .and_cancelled(&id, &cancelled)
                    .into()
            }
            FollowResult::TimedOut { .. } | FollowResult::Lost { .. } => {
                let at = looks.last().map(|seen| seen.at);
                Outcome::of_ended_at(&ended, service, at).into()
            }
        }
    }

    /// Until when targets are followed: going back takes time too.
    fn end_of_targets(&self) -> Deadline {
        match self.plan.on_failure {
            OnFailure::Leave => self.deadline,
            OnFailure::Rollback => self.deadline.keeping(self.kept_for_going_back(1)),
        }
    }

    async fn finalize_target(
        &self,
        target: &PromotionTarget,
        source: &DeploymentClient,
        ended: EndedDeployment,
        own: Option<ServiceAddress>,
        log: LogDiagnosis,
    ) -> TargetResult {
        let service = source.service;
        let report = |kind: EventKind<'_>| self.reporter.on(Event::about(service, kind));
        // Going back is decided for all targets together.
        let context = DeploymentContext {
            live_before: target.before.live_before,
            own,
            log: Some(log.clone()),
            ..DeploymentContext::default()
        };
        let is_live = ended.verdict() == Verdict::Success;
        let live = (is_live && !target.is_anothers).then(|| (*ended).clone());
        let outcome = self.finalize(source, ended, &context, &report).await;
        TargetResult {
            outcome,
            live,
            log: Some(log),
        }
    }

    /// One outcome from all. Where that is wanted, a deployment or a check that
    /// failed takes back the targets that have changed.
    async fn conclude_promotion(
        &self,
        aim: &PromotionPreflight,
        ends: Vec<TargetResult>,
    ) -> Outcome {
        let outcome = Outcome::of_targets(&named(aim, &ends));
        if outcome.is_good() || self.plan.on_failure == OnFailure::Leave {
            return outcome;
        }
        let failures = ends.iter().filter_map(|end| end.outcome.failure());
        if !failures.into_iter().any(Failure::calls_for_rollback) {
            let has_changed = ends.iter().any(|end| end.live.is_some());
            return if has_changed {
                outcome.because(
                    "Nothing was rolled back: no deployment failed, and no check that was made",
                )
            } else {
                outcome
            };
        }
        self.undo_promotion(aim, &ends).await
    }

    /// Takes back the targets that have changed.
    async fn undo_promotion(&self, aim: &PromotionPreflight, ends: &[TargetResult]) -> Outcome {
        let changed: Vec<(&PromotionTarget, &Deployment, Option<&LogDiagnosis>)> = aim
            .targets
            .iter()
            .zip(ends)
            .filter_map(|(target, end)| Some((target, end.live.as_ref()?, end.log.as_ref())))
            .collect();
        let undo = changed
            .iter()
            .map(|(target, live, log)| self.restore_target(target, live, *log));
        let rollback = join_all(undo).await;
        // What they say of what is live may not be so any more.
        let ends: Vec<TargetResult> = ends.iter().map(TargetResult::before_going_back).collect();
        let mut outcome = Outcome::of_targets(&named(aim, &ends));
        let signal = rollback.iter().find_map(|rollback| rollback.signal);
        for ((target, ..), rollback) in changed.iter().zip(rollback) {
            outcome = outcome.because(format!("{}: {}", target.name, rollback.summary));
            outcome.hint = rollback.hint.map(str::to_owned).or(outcome.hint);
        }
        match signal {
            Some(signal) => outcome.interrupted_by(signal),
            None => outcome,
        }
    }

    async fn restore_target(
        &self,
        target: &PromotionTarget,
        wrong: &Deployment,
        log: Option<&LogDiagnosis>,
    ) -> RollbackReport {
        let report = |kind: EventKind<'_>| self.reporter.on(Event::about(target.service, kind));
        let live = target.before.live.as_ref();
        self.restore_previous(target.service, live, wrong, log, &report)
            .await
    }

    /// Cancels what was started. `ids` holds what is known to have been, in the
    /// order of the targets; what is missing is looked up. `seen` holds the ends
    /// that were seen, in the same order: those are past cancelling.
    async fn stop_targets(
        &self,
        signal: Signal,
        aim: &PromotionPreflight,
        ids: &[Option<DeploymentId>],
        seen: &[EndSignal],
        by: Instant,
    ) -> Outcome {
        let known = ids.iter().cloned().chain(std::iter::repeat(None));
        let seen = seen
            .iter()
            .map(EndSignal::take)
            .chain(std::iter::repeat(None));
        let targets = aim.targets.iter().zip(known).zip(seen);
        let stop = targets.map(|((target, id), end)| async move {
            match end {
                Some(ended) => Outcome::interrupted(signal).and_ended(&ended),
                None => self.stop_target(signal, target, id, by).await,
            }
        });
        let ends = join_all(stop).await;
        let mut outcome = Outcome::interrupted(signal);
        let usual = outcome.hint.clone();
        for (name, end) in names(aim).zip(ends) {
            if outcome.hint == usual {
                outcome.hint = end.hint;
            }
            let why = end.why.into_iter().map(|why| format!("{name}: {why}"));
            outcome.why.extend(why);
        }
        outcome
    }

    /// Looks up what was started on a target by a request that was not
    /// answered.
    async fn find_target(&self, client: &Client, target: &PromotionTarget) -> Option<DeploymentId> {
        let service = target.service;
        let found = deploy::start::find_started(client, service, &target.before).await?;
        self.reporter
            .on(Event::about(service, EventKind::Started(service, &found)));
        Some(found.id)
    }

    async fn stop_target(
        &self,
        signal: Signal,
        target: &PromotionTarget,
        id: Option<DeploymentId>,
        by: Instant,
    ) -> Outcome {
        let service = target.service;
        let client = self.looking_up(by);
        let id = match id {
            Some(id) => Some(id),
            None => self.find_target(&client, target).await,
        };
        let Some(id) = id else {
            return Outcome::interrupted(signal)
                .because("Whether it was promoted is not known")
                .hint("Check in the dashboard, and cancel what should not go live");
        };
        if target.is_anothers {
            return Outcome::interrupted(signal).and_left(&id, None);
        }
        let report = |kind: EventKind<'_>| self.reporter.on(Event::about(service, kind));
        self.stop_and_report(signal, service, &id, by, &report)
            .await
    }
}

/// Why nothing was started, if that is certain: one request is made for all
/// targets, so what refuses it refuses it for all.
fn refused(starts: &[TargetStart]) -> Option<String> {
    let is_refused = |start: &TargetStart| matches!(start, Err(TriggerError::Api(_)));
    match starts.first()? {
        Err(TriggerError::Api(error)) if starts.iter().all(is_refused) => Some(error.to_string()),
        _ => None,
    }
}

/// How old what will be promoted is, and from which image it runs.
fn facts(source: &Deployment, now: Timestamp) -> Option<String> {
    let age = source.finished_at.map(|at| now.duration_since(at));
    let age = age.and_then(|age| Duration::try_from(age).ok());
    let age = age.map(|age| format!("It was deployed {} ago", duration(age)));
    let image = source.docker_image.as_ref();
    let image = image.map(|image| format!("its image is {image}"));
    let facts: Vec<String> = age.into_iter().chain(image).collect();
    (!facts.is_empty()).then(|| facts.join("; "))
}

/// What is followed on each target of what was there before, in the order of the targets.
fn left_on(aim: &PromotionPreflight, resumed: &[(Uuid, TargetStart)]) -> Vec<Option<DeploymentId>> {
    let of = |target: &PromotionTarget| {
        let (_, start) = resumed.iter().find(|(id, _)| *id == target.service.id)?;
        Some(start.as_ref().ok()?.id.clone())
    };
    aim.targets.iter().map(of).collect()
}

fn known(starts: &[TargetStart]) -> Vec<Option<DeploymentId>> {
    let id = |start: &TargetStart| start.as_ref().ok().map(|deployment| deployment.id.clone());
    starts.iter().map(id).collect()
}

/// The outcomes with the names of their targets.
fn named(aim: &PromotionPreflight, ends: &[TargetResult]) -> Vec<(String, Outcome)> {
    let outcomes = ends.iter().map(|end| end.outcome.clone());
    names(aim).zip(outcomes).collect()
}

fn names(aim: &PromotionPreflight) -> impl Iterator<Item = String> {
    aim.targets.iter().map(|target| target.name.clone())
}
