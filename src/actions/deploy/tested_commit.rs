//! The commit guard, as far as it can be settled before anything is read: which
//! commit a deployment must have, and whether that can be compared at all.

use crate::actions::resolve::Plan;
use crate::actions::task::{DeployOperation, DeploymentSelector, Task};
use crate::branch;
use crate::ci::Facts;
use crate::deployment::{Deployment, Verdict};
use crate::inputs::{ExpectedCommit, Inputs, OnMismatch};

/// The commit that the deployment must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedRevision {
    /// Any.
    Any,
    /// The one that the CI works on, which is not known well enough to be
    /// compared; with the reason.
    Unknown(String),
    /// This one, if this branch is deployed.
    OfBranch {
        /// The commit, or its beginning.
        commit: String,
        /// The branch.
        branch: String,
    },
    /// This one.
    Is(String),
}

/// Why a commit guard that the user asked for has nothing to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardGap {
    /// The reason, as a sentence without its full stop.
    pub reason: String,
    /// What to do about it.
    pub advice: String,
    /// Whether the guard decides the result, so that the run must not start.
    /// What has no commit, such as an image, is deployed all the same.
    pub is_fatal: bool,
}

/// What to do about most of them.
const NAME_IT: &str = "Set expected-commit to the full SHA of the tested commit";

impl ExpectedRevision {
    pub(crate) fn of(inputs: &Inputs, facts: &Facts) -> Self {
        match &inputs.expected_commit {
            ExpectedCommit::Off => Self::Any,
            ExpectedCommit::Is(commit) => Self::Is(commit.0.clone()),
            ExpectedCommit::Auto => Self::of_ci(facts),
        }
    }

    fn of_ci(facts: &Facts) -> Self {
        // A fork's branch may have the name of the branch that is deployed.
        if facts.is_of_fork() {
            let fork = "the CI's commit is in a fork, which Sevalla does not deploy";
            return Self::Unknown(fork.to_owned());
        }
        match (&facts.commit, &facts.branch, &facts.tag) {
            (Some(commit), Some(branch), _) => Self::OfBranch {
                commit: commit.clone(),
                branch: branch.clone(),
            },
            (_, None, Some(tag)) => Self::Unknown(format!(
                "the run is for tag {tag}, and Sevalla deploys branches"
            )),
            (Some(commit), None, None) => Self::Unknown(format!(
                "the CI does not say on which branch commit {commit} is"
            )),
            (None, ..) => {
                Self::Unknown("no variable of a CI names the commit that was tested".to_owned())
            }
        }
    }
}

impl GuardGap {
    fn new(plan: &Plan, reason: impl Into<String>, advice: &str) -> Self {
        Self {
            reason: reason.into(),
            advice: advice.to_owned(),
            is_fatal: plan.on_mismatch != OnMismatch::Warn,
        }
    }

    /// What cannot be done, and why.
    pub(crate) fn headline(&self) -> String {
        format!("the commit guard has nothing to compare: {}", self.reason)
    }

    /// The gap as a warning. A commit that the user names is still compared if
    /// Sevalla reports one in the end.
    pub(crate) fn as_warning(&self) -> String {
        format!(
            "The commit guard may have nothing to compare: {}. {}.",
            self.reason, self.advice
        )
    }

    fn of_nothing_built(reason: &str) -> Self {
        Self {
            reason: reason.to_owned(),
            advice: "Set expected-commit to off to turn it off".to_owned(),
            is_fatal: false,
        }
    }
}

impl Plan {
    /// Whether the user asked for a comparison of commits: what the defaults do
    /// where they can is not asked for.
    fn is_guarded(&self) -> bool {
        match self.expected_commit {
            ExpectedRevision::Any => false,
            ExpectedRevision::Is(_) => true,
            ExpectedRevision::Unknown(_) | ExpectedRevision::OfBranch { .. } => {
                self.on_mismatch != OnMismatch::Warn
            }
        }
    }

