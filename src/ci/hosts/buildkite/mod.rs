//! Buildkite: the log folds by what a line begins with, and the agent's
//! program, where it is there, takes outputs and the summary. Source:
//! buildkite.com/docs, "Managing log output" and the pages of
//! `buildkite-agent meta-data` and `buildkite-agent annotate`.

pub(crate) mod facts;

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use crate::ci::detect::DetectionRule;
use crate::ci::files::LONGEST_SUMMARY;
use crate::ci::hosts::CiHost;
use crate::ci::plain::PlainOutput;
use crate::ci::{CiOutput, Level, Outputs, OutputsResult, Place};
use crate::environment::Variables;
use crate::sanitize::redactor::Redactor;
use crate::sanitize::{SanitizedLine, SanitizedText};
use crate::shutdown::Shutdown;
use crate::subprocess::{Launch, ProgramCall};
use crate::text::markdown::cut_in_the_middle;

/// Its row in the table of hosts.
pub(super) const HOST: CiHost = CiHost {
    name: "buildkite",
    title: "Buildkite",
    template: Some("templates/buildkite/pipeline.yml"),
    detection: &[DetectionRule::Is("BUILDKITE", "true")],
    facts: facts::facts,
    output: |means, files| {
        let agent = Agent::find(means.variables, means.redactor, means.launch, means.stop);
        Box::new(BuildkiteOutput::new(
            PlainOutput::recorded(means, files),
            agent,
        ))
    },
};

/// How long all calls of the agent may take together. No signal is heard
/// meanwhile.
const MOST: Duration = Duration::from_secs(2);

/// The same after a signal: the CI kills soon.
const MOST_AFTER_A_SIGNAL: Duration = Duration::from_millis(800);

