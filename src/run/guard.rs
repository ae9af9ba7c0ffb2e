//! The commit guard: whether what is deployed is what was tested.

use std::cell::Cell;

use tokio_util::sync::CancellationToken;

use crate::deployment::Deployment;
use crate::inputs::OnMismatch;
use crate::plan::{Expected, Plan};
use crate::report::Event;

/// Compares the commit of a deployment with the expected one.
pub(super) struct Guard<'a> {
    expected: Option<&'a str>,
    /// Whether the user named the commit, so that not knowing it is a failure.
    is_named: bool,
    policy: OnMismatch,
    is_told: Cell<bool>,
    cancel: CancellationToken,
}

impl<'a> Guard<'a> {
    /// The guard of a deployment of this branch.
    pub(super) fn new(plan: &'a Plan, branch: Option<&str>) -> Self {
        let (expected, is_named) = match &plan.expected_commit {
            Expected::Any => (None, false),
            Expected::Is(commit) => (Some(commit.as_str()), true),
            Expected::OfBranch {
                commit,
                branch: its,
            } => (Some(commit.as_str()).filter(|_| branch == Some(its)), false),
        };
        Self {
            expected,
            is_named,
            policy: plan.on_mismatch,
            is_told: Cell::new(false),
            cancel: CancellationToken::new(),
        }
    }

    /// Takes in what was seen; a warning, the first time that it is another
    /// commit.
    pub(super) fn look(&self, event: Event<'_>) -> Option<String> {
        let (Event::Started(_, deployment) | Event::Found(_, deployment) | Event::Seen(deployment)) =
            event
        else {
            return None;
        };
        let mismatch = self.mismatch(deployment)?;
        if self.policy == OnMismatch::Cancel && deployment.status.verdict().is_none() {
            self.cancel.cancel();
        }
        (!self.is_told.replace(true)).then_some(mismatch)
    }

    /// Resolves once the deployment is to be cancelled.
    pub(super) async fn wants_cancel(&self) {
        self.cancel.cancelled().await;
    }

    /// What is wrong with the commit, if it is known to be another.
    fn mismatch(&self, deployment: &Deployment) -> Option<String> {
        let expected = self.expected?;
        let seen = deployment.commit_sha.as_deref()?;
        let is_same = seen
            .get(..expected.len())
            .is_some_and(|beginning| beginning.eq_ignore_ascii_case(expected));
        (!is_same)
            .then(|| format!("Another commit is deployed: tested {expected}, deployed {seen}"))
    }

    /// Why a deployment that has succeeded must not count as one, if the user
    /// wants that.
    pub(super) fn objection(&self, deployment: &Deployment) -> Option<String> {
        if self.policy == OnMismatch::Warn {
            return None;
        }
        let is_unknown = self.is_named && deployment.commit_sha.is_none();
        let unknown = || "The service does not tell the commit of the deployment".to_owned();
        self.mismatch(deployment)
            .or_else(|| is_unknown.then(unknown))
    }
}
