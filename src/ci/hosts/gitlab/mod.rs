//! GitLab CI: the log folds. Source: docs.gitlab.com, "Job logs".
//!
//! GitLab takes no outputs, annotations or summary while a job runs; it takes
//! files afterwards, which `output-file` and `links-file` name.

pub(crate) mod facts;

use jiff::Timestamp;

use crate::ci::detect::DetectionRule;
use crate::ci::facts::RunNames;
use crate::ci::hosts::CiHost;
use crate::ci::plain::PlainOutput;
use crate::ci::{CiOutput, Level, Outputs, OutputsResult, Place, Token};
use crate::sanitize::{SanitizedLine, SanitizedText};

/// Its row in the table of hosts.
pub(super) const HOST: CiHost = CiHost {
    name: "gitlab",
    title: "GitLab",
    template: Some("templates/gitlab/.gitlab-ci.yml"),
    detection: &[DetectionRule::Is("GITLAB_CI", "true")],
    names: RunNames {
        run: &["CI_SERVER_URL", "CI_PIPELINE_ID", "CI_JOB_NAME"],
        step: &["CI_NODE_INDEX"],
        attempt: &["CI_JOB_ID"],
    },
    facts: facts::facts,
    output: |means, files| {
        let (clock, token) = (means.clock, means.token);
        Box::new(GitLabOutput::new(
            PlainOutput::recorded(means, files),
            clock,
            token,
        ))
    },
};

pub(crate) struct GitLabOutput {
    plain: PlainOutput,
    clock: fn() -> Timestamp,
    token: Token,
    /// The name of the section that is open.
    section: Option<String>,
}

impl GitLabOutput {
    pub(in crate::ci) fn new(plain: PlainOutput, clock: fn() -> Timestamp, token: Token) -> Self {
        Self {
            plain,
            clock,
            token,
            section: None,
        }
    }

    fn now(&self) -> i64 {
        (self.clock)().as_second()
    }
}

impl CiOutput for GitLabOutput {
    fn mask(&mut self, secret: &str) {
        self.plain.mask(secret);
    }

    fn print(&mut self, line: &SanitizedLine) {
        self.plain.print(line);
    }

    /// The page knows a section by its name, and a job may deploy twice.
    fn open_log(&mut self, title: &SanitizedLine) {
        let name = format!("sevalla_{}", (self.token)());
        let now = self.now();
        self.plain.put(&format!(
            "\u{1b}[0Ksection_start:{now}:{name}[collapsed=true]\r\u{1b}[0K{title}"
        ));
        self.section = Some(name);
    }

    fn close_log(&mut self) {
        if let Some(name) = self.section.take() {
            let now = self.now();
            self.plain
                .put(&format!("\u{1b}[0Ksection_end:{now}:{name}\r\u{1b}[0K"));
        }
    }

    fn annotate(
        &mut self,
        level: Level,
        title: &SanitizedLine,
        message: &SanitizedText,
        place: Option<&Place>,
    ) {
        self.plain.annotate(level, title, message, place);
    }

    fn outputs(&mut self, outputs: Outputs<'_>) -> OutputsResult {
        self.plain.outputs(outputs)
    }

    fn summary(&mut self, markdown: &SanitizedText) -> Result<(), String> {
        self.plain.summary(markdown)
    }
}
