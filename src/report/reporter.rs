//! The entry of `report`: records each event of a run and shows it at once. The end
//! of a run is in [`conclusion`](super::conclusion).

use std::cell::RefCell;

use jiff::Timestamp;

use super::comment::{self, CommentFacts, CommentStatus};
use super::log::{LONGEST_SHOWN, LogSink};
use super::stack_comment::{self, PreviewRow, StackCommentFacts, StackCommentStatus};
use crate::ci::{Activity, CiOutput, Host, Level, TableLayout, Tone};
use crate::code_host::Marker;
use crate::deployment::Service;
use crate::event::{Event, EventKind, Phase};
use crate::inputs::{Abandon, ActionName, Logs};
use crate::messages::Warning;
use crate::outcome::Outcome;
use crate::report::run_record::RunRecord;
use crate::report::{Setup, console, status_line};
use crate::report_files::ReportFiles;
use crate::sanitize::{SanitizedLine, SanitizedText, Sanitizer};

/// Records a run's events and shows them in the CI. `lib` makes it, and actions
/// report to it.
pub struct Reporter(RefCell<Inner>);

pub(super) struct Inner {
    pub(super) channel: Box<dyn CiOutput>,
    pub(super) sanitizer: Sanitizer,
    pub(super) clock: fn() -> Timestamp,
    pub(super) record: RunRecord,
    pub(super) host: Host,
    pub(super) log: LogSink,
    pub(super) files: ReportFiles,
    pub(super) summary: bool,
    /// What a signal does to a deployment that still runs.
    on_interrupt: Abandon,
}

impl Reporter {
    /// A reporter that shows no log and writes a summary, until
    /// [`show`](Self::show) changes that.
    pub fn new(setup: Setup) -> Self {
        Self(RefCell::new(Inner {
            channel: setup.channel,
            sanitizer: setup.sanitizer,
            clock: setup.clock,
            record: RunRecord::new(setup.facts, (setup.clock)()),
            host: setup.host,
            log: LogSink::default(),
            files: ReportFiles::default(),
            summary: true,
            on_interrupt: Abandon::Cancel,
        }))
    }

    /// Sets what is known before the inputs are validated: the action,
    /// and the files that are written for every run.
    pub fn expect(&self, action: Option<ActionName>, files: &ReportFiles) {
        let mut inner = self.0.borrow_mut();
        inner.record.action = action;
        inner.files = ReportFiles {
            log: None,
            ..files.clone()
        };
        let page = files.page.as_deref();
        let begun = page.map_or(Ok(()), |path| inner.log.begin_page(path));
        if let Err(trouble) = begun {
            inner.on(EventKind::Warning(Warning::ReportNotWritten, &trouble).into());
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
            inner.on(EventKind::Warning(Warning::LogFileNotWritten, &trouble).into());
        }
    }

    /// Sets what the live line says about Ctrl-C.
    pub fn explain_interrupt(&self, then: Abandon) {
        self.0.borrow_mut().on_interrupt = then;
    }

    /// How a table is shown that people read.
    pub fn table_layout(&self) -> TableLayout {
        self.0.borrow().channel.layout()
    }

    /// A reporter of events about the whole run.
    pub const fn all(&self) -> ScopedReporter<'_> {
        ScopedReporter {
            reporter: self,
            service: None,
        }
    }

    /// Records an event and shows it.
    pub fn on<'a>(&self, event: impl Into<Event<'a>>) {
        self.0.borrow_mut().on(event.into());
    }

    /// The comment on a pull request, from what is known so far.
    pub fn comment(&self, marker: &Marker, news: &CommentStatus<'_>) -> SanitizedText {
        self.0.borrow().comment(marker, news)
    }

    /// The comment on a pull request about the previews of a stack.
    pub fn stack_comment(
        &self,
        marker: &Marker,
        rows: &[PreviewRow<'_>],
        status: StackCommentStatus<'_>,
    ) -> SanitizedText {
        let inner = self.0.borrow();
        stack_comment::render(&inner.about(marker, status), rows, &inner.sanitizer)
    }

    /// The comment of a run that was killed, corrected; `None` if it needs no
    /// correction.
    pub fn corrected_stack_comment(
        &self,
        marker: &Marker,
        old: &str,
        outcome: &Outcome,
    ) -> Option<SanitizedText> {
        let inner = self.0.borrow();
        let facts = inner.about(marker, StackCommentStatus::Ended(outcome));
        stack_comment::corrected(&facts, old, &inner.sanitizer)
    }

    /// Shows how the run ended, and writes outputs, summary and files. Returns how it
    /// ended after that: the result may be lost.
    pub async fn finish(&self, outcome: Outcome) -> Outcome {
        let (outcome, deliveries) = {
            let mut inner = self.0.borrow_mut();
            (inner.finish(outcome), inner.channel.deliver())
        };
        let failed = deliveries.await;
        self.0.borrow_mut().warn_of_undelivered(failed);
        outcome
    }
}

