//! Runs the program as a CI would and gathers everything it leaves.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use sevalla_simulator::{
    Application, Behaviour, DeploymentType, Fault, Script, Simulator, StaticSite, World,
};
use tempfile::TempDir;
use tokio::net::TcpSocket;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

use crate::impatient;

/// The application of most tests.
pub(crate) const APP: &str = "4f1c1d0e-8a57-4c0b-9d5e-2f6d1f0f7a11";

/// The static site of most tests.
pub(crate) const SITE: &str = "9a0b7c6d-1e2f-4a3b-8c4d-5e6f7a8b9c0d";

/// The pipeline of most tests.
pub(crate) const PIPELINE: &str = "c2b1d1aa-7a52-4c55-9a41-5a0d5a1f7e04";

/// What reads a log.
pub(crate) const LOGS: &str = "getApplicationDeploymentLogsV3";

/// From the first signal to the exit of a run that heeds it, however busy the
/// machine is. That it takes six seconds at most is seen in virtual time, by the
/// model.
pub(crate) const WINDOW: Duration = Duration::from_secs(30);

/// No run of a test takes longer, however busy the machine is.
pub(crate) const LONGEST: Duration = Duration::from_secs(200);

/// A run that waited for something it must not wait for takes longer; one that
/// did not takes less, however busy the machine is.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// A `verify-timeout` that leaves the first visit enough time on a busy machine.
pub(crate) const A_FEW_VISITS: &str = "6s";

/// The same where an answer that never comes would be waited for: that wait
/// alone takes longer.
pub(crate) const HANGING: Duration = Duration::from_secs(27);

/// A simulated Sevalla with one application that does this next.
pub(crate) async fn application(script: Script) -> Simulator {
    Simulator::start(World::new().application(Application::new(APP).next(script))).await
}

/// A simulated Sevalla with one static site that does this next.
pub(crate) async fn static_site(script: Script) -> Simulator {
    Simulator::start(World::new().static_site(StaticSite::new(SITE).next(script))).await
}

/// Carries these out at the same time; a case that fails fails the test.
pub(crate) async fn together<F>(cases: impl IntoIterator<Item = F>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let cases: tokio::task::JoinSet<()> = cases.into_iter().collect();
    cases.join_all().await;
}

/// Waits until something holds.
pub(crate) async fn until(holds: impl Fn() -> bool) {
    let watch = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONGEST, watch)
        .await
        .expect("it comes to hold in time");
}

/// Waits until the service has seen a call of this operation.
pub(crate) async fn called(simulator: &Simulator, operation: &str) {
    until(|| simulator.calls(operation) > 0).await;
}

/// The commit of a run on GitHub.
pub(crate) const CI_COMMIT: &str = "1234567890abcdef1234567890abcdef12345678";

/// An address where nobody listens. The socket keeps the port from others, so
/// hold it for as long as something may connect.
pub(crate) fn refuses_connections() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Somebody's deployment that does this from the moment in which the run looks
/// at the list of deployments for the first time, however late it comes to that.
pub(crate) fn busy_when_looked_at(script: Script) -> Fault {
    Fault::on("listDeploymentsV3")
        .nth(1)
        .does(Behaviour::Delay(Duration::ZERO))
        .beside(APP, DeploymentType::Manual, script)
}

/// A refusal for the rate limit, for a second.
pub(crate) fn limited() -> Behaviour {
    Behaviour::RateLimited {
        retry_after: Some("1".to_owned()),
        reset: None,
    }
}

/// So many ids, all different.
pub(crate) fn ids(count: u32) -> Vec<String> {
    (0..count)
        .map(|number| format!("{number:08x}-0000-4000-8000-000000000000"))
        .collect()
}

