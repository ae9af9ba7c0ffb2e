//! The service, pipeline or database: whether its id is right, and whether it is
//! in a state in which the action works.

use std::rc::Rc;

use serde_json::Value;
use uuid::Uuid;

use super::evidence::{flag, newest, text, time};
use super::finding::Findings;
use super::reader::Reader;
use super::resolve::Checkup;
use crate::branch;
use crate::inputs::ActionName;
use crate::messages::Failure;
use crate::resource::ResourceKind;
use crate::sevalla::contract::news::records;
use crate::sevalla::operation::{
    GET_APPLICATION, GET_APPLICATION_DEPLOYMENT_LOGS, GET_DATABASE, GET_PIPELINE, GET_STATIC_SITE,
    GET_STATIC_SITE_DEPLOYMENT, GET_STATIC_SITE_DEPLOYMENT_LOGS, LIST_DEPLOYMENTS,
    LIST_STATIC_SITE_DEPLOYMENTS, Operation,
};
use crate::sevalla::{LONGEST_PAGE, Observed};

/// The lines of a log that are read: enough to see its form.
const LINES: usize = 1000;

const KINDS: [ResourceKind; 4] = [
    ResourceKind::Application,
    ResourceKind::StaticSite,
    ResourceKind::Pipeline,
    ResourceKind::Database,
];

fn reading(kind: ResourceKind) -> &'static Operation {
    match kind {
        ResourceKind::Application => &GET_APPLICATION,
        ResourceKind::StaticSite => &GET_STATIC_SITE,
        ResourceKind::Pipeline => &GET_PIPELINE,
        ResourceKind::Database => &GET_DATABASE,
    }
}

const fn topic(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::Application => "application",
        ResourceKind::StaticSite => "static site",
        ResourceKind::Pipeline => "pipeline",
        ResourceKind::Database => "database",
    }
}

/// Reads the record of an id. Of one that there is not as this kind, finds out
/// whether it is the id of another kind.
pub(super) async fn record(
    reader: &Reader,
    findings: &mut Findings,
    kind: ResourceKind,
    id: Uuid,
) -> Option<Rc<Observed>> {
    let id = id.to_string();
    let error = match reader.read(reading(kind), &[id.as_str()], &[]).await {
        Ok(answer) => return Some(answer),
        Err(error) => error,
    };
    if error.is_gone() {
        for other in KINDS.into_iter().filter(|other| *other != kind) {
            if reader
                .read(reading(other), &[id.as_str()], &[])
                .await
                .is_ok()
            {
                let text = format!(
                    "No {} has the id {id}: it is the id of another resource, {}",
                    kind.noun(),
                    other.noun()
                );
                let fix = format!("Pass it as {}, or correct {}", other.input(), kind.input());
                findings.wrong(topic(kind), Failure::NotFound, text, fix);
                return None;
            }
        }
    }
    findings.failed(topic(kind), &error);
    None
}

/// What the record of a service says of it. Whether it can be deployed.
pub(super) fn service(findings: &mut Findings, kind: ResourceKind, record: &Value) {
    let topic = topic(kind);
    let name = text(record, "display_name").unwrap_or("without a name");
    if text(record, "status") == Some("deleting") {
        findings.wrong(
            topic,
            Failure::BeingDeleted,
            format!("{name} is being deleted"),
            "Check that the id is the one you mean",
        );
    } else if flag(record, "is_suspended") {
        let failure = match kind {
            ResourceKind::Database => Failure::DatabaseNotConnectable,
            _ => Failure::SuspendedApplication,
        };
        let text = format!("{name} is suspended");
        findings.wrong(topic, failure, text, "Activate it in the dashboard");
    } else if kind == ResourceKind::Database && text(record, "status") != Some("ready") {
        let status = text(record, "status").unwrap_or("without a status");
        let text = format!("{name} is {status}, not ready");
        findings.doubt(
            topic,
            text,
            "Wait until it is ready, or look in the dashboard",
        );
    } else {
        findings.fine(topic, name);
    }
}

