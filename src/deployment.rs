//! The words of the domain: services, deployments, their states, log lines.
//!
//! No serde and no I/O here. What the service says is turned into these words
//! by [`crate::sevalla`]; everything after that speaks only them.

use std::fmt;
use std::ops::Deref;

use jiff::Timestamp;
use uuid::Uuid;

use crate::lenient_json::Unreadable;

/// What kind of service is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceKind {
    /// A process-running application, built from git or an image.
    Application,
    /// A static site, built from git and served from the edge.
    StaticSite,
}

impl ServiceKind {
    /// The kind in a sentence.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::StaticSite => "static site",
        }
    }

    /// The kind in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::StaticSite => "static-site",
        }
    }

    /// The kind at the beginning of a line.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Application => "Application",
            Self::StaticSite => "Static site",
        }
    }
}

/// A service on Sevalla: its kind and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Service {
    /// Application or static site.
    pub kind: ServiceKind,
    /// The id, as in the paths of the API.
    pub id: Uuid,
}

impl Service {
    /// The application `id`.
    pub const fn application(id: Uuid) -> Self {
        Self {
            kind: ServiceKind::Application,
            id,
        }
    }

    /// The static site `id`.
    pub const fn static_site(id: Uuid) -> Self {
        Self {
            kind: ServiceKind::StaticSite,
            id,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.noun(), self.id)
    }
}

/// The longest id that is taken, in bytes; those of the service have 36.
pub const LONGEST_ID: usize = 200;

/// The id of a deployment. Text rather than a UUID: it comes from the service,
/// and one that looks odd is still the only handle we have on what was started.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeploymentId(pub String);

/// How the name begins that is shown for a deployment without a readable id. No
/// id of the service has spaces.
const UNREADABLE: &str = "unreadable entry ";

impl DeploymentId {
    /// An id that can stand in a path. Empty or of dots it would lead to another
    /// one, also with line ends or tabs between the dots, which addresses lose.
    pub fn usable(id: String) -> Option<Self> {
        let is_usable = !matches!(id.as_str(), "" | "." | "..")
            && id.len() <= LONGEST_ID
            && !id.contains(char::is_control);
        is_usable.then_some(Self(id))
    }

    /// Whether it is an id as the API documents it: a UUID with hyphens.
    pub fn is_uuid(&self) -> bool {
        self.0.len() == uuid::fmt::Hyphenated::LENGTH && self.0.parse::<Uuid>().is_ok()
    }
}

impl DeploymentId {
    /// Whether it is none: see [`Deployment::unreadable`].
    pub fn is_unreadable(&self) -> bool {
        self.0.starts_with(UNREADABLE)
    }
}

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The status word of a deployment. The set is open: the service has added
/// words before, so an unknown one is a value and never an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Queued; nothing runs yet.
    Waiting,
    /// Building, publishing or rolling out.
    InProgress,
    /// Ended well.
    Success,
    /// Ended badly.
    Failed,
    /// Stopped after it had started.
    Cancelled,
    /// Ended without ever having run.
    Skipped,
    /// A word this program does not know.
    Other(String),
    /// The service gave no status (`null` or no such field).
    Absent,
}

impl Status {
    /// Reads the service's word; `None` stands for `null`.
    pub fn from_word(word: Option<&str>) -> Self {
        match word {
            None => Self::Absent,
            Some("waiting") => Self::Waiting,
            Some("inProgress") => Self::InProgress,
            Some("success") => Self::Success,
            Some("failed") => Self::Failed,
            Some("cancelled") => Self::Cancelled,
            Some("skipped") => Self::Skipped,
            Some(other) => Self::Other(other.to_owned()),
        }
    }

    /// The status in words that complete "it is".
    pub fn in_words(&self) -> &str {
        match self {
            Self::Waiting => "waiting in the queue",
            Self::InProgress => "running",
            Self::Absent => "without a status",
            other => other.word(),
        }
    }

    /// The word, as the service writes it; `None` where it gave none.
    pub fn reported(&self) -> Option<&str> {
        (*self != Self::Absent).then(|| self.word())
    }

    /// The status in a sentence that says how the deployment ended.
    pub fn word(&self) -> &str {
        match self {
            Self::Waiting => "waiting",
            Self::InProgress => "inProgress",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
            Self::Other(word) => word,
            Self::Absent => "without a status",
        }
    }

