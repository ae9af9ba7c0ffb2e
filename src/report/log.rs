//! The deployment's log on its way out: shown in a folded group, kept for the
//! end, written to a file. Bounded in memory whatever its length.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::ci::Channel;
use crate::deployment::LogLine;
use crate::inputs::Logs;
use crate::shown::{Gate, Line};

/// Lines kept to be shown when the deployment fails.
const KEPT_LINES: usize = 2000;

/// The same in bytes.
const KEPT_BYTES: usize = 1024 * 1024;

/// Lines that the summary repeats.
pub(super) const TAIL_LINES: usize = 40;

/// The most of one line that is shown, in bytes; the file has all of it.
const LONGEST_SHOWN: usize = 16 * 1024;

/// Where the log goes.
#[derive(Default)]
pub(super) struct LogSink {
    logs: Option<Logs>,
    file: Option<LogFile>,
    /// Why the file is not being written any more.
    file_trouble: Option<String>,
    is_open: bool,
    kept: Kept,
}

impl LogSink {
    pub(super) fn new(logs: Logs, log_file: Option<PathBuf>) -> Self {
        let mut sink = Self {
            logs: Some(logs),
            ..Self::default()
        };
        if let Some(path) = log_file {
            match LogFile::create(&path) {
                Ok(file) => sink.file = Some(file),
                Err(error) => sink.file_trouble = Some(trouble(&path, &error)),
            }
        }
        sink
    }

    pub(super) fn take(&mut self, entries: &[LogLine], gate: &Gate, channel: &mut dyn Channel) {
        for line in entries.iter().flat_map(|entry| render(entry, gate)) {
            self.write(&line);
            if self.logs == Some(Logs::Off) {
                continue;
            }
            let shown = shorten(line, gate);
            if self.logs == Some(Logs::Live) {
                self.open(gate, channel);
                channel.say(&shown);
            }
            self.kept.push(shown);
        }
    }

    /// Ends the log: shows what was kept for a failure, and puts the file in
    /// its place. The error says what could not be done.
    pub(super) fn close(
        &mut self,
        is_good: bool,
        gate: &Gate,
        channel: &mut dyn Channel,
    ) -> Result<(), String> {
        if self.logs == Some(Logs::OnFailure) && !is_good && !self.kept.lines.is_empty() {
            self.open(gate, channel);
            if self.kept.dropped > 0 {
                channel.say(&gate.line(&format!("… {} earlier lines …", self.kept.dropped)));
            }
            self.kept.lines.iter().for_each(|line| channel.say(line));
        }
        if self.is_open {
            channel.close_log();
            self.is_open = false;
        }
        if let Some(file) = self.file.take()
            && let Err(error) = file.finish()
        {
            self.file_trouble = Some(error);
        }
        self.file_trouble.take().map_or(Ok(()), Err)
    }

    /// Leaves the file out: it would not be the whole log. Returns its path if
    /// there was to be one.
    pub(super) fn leave_out(&mut self) -> Option<PathBuf> {
        self.file.take().map(|file| file.path.clone())
    }

    /// Leaves the file out because a part of the log could not be read.
    pub(super) fn is_incomplete(&mut self) {
        if let Some(path) = self.leave_out() {
            let path = path.display();
            self.file_trouble = Some(format!(
                "{path} was not written, since the log could not be read to its end"
            ));
        }
    }

    /// The last lines, oldest first.
    pub(super) fn tail(&self) -> Vec<&Line> {
        let lines = &self.kept.lines;
        lines
            .iter()
            .skip(lines.len().saturating_sub(TAIL_LINES))
            .collect()
    }

    fn open(&mut self, gate: &Gate, channel: &mut dyn Channel) {
        if !self.is_open {
            channel.open_log(&gate.line("Log of the deployment"));
            self.is_open = true;
        }
    }

    fn write(&mut self, line: &Line) {
        let Some(file) = &mut self.file else {
            return;
        };
        if let Err(error) = file.write(line) {
            self.file_trouble = Some(trouble(&file.path, &error));
            self.file = None;
        }
    }
}

fn trouble(path: &Path, error: &std::io::Error) -> String {
    format!(
        "The log could not be written to {}: {error}",
        path.display()
    )
}