/// Sends the signal and gathers what the run leaves, which must be in time.
pub(crate) async fn stopped(running: Running, signal: &str) -> Finished {
    running.signal(signal).await;
    let at = Instant::now();
    let run = running.finish().await;
    assert!(
        at.elapsed() < WINDOW,
        "it took {:?}\n{}",
        at.elapsed(),
        run.streams()
    );
    run
}

/// A run to be started.
pub(crate) struct Runner {
    folder: TempDir,
    variables: BTreeMap<OsString, OsString>,
    arguments: Vec<OsString>,
    works_in: Option<PathBuf>,
    secrets: Vec<String>,
}

impl Runner {
    /// A run with nothing set.
    pub(crate) fn bare() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            variables: BTreeMap::new(),
            arguments: Vec::new(),
            works_in: None,
            secrets: Vec::new(),
        }
    }

    /// A run that knows where the simulator is, and its key.
    pub(crate) fn against(simulator: &Simulator) -> Self {
        Self::bare()
            .set("SEVALLA_API_URL", simulator.url())
            .secret("SEVALLA_TOKEN", simulator.key())
    }

    /// A run of this action; one that only lists or shows in a CI, where it has
    /// outputs.
    pub(crate) fn does(simulator: &Simulator, action: &str) -> Self {
        let runner = Self::against(simulator).set("SEVALLA_ACTION", action);
        if matches!(action, "list" | "show") {
            return runner.set("CI", "true");
        }
        runner
    }

    /// A run that deploys the application.
    pub(crate) fn deploys_app(simulator: &Simulator) -> Self {
        Self::against(simulator).set("SEVALLA_APP_ID", APP)
    }

    /// A run that deploys the static site.
    pub(crate) fn deploys_site(simulator: &Simulator) -> Self {
        Self::against(simulator).set("SEVALLA_STATIC_SITE_ID", SITE)
    }

    pub(crate) fn set(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Sets a variable whose value must not be seen in anything the run leaves.
    pub(crate) fn secret(mut self, name: &str, value: &str) -> Self {
        self.secrets.push(value.to_owned());
        self.set(name, value)
    }

    /// Remembers a text that must not be seen in anything the run leaves.
    pub(crate) fn hides(mut self, text: &str) -> Self {
        self.secrets.push(text.to_owned());
        self
    }

    pub(crate) fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets what GitHub sets for a step of a push to `main`.
    pub(crate) fn on_github(self) -> Self {
        let output = self.path("github-output");
        let summary = self.path("github-summary");
        std::fs::write(&output, "").unwrap();
        std::fs::write(&summary, "").unwrap();
        self.set("GITHUB_ACTIONS", "true")
            .set("CI", "true")
            .set("GITHUB_OUTPUT", output)
            .set("GITHUB_STEP_SUMMARY", summary)
            .set("GITHUB_SHA", CI_COMMIT)
            .set("GITHUB_SERVER_URL", "https://github.example")
            .set("GITHUB_REPOSITORY", "octo/shop")
            .set("GITHUB_RUN_ID", "42")
    }

    /// Sets what GitHub sets for a step of a pull request's event.
    pub(crate) fn on_pull_request(self, event: &PullRequest) -> Self {
        let path = self.path("event.json");
        std::fs::write(&path, event.payload().to_string()).unwrap();
        self.on_github()
            .set("GITHUB_EVENT_NAME", "pull_request")
            .set("GITHUB_EVENT_PATH", path)
            .set("GITHUB_REF", format!("refs/pull/{}/merge", event.number))
            .set("GITHUB_REF_NAME", format!("{}/merge", event.number))
            .set("GITHUB_HEAD_REF", event.branch)
            .set("GITHUB_BASE_REF", "main")
            .set("GITHUB_API_URL", "https://api.github.example")
            .set("GITHUB_ACTOR", "octocat")
            .set("GITHUB_RUN_ATTEMPT", "1")
    }

    /// The arguments of the run.
    pub(crate) fn arguments(&self) -> &[OsString] {
        &self.arguments
    }

    /// The same with these arguments behind the others.
    pub(crate) fn arguments_are(self, arguments: &[&str]) -> Self {
        arguments.iter().fold(self, Self::argument)
    }

    /// Lets these words start the program, as `nohup` does.
    pub(crate) fn started_by(mut self, words: &[&str]) -> Self {
        let program = env!("CARGO_BIN_EXE_sevalla-deploy");
        let words = [&"--"].into_iter().chain(words).chain([&program]);
        self.arguments = words.map(Into::into).collect();
        self.set("PATH", "/usr/local/bin:/usr/bin:/bin")
    }

    /// Sets the working directory, by default the run's own folder.
    pub(crate) fn works_in(mut self, path: impl Into<PathBuf>) -> Self {
        self.works_in = Some(path.into());
        self
    }

    /// A path in this run's own folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The variables of the run.
    pub(crate) fn variables(&self) -> &BTreeMap<OsString, OsString> {
        &self.variables
    }

    /// Starts the program.
    pub(crate) fn start(self) -> Running {
        self.start_with(Stdio::piped())
    }

    /// Starts the program with an error stream that is full, and that nobody
    /// reads while the other end is held: the first word blocks it.
    pub(crate) async fn start_blocked(self) -> (Running, pipe::Receiver) {
        let (full, unread) = pipe::pipe().unwrap();
        full.writable().await.unwrap();
        while full.try_write(&[b'.'; 4096]).is_ok() {}
        let full = full.into_blocking_fd().unwrap();
        (self.start_with(full.into()), unread)
    }

    fn start_with(self, stderr: Stdio) -> Running {
        let child = Command::new(env!("CARGO_BIN_EXE_sevalla-deploy"))
            .args(&self.arguments)
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.works_in.as_deref().unwrap_or(self.folder.path()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        Running {
            child,
            started: Instant::now(),
            runner: self,
        }
    }

    /// Runs the program to its end inside this process, with less patience for
    /// each answer. It works in this process's directory.
    pub(crate) async fn run_impatiently(self) -> Finished {
        let started = Instant::now();
        let variables = self.variables.clone();
        let run = tokio::task::spawn_blocking(|| impatient::run(variables));
        let (code, stdout, stderr) = run.await.unwrap();
        let finished = Finished {
            code: Some(code),
            took: started.elapsed(),
            stdout,
            stderr,
            runner: self,
        };
        finished.assert_no_secret();
        finished
    }

    /// Runs the program to its end.
    pub(crate) async fn run(self) -> Finished {
        self.start().finish().await
    }
}

/// What happened to a pull request of `octo/shop`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PullRequest {
    pub(crate) number: u64,
    pub(crate) branch: &'static str,
    pub(crate) commit: &'static str,
    pub(crate) action: &'static str,
    /// The repository its branch is in.
    pub(crate) head: &'static str,
}

