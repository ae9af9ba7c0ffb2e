//! [`Findings`]: what the doctor says of the set-up, one line for each check.

use std::time::Duration;

use tokio::time::Instant;

use super::bounds::LONGEST_LINE;
use super::reader::{MOST_REQUESTS, TimeLimit};
use crate::messages::Failure;
use crate::outcome::Outcome;
use crate::sevalla::{ApiError, ApiErrorKind};
use crate::text::truncate::beginning;

/// How grave it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gravity {
    /// As it should be.
    Fine,
    /// It may do harm.
    Doubt,
    /// A run would fail of this.
    Wrong(Failure),
}

impl Gravity {
    const fn word(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Doubt => "warning",
            Self::Wrong(_) => "problem",
        }
    }
}

/// One line.
#[derive(Debug)]
pub(crate) struct CheckLine {
    topic: &'static str,
    gravity: Gravity,
    text: String,
    fix: Option<String>,
}

/// The longest texts that are joined to one line of 80 columns, the time included.
const JOINED: usize = 47;

/// What failed, and why.
fn reason(outcome: &Outcome) -> String {
    let why = outcome.why.first().map_or("", String::as_str);
    format!("{}: {why}", outcome.headline)
}

/// All lines, in their order.
#[derive(Debug)]
pub(crate) struct Findings {
    lines: Vec<CheckLine>,
    time: TimeLimit,
}

impl Findings {
    /// None yet, of a checkup with this time.
    pub(crate) const fn new(time: TimeLimit) -> Self {
        let lines = Vec::new();
        Self { lines, time }
    }

    /// How much of the time is left.
    pub(crate) fn time_left(&self) -> Duration {
        self.time.end.saturating_duration_since(Instant::now())
    }

    fn add(&mut self, topic: &'static str, gravity: Gravity, text: &str, fix: Option<String>) {
        self.lines.push(CheckLine {
            topic,
            gravity,
            text: beginning(text, LONGEST_LINE).to_owned(),
            fix,
        });
    }

    pub(crate) fn fine(&mut self, topic: &'static str, text: impl Into<String>) {
        self.add(topic, Gravity::Fine, &text.into(), None);
    }

    pub(crate) fn doubt(
        &mut self,
        topic: &'static str,
        text: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.add(topic, Gravity::Doubt, &text.into(), Some(fix.into()));
    }

    pub(crate) fn wrong(
        &mut self,
        topic: &'static str,
        failure: Failure,
        text: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let gravity = Gravity::Wrong(failure);
        self.add(topic, gravity, &text.into(), Some(fix.into()));
    }

    /// A request that failed: a problem, with what a run would say. The limits of
    /// a checkup are not those of a run.
    pub(crate) fn failed(&mut self, topic: &'static str, error: &ApiError) {
        match error.cause {
            ApiErrorKind::NoTime if error.attempts == 0 => return self.beyond_requests(topic),
            ApiErrorKind::NoTime => return self.beyond_time(topic),
            _ => {}
        }
        let hint = Outcome::of_api_error(error).hint;
        self.refused(topic, error, hint.unwrap_or_default());
    }

    /// A request that failed, with a fix that is closer to the cause.
    pub(crate) fn failed_with_fix(&mut self, topic: &'static str, error: &ApiError, fix: String) {
        match error.cause {
            ApiErrorKind::NoTime => self.failed(topic, error),
            _ => self.refused(topic, error, fix),
        }
    }

    fn refused(&mut self, topic: &'static str, error: &ApiError, fix: String) {
        let outcome = Outcome::of_api_error(error);
        let failure = outcome.failure().unwrap_or(Failure::NoConnection);
        self.wrong(topic, failure, reason(&outcome), fix);
    }

