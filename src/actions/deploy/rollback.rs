//! Rolling back to what was live, after something that this run has deployed
//! turned out to be wrong. Once: what cannot be undone stays as it is.

use std::cell::{Cell, RefCell};
use std::pin::pin;

use crate::actions::deploy::finalize::VerificationResult;
use crate::actions::deploy::preflight::{self, Preflight};
use crate::actions::deploy::rollback_on;
use crate::actions::deploy::start::{self, Started};
use crate::actions::deploy::start_rollback::{self, RollbackEffect};
use crate::actions::error::{Report, TriggerError};
use crate::actions::journaling::rollback_of;
use crate::actions::task::{DeployOperation, EarlierDeployment};
use crate::actions::{ActionContext, Interruption, WriteResult};
use crate::deployment::{Deployment, Service, Verdict};
use crate::deployment_log::LogDiagnosis;
use crate::event::{EventKind, Phase, State};
use crate::follow::{FollowResult, Follower, LogMode};
use crate::inputs::Abandon;
use crate::messages::Warning;
use crate::shutdown::Signal;

/// What is live after an attempt to go back.
#[derive(Debug, Clone)]
pub(crate) enum LiveAfterRollback {
    /// Nobody knows.
    Unknown,
    /// What was to be taken back.
    AsDeployed,
    /// What was live before, by this deployment.
    Wanted(Deployment),
    /// Something else, or something of which nothing shows what it is.
    Another(Deployment),
}

/// What is live after the attempt to go back.
#[derive(Debug, Clone)]
pub(crate) struct RollbackReport {
    /// What is live, in a sentence.
    pub(crate) summary: String,
    /// What to do next, where that comes of this.
    pub(crate) hint: Option<&'static str>,
    /// The signal that came meanwhile.
    pub(crate) signal: Option<Signal>,
    /// What is live, as a value.
    pub(crate) live: LiveAfterRollback,
}

impl RollbackReport {
    /// This is said of it.
    fn saying(summary: impl Into<String>) -> Self {
        Self {
            summary: summary.into(),
            hint: None,
            signal: None,
            live: LiveAfterRollback::Unknown,
        }
    }

    fn live(self, live: LiveAfterRollback) -> Self {
        Self { live, ..self }
    }

    fn hint(self, hint: &'static str) -> Self {
        Self {
            hint: Some(hint),
            ..self
        }
    }

    fn stopped_by(self, signal: Signal) -> Self {
        Self {
            signal: Some(signal),
            ..self
        }
    }
}

/// Told where only a person can find out.
const CHECK_LIVE_VERSION: &str = "Check the live version in the dashboard";

/// Why no rollback was begun.
enum RollbackError {
    /// Somebody else has deployed since; in a sentence.
    Replaced(String),
    /// It went wrong.
    Failed(TriggerError),
    /// It is on its way, and its deployment is not known.
    Unseen,
}

/// What is to be undone.
struct RollbackAttempt<'a> {
    service: Service,
    /// What was live before.
    live: &'a Deployment,
    /// What this run has deployed.
    wrong: &'a Deployment,
    /// What the log is read into.
    log: &'a LogDiagnosis,
}

