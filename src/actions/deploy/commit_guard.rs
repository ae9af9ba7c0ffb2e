//! The commit guard: whether what is deployed is what was tested.

use std::cell::OnceCell;

use tokio_util::sync::CancellationToken;

use crate::actions::ActionContext;
use crate::actions::deploy::preflight::Preflight;
use crate::actions::promote::start::PromotionPreflight;
use crate::actions::resolve::{ExpectedRevision, GuardGap, Plan};
use crate::actions::task::DeployOperation;
use crate::branch;
use crate::deployment::{DeploySource, Deployment, Status, is_same_commit, short};
use crate::event::EventKind;
use crate::inputs::OnMismatch;
use crate::messages::{Failure, Warning};
use crate::outcome::Outcome;

/// Told where nobody can compare.
const UNKNOWN: &str = "Sevalla does not report the commit of the deployment, so whether it is \
                       the expected one is not known";

/// Compares the commit of a deployment with the expected one.
pub(crate) struct CommitGuard<'a> {
    expected: Option<&'a str>,
    /// Whether the user named the commit, so that not knowing it is a failure.
    is_named: bool,
    policy: OnMismatch,
    /// The mismatch that was seen first.
    mismatch: OnceCell<String>,
    cancel: CancellationToken,
}

impl<'a> CommitGuard<'a> {
    /// The guard of a deployment of this branch.
    pub(crate) fn new(plan: &'a Plan, branch: Option<&str>) -> Self {
        let (expected, is_named) = match &plan.expected_commit {
            ExpectedRevision::Any | ExpectedRevision::Unknown(_) => (None, false),
            ExpectedRevision::Is(commit) => (Some(commit.as_str()), true),
            ExpectedRevision::OfBranch {
                commit,
                branch: its,
            } => {
                let is_its = branch.is_some_and(|branch| branch::is_same(branch, its));
                (Some(commit.as_str()).filter(|_| is_its), false)
            }
        };
        Self {
            expected,
            is_named,
            policy: plan.on_mismatch,
            mismatch: OnceCell::new(),
            cancel: CancellationToken::new(),
        }
    }

    /// Looks at the deployment as it is now. Returns a warning the first time
    /// that its commit is another one.
    pub(crate) fn observe(&self, deployment: &Deployment) -> Option<&str> {
        let mismatch = self.mismatch(deployment)?;
        let is_news = self.mismatch.set(mismatch).is_ok();
        if self.policy == OnMismatch::Cancel && deployment.status.verdict().is_none() {
            self.cancel.cancel();
        }
        self.mismatch.get().filter(|_| is_news).map(String::as_str)
    }

    /// Resolves once the deployment is to be cancelled, with the reason.
    pub(crate) async fn cancel_requested(&self) -> String {
        self.cancel.cancelled().await;
        self.mismatch.get().cloned().unwrap_or_default()
    }

    /// What is wrong with the commit, if it is known to be another.
    pub(crate) fn mismatch(&self, deployment: &Deployment) -> Option<String> {
        let expected = self.expected?;
        let seen = deployment.commit_sha.as_deref()?;
        (!is_same_commit(seen, expected)).then(|| {
            let (seen, expected) = (short(seen), short(expected));
            format!("Sevalla deploys commit {seen}, but this run has tested {expected}")
        })
    }

    /// Whether a deployment that somebody else has started has, or will have,
    /// the expected commit: what still waits takes the tip of the branch.
    pub(crate) fn may_be(&self, deployment: &Deployment) -> bool {
        let is_reported = deployment.commit_sha.is_some() || deployment.status == Status::Waiting;
        self.expected.is_none() || (is_reported && self.mismatch(deployment).is_none())
    }

    /// Why a deployment that has succeeded must not count as one, if the user
    /// wants that.
    pub(crate) fn objection(&self, deployment: &Deployment) -> Option<(Failure, String)> {
        if self.policy == OnMismatch::Warn {
            return None;
        }
        let mismatch = self.mismatch(deployment);
        let unknown = || (Failure::CommitNotReported, UNKNOWN.to_owned());
        mismatch
            .map(|mismatch| (Failure::AnotherCommitLive, mismatch))
            .or_else(|| self.is_unknown(deployment).then(unknown))
    }

    /// What a deployment that has succeeded leaves in doubt, where that is no
    /// objection. Nobody has asked where both the commit and what to do about
    /// another are the defaults.
    pub(crate) fn doubt(&self, deployment: &Deployment) -> Option<&'static str> {
        let is_asked = self.is_named || self.policy != OnMismatch::Warn;
        let is_unknown = self.expected.is_some() && deployment.commit_sha.is_none();
        (is_asked && is_unknown).then_some(UNKNOWN)
    }

    fn is_unknown(&self, deployment: &Deployment) -> bool {
        self.is_named && deployment.commit_sha.is_none()
    }
}

/// What is said before anything is started, where nothing can be compared.
impl ActionContext<'_> {
    /// The end of a run whose guard has nothing to compare a new deployment
    /// with. A warning where there is a reason to deploy all the same.
    pub(crate) fn refuse_unguarded(
        &self,
        work: &DeployOperation,
        before: &Preflight,
    ) -> Option<Outcome> {
        let is_earlier_build = match work {
            DeployOperation::RollBackApplication { .. }
            | DeployOperation::RollBackStaticSite { .. } => true,
            DeployOperation::DeployApplication {
                order: DeploySource { restart, .. },
                ..
            } => *restart,
            DeployOperation::CallHook { .. } | DeployOperation::DeployStaticSite { .. } => false,
        };
        let gap = if is_earlier_build {
            self.plan.gap_of_earlier_build()
        } else if before.is_image {
            self.plan.gap_of_image()
        } else if self.plan.follow {
            self.gap_of(before.branch())
        } else {
            // Nothing is compared, and that is said already.
            None
        };
        self.refuse(gap, "deployed")
    }

    /// Like [`Self::refuse_unguarded`], for a promotion: the commit is compared on
    /// every target.
    pub(crate) fn refuse_unguarded_promotion(&self, aim: &PromotionPreflight) -> Option<Outcome> {
        let is_image = aim.targets.iter().any(|target| target.before.is_image);
        let gap = self.plan.gap_of_image().filter(|_| is_image);
        self.refuse(gap, "promoted")
    }

    /// Like [`Self::refuse_unguarded`], for a deployment that somebody else has
    /// started.
    pub(crate) fn refuse_unguarded_following(&self, deployment: &Deployment) -> Option<Outcome> {
        // What is built from a branch has an image too.
        let is_image = deployment.branch.is_none() && deployment.docker_image.is_some();
        let gap = if is_image {
            self.plan.gap_of_image()
        } else {
            self.gap_of(deployment.branch.as_deref())
                .or_else(|| self.plan.gap_of_ended(deployment))
        };
        self.refuse(gap, "followed")
    }

    fn gap_of(&self, branch: Option<&str>) -> Option<GuardGap> {
        match branch {
            Some(branch) => self.plan.gap_of_branch(branch),
            None => self.plan.gap_of_unknown_branch(),
        }
    }

    fn refuse(&self, gap: Option<GuardGap>, done: &str) -> Option<Outcome> {
        let gap = gap?;
        if gap.is_fatal {
            let headline = format!("Nothing was {done}: the commit guard has nothing to compare");
            let outcome = Outcome::of(Failure::NothingToCompare, headline);
            return Some(outcome.because(gap.reason).hint(gap.advice));
        }
        let text = gap.as_warning();
        self.reporter
            .on(EventKind::Warning(Warning::CommitNotCompared, &text));
        None
    }
}
