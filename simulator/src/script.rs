//! What a deployment will do.

use std::time::Duration;

use serde_json::Value;

use crate::logs::Line;
use crate::status::Status;

/// When `commit_sha`, `commit_message` and the author become readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitKnown {
    /// With the answer to the trigger.
    AtCreation,
    /// When the run starts.
    AtStart,
    /// When the deployment has ended.
    AtEnd,
    /// They stay null.
    Never,
}

/// The course of one deployment.
#[derive(Debug, Clone)]
pub struct Script {
    pub(crate) queue: Duration,
    pub(crate) run: Duration,
    pub(crate) never_starts: bool,
    pub(crate) never_ends: bool,
    pub(crate) outcome: Status,
    pub(crate) overrides: Vec<(Duration, Option<String>)>,
    pub(crate) cancel_delay: Duration,
    pub(crate) commit_sha: Option<String>,
    pub(crate) commit_message: Option<String>,
    pub(crate) author: Option<String>,
    pub(crate) commit_known: Option<CommitKnown>,
    pub(crate) steps: Option<Vec<String>>,
    pub(crate) shown: Vec<(Duration, String, Value)>,
    pub(crate) build_error: Option<String>,
    pub(crate) lines: Vec<Line>,
    pub(crate) generated: usize,
    /// Skipped when it is created, whatever else waits or runs.
    pub(crate) is_filtered: bool,
}

impl Script {
    /// Ends `success` after 20 ms in the queue and 100 ms of running.
    pub fn success() -> Self {
        Self::ending(Status::Success)
    }

    /// As [`Script::success`], but ends `failed`.
    pub fn failed() -> Self {
        Self::ending(Status::Failed)
    }

    /// As [`Script::success`], but ends `cancelled`, by nobody's call.
    pub fn cancelled() -> Self {
        Self::ending(Status::Cancelled)
    }

    /// Ends `skipped` straight out of the queue. With [`Script::run`] it is
    /// `inProgress` in between.
    pub fn skipped() -> Self {
        Self::ending(Status::Skipped).run(Duration::ZERO)
    }

    /// Is `skipped` from the start and has its commit: a push that touches no
    /// path that deploys the service.
    pub fn filtered_out() -> Self {
        Self {
            is_filtered: true,
            ..Self::skipped().commit_known(CommitKnown::AtCreation)
        }
    }

    fn ending(outcome: Status) -> Self {
        Self {
            queue: Duration::from_millis(20),
            run: Duration::from_millis(100),
            never_starts: false,
            never_ends: false,
            outcome,
            overrides: Vec::new(),
            cancel_delay: Duration::from_millis(50),
            commit_sha: None,
            commit_message: None,
            author: None,
            commit_known: None,
            steps: None,
            shown: Vec::new(),
            build_error: None,
            lines: Vec::new(),
            generated: 0,
            is_filtered: false,
        }
    }

    /// Time spent `waiting` even if nothing else runs.
    #[must_use]
    pub fn queue(mut self, queue: Duration) -> Self {
        self.queue = queue;
        self
    }

    /// Time spent `inProgress`.
    #[must_use]
    pub fn run(mut self, run: Duration) -> Self {
        self.run = run;
        self
    }

    /// Stays `waiting` until cancelled.
    #[must_use]
    pub fn never_starts(mut self) -> Self {
        self.never_starts = true;
        self
    }

    /// Stays `inProgress` until cancelled, or ended by
    /// [`Simulator::end_deployment`](crate::Simulator::end_deployment). Generated lines are still spread
    /// over the time given to [`Script::run`].
    #[must_use]
    pub fn never_ends(mut self) -> Self {
        self.never_ends = true;
        self
    }

    /// From `offset` after the creation the status field reads `status`
    /// (`None` is null), until the next override or until the deployment's
    /// real status changes, whichever comes first.
    #[must_use]
    pub fn status_at(mut self, offset: Duration, status: Option<&str>) -> Self {
        self.overrides.push((offset, status.map(str::to_owned)));
        self
    }

    /// How long a running deployment takes to stop once cancelled.
    #[must_use]
    pub fn cancel_delay(mut self, delay: Duration) -> Self {
        self.cancel_delay = delay;
        self
    }

    /// The commit found on the branch; random without this.
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

    /// When the commit becomes readable; by default at the start of the run.
    #[must_use]
    pub fn commit_known(mut self, known: CommitKnown) -> Self {
        self.commit_known = Some(known);
        self
    }

    /// Replaces the steps that follow from the kind of deployment.
    #[must_use]
    pub fn steps<S: Into<String>>(mut self, steps: impl IntoIterator<Item = S>) -> Self {
        self.steps = Some(steps.into_iter().map(Into::into).collect());
        self
    }

    /// Every answer about it has this in this field, instead of what is so:
    /// another name of the image or the branch, another word, null.
    #[must_use]
    pub fn shows(self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.shows_after(Duration::ZERO, field, value)
    }

    /// The same from `offset` after the creation; what was given last wins.
    #[must_use]
    pub fn shows_after(
        mut self,
        offset: Duration,
        field: impl Into<String>,
        value: impl Into<Value>,
    ) -> Self {
        self.shown.push((offset, field.into(), value.into()));
        self
    }

    /// `build_error` of a static site's deployment, readable after its end.
    #[must_use]
    pub fn build_error(mut self, text: impl Into<String>) -> Self {
        self.build_error = Some(text.into());
        self
    }

    /// A log line at `offset` after the start of the run.
    #[must_use]
    pub fn log_line(
        mut self,
        offset: Duration,
        severity: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        self.lines
            .push(Line::new(offset, severity.into(), message.into()));
        self
    }

    /// `count` INFO lines `line 1 of count` and so on, spread over the run.
    #[must_use]
    pub fn generated_lines(mut self, count: usize) -> Self {
        self.generated = count;
        self
    }
}

impl Default for Script {
    fn default() -> Self {
        Self::success()
    }
}
