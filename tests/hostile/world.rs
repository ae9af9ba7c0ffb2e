//! A whole run in this process: the service is a script, time is paused, and
//! what comes out is kept.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use sevalla_deploy::environment::Variables;
use sevalla_deploy::http::{Request, Response, ResponseFuture, Transport};
use sevalla_deploy::outcome::Outcome;
use sevalla_deploy::process::Process;
use sevalla_deploy::subprocess::ProgramCall;
use testkit::{Captured, in_virtual_time};
use url::Url;

use crate::in_memory;
use crate::texts::{GITHUB_TOKEN, HOOK_END, KEY};

pub(crate) const APP: &str = "fb5e5168-4281-4bec-94c5-0d1584e9e657";

/// What happens in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Success,
    Failed,
    /// The deployment has a status that nobody knows, then fails.
    OddStatus,
    /// Starting it is refused.
    Refused,
    /// The first answer is a redirect.
    Redirected,
    /// The log is refused, and then the deployment fails.
    NoLog,
    /// The first answer is a page.
    Page,
    /// The first answer has values of other types.
    OddTypes,
    /// A bug of ours: the program panics with the text, in the midst of the log.
    Bug,
}

/// The id of the deployment, where the service means well.
pub(crate) const DEPLOYMENT: &str = "6a1bbd1c-0000-4000-8000-000000000001";

/// All but the bug, which ends the process.
pub(crate) const CASES: [Case; 8] = [
    Case::Success,
    Case::Failed,
    Case::OddStatus,
    Case::Refused,
    Case::Redirected,
    Case::NoLog,
    Case::Page,
    Case::OddTypes,
];

/// Which service is deployed, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Application,
    Hook,
    StaticSite,
}

/// Where the run takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    GitHub,
    Plain,
    Azure,
    GitLab,
    Bitbucket,
    CircleCi,
    Buildkite,
    TeamCity,
    Jenkins,
}

/// Those that have a way of their own of being told things, or files.
pub(crate) const HOSTS: [Place; 7] = [
    Place::Azure,
    Place::GitLab,
    Place::Bitbucket,
    Place::CircleCi,
    Place::Buildkite,
    Place::TeamCity,
    Place::Jenkins,
];

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

impl Place {
    /// What the host sets, with its files in this folder, which has them
    /// already as the host makes them.
    fn variables(self, folder: &Path) -> Vec<(&'static str, String)> {
        let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let pairs: &[(&'static str, &str)] = match self {
            Self::GitHub => &[("GITHUB_ACTIONS", "true"), ("GITHUB_SHA", COMMIT)],
            Self::Plain => &[("INPUT_OUTPUT-FILE", &path("outputs.json"))],
            Self::Azure => {
                std::fs::create_dir(folder.join("temp")).unwrap();
                &[
                    ("TF_BUILD", "True"),
                    ("BUILD_SOURCEVERSION", COMMIT),
                    ("AGENT_TEMPDIRECTORY", &path("temp")),
                ]
            }
            Self::GitLab => &[
                ("GITLAB_CI", "true"),
                ("CI_COMMIT_SHA", COMMIT),
                ("INPUT_OUTPUT-FILE", &path("deploy.env")),
                ("INPUT_LINKS-FILE", &path("links.json")),
            ],
            Self::Bitbucket => {
                std::fs::write(folder.join("variables"), "").unwrap();
                &[
                    ("BITBUCKET_BUILD_NUMBER", "7"),
                    ("BITBUCKET_COMMIT", COMMIT),
                    ("BITBUCKET_PIPELINES_VARIABLES_PATH", &path("variables")),
                    ("BITBUCKET_PIPE_SHARED_STORAGE_DIR", &path("shared")),
                ]
            }
            Self::CircleCi => &[
                ("CIRCLECI", "true"),
                ("CIRCLE_SHA1", COMMIT),
                ("BASH_ENV", &path("bash-env")),
            ],
            Self::Buildkite => {
                std::fs::write(folder.join("buildkite-agent"), "").unwrap();
                &[
                    ("BUILDKITE", "true"),
                    ("BUILDKITE_COMMIT", COMMIT),
                    ("BUILDKITE_JOB_ID", "0190"),
                    ("BUILDKITE_AGENT_ACCESS_TOKEN", "bkaj_x"),
                    ("BUILDKITE_OF_A_PLUGIN", KEY),
                    ("PATH", &path("")),
                ]
            }
            Self::TeamCity => &[
                ("TEAMCITY_VERSION", "2025.07"),
                ("BUILD_VCS_NUMBER", COMMIT),
            ],
            Self::Jenkins => &[
                ("JENKINS_URL", "https://ci.example"),
                ("BUILD_ID", "7"),
                ("GIT_COMMIT", COMMIT),
                ("INPUT_OUTPUT-FILE", &path("deploy.properties")),
            ],
        };
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect()
    }
}

/// What came out.
pub(crate) struct Finished {
    pub(crate) outcome: Outcome,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) outputs: String,
    pub(crate) summary: String,
    pub(crate) log_file: String,
    pub(crate) page: String,
    /// The run as JSON, and as test cases.
    pub(crate) report: String,
    pub(crate) junit: String,
    /// Every other file, by its path.
    pub(crate) files: BTreeMap<String, String>,
    /// The programs that were started.
    pub(crate) calls: Vec<ProgramCall>,
    /// Where requests went.
    pub(crate) urls: Vec<Url>,
}

