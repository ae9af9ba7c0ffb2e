//! What is left to do once a deployment has ended: its address, its caches,
//! whether it answers, and rolling back if it does not.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use crate::actions::ActionContext;
use crate::actions::deploy::commit_guard::CommitGuard;
use crate::actions::deploy::preflight::Preflight;
use crate::actions::deploy::rollback::RollbackReport;
use crate::actions::deploy::start_rollback::{self, RollbackEffect};
use crate::actions::deploy::verification::{FOR_DETAILS, ServiceAddress, own_address};
use crate::actions::error::Report;
use crate::actions::manage::change;
use crate::deployment::{Deployment, DeploymentId, EndedDeployment, ServiceKind, Verdict};
use crate::deployment_log::LogDiagnosis;
use crate::event::{EventKind, Phase, State};
use crate::exit_status::ExitStatus;
use crate::follow::DeploymentClient;
use crate::forecast::history::History;
use crate::inputs::OnFailure;
use crate::messages::{Failure, Warning};
use crate::outcome::{FailureContext, LogEvidence, Outcome, PreviouslyLive};
use crate::sevalla::Patience;
use crate::verify::{self, Check, Filling, Verified, Visit};

/// The most of the run's time that a check leaves for going back.
const KEPT_FOR_GOING_BACK: Duration = Duration::from_secs(120);

/// How long emptying the caches may keep the run.
const PURGING: Duration = Duration::from_secs(10);

/// Said where a rollback was asked for, and nothing is known against what is
/// live.
const NOT_ROLLED_BACK: &str = "Nothing was rolled back: no check that was made has failed";

/// What is known of a service besides the deployment that is followed.
#[derive(Debug, Default, Clone)]
pub(crate) struct DeploymentContext {
    /// The host of a static site.
    pub(crate) host: Option<String>,
    /// The branch that is deployed.
    pub(crate) branch: Option<String>,
    /// What was live before, and may be gone back to: this run has replaced it.
    pub(crate) live: Option<Deployment>,
    /// Whether anything was live before, whoever has replaced it.
    pub(crate) live_before: PreviouslyLive,
    /// How long past deployments took.
    pub(crate) past: History,
    /// The service's address, as far as it was read while the deployment ran.
    pub(crate) own: Option<ServiceAddress>,
    /// The deployment that this one, a rollback, is to bring back.
    pub(crate) wanted: Option<Deployment>,
    /// What the log of the deployment that is followed says.
    pub(crate) log: Option<LogDiagnosis>,
    /// How many others waited or ran before this one.
    pub(crate) behind: usize,
    /// Whether it is the first deployment of the service.
    pub(crate) is_first: bool,
    /// Whether this run has started the deployment.
    pub(crate) is_ours: bool,
    /// Whether another run has, which may want it to go on whatever becomes of
    /// this one.
    pub(crate) is_anothers: bool,
}

/// A deployment that was seen to end.
#[derive(Debug)]
pub(crate) struct FinishedDeployment {
    pub(crate) deployment: EndedDeployment,
    /// What was live before, if that is known.
    pub(crate) before: Option<Deployment>,
    /// Whether others waited or ran then, which may have become live since.
    pub(crate) is_behind: bool,
    /// What its log says.
    pub(crate) log: Option<LogDiagnosis>,
    /// Whether this run has started it.
    pub(crate) is_ours: bool,
    /// What came of rolling it back, if that was tried.
    pub(crate) rollback: Option<RollbackReport>,
}

impl DeploymentContext {
    /// The scene of a deployment that this run starts.
    pub(crate) fn of(before: &Preflight) -> Self {
        Self {
            host: before.host.clone(),
            branch: before.branch().map(str::to_owned),
            live: before.live.clone(),
            live_before: before.live_before,
            past: before.past.clone(),
            own: None,
            log: None,
            wanted: before.rollback.as_ref().map(|rollback| rollback.to.clone()),
            behind: before.busy.len(),
            is_first: false,
            is_ours: true,
            is_anothers: false,
        }
    }

    /// This context with the service's address, as far as it is known.
    pub(crate) fn with_address(&self, own: Option<ServiceAddress>) -> Self {
        Self {
            own,
            ..self.clone()
        }
    }

