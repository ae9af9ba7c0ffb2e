//! A further attempt at a run: what an earlier attempt may have started and still
//! waits or runs is followed instead of starting another deployment.

use std::collections::HashSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use crate::actions::ActionContext;
use crate::actions::deploy::commit_guard::CommitGuard;
use crate::actions::deploy::matcher::{DeploymentMatcher, Ownership};
use crate::actions::deploy::past::{is_busy, read_past};
use crate::actions::deploy::preflight::Preflight;
use crate::actions::deploy::start_rollback::{RollbackEffect, what_came};
use crate::actions::error::{LookupFailure, Report, TriggerError};
use crate::actions::lookup::Candidate;
use crate::actions::resolve::Plan;
use crate::ci::Facts;
use crate::deployment::{Deployment, Origin, Service, is_same_commit};
use crate::event::EventKind;
use crate::inputs::OnRerun;
use crate::messages::Failure;

/// The clocks of a CI and of the service differ by less.
const CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_mins(15);

/// How much later than a deployment is made a list may show it.
const LIST_LATENESS: Duration = Duration::from_secs(5);

const UNLISTED: &str = "No deployment of an earlier attempt was recognized.";

/// The waits before each look at a deployment that does not show its version yet.
const FOR_A_VERSION: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
    Duration::from_secs(30),
];

/// How the deployment of an earlier attempt is recognized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RerunRule {
    /// Why it is looked for, in a sentence.
    why: &'static str,
    /// Whether the CI reports a further attempt.
    is_reported: bool,
    /// When the run began, as the CI reports it.
    since: Option<Timestamp>,
    /// The commit of the run.
    commit: Option<String>,
}

impl RerunRule {
    /// The rule, if one is to be looked for.
    pub(crate) fn of(given: Option<OnRerun>, facts: &Facts) -> Option<Self> {
        let why = match (given, facts.is_rerun) {
            (Some(OnRerun::Deploy), _) => return None,
            (_, Some(true)) => "The CI reports a further attempt at this run",
            (Some(OnRerun::Follow), _) => "on-rerun is follow",
            (None, _) => return None,
        };
        Some(Self {
            why,
            is_reported: facts.is_rerun == Some(true),
            since: facts.began_at,
            commit: facts.commit.clone(),
        })
    }

    /// Whether an earlier attempt may have started a deployment that is known to
    /// be, or not to be, of the same. No run starts what a push has started.
    fn whose(&self, before: &Preflight, deployment: &Deployment) -> Ownership {
        let wanted = before.wanted.clone().primary();
        if !self.can_recognize(&wanted) {
            Ownership::Others
        } else if wanted.kind.takes_a_version() {
            self.whose_version(before, &wanted, deployment)
        } else {
            self.whose_build(&wanted, deployment)
        }
    }

    /// Of a deployment that builds. One that was created before the run began, by
    /// clocks that may differ, is recognized by the commit of the run.
    fn whose_build(&self, wanted: &DeploymentMatcher, deployment: &Deployment) -> Ownership {
        let is_by_push = deployment.origin == Origin::Automatic;
        if is_by_push || self.is_long_before(deployment) || wanted.is_not_same(deployment) {
            return Ownership::Others;
        }
        let commits = self.commit.as_deref().zip(deployment.commit_sha.as_deref());
        let is_commit = commits.map(|(ours, its)| is_same_commit(ours, its));
        let is_in_time = self.is_since(deployment) == Some(true);
        match (is_in_time, is_commit) {
            (false, Some(false)) => Ownership::Others,
            (false, None) if self.commit.is_none() => Ownership::Others,
            (true, _) | (false, Some(true)) if wanted.is_same(deployment) => Ownership::Ours,
            _ => Ownership::Unclear,
        }
    }

    /// Of a deployment that brings back or promotes a version. Only the time shows
    /// it: the commit is that of the version.
    fn whose_version(
        &self,
        before: &Preflight,
        wanted: &DeploymentMatcher,
        deployment: &Deployment,
    ) -> Ownership {
        // A restart of what is live can have the wanted commit, by another build.
        let is_another_build = before.rollback.as_ref().is_some_and(|rollback| {
            let came = what_came(deployment, &rollback.to, before.live.as_ref());
            matches!(came, RollbackEffect::Replaced | RollbackEffect::Another)
        });
        let is_before = self.is_since(deployment).is_none() || self.is_long_before(deployment);
        if is_before || !may_take_a_version(deployment) || is_another_build {
            return Ownership::Others;
        }
        match wanted.whose(deployment) {
            Ownership::Unclear if wanted.is_version(deployment).is_some() => Ownership::Others,
            whose => whose,
        }
    }

