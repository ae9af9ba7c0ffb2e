//! Azure Pipelines: logging commands on the output. Sources: the page "Logging
//! commands" of learn.microsoft.com, and `Command.cs` of the agent.
//!
//! The agent obeys `##vso[` anywhere in a line of either stream, and the page
//! `##[` at the beginning of one. Sanitized text contains neither.

pub(crate) mod facts;

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::ci::detect::DetectionRule;
use crate::ci::facts::RunNames;
use crate::ci::files::StepFiles;
use crate::ci::hosts::CiHost;
use crate::ci::line_writer::LineWriter;
use crate::ci::{
    CiOutput, CiOutputConfig, Level, Outputs, OutputsResult, Place, SECRET, Token, also, titled,
    variable,
};
use crate::environment::Variables;
use crate::sanitize::{SanitizedLine, SanitizedText};

/// Its row in the table of hosts.
pub(super) const HOST: CiHost = CiHost {
    name: "azure",
    title: "Azure Pipelines",
    template: Some("templates/azure/azure-pipelines.yml"),
    detection: &[DetectionRule::Is("TF_BUILD", "true")],
    names: RunNames {
        run: &["SYSTEM_TEAMFOUNDATIONCOLLECTIONURI", "BUILD_BUILDID"],
        step: &[
            "SYSTEM_STAGENAME",
            "SYSTEM_PHASENAME",
            "SYSTEM_JOBNAME",
            "SYSTEM_TASKINSTANCEID",
        ],
        attempt: &["SYSTEM_STAGEATTEMPT", "SYSTEM_JOBATTEMPT"],
    },
    facts: facts::facts,
    output: |means, files| {
        let CiOutputConfig {
            variables, token, ..
        } = means;
        Box::new(AzureOutput::new(means.stdout, files, variables, token))
    },
};

/// The agent cuts a longer issue.
const LONGEST_ISSUE: usize = 4000;

/// The page shows a summary under the name of its file.
const SUMMARY: &str = "Sevalla.md";

pub(crate) struct AzureOutput {
    lines: LineWriter,
    files: StepFiles,
    /// The agent empties it after the job.
    temporary: Option<PathBuf>,
    token: Token,
}

impl AzureOutput {
    pub(in crate::ci) fn new(
        out: Box<dyn Write>,
        files: StepFiles,
        variables: &Variables,
        token: Token,
    ) -> Self {
        let temporary = variables.text("AGENT_TEMPDIRECTORY").map(PathBuf::from);
        Self {
            lines: LineWriter::new(out),
            files,
            temporary,
            token,
        }
    }

    fn command(&mut self, name: &str, properties: &str, data: &str) {
        self.lines
            .put(&format!("##vso[task.{name}{properties}]{}", escaped(data)));
    }
}

impl CiOutput for AzureOutput {
    fn mask(&mut self, secret: &str) {
        self.command("setsecret", "", secret);
    }

    fn print(&mut self, line: &SanitizedLine) {
        self.lines.put(line.as_str());
    }

    fn open_log(&mut self, title: &SanitizedLine) {
        self.lines.put(&format!("##[group]{title}"));
    }

    fn close_log(&mut self) {
        self.lines.put("##[endgroup]");
    }

    fn annotate(
        &mut self,
        level: Level,
        title: &SanitizedLine,
        message: &SanitizedText,
        place: Option<&Place>,
    ) {
        let kind = match level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        let place = place.map(at).unwrap_or_default();
        let text = titled(title, message);
        let text: String = text.chars().take(LONGEST_ISSUE).collect();
        self.command("logissue", &format!(" type={kind}{place}"), &text);
    }

    /// The agent fills in `$(NAME)` in the value of a variable, also where the
    /// name is a secret's.
    fn outputs(&mut self, outputs: Outputs<'_>) -> OutputsResult {
        let files = self.files.outputs(outputs);
        let mut left_out = Vec::new();
        for (name, value) in outputs {
            if value.as_str().contains("$(") {
                left_out.push(*name);
                continue;
            }
            let is_secret = *name == SECRET && !value.as_str().is_empty();
            let secret = if is_secret { ";isSecret=true" } else { "" };
            let properties = format!(" variable={}{secret};isOutput=true", variable(name));
            self.command("setvariable", &properties, value.as_str());
        }
        also(files, left_out)
    }

    fn summary(&mut self, markdown: &SanitizedText) -> Result<(), String> {
        let file = self.files.summary(markdown);
        let Some(temporary) = &self.temporary else {
            return file;
        };
        // Two steps of a job share the folder.
        let folder = temporary.join(format!("sevalla-deploy-{}", (self.token)()));
        let path = folder.join(SUMMARY);
        write_whole(&folder, &path, markdown.as_str())
            .map_err(|error| format!("{}: {error}", path.display()))?;
        self.command("uploadsummary", "", &path.to_string_lossy());
        file
    }
}

