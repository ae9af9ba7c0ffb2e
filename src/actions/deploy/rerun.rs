//! A further attempt at a run: what an earlier attempt may have started and still
//! waits or runs is followed instead of starting another deployment.

use jiff::{SignedDuration, Timestamp};

use crate::actions::ActionContext;
use crate::actions::deploy::commit_guard::CommitGuard;
use crate::actions::deploy::matcher::{DeploymentMatcher, Ownership};
use crate::actions::deploy::past::is_busy;
use crate::actions::deploy::preflight::Preflight;
use crate::actions::deploy::start_rollback::{RollbackEffect, what_came};
use crate::actions::error::{Report, TriggerError};
use crate::ci::Facts;
use crate::deployment::{Deployment, Origin, is_same_commit};
use crate::event::EventKind;
use crate::inputs::OnRerun;
use crate::messages::Failure;

/// The clocks of a CI and of the service differ by less.
const CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_mins(15);

/// How the deployment of an earlier attempt is recognized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RerunRule {
    /// Why it is looked for, in a sentence.
    why: &'static str,
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
            since: facts.began_at,
            commit: facts.commit.clone(),
        })
    }

    /// Whether this run may have started a deployment of the same. Where the CI
    /// does not report when the run began, only the commit shows it. No run starts
    /// what a push has started.
    fn may_be_of_this_run(&self, deployment: &Deployment) -> bool {
        let commits = self.commit.as_deref().zip(deployment.commit_sha.as_deref());
        let fits = match self.since {
            Some(_) => self.is_since(deployment) == Some(true),
            None => commits.is_some_and(|(ours, its)| is_same_commit(ours, its)),
        };
        fits && deployment.origin != Origin::Automatic
    }

    /// Whether a deployment was created after the run began, if both are known.
    fn is_since(&self, deployment: &Deployment) -> Option<bool> {
        let times = deployment.created_at.zip(self.since);
        times.map(|(created, since)| created >= since)
    }

    /// Whether this run may have brought back or promoted a version by this
    /// deployment. Only the time shows it: the commit is that of the version.
    fn may_have_brought(&self, before: &Preflight, deployment: &Deployment) -> bool {
        // A restart of what is live can have the wanted commit, by another build.
        let is_another_build = before.rollback.as_ref().is_some_and(|rollback| {
            let came = what_came(deployment, &rollback.to, before.live.as_ref());
            matches!(came, RollbackEffect::Replaced | RollbackEffect::Another)
        });
        self.is_since(deployment) == Some(true)
            && may_take_a_version(deployment)
            && before.wanted.clone().primary().whose(deployment) == Ownership::Ours
            && !is_another_build
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

    /// What speaks for it. It is no proof: Sevalla does not report which run has
    /// started a deployment.
    const fn evidence(&self) -> &'static str {
        match self.since {
            Some(_) => "it was created after this run began",
            None => "it has the commit of this run",
        }
    }

    /// Whether a deployment of an earlier attempt would be recognized.
    fn can_recognize(&self, wanted: &DeploymentMatcher) -> bool {
        let has_version = wanted.commit.is_some() || wanted.docker_image.is_some();
        let by_version = wanted.kind.takes_a_version() && has_version && self.since.is_some();
        wanted.is_comparable() || by_version
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

impl ActionContext<'_> {
    /// The deployment that an earlier attempt may have started and that still waits
    /// or runs, with a line for the log; of a rollback to a named deployment, also the
    /// one that has brought its version back. If there is none, reports why a new one is started.
    pub(crate) fn left_by_earlier_attempt(
        &self,
        before: &Preflight,
        is_rollback: bool,
        report: Report<'_>,
    ) -> Option<(Deployment, String)> {
        let rule = self.plan.rerun.as_ref()?;
        let guard = CommitGuard::new(self.plan, before.branch());
        let is_it = |other: &&Deployment| {
            let fits = if before.wanted.kind.takes_a_version() {
                rule.can_recognize(&before.wanted) && rule.may_have_brought(before, other)
            } else {
                before.wanted.is_same(other) && rule.may_be_of_this_run(other)
            };
            fits && guard.mismatch(other).is_none()
        };
        let found: Vec<&Deployment> = before.listed.iter().filter(is_it).collect();
        let (why, evidence) = (rule.why, rule.evidence());
        if let Some(running) = found.iter().find(|other| is_busy(other)) {
            let note = format!(
                "{why}. Following {}, which may be of an earlier attempt ({evidence}), instead of \
                 starting another.",
                running.summary()
            );
            return Some(((*running).clone(), note));
        }
        let live = before.live.as_ref().map(|live| &live.id);
        let is_back = |one: &&&Deployment| is_rollback && Some(&one.id) == live;
        if let Some(back) = found.iter().find(is_back) {
            let note = format!(
                "{why}. The wanted version is live by {}, which may be of an earlier attempt \
                 ({evidence}). Reporting that one instead of rolling back again.",
                back.summary()
            );
            return Some(((*back).clone(), note));
        }
        let note = match found.first() {
            Some(ended) => format!(
                "{why}. The newest deployment that may be of an earlier attempt ({evidence}), {}, \
                 ended as {}. Starting a new one.",
                ended.summary(),
                ended.status.word()
            ),
            None if !rule.can_recognize(&before.wanted) => format!(
                "{why}. Whether an earlier attempt has started the same cannot be known. Starting it."
            ),
            None => {
                format!("{why}. No deployment of an earlier attempt was recognized. Starting one.")
            }
        };
        report(EventKind::Note(&note));
        None
    }
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
            ..Deployment::only_its_id(DeploymentId("x".to_owned()))
        }
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
        assert!(rule.may_be_of_this_run(&created(100, OTHER)));
        assert!(!rule.may_be_of_this_run(&created(99, COMMIT)));
        let by_a_push = Deployment {
            origin: Origin::Automatic,
            ..created(100, COMMIT)
        };
        assert!(!rule.may_be_of_this_run(&by_a_push));
        let unknown = Facts {
            began_at: None,
            ..facts
        };
        let rule = RerunRule::of(None, &unknown).unwrap();
        assert!(rule.may_be_of_this_run(&created(1, COMMIT)));
        assert!(!rule.may_be_of_this_run(&created(200, OTHER)));
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
