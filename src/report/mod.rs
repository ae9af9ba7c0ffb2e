//! Telling: what a run finds out goes in as [`Event`]s, and comes out as the
//! narrative, the outputs and the summary.
//!
//! Events sink here. Nothing in this module can change how a run ends.

mod activity;
mod causes;
pub mod comment;
pub mod diagnosis;
mod html;
mod json;
mod junit;
mod links;
mod log;
mod narrative;
mod output_file;
mod outputs;
mod picture;
pub mod records;
mod story;
mod summary;
pub mod timeline;
mod whole_file;

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

pub use self::causes::Cause;
use self::comment::CommentFacts;
pub use self::comment::News;
use self::html::Told;
use self::log::LogSink;
pub use self::log::{LARGEST_FILE, LONGEST_SHOWN, MOST_LINES_OF_AN_ENTRY, MOST_SHOWN};
pub use self::outputs::{LONGEST_VALUE, OUTPUTS};
use self::story::Story;
use self::timeline::{Phase, State};
use crate::ci::{Activity, Channel, Facts, Host, Level, Outputs, Tone};
use crate::code_host::Marker;
use crate::deployment::{Deployment, LogLine, Service, Status};
use crate::inputs::{Abandon, Logs};
use crate::messages::Warning;
use crate::outcome::{Ending, Outcome};
use crate::secret::Password;
use crate::sevalla::ApiError;
use crate::shown::{Block, Gate};
use crate::stop::Signal;
use crate::watch::pace::Estimate;
use crate::watch::past::Usual;

