//! [`StepFiles`]: files that a CI system names in variables, for outputs and
//! the job's summary.
//!
//! Used whenever the variable is set, whatever the name of the host.

use std::borrow::Cow;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::ci::hosts::{bitbucket, circleci};
use crate::ci::{Host, OutputError, Outputs, OutputsResult, Token};
use crate::environment::Variables;
use crate::files::{open_to_append, open_to_read};
use crate::sanitize::SanitizedText;
use crate::text::markdown::cut_in_the_middle;

/// GitHub refuses the whole summary of a step above 1 MiB.
pub const LONGEST_SUMMARY: usize = 1000 * 1024;

/// Less than this is no summary any more.
const SHORTEST_SUMMARY: usize = 1024;

/// The variables of runners like GitHub's that name a file, behind the name of
/// the host.
const OF_RUNNERS: [&str; 6] = [
    "OUTPUT",
    "ENV",
    "PATH",
    "STATE",
    "STEP_SUMMARY",
    "EVENT_PATH",
];

/// Other variables that name a file which a CI or this program reads.
const OF_OTHERS: [&str; 12] = [
    "BASH_ENV",
    "BITBUCKET_PIPELINES_VARIABLES_PATH",
    "BUILDKITE_ENV_FILE",
    "BUILDKITE_ENV_JSON_FILE",
    "CI_SERVER_TLS_CA_FILE",
    "CI_SERVER_TLS_CERT_FILE",
    "CI_SERVER_TLS_KEY_FILE",
    "DRONE_CARD_PATH",
    "DRONE_ENV",
    "DRONE_OUTPUT",
    "SSL_CERT_FILE",
    "TEAMCITY_BUILD_PROPERTIES_FILE",
];

/// The files that a CI or this program reads, with the variables that name
/// them: no report may take their place.
pub fn files_of_the_ci(variables: &Variables) -> Vec<(String, PathBuf)> {
    let hosts = ["GITHUB", "GITEA", "FORGEJO"];
    let of_runners = hosts
        .iter()
        .flat_map(|host| OF_RUNNERS.map(|name| format!("{host}_{name}")));
    let all = of_runners.chain(OF_OTHERS.map(str::to_owned));
    let named = all.filter_map(|name| {
        let path = PathBuf::from(variables.text(&name)?);
        // Anything else, such as `/dev/null`, cannot be replaced anyway.
        let is_file = std::fs::metadata(&path).map_or(true, |there| there.is_file());
        is_file.then_some((name, path))
    });
    let shared = bitbucket::shared_file(variables);
    let shared = shared.map(|path| (bitbucket::SHARED_FOLDER.to_owned(), path));
    named.chain(shared).collect()
}

/// The files of this step. Made by the outputs of the hosts.
pub(super) struct StepFiles {
    output: Option<PathBuf>,
    summary: Option<PathBuf>,
    /// What bash runs before the later steps.
    script: Option<PathBuf>,
    /// Lines `NAME=value`.
    lists: Vec<PathBuf>,
    token: Token,
}

impl StepFiles {
    pub(super) fn named_by(host: Host, variables: &Variables, token: Token) -> Self {
        let path = |name| variables.text(name).map(PathBuf::from);
        Self {
            output: path("GITHUB_OUTPUT"),
            summary: path("GITHUB_STEP_SUMMARY"),
            // Any bash reads it; elsewhere it is somebody's own file.
            script: path("BASH_ENV").filter(|_| host == Host::CircleCi),
            lists: bitbucket::files(variables),
            token,
        }
    }

    /// Whether there is one for outputs.
    pub(super) fn take_outputs(&self) -> bool {
        self.output.is_some() || self.script.is_some() || !self.lists.is_empty()
    }

    /// Appends all outputs to each file in one piece.
    pub(super) fn outputs(&self, outputs: Outputs<'_>) -> OutputsResult {
        let mut troubles = Vec::new();
        if let Some(path) = &self.output {
            let text: String = outputs
                .iter()
                .map(|(name, value)| self.heredoc(name, value.as_str()))
                .collect();
            troubles.push(add(path, &text));
        }
        if let Some(path) = &self.script {
            troubles.push(add(path, &circleci::exports(outputs)));
        }
        let (lines, left_out) = if self.lists.is_empty() {
            (String::new(), Vec::new())
        } else {
            bitbucket::lines(outputs)
        };
        for path in &self.lists {
            if let Some(folder) = path.parent() {
                let _reported_below = std::fs::create_dir_all(folder);
            }
            troubles.push(add(path, &lines));
        }
        // One that cannot be written takes nothing from the others.
        let troubles: Vec<String> = troubles.into_iter().filter_map(Result::err).collect();
        if troubles.is_empty() {
            Ok(left_out)
        } else {
            Err(OutputError::of_file(troubles.join("; ")))
        }
    }

