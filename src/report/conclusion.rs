//! The end of a run: its last console lines and annotations. The words are
//! [`console`]'s, and outputs and files are written in
//! [`artifacts`](super::artifacts).

use crate::ci::{Level, Tone};
use crate::deployment::{Service, Status};
use crate::exit_status::ExitStatus;
use crate::messages::Warning;
use crate::outcome::Outcome;
use crate::report::causes::{self, FailureCause};
use crate::report::console;
use crate::report::log::LONGEST_SHOWN;
use crate::report::reporter::Inner;
use crate::report::run_record::ServiceRecord;

impl Inner {
    /// Shows how the run ended, and writes the outputs, the summary and the files.
    /// Returns how it ended after that.
    pub(super) fn finish(&mut self, outcome: Outcome) -> Outcome {
        self.channel.end_live_line();
        let mut shown = self.bounded(&outcome);
        if !self.has_whole_log(&shown) {
            self.log.leave_out();
        }
        let trouble = self
            .log
            .close(shown.is_good(), &self.sanitizer, self.channel.as_mut());
        let causes = self.causes_of(&shown);
        self.conclude(&shown, &causes);
        if let Err(problem) = &trouble {
            let warning = (Warning::LogFileNotWritten, problem.clone());
            self.record.warnings.push(warning);
        }
        let mut handover = self.hand_over(&shown, &causes);
        let lost = handover.lost(self.record.action);
        let lost = lost.filter(|_| shown.is_good());
        if let Some(lost) = &lost {
            shown = self.bounded(lost);
            self.conclude(&shown, &[]);
        }
        self.write(&shown, &causes, trouble, handover);
        lost.unwrap_or(outcome)
    }

    /// Whether the log can be complete: the run followed a deployment to its end.
    fn has_whole_log(&self, outcome: &Outcome) -> bool {
        let has_ended = |service_record: &ServiceRecord| {
            let deployment = service_record.deployment.as_ref();
            deployment.is_some_and(|deployment| deployment.status.verdict().is_some())
        };
        let ending = outcome.ending();
        let mut service_records = self.record.service_records().iter();
        // A run can also pass without following a deployment.
        ending.was_followed() || ending == ExitStatus::Passed && service_records.any(has_ended)
    }

    /// Prints how the run ended, and annotates the failure and its source locations.
    fn conclude(&mut self, outcome: &Outcome, causes: &[FailureCause]) {
        if outcome.is_good() {
            return self.print(Tone::Good, &console::conclude(outcome, &self.record));
        }
        let title = self.sanitizer.line(&outcome.headline);
        let message = self.sanitizer.block(&console::cause(outcome, causes));
        let mut lines = vec![format!("Error: {}", outcome.headline)];
        // Once is enough for a reader of the log.
        if !self.host.logs_annotation(&message) {
            lines.extend(console::explanation(outcome, causes));
        }
        lines.extend(console::time(outcome, &self.record));
        self.print(Tone::Error, &lines);
        self.channel.annotate(Level::Error, &title, &message, None);
        self.mark_places(causes);
        self.emit(Tone::Plain, &console::ending(outcome));
    }

    /// Prints lines, the first of them in this tone.
    fn print(&mut self, tone: Tone, lines: &[String]) {
        for (at, line) in lines.iter().enumerate() {
            self.emit(if at == 0 { tone } else { Tone::Plain }, line);
        }
    }

    /// The causes in the logs, for an outcome that a log can explain.
    pub(super) fn causes_of(&self, outcome: &Outcome) -> Vec<FailureCause> {
        match outcome.ending() {
            ExitStatus::Failed | ExitStatus::Interrupted(_) => self.causes(false),
            ExitStatus::Unverified => self.causes(true),
            _ => Vec::new(),
        }
    }

    /// The causes of each deployment that failed, or of the only one, which
    /// succeeded and failed its health check.
    fn causes(&self, is_unverified: bool) -> Vec<FailureCause> {
        let own =
            std::iter::once((None, self.record.one())).filter(|_| self.record.targets.is_empty());
        let targets = self
            .record
            .targets
            .iter()
            .map(|service_record| (service_record.service, service_record));
        let service_records: Vec<_> = own.chain(targets).collect();
        let is_one = service_records.len() == 1;
        let cause = |(service, service_record): &(Option<Service>, &ServiceRecord)| {
            let diagnosis = self.log.diagnosis(*service)?;
            let (digest, phase) = match service_record.deployment.as_ref()?.status {
                Status::Failed => (diagnosis.digest(), diagnosis.phase()),
                Status::Success if is_unverified && is_one => (diagnosis.digest_of_run(), None),
                _ => return None,
            };
            let target = service_record.target().filter(|_| !is_one);
            Some(FailureCause {
                target,
                digest,
                phase,
            })
            .filter(|cause| !cause.digest.is_empty())
        };
        service_records.iter().filter_map(cause).collect()
    }

    /// Annotates the files of the repository that the logs name.
    fn mark_places(&mut self, causes: &[FailureCause]) {
        for (title, text, place) in causes::at_places(causes) {
            let (title, text) = (self.sanitizer.line(title), self.sanitizer.block(&text));
            self.channel
                .annotate(Level::Error, &title, &text, Some(place));
        }
    }

    /// The outcome with texts of bounded length: a message of a build or of a
    /// service can have megabytes.
    fn bounded(&self, outcome: &Outcome) -> Outcome {
        let bound = |text: &String| {
            crate::text::truncate::shorten(
                self.sanitizer.line(text),
                LONGEST_SHOWN,
                &self.sanitizer,
            )
            .to_string()
        };
        let mut outcome = outcome.clone().headed(bound(&outcome.headline));
        outcome.why = outcome.why.iter().map(bound).collect();
        outcome
    }
}
