//! The JSON bodies of requests and responses.
//!
//! Lenient on purpose: objects may have unknown fields, everything that may be
//! null may also be absent, and words of a set are text. What the words mean is
//! decided in [`crate::deployment`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::lenient_field::{
    details, filled, flag, identifier, micros, number, stages, text, time, uuid, words,
};
use super::{LOG_PAGE, LONGEST_PAGE};
use crate::deployment::{Deployment, DeploymentId, LogLine, Origin, Status};
use crate::lenient_json::{self, Entries, Unreadable};

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) data: Entries<T, LONGEST_PAGE>,
}

/// A page of a list, without the entries that could not be read.
#[derive(Debug)]
pub struct ListPage<T> {
    /// The entries that could be read.
    pub entries: Vec<T>,
    /// Those entries, recognized by their text.
    pub unreadable: Vec<Unreadable>,
}

impl<T> ListPage<T> {
    pub(crate) fn of(page: Page<T>) -> Self {
        let mut read = Self {
            entries: Vec::new(),
            unreadable: Vec::new(),
        };
        for entry in page.data.0 {
            match entry {
                Ok(entry) => read.entries.push(entry),
                Err(entry) => read.unreadable.push(entry),
            }
        }
        read
    }

    /// Whether there may be a next page.
    pub fn is_full(&self) -> bool {
        self.entries.len() + self.unreadable.len() >= LONGEST_PAGE
    }
}

/// A deployment of an application or a static site. Fields that only one of
/// them has are absent in the other.
#[derive(Debug, Deserialize)]
pub(crate) struct WireDeployment {
    #[serde(deserialize_with = "identifier")]
    id: DeploymentId,
    #[serde(default, deserialize_with = "text")]
    status: Option<String>,
    #[serde(default, rename = "type", deserialize_with = "text")]
    origin: Option<String>,
    #[serde(default, deserialize_with = "text")]
    trigger: Option<String>,
    #[serde(default, deserialize_with = "text")]
    branch: Option<String>,
    #[serde(default, deserialize_with = "text")]
    docker_image_url: Option<String>,
    #[serde(default, deserialize_with = "filled")]
    commit_sha: Option<String>,
    #[serde(default, deserialize_with = "text")]
    commit_message: Option<String>,
    #[serde(default, deserialize_with = "text")]
    build_error: Option<String>,
    #[serde(default, deserialize_with = "time")]
    created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "time")]
    started_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "time")]
    finished_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "words")]
    steps: Vec<String>,
    #[serde(default, deserialize_with = "flag")]
    is_preview: bool,
}

fn origin(word: &str) -> Origin {
    match word.to_ascii_lowercase().as_str() {
        "manual" => Origin::Manual,
        "automatic" => Origin::Automatic,
        _ => Origin::Unknown,
    }
}

impl From<WireDeployment> for Deployment {
    fn from(wire: WireDeployment) -> Self {
        Self {
            id: wire.id,
            status: Status::from_word(wire.status.as_deref()),
            origin: wire.origin.as_deref().map_or(Origin::Unknown, origin),
            trigger: wire.trigger,
            branch: wire.branch,
            docker_image: wire.docker_image_url,
            commit_sha: wire.commit_sha,
            commit_message: wire.commit_message,
            build_error: wire.build_error,
            created_at: wire.created_at,
            started_at: wire.started_at,
            finished_at: wire.finished_at,
            is_built: (!wire.steps.is_empty())
                .then(|| wire.steps.iter().any(|step| step == "build")),
            is_preview: wire.is_preview,
        }
    }
}

/// The deployments of a page, with [`Deployment::unreadable`] in the place of an
/// entry that cannot be read.
pub(crate) fn deployments(page: Page<WireDeployment>) -> Vec<Deployment> {
    let entries = page.data.0.into_iter();
    let known = |entry: Result<WireDeployment, _>| {
        entry.map_or_else(|entry| Deployment::unreadable(&entry), Into::into)
    };
    entries.map(known).collect()
}

