//! A deployment written in advance, and a note of everything that is done with
//! it. All times are counted from the start of the watch.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use jiff::Timestamp;
use sevalla_deploy::deployment::{Deployment, DeploymentId, LogLine, Status, Verdict};
use sevalla_deploy::deployment_log::{LogDiagnosis, SanitizedEntry};
use sevalla_deploy::event::{EventKind, Phase};
use sevalla_deploy::follow::{DeploymentSource, FollowResult, Follower, LogMode};
use sevalla_deploy::http::TransportError;
use sevalla_deploy::sanitize::Sanitizer;
use sevalla_deploy::sevalla::operation::{
    GET_APPLICATION_DEPLOYMENT_LOGS, GET_DEPLOYMENT, Operation,
};
use sevalla_deploy::sevalla::{
    ApiError, ApiErrorKind, LOG_PAGE, LogWindow, REQUEST_TIMEOUT, Refusal,
};
use tokio::time::{Instant, sleep};

/// How long after the deadline a request of the real client may still take.
pub(crate) const LAST_REQUESTS: Duration = Duration::from_secs(5);

/// How long after the deadline a watch may end at the latest.
pub(crate) const LATEST_END: Duration = Duration::from_secs(10);

/// The longest wait between two looks that are answered.
pub(crate) const LONGEST_GAP: Duration = Duration::from_secs(10);

/// The start of the watch by the service's clock, in microseconds.
const START: i64 = 1_767_225_600_000_000;

/// The commit that every deployment here is built from.
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    Refused(u16),
    /// The same, with a `Retry-After` in seconds.
    AskedToWait(u16, u64),
    NotConnected,
    Untrusted,
    Broken,
    Undecodable,
    TooLarge,
    /// Nothing comes until the client gives up.
    Hangs,
}

impl Trouble {
    fn cause(self, limit: Duration) -> ApiErrorKind {
        let reason = "as written".to_owned();
        let refused = |status, retry_after| {
            ApiErrorKind::Refused(Box::new(Refusal {
                status,
                retry_after,
                ..Refusal::default()
            }))
        };
        match self {
            Self::Refused(status) => refused(status, None),
            Self::AskedToWait(status, wait) => refused(status, Some(secs(wait))),
            Self::NotConnected => ApiErrorKind::Transport(TransportError::NotConnected {
                reason,
                may_heal: true,
            }),
            Self::Untrusted => ApiErrorKind::Transport(TransportError::NotConnected {
                reason,
                may_heal: false,
            }),
            Self::Broken => ApiErrorKind::Transport(TransportError::Broken { reason }),
            Self::Undecodable => ApiErrorKind::Undecodable {
                status: 200,
                reason,
                request_id: None,
            },
            Self::TooLarge => ApiErrorKind::Transport(TransportError::TooLarge { limit: 1 }),
            Self::Hangs => ApiErrorKind::Transport(TransportError::TimedOut { limit }),
        }
    }
}

/// What a request gets: what is so when it is sent, or trouble.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Answer {
    after: Duration,
    trouble: Option<Trouble>,
}

impl Answer {
    pub(crate) const FINE: Self = Self {
        after: Duration::ZERO,
        trouble: None,
    };

    pub(crate) const fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }
}

impl From<Trouble> for Answer {
    fn from(trouble: Trouble) -> Self {
        Self {
            trouble: Some(trouble),
            ..Self::FINE
        }
    }
}

/// A request: its number among those of its kind, from zero, and its moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    pub(crate) nth: usize,
    pub(crate) at: Duration,
}

/// Which lines of a window a page holds, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    OldestFirst,
    NewestFirst,
    NewestAscending,
}

/// A line of the log. Its number is its place in [`Script::log`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    /// When it was written.
    pub(crate) at: Duration,
    /// When it can be read.
    pub(crate) readable: Duration,
}

impl Line {
    pub(crate) fn with_lag(at: Duration, lag: Duration) -> Self {
        Self {
            at,
            readable: at + lag,
        }
    }
}

type Answers = Box<dyn Fn(Request) -> Answer>;