    /// Whether a deployment was created after the run began, if both are known.
    fn is_since(&self, deployment: &Deployment) -> Option<bool> {
        let times = deployment.created_at.zip(self.since);
        times.map(|(created, since)| created >= since)
    }

    /// Refuses to roll back once more where an earlier attempt may have rolled back
    /// from `replaced` to the version of `wanted` by the deployment that is live;
    /// these three are the newest versions. That would bring `replaced` back. What is
    /// live may as well be what this run has deployed and wants to replace: Sevalla
    /// does not report why it was deployed.
    ///
    /// # Errors
    ///
    /// When it looks so.
    pub(crate) fn refuse_second_rollback(
        &self,
        live: &Deployment,
        replaced: &Deployment,
        wanted: &Deployment,
    ) -> Result<(), TriggerError> {
        let came = what_came(live, wanted, Some(replaced));
        let may_be_back = matches!(came, RollbackEffect::Wanted | RollbackEffect::Unknown);
        if !may_take_a_version(live) || !may_be_back || self.is_long_before(live) {
            return Ok(());
        }
        Err(TriggerError::refused(
            Failure::RollbackNotPossible,
            format!(
                "{}. {}, which is live, may be its rollback; rolling back once more would deploy \
                 {} again",
                self.why,
                live.summary(),
                replaced.summary()
            ),
            "Set deployment-id to the deployment whose version you want live",
        ))
    }

    /// Whether a deployment was certainly created before the run began, by two clocks.
    fn is_long_before(&self, deployment: &Deployment) -> bool {
        let times = deployment.created_at.zip(self.since);
        times.is_some_and(|(created, since)| since.duration_since(created) > CLOCK_DIFFERENCE)
    }

    /// The reason to take a deployment for that of an earlier attempt. It is no proof:
    /// Sevalla does not report which run has started a deployment.
    fn evidence(&self, deployment: &Deployment, wanted: &DeploymentMatcher) -> &'static str {
        if self.is_since(deployment) == Some(true) {
            "it was created after this run began"
        } else if wanted.kind.takes_a_version() {
            "it was created about when this run began"
        } else {
            "it has the commit of this run"
        }
    }

    /// Whether a deployment of an earlier attempt would be recognized.
    fn can_recognize(&self, wanted: &DeploymentMatcher) -> bool {
        let has_version = wanted.commit.is_some() || wanted.docker_image.is_some();
        if wanted.kind.takes_a_version() {
            has_version && self.since.is_some()
        } else {
            let names_source = wanted.branch.is_some() || wanted.docker_image.is_some();
            let can_compare = self.since.is_some() || self.commit.is_some();
            wanted.is_comparable() && names_source && can_compare
        }
    }
}

/// Whether a deployment may have taken a version that was built before. A push
/// builds, so one of a push is known by that.
fn may_take_a_version(deployment: &Deployment) -> bool {
    match deployment.is_built {
        Some(is_built) => !is_built,
        None => deployment.origin != Origin::Automatic,
    }
}

/// What an earlier attempt has left, as far as that is recognized.
pub(crate) struct EarlierAttempt {
    /// Why it was looked for, in a sentence.
    why: &'static str,
    pub(crate) left: Leftover,
}