/// An entry as lines: the service's time, its weight where it is not ordinary,
/// and a bar, so that no line of it stands at the beginning of one of ours.
fn render(entry: &LogLine, gate: &Gate) -> Vec<Line> {
    let time = jiff::Timestamp::from_microsecond(entry.at_micros)
        .map(|time| {
            format!("{time:.3}")
                .get(11..)
                .unwrap_or_default()
                .to_owned()
        })
        .unwrap_or_default();
    let weight = match entry.severity.as_str() {
        "" | "INFO" | "info" => String::new(),
        other => format!("{other} "),
    };
    let prefix = gate.line(&format!("{time} {weight}| "));
    gate.lines(&prefix, &entry.message).collect()
}

pub(super) fn shorten(line: Line, gate: &Gate) -> Line {
    let text = line.as_str();
    if text.len() <= LONGEST_SHOWN {
        return line;
    }
    let head = (0..=LONGEST_SHOWN)
        .rev()
        .find_map(|end| text.get(..end))
        .unwrap_or_default();
    gate.line(&format!(
        "{head}… ({} more bytes in this line)",
        text.len() - head.len()
    ))
}

/// The last lines of the log, bounded in number and size.
#[derive(Default)]
struct Kept {
    lines: VecDeque<Line>,
    bytes: usize,
    dropped: usize,
}

impl Kept {
    fn push(&mut self, line: Line) {
        self.bytes += line.as_str().len();
        self.lines.push_back(line);
        while self.lines.len() > KEPT_LINES || self.bytes > KEPT_BYTES {
            let Some(oldest) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= oldest.as_str().len();
            self.dropped += 1;
        }
    }
}

/// A file that appears under its name only once it is complete.
struct LogFile {
    path: PathBuf,
    partial: PathBuf,
    writer: BufWriter<File>,
}

impl LogFile {
    fn create(path: &Path) -> std::io::Result<Self> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(format!(".{}.partial", std::process::id()));
        let partial = PathBuf::from(partial);
        let writer = BufWriter::new(File::create(&partial)?);
        Ok(Self {
            path: path.to_owned(),
            partial,
            writer,
        })
    }

    fn write(&mut self, line: &Line) -> std::io::Result<()> {
        self.writer.write_all(line.as_str().as_bytes())?;
        self.writer.write_all(b"\n")
    }

    fn finish(mut self) -> Result<(), String> {
        let done = self
            .writer
            .flush()
            .and_then(|()| std::fs::rename(&self.partial, &self.path));
        done.map_err(|error| trouble(&self.path, &error))
    }
}

/// Whatever happened, nothing half-written stays behind.
impl Drop for LogFile {
    fn drop(&mut self) {
        let _renamed_already = std::fs::remove_file(&self.partial);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(severity: &str, message: &str) -> LogLine {
        LogLine {
            id: "1".to_owned(),
            at_micros: 1_772_000_000_123_456,
            severity: severity.to_owned(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn every_line_of_an_entry_begins_with_its_time() {
        let rendered = |entry| {
            let gate = Gate::default();
            render(&entry, &gate)
                .into_iter()
                .map(|line| line.as_str().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(rendered(entry("INFO", "built")), ["06:13:20.123Z | built"]);
        assert_eq!(
            rendered(entry("ERROR", "a\n::error::b")),
            [
                "06:13:20.123Z ERROR | a",
                "06:13:20.123Z ERROR | ::error::b"
            ]
        );
    }

    #[test]
    fn what_is_kept_is_bounded_in_lines_and_bytes() {
        let gate = Gate::default();
        let mut kept = Kept::default();
        for number in 0..KEPT_LINES + 5 {
            kept.push(gate.line(&number.to_string()));
        }
        assert_eq!((kept.lines.len(), kept.dropped), (KEPT_LINES, 5));
        kept.push(gate.line(&"x".repeat(KEPT_BYTES)));
        assert!(kept.bytes <= KEPT_BYTES && kept.lines.len() == 1);
    }

    #[test]
    fn a_log_file_is_complete_or_absent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deploy.log");
        let names = || std::fs::read_dir(folder.path()).unwrap().count();
        let gate = Gate::default();
        let mut file = LogFile::create(&path).unwrap();
        file.write(&gate.line("one")).unwrap();
        assert!(!path.exists());
        drop(file);
        assert_eq!(names(), 0);
        let mut file = LogFile::create(&path).unwrap();
        file.write(&gate.line("one")).unwrap();
        file.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\n");
        assert_eq!(names(), 1);
    }
}
