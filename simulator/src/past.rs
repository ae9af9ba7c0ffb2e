//! Deployments older than the simulator.

use std::time::Duration;

use crate::ids;
use crate::script::{CommitKnown, Script};
use crate::status::{DeploymentType, Status};

/// A deployment in a service's history. Its fields are public so that it can
/// be written with struct update syntax; start from [`PastDeployment::default`].
#[derive(Debug, Clone)]
pub struct PastDeployment {
    /// Its id; random by default.
    pub id: String,
    /// How it ended.
    pub status: Status,
    /// How long before the simulator's start it was created.
    pub ago: Duration,
    /// How long it ran. It waited one second before.
    pub took: Duration,
    /// Who started it.
    pub kind: DeploymentType,
    /// The `trigger` field.
    pub trigger: Option<String>,
    /// Branch; the service's default branch when `None`.
    pub branch: Option<String>,
    /// Image, for an application that runs an image; the service's when `None`.
    pub docker_image: Option<String>,
    /// Commit.
    pub commit_sha: String,
    /// Message of the commit.
    pub commit_message: String,
    /// Login of the author.
    pub author: String,
    /// Generated log lines.
    pub log_lines: usize,
    /// Further log lines, in order.
    pub log: Vec<String>,
    /// `is_preview` of a static site's deployment.
    pub is_preview: bool,
}

impl Default for PastDeployment {
    fn default() -> Self {
        Self {
            id: ids::uuid(),
            status: Status::Success,
            ago: Duration::from_secs(24 * 3600),
            took: Duration::from_secs(90),
            kind: DeploymentType::Automatic,
            trigger: Some("AUTO_DEPLOY_ON_PUSH".to_owned()),
            branch: None,
            docker_image: None,
            commit_sha: ids::hex(40),
            commit_message: "Earlier work".to_owned(),
            author: "octocat".to_owned(),
            log_lines: 3,
            log: Vec::new(),
            is_preview: false,
        }
    }
}

impl PastDeployment {
    /// A deployment that ended well, one day ago.
    pub fn success() -> Self {
        Self::default()
    }

    /// A deployment that failed, one day ago.
    pub fn failed() -> Self {
        Self {
            status: Status::Failed,
            ..Self::default()
        }
    }

    /// Sets [`PastDeployment::id`].
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Sets [`PastDeployment::ago`].
    #[must_use]
    pub fn ago(mut self, ago: Duration) -> Self {
        self.ago = ago;
        self
    }

    /// Sets [`PastDeployment::commit_sha`].
    #[must_use]
    pub fn commit_sha(mut self, sha: impl Into<String>) -> Self {
        self.commit_sha = sha.into();
        self
    }

    /// Sets [`PastDeployment::branch`].
    #[must_use]
    pub fn branch(mut self, branch: impl Into<String>) -> Self {
        self.branch = Some(branch.into());
        self
    }

    /// Sets [`PastDeployment::docker_image`].
    #[must_use]
    pub fn docker_image(mut self, image: impl Into<String>) -> Self {
        self.docker_image = Some(image.into());
        self
    }

    /// Adds a line to [`PastDeployment::log`].
    #[must_use]
    pub fn log_line(mut self, message: impl Into<String>) -> Self {
        self.log.push(message.into());
        self
    }

    pub(crate) fn script(&self) -> Script {
        let mut script = Script::success()
            .queue(Duration::from_secs(1))
            .run(self.took)
            .commit_sha(self.commit_sha.clone())
            .commit_message(self.commit_message.clone())
            .author(self.author.clone())
            .commit_known(CommitKnown::AtStart)
            .generated_lines(self.log_lines);
        for (at, line) in (1..).zip(&self.log) {
            script = script.log_line(Duration::from_millis(at), "INFO", line);
        }
        script.outcome = self.status;
        match self.status {
            Status::Waiting => script.never_starts(),
            Status::InProgress => script.never_ends(),
            Status::Skipped => script
                .run(Duration::ZERO)
                .commit_known(CommitKnown::AtCreation),
            _ => script,
        }
    }
}
