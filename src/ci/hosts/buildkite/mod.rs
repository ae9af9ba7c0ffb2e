//! Buildkite: the log folds by what a line begins with, and the agent's
//! program, where it is there, takes outputs and the summary. Source:
//! buildkite.com/docs, "Managing log output" and the pages of
//! `buildkite-agent meta-data` and `buildkite-agent annotate`.

pub(crate) mod facts;

use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;

use crate::ci::detect::DetectionRule;
use crate::ci::facts::RunNames;
use crate::ci::files::LONGEST_SUMMARY;
use crate::ci::hosts::CiHost;
use crate::ci::plain::PlainOutput;
use crate::ci::{CiOutput, Deliveries, Delivery, Level, Outputs, OutputsResult, Place};
use crate::environment::Variables;
use crate::sanitize::redactor::Redactor;
use crate::sanitize::{SanitizedLine, SanitizedText};
use crate::shutdown::Shutdown;
use crate::subprocess::{Launch, Launched, ProgramCall};
use crate::text::markdown::cut_in_the_middle;

/// Its row in the table of hosts.
pub(super) const HOST: CiHost = CiHost {
    name: "buildkite",
    title: "Buildkite",
    template: Some("templates/buildkite/pipeline.yml"),
    detection: &[DetectionRule::Is("BUILDKITE", "true")],
    names: RunNames {
        run: &["BUILDKITE_BUILD_ID"],
        step: &["BUILDKITE_STEP_ID", "BUILDKITE_PARALLEL_JOB"],
        attempt: &["BUILDKITE_RETRY_COUNT"],
    },
    facts: facts::facts,
    output: |means, files| {
        let agent = Agent::find(means.variables, means.redactor, means.launch, means.stop);
        Box::new(BuildkiteOutput::new(
            PlainOutput::recorded(means, files),
            agent,
        ))
    },
};

/// How long the agent's programs may take. They run side by side.
const AGENT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long they may take after a signal: the CI kills soon.
const AGENT_TIMEOUT_AFTER_SIGNAL: Duration = Duration::from_millis(800);

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
    /// The gravest that was reported.
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

    fn print(&mut self, line: &SanitizedLine) {
        self.plain.print(line);
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
        agent.set_meta_data(outputs);
        self.plain.files().outputs(outputs)
    }

    fn summary(&mut self, markdown: &SanitizedText) -> Result<(), String> {
        if let Some(agent) = &mut self.agent {
            let style = match self.worst {
                Some(Level::Error) => "error",
                Some(Level::Warning) => "warning",
                None => "success",
            };
            agent.annotate(
                style,
                &cut_in_the_middle(markdown.as_str(), LONGEST_SUMMARY),
            );
        }
        self.plain.summary(markdown)
    }

    fn deliver(&mut self) -> Deliveries {
        match &mut self.agent {
            Some(agent) => Box::pin(agent.run()),
            None => self.plain.deliver(),
        }
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
    /// Each output as a call of its own.
    meta_data: Vec<(&'static str, ProgramCall)>,
    annotation: Option<ProgramCall>,
}

/// The file of the agent.
const PROGRAM: &str = if cfg!(windows) {
    "buildkite-agent.exe"
} else {
    "buildkite-agent"
};

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
            .map(|folder| folder.join(PROGRAM))
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
            meta_data: Vec::new(),
            annotation: None,
        })
    }

    /// Prepares a call for each output that is not empty. The agent refuses an
    /// empty value.
    fn set_meta_data(&mut self, outputs: Outputs<'_>) {
        let given = outputs
            .iter()
            .filter(|(_, value)| !value.as_str().trim().is_empty());
        self.meta_data = given
            .map(|(name, value)| {
                let key = format!("sevalla-{name}");
                let call = self.call(&["meta-data", "set", &key], value.as_str());
                (*name, call)
            })
            .collect();
    }

    /// Prepares the call that shows the summary.
    fn annotate(&mut self, style: &str, markdown: &str) {
        let arguments = ["annotate", "--context", &self.context, "--style", style];
        self.annotation = Some(self.call(&arguments, markdown));
    }

    /// Makes all prepared calls at once.
    fn run(&mut self) -> impl Future<Output = Vec<(Delivery, String)>> + use<> {
        let (launch, stop) = (self.launch, self.stop.clone());
        let meta_data = std::mem::take(&mut self.meta_data);
        let annotation = self.annotation.take();
        let run = move |call| run_in_time(launch(call), stop.clone());
        let names: Vec<&str> = meta_data.iter().map(|(name, _)| *name).collect();
        let meta_data = join_all(
            meta_data
                .into_iter()
                .map(|(_, call)| run(call))
                .collect::<Vec<_>>(),
        );
        let annotation = join_all(annotation.map(run));
        async move {
            let (meta_data, annotation) = tokio::join!(meta_data, annotation);
            let refused: Vec<String> = names
                .iter()
                .zip(meta_data)
                .filter_map(|(name, result)| Some(format!("{name}: {}", result.err()?)))
                .collect();
            let mut failed = Vec::new();
            if !refused.is_empty() {
                let problem = format!("Buildkite's meta-data ({})", refused.join("; "));
                failed.push((Delivery::Outputs, problem));
            }
            failed.extend(annotation.into_iter().filter_map(|result| {
                let problem = format!("Buildkite's annotation ({})", result.err()?);
                Some((Delivery::Summary, problem))
            }));
            failed
        }
    }

    fn call(&self, arguments: &[&str], input: &str) -> ProgramCall {
        ProgramCall {
            program: self.program.clone(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            environment: self.environment.clone(),
            input: input.to_owned(),
        }
    }
}

/// Waits for a program, and kills one that takes too long.
async fn run_in_time(launched: Launched, stop: Shutdown) -> Result<(), String> {
    let signal = async {
        stop.requested().await;
        sleep(AGENT_TIMEOUT_AFTER_SIGNAL).await;
    };
    tokio::select! {
        biased;
        result = launched => return result,
        () = sleep(AGENT_TIMEOUT) => {}
        () = signal => {}
        () = stop.insisted() => {}
    }
    Err("it did not end in time".to_owned())
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
    use std::path::Path;

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
        let absent = folder.path().join("absent");
        let folders = [Path::new("relative"), &absent, folder.path()];
        let path = std::env::join_paths(folders).unwrap();
        let path = path.to_str().unwrap();
        let find = |variables: &Variables| {
            let launch: Launch = |_| Box::pin(std::future::pending());
            Agent::find(
                variables,
                &Redactor::default(),
                launch,
                &Shutdown::default(),
            )
        };
        let job = Variables::from([("PATH", path), ("BUILDKITE_JOB_ID", "1")]);
        assert!(find(&job).is_none());
        std::fs::write(folder.path().join(PROGRAM), "").unwrap();
        assert!(find(&job).is_some());
        assert!(find(&Variables::from([("PATH", path)])).is_none());
    }
}