impl Finished {
    /// Everything that came out.
    pub(crate) fn everything(&self) -> String {
        [
            &self.stdout,
            &self.stderr,
            &self.outputs,
            &self.summary,
            &self.log_file,
            &self.page,
            &self.report,
            &self.junit,
            &format!("{:?}", self.outcome.ending()),
            &self.files.values().fold(String::new(), |all, text| {
                all + text
                    + "
"
            }),
            &format!("{:#?}", self.told_to_others()),
        ]
        .map(String::as_str)
        .join("\n")
    }
}

impl Finished {
    /// What other programs are told, apart from the proxy's password: they go
    /// through it too.
    fn told_to_others(&self) -> Vec<ProgramCall> {
        let mut calls = self.calls.clone();
        for call in &mut calls {
            call.environment.retain(|(name, _)| name != "HTTPS_PROXY");
        }
        calls
    }
}

/// The service: every text in its answers is `text`.
struct Stranger {
    case: Case,
    kind: Kind,
    text: String,
    id: String,
    looks: Cell<usize>,
    is_started: Cell<bool>,
    /// Every answer, in place of one with the text.
    raw: Option<Vec<u8>>,
    urls: Rc<RefCell<Vec<Url>>>,
}

impl Stranger {
    fn who_says(kind: Kind, case: Case, text: &str) -> Self {
        Self {
            case,
            kind,
            text: text.to_owned(),
            id: DEPLOYMENT.to_owned(),
            looks: Cell::new(0),
            is_started: Cell::default(),
            raw: None,
            urls: Rc::default(),
        }
    }

    fn deployment(&self) -> Value {
        let t = &self.text;
        let status = match (self.looks.get(), self.case) {
            (0, _) => "waiting",
            (1, _) => "inProgress",
            (2, Case::OddStatus) => t,
            (_, Case::Success) => "success",
            _ => "failed",
        };
        json!({
            "id": self.id, "status": status, "type": "manual", "trigger": t, "branch": t,
            "docker_image_url": t, "commit_sha": t, "commit_message": t, "author_login": t,
            "author_img": t, "repo_url": t, "build_error": t,
            "created_at": "2026-03-01T10:00:00.000Z",
            "started_at": (self.looks.get() > 0).then_some("2026-03-01T10:00:04.000Z"),
            "finished_at": (self.looks.get() > 2).then_some("2026-03-01T10:01:04.000Z"),
        })
    }

    fn log(&self) -> Value {
        let t = &self.text;
        // Halves of the text as entries of their own: a stream in pieces.
        // Not inside a sequence: its rest would stand visibly in a secret.
        let is_inside = |at: usize| t[..at].chars().rev().take(4).any(|c| c == '\u{1b}');
        let middle = (0..=t.len() / 2)
            .rev()
            .find(|at| t.is_char_boundary(*at) && !is_inside(*at));
        let (first, second) = t.split_at(middle.unwrap_or(0));
        let entry = |number: i64, severity: &str, message: &str| {
            json!({"id": format!("{number}{t}"), "message": message, "severity": severity,
                   "unix_timestamp": 1_772_359_204_000_000_i64 + number})
        };
        json!([
            entry(0, "INFO", t),
            entry(1, t, t),
            entry(2, "INFO", first),
            entry(3, "INFO", second),
            {"id": t, "message": t, "severity": t, "unix_timestamp": t},
            {"id": "far", "message": t, "severity": t, "unix_timestamp": i64::MAX},
        ])
    }

