//! Any place without an own way of being told things: the narrative goes to
//! the error stream, and the outputs, for a program to parse, to the output.

use std::io::Write;

use super::files::StepFiles;
use super::{CiOutput, CiOutputConfig, Level, Outputs, OutputsResult, Place, SECRET};
use crate::ci::line_writer::LineWriter;
use crate::sanitize::{SanitizedLine, SanitizedText};

pub(super) struct PlainOutput {
    out: Box<dyn Write>,
    narrative: LineWriter,
    files: StepFiles,
    /// Whether the output is the log of a job.
    is_recorded: bool,
}

impl PlainOutput {
    pub(super) fn new(out: Box<dyn Write>, narrative: Box<dyn Write>, files: StepFiles) -> Self {
        Self {
            out,
            narrative: LineWriter::new(narrative),
            files,
            is_recorded: false,
        }
    }

    /// In a CI, which keeps the output as the log of a job.
    pub(super) fn recorded(means: CiOutputConfig<'_>, files: StepFiles) -> Self {
        Self {
            is_recorded: true,
            ..Self::new(means.stdout, means.stderr, files)
        }
    }

    pub(super) fn put(&mut self, line: &str) {
        self.narrative.put(line);
    }

    pub(super) const fn files(&self) -> &StepFiles {
        &self.files
    }
}

/// What a CI is written to that has no way of its own.
pub(super) fn output(means: CiOutputConfig<'_>, files: StepFiles) -> Box<dyn CiOutput> {
    Box::new(PlainOutput::recorded(means, files))
}

impl CiOutput for PlainOutput {
    /// Nobody here hides values: naming one would show it.
    fn mask(&mut self, _secret: &str) {}

    fn say(&mut self, line: &SanitizedLine) {
        self.put(line.as_str());
    }

    fn open_log(&mut self, title: &SanitizedLine) {
        self.put(&format!("--- {title}"));
    }

    fn close_log(&mut self) {
        self.put("---");
    }

    /// The narrative has said it already.
    fn annotate(
        &mut self,
        _: Level,
        _title: &SanitizedLine,
        _message: &SanitizedText,
        _: Option<&Place>,
    ) {
    }

    fn outputs(&mut self, outputs: Outputs<'_>) -> OutputsResult {
        if self.files.take_outputs() {
            return self.files.outputs(outputs);
        }
        let is_hidden = |(name, value): &&(&'static str, SanitizedText)| {
            self.is_recorded && *name == SECRET && !value.as_str().is_empty()
        };
        let lines = outputs
            .iter()
            .filter(|output| !is_hidden(output))
            .map(|(name, value)| format!("{name}={}\n", in_one_line(value.as_str())));
        let text: String = lines.collect();
        let written = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush());
        written.map_err(|error| format!("the output stream: {error}"))?;
        Ok(outputs
            .iter()
            .filter(is_hidden)
            .map(|(name, _)| *name)
            .collect())
    }

    fn summary(&mut self, markdown: &SanitizedText) -> Result<(), String> {
        self.files.summary(markdown)
    }
}

/// A value of several lines as one. A line that ends in a colon leads to the next.
fn in_one_line(value: &str) -> String {
    let mut line = String::with_capacity(value.len());
    for part in value.split('\n') {
        if !line.is_empty() {
            line.push_str(if line.ends_with(':') { " " } else { "; " });
        }
        let is_first = line.is_empty();
        line.push_str(if is_first { part } else { part.trim_start() });
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_several_lines_reads_as_one() {
        let error = "It failed\nA compiler found an error:\n  a.ts(1,2)\n  Try: Correct it";
        for (value, line) in [
            ("", ""),
            ("one", "one"),
            ("  {} ", "  {} "),
            (
                error,
                "It failed; A compiler found an error: a.ts(1,2); Try: Correct it",
            ),
        ] {
            assert_eq!(in_one_line(value), line);
        }
    }
}
