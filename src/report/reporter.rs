//! Whoever tells: takes in what a run finds out, and says it at once.

use std::cell::RefCell;

use jiff::Timestamp;

use super::comment::{self, CommentFacts, CommentStatus};
use super::log::{LONGEST_SHOWN, LogSink};
use crate::ci::{Activity, CiOutput, Host, Level, Tone};
use crate::code_host::Marker;
use crate::deployment::Service;
use crate::diagnosis::Diagnosis;
use crate::event::{Event, Phase};
use crate::inputs::{Abandon, Logs};
use crate::messages::Warning;
use crate::outcome::{LogEvidence, Outcome};
use crate::report::run_record::RunRecord;
use crate::report::{Setup, console, status_line};
use crate::report_files::ReportFiles;
use crate::sanitize::{SanitizedText, Sanitizer};

/// Tells a run's events to the place it runs in.
pub struct Reporter(RefCell<Inner>);

pub(super) struct Inner {
    pub(super) channel: Box<dyn CiOutput>,
    pub(super) gate: Sanitizer,
    pub(super) clock: fn() -> Timestamp,
    pub(super) story: RunRecord,
    pub(super) host: Host,
    pub(super) log: LogSink,
    pub(super) files: ReportFiles,
    pub(super) summary: bool,
    /// What becomes of a deployment when the run is interrupted.
    on_interrupt: Abandon,
}

impl Reporter {
    /// A reporter that shows no log and writes a summary, until told otherwise.
    pub fn new(setup: Setup) -> Self {
        Self(RefCell::new(Inner {
            channel: setup.channel,
            gate: setup.gate,
            clock: setup.clock,
            story: RunRecord::new(setup.facts, (setup.clock)()),
            host: setup.host,
            log: LogSink::default(),
            files: ReportFiles::default(),
            summary: true,
            on_interrupt: Abandon::Cancel,
        }))
    }

    /// Sets what is known before anything is judged: the action, in the word
    /// of the input, and the files that tell of every run, however it ends.
    pub fn expect(&self, action: Option<&'static str>, files: &ReportFiles) {
        let mut inner = self.0.borrow_mut();
        inner.story.action = action;
        inner.files = ReportFiles {
            log: None,
            ..files.clone()
        };
        let page = files.page.as_deref();
        let begun = page.map_or(Ok(()), |path| inner.log.begin_page(path));
        if let Err(trouble) = begun {
            inner.on(Event::Warning(Warning::ReportNotWritten, &trouble));
        }
    }

    /// Sets what the user wants to see.
    pub fn show(&self, logs: Logs, files: &ReportFiles, summary: bool) {
        let mut inner = self.0.borrow_mut();
        inner.summary = summary;
        inner.log.show(logs);
        inner.files = files.clone();
        let file = files.log.as_deref();
        let begun = file.map_or(Ok(()), |path| inner.log.begin_file(path));
        if let Err(trouble) = begun {
            inner.on(Event::Warning(Warning::LogFileNotWritten, &trouble));
        }
    }

    /// Sets what becomes of a deployment when the run is interrupted, for
    /// somebody who watches.
    pub fn explain_interrupt(&self, then: Abandon) {
        self.0.borrow_mut().on_interrupt = then;
    }

    /// Takes in one event.
    pub fn on(&self, event: Event<'_>) {
        self.0.borrow_mut().on(event);
    }

    /// What the log of a deployment of this service has told so far.
    pub fn told_of_log(&self, service: Service) -> LogEvidence {
        let inner = self.0.borrow();
        let its = inner.log.diagnosis(Some(service));
        let diagnosis = its.or_else(|| inner.log.diagnosis(None));
        match diagnosis.map(Diagnosis::digest) {
            Some(digest) if digest.is_known() => LogEvidence::Cause,
            Some(digest) if !digest.is_empty() => LogEvidence::Lines,
            _ => LogEvidence::Nothing,
        }
    }

    /// The comment on a pull request, from what is known so far.
    pub fn comment(&self, marker: &Marker, news: &CommentStatus<'_>) -> SanitizedText {
        self.0.borrow().comment(marker, news)
    }

