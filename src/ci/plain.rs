//! Any place without an own way of being told things: the narrative goes to
//! the error stream, and the outputs, for a program to parse, to the output.

use std::io::Write;

use super::files::Files;
use super::{Channel, Level, Place};
use crate::shown::{Block, Line};

pub(super) struct Plain {
    out: Box<dyn Write>,
    narrative: Box<dyn Write>,
    files: Files,
}

impl Plain {
    pub(super) fn new(out: Box<dyn Write>, narrative: Box<dyn Write>, files: Files) -> Self {
        Self {
            out,
            narrative,
            files,
        }
    }

    pub(super) fn put(&mut self, line: &str) {
        let text = format!("{line}\n");
        let _closed = self
            .narrative
            .write_all(text.as_bytes())
            .and_then(|()| self.narrative.flush());
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

    fn outputs(&mut self, outputs: &[(&'static str, Block)]) -> Result<(), String> {
        if self.files.has_output() {
            return self.files.outputs(outputs);
        }
        let lines = outputs
            .iter()
            .map(|(name, value)| format!("{name}={}\n", value.as_str().replace('\n', "; ")));
        let text: String = lines.collect();
        let written = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush());
        written.map_err(|error| format!("the output stream: {error}"))
    }

    fn summary(&mut self, markdown: &Block) -> Result<(), String> {
        self.files.summary(markdown)
    }
}
