//! Ways in which the service may differ from what its documents say or leave
//! open. Each changes the responses, and nothing else.

use axum::body::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::Answer;

macro_rules! quirks {
    ($($(#[$doc:meta])* $variant:ident = $word:literal),* $(,)?) => {
        /// One way to differ.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Quirk { $($(#[$doc])* $variant),* }

        impl Quirk {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }
    };
}

// A log's line is moved before its times change their unit, and before the
// lines change their order. A deployment that is skipped keeps its commit, which
// shows why.
quirks! {
    /// A header of the rate limits is missing.
    RateHeaders = "rate-headers",
    /// The end of a window is a date.
    RateReset = "rate-reset",
    /// The older limit.
    ReadLimit = "read-limit",
    /// No id of a request.
    RequestId = "request-id",
    /// The key's capabilities are not listed.
    KeyCapabilities = "key-capabilities",
    /// A seventh status.
    DeploymentStatuses = "deployment-statuses",
    /// A fifth trigger.
    DeploymentTriggers = "deployment-triggers",
    /// A skipped deployment without a commit.
    SkippedHasCommit = "skipped-has-commit",
    /// A deployment of a commit that is live already is skipped.
    UnchangedCommit = "unchanged-commit",
    /// A success without a commit.
    CommitAtSuccess = "commit-at-success",
    /// An end without a time.
    FinishedAt = "finished-at",
    /// The oldest deployment comes first.
    NewestFirst = "newest-first",
    /// Deployments overlap.
    OneAtATime = "one-at-a-time",
    /// A restart builds.
    StepsOfRestarts = "steps-of-restarts",
    /// A sixth builder.
    BuildTypes = "build-types",
    /// The record that only official clients know.
    WaitForChecks = "wait-for-checks",
    /// The record says whether the CDN is on.
    CdnState = "cdn-state",
    /// The words of domains in lower case.
    DomainWords = "domain-words",
    /// The host of a static site is an address.
    SiteHost = "site-host",
    /// A static site without path filters.
    SitePaths = "site-paths",
    /// A single deployment of a static site has the build's error.
    SiteBuildError = "site-build-error",
    /// A preview of a static site names its address.
    SitePreviewAddress = "site-preview-address",
    /// A stage lists its applications.
    StageApplications = "stage-applications",
    /// Logs are kept for three hours.
    LogRetention = "log-retention",
    /// The last line comes a minute after the end.
    LogAfterEnd = "log-after-end",
    /// Times of lines in another zone.
    LogZone = "log-zone",
    /// A fifth severity.
    LogSeverities = "log-severities",
    /// Lines share an id.
    LogIds = "log-ids",
    /// Times of lines in milliseconds.
    LogMicros = "log-micros",
    /// The newest line comes first.
    LogOrder = "log-order",
}

/// How long [`Quirk::LogRetention`] keeps the lines of a log.
const KEPT_MICROS: i64 = 3 * 60 * 60 * 1_000_000;

const APP_LOG: &str = "getApplicationDeploymentLogsV3";
const APP_LIST: &str = "listDeploymentsV3";

/// Changes a response as the quirks want.
pub(crate) fn bend(quirks: &[Quirk], operation: &str, answer: &mut Answer) {
    let mut sorted = quirks.to_vec();
    sorted.sort_unstable();
    for quirk in &sorted {
        match quirk {
            Quirk::RateHeaders => answer.remove("x-ratelimit-remaining"),
            Quirk::RateReset => answer.set("x-ratelimit-reset", "1772000000"),
            Quirk::ReadLimit => answer.set("x-ratelimit-limit", "120"),
            _ => {}
        }
    }
    let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body) else {
        return;
    };
    for quirk in sorted {
        quirk.bend_body(operation, &mut body);
    }
    answer.body = Bytes::from(body.to_string());
}

impl Quirk {
    fn bend_body(self, operation: &str, body: &mut Value) {
        match (self, operation) {
            (Self::KeyCapabilities, "getCurrentApiKey") => *body = json!({"name": "key"}),
            (Self::BuildTypes, "getApplicationV3") => body["build_type"] = json!("boat"),
            (Self::WaitForChecks, "getApplicationV3") => body["wait_for_checks"] = json!(true),
            (Self::CdnState, "getApplicationV3") => body["is_cdn_enabled"] = json!(true),
            (Self::SiteHost, "getStaticSiteV3") => {
                body["hostname"] = json!("https://site.sevalla.page/");
            }
            (Self::SitePaths, "getStaticSiteV3") => {
                let fields = body.as_object_mut();
                drop(fields.and_then(|fields| fields.remove("allow_deploy_paths")));
            }
            (Self::SiteBuildError, "getStaticSiteDeploymentV3") => {
                body["build_error"] = Value::Null;
            }
            (Self::StageApplications, "getPipelineV3") => each(&mut body["stages"], |stage| {
                stage["apps"] = json!([]);
            }),
            (Self::DomainWords, "listApplicationDomainsV3") => each(&mut body["data"], |domain| {
                domain["type"] = json!("system");
            }),
            (Self::NewestFirst, APP_LIST) => reverse(&mut body["data"]),
            (_, APP_LIST | "listStaticSiteDeploymentsV3") => {
                each(&mut body["data"], |one| self.bend_deployment(one));
            }
            (Self::LogRetention, APP_LOG) => {
                let oldest = Timestamp::now().as_microsecond() - KEPT_MICROS;
                if let Some(lines) = body.as_array_mut() {
                    lines.retain(|line| line["unix_timestamp"].as_i64() >= Some(oldest));
                }
            }
            (Self::LogAfterEnd, APP_LOG) => {
                let last = body.as_array_mut().and_then(|lines| lines.last_mut());
                if let Some(line) = last {
                    let at = line["unix_timestamp"].as_f64().unwrap_or_default();
                    line["unix_timestamp"] = json!(at + 600e6);
                    line["timestamp"] = Value::Null;
                }
            }
            (Self::LogOrder, APP_LOG) => reverse(body),
            (_, APP_LOG) => each(body, |line| self.bend_line(line)),
            _ => {}
        }
    }

    fn bend_deployment(self, one: &mut Value) {
        let is = |name: &str, word: &str| one[name] == word;
        match self {
            Self::DeploymentStatuses if is("status", "failed") => one["status"] = json!("resting"),
            Self::DeploymentTriggers if is("trigger", "MANUAL_DEPLOY") => {
                one["trigger"] = json!("MAGIC");
            }
            Self::UnchangedCommit if is("type", "manual") && !is("trigger", "RESTART") => {
                one["status"] = json!("skipped");
            }
            // A restart builds nothing, and shows what is live.
            Self::CommitAtSuccess if is("status", "success") && !is("trigger", "RESTART") => {
                one["commit_sha"] = Value::Null;
            }
            Self::SkippedHasCommit if is("status", "skipped") => one["commit_sha"] = Value::Null,
            // Of one alone: without any, nothing shows which ran at a time.
            Self::FinishedAt if is("trigger", "RESTART") => one["finished_at"] = Value::Null,
            Self::OneAtATime if !one["started_at"].is_null() => {
                one["started_at"] = json!("2020-01-01T00:00:00.000Z");
            }
            Self::StepsOfRestarts if is("trigger", "RESTART") => {
                one["steps"] = json!(["checkout", "build", "rollout"]);
            }
            Self::SitePreviewAddress if one["is_preview"] == true => {
                one["preview_url"] = json!("https://pr.sevalla.page");
            }
            _ => {}
        }
    }

    fn bend_line(self, line: &mut Value) {
        match self {
            Self::LogZone if !line["timestamp"].is_null() => {
                line["timestamp"] = json!("2020-01-01 00:00:00.000");
            }
            Self::LogSeverities => line["severity"] = json!("LOUD"),
            Self::LogIds => line["id"] = json!("same"),
            Self::LogMicros => {
                let at = line["unix_timestamp"].as_f64().unwrap_or_default();
                line["unix_timestamp"] = json!((at / 1000.0).floor());
            }
            _ => {}
        }
    }
}

fn each(list: &mut Value, mut change: impl FnMut(&mut Value)) {
    for item in list.as_array_mut().into_iter().flatten() {
        change(item);
    }
}

fn reverse(list: &mut Value) {
    if let Some(items) = list.as_array_mut() {
        items.reverse();
    }
}