/// Whether Sevalla deploys by itself what the run is to deploy, or does not
/// deploy what the run is to follow.
pub(super) fn automatic(findings: &mut Findings, checkup: &Checkup, record: &Value) {
    const TOPIC: &str = "automatic";
    let default = text(record, "default_branch").unwrap_or("(default)");
    let is_of_git =
        text(record, "source").is_none_or(|source| matches!(source, "privateGit" | "app"));
    let is_on = flag(record, "auto_deploy") && is_of_git;
    let ours = checkup.branch.as_deref().unwrap_or(default);
    let is_same = branch::is_same(ours, default);
    let deploys = matches!(
        checkup.action,
        Some(ActionName::DeployApp | ActionName::DeployStaticSite)
    );
    match (is_on, checkup.action) {
        (true, _) if deploys && is_same => findings.doubt(
            TOPIC,
            format!("deployment of pushes to {default} is on: each push is deployed twice"),
            "Switch automatic deployment off in the settings on Sevalla, or use `follow`",
        ),
        (false, Some(ActionName::Follow)) => findings.doubt(
            TOPIC,
            "deployment of pushes is off: `follow` finds no deployment of the commit",
            "Switch automatic deployment on in the settings on Sevalla, or deploy from here",
        ),
        (true, _) => findings.fine(TOPIC, format!("pushes to {default} are deployed")),
        (false, _) => findings.fine(TOPIC, "pushes are not deployed by Sevalla"),
    }
}

/// Reads the deployments of a service and the log of the newest.
pub(super) async fn deployments(
    reader: &Reader,
    findings: &mut Findings,
    kind: ResourceKind,
    id: Uuid,
) {
    let is_app = kind == ResourceKind::Application;
    let [list, log] = if is_app {
        [&LIST_DEPLOYMENTS, &GET_APPLICATION_DEPLOYMENT_LOGS]
    } else {
        [
            &LIST_STATIC_SITE_DEPLOYMENTS,
            &GET_STATIC_SITE_DEPLOYMENT_LOGS,
        ]
    };
    let service = id.to_string();
    let page = [("limit", LONGEST_PAGE.to_string())];
    let listed = match reader.read(list, &[service.as_str()], &page).await {
        Ok(answer) => answer,
        Err(error) => return findings.failed("deployments", &error),
    };
    let all = records(&listed.body);
    let is_busy = |one: &&&Value| matches!(text(one, "status"), Some("waiting" | "inProgress"));
    match all.iter().filter(is_busy).count() {
        0 => findings.fine(
            "deployments",
            format!("none is running; {} in the list", all.len()),
        ),
        busy => findings.doubt(
            "deployments",
            format!("{busy} waiting or running now"),
            "Decide with when-busy what a run does then: queue, wait, join, cancel-previous, fail",
        ),
    }
    let Some((newest, deployment)) =
        newest(&listed.body).and_then(|one| Some((one, text(one, "id")?)))
    else {
        return findings.fine("log", "no deployment yet whose log could be read");
    };
    if !is_app {
        let ids = [service.as_str(), deployment];
        let _only_adds = reader.read(&GET_STATIC_SITE_DEPLOYMENT, &ids, &[]).await;
    }
    let from = time(newest, "created_at").unwrap_or_default();
    let window = [("from", format!("{from:.3}")), ("limit", LINES.to_string())];
    match reader
        .read(log, &[service.as_str(), deployment], &window)
        .await
    {
        Ok(answer) => {
            let lines = records(&answer.body).len();
            findings.fine("log", format!("{lines} lines of the newest deployment"));
        }
        Err(error) => findings.failed("log", &error),
    }
}

/// Whether a pipeline can do what the action needs.
pub(super) fn pipeline(findings: &mut Findings, checkup: &Checkup, record: &Value) {
    let name = text(record, "display_name").unwrap_or("without a name");
    findings.fine("pipeline", name);
    let stages = record.get("stages").and_then(Value::as_array);
    let mut stages = stages.into_iter().flatten();
    let preview = stages.find(|stage| text(stage, "type") == Some("preview"));
    let creates = matches!(
        checkup.action,
        Some(ActionName::Preview | ActionName::CreatePreviewApp)
    );
    match preview {
        None if creates => findings.doubt(
            "previews",
            "the pipeline has no preview stage",
            "Enable preview apps in the settings of the pipeline",
        ),
        None => findings.fine("previews", "not enabled"),
        Some(stage) if creates && flag(stage, "auto_create_app") => findings.doubt(
            "previews",
            "Sevalla also creates a preview app for each pull request",
            "Switch automatic creation off, or the run may find a preview app that is not its own",
        ),
        Some(_) => findings.fine("previews", "enabled"),
    }
    if checkup.action == Some(ActionName::PromoteApp) && text(record, "type") == Some("branch") {
        findings.doubt(
            "promotion",
            "the pipeline is of type branch; Sevalla documents promotion for trunk only",
            "Try it with dry-run first, or use a trunk pipeline",
        );
    }
}