/// What is done about it.
pub(crate) enum Leftover {
    /// This one waits or runs, for this reason it may be of that attempt, and it is
    /// followed instead of starting another.
    Runs(Box<Deployment>, &'static str),
    /// This one has brought the wanted version back, and is reported.
    IsLive(Box<Deployment>, &'static str),
    /// Nothing to follow, as this sentence says; then, as the next says, one is started.
    Nothing(String, &'static str),
    /// Nothing that may be of that attempt is listed.
    Unlisted,
}

impl EarlierAttempt {
    /// For the log: what happens and why. Nothing is followed by a run that does not
    /// wait, and nothing is started by a dry run.
    pub(crate) fn note(&self, plan: &Plan) -> String {
        let why = self.why;
        match &self.left {
            Leftover::Unlisted if plan.dry_run => format!("{why}. {UNLISTED}"),
            Leftover::Unlisted => format!("{why}. {UNLISTED} Starting one."),
            Leftover::Nothing(found, _) if plan.dry_run => format!("{why}. {found}"),
            Leftover::Nothing(found, then) => format!("{why}. {found} {then}"),
            Leftover::Runs(running, evidence) if plan.follow && !plan.dry_run => format!(
                "{why}. Following {}, which may be of an earlier attempt ({evidence}), instead of \
                 starting another.",
                running.summary()
            ),
            Leftover::Runs(running, evidence) => format!(
                "{why}. Another is not started, since {} may be of an earlier attempt ({evidence}).",
                running.summary()
            ),
            Leftover::IsLive(back, evidence) => format!(
                "{why}. The wanted version is live by {}, which may be of an earlier attempt \
                 ({evidence}). Reporting that one instead of rolling back again.",
                back.summary()
            ),
        }
    }

    /// For a dry run: what would be done instead of starting one, if anything.
    pub(crate) fn plan(&self, plan: &Plan) -> Option<String> {
        match &self.left {
            Leftover::Nothing(..) | Leftover::Unlisted => None,
            Leftover::Runs(running, _) if plan.follow => {
                Some(format!("follow {}, and start nothing", running.summary()))
            }
            Leftover::Runs(other, _) | Leftover::IsLive(other, _) => {
                Some(format!("report {}, and start nothing", other.summary()))
            }
        }
    }

    /// What is followed or reported instead of starting another.
    pub(crate) fn deployment(self) -> Option<Deployment> {
        match self.left {
            Leftover::Runs(it, _) | Leftover::IsLive(it, _) => Some(*it),
            Leftover::Nothing(..) | Leftover::Unlisted => None,
        }
    }
}

/// What one look at the deployments shows.
enum RerunDecision {
    Clear(Leftover),
    /// These may be of an earlier attempt: they do not show their version yet.
    Doubtful(Vec<Deployment>),
}

impl ActionContext<'_> {
    /// What is to be done about what an earlier attempt may have started, if that is
    /// looked for. A deployment that does not show its version yet is waited for, and
    /// `before` is what was read last.
    ///
    /// # Errors
    ///
    /// When it still does not show its version.
    pub(crate) async fn earlier_attempt(
        &self,
        service: Option<Service>,
        before: &mut Preflight,
        is_rollback: bool,
        report: Report<'_>,
    ) -> Result<Option<EarlierAttempt>, TriggerError> {
        let Some(rule) = self.plan.rerun.as_ref() else {
            return Ok(None);
        };
        let why = rule.why;
        let mut waits = FOR_A_VERSION.iter();
        let mut is_late = rule.is_reported;
        loop {
            let doubtful = match self.look_for_leftover(rule, before, is_rollback) {
                // A list that is late lacks the newest.
                RerunDecision::Clear(Leftover::Unlisted) if std::mem::take(&mut is_late) => {
                    self.look_again(service, before).await?;
                    continue;
                }
                RerunDecision::Clear(left) => return Ok(Some(EarlierAttempt { why, left })),
                RerunDecision::Doubtful(doubtful) => doubtful,
            };
            let next = waits.next().zip(service);
            let next = next.filter(|(wait, _)| Instant::now() + **wait < self.deadline.moment());
            let Some((wait, service)) = next else {
                return Err(without_version(&doubtful).at(why));
            };
            if *wait == FOR_A_VERSION[0] {
                report(EventKind::Note(&format!(
                    "{why}. Waiting for the version of {}, which may be of an earlier attempt.",
                    summaries(&doubtful)
                )));
            }
            sleep(*wait).await;
            let mut past = read_past(&self.client, service).await?;
            // One that disappears from the list proves nothing.
            let known: HashSet<_> = past.iter().map(|one| one.id.clone()).collect();
            past.extend(doubtful.into_iter().filter(|one| !known.contains(&one.id)));
            before.read_again(&past);
        }
    }

    /// Reads the deployments once more, when a list that is late shows what was
    /// started right before this attempt.
    async fn look_again(
        &self,
        service: Option<Service>,
        before: &mut Preflight,
    ) -> Result<(), TriggerError> {
        let is_in_time = Instant::now() + LIST_LATENESS < self.deadline.moment();
        if let Some(service) = service.filter(|_| is_in_time) {
            sleep(LIST_LATENESS).await;
            before.read_again(&read_past(&self.client, service).await?);
        }
        Ok(())
    }

    fn look_for_leftover(
        &self,
        rule: &RerunRule,
        before: &Preflight,
        is_rollback: bool,
    ) -> RerunDecision {
        let guard = &CommitGuard::new(self.plan, before.branch());
        let of = |whose: Ownership| {
            before.listed.iter().filter(move |other| {
                guard.mismatch(other).is_none() && rule.whose(before, other) == whose
            })
        };
        let live = before.live.as_ref().map(|live| &live.id);
        let is_back = |one: &&Deployment| is_rollback && Some(&one.id) == live;
        let evidence = |one| rule.evidence(one, &before.wanted);
        let ours: Vec<&Deployment> = of(Ownership::Ours).collect();
        if let Some(&running) = ours.iter().find(|other| is_busy(other)) {
            let left = Leftover::Runs(Box::new(running.clone()), evidence(running));
            return RerunDecision::Clear(left);
        }
        if let Some(&back) = ours.iter().find(|one| is_back(one)) {
            let left = Leftover::IsLive(Box::new(back.clone()), evidence(back));
            return RerunDecision::Clear(left);
        }
        let doubtful = of(Ownership::Unclear).filter(|one| is_busy(one) || is_back(one));
        let doubtful: Vec<Deployment> = doubtful.cloned().collect();
        if !doubtful.is_empty() {
            return RerunDecision::Doubtful(doubtful);
        }
        RerunDecision::Clear(match ours.first() {
            Some(ended) => {
                let found = format!(
                    "The newest deployment that may be of an earlier attempt ({}), {}, ended as {}.",
                    evidence(ended),
                    ended.summary(),
                    ended.status.word()
                );
                Leftover::Nothing(found, "Starting a new one.")
            }
            None if !rule.can_recognize(&before.wanted) => {
                let found = "Whether an earlier attempt has started the same cannot be known.";
                Leftover::Nothing(found.to_owned(), "Starting it.")
            }
            None => Leftover::Unlisted,
        })
    }
}

fn summaries(deployments: &[Deployment]) -> String {
    let all: Vec<String> = deployments.iter().map(Deployment::summary).collect();
    all.join(" and of ")
}

/// Whether an earlier attempt has started the same is not known.
fn without_version(doubtful: &[Deployment]) -> TriggerError {
    TriggerError::Unidentified(LookupFailure::NoVersion {
        candidates: doubtful.iter().map(Candidate::describe).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::DeploymentId;

    fn at(second: i64) -> Option<Timestamp> {
        Timestamp::from_second(second).ok()
    }

    fn created(second: i64, commit: &str) -> Deployment {
        Deployment {
            created_at: at(second),
            commit_sha: Some(commit.to_owned()),
            branch: Some("main".to_owned()),
            origin: Origin::Manual,
            ..Deployment::only_its_id(DeploymentId("x".to_owned()))
        }
    }

    fn whose(rule: &RerunRule, deployment: &Deployment) -> Ownership {
        let wanted = DeploymentMatcher {
            branch: Some("main".to_owned()),
            ..DeploymentMatcher::default()
        };
        rule.whose(&Preflight::of(&[], wanted), deployment)
    }

    const COMMIT: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";
    const OTHER: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn it_may_be_of_this_run_by_its_time_or_else_by_its_commit() {
        let facts = Facts {
            is_rerun: Some(true),
            began_at: at(100),
            commit: Some(COMMIT.to_owned()),
            ..Facts::default()
        };
        let rule = RerunRule::of(None, &facts).unwrap();
        let long = 100 + CLOCK_DIFFERENCE.as_secs();
        let later = RerunRule {
            since: at(long + 1),
            ..rule.clone()
        };
        assert_eq!(whose(&rule, &created(100, OTHER)), Ownership::Ours);
        // By clocks that differ.
        assert_eq!(whose(&rule, &created(99, COMMIT)), Ownership::Ours);
        assert_eq!(whose(&rule, &created(99, OTHER)), Ownership::Others);
        assert_eq!(whose(&later, &created(100, COMMIT)), Ownership::Others);
        let without_commit = |second| Deployment {
            commit_sha: None,
            ..created(second, COMMIT)
        };
        assert_eq!(whose(&rule, &without_commit(100)), Ownership::Ours);
        assert_eq!(whose(&rule, &without_commit(99)), Ownership::Unclear);
        let without_branch = Deployment {
            branch: None,
            ..created(100, COMMIT)
        };
        assert_eq!(whose(&rule, &without_branch), Ownership::Unclear);
        let by_a_push = Deployment {
            origin: Origin::Automatic,
            ..created(100, COMMIT)
        };
        assert_eq!(whose(&rule, &by_a_push), Ownership::Others);
        let unknown = Facts {
            began_at: None,
            ..facts
        };
        let rule = RerunRule::of(None, &unknown).unwrap();
        assert_eq!(whose(&rule, &created(1, COMMIT)), Ownership::Ours);
        assert_eq!(whose(&rule, &created(200, OTHER)), Ownership::Others);
        assert_eq!(whose(&rule, &without_commit(200)), Ownership::Unclear);
    }

    #[test]
    fn the_users_word_comes_before_the_cis() {
        let of = |given, is_rerun| {
            let facts = Facts {
                is_rerun,
                ..Facts::default()
            };
            RerunRule::of(given, &facts).is_some()
        };
        for (given, is_rerun, looks) in [
            (None, None, false),
            (None, Some(false), false),
            (None, Some(true), true),
            (Some(OnRerun::Deploy), Some(true), false),
            (Some(OnRerun::Follow), None, true),
        ] {
            assert_eq!(of(given, is_rerun), looks, "{given:?} {is_rerun:?}");
        }
    }
}