impl PullRequest {
    /// Number 7, which was opened.
    pub(crate) const OPENED: Self = Self {
        number: 7,
        branch: "feature/x",
        commit: "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432",
        action: "opened",
        head: "octo/shop",
    };

    /// The same, closed.
    pub(crate) const CLOSED: Self = Self {
        action: "closed",
        ..Self::OPENED
    };

    /// The event as GitHub writes it, without what nobody reads.
    fn payload(&self) -> serde_json::Value {
        let is_closed = self.action == "closed";
        let repository = |name: &str| {
            serde_json::json!({
                "id": 1_296_269, "full_name": name, "private": true, "default_branch": "main",
                "html_url": format!("https://github.example/{name}"),
            })
        };
        serde_json::json!({
            "action": self.action,
            "number": self.number,
            "pull_request": {
                "id": 279_147_437, "number": self.number,
                "state": if is_closed { "closed" } else { "open" },
                "title": "Add x", "draft": false, "merged": is_closed,
                "merged_at": is_closed.then_some("2026-03-01T10:00:00Z"),
                "user": { "login": "octocat", "type": "User" },
                "html_url": format!("https://github.example/octo/shop/pull/{}", self.number),
                "head": {
                    "label": format!("octo:{}", self.branch), "ref": self.branch,
                    "sha": self.commit, "repo": repository(self.head),
                },
                "base": {
                    "label": "octo:main", "ref": "main", "repo": repository("octo/shop"),
                    "sha": "1234567890abcdef1234567890abcdef12345678",
                },
            },
            "repository": repository("octo/shop"),
            "sender": { "login": "octocat", "type": "User" },
        })
    }
}