    /// How the deployment ended, if this word says that it has.
    pub const fn verdict(&self) -> Option<Verdict> {
        match self {
            Self::Success => Some(Verdict::Success),
            Self::Failed => Some(Verdict::Failed),
            Self::Cancelled => Some(Verdict::Cancelled),
            Self::Skipped => Some(Verdict::Skipped),
            Self::Waiting | Self::InProgress | Self::Other(_) | Self::Absent => None,
        }
    }
}

/// How a deployment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is live.
    Success,
    /// It failed; the previous version is still live.
    Failed,
    /// It was stopped while it ran.
    Cancelled,
    /// It never ran.
    Skipped,
}

/// Who asked for a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A person or a call of the API.
    Manual,
    /// A push or a webhook.
    Automatic,
    /// The service did not say, or said something new.
    Unknown,
}

/// One deployment, as last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// Its status when it was read.
    pub status: Status,
    /// Who asked for it.
    pub origin: Origin,
    /// The service's word for the action that started it, such as `RESTART`.
    pub trigger: Option<String>,
    /// The branch it was built from.
    pub branch: Option<String>,
    /// The image it used or made.
    pub docker_image: Option<String>,
    /// The commit it was built from; unknown until the service fills it in.
    pub commit_sha: Option<String>,
    /// The commit's message. Text of strangers.
    pub commit_message: Option<String>,
    /// Why the build failed; only static sites, and only from the list.
    pub build_error: Option<String>,
    /// When it was asked for, by the service's clock.
    pub created_at: Option<Timestamp>,
    /// When it left the queue, by the service's clock.
    pub started_at: Option<Timestamp>,
    /// When it ended, by the service's clock.
    pub finished_at: Option<Timestamp>,
    /// Whether its plan has a build; a restart, a rollback and a promotion take
    /// what was built before. `None` where the service does not report it.
    pub is_built: Option<bool>,
    /// Whether it only shows a pull request; never live at the service's own
    /// address. Static sites alone have these among their deployments.
    pub is_preview: bool,
}

/// A deployment that has ended. Only [`Deployment::ended`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedDeployment {
    deployment: Deployment,
    verdict: Verdict,
}

impl EndedDeployment {
    /// How it ended.
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Adds why the build failed, if that is known.
    #[must_use]
    pub fn with_build_error(mut self, error: Option<String>) -> Self {
        self.deployment.build_error = error;
        self
    }
}

impl Deref for EndedDeployment {
    type Target = Deployment;

    fn deref(&self) -> &Deployment {
        &self.deployment
    }
}

impl Deployment {
    /// This deployment, if its status says that it has ended.
    pub fn ended(&self) -> Option<EndedDeployment> {
        let verdict = self.status.verdict()?;
        let deployment = self.clone();
        Some(EndedDeployment {
            deployment,
            verdict,
        })
    }

    /// A deployment of which nothing but the id is known yet.
    pub const fn only_its_id(id: DeploymentId) -> Self {
        Self {
            id,
            status: Status::Absent,
            origin: Origin::Unknown,
            trigger: None,
            branch: None,
            docker_image: None,
            commit_sha: None,
            commit_message: None,
            build_error: None,
            created_at: None,
            started_at: None,
            finished_at: None,
            is_built: None,
            is_preview: false,
        }
    }

    /// Stands for an entry of a list that cannot be read, not even its id. The
    /// same entry gives the same deployment.
    pub fn unreadable(entry: &Unreadable) -> Self {
        Self::only_its_id(DeploymentId(format!("{UNREADABLE}{entry}")))
    }

    /// Whether it is only known that there is one.
    pub fn is_unreadable(&self) -> bool {
        self.id.is_unreadable()
    }

    /// What it is made from: branch and commit, or image.
    pub fn made_from(&self) -> Option<String> {
        let commit = self.commit_sha.as_deref().map(short);
        match (&self.branch, commit, &self.docker_image) {
            (Some(branch), Some(commit), _) => Some(format!("{branch} at {commit}")),
            (Some(branch), None, _) => Some(branch.clone()),
            (None, Some(commit), _) => Some(format!("commit {commit}")),
            (None, None, Some(image)) => Some(image.clone()),
            (None, None, None) => None,
        }
    }

    /// Its id, what it is made from, and when it ended or was asked for.
    pub fn summary(&self) -> String {
        let source = self.made_from().map(|source| format!("{source}, "));
        let time = self.finished_at.or(self.created_at);
        let time = time.map(|time| format!(" of {time:.0}"));
        let (source, time) = (source.unwrap_or_default(), time.unwrap_or_default());
        format!("{source}deployment {}{time}", self.id)
    }

