//! Files that a CI names in variables: outputs and the job's summary.
//!
//! Used wherever the variable is set: what a host can do decides, not its name.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::Token;
use crate::markdown::cut_in_the_middle;
use crate::process::Variables;
use crate::shown::Block;

/// GitHub refuses the whole summary of a step above 1 MiB.
pub const LONGEST_SUMMARY: usize = 1000 * 1024;

/// Less than this is no summary any more.
const SHORTEST_SUMMARY: usize = 1024;

/// The files of this step.
pub(super) struct Files {
    output: Option<PathBuf>,
    summary: Option<PathBuf>,
    token: Token,
}

impl Files {
    pub(super) fn named_by(variables: &Variables, token: Token) -> Self {
        let path = |name| variables.text(name).map(PathBuf::from);
        Self {
            output: path("GITHUB_OUTPUT"),
            summary: path("GITHUB_STEP_SUMMARY"),
            token,
        }
    }

    pub(super) fn has_output(&self) -> bool {
        self.output.is_some()
    }

    /// Appends all outputs in one piece.
    pub(super) fn outputs(&self, outputs: &[(&'static str, Block)]) -> Result<(), String> {
        let Some(path) = &self.output else {
            return Ok(());
        };
        let text: String = outputs
            .iter()
            .map(|(name, value)| self.heredoc(name, value.as_str()))
            .collect();
        append_whole(path, &text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// The only form in which a value with line ends cannot add outputs of its
    /// own: the delimiter cannot be guessed, and is not in the value.
    fn heredoc(&self, name: &str, value: &str) -> String {
        let mut delimiter = (self.token)();
        // Nobody can guess it; but whoever could must not make this endless.
        while value.contains(&delimiter) {
            delimiter.push('-');
        }
        format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
    }

    /// Appends to the summary; too long a text is cut in the middle. What other
    /// programs of the step have written counts too.
    pub(super) fn summary(&self, markdown: &Block) -> Result<(), String> {
        let Some(path) = &self.summary else {
            return Ok(());
        };
        let before = std::fs::metadata(path).map_or(0, |file| file.len());
        let before = usize::try_from(before).unwrap_or(usize::MAX);
        let room = LONGEST_SUMMARY.saturating_sub(before);
        if room < SHORTEST_SUMMARY {
            return Err(format!("{}: it is full already", path.display()));
        }
        let mut text = cut_in_the_middle(markdown.as_str(), room - 1);
        text.push('\n');
        append_whole(path, &text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// Appends `text`, or leaves the file as it was.
fn append_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let before = file.metadata()?.len();
    // What an earlier command of the step wrote may lack its line end, and
    // would take our first line into its value.
    let text = if ends_in_a_line(path, before) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("\n{text}"))
    };
    let written = file.write_all(text.as_bytes()).and_then(|()| file.flush());
    if written.is_err() {
        // A pipe or a device has no length to restore.
        let _best_effort = file.set_len(before);
    }
    written
}

/// Whether the file ends where a line ends, as far as can be read.
fn ends_in_a_line(path: &Path, length: u64) -> bool {
    let last = |from: u64| -> io::Result<u8> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut byte = [0];
        file.read_exact(&mut byte)?;
        Ok(byte[0])
    };
    length
        .checked_sub(1)
        .is_none_or(|from| last(from).map_or(true, |byte| byte == b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shown::Gate;

    fn files(output: &Path) -> Files {
        Files {
            output: Some(output.to_owned()),
            summary: None,
            token: || "TOKEN".to_owned(),
        }
    }

    #[test]
    fn outputs_are_appended_in_heredoc_form() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output");
        std::fs::write(&path, "before=1\n").unwrap();
        let block = |text| Gate::default().block(text);
        let outputs = [
            ("url", block("https://a.b")),
            ("error", block("two\nlines=x")),
        ];
        files(&path).outputs(&outputs).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "before=1\nurl<<TOKEN\nhttps://a.b\nTOKEN\nerror<<TOKEN\ntwo\nlines=x\nTOKEN\n"
        );
    }

    #[test]
    fn a_file_that_cannot_be_written_is_told_by_name() {
        let error = files(Path::new("/nonexistent/output"))
            .outputs(&[])
            .unwrap_err();
        assert!(error.contains("/nonexistent/output"), "{error}");
    }

    #[test]
    fn a_delimiter_that_somebody_guessed_is_not_used() {
        let value = "x\nTOKEN\nTOKEN-\ninjected=1";
        let text = files(Path::new("x")).heredoc("error", value);
        assert_eq!(text, format!("error<<TOKEN--\n{value}\nTOKEN--\n"));
    }

    #[test]
    fn a_line_without_an_end_does_not_take_ours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output");
        std::fs::write(&path, "before=1").unwrap();
        let outputs = [("url", Gate::default().block("x"))];
        files(&path).outputs(&outputs).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "before=1\nurl<<TOKEN\nx\nTOKEN\n"
        );
    }

    #[test]
    fn what_others_wrote_into_the_summary_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary");
        let files = Files {
            output: None,
            summary: Some(path.clone()),
            token: || "TOKEN".to_owned(),
        };
        let block = Gate::default().block(&"line\n".repeat(100_000));
        std::fs::write(&path, "x\n".repeat(300 * 1024)).unwrap();
        files.summary(&block).unwrap();
        let length = usize::try_from(path.metadata().unwrap().len()).unwrap();
        assert!(length > LONGEST_SUMMARY - 100 && length <= LONGEST_SUMMARY);
        let error = files.summary(&block).unwrap_err();
        assert!(error.contains("full"), "{error}");
    }
}
