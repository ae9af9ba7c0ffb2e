//! Any place without an own way of being told things: the narrative goes to
//! the error stream, and the outputs, for a program to parse, to the output.

use std::io::Write;

use super::files::Files;
use super::{Channel, Given, Level, Outputs, Place, SECRET};
use crate::ci::line_writer::Lines;
use crate::sanitize::{Block, Line};

pub(super) struct Plain {
    out: Box<dyn Write>,
    narrative: Lines,
    files: Files,
    /// Whether the output is the log of a job.
    is_recorded: bool,
}

impl Plain {
    pub(super) fn new(out: Box<dyn Write>, narrative: Box<dyn Write>, files: Files) -> Self {
        Self {
            out,
            narrative: Lines::new(narrative),
            files,
            is_recorded: false,
        }
    }

    /// The same in a CI, which keeps the output as the log of a job.
    pub(super) fn recorded(mut self) -> Self {
        self.is_recorded = true;
        self
    }

    pub(super) fn put(&mut self, line: &str) {
        self.narrative.put(line);
    }

    pub(super) const fn files(&self) -> &Files {
        &self.files
    }
}

impl Channel for Plain {
    /// Nobody here hides values: naming one would show it.
    fn mask(&mut self, _secret: &str) {}

    fn say(&mut self, line: &Line) {
        self.put(line.as_str());
    }

    fn open_log(&mut self, title: &Line) {
        self.put(&format!("--- {title}"));
    }

    fn close_log(&mut self) {
        self.put("---");
    }

    /// The narrative has said it already.
    fn annotate(&mut self, _: Level, _title: &Line, _message: &Block, _: Option<&Place>) {}

    fn outputs(&mut self, outputs: Outputs<'_>) -> Given {
        if self.files.take_outputs() {
            return self.files.outputs(outputs);
        }
        let is_hidden = |(name, value): &&(&'static str, Block)| {
            self.is_recorded && *name == SECRET && !value.as_str().is_empty()
        };
        let lines = outputs
            .iter()
            .filter(|output| !is_hidden(output))
            .map(|(name, value)| format!("{name}={}\n", value.as_str().replace('\n', "; ")));
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

    fn summary(&mut self, markdown: &Block) -> Result<(), String> {
        self.files.summary(markdown)
    }
}