/// What the service shows, and when.
pub(crate) struct Script {
    pub(crate) deadline: Duration,
    /// Status words and since when they hold; the first holds from the start.
    pub(crate) words: Vec<(Duration, Option<String>)>,
    /// Since when the commit is shown.
    pub(crate) commit: Duration,
    pub(crate) looks: Answers,
    pub(crate) reads: Answers,
    pub(crate) log: Vec<Line>,
    pub(crate) habit: Habit,
    /// The most lines a page can hold before it is too large.
    pub(crate) page: usize,
    /// Whether the service shows when the deployment ended.
    pub(crate) knows_its_end: bool,
}

impl Script {
    /// A deployment that shows these words, each from its second on.
    pub(crate) fn of(words: &[(u64, Option<&str>)]) -> Self {
        Self {
            deadline: secs(1800),
            words: words
                .iter()
                .map(|(since, word)| (secs(*since), word.map(str::to_owned)))
                .collect(),
            commit: Duration::ZERO,
            looks: Box::new(|_| Answer::FINE),
            reads: Box::new(|_| Answer::FINE),
            log: Vec::new(),
            habit: Habit::OldestFirst,
            page: usize::MAX,
            knows_its_end: false,
        }
    }

    /// A deployment that waits for three seconds, runs, and ends like this.
    pub(crate) fn ending(at: u64, word: &str) -> Self {
        Self::of(&[
            (0, Some("waiting")),
            (3, Some("inProgress")),
            (at, Some(word)),
        ])
    }

    /// A deployment that runs for ever.
    pub(crate) fn endless(deadline: u64) -> Self {
        Self::of(&[(0, Some("waiting")), (3, Some("inProgress"))]).until(deadline)
    }

    pub(crate) fn until(mut self, deadline: u64) -> Self {
        self.deadline = secs(deadline);
        self
    }

    pub(crate) fn looks<A: Into<Answer>>(mut self, looks: impl Fn(Request) -> A + 'static) -> Self {
        self.looks = Box::new(move |request| looks(request).into());
        self
    }

    pub(crate) fn reads<A: Into<Answer>>(mut self, reads: impl Fn(Request) -> A + 'static) -> Self {
        self.reads = Box::new(move |request| reads(request).into());
        self
    }

    pub(crate) fn log(mut self, log: impl IntoIterator<Item = Line>) -> Self {
        self.log = log.into_iter().collect();
        self
    }

    pub(crate) fn habit(mut self, habit: Habit) -> Self {
        self.habit = habit;
        self
    }

    pub(crate) fn page(mut self, page: usize) -> Self {
        self.page = page;
        self
    }

    fn deployment(&self, at: Duration) -> Deployment {
        let word = self
            .words
            .iter()
            .rev()
            .find(|(since, _)| *since <= at)
            .and_then(|(_, word)| word.as_deref());
        Deployment {
            status: Status::from_word(word),
            commit_sha: (self.commit <= at).then(|| COMMIT.to_owned()),
            created_at: Some(moment(Duration::ZERO)),
            finished_at: self.finished(at),
            ..Deployment::only_its_id(DeploymentId("deployment".to_owned()))
        }
    }

    fn finished(&self, at: Duration) -> Option<Timestamp> {
        let (since, word) = self.words.last()?;
        let is_end = Status::from_word(word.as_deref()).verdict().is_some();
        (self.knows_its_end && is_end && *since <= at).then(|| moment(*since))
    }

    fn line(&self, number: usize) -> LogLine {
        LogLine {
            id: format!("line-{number}"),
            at_micros: START + i64::try_from(self.log[number].at.as_micros()).unwrap(),
            severity: "INFO".to_owned(),
            message: number.to_string(),
        }
    }

    fn serve(&self, at: Duration, window: LogWindow) -> Option<Vec<LogLine>> {
        // The service takes times in milliseconds.
        let floor = |micros: i64| micros - micros.rem_euclid(1000);
        let to = window.to_micros.map_or(i64::MAX, floor);
        let from = floor(window.from_micros);
        let mut lines: Vec<LogLine> = (0..self.log.len())
            .filter(|number| self.log[*number].readable <= at)
            .map(|number| self.line(number))
            .filter(|line| (from..=to).contains(&line.at_micros))
            .collect();
        lines.sort_by_key(|line| line.at_micros);
        let limit = window.limit.min(LOG_PAGE);
        match self.habit {
            Habit::OldestFirst => lines.truncate(limit),
            Habit::NewestFirst => {
                lines.reverse();
                lines.truncate(limit);
            }
            Habit::NewestAscending => {
                lines.drain(..lines.len().saturating_sub(limit));
            }
        }
        (lines.len() <= self.page).then_some(lines)
    }
}