    /// This context with the diagnosis of the deployment's log.
    pub(crate) fn with_log(&self, log: &LogDiagnosis) -> Self {
        Self {
            log: Some(log.clone()),
            ..self.clone()
        }
    }

    /// The scene of a deployment that another run has started.
    pub(crate) fn of_anothers(before: &Preflight) -> Self {
        Self {
            live: None,
            is_ours: false,
            is_anothers: true,
            ..Self::of(before)
        }
    }
}

/// Whether what is live answers as the user wants.
pub(crate) enum VerificationResult {
    Well,
    /// Why not.
    Badly(String),
    /// Why nobody knows.
    Unknown(String),
}

impl ActionContext<'_> {
    /// The outcome of a deployment that was seen to end, after all that the
    /// user wants done then.
    pub(crate) async fn finalize(
        &self,
        source: &DeploymentClient,
        ended: EndedDeployment,
        context: &DeploymentContext,
        report: Report<'_>,
    ) -> Outcome {
        self.finished.replace(Some(FinishedDeployment {
            deployment: ended.clone(),
            before: context.live.clone(),
            is_behind: context.behind > 0,
            log: context.log.clone(),
            is_ours: context.is_ours,
            rollback: None,
        }));
        let outcome = match ended.verdict() {
            Verdict::Success => self.after_success(source, &ended, context, report).await,
            Verdict::Failed => self.after_failure(source, &ended, context).await,
            Verdict::Cancelled | Verdict::Skipped => {
                self.after_nothing(source, &ended, context).await
            }
        };
        if !self.may_go_back(context) {
            return outcome;
        }
        match outcome.failure() {
            // Rarely needed, and large.
            Some(failure) if failure.calls_for_rollback() => {
                Box::pin(self.go_back(source, &ended, outcome, context, report)).await
            }
            Some(failure) if failure.ending() == ExitStatus::Unverified => {
                outcome.because(NOT_ROLLED_BACK)
            }
            _ => outcome,
        }
    }

    fn may_go_back(&self, context: &DeploymentContext) -> bool {
        self.plan.on_failure == OnFailure::Rollback && context.is_ours
    }

    /// Goes back to what was live, and adds to the outcome what came of that.
    async fn go_back(
        &self,
        source: &DeploymentClient,
        ended: &Deployment,
        outcome: Outcome,
        context: &DeploymentContext,
        report: Report<'_>,
    ) -> Outcome {
        let live = context.live.as_ref();
        let rollback = self
            .restore_previous(source.service, live, ended, context.log.as_ref(), report)
            .await;
        if let Some(finished) = self.finished.borrow_mut().as_mut() {
            finished.rollback = Some(rollback.clone());
        }
        // What they say of what is live may not be so any more.
        let outcome = match outcome.ending() {
            ExitStatus::Unverified => outcome.unverified_before(&ended.id),
            _ => outcome,
        };
        let outcome = match rollback.hint {
            Some(hint) => outcome.hint(hint),
            None => outcome,
        };
        let outcome = outcome.because(rollback.summary);
        match rollback.signal {
            Some(signal) => outcome.interrupted_by(signal),
            None => outcome,
        }
    }

    async fn after_success(
        &self,
        source: &DeploymentClient,
        deployment: &EndedDeployment,
        context: &DeploymentContext,
        report: Report<'_>,
    ) -> Outcome {
        let service = source.service;
        let guard = CommitGuard::new(self.plan, context.branch.as_deref());
        let is_known = matches!(context.own, Some(Ok(Some(_))));
        let url = if !is_known && self.would_wait_for_budget() {
            None
        } else {
            self.for_more_words(self.report_url(source, context, report))
                .await
        };
        let id = deployment.id.clone();
        let outcome = Outcome::of_verdict(deployment, service, FailureContext::default());
        if let Some((failure, objection)) = guard.objection(deployment) {
            return Outcome::unverified(failure, &id).because(objection);
        }
        if let Some(doubt) = guard.doubt(deployment) {
            report(EventKind::Warning(Warning::UnknownCommit, doubt));
        }
        if let Some(outcome) = object_to_version(deployment, context, report) {
            return outcome;
        }
        tokio::select! {
            // The signal first, as in `until_stopped`.
            biased;
            signal = self.stop.requested() => {
                Outcome::interrupted(signal).and_ended(deployment)
            }
            checked = self.purge_and_verify(source, deployment, url, context, report) => {
                checked.unwrap_or(outcome)
            }
        }
    }

    async fn purge_and_verify(
        &self,
        source: &DeploymentClient,
        deployment: &Deployment,
        url: Option<ServiceAddress>,
        context: &DeploymentContext,
        report: Report<'_>,
    ) -> Option<Outcome> {
        if self.plan.purge_cache {
            self.purge_after(source, report).await;
        }
        let check = self.plan.check.as_ref()?;
        if let Some(why) = self.check_that_failed(source.service) {
            return Some(
                Outcome::unverified(Failure::HealthCheckFailed, &deployment.id).because(why),
            );
        }
        let deadline = self.end_of_check(context);
        let (failure, finding) = match self
            .check(check, source, deployment, url, deadline, report)
            .await
        {
            Verified::Yes => return None,
            Verified::No(finding) => {
                self.record_failed_check(source.service, &finding.reason);
                (Failure::HealthCheckFailed, finding)
            }
            Verified::NotMade(finding) => (Failure::CheckNotMade, finding),
        };
        let outcome = Outcome::unverified(failure, &deployment.id);
        Some(outcome.because(finding.reason).after(finding.effort))
    }

    /// A check that uses up the run's time would leave none for going back.
    fn end_of_check(&self, context: &DeploymentContext) -> Instant {
        if !self.may_go_back(context) || context.live.is_none() {
            return self.deadline.moment();
        }
        self.deadline.keeping(self.kept_for_going_back(1)).moment()
    }

    /// How much of the time that is left is kept for going back, so many times one
    /// after the other.
    pub(crate) fn kept_for_going_back(&self, times: u32) -> Duration {
        let left = self.deadline.moment();
        let left = left.saturating_duration_since(Instant::now());
        KEPT_FOR_GOING_BACK.saturating_mul(times).min(left / 3)
    }

    /// Purges again what Sevalla has purged: no reason to fail, nor to wait long.
    async fn purge_after(&self, source: &DeploymentClient, report: Report<'_>) {
        let by = Instant::now() + PURGING;
        let client = source.client.until(by.min(self.deadline.moment()));
        report(EventKind::Begins(Phase::Purge));
        let purged = change::purge_cache(&client, source.service, report).await;
        report(EventKind::Ends(Phase::Purge, state(purged.is_ok())));
        match purged {
            Ok(()) => report(EventKind::Note(
                "Sevalla empties the caches, which takes some minutes everywhere in the world.",
            )),
            Err(error) => report(EventKind::Warning(
                Warning::CachesNotEmptied,
                &format!(
                    "The caches could not be emptied: {error}. Sevalla empties them by itself after a deployment."
                ),
            )),
        }
    }

    /// Whether the deployment answers well. `own` is the service's address, as
    /// far as it was read.
    pub(crate) async fn check(
        &self,
        check: &Check,
        source: &DeploymentClient,
        deployment: &Deployment,
        own: Option<ServiceAddress>,
        deadline: Instant,
        report: Report<'_>,
    ) -> Verified {
        let exchange = match (self.connect)() {
            Ok(exchange) => exchange,
            Err(error) => return Verified::not_made(error),
        };
        let filling = Filling {
            commit: deployment.commit_sha.as_deref(),
            deployment: &deployment.id.0,
        };
        let reported = |visit: Visit<'_>| report(EventKind::Note(&visit.to_string()));
        report(EventKind::Begins(Phase::Verification));
        let own = match check.address {
            // Not needed.
            Some(_) => Err(String::new()),
            None => {
                self.find_address_to_check(source, check, own, deadline)
                    .await
            }
        };
        if let Ok(url) = &own {
            report_url(url, report);
        }
        let own = own.as_ref().map_err(String::as_str);
        let verified = verify::verify(exchange.as_ref(), check, own, filling, deadline, &reported);
        let reading = async {
            if let Some(metrics) = self.metrics(source).await {
                report(EventKind::MetricsAfter(&metrics));
            }
            pending::<Infallible>().await
        };
        let verified = tokio::select! {
            verified = verified => verified,
            never = Box::pin(reading) => match never {},
        };
        let is_well = verified == Verified::Yes;
        report(EventKind::Ends(Phase::Verification, state(is_well)));
        verified
    }

    /// Whether the check needs the address that the service has.
    pub(crate) fn checks_own_address(&self) -> bool {
        let check = self.plan.check.as_ref();
        check.is_some_and(|check| check.address.is_none())
    }

    /// Whether what is live after a rollback answers well; `None` where there is
    /// no check. `own` is the service's address, as far as it was read.
    pub(crate) async fn answers(
        &self,
        source: &DeploymentClient,
        deployment: &Deployment,
        own: Option<ServiceAddress>,
        report: Report<'_>,
    ) -> Option<VerificationResult> {
        let check = self.plan.check.as_ref()?;
        let deadline = self.deadline.moment();
        let verified = self.check(check, source, deployment, own, deadline, report);
        Some(match verified.await {
            Verified::Yes => VerificationResult::Well,
            Verified::No(finding) => VerificationResult::Badly(finding.reason),
            Verified::NotMade(finding) => VerificationResult::Unknown(finding.reason),
        })
    }

    async fn after_failure(
        &self,
        source: &DeploymentClient,
        deployment: &EndedDeployment,
        context: &DeploymentContext,
    ) -> Outcome {
        let error = build_error(source, &deployment.id);
        let error = self.for_more_words(error).await.flatten();
        let digest = context.log.as_ref().map(LogDiagnosis::digest);
        let failure_context = FailureContext {
            log: digest.as_ref().map(LogEvidence::of).unwrap_or_default(),
            // Something else may be soon.
            live: if self.may_go_back(context) {
                PreviouslyLive::Unknown
            } else {
                context.live_before
            },
        };
        Outcome::of_verdict(
            &deployment.clone().with_build_error(error),
            source.service,
            failure_context,
        )
    }

    /// After a success, shows where the service can be visited, which was asked
    /// for before if there was time.
    pub(crate) async fn report_url(
        &self,
        source: &DeploymentClient,
        context: &DeploymentContext,
        report: Report<'_>,
    ) -> ServiceAddress {
        let url = match &context.own {
            Some(Ok(Some(url))) => Some(url.clone()),
            _ => own_address(source, context.host.as_deref(), FOR_DETAILS).await?,
        };
        if let Some(url) = &url {
            report_url(url, report);
        }
        Ok(url)
    }
}

