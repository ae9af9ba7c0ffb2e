//! One deployment.

use std::time::Duration;

use serde_json::Value;

use crate::clock::{Clock, Moment};
use crate::logs::Log;
use crate::script::{CommitKnown, Script};
use crate::status::{DeploymentType, Status};
use crate::timeline::{Bent, Times};

/// What a deployment puts live.
#[derive(Debug, Clone, Default)]
pub(crate) struct Artifact {
    pub(crate) branch: Option<String>,
    pub(crate) image: Option<String>,
    pub(crate) commit_sha: Option<String>,
    pub(crate) commit_message: Option<String>,
    pub(crate) author: Option<String>,
}

/// How a deployment came about.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) kind: DeploymentType,
    pub(crate) trigger: Option<String>,
    /// Reuses an earlier artifact: nothing to check out, nothing to build.
    pub(crate) reuses: bool,
    pub(crate) is_preview: bool,
    /// Made by a call to the simulator, not by its test or its history.
    pub(crate) by_call: bool,
}

impl Origin {
    pub(crate) fn called(trigger: &str) -> Self {
        Self {
            kind: DeploymentType::Manual,
            trigger: Some(trigger.to_owned()),
            reuses: false,
            is_preview: false,
            by_call: true,
        }
    }

    pub(crate) fn is_restart(&self) -> bool {
        self.trigger.as_deref() == Some("RESTART")
    }

    /// Made by a push.
    pub(crate) fn pushed() -> Self {
        Self {
            kind: DeploymentType::Automatic,
            by_call: false,
            ..Self::called("AUTO_DEPLOY_ON_PUSH")
        }
    }

    /// A restart, rollback or promotion.
    pub(crate) fn reusing(trigger: &str) -> Self {
        Self {
            reuses: true,
            ..Self::called(trigger)
        }
    }
}

/// A deployment with everything that will become of it.
#[derive(Debug, Clone)]
pub(crate) struct Deployment {
    pub(crate) id: String,
    pub(crate) created: Moment,
    pub(crate) origin: Origin,
    pub(crate) artifact: Artifact,
    pub(crate) script: Script,
    pub(crate) log: Log,
    pub(crate) bent: Bent,
    pub(crate) cloud_build_id: String,
}

/// A deployment at one time.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) deployment: &'a Deployment,
    pub(crate) times: Times,
    pub(crate) now: Moment,
}

impl View<'_> {
    /// The state it is really in.
    pub(crate) fn status(&self) -> Status {
        self.times.status(self.now)
    }

    /// The status field: the script may have it lie.
    pub(crate) fn shown_status(&self) -> Option<String> {
        let changed = self.times.changed(self.now);
        self.last_override(changed).map_or_else(
            || Some(self.status().word().to_owned()),
            |(_, word)| word.clone(),
        )
    }

    fn last_override(&self, since: Moment) -> Option<(Moment, &Option<String>)> {
        let placed = self.deployment.script.overrides.iter();
        placed
            .map(|(offset, word)| (self.deployment.created.plus(*offset), word))
            .filter(|(at, _)| *at <= self.now && *at >= since)
            .max_by_key(|(at, _)| *at)
    }

    pub(crate) fn started(&self) -> Option<Moment> {
        self.times.started.filter(|at| *at <= self.now)
    }

    pub(crate) fn ended(&self) -> Option<Moment> {
        self.times.ended.filter(|at| *at <= self.now)
    }

    pub(crate) fn updated(&self) -> Moment {
        let changed = self.times.changed(self.now);
        self.last_override(changed).map_or(changed, |(at, _)| at)
    }

    pub(crate) fn commit_known(&self) -> bool {
        let reuses = self.deployment.origin.reuses;
        let default = if reuses {
            CommitKnown::AtCreation
        } else {
            CommitKnown::AtStart
        };
        match self.deployment.script.commit_known.unwrap_or(default) {
            CommitKnown::AtCreation => true,
            CommitKnown::AtStart => self.started().is_some(),
            CommitKnown::AtEnd => self.ended().is_some(),
            CommitKnown::Never => false,
        }
    }

    /// Puts in place of the record's own fields what the script shows.
    pub(crate) fn disguise(&self, mut record: Value) -> Value {
        let due = |offset: Duration| self.deployment.created.plus(offset) <= self.now;
        let shown = self.deployment.script.shown.iter();
        for (_, field, value) in shown.filter(|(offset, ..)| due(*offset)) {
            if let Some(fields) = record.as_object_mut() {
                fields.insert(field.clone(), value.clone());
            }
        }
        record
    }

    /// What it put live, if it ended well.
    pub(crate) fn succeeded(&self) -> bool {
        self.status() == Status::Success
    }

    pub(crate) fn snapshot(&self, clock: &Clock) -> Snapshot {
        let deployment = self.deployment;
        let known = |text: &Option<String>| text.clone().filter(|_| self.commit_known());
        Snapshot {
            id: deployment.id.clone(),
            status: self.shown_status(),
            kind: deployment.origin.kind,
            trigger: deployment.origin.trigger.clone(),
            branch: deployment.artifact.branch.clone(),
            docker_image: deployment.artifact.image.clone(),
            commit_sha: known(&deployment.artifact.commit_sha),
            is_restart: deployment.origin.is_restart(),
            by_call: deployment.origin.by_call,
            cancelled: self.is_cancelled(),
            created: deployment.created.since_start(),
            created_at: clock.rfc3339(deployment.created),
            started_at: self.started().map(|at| clock.rfc3339(at)),
            finished_at: self.ended().map(|at| clock.rfc3339(at)),
        }
    }

    /// A cancel call was accepted for it.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.deployment.bent.skipped.is_some() || self.deployment.bent.cancel.is_some()
    }
}

/// A deployment as a test sees it.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Its id.
    pub id: String,
    /// The status field as the API would answer it now.
    pub status: Option<String>,
    /// Manual or automatic.
    pub kind: DeploymentType,
    /// The `trigger` field.
    pub trigger: Option<String>,
    /// Branch; `None` for an image.
    pub branch: Option<String>,
    /// Image; for a git application the one it builds.
    pub docker_image: Option<String>,
    /// Commit, if readable now.
    pub commit_sha: Option<String>,
    /// Whether the trigger asked for a restart.
    pub is_restart: bool,
    /// Made by a call, not by history or [`crate::Simulator::add_deployment`].
    pub by_call: bool,
    /// A cancel call was accepted for it.
    pub cancelled: bool,
    /// Creation, since the simulator's start; zero for history.
    pub created: Duration,
    /// Creation, as the API writes it.
    pub created_at: String,
    /// Start of the run.
    pub started_at: Option<String>,
    /// The end.
    pub finished_at: Option<String>,
}
