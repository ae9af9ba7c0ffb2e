//! The report of a run as JSON, for programs. Pure.
//!
//! `docs/report.schema.json` is its contract. A value that is unknown is null, and no
//! member is ever missing. The report holds no secret: a generated password is not in
//! it, and every string is sanitized.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::causes::FailureCause;
use super::timeline::{Lane, Span, Timeline};
use crate::ci::{Facts, Host};
use crate::deployment::{self, Origin};
use crate::diagnosis::Finding;
use crate::forecast::history;
use crate::inputs::ActionName;
use crate::messages::Failure;
use crate::outcome::Outcome;
use crate::report::run_record::{RunRecord, ServiceRecord};
use crate::sanitize::{SanitizedText, Sanitizer};
use crate::sevalla::Metrics;

/// Raised when a reader of the earlier shape could misread the new one.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report<'a> {
    schema_version: u32,
    tool: Tool,
    action: Option<&'static str>,
    outcome: &'static str,
    exit_code: u8,
    failure: Option<&'static str>,
    headline: &'a str,
    why: &'a [String],
    tried: Option<&'a str>,
    next: Option<&'a str>,
    began_at: String,
    ended_at: String,
    seconds: f64,
    service: Option<Service<'a>>,
    deployment: Option<Deployment<'a>>,
    rollback_deployment_id: Option<&'a str>,
    url: Option<&'a str>,
    usual: Option<Usual>,
    metrics: Option<Value>,
    targets: Vec<Target<'a>>,
    preview: Option<Preview>,
    database: Option<Database>,
    time_line: Vec<LaneOf<'a>>,
    warnings: Vec<WarningOf<'a>>,
    retries: u32,
    ci: Ci<'a>,
    findings: Vec<FindingOf<'a>>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Service<'a> {
    kind: &'static str,
    id: String,
    name: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Deployment<'a> {
    id: &'a str,
    status: Option<&'a str>,
    origin: Option<&'static str>,
    trigger: Option<&'a str>,
    branch: Option<&'a str>,
    commit_sha: Option<&'a str>,
    commit_message: Option<&'a str>,
    docker_image: Option<&'a str>,
    created_at: Option<String>,
    started_at: Option<String>,
    finished_at: Option<String>,
    queue_seconds: Option<u64>,
    duration_seconds: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Usual {
    median_seconds: f64,
    percent_below: Option<usize>,
    last_seconds: Vec<f64>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Target<'a> {
    service: Option<Service<'a>>,
    deployment: Option<Deployment<'a>>,
    rollback_deployment_id: Option<&'a str>,
    url: Option<&'a str>,
    usual: Option<Usual>,
    metrics: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Preview {
    app_id: String,
    created: bool,
}

#[derive(Serialize)]
struct Database {
    id: String,
    created: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct LaneOf<'a> {
    target: Option<&'a str>,
    is_critical: bool,
    clock_skew_seconds: f64,
    spans: Vec<SpanOf>,
}

#[derive(Serialize)]
struct SpanOf {
    phase: &'static str,
    begin: String,
    end: Option<String>,
    seconds: f64,
    state: &'static str,
}

#[derive(Serialize)]
struct WarningOf<'a> {
    name: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Ci<'a> {
    host: &'static str,
    commit: Option<&'a str>,
    branch: Option<&'a str>,
    tag: Option<&'a str>,
    default_branch: Option<&'a str>,
    change_request: Option<u64>,
    event: Option<&'a str>,
    actor: Option<&'a str>,
    repository: Option<&'a str>,
    run_url: Option<&'a str>,
    is_rerun: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct FindingOf<'a> {
    target: Option<&'a str>,
    is_known: bool,
    title: &'a str,
    lines: &'a [String],
    place: Option<PlaceOf<'a>>,
    advice: &'a str,
}

#[derive(Serialize)]
struct PlaceOf<'a> {
    file: &'a str,
    line: u32,
    column: Option<u32>,
}

/// The report of a run, as one line.
pub(super) fn render(
    outcome: &Outcome,
    causes: &[FailureCause],
    record: &RunRecord,
    host: Host,
    sanitizer: &Sanitizer,
) -> SanitizedText {
    let time_line = record.timeline();
    let service_record = record.one();
    let took = time_line.now.duration_since(time_line.began);
    let report = Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
        },
        action: record.action.map(ActionName::word),
        outcome: outcome.ending().word(),
        exit_code: outcome.ending().code(),
        failure: outcome.failure().map(Failure::slug),
        headline: &outcome.headline,
        why: &outcome.why,
        tried: outcome.effort.as_deref(),
        next: outcome.hint.as_deref(),
        began_at: time(time_line.began),
        ended_at: time(time_line.now),
        seconds: rounded(took.as_secs_f64()),
        service: service(service_record),
        deployment: deployment(service_record),
        rollback_deployment_id: service_record.rollback.as_ref().map(|id| id.0.as_str()),
        url: service_record.url.as_deref(),
        usual: usual(service_record),
        metrics: metrics(service_record),
        targets: record.targets.iter().map(target).collect(),
        preview: record.preview.map(|(app, created)| Preview {
            app_id: app.to_string(),
            created,
        }),
        database: record.database.map(|(id, created)| Database {
            id: id.to_string(),
            created,
        }),
        time_line: lanes(&time_line),
        warnings: warnings(record),
        retries: record.retries,
        ci: ci(&record.facts, host),
        findings: causes.iter().flat_map(findings).collect(),
    };
    // Text and numbers: they encode.
    let report = serde_json::to_string(&report).unwrap_or_default();
    let result = record.result.as_deref().unwrap_or("null");
    let services = record.stack_output("services").unwrap_or("[]");
    let report = report.strip_suffix('}').unwrap_or_default();
    sanitizer.json(&format!(
        "{report},\"services\":{services},\"result\":{result}}}"
    ))
}