impl ActionContext<'_> {
    /// Rolls back to what was live before `wrong`, which this run has deployed,
    /// turned out to be so: unless somebody else has deployed since, whose work
    /// would be undone too. `known` is what was live when the run began. The log
    /// of the rollback is read into `log`, after that of `wrong`.
    pub(crate) async fn restore_previous(
        &self,
        service: Service,
        known: Option<&Deployment>,
        wrong: &Deployment,
        log: Option<&LogDiagnosis>,
        report: Report<'_>,
    ) -> RollbackReport {
        let live = tokio::select! {
            biased;
            signal = self.stop.requested() => {
                report(EventKind::Stopping(signal, None));
                return RollbackReport::saying("Nothing was rolled back")
                    .live(LiveAfterRollback::AsDeployed)
                    .stopped_by(signal);
            }
            live = start_rollback::live_before(&self.client, service, &wrong.id, known) => live,
        };
        let live = match (live, known) {
            (Ok(Some(live)), _) => live,
            // What was read before is as good as can be.
            (Err(_), Some(known)) => known.clone(),
            (Ok(None), _) => {
                return RollbackReport::saying(nothing_before(wrong))
                    .live(LiveAfterRollback::AsDeployed);
            }
            (Err(error), None) => {
                return RollbackReport::saying(format!("It could not be rolled back: {error}"))
                    .live(LiveAfterRollback::AsDeployed);
            }
        };
        let unread = LogDiagnosis::new(self.sanitizer.clone());
        let attempt = RollbackAttempt {
            service,
            live: &live,
            wrong,
            log: log.unwrap_or(&unread),
        };
        self.run_rollback(&attempt, report).await
    }

    async fn run_rollback(
        &self,
        attempt: &RollbackAttempt<'_>,
        report: Report<'_>,
    ) -> RollbackReport {
        report(EventKind::Note(&format!(
            "Rolling back. Live before was {}.",
            attempt.live.summary()
        )));
        report(EventKind::Begins(Phase::Rollback));
        let begin = pin!(self.begin(attempt, report));
        let then = Some(Abandon::Leave);
        let rollback = match self.write_or_stop(begin, then, report).await {
            WriteResult::Done(Ok(rollback)) => rollback,
            WriteResult::Done(Err(not_begun)) => {
                report(EventKind::Ends(Phase::Rollback, State::Failed));
                return attempt.explain(not_begun);
            }
            WriteResult::Interrupted(Interruption { signal, result, .. }) => {
                let rollback_report = match result {
                    Some(Ok(rollback)) => RollbackReport::saying(still_running(&rollback)),
                    Some(Err(not_begun)) => attempt.explain(not_begun),
                    None => RollbackReport::saying(
                        "A rollback was on its way when the signal came; whether it took effect \
                         is not known",
                    ),
                };
                return rollback_report.stopped_by(signal);
            }
        };
        let done = RefCell::new(None);
        tokio::select! {
            rollback_report = self.follow_rollback(attempt, rollback.clone(), &done, report) => rollback_report,
            signal = self.stop.requested() => {
                let summary = done.borrow_mut().take();
                RollbackReport::saying(summary.unwrap_or_else(|| still_running(&rollback))).stopped_by(signal)
            }
        }
    }

    /// Starts the rollback.
    async fn begin(
        &self,
        attempt: &RollbackAttempt<'_>,
        report: Report<'_>,
    ) -> Result<Deployment, RollbackError> {
        let service = attempt.service;
        let step = rollback_of(service);
        let operation = rollback_on(service);
        let resumed = self.resume_deployment(&step, Some(service), operation, report);
        if let Some(resumed) = Box::pin(resumed).await.map_err(RollbackError::Failed)? {
            return Ok(resumed.deployment);
        }
        let earlier = EarlierDeployment {
            replaces: attempt.wrong.docker_image.clone(),
            ..EarlierDeployment::found(attempt.live.id.clone())
        };
        let work = DeployOperation::back_to(service, earlier);
        let quietly = |event: EventKind<'_>| report_as_rollback(event, report);
        let before = preflight::preflight(&self.client, self.plan, &work, &quietly)
            .await
            .map_err(RollbackError::Failed)?;
        if let Some(replaced) = attempt.replaced(&before) {
            return Err(RollbackError::Replaced(replaced));
        }
        let entry = self.deployment_entry(step, operation, Some(service), &before);
        let before = Preflight { entry, ..before };
        match start::start(&self.client, &work, true, &before, &quietly).await {
            Ok(Started::Known(_, deployment)) => Ok(*deployment),
            Ok(Started::Unseen) => Err(RollbackError::Unseen),
            Err(error) => Err(RollbackError::Failed(error)),
        }
    }

    /// Follows the rollback to its end, and looks whether what is live then
    /// answers; `done` gets what is known once it has succeeded.
    async fn follow_rollback(
        &self,
        attempt: &RollbackAttempt<'_>,
        rollback: Deployment,
        done: &RefCell<Option<String>>,
        report: Report<'_>,
    ) -> RollbackReport {
        let is_warned = Cell::new(false);
        let quietly = |event: EventKind<'_>| {
            if let EventKind::Seen(now) = event
                && !is_warned.get()
                && let Some(warning) = attempt.warning(now)
            {
                is_warned.set(true);
                report(EventKind::Warning(Warning::FailedVersionAgain, &warning));
            }
            report_as_rollback(event, report);
        };
        let source = self.source(attempt.service, &rollback.id);
        let own = RefCell::new(None);
        let watch = Follower::new(&source, rollback, self.deadline, attempt.log, &quietly)
            .reading(LogMode::AfterFailure)
            .follow();
        let checks_own_address = self.checks_own_address();
        let ended = tokio::select! {
            ended = Box::pin(watch) => ended,
            never = Box::pin(self.ask_for_address(&source, None, &own, None)), if checks_own_address => {
                match never {}
            }
        };
        let now = match ended {
            FollowResult::Seen(now) if now.verdict() == Verdict::Success => now,
            ended => return attempt.explain_end(&ended),
        };
        let summary = attempt.describe(&now);
        done.replace(Some(summary.clone()));
        let verification = self.answers(&source, &now, own.take(), report).await;
        explain_verification(summary, verification).live(attempt.effect(&now))
    }
}