    fn error(&self) -> Value {
        let t = &self.text;
        json!({"message": t, "data": {"code": t, "message": t}})
    }

    fn answer(&self, request: &Request) -> (u16, Vec<u8>) {
        let t = &self.text;
        let path = request.url.path();
        let is_post = request.method == reqwest::Method::POST;
        let ok = |body: Value| (200, body.to_string().into_bytes());
        if path.ends_with("/logs") {
            return match self.case {
                Case::NoLog => (500, self.error().to_string().into_bytes()),
                Case::Bug if self.looks.get() > 1 => panic!("{t}"),
                _ => ok(self.log()),
            };
        }
        if path.ends_with("/domains") {
            return ok(json!({"data": [
                {"name": t, "status": "ACTIVE", "type": "CUSTOM", "is_enabled": true, "is_primary": true},
                {"name": format!("x{t}.example"), "status": "ACTIVE", "type": "SYSTEM", "is_enabled": true},
            ]}));
        }
        if path.contains("/api-keys/") {
            return ok(
                json!({"expires_at": "2026-03-02T10:00:00Z", "capabilities": [t], "name": t,
                             "data": {"capabilities": [{"permission": t}]}}),
            );
        }
        if is_post {
            self.is_started.set(true);
            return match (self.case, path.contains("/deploy/")) {
                (Case::Refused, _) => (403, self.error().to_string().into_bytes()),
                (_, true) => ok(json!({"deployment": {"id": self.id}, "message": t})),
                _ => ok(self.deployment()),
            };
        }
        if path.ends_with("/deployments") {
            let data = match self.kind {
                Kind::StaticSite if self.looks.get() > 0 => json!([self.deployment()]),
                // An id that is none is looked up.
                _ if self.is_started.get() => json!([self.deployment()]),
                _ => json!([]),
            };
            return ok(json!({"data": data, "total": 0, "offset": 0, "limit": 50}));
        }
        if path.contains("/deployments/") {
            self.looks.set(self.looks.get() + 1);
            return ok(self.deployment());
        }
        match self.case {
            Case::Redirected => (302, self.error().to_string().into_bytes()),
            Case::Page => (200, format!("<html><title>{t}</title>{t}").into_bytes()),
            Case::OddTypes => ok(json!({"id": {"x": t}, "display_name": [t], t.clone(): t})),
            _ => ok(json!({
                "id": APP, "display_name": t, "name": t, "source": "privateGit", "status": "deploymentSuccess",
                "default_branch": t, "docker_image": t, "repo_url": t, "hostname": t,
                "auto_deploy": true, "is_suspended": false,
            })),
        }
    }
}

impl Transport for Stranger {
    fn exchange(&self, request: Request, _: Duration) -> ResponseFuture<'_> {
        self.urls.borrow_mut().push(request.url.clone());
        let (status, body) = match &self.raw {
            Some(raw) => (200, raw.clone()),
            None => self.answer(&request),
        };
        let mut headers = HeaderMap::new();
        // A header takes no line ends; what it takes, it gets.
        // Without half of a sequence, which would stand visibly in a secret.
        let text: String = self
            .text
            .replace("\u{1b}[0m", "")
            .chars()
            .filter(|c| *c == ' ' || c.is_ascii_graphic())
            .collect();
        for name in [
            "x-request-id",
            "location",
            "retry-after",
            "x-ratelimit-reset",
            "server",
        ] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        let body = if body.len() > request.body_limit {
            Err(sevalla_deploy::http::TransportError::TooLarge {
                limit: request.body_limit,
            })
        } else {
            Ok(body)
        };
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(80)).await;
            Ok(Response {
                status,
                headers,
                body,
            })
        })
    }
}

thread_local! {
    /// The programs that were started.
    static CALLS: RefCell<Vec<ProgramCall>> = RefCell::default();
}

/// Runs the program against a service that says `text` everywhere.
pub(crate) fn run(place: Place, kind: Kind, case: Case, text: &str) -> Finished {
    run_with(place, kind, case, text, &[])
}

/// The same with more variables.
pub(crate) fn run_with(
    place: Place,
    kind: Kind,
    case: Case,
    text: &str,
    more: &[(&str, &str)],
) -> Finished {
    let stranger = Stranger::who_says(kind, case, text);
    run_against(place, stranger, more)
}