/// A run that goes on.
pub(crate) struct Running {
    child: Child,
    started: Instant,
    runner: Runner,
}

impl Running {
    /// The process's number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("the program runs")
    }

    /// Sends a signal by its name, such as `INT`.
    pub(crate) async fn signal(&self, name: &str) {
        self.signals(&[name]).await;
    }

    /// Sends several, one right after the other.
    pub(crate) async fn signals(&self, names: &[&str]) {
        let id = self.id().to_string();
        let script = r#"for name; do kill -s "$name" "$ID" || exit; done"#;
        let sent = Command::new("sh")
            .args(["-c", script, "sh"])
            .args(names)
            .env("ID", &id)
            .status()
            .await
            .unwrap();
        assert!(sent.success(), "{names:?} to {id}");
    }

    /// Waits for the end without reading anything.
    pub(crate) async fn ends_unread(mut self) -> ExitStatus {
        tokio::time::timeout(WINDOW, self.child.wait())
            .await
            .expect("the program ends in time")
            .unwrap()
    }

    /// Closes the reading end of the output, as `| head` does.
    pub(crate) fn close_stdout(&mut self) {
        drop(self.child.stdout.take());
    }

    /// Closes the reading end of both streams.
    pub(crate) fn close_streams(&mut self) {
        self.close_stdout();
        drop(self.child.stderr.take());
    }

    /// Reads the most memory the process had so far, in KiB, until it ends;
    /// then the last value read.
    pub(crate) fn peak_memory(&self) -> tokio::task::JoinHandle<u64> {
        let path = format!("/proc/{}/status", self.id());
        tokio::spawn(async move {
            let mut peak = 0;
            loop {
                let status = std::fs::read_to_string(&path).unwrap_or_default();
                let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                // A process that has ended has no such line.
                let Some(kib) = line.and_then(|line| line.trim().strip_suffix(" kB")) else {
                    return peak;
                };
                peak = peak.max(kib.trim().parse().unwrap());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
    }

    /// The same where the deployments of these applications have no end but this:
    /// all of their logs was read, so that a call has asked for the same as one
    /// before it.
    pub(crate) async fn finish_once_read(self, simulator: &Simulator, apps: &[&str]) -> Finished {
        let is_read = || {
            let journal = simulator.journal();
            let mut queries: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for call in journal.iter().filter(|call| call.operation == LOGS) {
                queries.entry(&call.path).or_default().push(&call.query);
            }
            let is_read = |queries: &Vec<_>| match queries.as_slice() {
                [before @ .., last] => before.len() > 2 && before.contains(last),
                [] => false,
            };
            // The log of the last success is read once beside them.
            queries.values().filter(|log| is_read(log)).count() == apps.len()
        };
        let end = async {
            until(is_read).await;
            for app in apps {
                simulator.end_deployment(app);
            }
        };
        tokio::join!(self.finish(), end).0
    }

    /// Waits for the end and gathers what was left.
    pub(crate) async fn finish(self) -> Finished {
        let output = tokio::time::timeout(LONGEST, self.child.wait_with_output())
            .await
            .expect("the program ends in time")
            .unwrap();
        let finished = Finished {
            code: output.status.code(),
            took: self.started.elapsed(),
            stdout: String::from_utf8(output.stdout).expect("the output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("the error stream is UTF-8"),
            runner: self.runner,
        };
        finished.assert_no_secret();
        finished
    }
}

/// What a run has left.
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) took: Duration,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    runner: Runner,
}

impl Finished {
    /// Both streams.
    pub(crate) fn streams(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }

    /// The path of a file in the run's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.runner.path(name)
    }

    /// The content of a file in the run's folder, if it is there.
    pub(crate) fn file(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.path(name)).ok()
    }

    /// The names of all files in the run's folder.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.runner.folder.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The outputs, read from GitHub's file as its runner does, or from the
    /// output stream.
    pub(crate) fn outputs(&self) -> BTreeMap<String, String> {
        match self.file("github-output") {
            Some(text) => parse_file_commands(&text),
            None => self
                .stdout
                .lines()
                .map(|line| line.split_once('=').expect("name=value"))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }

    pub(crate) fn output(&self, name: &str) -> String {
        self.outputs()
            .remove(name)
            .unwrap_or_else(|| panic!("no output {name} in {}", self.streams()))
    }

    /// Asserts the exit code and the word of the outcome.
    pub(crate) fn assert_ended(&self, code: i32, outcome: &str) {
        assert_eq!(self.code, Some(code), "{}", self.streams());
        assert_eq!(self.output("outcome"), outcome, "{}", self.streams());
    }

    /// What was said to people: both streams without the outputs.
    fn said(&self) -> String {
        if self.stdout.starts_with("deployment-id=") {
            self.stderr.clone()
        } else {
            self.streams()
        }
    }

    /// Asserts that this text was said to people on one of the streams.
    pub(crate) fn assert_told(&self, text: &str) {
        let said = self.said();
        assert!(said.contains(text), "{text:?} is not in\n{said}");
    }

    /// Asserts that a warning says each of these.
    pub(crate) fn assert_warned(&self, texts: &[&str]) {
        let said = self.said();
        let mut warnings = said.lines().filter(|line| line.contains("Z Warning: "));
        assert!(
            warnings.any(|line| texts.iter().all(|text| line.contains(text))),
            "no warning says {texts:?} in\n{said}"
        );
    }

    /// No secret is in a stream or in a file below the run's folder.
    fn assert_no_secret(&self) {
        let mut all = BTreeMap::from([
            (PathBuf::from("stdout"), self.stdout.clone().into_bytes()),
            (PathBuf::from("stderr"), self.stderr.clone().into_bytes()),
        ]);
        read_below(self.runner.folder.path(), &mut all);
        for (path, bytes) in &all {
            for secret in &self.runner.secrets {
                assert!(
                    memchr::memmem::find(bytes, secret.as_bytes()).is_none(),
                    "a secret is in {}: {}",
                    path.display(),
                    String::from_utf8_lossy(bytes)
                );
            }
        }
    }
}

/// Reads every file below the folder. A pipe or a link is none.
fn read_below(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            read_below(&path, files);
        } else if kind.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            files.insert(path, bytes);
        }
    }
}

/// Reads the file of outputs by the rules of GitHub's runner.
pub(crate) fn parse_file_commands(text: &str) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let mut lines = text.split('\n');
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let equals = line.find('=');
        let heredoc = line.find("<<");
        match (equals, heredoc) {
            (Some(at), other) if other.is_none_or(|other| at < other) => {
                values.insert(line[..at].to_owned(), line[at + 1..].to_owned());
            }
            (_, Some(at)) => {
                let (name, delimiter) = (&line[..at], &line[at + 2..]);
                assert!(!name.is_empty() && !delimiter.is_empty(), "{line:?}");
                let value: Vec<&str> = lines
                    .by_ref()
                    .take_while(|line| *line != delimiter)
                    .collect();
                values.insert(name.to_owned(), value.join("\n"));
            }
            _ => panic!("GitHub refuses the line {line:?}"),
        }
    }
    values
}