/// So long after the start, by the service's clock.
fn moment(after: Duration) -> Timestamp {
    let micros = START + i64::try_from(after.as_micros()).unwrap();
    Timestamp::from_microsecond(micros).unwrap()
}

/// A request that was made.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) at: Duration,
    /// When the answer came; `None` when the request was dropped.
    pub(crate) answered: Option<Duration>,
    pub(crate) failed: bool,
    /// The status that a look has shown.
    pub(crate) shown: Option<Status>,
    /// How many lines a reading asked for.
    pub(crate) limit: usize,
}

/// The service that follows a script.
pub(crate) struct Service {
    script: Script,
    start: Instant,
    looks: RefCell<Vec<Made>>,
    reads: RefCell<Vec<Made>>,
    open: Cell<usize>,
}

impl Service {
    pub(crate) fn new(script: Script) -> Self {
        Self {
            script,
            start: Instant::now(),
            looks: RefCell::default(),
            reads: RefCell::default(),
            open: Cell::new(0),
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// How many requests are under way.
    pub(crate) fn open(&self) -> usize {
        self.open.get()
    }

    /// How many requests were made.
    pub(crate) fn made(&self) -> usize {
        self.looks.borrow().len() + self.reads.borrow().len()
    }

    /// Follows the deployment; `tell` gets the events with their times.
    pub(crate) async fn follow(&self, reading: LogMode, tell: &dyn Fn(Told)) -> FollowResult {
        let note = |event: EventKind<'_>| match event {
            // For the time line only: nothing is said.
            EventKind::Begins(Phase::Log) | EventKind::Ends(Phase::Log, _) => {}
            event => tell(Told::new(self.now(), event)),
        };
        let deployment = self.script.deployment(Duration::ZERO);
        let deadline = self.start + self.script.deadline;
        let log = LogDiagnosis::new(Sanitizer::default());
        Follower::new(self, deployment, deadline, &log, &note)
            .reading(reading)
            .follow()
            .await
    }

    async fn answer<T>(
        &self,
        made: &RefCell<Vec<Made>>,
        operation: &'static Operation,
        limit: usize,
        answers: &Answers,
        serve: impl FnOnce(Duration) -> Result<T, Trouble>,
    ) -> Result<T, ApiError> {
        let _open = Open::new(&self.open);
        let at = self.now();
        let nth = made.borrow().len();
        made.borrow_mut().push(Made {
            at,
            answered: None,
            failed: false,
            shown: None,
            limit,
        });
        let answer = answers(Request { nth, at });
        let bound = (self.script.deadline + LAST_REQUESTS).saturating_sub(at);
        let bound = bound.min(REQUEST_TIMEOUT);
        let hangs = answer.trouble == Some(Trouble::Hangs) || answer.after >= bound;
        let result = if bound.is_zero() {
            Err(ApiErrorKind::NoTime)
        } else if hangs {
            sleep(bound).await;
            Err(Trouble::Hangs.cause(bound))
        } else {
            if !answer.after.is_zero() {
                sleep(answer.after).await;
            }
            answer
                .trouble
                .map_or_else(|| serve(at), Err)
                .map_err(|trouble| trouble.cause(bound))
        };
        let made = &mut made.borrow_mut()[nth];
        made.answered = Some(self.now());
        made.failed = result.is_err();
        result.map_err(|cause| ApiError {
            operation,
            path: operation.path.to_owned(),
            cause,
            attempts: 1,
            elapsed: self.now() - at,
        })
    }
}

impl DeploymentSource for Service {
    async fn look(&self) -> Result<Deployment, ApiError> {
        let script = &self.script;
        let serve = |at| Ok(script.deployment(at));
        let seen = self
            .answer(&self.looks, &GET_DEPLOYMENT, 0, &script.looks, serve)
            .await?;
        if let Some(made) = self.looks.borrow_mut().last_mut() {
            made.shown = Some(seen.status.clone());
        }
        Ok(seen)
    }