/// An application's record.
#[derive(Debug, Clone, Deserialize)]
pub struct Application {
    /// Its id: the one field that makes an object a record.
    pub id: String,
    /// The name in the dashboard.
    #[serde(default, deserialize_with = "text")]
    pub display_name: Option<String>,
    /// Where it comes from: `privateGit`, `publicGit`, `dockerImage`, `app`.
    #[serde(default, deserialize_with = "text")]
    pub source: Option<String>,
    /// The word for its latest deployment or lifecycle action.
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    /// The branch that is built when none is named.
    #[serde(default, deserialize_with = "text")]
    pub default_branch: Option<String>,
    /// The image it runs, if it runs one.
    #[serde(default, deserialize_with = "text")]
    pub docker_image: Option<String>,
    /// Whether a push deploys it.
    #[serde(default, deserialize_with = "flag")]
    pub auto_deploy: bool,
    /// Whether its processes are stopped.
    #[serde(default, deserialize_with = "flag")]
    pub is_suspended: bool,
    /// `app` or `previewApp`.
    #[serde(default, rename = "type", deserialize_with = "text")]
    pub kind: Option<String>,
    /// The repository it is built from.
    #[serde(default, deserialize_with = "text")]
    pub repo_url: Option<String>,
    /// The paths a push must touch to deploy it; empty is any.
    #[serde(default, deserialize_with = "words")]
    pub allow_deploy_paths: Vec<String>,
    /// The paths that alone do not make a push deploy it.
    #[serde(default, deserialize_with = "words")]
    pub ignore_deploy_paths: Vec<String>,
    /// When it was made.
    #[serde(default, deserialize_with = "time")]
    pub created_at: Option<Timestamp>,
}

impl Application {
    /// Whether it runs images that are built elsewhere, which have no commit.
    pub fn runs_images(&self) -> bool {
        self.source.as_deref() == Some("dockerImage")
    }
}

/// An application in the company's list, or one that was just made.
#[derive(Debug, Clone, Deserialize)]
pub struct AppSummary {
    /// Its id.
    #[serde(deserialize_with = "uuid")]
    pub id: Uuid,
    /// The system's name for it.
    #[serde(default, deserialize_with = "text")]
    pub name: Option<String>,
    /// The name in the dashboard.
    #[serde(default, deserialize_with = "text")]
    pub display_name: Option<String>,
    /// `app` or `previewApp`.
    #[serde(default, rename = "type", deserialize_with = "text")]
    pub kind: Option<String>,
    /// The word for its latest deployment or lifecycle action.
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    /// When it was made.
    #[serde(default, deserialize_with = "time")]
    pub created_at: Option<Timestamp>,
}

/// A pipeline.
#[derive(Debug, Clone, Deserialize)]
pub struct Pipeline {
    /// Its id: the one field that makes an object a record.
    pub id: String,
    /// The name in the dashboard.
    #[serde(default, deserialize_with = "text")]
    pub display_name: Option<String>,
    /// `trunk` or `branch`.
    #[serde(default, rename = "type", deserialize_with = "text")]
    pub kind: Option<String>,
    /// Its stages.
    #[serde(default, deserialize_with = "stages")]
    pub stages: Vec<PipelineStage>,
}

/// A stage of a pipeline.
#[derive(Debug, Clone, Deserialize)]
pub struct PipelineStage {
    /// `preview`, `standard` or `prod`.
    #[serde(default, rename = "type", deserialize_with = "text")]
    pub kind: Option<String>,
    /// Whether the service makes a preview app for each pull request.
    #[serde(default, deserialize_with = "flag")]
    pub auto_create_app: bool,
}

/// One target of a promotion with its new deployment. What cannot be read is
/// left out: the target then counts as not answered for.
#[derive(Debug, Deserialize)]
pub(crate) struct WirePromoted {
    #[serde(default, deserialize_with = "text")]
    pub(crate) target_app_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) deployment_id: Option<String>,
}

