//! Outputs, summary and files, written at the end of a run. Each has its format in
//! a module of its own.

use std::io::ErrorKind;
use std::path::Path;

use crate::ci::{Delivery, OutputError, Outputs, Tone};
use crate::inputs::ActionName;
use crate::messages::{Failure, Warning};
use crate::outcome::Outcome;
use crate::outputs::LONGEST_VALUE;
use crate::report::causes::{self, FailureCause};
use crate::report::html::PageModel;
use crate::report::reporter::Inner;
use crate::report::{atomic_file, json, junit, links, output_file, outputs, summary};
use crate::sanitize::{SanitizedText, Sanitizer};

const RESULT: &str = "The result";
const OUTPUTS: &str = "The outputs";
const SUMMARY: &str = "The summary";

/// What programs and later steps were given.
pub(super) struct Handover {
    /// Whether one has the result, whatever its length.
    is_whole: bool,
    errors: Vec<OutputError>,
}

impl Handover {
    /// The failure of an action that is there for what it prints, if that is lost. A
    /// reader that has seen enough may close the pipe.
    pub(super) fn lost(&mut self, action: Option<ActionName>) -> Option<Outcome> {
        let is_for_print = action.is_some_and(|action| action.row().prints);
        let lost = self
            .errors
            .extract_if(.., |error| is_for_print && error.of_stream.is_some());
        let mut lost = lost.filter(|error| error.of_stream != Some(ErrorKind::BrokenPipe));
        let failure = lost.next()?;
        Some(Outcome::of(Failure::ResultNotWritten, failure.text))
    }
}

impl Inner {
    /// Gives what `list` or `show` found to a person or a program, and the outputs to
    /// later steps.
    pub(super) fn hand_over(&mut self, outcome: &Outcome, causes: &[FailureCause]) -> Handover {
        let found = self.give_found();
        let is_whole = matches!(found, Ok(true));
        let outputs = self.give(&self.outputs(outcome, causes));
        let errors = [(RESULT, found.err()), (OUTPUTS, outputs.err())];
        let errors = errors.into_iter().filter_map(|(what, error)| {
            let error = error?;
            let text = format!("{what} could not be written to {}", error.text);
            Some(OutputError { text, ..error })
        });
        Handover {
            is_whole,
            errors: errors.collect(),
        }
    }

    /// Writes summary and files. An error is a warning; `log` is the error of the log's
    /// file.
    pub(super) fn write(
        &mut self,
        outcome: &Outcome,
        causes: &[FailureCause],
        log: Result<(), String>,
        handover: Handover,
    ) {
        let report = self.write_report(outcome, causes, handover.is_whole);
        let junit = file(self.files.junit.as_deref(), "The test report", || {
            junit::render(
                outcome,
                causes,
                &self.record,
                &self.last_lines(),
                &self.sanitizer,
            )
        });
        let quality = self.files.code_quality.as_deref();
        let quality = file(quality, "The report of code quality", || {
            self.sanitizer.block(&causes::code_quality(causes))
        });
        let file = self.write_outputs(&self.outputs(outcome, causes));
        let links = self.files.links.as_deref();
        let links = links.map_or(Ok(()), |path| {
            links::write(path, &self.record, &self.sanitizer)
        });
        let summary = self.summarize(outcome, causes);
        let page = self.write_page(outcome, causes);
        let lost = handover.errors.into_iter();
        let lost = lost.map(|error| (Warning::OutputsNotWritten, Err(error.text)));
        let written = [
            (Warning::LogFileNotWritten, log),
            (Warning::ReportNotWritten, report),
            (Warning::ReportNotWritten, junit),
            (Warning::ReportNotWritten, quality),
            (Warning::ReportNotWritten, file),
            (Warning::ReportNotWritten, links),
            (Warning::SummaryNotWritten, summary),
            (Warning::ReportNotWritten, page),
        ];
        for (warning, written) in written.into_iter().chain(lost) {
            if let Err(problem) = written {
                self.warn_of_file(warning, &problem);
            }
        }
    }

    /// Warns of what the CI's own program did not take.
    pub(super) fn warn_of_undelivered(&mut self, failed: Vec<(Delivery, String)>) {
        for (delivery, error) in failed {
            let (warning, what) = match delivery {
                Delivery::Outputs => (Warning::OutputsNotWritten, OUTPUTS),
                Delivery::Summary => (Warning::SummaryNotWritten, SUMMARY),
            };
            self.warn_of_file(warning, &format!("{what} could not be written to {error}"));
        }
    }