    /// A request that failed, without which a run works.
    pub(crate) fn unread(&mut self, topic: &'static str, error: &ApiError) {
        if matches!(error.cause, ApiErrorKind::NoTime) {
            return self.failed(topic, error);
        }
        let outcome = Outcome::of_api_error(error);
        let text = format!("could not be read: {}", reason(&outcome));
        let fix = outcome.hint;
        let fix = fix.unwrap_or_else(|| "Run the doctor again later".to_owned());
        self.doubt(topic, text, fix);
    }

    /// What no request was left for.
    pub(crate) fn beyond_requests(&mut self, topic: &'static str) {
        self.doubt(
            topic,
            format!("not checked: the {MOST_REQUESTS} requests of a checkup were used up"),
            "Run the doctor again with fewer ids, and without names",
        );
    }

    /// What no time was left for, because the responses were slow.
    pub(crate) fn beyond_time(&mut self, topic: &'static str) {
        let seconds = self.time.reads.as_millis().div_ceil(1000);
        self.wrong(
            topic,
            Failure::NoConnection,
            format!("not checked: Sevalla responded too slowly for the {seconds} s of its checks"),
            self.later(),
        );
    }

    /// What no time was left for, which is no fault of Sevalla's.
    pub(crate) fn too_late(&mut self, topic: &'static str) {
        let fix = self.later();
        self.doubt(topic, "not checked: no time was left in this checkup", fix);
    }

    fn later(&self) -> &'static str {
        if self.time.is_cut {
            "Set timeout to 20s or more; a checkup takes no longer"
        } else {
            "Run the doctor again later. If it stays slow, check the network and the proxy"
        }
    }

    /// Whether a topic has a line already.
    pub(crate) fn has(&self, topic: &str) -> bool {
        self.lines.iter().any(|finding| finding.topic == topic)
    }

    /// The lines for people, and the fix of each below it. What is fine of two
    /// services is one line, if it fits.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let mut shown: Vec<(&CheckLine, String)> = Vec::new();
        for line in &self.lines {
            let is_alike = |other: &CheckLine| {
                let are_fine = [line, other].iter().all(|one| one.gravity == Gravity::Fine);
                are_fine && other.topic == line.topic
            };
            let joined = shown.iter_mut().find_map(|(other, text)| {
                let fits = text.chars().count() + line.text.chars().count() <= JOINED;
                let is_same = *text == line.text;
                (is_alike(other) && (is_same || fits)).then_some((text, is_same))
            });
            match joined {
                Some((_, true)) => {}
                Some((text, false)) => *text = format!("{text} / {}", line.text),
                None => shown.push((line, line.text.clone())),
            }
        }
        shown.into_iter().flat_map(|(line, text)| {
            let word = line.gravity.word();
            let fix = line.fix.as_ref();
            let fix = fix.map(|fix| format!("{:<20}Fix: {fix}", ""));
            let line = format!("{word:<8}{:<12}{text}", line.topic);
            [Some(line), fix].into_iter().flatten()
        })
    }

    /// What the run comes to: the first problem decides.
    pub(crate) fn outcome(&self) -> Outcome {
        let wrong = self
            .lines
            .iter()
            .filter_map(|finding| match finding.gravity {
                Gravity::Wrong(failure) => Some((failure, finding)),
                _ => None,
            });
        let wrong: Vec<(Failure, &CheckLine)> = wrong.collect();
        let doubts = self
            .lines
            .iter()
            .filter(|finding| finding.gravity == Gravity::Doubt);
        let Some((failure, first)) = wrong.first() else {
            return match doubts.count() {
                0 => Outcome::success("The set-up is right"),
                doubts => Outcome::success(format!("The set-up works; warnings: {doubts}")),
            };
        };
        let headline = format!("The set-up has problems: {}", wrong.len());
        let mut outcome = Outcome::of(*failure, headline);
        outcome.why = wrong
            .iter()
            .map(|(_, finding)| format!("{}: {}", finding.topic, finding.text))
            .collect();
        outcome.hint(first.fix.clone().unwrap_or_default())
    }
}