    async fn read_log(&self, window: LogWindow) -> Result<Vec<LogLine>, ApiError> {
        let script = &self.script;
        let operation = &GET_APPLICATION_DEPLOYMENT_LOGS;
        let serve = |at| script.serve(at, window).ok_or(Trouble::TooLarge);
        self.answer(&self.reads, operation, window.limit, &script.reads, serve)
            .await
    }
}

/// Counts a request while it is under way.
struct Open<'a>(&'a Cell<usize>);

impl<'a> Open<'a> {
    fn new(open: &'a Cell<usize>) -> Self {
        open.set(open.get() + 1);
        Self(open)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// An event, and when it was told.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) at: Duration,
    pub(crate) what: What,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    Seen(Status, Option<String>),
    StillWaiting(Duration),
    Retrying(ApiError, Duration),
    Log(Vec<SanitizedEntry>),
    LogUnavailable,
    LogIncomplete,
    Note,
}

impl Told {
    fn new(at: Duration, event: EventKind<'_>) -> Self {
        let what = match event {
            EventKind::Seen(seen) => What::Seen(seen.status.clone(), seen.commit_sha.clone()),
            EventKind::StillWaiting(_, elapsed, _) => What::StillWaiting(elapsed),
            EventKind::Retrying(error, wait) => What::Retrying(error.clone(), wait),
            EventKind::Log(lines) => What::Log(lines.to_vec()),
            EventKind::LogUnavailable(_) => What::LogUnavailable,
            EventKind::LogIncomplete | EventKind::LogGap { .. } => What::LogIncomplete,
            EventKind::Note(_) => What::Note,
            other => panic!("a watch does not tell {other:?}"),
        };
        Self { at, what }
    }
}

/// A watch from its start to its end.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) ended: FollowResult,
    pub(crate) took: Duration,
    pub(crate) told: Vec<Told>,
    pub(crate) looks: Vec<Made>,
    pub(crate) reads: Vec<Made>,
}

/// Follows a script to its end.
pub(crate) async fn follow(script: Script, reading: LogMode) -> Run {
    let service = Service::new(script);
    let told = RefCell::new(Vec::new());
    let ended = service
        .follow(reading, &|event| told.borrow_mut().push(event))
        .await;
    Run {
        ended,
        took: service.now(),
        told: told.into_inner(),
        looks: service.looks.into_inner(),
        reads: service.reads.into_inner(),
    }
}

impl Run {
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        match &self.ended {
            FollowResult::Seen(ended) => Some(ended.verdict()),
            _ => None,
        }
    }

    /// The error of a deployment that was lost, and nothing else.
    pub(crate) fn lost_to(&self) -> &ApiError {
        match &self.ended {
            FollowResult::Lost { error, .. } => error,
            other => panic!("not lost: {other:?}"),
        }
    }

    /// When the last look was answered: the end was known then.
    pub(crate) fn known_at(&self) -> Duration {
        self.looks.last().unwrap().answered.unwrap()
    }

    /// The numbers of the lines told, in the order they were told.
    pub(crate) fn lines(&self) -> Vec<usize> {
        self.told
            .iter()
            .filter_map(|told| match &told.what {
                What::Log(lines) => Some(lines),
                _ => None,
            })
            .flatten()
            .map(|entry| entry.lines[0].as_str().parse().unwrap())
            .collect()
    }

    pub(crate) fn tells(&self, is_it: impl Fn(&What) -> bool) -> usize {
        self.told.iter().filter(|told| is_it(&told.what)).count()
    }

    pub(crate) fn tells_unavailable(&self) -> usize {
        self.tells(|what| matches!(what, What::LogUnavailable))
    }

    pub(crate) fn tells_incomplete(&self) -> usize {
        self.tells(|what| matches!(what, What::LogIncomplete))
    }

    /// The statuses told.
    pub(crate) fn seen(&self) -> Vec<&str> {
        let mut seen: Vec<&str> = self
            .told
            .iter()
            .filter_map(|told| match &told.what {
                What::Seen(status, _) => Some(status.word()),
                _ => None,
            })
            .collect();
        seen.dedup();
        seen
    }
}

/// The waits between requests, each from an answer to the next request.
pub(crate) fn waits(made: &[Made]) -> Vec<Duration> {
    made.windows(2)
        .map(|pair| pair[1].at - pair[0].answered.unwrap())
        .collect()
}