fn warnings(record: &RunRecord) -> Vec<WarningOf<'_>> {
    let warnings = record.warnings.iter();
    warnings
        .map(|(warning, text)| WarningOf {
            name: warning.slug(),
            text,
        })
        .collect()
}

fn time(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// To milliseconds: what is finer is noise.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn service(service_record: &ServiceRecord) -> Option<Service<'_>> {
    let service = service_record.service?;
    Some(Service {
        kind: service.kind.word(),
        id: service.id.to_string(),
        name: service_record.name.as_deref(),
    })
}

fn deployment(service_record: &ServiceRecord) -> Option<Deployment<'_>> {
    let seen: &deployment::Deployment = service_record.deployment.as_ref()?;
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
    Some(Deployment {
        id: &seen.id.0,
        status: seen.status.reported(),
        origin: match seen.origin {
            Origin::Manual => Some("manual"),
            Origin::Automatic => Some("automatic"),
            Origin::Unknown => None,
        },
        trigger: seen.trigger.as_deref(),
        branch: seen.branch.as_deref(),
        commit_sha: seen.commit_sha.as_deref(),
        commit_message: seen.commit_message.as_deref(),
        docker_image: seen.docker_image.as_deref(),
        created_at: seen.created_at.map(time),
        started_at: seen.started_at.map(time),
        finished_at: seen.finished_at.map(time),
        queue_seconds: seconds(service_record.queue()),
        duration_seconds: seconds(service_record.run()),
    })
}

fn usual(service_record: &ServiceRecord) -> Option<Usual> {
    let usual: &history::TypicalDuration = service_record.usual.as_ref()?;
    let seconds = |time: Duration| rounded(time.as_secs_f64());
    Some(Usual {
        median_seconds: seconds(usual.time()),
        percent_below: service_record.run().map(|run| usual.percent_below(run)),
        last_seconds: usual.times().map(seconds).collect(),
    })
}

fn target(service_record: &ServiceRecord) -> Target<'_> {
    Target {
        service: service(service_record),
        deployment: deployment(service_record),
        rollback_deployment_id: service_record.rollback.as_ref().map(|id| id.0.as_str()),
        url: service_record.url.as_deref(),
        usual: usual(service_record),
        metrics: metrics(service_record),
    }
}

fn metrics(service_record: &ServiceRecord) -> Option<Value> {
    let [before, after] = &service_record.metrics;
    let is_read = before.is_some() || after.is_some();
    let json = |reading: &Option<Metrics>| reading.as_ref().map(Metrics::json);
    is_read.then(|| json!({ "before": json(before), "after": json(after) }))
}

fn lanes<'a>(time_line: &'a Timeline) -> Vec<LaneOf<'a>> {
    let span = |span: &Span| SpanOf {
        phase: span.name.word(),
        begin: time(span.begin),
        end: span.end.map(time),
        seconds: rounded(span.length(time_line.now).as_secs_f64()),
        state: span.state.word(),
    };
    let lane = |lane: &'a Lane| LaneOf {
        target: lane.target.as_deref(),
        is_critical: lane.is_critical,
        clock_skew_seconds: rounded(lane.skew.as_secs_f64()),
        spans: lane.spans.iter().map(span).collect(),
    };
    time_line.lanes.iter().map(lane).collect()
}

fn ci(facts: &Facts, host: Host) -> Ci<'_> {
    let change_request = facts.change_request.as_ref();
    let repository = facts.repository.as_ref();
    Ci {
        host: host.name(),
        commit: facts.commit.as_deref(),
        branch: facts.branch.as_deref(),
        tag: facts.tag.as_deref(),
        default_branch: facts.default_branch.as_deref(),
        change_request: change_request.map(|change| change.number),
        event: facts.event.as_deref(),
        actor: facts.actor.as_deref(),
        repository: repository.map(|repository| repository.slug.as_str()),
        run_url: facts.run_url.as_deref(),
        is_rerun: facts.is_rerun,
    }
}

fn findings(cause: &FailureCause) -> impl Iterator<Item = FindingOf<'_>> {
    let target = cause.target.as_deref();
    let findings = cause.digest.findings.iter();
    findings.map(move |finding| finding_of(target, finding))
}

fn finding_of<'a>(target: Option<&'a str>, finding: &'a Finding) -> FindingOf<'a> {
    FindingOf {
        target,
        is_known: finding.is_known,
        title: finding.title,
        lines: &finding.lines,
        place: finding.place.as_ref().map(|place| PlaceOf {
            file: &place.file,
            line: place.line,
            column: place.column,
        }),
        advice: finding.advice,
    }
}