fn report_url(url: &Url, report: Report<'_>) {
    report(EventKind::Url(url.as_str().trim_end_matches('/')));
}

/// What is wrong with the version that a rollback has put live, if it is known
/// to be another than the wanted one.
fn object_to_version(
    now: &Deployment,
    context: &DeploymentContext,
    report: Report<'_>,
) -> Option<Outcome> {
    let wanted = context.wanted.as_ref()?;
    let replaced = context.live.as_ref().filter(|live| live.id != wanted.id);
    let objection = match start_rollback::what_came(now, wanted, replaced) {
        RollbackEffect::Wanted => return None,
        RollbackEffect::Unknown => {
            report(EventKind::Warning(
                Warning::VersionUnknown,
                &format!(
                    "Live is {}. Nothing shows whether that is the requested version: {}.",
                    now.summary(),
                    wanted.summary()
                ),
            ));
            return None;
        }
        RollbackEffect::Replaced => "Sevalla deployed the version again that was to be replaced",
        RollbackEffect::Another => "Sevalla deployed a version other than the requested one",
    };
    let outcome = Outcome::unverified(Failure::AnotherVersionLive, &now.id).because(format!(
        "{objection}: live is {}, requested was {}",
        now.summary(),
        wanted.summary()
    ));
    Some(outcome)
}

const fn state(is_well: bool) -> State {
    if is_well { State::Done } else { State::Failed }
}

/// After a failure of a static site, reads what the build said: only the list
/// of deployments has it.
async fn build_error(source: &DeploymentClient, id: &DeploymentId) -> Option<String> {
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