/// A reporter of events about the run, or about one of its services.
#[derive(Clone, Copy)]
pub struct ScopedReporter<'a> {
    reporter: &'a Reporter,
    service: Option<Service>,
}

impl ScopedReporter<'_> {
    /// A reporter of events about this service.
    #[must_use]
    pub const fn about(self, service: Service) -> Self {
        Self {
            service: Some(service),
            ..self
        }
    }

    /// Whether it is about one service of several.
    pub const fn is_about_one_of_several(&self) -> bool {
        self.service.is_some()
    }

    /// Records an event and shows it.
    pub fn on<'b>(&self, event: impl Into<Event<'b>>) {
        let Event { service, kind } = event.into();
        self.reporter.on(Event {
            service: service.or(self.service),
            kind,
        });
    }

    /// How a table is shown that people read.
    pub fn table_layout(&self) -> TableLayout {
        self.reporter.table_layout()
    }

    /// Sets what the live line says about Ctrl-C.
    pub fn explain_interrupt(&self, then: Abandon) {
        self.reporter.explain_interrupt(then);
    }

    /// The comment on a pull request, from what is known so far.
    pub fn comment(&self, marker: &Marker, news: &CommentStatus<'_>) -> SanitizedText {
        self.reporter.comment(marker, news)
    }

    /// The comment on a pull request about the previews of a stack.
    pub fn stack_comment(
        &self,
        marker: &Marker,
        rows: &[PreviewRow<'_>],
        status: StackCommentStatus<'_>,
    ) -> SanitizedText {
        self.reporter.stack_comment(marker, rows, status)
    }

    /// The comment of a run that was killed, corrected.
    pub fn corrected_stack_comment(
        &self,
        marker: &Marker,
        old: &str,
        outcome: &Outcome,
    ) -> Option<SanitizedText> {
        self.reporter.corrected_stack_comment(marker, old, outcome)
    }
}

