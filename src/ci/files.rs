//! Files that a CI names in variables: outputs and the job's summary.
//!
//! Used wherever the variable is set: what a host can do decides, not its name.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Token;
use crate::process::Variables;
use crate::shown::Block;

/// GitHub refuses a whole summary above 1 MiB.
const LONGEST_SUMMARY: usize = 1000 * 1024;

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
        while value.contains(&delimiter) {
            delimiter = (self.token)();
        }
        format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
    }

    /// Appends to the summary; too long a text is cut in the middle.
    pub(super) fn summary(&self, markdown: &Block) -> Result<(), String> {
        let Some(path) = &self.summary else {
            return Ok(());
        };
        let mut text = cut_in_the_middle(markdown.as_str(), LONGEST_SUMMARY);
        let _infallible = text.write_str("\n");
        append_whole(path, &text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

fn cut_in_the_middle(text: &str, longest: usize) -> String {
    const NOTE: &str = "\n\n… cut here: the summary was too long …\n\n";
    if text.len() <= longest {
        return text.to_owned();
    }
    let half = (longest - NOTE.len()) / 2;
    let head = (0..=half)
        .rev()
        .find_map(|end| text.get(..end))
        .unwrap_or_default();
    let tail = (text.len() - half..text.len())
        .find_map(|start| text.get(start..))
        .unwrap_or_default();
    format!("{head}{NOTE}{tail}")
}

/// Appends `text`, or leaves the file as it was.
fn append_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let before = file.metadata()?.len();
    let written = file.write_all(text.as_bytes()).and_then(|()| file.flush());
    if written.is_err() {
        // A pipe or a device has no length to restore.
        let _best_effort = file.set_len(before);
    }
    written
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
    fn too_long_a_summary_keeps_its_beginning_and_end() {
        let text = format!("begin{}end", "ü".repeat(5000));
        let cut = cut_in_the_middle(&text, 1000);
        assert!(cut.len() <= 1000 && cut.starts_with("begin") && cut.ends_with("end"));
        assert!(cut.contains("cut here"));
    }
}