    /// Seconds from being asked for to leaving the queue, once it has left.
    pub fn queue_seconds(&self) -> Option<u64> {
        let started = self.started_at?;
        // What ended before it began has one wrong time, and nobody knows which.
        let may_be = self.finished_at.is_none_or(|finished| finished >= started);
        seconds_between(self.created_at?, started).filter(|_| may_be)
    }

    /// Seconds from leaving the queue to the end, once it has ended.
    pub fn run_seconds(&self) -> Option<u64> {
        seconds_between(self.started_at?, self.finished_at?)
    }
}

/// Whether two texts name the same commit: one may be the beginning of the
/// other, as git shortens it.
pub fn is_same_commit(one: &str, other: &str) -> bool {
    /// As many digits as git shows at least.
    const SHORTEST: usize = 7;
    let length = one.len().min(other.len());
    let beginnings = one.get(..length).zip(other.get(..length));
    length >= SHORTEST && beginnings.is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
}

/// A commit as people quote it. What is none stays whole: the beginning of a
/// secret would not be known as one.
pub(crate) fn short(commit: &str) -> &str {
    let is_commit = commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    commit.get(..9).filter(|_| is_commit).unwrap_or(commit)
}

/// A time that cannot be is none: below zero, or longer than anybody waits.
fn seconds_between(from: Timestamp, to: Timestamp) -> Option<u64> {
    /// A week.
    const MOST: u64 = 7 * 24 * 3600;
    let seconds = u64::try_from(to.duration_since(from).as_secs()).ok();
    seconds.filter(|seconds| *seconds <= MOST)
}

/// One entry of a deployment's log. The text is written by strangers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The service's id of the entry; empty if it gave none.
    pub id: String,
    /// Microseconds since 1970, by the service's clock.
    pub at_micros: i64,
    /// The service's word for its weight, such as `INFO` or `ERROR`.
    pub severity: String,
    /// The text; may hold anything, line ends too.
    pub message: String,
}

/// What to deploy of an application.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeploySource {
    /// The branch to build; `None` is the application's default branch.
    pub branch: Option<String>,
    /// The image to run.
    pub docker_image: Option<String>,
    /// Take the last artifact again instead of building.
    pub restart: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_four_final_words_end_a_deployment() {
        for (word, verdict) in [
            (Some("success"), Some(Verdict::Success)),
            (Some("failed"), Some(Verdict::Failed)),
            (Some("cancelled"), Some(Verdict::Cancelled)),
            (Some("skipped"), Some(Verdict::Skipped)),
            (Some("waiting"), None),
            (Some("inProgress"), None),
            (Some("SUCCESS"), None),
            (Some("succeeded"), None),
            (Some(""), None),
            (None, None),
        ] {
            assert_eq!(Status::from_word(word).verdict(), verdict, "{word:?}");
        }
    }

    #[test]
    fn a_word_survives_the_way_through() {
        for word in [
            "waiting",
            "inProgress",
            "success",
            "failed",
            "cancelled",
            "skipped",
            "x",
        ] {
            assert_eq!(Status::from_word(Some(word)).word(), word);
            assert_eq!(Status::from_word(Some(word)).reported(), Some(word));
        }
        assert_eq!(Status::Absent.reported(), None);
        assert_eq!(Status::Absent.in_words(), "without a status");
    }

    #[test]
    fn a_time_that_cannot_be_is_left_out() {
        let at = |second| Timestamp::from_second(second).ok();
        for (created, started, finished, queue, run) in [
            (0, 5, Some(12), Some(5), Some(7)),
            (0, 5, None, Some(5), None),
            // It ended before it began, or began before it was asked for.
            (0, 5, Some(4), None, None),
            (10, 5, Some(12), None, Some(7)),
            // In a hundred years.
            (0, 4_000_000_000, None, None, None),
            (0, 5, Some(4_000_000_000), Some(5), None),
        ] {
            let deployment = Deployment {
                created_at: at(created),
                started_at: at(started),
                finished_at: finished.and_then(at),
                ..Deployment::only_its_id(DeploymentId("d".to_owned()))
            };
            let times = (deployment.queue_seconds(), deployment.run_seconds());
            assert_eq!(times, (queue, run), "{deployment:?}");
        }
    }
}