    /// What is known to be missing for the comparison before anything is read.
    pub(crate) fn gap(&self) -> Option<GuardGap> {
        if !self.is_guarded() {
            return None;
        }
        let branch = match &self.task {
            // It builds nothing, which is reported once the record is read.
            Task::Deploy(DeployOperation::DeployApplication { order, .. })
                if order.restart || order.docker_image.is_some() =>
            {
                return None;
            }
            Task::Deploy(DeployOperation::DeployApplication { order, .. }) => {
                order.branch.as_deref()
            }
            Task::Deploy(DeployOperation::DeployStaticSite { branch, .. }) => branch.as_deref(),
            Task::Deploy(DeployOperation::CallHook { .. }) => None,
            Task::CreatePreview(wanted) => wanted.preview.branch.as_deref(),
            Task::Promote(_) => return self.gap_of_promotion(),
            Task::Follow(_, DeploymentSelector::Known(_)) => return self.gap_of_ci(),
            // The rest starts nothing that is built, or seeks this very commit.
            _ => return None,
        };
        self.gap_of_waiting()
            .or_else(|| self.gap_of_ci())
            .or_else(|| self.gap_of_branch(branch?))
    }

    fn gap_of_ci(&self) -> Option<GuardGap> {
        match &self.expected_commit {
            ExpectedRevision::Unknown(reason) => Some(GuardGap::new(self, reason.clone(), NAME_IT)),
            _ => None,
        }
    }

    fn gap_of_waiting(&self) -> Option<GuardGap> {
        let advice = match &self.task {
            _ if self.token.is_none() => {
                "Set sevalla-token, so that the deployment can be followed"
            }
            Task::Deploy(DeployOperation::CallHook { app: None, .. }) => {
                "Set app-id, so that the deployment can be followed"
            }
            _ => "Set wait-for-finish to true",
        };
        let reason = "the run ends before Sevalla reports the commit of the deployment";
        (!self.follow).then(|| GuardGap::new(self, reason, advice))
    }

    fn gap_of_promotion(&self) -> Option<GuardGap> {
        let is_of_ci = !matches!(self.expected_commit, ExpectedRevision::Is(_));
        self.gap_of_waiting().or_else(|| {
            is_of_ci.then(|| {
                let reason =
                    "promote-app deploys the commit that the source runs, and not the CI's";
                GuardGap::new(self, reason, NAME_IT)
            })
        })
    }

    /// What is missing for the comparison with a deployment of this branch.
    pub(crate) fn gap_of_branch(&self, deployed: &str) -> Option<GuardGap> {
        let ExpectedRevision::OfBranch { commit, branch } = &self.expected_commit else {
            return None;
        };
        (self.is_guarded() && !branch::is_same(deployed, branch)).then(|| {
            let reason = format!(
                "the CI's commit {commit} is on branch {branch}, and branch {deployed} is deployed"
            );
            GuardGap::new(self, reason, NAME_IT)
        })
    }

    /// What is missing if Sevalla does not report the branch of the deployment.
    pub(crate) fn gap_of_unknown_branch(&self) -> Option<GuardGap> {
        let is_of_branch = matches!(self.expected_commit, ExpectedRevision::OfBranch { .. });
        (self.is_guarded() && is_of_branch).then(|| {
            let reason = "Sevalla does not report which branch is deployed";
            GuardGap::new(self, reason, NAME_IT)
        })
    }

    /// What is missing for a deployment that has succeeded already: a commit that
    /// Sevalla does not report of it now it will not report at all.
    pub(crate) fn gap_of_ended(&self, deployment: &Deployment) -> Option<GuardGap> {
        let is_over = deployment.status.verdict() == Some(Verdict::Success);
        let decides = self.is_guarded() && self.on_mismatch != OnMismatch::Warn;
        (decides && is_over && deployment.commit_sha.is_none()).then(|| {
            let reason = "Sevalla does not report the commit of the deployment, which has ended";
            GuardGap::new(self, reason, "Check the deployed version in the dashboard")
        })
    }