    fn warn_of_file(&mut self, warning: Warning, problem: &str) {
        let text = format!("{problem}. The result of the run stays as it is.");
        self.warn(warning, &text);
    }

    /// Gives what `list` or `show` found to a person or a program.
    fn give_found(&mut self) -> Result<bool, OutputError> {
        if !matches!(
            self.record.action,
            Some(ActionName::List | ActionName::Show)
        ) {
            return Ok(false);
        }
        let json = self
            .record
            .result
            .as_ref()
            .map(|json| self.sanitizer.json(json));
        self.channel.found(json.as_ref())
    }

    /// `is_given` is whether somebody has the result, whatever its length.
    fn write_report(
        &self,
        outcome: &Outcome,
        causes: &[FailureCause],
        is_given: bool,
    ) -> Result<(), String> {
        if let Some(path) = &self.files.report {
            let text = json::render(outcome, causes, &self.record, self.host, &self.sanitizer);
            return atomic_file::write(path, "The report", &text);
        }
        match self.record.result.as_ref().map(String::len) {
            Some(length) if length > LONGEST_VALUE && !is_given => Err(format!(
                "The result has {} KiB and an output at most {}: set report-file to get it",
                length / 1024,
                LONGEST_VALUE / 1024
            )),
            _ => Ok(()),
        }
    }

    fn write_page(&mut self, outcome: &Outcome, causes: &[FailureCause]) -> Result<(), String> {
        let Some(page) = self.log.page()? else {
            return Ok(());
        };
        page.finish(&PageModel {
            outcome,
            record: &self.record,
            causes,
            sanitizer: &self.sanitizer,
            now: (self.clock)(),
        })
    }

    fn summarize(&mut self, outcome: &Outcome, causes: &[FailureCause]) -> Result<(), String> {
        if !self.summary {
            return Ok(());
        }
        let markdown = summary::render(
            outcome,
            causes,
            &self.record,
            &self.last_lines(),
            self.channel.draws_mermaid(),
            &self.sanitizer,
        );
        let written = self.channel.summary(&self.sanitizer.block(&markdown));
        written.map_err(|error| format!("{SUMMARY} could not be written to {error}"))
    }

    /// The values of the outputs, sanitized and bounded.
    fn outputs(
        &self,
        outcome: &Outcome,
        causes: &[FailureCause],
    ) -> Vec<(&'static str, SanitizedText)> {
        outputs::render(outcome, causes, &self.record)
            .into_iter()
            .map(|(name, text)| (name, self.output(name, &text)))
            .collect()
    }

    /// Writes the outputs for the CI.
    fn give(&mut self, outputs: Outputs<'_>) -> Result<(), OutputError> {
        let left_out = self.channel.outputs(outputs)?;
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

    /// Lists the outputs that did not fit. The console shows `error` already.
    fn note_left_out(&mut self, place: &str, outputs: &[&str]) {
        let outputs = outputs.iter().filter(|name| **name != "error");
        let outputs: Vec<&str> = outputs.copied().collect();
        if !outputs.is_empty() {
            let outputs = outputs.join(", ");
            self.emit(
                Tone::Plain,
                &format!("Omitted from {place}, whose format cannot hold it: {outputs}"),
            );
        }
    }

    /// The value of an output, sanitized and bounded.
    fn output(&self, name: &str, text: &str) -> SanitizedText {
        match name {
            // The only secret that is an output, and only if the user asks for it.
            "database-password" => Sanitizer::default().block(text),
            // Cut JSON cannot be parsed.
            "result" | "services" | "matrix" | "order" | "graph" if text.len() > LONGEST_VALUE => {
                SanitizedText::default()
            }
            "result" | "services" | "matrix" | "order" | "graph" => self.sanitizer.json(text),
            _ => {
                let text = self.sanitizer.block(text);
                self.sanitizer.block(crate::text::truncate::beginning(
                    text.as_str(),
                    LONGEST_VALUE,
                ))
            }
        }
    }
}

/// Writes a file if the user has set its path.
fn file(
    path: Option<&Path>,
    what: &str,
    text: impl FnOnce() -> SanitizedText,
) -> Result<(), String> {
    path.map_or(Ok(()), |path| atomic_file::write(path, what, &text()))
}
