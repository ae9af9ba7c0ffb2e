//! Any place without commands of its own: the narrative goes to
//! the error stream, and the outputs, for a program to parse, to the output.

use std::borrow::Cow;
use std::io::Write;

use console::Term;

use super::files::StepFiles;
use super::{
    CiOutput, CiOutputConfig, Level, OutputError, Outputs, OutputsResult, Place, SECRET,
    TableLayout, Tone,
};
use crate::ci::line_writer::LineWriter;
use crate::ci::local_time::LocalTime;
use crate::sanitize::{SanitizedLine, SanitizedText};

pub(super) struct PlainOutput {
    out: Box<dyn Write>,
    narrative: LineWriter,
    files: StepFiles,
    reader: OutputReader,
    /// The clock of the person who reads the narrative.
    time: Option<LocalTime>,
    /// The terminal that the output is, if it is one.
    screen: Option<Term>,
    /// The clock of the person who reads that.
    local: Option<LocalTime>,
    /// Whether the output has what `list` or `show` found, and nothing else.
    is_given: bool,
}

/// Who reads the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OutputReader {
    /// A CI, which keeps it as the log of a job.
    Job,
    /// A person at a terminal.
    Person,
    /// A program behind a pipe, or a file.
    Program,
}

impl PlainOutput {
    pub(super) fn new(out: Box<dyn Write>, narrative: Box<dyn Write>, files: StepFiles) -> Self {
        Self {
            out,
            narrative: LineWriter::new(narrative),
            files,
            reader: OutputReader::Program,
            time: None,
            screen: None,
            local: None,
            is_given: false,
        }
    }

    /// An output on a machine without a CI, where somebody may see the output on a
    /// screen, with its time.
    pub(super) fn read_by(
        self,
        screen: Option<(Term, LocalTime)>,
        time: Option<LocalTime>,
    ) -> Self {
        let (screen, local) = screen.unzip();
        let reader = if screen.is_some() {
            OutputReader::Person
        } else {
            OutputReader::Program
        };
        Self {
            reader,
            time,
            screen,
            local,
            ..self
        }
    }

    /// In a CI, which keeps the output as the log of a job.
    pub(super) fn recorded(means: CiOutputConfig<'_>, files: StepFiles) -> Self {
        Self {
            reader: OutputReader::Job,
            screen: means.screen,
            ..Self::new(means.stdout, means.stderr, files)
        }
    }

    pub(super) fn put(&mut self, line: &str) {
        self.narrative.put(line);
    }

    /// A line with the time of the person who reads it.
    pub(super) fn timed<'a>(&self, line: &'a SanitizedLine) -> Cow<'a, str> {
        let line = line.as_str();
        let time = self.time.as_ref();
        time.map_or(Cow::Borrowed(line), |time| time.of(line))
    }

    /// A line of the program's own, with every time in it as that of the person.
    pub(super) fn timed_everywhere<'a>(&self, line: &'a SanitizedLine) -> Cow<'a, str> {
        let timed = self.timed(line);
        match self.time.as_ref().map(|time| time.everywhere(&timed)) {
            Some(Cow::Owned(line)) => line.into(),
            _ => timed,
        }
    }

    fn write(&mut self, text: &str) -> Result<(), OutputError> {
        let written = self.out.write_all(text.as_bytes());
        let written = written.and_then(|()| self.out.flush());
        written.map_err(|error| OutputError::of_stream(&error))
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

    fn print(&mut self, line: &SanitizedLine) {
        let line = self.timed(line).into_owned();
        self.put(&line);
    }

    fn print_in(&mut self, _: Tone, line: &SanitizedLine) {
        let line = self.timed_everywhere(line).into_owned();
        self.put(&line);
    }

    fn layout(&self) -> TableLayout {
        let screen = self
            .screen
            .as_ref()
            .filter(|_| self.reader == OutputReader::Person);
        TableLayout {
            columns: screen.map(|screen| screen.size().1.into()),
            now: self.local.as_ref().map(LocalTime::now),
        }
    }

    fn row(&mut self, row: &SanitizedLine) -> bool {
        match self.reader {
            OutputReader::Job => return false,
            OutputReader::Person => {
                let local = self.local.as_ref();
                let row = local.map_or(row.as_str().into(), |local| local.everywhere(row.as_str()));
                let row = format!("{row}\n");
                let _closed = self.write(&row);
            }
            OutputReader::Program => {}
        }
        true
    }

    fn found(&mut self, json: Option<&SanitizedText>) -> Result<bool, OutputError> {
        // Also if writing fails: no other form may follow a part of it.
        self.is_given = self.reader != OutputReader::Job;
        if let (OutputReader::Program, Some(json)) = (self.reader, json) {
            self.write(&format!("{}\n", json.as_str()))?;
        }
        Ok(self.is_given)
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
        if self.is_given {
            return Ok(Vec::new());
        }
        let (reader, is_seen) = (self.reader, self.screen.is_some());
        let is_secret = |(name, value): &&(&'static str, SanitizedText)| {
            *name == SECRET && !value.as_str().is_empty()
        };
        let is_hidden = |output: &&(&'static str, SanitizedText)| match reader {
            // A terminal inside a CI is for people too, and recorded.
            OutputReader::Job => is_seen || is_secret(output),
            // All the others have been said. This one is said nowhere else.
            OutputReader::Person => !is_secret(output),
            OutputReader::Program => false,
        };
        let lines = outputs
            .iter()
            .filter(|output| !is_hidden(output))
            .map(|(name, value)| format!("{name}={}\n", in_one_line(value.as_str())));
        let text: String = lines.collect();
        self.write(&text)?;
        let omitted = outputs.iter().filter(is_secret);
        let omitted = omitted.filter(|_| reader == OutputReader::Job);
        Ok(omitted.map(|(name, _)| *name).collect())
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