    /// Tells how the run ended, and gives the outputs and the summary.
    pub fn finish(&self, outcome: &Outcome) {
        self.0.borrow_mut().finish(outcome);
    }
}

impl Inner {
    fn on(&mut self, event: Event<'_>) {
        let is_told = self.story.has_told(event);
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
        if let Event::LastSuccess(good) = event {
            return self.log.compare(service, good, &self.gate);
        }
        if let Event::Row(row) = event
            && self.channel.row(&self.gate.line(row))
        {
            return;
        }
        // The CI cannot know it, and will give it to later steps.
        if let Event::Password(password) = event {
            self.channel.mask(password.expose());
        }
        if let Event::LogUnavailable(_) | Event::LogIncomplete = event {
            self.log.is_incomplete();
        }
        if let Event::LogGap { at_micros } = event {
            let gap = console::log_gap(at_micros);
            self.log.has_gap(labelled(label.as_deref(), &gap));
        }
        let is_live = self.channel.is_live();
        // Where a live line goes on, nothing new is no news.
        let is_no_news = is_live && matches!(event, Event::StillWaiting(..));
        if !(is_told || is_no_news) {
            for line in console::tell(event) {
                self.say(tone(event), &labelled(label.as_deref(), &line));
            }
        }
        if is_live && let Some((text, left)) = status_line::after(event, &self.story) {
            self.channel.live(&Activity {
                text: self.gate.line(&text),
                left,
                interrupt: status_line::interrupt(&self.story, self.on_interrupt),
            });
        }
        if let Some((warning, text)) = console::warning(event) {
            self.mark(warning, &labelled(label.as_deref(), &text));
        }
        // What comes now is no part of it.
        if let Event::Ends(Phase::Log, _) = event {
            self.log.fold(self.channel.as_mut());
        }
    }

    pub(super) fn warn(&mut self, warning: Warning, text: &str) {
        self.say(Tone::Warning, &console::warned(warning, text));
        self.mark(warning, text);
    }

    /// Marks a warning where the host shows such, and keeps it for the end.
    fn mark(&mut self, warning: Warning, text: &str) {
        self.story.warnings.push((warning, text.to_owned()));
        let title = self
            .gate
            .line(&format!("sevalla-deploy: {}", warning.slug()));
        let text = format!("{text}\nMore: {}", warning.address());
        self.channel
            .annotate(Level::Warning, &title, &self.gate.block(&text), None);
    }

    fn comment(&self, marker: &Marker, news: &CommentStatus<'_>) -> SanitizedText {
        let tale = self.story.one();
        let times = console::times(&self.story);
        let target = tale.target();
        let causes = match news {
            CommentStatus::Ended(outcome) => self.causes_of(outcome),
            _ => Vec::new(),
        };
        let marker = match self.story.preview {
            Some((app, _)) => &marker.clone().about(app),
            None => marker,
        };
        let facts = CommentFacts {
            marker,
            app: target.as_deref().unwrap_or("the preview"),
            news: *news,
            causes: &causes,
            last_lines: &self.log.tail(),
            url: tale.url.as_deref(),
            deployment: tale.deployment.as_ref(),
            times: times.as_deref(),
            run_url: self.story.facts.run_url.as_deref(),
            now: (self.clock)(),
        };
        comment::body(&facts, &self.gate)
    }

    pub(super) fn say(&mut self, tone: Tone, text: &str) {
        let now = format!("{:.0}", (self.clock)());
        let time = now.get(11..).unwrap_or(&now);
        let line = self.gate.line(&format!("{time} {text}"));
        let line = crate::text::truncate::shorten(line, LONGEST_SHOWN, &self.gate);
        self.channel.say_in(tone, &line);
    }
}

/// The text, with the service that it is about where that is one of several.
fn labelled(label: Option<&str>, text: &str) -> String {
    label.map_or_else(|| text.to_owned(), |label| format!("{label}: {text}"))
}

/// What an event means to whoever reads of it.
fn tone(event: Event<'_>) -> Tone {
    match event {
        Event::Retrying(..) | Event::Stopping(..) => Tone::Warning,
        event if console::warning(event).is_some() => Tone::Warning,
        _ => Tone::Plain,
    }
}
