//! Everything that is not told line by line: outputs, summary and files.

use std::path::Path;

use crate::ci::{Outputs, Tone};
use crate::messages::Warning;
use crate::outcome::Outcome;
use crate::outputs::LONGEST_VALUE;
use crate::report::causes::{self, FailureCause};
use crate::report::html::PageModel;
use crate::report::reporter::Inner;
use crate::report::{atomic_file, json, junit, links, output_file, outputs, summary};
use crate::sanitize::{SanitizedText, Sanitizer};

impl Inner {
    /// Writes everything that is not told line by line; `log` is what became of
    /// the log's file. What cannot be written is a warning.
    pub(super) fn write(
        &mut self,
        outcome: &Outcome,
        causes: &[FailureCause],
        log: Result<(), String>,
    ) {
        let found = self.give_found();
        let is_whole = found == Ok(true);
        let report = self.write_report(outcome, causes, is_whole);
        let junit = file(self.files.junit.as_deref(), "The test report", || {
            junit::of(outcome, causes, &self.story, &self.log.tail(), &self.gate)
        });
        let quality = self.files.code_quality.as_deref();
        let quality = file(quality, "The report of code quality", || {
            self.gate.block(&causes::code_quality(causes))
        });
        let outputs: Vec<_> = outputs::of(outcome, causes, &self.story)
            .into_iter()
            .map(|(name, text)| (name, self.output(name, &text)))
            .collect();
        let file = self.write_outputs(&outputs);
        let links = self.files.links.as_deref();
        let links = links.map_or(Ok(()), |path| links::write(path, &self.story, &self.gate));
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
            (Warning::OutputsNotWritten, found.map(drop)),
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

    /// Gives what `list` or `show` found to a person or a program.
    fn give_found(&mut self) -> Result<bool, String> {
        if !matches!(self.story.action, Some("list" | "show")) {
            return Ok(false);
        }
        let json = self.story.result.as_ref().map(|json| self.gate.json(json));
        let given = self.channel.found(json.as_ref());
        given.map_err(|error| format!("The result could not be written to {error}"))
    }

    /// `is_given` is whether somebody has the result, whatever its length.
    fn write_report(
        &self,
        outcome: &Outcome,
        causes: &[FailureCause],
        is_given: bool,
    ) -> Result<(), String> {
        if let Some(path) = &self.files.report {
            let text = json::of(outcome, causes, &self.story, self.host, &self.gate);
            return atomic_file::write(path, "The report", &text);
        }
        match self.story.result.as_ref().map(String::len) {
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
            story: &self.story,
            causes,
            gate: &self.gate,
            now: (self.clock)(),
        })
    }

    fn summarize(&mut self, outcome: &Outcome, causes: &[FailureCause]) -> Result<(), String> {
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

    /// The error has just been told, and is never missed.
    fn note_left_out(&mut self, place: &str, outputs: &[&str]) {
        let outputs = outputs.iter().filter(|name| **name != "error");
        let outputs: Vec<&str> = outputs.copied().collect();
        if !outputs.is_empty() {
            let outputs = outputs.join(", ");
            self.say(
                Tone::Plain,
                &format!("Left out of {place}, which cannot hold it: {outputs}"),
            );
        }
    }

    /// The value of an output as it goes out.
    fn output(&self, name: &str, text: &str) -> SanitizedText {
        match name {
            // The one secret that goes out, and only when that was asked for.
            "database-password" => Sanitizer::default().block(text),
            // Half of it would be no JSON.
            "result" if text.len() > LONGEST_VALUE => SanitizedText::default(),
            "result" => self.gate.json(text),
            _ => {
                let text = self.gate.block(text);
                self.gate.block(crate::text::truncate::beginning(
                    text.as_str(),
                    LONGEST_VALUE,
                ))
            }
        }
    }
}

/// Writes a file that the user may want.
fn file(
    path: Option<&Path>,
    what: &str,
    text: impl FnOnce() -> SanitizedText,
) -> Result<(), String> {
    path.map_or(Ok(()), |path| atomic_file::write(path, what, &text()))
}