impl Inner {
    fn about<'a>(
        &'a self,
        marker: &'a Marker,
        status: StackCommentStatus<'a>,
    ) -> StackCommentFacts<'a> {
        StackCommentFacts {
            marker,
            status,
            run_url: self.record.facts.run_url.as_deref(),
            now: (self.clock)(),
        }
    }

    fn on(&mut self, event: Event<'_>) {
        let is_duplicate = self.record.is_duplicate(event);
        self.record.apply(event);
        let Event { service, kind } = event;
        let label = service.map(|service| self.record.name_of(service));
        let label = label.as_deref();
        match kind {
            EventKind::Log(lines) => {
                let channel = self.channel.as_mut();
                return self.log.take(label, lines, &self.sanitizer, channel);
            }
            EventKind::Row(row) if self.channel.row(&self.sanitizer.line(row)) => return,
            EventKind::Member(_) if !self.channel.is_live() => self.log.group_by_service(),
            EventKind::LogDiagnosis(diagnosis) => self.log.set_diagnosis(service, diagnosis),
            // The CI does not know the password, and later steps get it as an output.
            EventKind::Password(password) => self.channel.mask(password.expose()),
            EventKind::Verbatim(text) => {
                let line = self.sanitizer.line(text);
                self.channel.print_in(Tone::Plain, &line);
            }
            EventKind::LogUnavailable(_) | EventKind::LogIncomplete => self.log.is_incomplete(),
            EventKind::LogGap { at_micros } => {
                let gap = console::log_gap(at_micros);
                self.log.has_gap(labelled(label, &gap));
            }
            _ => {}
        }
        self.show_event(kind, label, is_duplicate);
        if let Some((warning, text)) = console::warning(kind) {
            self.mark(warning, &labelled(label, &text));
        }
        // Later lines are not part of the log.
        if let EventKind::Ends(Phase::Log, _) = kind {
            let channel = self.channel.as_mut();
            match label {
                Some(label) => self.log.show_group(label, &self.sanitizer, channel),
                None => self.log.fold(channel),
            }
        }
    }

    /// Shows an event as a line, unless it is a duplicate, and on the live line.
    fn show_event(&mut self, kind: EventKind<'_>, label: Option<&str>, is_duplicate: bool) {
        let is_live = self.channel.is_live();
        // A live line shows already that the deployment still runs.
        let is_redundant = is_live && matches!(kind, EventKind::StillWaiting(..));
        if !(is_duplicate || is_redundant)
            && let Some(line) = console::describe(kind)
        {
            self.emit(tone(kind), &labelled(label, &line));
        }
        if is_live && let Some((text, left)) = status_line::after(kind, &self.record) {
            self.channel.live(&Activity {
                text: self.sanitizer.line(&text),
                left,
                interrupt: status_line::interrupt(&self.record, self.on_interrupt),
            });
        }
    }

    pub(super) fn warn(&mut self, warning: Warning, text: &str) {
        self.emit(Tone::Warning, &console::warned(warning, text));
        self.mark(warning, text);
    }

    /// Annotates a warning where the host can, and records it for the report.
    fn mark(&mut self, warning: Warning, text: &str) {
        self.record.warnings.push((warning, text.to_owned()));
        let title = self
            .sanitizer
            .line(&format!("sevalla-deploy: {}", warning.slug()));
        let text = format!("{text}\nMore: {}", warning.address());
        self.channel
            .annotate(Level::Warning, &title, &self.sanitizer.block(&text), None);
    }

    fn comment(&self, marker: &Marker, news: &CommentStatus<'_>) -> SanitizedText {
        let service_record = self.record.one();
        let times = console::times(&self.record);
        let id = || service_record.service.map(|service| service.id.to_string());
        let app = service_record.name.clone().or_else(id);
        let causes = match news {
            CommentStatus::Ended(outcome) => self.causes_of(outcome),
            _ => Vec::new(),
        };
        let marker = match self.record.preview {
            Some((app, _)) => &marker.clone().about(app),
            None => marker,
        };
        let facts = CommentFacts {
            marker,
            app: app.as_deref(),
            status: *news,
            causes: &causes,
            last_lines: &self.last_lines(),
            url: service_record.url.as_deref(),
            deployment: service_record.deployment.as_ref(),
            times: times.as_deref(),
            run_url: self.record.facts.run_url.as_deref(),
            now: (self.clock)(),
        };
        comment::render(&facts, &self.sanitizer)
    }

    /// The last lines of the log, unless it is that of a deployment that succeeded:
    /// they do not explain a failure.
    pub(super) fn last_lines(&self) -> Vec<&SanitizedLine> {
        if self.record.has_only_successes() {
            return Vec::new();
        }
        self.log.tail()
    }

    pub(super) fn emit(&mut self, tone: Tone, text: &str) {
        let now = format!("{:.0}", (self.clock)());
        let time = now.get(11..).unwrap_or(&now);
        let line = self.sanitizer.line(&format!("{time} {text}"));
        let line = crate::text::truncate::shorten(line, LONGEST_SHOWN, &self.sanitizer);
        self.channel.print_in(tone, &line);
    }
}

/// The text behind the label of its service, where there are several.
fn labelled(label: Option<&str>, text: &str) -> String {
    label.map_or_else(|| text.to_owned(), |label| format!("{label}: {text}"))
}

/// The tone of an event's line.
fn tone(event: EventKind<'_>) -> Tone {
    match event {
        EventKind::Retrying(..) | EventKind::Stopping(..) => Tone::Warning,
        event if console::warning(event).is_some() => Tone::Warning,
        _ => Tone::Plain,
    }
}