/// What is live after a rollback that succeeded, with the result of the check.
fn explain_verification(
    summary: String,
    verification: Option<VerificationResult>,
) -> RollbackReport {
    match verification {
        None => RollbackReport::saying(summary),
        Some(VerificationResult::Well) => RollbackReport::saying(format!("{summary}. Its health check passed")),
        Some(VerificationResult::Unknown(reason)) => {
            RollbackReport::saying(format!("{summary}. {reason}"))
        }
        Some(VerificationResult::Badly(reason)) => {
            RollbackReport::saying(format!("{summary}. After that: {reason}")).hint(
                "The live version fails the check too. Check what both versions have in common, such as variables, a database or verify-url itself",
            )
        }
    }
}

impl RollbackAttempt<'_> {
    /// Whether something that this run did not deploy is live by now, or will
    /// be soon. In a list that lags behind, the previous version is still live.
    fn replaced(&self, now: &Preflight) -> Option<String> {
        let wrong = self.wrong;
        if let Some(newer) = now.busy.iter().find(|other| other.id != wrong.id) {
            return Some(format!(
                "Nothing was rolled back, since a newer deployment takes its place: {} is {}",
                newer.summary(),
                newer.status.in_words()
            ));
        }
        let known = [&wrong.id, &self.live.id];
        let other = now.live.as_ref().filter(|now| !known.contains(&&now.id))?;
        Some(format!(
            "Nothing was rolled back, since something newer is live by now: {}",
            other.summary()
        ))
    }

    fn explain(&self, not_begun: RollbackError) -> RollbackReport {
        match not_begun {
            RollbackError::Replaced(summary) => RollbackReport::saying(summary),
            RollbackError::Unseen => {
                RollbackReport::saying(self.not_rolled_back("its deployment is not known"))
            }
            // It may have been rolled back after all.
            RollbackError::Failed(
                error @ (TriggerError::Ambiguous { .. } | TriggerError::Unidentified(_)),
            ) => RollbackReport::saying(format!(
                "Whether it was rolled back is unknown: {}",
                reasons(error)
            ))
            .hint(CHECK_LIVE_VERSION),
            RollbackError::Failed(error) => {
                RollbackReport::saying(self.not_rolled_back(&reasons(error)))
                    .live(LiveAfterRollback::AsDeployed)
            }
        }
    }

    /// The rollback was not seen to succeed.
    fn explain_end(&self, ended: &FollowResult) -> RollbackReport {
        match ended {
            FollowResult::Seen(now) => RollbackReport::saying(self.not_rolled_back(&format!(
                "the rollback, deployment {}, ended {}",
                now.id,
                now.status.word()
            )))
            .live(LiveAfterRollback::AsDeployed),
            FollowResult::TimedOut { last, .. } | FollowResult::Lost { last, .. } => {
                RollbackReport::saying(format!(
                    "Rolling back was started as deployment {}, whose end was not seen",
                    last.id
                ))
                .hint(CHECK_LIVE_VERSION)
            }
        }
    }

    fn not_rolled_back(&self, why: &str) -> String {
        format!(
            "It could not be rolled back, and {}: {why}",
            as_it_is(self.wrong)
        )
    }

    /// Warns as soon as the service is seen to deploy the wrong version again.
    fn warning(&self, now: &Deployment) -> Option<String> {
        let came = start_rollback::what_came(now, self.live, Some(self.wrong));
        (came == RollbackEffect::Replaced).then(|| {
            format!(
                "Sevalla deploys the version that had just failed again ({}), and not the one \
                 from before.",
                now.summary()
            )
        })
    }

    /// What is live after a rollback that succeeded, as a value.
    fn effect(&self, now: &Deployment) -> LiveAfterRollback {
        let came = start_rollback::what_came(now, self.live, Some(self.wrong));
        let now = now.clone();
        match came {
            RollbackEffect::Wanted => LiveAfterRollback::Wanted(now),
            _ => LiveAfterRollback::Another(now),
        }
    }

    /// What is live after a rollback that succeeded.
    fn describe(&self, now: &Deployment) -> String {
        let (live, before) = (now.summary(), self.live.summary());
        match start_rollback::what_came(now, self.live, Some(self.wrong)) {
            RollbackEffect::Wanted => format!("Rolled back: live is {live}"),
            RollbackEffect::Replaced => format!(
                "Not rolled back: Sevalla deployed the version that had just failed, so live is {live}. Roll back to the previous version ({before}) in the dashboard"
            ),
            RollbackEffect::Another => format!(
                "Not rolled back to the previous version ({before}): Sevalla deployed another version, so live is {live}. Roll back to the previous version in the dashboard"
            ),
            RollbackEffect::Unknown => format!(
                "The rollback succeeded: live is {live}. Nothing shows whether that is the previous version ({before})"
            ),
        }
    }
}