/// The body that promotes.
#[derive(Debug, Serialize)]
pub(crate) struct PromoteBody<'a> {
    pub(crate) source_app_id: String,
    pub(crate) target_app_ids: &'a [String],
}

/// The body that makes a preview app.
#[derive(Debug, Serialize)]
pub(crate) struct CreatePreviewAppBody<'a> {
    pub(crate) branch: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pull_request_number: Option<u64>,
}

/// A static site's record.
#[derive(Debug, Clone, Deserialize)]
pub struct StaticSite {
    /// Its id: the one field that makes an object a record.
    pub id: String,
    /// The name in the dashboard.
    #[serde(default, deserialize_with = "text")]
    pub display_name: Option<String>,
    /// The word for its latest deployment or lifecycle action.
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    /// The repository it is built from.
    #[serde(default, deserialize_with = "text")]
    pub repo_url: Option<String>,
    /// The branch that is built when none is named.
    #[serde(default, deserialize_with = "text")]
    pub default_branch: Option<String>,
    /// Whether a push deploys it.
    #[serde(default, deserialize_with = "flag")]
    pub auto_deploy: bool,
    /// Whether pull requests are built.
    #[serde(default, deserialize_with = "flag")]
    pub is_preview_enabled: bool,
    /// Its host, without a scheme.
    #[serde(default, deserialize_with = "text")]
    pub hostname: Option<String>,
    /// The paths a push must touch to deploy it; empty is any.
    #[serde(default, deserialize_with = "words")]
    pub allow_deploy_paths: Vec<String>,
    /// The paths that alone do not make a push deploy it.
    #[serde(default, deserialize_with = "words")]
    pub ignore_deploy_paths: Vec<String>,
}

/// A domain of an application.
#[derive(Debug, Clone, Deserialize)]
pub struct Domain {
    /// The host, without a scheme.
    pub name: String,
    /// `ACTIVE` once a custom domain works.
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    /// `SYSTEM` or `CUSTOM`.
    #[serde(default, rename = "type", deserialize_with = "text")]
    pub kind: Option<String>,
    /// Whether a system domain is in use.
    #[serde(default, deserialize_with = "flag")]
    pub is_enabled: bool,
    /// Whether it stands for every name below it.
    #[serde(default, deserialize_with = "flag")]
    pub is_wildcard: bool,
    /// Whether it is the canonical host.
    #[serde(default, deserialize_with = "flag")]
    pub is_primary: bool,
}

/// The key that is used, as far as we want to know it.
#[derive(Debug, Deserialize)]
pub(crate) struct ApiKey {
    #[serde(default, deserialize_with = "time")]
    pub(crate) expires_at: Option<Timestamp>,
}

/// The body that starts a deployment of an application.
#[derive(Debug, Serialize)]
pub(crate) struct TriggerBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) branch: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) docker_image: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_restart: bool,
}

/// The body that rolls an application back. Undocumented; the official CLI
/// sends it.
#[derive(Debug, Serialize)]
pub(crate) struct RollbackBody<'a> {
    pub(crate) deployment_id: &'a str,
}

/// The body that starts a deployment of a static site.
#[derive(Debug, Serialize)]
pub(crate) struct DeployStaticSiteBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) branch: Option<&'a str>,
    /// An earlier deployment to publish again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deployment_id: Option<&'a str>,
}

/// The answer of a deployment hook. Undocumented: official clients of
/// different age read different fields.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct HookAnswer {
    deployment: Option<HookDeployment>,
    #[serde(rename = "deploymentId")]
    deployment_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct HookDeployment {
    id: Option<String>,
}

impl HookAnswer {
    /// The id of the deployment, if the body is one we know.
    pub(crate) fn read(body: &[u8]) -> Option<DeploymentId> {
        let answer: Self = lenient_json::from_slice(body).ok()?;
        let id = answer
            .deployment
            .and_then(|deployment| deployment.id)
            .or(answer.deployment_id);
        id.and_then(DeploymentId::usable)
    }
}