/// What the agent reads, beside all that begins with `BUILDKITE`.
const READ: &[&str] = &["PATH", "HOME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The way to the network, which may hold a password and is the agent's too.
const PROXIES: &[&str] = &[
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
];

pub(crate) struct BuildkiteOutput {
    plain: PlainOutput,
    agent: Option<Agent>,
    /// The gravest that was told.
    worst: Option<Level>,
}

impl BuildkiteOutput {
    pub(in crate::ci) const fn new(plain: PlainOutput, agent: Option<Agent>) -> Self {
        Self {
            plain,
            agent,
            worst: None,
        }
    }
}

impl CiOutput for BuildkiteOutput {
    fn mask(&mut self, secret: &str) {
        self.plain.mask(secret);
    }

    fn say(&mut self, line: &SanitizedLine) {
        self.plain.say(line);
    }

    fn open_log(&mut self, title: &SanitizedLine) {
        self.plain.put(&format!("--- {title}"));
    }

    /// A group goes on to the next one, so the verdict gets one of its own,
    /// which is open.
    fn close_log(&mut self) {
        self.plain.put("+++ Sevalla");
    }

    /// It stands in the narrative, and on the page in the summary.
    fn annotate(
        &mut self,
        level: Level,
        _title: &SanitizedLine,
        _message: &SanitizedText,
        _: Option<&Place>,
    ) {
        if self.worst != Some(Level::Error) {
            self.worst = Some(level);
        }
    }

    fn outputs(&mut self, outputs: Outputs<'_>) -> OutputsResult {
        let Some(agent) = &mut self.agent else {
            return self.plain.outputs(outputs);
        };
        let files = self.plain.files().outputs(outputs);
        agent.give(outputs)?;
        files
    }

    fn summary(&mut self, markdown: &SanitizedText) -> Result<(), String> {
        let file = self.plain.summary(markdown);
        let Some(agent) = &mut self.agent else {
            return file;
        };
        let style = match self.worst {
            Some(Level::Error) => "error",
            Some(Level::Warning) => "warning",
            None => "success",
        };
        agent.show(
            style,
            &cut_in_the_middle(markdown.as_str(), LONGEST_SUMMARY),
        )?;
        file
    }
}

/// The agent's program.
pub(crate) struct Agent {
    program: PathBuf,
    environment: Vec<(String, String)>,
    /// Of a step and its retries, so that a page shows the last of them.
    context: String,
    launch: Launch,
    stop: Shutdown,
    /// How long it was waited for so far.
    spent: Duration,
}

impl Agent {
    /// The first in the path, if this is a job.
    pub(crate) fn find(
        variables: &Variables,
        redactor: &Redactor,
        launch: Launch,
        stop: &Shutdown,
    ) -> Option<Self> {
        variables.text("BUILDKITE_JOB_ID")?;
        let folders = std::env::split_paths(variables.text("PATH")?);
        let program = folders
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join("buildkite-agent"))
            .find(|path| path.is_file())?;
        let suffix = variables.text("BUILDKITE_STEP_ID");
        Some(Self {
            program,
            environment: environment(variables, redactor),
            context: suffix.map_or_else(
                || "sevalla-deploy".to_owned(),
                |suffix| format!("sevalla-deploy-{suffix}"),
            ),
            launch,
            stop: stop.clone(),
            spent: Duration::ZERO,
        })
    }

    /// Gives each output that is not empty, which the agent refuses.
    fn give(&mut self, outputs: Outputs<'_>) -> Result<(), String> {
        let given: Vec<_> = outputs
            .iter()
            .filter(|(_, value)| !value.as_str().trim().is_empty())
            .collect();
        let calls = given
            .iter()
            .map(|(name, value)| {
                let key = format!("sevalla-{name}");
                self.call(&["meta-data", "set", &key], value.as_str())
            })
            .collect();
        let results = self.run(calls);
        let refused: Vec<String> = given
            .iter()
            .zip(results)
            .filter_map(|((name, _), result)| Some(format!("{name}: {}", result.err()?)))
            .collect();
        if refused.is_empty() {
            Ok(())
        } else {
            Err(format!("Buildkite's meta-data ({})", refused.join("; ")))
        }
    }

    fn show(&mut self, style: &str, markdown: &str) -> Result<(), String> {
        let context = self.context.clone();
        let arguments = ["annotate", "--context", &context, "--style", style];
        let call = self.call(&arguments, markdown);
        let results = self.run(vec![call]);
        results
            .into_iter()
            .collect::<Result<(), String>>()
            .map_err(|error| format!("Buildkite's annotation ({error})"))
    }

    fn call(&self, arguments: &[&str], input: &str) -> ProgramCall {
        ProgramCall {
            program: self.program.clone(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            environment: self.environment.clone(),
            input: input.to_owned(),
        }
    }

    fn run(&mut self, calls: Vec<ProgramCall>) -> Vec<Result<(), String>> {
        let most = match self.stop.told() {
            Some(_) => MOST_AFTER_A_SIGNAL,
            None => MOST,
        };
        let left = most.saturating_sub(self.spent);
        if left.is_zero() {
            return vec![Err("the agent has taken too long before".to_owned()); calls.len()];
        }
        let started = Instant::now();
        let results = (self.launch)(calls, left);
        self.spent += started.elapsed();
        results
    }
}

/// What the agent needs of the environment, and none of our secrets, whatever
/// they are called.
fn environment(variables: &Variables, redactor: &Redactor) -> Vec<(String, String)> {
    let is_secret = |value: &str| redactor.redact(value) != value;
    let is_handed_on = |name: &str, value: &str| {
        let is_read = name.starts_with("BUILDKITE") || READ.contains(&name);
        PROXIES.contains(&name) || is_read && !is_secret(value)
    };
    variables
        .names()
        .filter_map(|name| Some((name, variables.text(name)?)))
        .filter(|(name, value)| is_handed_on(name, value))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_gets_what_it_reads_and_none_of_our_secrets() {
        let variables = Variables::from([
            ("BUILDKITE_AGENT_ACCESS_TOKEN", "bkaj_0123456789"),
            (
                "BUILDKITE_PLUGIN_CONFIGURATION",
                "{\"key\":\"svl_0123456789\"}",
            ),
            ("PATH", "/bin"),
            ("HTTPS_PROXY", "http://user:svl_0123456789@proxy:1"),
            ("SEVALLA_TOKEN", "svl_0123456789"),
            ("MY_KEY", "svl_0123456789"),
            ("OTHER", "x"),
        ]);
        let given = environment(&variables, &Redactor::new(["svl_0123456789"]));
        let names: Vec<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["BUILDKITE_AGENT_ACCESS_TOKEN", "HTTPS_PROXY", "PATH"]
        );
    }

    #[test]
    fn only_a_program_in_the_path_of_a_job_is_an_agent() {
        let folder = tempfile::tempdir().unwrap();
        let path = format!("relative:/nonexistent:{}", folder.path().display());
        let find = |variables: &Variables| {
            let launch: Launch = |_, _| Vec::new();
            Agent::find(
                variables,
                &Redactor::default(),
                launch,
                &Shutdown::default(),
            )
        };
        let job = Variables::from([("PATH", path.as_str()), ("BUILDKITE_JOB_ID", "1")]);
        assert!(find(&job).is_none());
        std::fs::write(folder.path().join("buildkite-agent"), "").unwrap();
        assert!(find(&job).is_some());
        assert!(find(&Variables::from([("PATH", path.as_str())])).is_none());
    }
}