/// Runs the program against a service that always gives these bytes.
pub(crate) fn run_raw(kind: Kind, raw: Vec<u8>) -> Finished {
    let mut stranger = Stranger::who_says(kind, Case::Success, "");
    stranger.raw = Some(raw);
    run_against(Place::Plain, stranger, &[])
}

/// Shows the application, whose record is read whole, with this as its record.
pub(crate) fn show_raw(raw: Vec<u8>) -> Finished {
    let mut stranger = Stranger::who_says(Kind::Application, Case::Success, "");
    stranger.raw = Some(raw);
    run_against(Place::Plain, stranger, &[("INPUT_ACTION", "show")])
}

/// Runs the program against a service that gives its deployment this id.
pub(crate) fn run_with_id(place: Place, kind: Kind, case: Case, id: &str) -> Finished {
    let mut stranger = Stranger::who_says(kind, case, "plain");
    id.clone_into(&mut stranger.id);
    run_against(place, stranger, &[])
}

fn run_against(place: Place, stranger: Stranger, more: &[(&str, &str)]) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let name = |name: &str| path(name).to_string_lossy().into_owned();
    let hook = format!("https://hook.example.com/apps/{APP}/deploy/{HOOK_END}");
    let (output, summary, log_file) = (name("output"), name("summary"), name("log"));
    let page = name("page");
    let (report, junit) = (name("report.json"), name("junit.xml"));
    let mut pairs = vec![
        ("INPUT_SEVALLA-TOKEN", KEY),
        ("GITHUB_TOKEN", GITHUB_TOKEN),
        (
            "HTTPS_PROXY",
            "http://user:p%40ss%2Fw0rd%2BOf%3AProxy@proxy.example.com:8080",
        ),
        ("GITHUB_STEP_SUMMARY", &summary),
        ("GITHUB_OUTPUT", &output),
        ("INPUT_LOG-FILE", &log_file),
        ("INPUT_HTML-REPORT", &page),
        ("INPUT_REPORT-FILE", &report),
        ("INPUT_JUNIT-FILE", &junit),
        ("SEVALLA_LOG", "trace"),
        ("CI", "true"),
    ];
    match stranger.kind {
        Kind::Application => pairs.push(("INPUT_APP-ID", APP)),
        Kind::Hook => pairs.push(("INPUT_DEPLOY-HOOK-URL", &hook)),
        Kind::StaticSite => pairs.push(("INPUT_STATIC-SITE-ID", APP)),
    }
    let of_the_host = place.variables(folder.path());
    let of_the_host = of_the_host.iter();
    pairs.extend(of_the_host.map(|(name, value)| (*name, value.as_str())));
    pairs.extend(more);
    let variables: Variables = pairs
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let (stdout, stderr) = (Captured::default(), Captured::stderr());
    stderr.take();
    CALLS.with(|calls| calls.borrow_mut().clear());
    let urls = Rc::clone(&stranger.urls);
    let service = RefCell::new(Some(stranger));
    let connect =
        Box::new(move |_: &_| Ok(Box::new(service.take().expect("it connects once")) as _));
    let process = Process {
        clock: || "2026-03-01T10:00:05Z".parse().unwrap(),
        launch: |call| {
            CALLS.with(|all| all.borrow_mut().push(call));
            Box::pin(std::future::ready(Ok(())))
        },
        ..in_memory::process(variables, stdout.clone(), connect)
    };
    let outcome = in_virtual_time(sevalla_deploy::run(process));
    let file = |name: &str| std::fs::read_to_string(path(name)).unwrap_or_default();
    let mut files = BTreeMap::new();
    read_all(folder.path(), "", &mut files);
    for known in ["output", "summary", "log"] {
        files.remove(known);
    }
    Finished {
        files,
        calls: CALLS.with(RefCell::take),
        outcome,
        stdout: stdout.take(),
        stderr: stderr.take(),
        outputs: file("output"),
        summary: file("summary"),
        log_file: file("log"),
        page: file("page"),
        report: file("report.json"),
        junit: file("junit.xml"),
        urls: urls.take(),
    }
}

/// Every file under a folder, by its path in it.
fn read_all(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            read_all(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, std::fs::read_to_string(entry.path()).unwrap());
        }
    }
}