/// Something a run has found out.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// Something the user should know that does not stop the run.
    Warning(Warning, &'a str),
    /// Something the user should know.
    Note(&'a str),
    /// Something about one of several services.
    Of(Service, &'a Self),
    /// The preview app is known.
    PreviewApp {
        /// The application.
        app: Uuid,
        /// Its display name, if it has one.
        name: Option<&'a str>,
        /// Whether this run has made it.
        is_new: bool,
    },
    /// The service to deploy was read; its display name, if it has one.
    Target(Service, Option<&'a str>),
    /// A deployment was started, or found to have been.
    Started(Service, &'a Deployment),
    /// A deployment that somebody else has started was found.
    Found(Service, &'a Deployment),
    /// The deployment was seen with a new status or commit.
    Seen(&'a Deployment),
    /// How long deployments like the one that is followed usually take.
    Usual(&'a Usual),
    /// The rollback after a failure was started, or seen with a new status.
    RollingBack(&'a Deployment),
    /// Nothing new for a while; how long the run has watched, and what the past
    /// says.
    StillWaiting(&'a Deployment, Duration, Option<Estimate>),
    /// A request failed and is sent again after this wait.
    Retrying(&'a ApiError, Duration),
    /// New lines of the deployment's log, oldest first.
    Log(&'a [LogLine]),
    /// The log cannot be read any more.
    LogUnavailable(&'a ApiError),
    /// The log could not be read to its end in time.
    LogIncomplete,
    /// A signal asked the run to end.
    Stopping(Signal),
    /// Where the service can be visited.
    Url(&'a str),
    /// What was found, as one line of JSON.
    Result(&'a str),
    /// The database is known.
    Database {
        /// Its id.
        id: Uuid,
        /// Whether this run has made it, if it could have.
        is_new: Option<bool>,
    },
    /// A phase that is this run's own began.
    Begins(Phase),
    /// That phase ended like this. Without its beginning it means nothing.
    Ends(Phase, State),
    /// The password that was drawn, for whoever wants to know it.
    Password(&'a Password),
}

/// The files that the user wants written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// The complete log of the deployment.
    pub log: Option<PathBuf>,
    /// The run as JSON.
    pub report: Option<PathBuf>,
    /// The page about the run.
    pub page: Option<PathBuf>,
    /// The run as test cases, in the XML of `JUnit`.
    pub junit: Option<PathBuf>,
    /// The places at fault, as GitLab reads them.
    pub code_quality: Option<PathBuf>,
    /// The outputs.
    pub outputs: Option<PathBuf>,
    /// Links to what was deployed.
    pub links: Option<PathBuf>,
}

/// How a reporter is set up.
pub struct Setup {
    /// Where to tell.
    pub channel: Box<dyn Channel>,
    /// What every text passes.
    pub gate: Gate,
    /// The wall clock, for showing times only.
    pub clock: fn() -> Timestamp,
    /// What the CI told about the run.
    pub facts: Facts,
    /// The CI.
    pub host: Host,
}

/// Tells a run's events to the place it runs in.
pub struct Reporter(RefCell<Inner>);

struct Inner {
    channel: Box<dyn Channel>,
    gate: Gate,
    clock: fn() -> Timestamp,
    story: Story,
    host: Host,
    log: LogSink,
    files: Files,
    summary: bool,
    /// What Ctrl-C does to a deployment, for somebody who watches.
    interrupt: &'static str,
}

impl Reporter {
    /// A reporter that shows no log and writes a summary, until told otherwise.
    pub fn new(setup: Setup) -> Self {
        Self(RefCell::new(Inner {
            channel: setup.channel,
            gate: setup.gate,
            clock: setup.clock,
            story: Story::new(setup.facts, (setup.clock)()),
            host: setup.host,
            log: LogSink::default(),
            files: Files::default(),
            summary: true,
            interrupt: "",
        }))
    }

    /// Sets what is known before anything is judged: the action, in the word
    /// of the input, and the files that tell of every run, however it ends.
    pub fn expect(&self, action: Option<&'static str>, files: &Files) {
        let mut inner = self.0.borrow_mut();
        inner.story.action = action;
        inner.files = Files {
            log: None,
            ..files.clone()
        };
    }

    /// Sets what the user wants to see.
    pub fn show(&self, logs: Logs, files: &Files, summary: bool) {
        let mut inner = self.0.borrow_mut();
        inner.summary = summary;
        inner.log = LogSink::new(logs, files.log.clone(), files.page.as_deref());
        inner.files = files.clone();
        let troubles: Vec<String> = inner.log.troubles().collect();
        for trouble in &troubles {
            inner.on(Event::Warning(Warning::LogFileNotWritten, trouble));
        }
    }

    /// Sets what becomes of a deployment when the run is interrupted.
    pub fn explain_interrupt(&self, then: Abandon) {
        self.0.borrow_mut().interrupt = match then {
            Abandon::Cancel => "Ctrl-C cancels the deployment",
            Abandon::Leave => "Ctrl-C ends this, the deployment goes on",
        };
    }

    /// Asks the CI to hide these values. Before anything that may hold them.
    pub fn mask<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) {
        let mut inner = self.0.borrow_mut();
        secrets
            .into_iter()
            .for_each(|secret| inner.channel.mask(secret));
    }

    /// Takes in one event.
    pub fn on(&self, event: Event<'_>) {
        self.0.borrow_mut().on(event);
    }

    /// The comment on a pull request, from what is known so far.
    pub fn comment(&self, marker: &Marker, news: &News<'_>) -> Block {
        self.0.borrow().comment(marker, news)
    }

    /// Tells how the run ended, and gives the outputs and the summary.
    pub fn finish(&self, outcome: &Outcome) {
        self.0.borrow_mut().finish(outcome);
    }
}

impl Inner {
    fn on(&mut self, event: Event<'_>) {
        self.story.take_in(event);
        let (service, event) = match event {
            Event::Of(service, event) => (Some(service), *event),
            event => (None, event),
        };
        let label = service.map(|service| self.story.name_of(service));
        if let Event::Log(lines) = event {
            let label = label.as_deref();
            return self
                .log
                .take(service, label, lines, &self.gate, self.channel.as_mut());
        }
        if let Event::LogUnavailable(_) | Event::LogIncomplete = event {
            self.log.is_incomplete();
        }
        let is_live = self.channel.is_live();
        // Where a live line goes on, nothing new is no news.
        if !(is_live && matches!(event, Event::StillWaiting(..))) {
            for line in narrative::tell(event) {
                match &label {
                    Some(label) => self.say(tone(event), &format!("{label}: {line}")),
                    None => self.say(tone(event), &line),
                }
            }
        }
        if is_live && let Some((text, left)) = activity::after(event, &self.story) {
            self.channel.live(&Activity {
                text: self.gate.line(&text),
                left,
                interrupt: self.interrupt,
            });
        }
        if let Event::Warning(warning, text) = event {
            self.mark(warning, text);
        }
    }

    fn warn(&mut self, warning: Warning, text: &str) {
        self.say(Tone::Warning, &narrative::warned(warning, text));
        self.mark(warning, text);
    }

    fn mark(&mut self, warning: Warning, text: &str) {
        let title = self
            .gate
            .line(&format!("sevalla-deploy: {}", warning.slug()));
        self.channel
            .annotate(Level::Warning, &title, &self.gate.block(text), None);
    }

    fn finish(&mut self, outcome: &Outcome) {
        self.channel.settle();
        let outcome = &self.bounded(outcome);
        if !outcome.ending().was_followed() {
            self.log.leave_out();
        }
        let trouble = self
            .log
            .close(outcome.is_good(), &self.gate, self.channel.as_mut());
        let causes = self.causes_of(outcome);
        self.conclude(outcome, &causes);
        if let Err(problem) = &trouble {
            self.story
                .take_in(Event::Warning(Warning::LogFileNotWritten, problem));
        }
        self.write(outcome, &causes, trouble);
    }

    /// Tells how the run ended, and marks it and the places at fault.
    fn conclude(&mut self, outcome: &Outcome, causes: &[Cause]) {
        for (at, line) in narrative::conclude(outcome, causes, &self.story)
            .iter()
            .enumerate()
        {
            let tone = match (at, outcome.is_good()) {
                (0, true) => Tone::Good,
                (0, false) => Tone::Error,
                _ => Tone::Plain,
            };
            self.say(tone, line);
        }
        if !outcome.is_good() {
            let title = self.gate.line(&outcome.headline);
            let message = self.gate.block(&narrative::cause(outcome, causes));
            self.channel.annotate(Level::Error, &title, &message, None);
            self.mark_places(causes);
        }
    }

    /// Writes everything that is not told line by line; `log` is what became of
    /// the log's file. What cannot be written is a warning.
    fn write(&mut self, outcome: &Outcome, causes: &[Cause], log: Result<(), String>) {
        let report = self.write_report(outcome, causes);
        let junit = self.write_junit(outcome, causes);
        let quality = self.write_code_quality(causes);
        let outputs: Vec<_> = outputs::of(outcome, causes, &self.story)
            .into_iter()
            .map(|(name, text)| (name, self.output(name, &text)))
            .collect();
        let file = self.write_outputs(&outputs);
        let links = self.write_links();
        let outputs = self.give(&outputs);
        let summary = self.summarize(outcome, causes);
        let page = self.write_page(outcome, causes);
        for (warning, written) in [
            (Warning::LogFileNotWritten, log),
            (Warning::ReportNotWritten, report),
            (Warning::ReportNotWritten, junit),
            (Warning::ReportNotWritten, quality),
            (Warning::ReportNotWritten, file),
            (Warning::ReportNotWritten, links),
            (Warning::OutputsNotWritten, outputs),
            (Warning::SummaryNotWritten, summary),
            (Warning::ReportNotWritten, page),
        ] {
            if let Err(problem) = written {
                let text = format!("{problem}. The result of the run stays as it is.");
                self.warn(warning, &text);
            }
        }
    }

    /// What the logs tell of why the run did not end well.
    fn causes_of(&self, outcome: &Outcome) -> Vec<Cause> {
        match outcome.ending() {
            Ending::Failed => self.causes(false),
            Ending::Unverified => self.causes(true),
            _ => Vec::new(),
        }
    }

    /// The same for each deployment that failed, and for one that succeeded and
    /// does not work.
    fn causes(&self, is_unverified: bool) -> Vec<Cause> {
        let own =
            std::iter::once((None, self.story.one())).filter(|_| self.story.targets.is_empty());
        let targets = self.story.targets.iter().map(|tale| (tale.service, tale));
        let tales: Vec<_> = own.chain(targets).collect();
        let is_one = tales.len() == 1;
        let cause = |(service, tale): &(Option<Service>, &story::Tale)| {
            let diagnosis = self.log.diagnosis(*service)?;
            let digest = match tale.deployment.as_ref()?.status {
                Status::Failed => diagnosis.digest(),
                Status::Success if is_unverified && is_one => diagnosis.digest_of_run(),
                _ => return None,
            };
            let target = tale.target().filter(|_| !is_one);
            Some(Cause { target, digest }).filter(|cause| !cause.digest.is_empty())
        };
        tales.iter().filter_map(cause).collect()
    }

    /// Marks the places of the repository that the logs name.
    fn mark_places(&mut self, causes: &[Cause]) {
        for (title, text, place) in causes::at_places(causes) {
            let (title, text) = (self.gate.line(title), self.gate.block(&text));
            self.channel
                .annotate(Level::Error, &title, &text, Some(place));
        }
    }

    fn write_code_quality(&self, causes: &[Cause]) -> Result<(), String> {
        let Some(path) = &self.files.code_quality else {
            return Ok(());
        };
        let report = self.gate.block(&causes::code_quality(causes));
        whole_file::write(path, "The report of code quality", &report)
    }

    /// The value of an output as it goes out.
    fn output(&self, name: &str, text: &str) -> Block {
        match name {
            // The one secret that goes out, and only when that was asked for.
            "database-password" => Gate::default().block(text),
            // Half of it would be no JSON.
            "result" if text.len() > LONGEST_VALUE => Block::default(),
            "result" => self.gate.json(text),
            _ => {
                let text = self.gate.block(text);
                self.gate
                    .block(log::beginning(text.as_str(), LONGEST_VALUE))
            }
        }
    }

    /// Gives the outputs to the CI.
    fn give(&mut self, outputs: Outputs<'_>) -> Result<(), String> {
        let left_out = self
            .channel
            .outputs(outputs)
            .map_err(|error| format!("The outputs could not be written to {error}"))?;
        self.note_left_out("the variables of later steps", &left_out);
        Ok(())
    }

    fn write_outputs(&mut self, outputs: Outputs<'_>) -> Result<(), String> {
        let Some(path) = self.files.outputs.clone() else {
            return Ok(());
        };
        let left_out = output_file::write(&path, outputs)?;
        self.note_left_out(&path.display().to_string(), &left_out);
        Ok(())
    }

    fn note_left_out(&mut self, place: &str, outputs: &[&str]) {
        if !outputs.is_empty() {
            let outputs = outputs.join(", ");
            self.say(
                Tone::Plain,
                &format!("Left out of {place}, which cannot hold it: {outputs}"),
            );
        }
    }

    fn write_links(&self) -> Result<(), String> {
        match &self.files.links {
            Some(path) => links::write(path, &self.story, &self.gate),
            None => Ok(()),
        }
    }

    fn write_report(&self, outcome: &Outcome, causes: &[Cause]) -> Result<(), String> {
        if let Some(path) = &self.files.report {
            let text = json::of(outcome, causes, &self.story, self.host, &self.gate);
            return whole_file::write(path, "The report", &text);
        }
        match self.story.result.as_ref().map(String::len) {
            Some(length) if length > LONGEST_VALUE => Err(format!(
                "The result has {} KiB and an output at most {}: set report-file to get it",
                length / 1024,
                LONGEST_VALUE / 1024
            )),
            _ => Ok(()),
        }
    }

    fn write_page(&mut self, outcome: &Outcome, causes: &[Cause]) -> Result<(), String> {
        let Some(page) = self.log.page()? else {
            return Ok(());
        };
        page.finish(&Told {
            outcome,
            story: &self.story,
            causes,
            gate: &self.gate,
            now: (self.clock)(),
        })
    }

    fn write_junit(&self, outcome: &Outcome, causes: &[Cause]) -> Result<(), String> {
        let Some(path) = &self.files.junit else {
            return Ok(());
        };
        let text = junit::of(outcome, causes, &self.story, &self.log.tail(), &self.gate);
        whole_file::write(path, "The test report", &text)
    }

    /// The outcome with texts of bounded length: what a build or a service
    /// said may be megabytes.
    fn bounded(&self, outcome: &Outcome) -> Outcome {
        let bound = |text: &String| {
            log::shorten(self.gate.line(text), LONGEST_SHOWN, &self.gate).to_string()
        };
        let mut outcome = outcome.clone().headed(bound(&outcome.headline));
        outcome.why = outcome.why.iter().map(bound).collect();
        outcome
    }

    fn comment(&self, marker: &Marker, news: &News<'_>) -> Block {
        let tale = self.story.one();
        let deployment = tale.deployment.as_ref();
        let times = narrative::times(&self.story);
        let target = tale.target();
        let tail = self.log.tail();
        let causes = match news {
            News::Failed { .. } => self.causes(true),
            _ => Vec::new(),
        };
        let news = match news {
            News::Failed { cause, failure, .. } => News::Failed {
                cause,
                causes: &causes,
                last_lines: &tail,
                failure: *failure,
            },
            // Ready, and no address: it does not work for anybody.
            News::Ready { .. } => News::Ready {
                url: tale.url.as_deref().unwrap_or_default(),
            },
            other => *other,
        };
        let marker = match self.story.preview {
            Some((app, _)) => &marker.clone().about(app),
            None => marker,
        };
        let facts = CommentFacts {
            marker,
            app: target.as_deref().unwrap_or("the preview"),
            news,
            commit: deployment.and_then(|deployment| deployment.commit_sha.as_deref()),
            status: deployment.map(|deployment| deployment.status.word()),
            times: times.as_deref(),
            run_url: self.story.facts.run_url.as_deref(),
            now: (self.clock)(),
        };
        comment::body(&facts, &self.gate)
    }

    fn summarize(&mut self, outcome: &Outcome, causes: &[Cause]) -> Result<(), String> {
        if !self.summary {
            return Ok(());
        }
        let markdown = summary::of(
            outcome,
            causes,
            &self.story,
            &self.log.tail(),
            self.channel.draws_mermaid(),
            &self.gate,
        );
        let written = self.channel.summary(&self.gate.block(&markdown));
        written.map_err(|error| format!("The summary could not be written to {error}"))
    }

    fn say(&mut self, tone: Tone, text: &str) {
        let now = format!("{:.0}", (self.clock)());
        let time = now.get(11..).unwrap_or(&now);
        let line = self.gate.line(&format!("{time} {text}"));
        let line = log::shorten(line, LONGEST_SHOWN, &self.gate);
        self.channel.say_in(tone, &line);
    }
}

/// What an event means to whoever reads of it.
const fn tone(event: Event<'_>) -> Tone {
    match event {
        Event::Warning(..)
        | Event::LogUnavailable(_)
        | Event::LogIncomplete
        | Event::Retrying(..)
        | Event::Stopping(_) => Tone::Warning,
        _ => Tone::Plain,
    }
}

/// A duration for people: `0.3s`, `12s`, `1m05s`, `1h02m`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => format!("{:.1}s", duration.as_secs_f64()),
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h{minutes:02}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        for (milliseconds, text) in [
            (0, "0.0s"),
            (340, "0.3s"),
            (12_900, "12s"),
            (65_000, "1m05s"),
            (3_725_000, "1h02m"),
        ] {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text);
        }
    }
}