    /// What is missing for a deployment that has no commit.
    pub(crate) fn gap_of_image(&self) -> Option<GuardGap> {
        self.is_guarded()
            .then(|| GuardGap::of_nothing_built("an image has no commit that Sevalla could report"))
    }

    /// What is missing for a deployment that takes an earlier build.
    pub(crate) fn gap_of_earlier_build(&self) -> Option<GuardGap> {
        self.is_guarded().then(|| {
            GuardGap::of_nothing_built(
                "an earlier build is deployed again, whose commit was decided when it was built",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::Host;
    use crate::environment::Variables;
    use crate::inputs::Inputs;

    const ID: &str = "fb5e5168-4281-4bec-94c5-0d1584e9e657";
    const OTHER: &str = "0b5e5168-4281-4bec-94c5-0d1584e9e657";
    const SHA: &str = "1234567890abcdef1234567890abcdef12345678";
    const HOOK: &str = "https://hook.example.com/apps/x/deploy/abcdefghijkl";

    /// What a run with these inputs refuses or warns of, in a GitLab pipeline of
    /// `main`.
    fn reported(given: &[(&str, &str)]) -> String {
        let ci = [("CI_COMMIT_SHA", SHA), ("CI_COMMIT_BRANCH", "main")];
        let facts = Facts::read(Host::GitLab, &Variables::from(ci));
        let given = given
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        let (inputs, problems) = Inputs::read(&given.collect());
        match Plan::resolve(inputs, &facts, problems) {
            Ok(plan) => format!("warns {:?}", plan.warnings),
            Err(problems) => format!("refuses {problems:?}"),
        }
    }

    #[test]
    fn what_is_known_to_have_nothing_to_compare_is_refused_before_anything_is_read() {
        let token = ("SEVALLA_TOKEN", "key");
        let fail = ("SEVALLA_ON_COMMIT_MISMATCH", "fail");
        let sha = ("SEVALLA_EXPECTED_COMMIT", SHA);
        let app = ("SEVALLA_APP_ID", ID);
        let pipeline = ("SEVALLA_PIPELINE_ID", ID);
        let promotion = [
            token,
            pipeline,
            ("SEVALLA_ACTION", "promote-app"),
            ("SEVALLA_SOURCE_APP_ID", ID),
            ("SEVALLA_TARGET_APP_IDS", OTHER),
        ];
        let hook = ("SEVALLA_DEPLOY_HOOK_URL", HOOK);
        let preview = ("SEVALLA_ACTION", "create-preview-app");
        let next = ("SEVALLA_BRANCH", "next");
        let no_wait = ("SEVALLA_WAIT_FOR_FINISH", "false");
        for (given, expected) in [
            (vec![token, app, fail], "warns []"),
            (
                vec![token, app, fail, next],
                "on branch main, and branch next is deployed",
            ),
            (
                vec![token, app, fail, no_wait],
                "Set wait-for-finish to true",
            ),
            (vec![hook, fail], "Set sevalla-token"),
            (vec![token, hook, fail], "Set app-id"),
            (vec![token, hook, app, fail], "warns []"),
            (
                vec![token, pipeline, preview, fail, next],
                "branch next is deployed",
            ),
            (vec![token, pipeline, preview, sha, next], "warns []"),
            ([&promotion[..], &[fail]].concat(), "that the source runs"),
            ([&promotion[..], &[fail, sha]].concat(), "warns []"),
            (promotion.to_vec(), "warns []"),
            (
                vec![token, app, fail, ("SEVALLA_EXPECTED_COMMIT", "off")],
                "on-commit-mismatch has no effect with expected-commit: off",
            ),
        ] {
            let reported = reported(&given);
            assert!(reported.contains(expected), "{given:?}: {reported}");
            let is_refused = !expected.starts_with("warns") && !expected.contains("no effect");
            assert_eq!(reported.starts_with("refuses"), is_refused, "{reported}");
        }
    }
}