/// An entry of a log. Everything may be missing: a log informs and never decides.
#[derive(Debug, Deserialize)]
pub(crate) struct WireLogEntry {
    #[serde(default, deserialize_with = "text")]
    id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    message: Option<String>,
    #[serde(default, deserialize_with = "text")]
    severity: Option<String>,
    #[serde(default, deserialize_with = "micros")]
    unix_timestamp: i64,
}

/// The lines of a log. One that cannot be read is shown as an unknown character,
/// so that it counts and everybody sees that it is there. One without a time has
/// its neighbor's, if it has an id.
pub(crate) fn log_lines(entries: Entries<WireLogEntry, LOG_PAGE>) -> Vec<LogLine> {
    let read = |entry: Result<WireLogEntry, Unreadable>| match entry {
        Ok(entry) => LogLine::from(entry),
        Err(entry) => LogLine {
            id: format!("unreadable-{entry}"),
            at_micros: 0,
            severity: String::new(),
            message: char::REPLACEMENT_CHARACTER.to_string(),
        },
    };
    let mut lines: Vec<LogLine> = entries.0.into_iter().map(read).collect();
    let mut times = lines.iter().map(|line| line.at_micros);
    let mut at_micros = times.find(|at| *at != 0).unwrap_or_default();
    for line in &mut lines {
        if line.at_micros == 0 && !line.id.is_empty() {
            line.at_micros = at_micros;
        }
        at_micros = line.at_micros;
    }
    lines
}

impl From<WireLogEntry> for LogLine {
    fn from(wire: WireLogEntry) -> Self {
        Self {
            id: wire.id.unwrap_or_default(),
            at_micros: wire.unix_timestamp,
            severity: wire.severity.unwrap_or_default(),
            message: wire.message.unwrap_or_default(),
        }
    }
}

/// A body that reports an error.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ErrorBody {
    #[serde(default, deserialize_with = "text")]
    pub(crate) message: Option<String>,
    #[serde(default, deserialize_with = "number")]
    pub(crate) status: Option<u64>,
    #[serde(default, deserialize_with = "details")]
    pub(crate) data: Option<ErrorData>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct ErrorData {
    #[serde(default, deserialize_with = "text")]
    pub(crate) code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) message: Option<String>,
}

