//! A further attempt at a run: what an earlier attempt has started and still
//! waits or runs is followed instead of starting another deployment.

use jiff::Timestamp;

use crate::actions::ActionContext;
use crate::actions::deploy::past::is_busy;
use crate::actions::deploy::preflight::Preflight;
use crate::ci::Facts;
use crate::deployment::{Deployment, is_same_commit};
use crate::event::EventKind;
use crate::inputs::OnRerun;

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

    /// Whether a deployment of the same began in this run. Where the CI does not
    /// report when that was, only the commit shows it.
    fn is_of_this_run(&self, deployment: &Deployment) -> bool {
        let commits = self.commit.as_deref().zip(deployment.commit_sha.as_deref());
        match self.since {
            Some(since) => deployment.created_at.is_some_and(|at| at >= since),
            None => commits.is_some_and(|(ours, its)| is_same_commit(ours, its)),
        }
    }
}

impl ActionContext<'_> {
    /// The deployment of an earlier attempt that still waits or runs, with a line
    /// for the log. If there is none, reports why a new one is started.
    pub(crate) fn left_by_earlier_attempt(
        &self,
        before: &Preflight,
    ) -> Option<(Deployment, String)> {
        let rule = self.plan.rerun.as_ref()?;
        let is_it =
            |other: &&Deployment| before.wanted.is_same(other) && rule.is_of_this_run(other);
        let found: Vec<&Deployment> = before.listed.iter().filter(is_it).collect();
        let why = rule.why;
        if let Some(running) = found.iter().find(|other| is_busy(other)) {
            let note = format!(
                "{why}. Following {}, which an earlier attempt started, instead of starting another.",
                running.summary()
            );
            return Some(((*running).clone(), note));
        }
        let note = match found.first() {
            Some(ended) => format!(
                "{why}. The deployment of an earlier attempt, {}, ended as {}. Starting a new one.",
                ended.summary(),
                ended.status.word()
            ),
            None => format!("{why}. No deployment of an earlier attempt was found. Starting one."),
        };
        self.reporter.on(EventKind::Note(&note));
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
    fn it_is_of_this_run_by_its_time_or_else_by_its_commit() {
        let facts = Facts {
            is_rerun: Some(true),
            began_at: at(100),
            commit: Some(COMMIT.to_owned()),
            ..Facts::default()
        };
        let rule = RerunRule::of(None, &facts).unwrap();
        assert!(rule.is_of_this_run(&created(100, OTHER)));
        assert!(!rule.is_of_this_run(&created(99, COMMIT)));
        let unknown = Facts {
            began_at: None,
            ..facts
        };
        let rule = RerunRule::of(None, &unknown).unwrap();
        assert!(rule.is_of_this_run(&created(1, COMMIT)));
        assert!(!rule.is_of_this_run(&created(200, OTHER)));
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
