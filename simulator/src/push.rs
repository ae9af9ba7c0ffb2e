//! Pushes to a repository.

use std::time::Duration;

use crate::script::Script;

/// A push: by default at once, to the default branch of each service it
/// deploys, with a random commit.
#[derive(Debug, Clone, Default)]
pub struct Push {
    pub(crate) branch: Option<String>,
    pub(crate) commit_sha: Option<String>,
    pub(crate) commit_message: Option<String>,
    pub(crate) author: Option<String>,
    pub(crate) delay: Duration,
    pub(crate) script: Option<Script>,
    pub(crate) filtered: Vec<String>,
    pub(crate) leaves_no_record: bool,
}

impl Push {
    /// As described above.
    pub fn new() -> Self {
        Self::default()
    }

    /// A push to this branch.
    pub fn to(branch: impl Into<String>) -> Self {
        Self {
            branch: Some(branch.into()),
            ..Self::default()
        }
    }

    /// The commit pushed.
    #[must_use]
    pub fn commit_sha(mut self, sha: impl Into<String>) -> Self {
        self.commit_sha = Some(sha.into());
        self
    }

    /// The commit's message.
    #[must_use]
    pub fn commit_message(mut self, message: impl Into<String>) -> Self {
        self.commit_message = Some(message.into());
        self
    }

    /// Login of the commit's author.
    #[must_use]
    pub fn author(mut self, login: impl Into<String>) -> Self {
        self.author = Some(login.into());
        self
    }

    /// How long from now the deployments are created.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// What the deployments do, instead of the services' own scripts.
    #[must_use]
    pub fn script(mut self, script: Script) -> Self {
        self.script = Some(script);
        self
    }

    /// Changes no file that the path filters of this service let through: the
    /// push leaves a deployment with status `skipped` there, with its commit
    /// and message.
    #[must_use]
    pub fn filtered_out(mut self, service: impl Into<String>) -> Self {
        self.filtered.push(service.into());
        self
    }

    /// Leaves no deployment where it is [filtered out](Self::filtered_out).
    #[must_use]
    pub fn without_record(mut self) -> Self {
        self.leaves_no_record = true;
        self
    }

    /// What a deployment of it does: its own script, or else the service's,
    /// with the commit pushed.
    pub(crate) fn course(&self, service: &str, own: impl FnOnce() -> Script) -> Script {
        let mut script = if self.is_filtered(service) {
            Script::filtered_out()
        } else {
            self.script.clone().unwrap_or_else(own)
        };
        for (told, known) in [
            (&self.commit_sha, &mut script.commit_sha),
            (&self.commit_message, &mut script.commit_message),
            (&self.author, &mut script.author),
        ] {
            if told.is_some() {
                known.clone_from(told);
            }
        }
        script
    }

    pub(crate) fn is_filtered(&self, service: &str) -> bool {
        let mut filtered = self.filtered.iter();
        filtered.any(|id| id.eq_ignore_ascii_case(service))
    }
}