/// Writes a file in a folder of its own, or leaves nothing.
fn write_whole(folder: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::create_dir(folder)?;
    std::fs::write(path, text).inspect_err(|_| {
        let _best_effort = std::fs::remove_dir_all(folder);
    })
}

/// The properties that name a place.
fn at(place: &Place) -> String {
    let column = place.column.map(|column| format!(";columnnumber={column}"));
    format!(
        ";sourcepath={};linenumber={}{}",
        escaped(&place.file),
        place.line,
        column.unwrap_or_default()
    )
}

/// Escapes a property or the data of a command; the agent reads both in the
/// same way. `%` first, or it would be escaped twice.
fn escaped(text: &str) -> String {
    text.replace('%', "%AZP25")
        .replace(';', "%3B")
        .replace(']', "%5D")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ci::Host;
    use crate::ci::line_writer::captured::Captured;
    use crate::sanitize::Sanitizer;

    fn written(write: impl FnOnce(&mut AzureOutput)) -> String {
        let out = Captured::default();
        let token: Token = || "TOKEN".to_owned();
        let variables = Variables::default();
        let files = StepFiles::named_by(Host::Azure, &variables, token);
        write(&mut AzureOutput::new(
            Box::new(out.clone()),
            files,
            &variables,
            token,
        ));
        out.text()
    }

    #[test]
    fn commands_are_written_as_the_agent_reads_them() {
        let sanitizer = Sanitizer::default();
        assert_eq!(
            written(|a| a.mask("a%]b")),
            "##vso[task.setsecret]a%AZP25%5Db\n"
        );
        let title = sanitizer.line("Failed");
        let message = sanitizer.block("50%;\nmore]");
        assert_eq!(
            written(|a| a.annotate(Level::Error, &title, &message, None)),
            "##vso[task.logissue type=error]Failed: 50%AZP25%3B%0Amore%5D\n"
        );
        let place = Place {
            file: "src/a;b].ts".to_owned(),
            line: 7,
            column: Some(3),
        };
        assert_eq!(
            written(|a| a.annotate(Level::Warning, &title, &sanitizer.block("m"), Some(&place))),
            "##vso[task.logissue type=warning;sourcepath=src/a%3Bb%5D.ts;linenumber=7;columnnumber=3]Failed: m\n"
        );
        assert_eq!(
            written(|a| {
                a.open_log(&sanitizer.line("Log"));
                a.print(&sanitizer.line("line"));
                a.close_log();
            }),
            "##[group]Log\nline\n##[endgroup]\n"
        );
    }

    #[test]
    fn a_value_that_would_be_filled_in_is_left_out() {
        let block = |text| Sanitizer::default().block(text);
        let outputs = [
            ("url", block("https://a.b")),
            ("branch", block("$(SYSTEM_ACCESSTOKEN)")),
            ("database-password", block("p")),
        ];
        let mut left_out = Vec::new();
        let written = written(|a| left_out = a.outputs(&outputs).unwrap());
        assert_eq!(left_out, ["branch"]);
        assert_eq!(
            written,
            "##vso[task.setvariable variable=SEVALLA_OUT_URL;isOutput=true]https://a.b\n\
             ##vso[task.setvariable variable=SEVALLA_OUT_DATABASE_PASSWORD;isSecret=true;isOutput=true]p\n"
        );
    }

    #[test]
    fn a_summary_is_a_file_of_its_own_that_the_agent_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().to_str().unwrap();
        let variables = Variables::from([("AGENT_TEMPDIRECTORY", name)]);
        let token: Token = || "TOKEN".to_owned();
        let out = Captured::default();
        let files = StepFiles::named_by(Host::Azure, &variables, token);
        let mut azure = AzureOutput::new(Box::new(out.clone()), files, &variables, token);
        let markdown = Sanitizer::default().block("# Title");
        azure.summary(&markdown).unwrap();
        let path = folder
            .path()
            .join("sevalla-deploy-TOKEN")
            .join("Sevalla.md");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "# Title");
        let command = format!("##vso[task.uploadsummary]{}\n", path.display());
        assert_eq!(out.text(), command);
        let error = azure.summary(&markdown).unwrap_err();
        assert!(error.contains("Sevalla.md"), "{error}");
    }

    proptest! {
        /// The agent replaces one after the other, the per cent sign last.
        #[test]
        fn what_is_escaped_is_read_back(text in "([%;\\]\r\n]|AZP25|3B|0A|.){0,20}") {
            let escaped = escaped(&text);
            prop_assert!(!escaped.contains([';', ']', '\r', '\n']));
            let read = escaped
                .replace("%3B", ";")
                .replace("%0D", "\r")
                .replace("%0A", "\n")
                .replace("%5D", "]")
                .replace("%AZP25", "%");
            prop_assert_eq!(read, text);
        }
    }
}