fn reasons(error: TriggerError) -> String {
    match error {
        TriggerError::Refused(refused) => refused.reason,
        error => crate::outcome::Outcome::of_trigger_error(error)
            .why
            .join("; "),
    }
}

/// Said where no deployment is known to have succeeded before `wrong`.
fn nothing_before(wrong: &Deployment) -> String {
    let nothing = "There is no version to roll back to, because no earlier deployment is known to have succeeded";
    match wrong.status.verdict() {
        Some(Verdict::Success) => format!("{nothing}: the new version stays live"),
        _ => nothing.to_owned(),
    }
}

/// What is live when nothing was rolled back.
fn as_it_is(wrong: &Deployment) -> &'static str {
    match wrong.status.verdict() {
        Some(Verdict::Success) | None => "the new version stays live",
        Some(_) => "the previous version is still live",
    }
}

fn still_running(rollback: &Deployment) -> String {
    format!(
        "A rollback was started as deployment {}; this run did not see its end",
        rollback.id
    )
}

/// Tells of the rollback without taking it for what the run was about: outputs
/// and summary are about that.
fn report_as_rollback(event: EventKind<'_>, report: Report<'_>) {
    match event {
        EventKind::Target(..) | EventKind::Begins(Phase::Log) | EventKind::Ends(Phase::Log, _) => {}
        EventKind::Started(_, rollback)
        | EventKind::Seen(rollback)
        | EventKind::StillWaiting(rollback, ..) => {
            report(EventKind::RollingBack(rollback));
        }
        event => report(event),
    }
}