impl ErrorBody {
    /// Whether the API writes so of what was asked for with this status. Of an
    /// address that it does not have, its framework writes in a shape of its
    /// own, or names the route.
    pub(crate) fn is_the_apis(&self, status: u16) -> bool {
        let names_route = |message: &String| message.starts_with("Route ");
        let is_its_shape = self.status == Some(u64::from(status));
        is_its_shape && self.message.as_ref().is_some_and(|m| !names_route(m))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sevalla::lenient_field::LATEST;

    #[test]
    fn a_deployment_may_be_nearly_empty_or_hold_the_unknown() {
        let bare: WireDeployment = serde_json::from_str(r#"{"id":"d"}"#).unwrap();
        let bare = Deployment::from(bare);
        assert_eq!(
            (bare.status, bare.origin, bare.created_at),
            (Status::Absent, Origin::Unknown, None)
        );
        let odd: WireDeployment = serde_json::from_str(
            r#"{"id":"d","status":null,"type":"robot","branch":7,"created_at":"yesterday",
                "started_at":"2026-03-01T10:00:00.250Z","new":{"a":[1]},"commit_sha":{"x":1}}"#,
        )
        .unwrap();
        let odd = Deployment::from(odd);
        assert_eq!(odd.branch.as_deref(), Some("7"));
        assert_eq!(
            (odd.created_at, odd.commit_sha, odd.origin),
            (None, None, Origin::Unknown)
        );
        assert!(odd.started_at.is_some());
    }

    #[test]
    fn an_id_that_cannot_stand_in_a_path_is_none() {
        for id in ["", ".", "..", ".\t.", "\n..", "a\u{85}", &"a".repeat(201)] {
            let json = serde_json::json!({ "id": id }).to_string();
            assert!(
                serde_json::from_str::<WireDeployment>(&json).is_err(),
                "{id:?}"
            );
            let json = serde_json::json!({ "deployment": { "id": id } }).to_string();
            assert_eq!(HookAnswer::read(json.as_bytes()), None, "{id:?}");
        }
    }

    #[test]
    fn an_empty_commit_is_none_and_a_pipeline_may_tell_no_stages() {
        let wire: WireDeployment = serde_json::from_str(r#"{"id":"d","commit_sha":""}"#).unwrap();
        assert_eq!(Deployment::from(wire).commit_sha, None);
        let pipeline: Pipeline = serde_json::from_str(r#"{"id":"p","stages":null}"#).unwrap();
        assert!(pipeline.stages.is_empty());
    }

    #[test]
    fn a_list_of_words_may_be_anything_else() {
        for (steps, is_built) in [
            (r#"["checkout","build"]"#, Some(true)),
            (r#"["rollout",7,null,["build"]]"#, Some(false)),
            ("[]", None),
            ("null", None),
            (r#""build""#, None),
            ("7", None),
            ("-7.5", None),
            ("true", None),
            (r#"{"build":["build"]}"#, None),
        ] {
            let json = format!(r#"{{"id":"d","steps":{steps}}}"#);
            let wire: WireDeployment = serde_json::from_str(&json).unwrap();
            assert_eq!(Deployment::from(wire).is_built, is_built, "{steps}");
        }
    }

    #[test]
    fn an_impossible_time_is_the_nearest_possible_one() {
        for (number, micros) in [
            ("-1e300", 0),
            ("1e300", LATEST),
            ("9223372036854775807", LATEST),
            ("-5", 0),
        ] {
            let entry: WireLogEntry =
                serde_json::from_str(&format!(r#"{{"unix_timestamp":{number}}}"#)).unwrap();
            assert_eq!(entry.unix_timestamp, micros, "{number}");
        }
    }

    #[test]
    fn the_time_of_a_log_entry_may_be_an_integer_a_float_or_text() {
        for number in [
            "1772000000123456",
            "1772000000123456.0",
            "\"1772000000123456\"",
        ] {
            let json = format!(r#"{{"id":1,"message":"m","unix_timestamp":{number}}}"#);
            let entry: WireLogEntry = serde_json::from_str(&json).unwrap();
            assert_eq!(entry.unix_timestamp, 1_772_000_000_123_456);
        }
        let none: WireLogEntry = serde_json::from_str("{}").unwrap();
        assert_eq!(LogLine::from(none).at_micros, 0);
    }

    #[test]
    fn odd_details_of_an_error_do_not_cost_its_message() {
        for data in ["null", "\"why\"", "7", "[]", r#"[{"path":"id"},2,3]"#] {
            let json = format!(r#"{{"message":"m","data":{data}}}"#);
            let error: ErrorBody = serde_json::from_str(&json).unwrap();
            assert_eq!(error.message.as_deref(), Some("m"), "{data}");
        }
    }

    #[test]
    fn a_hook_answers_in_one_of_two_shapes_or_in_none() {
        let id = |body: &str| HookAnswer::read(body.as_bytes()).map(|id| id.0);
        assert_eq!(id(r#"{"deployment":{"id":"a"}}"#).as_deref(), Some("a"));
        assert_eq!(id(r#"{"deploymentId":"b"}"#).as_deref(), Some("b"));
        for body in [
            "",
            "ok",
            "{}",
            r#"{"deployment":{}}"#,
            r#"{"deployment":null}"#,
        ] {
            assert_eq!(id(body), None, "{body}");
        }
    }
}