    /// The only form in which a value with line ends cannot add outputs of its
    /// own: the delimiter cannot be guessed, and is not in the value.
    fn heredoc(&self, name: &str, value: &str) -> String {
        let mut delimiter = (self.token)();
        // Nobody can guess it; but a correct guess must not make this endless.
        while value.contains(&delimiter) {
            delimiter.push('-');
        }
        format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
    }

    /// Appends to the summary; too long a text is cut in the middle. What other
    /// programs of the step have written counts too.
    pub(super) fn summary(&self, markdown: &SanitizedText) -> Result<(), String> {
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
        add(path, &text)
    }
}

fn add(path: &Path, text: &str) -> Result<(), String> {
    append_whole(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Appends `text`, or leaves the file as it was.
fn append_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut file = open_to_append(path)?;
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
        // A stream or a device has no length to restore.
        let _best_effort = file.set_len(before);
    }
    written
}

/// Whether the file ends where a line ends, as far as can be read.
fn ends_in_a_line(path: &Path, length: u64) -> bool {
    let last = |from: u64| -> io::Result<u8> {
        let mut file = open_to_read(path)?;
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
    use crate::sanitize::Sanitizer;

    fn files_of(host: Host, name: &str, path: &Path) -> StepFiles {
        let variables = Variables::from([(name, path.to_str().unwrap())]);
        StepFiles::named_by(host, &variables, || "TOKEN".to_owned())
    }

    fn files(output: &Path) -> StepFiles {
        files_of(Host::GitHub, "GITHUB_OUTPUT", output)
    }

    #[test]
    fn outputs_are_appended_in_heredoc_form() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output");
        std::fs::write(&path, "before=1\n").unwrap();
        let block = |text| Sanitizer::default().block(text);
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
        assert!(error.text.contains("/nonexistent/output"), "{error:?}");
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
        let outputs = [("url", Sanitizer::default().block("x"))];
        files(&path).outputs(&outputs).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "before=1\nurl<<TOKEN\nx\nTOKEN\n"
        );
    }

    #[test]
    fn only_circleci_gets_a_script() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env");
        let outputs = [("url", Sanitizer::default().block("x"))];
        let elsewhere = files_of(Host::Local, "BASH_ENV", &path);
        assert!(!elsewhere.take_outputs());
        elsewhere.outputs(&outputs).unwrap();
        assert!(!path.exists());
        std::fs::write(&path, "export A=1").unwrap();
        files_of(Host::CircleCi, "BASH_ENV", &path)
            .outputs(&outputs)
            .unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "export A=1\nexport SEVALLA_OUT_URL='x'\n");
    }

    #[test]
    fn a_list_gets_what_it_can_hold_and_the_rest_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let block = |text| Sanitizer::default().block(text);
        let outputs = [("url", block("x")), ("error", block("a b\nPATH=/tmp"))];
        let shared = "BITBUCKET_PIPE_SHARED_STORAGE_DIR";
        for host in [Host::Bitbucket, Host::OtherCi] {
            let left_out = files_of(host, shared, folder.path()).outputs(&outputs);
            assert_eq!(left_out, Ok(vec!["error"]));
        }
        let path = folder.path().join("sevalla-deploy/outputs.env");
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text, "SEVALLA_OUT_URL=x\nSEVALLA_OUT_URL=x\n");
    }

    #[test]
    fn what_others_wrote_into_the_summary_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary");
        let files = files_of(Host::GitHub, "GITHUB_STEP_SUMMARY", &path);
        let block = Sanitizer::default().block(&"line\n".repeat(100_000));
        std::fs::write(&path, "x\n".repeat(300 * 1024)).unwrap();
        files.summary(&block).unwrap();
        let length = usize::try_from(path.metadata().unwrap().len()).unwrap();
        assert!(length > LONGEST_SUMMARY - 100 && length <= LONGEST_SUMMARY);
        let error = files.summary(&block).unwrap_err();
        assert!(error.contains("full"), "{error}");
    }
}
