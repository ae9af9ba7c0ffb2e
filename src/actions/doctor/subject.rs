//! The service, pipeline or database: whether its id is right, and whether it is
//! in a state in which the action works.

use std::rc::Rc;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::evidence::{flag, name, newest, text, time};
use super::finding::Findings;
use super::reader::Reader;
use super::resolve::Checkup;
use crate::actions::named::{NameSearch, find_among};
use crate::branch;
use crate::deployment::Status;
use crate::inputs::{ActionName, GivenName};
use crate::messages::Failure;
use crate::resource::ResourceKind;
use crate::sevalla::contract::news::records;
use crate::sevalla::operation::{
    GET_APPLICATION, GET_APPLICATION_DEPLOYMENT_LOGS, GET_DATABASE, GET_PIPELINE, GET_STATIC_SITE,
    GET_STATIC_SITE_DEPLOYMENT, GET_STATIC_SITE_DEPLOYMENT_LOGS, LIST_APPLICATIONS, LIST_DATABASES,
    LIST_DEPLOYMENTS, LIST_PIPELINES, LIST_STATIC_SITE_DEPLOYMENTS, LIST_STATIC_SITES, Operation,
};
use crate::sevalla::{ApiError, LONGEST_PAGE, Observed, RecordList, ResourceRecord};

/// The lines of a log that are read: enough to see its form.
const LINES: usize = 1000;

/// The most entries of a list that are read to find a name: a few pages.
const MOST_NAMED: usize = 3 * LONGEST_PAGE;

pub(super) const KINDS: [ResourceKind; 4] = [
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

pub(super) const fn listing(kind: ResourceKind) -> &'static Operation {
    match kind {
        ResourceKind::Application => &LIST_APPLICATIONS,
        ResourceKind::StaticSite => &LIST_STATIC_SITES,
        ResourceKind::Pipeline => &LIST_PIPELINES,
        ResourceKind::Database => &LIST_DATABASES,
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

/// Finds the ids of what is given by name, each with a line.
pub(super) async fn look_up(reader: &Reader, findings: &mut Findings, checkup: &mut Checkup) {
    for GivenName { kind, name } in std::mem::take(&mut checkup.names) {
        // Until now it is a placeholder.
        *checkup.id_of(kind) = None;
        let mut all = match all_of(reader, kind).await {
            Ok(all) => all,
            Err(error) => {
                findings.failed("name", &error);
                continue;
            }
        };
        let is_cut = std::mem::take(&mut all.is_cut);
        match find_among(&all, kind, &name, NameSearch::Id) {
            Ok(found) => {
                findings.fine("name", format!("{name:?} is {} {}", kind.noun(), found.id));
                *checkup.id_of(kind) = Some(found.id);
            }
            Err(why) if is_cut && why.failure == Failure::NotFound => {
                let text = format!("{name:?} is not among the newest {MOST_NAMED} in the list");
                findings.doubt("name", text, "Pass the id; a run reads the whole list");
            }
            Err(why) => {
                let text = format!("{}. {}", why.reason, why.details.join(". "));
                findings.wrong("name", why.failure, text, why.hint);
            }
        }
    }
}

/// The first pages of the list of a kind.
async fn all_of(reader: &Reader, kind: ResourceKind) -> Result<RecordList, ApiError> {
    let mut all = RecordList::default();
    for offset in (0..MOST_NAMED).step_by(LONGEST_PAGE) {
        let query = [
            ("limit", LONGEST_PAGE.to_string()),
            ("offset", offset.to_string()),
        ];
        let answer = reader.read(listing(kind), &[], &query).await?;
        let read = records(&answer.body);
        all.is_cut = read.len() >= LONGEST_PAGE;
        all.records
            .extend(read.into_iter().filter_map(ResourceRecord::of));
        if !all.is_cut {
            break;
        }
    }
    Ok(all)
}

/// A response that a run could not use either.
pub(super) fn unreadable(findings: &mut Findings, topic: &'static str, text: &str) {
    findings.wrong(
        topic,
        Failure::UnreadableAnswer,
        text,
        "Check api-url, and that no proxy or login page answers in place of the API",
    );
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
        Ok(answer) if text(&answer.body, "id").is_some_and(|its| its.eq_ignore_ascii_case(&id)) => {
            return Some(answer);
        }
        Ok(_) => {
            unreadable(
                findings,
                topic(kind),
                "the response is not the record of this id",
            );
            return None;
        }
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
pub(super) fn service(
    findings: &mut Findings,
    checkup: &Checkup,
    kind: ResourceKind,
    record: &Value,
) {
    let topic = topic(kind);
    let name = name(record);
    let status = text(record, "status");
    if status == Some("deleting") {
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
        let reads = checkup.action.filter(|action| !action.row().writes);
        match reads {
            Some(action) => {
                let text = format!("{text}, which does not prevent {}", action.word());
                findings.doubt(
                    topic,
                    text,
                    "Activate it in the dashboard before a deployment",
                );
            }
            None => findings.wrong(topic, failure, text, "Activate it in the dashboard"),
        }
    } else if status.is_some_and(|status| status.to_ascii_lowercase().ends_with("deletionfailed")) {
        let text = format!("{name} was to be deleted, and that failed");
        findings.doubt(topic, text, "Look in the dashboard whether it still runs");
    } else if kind == ResourceKind::Database && status != Some("ready") {
        let status = status.unwrap_or("without a status");
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
pub(super) fn automatic(
    findings: &mut Findings,
    checkup: &Checkup,
    kind: ResourceKind,
    record: &Value,
) {
    const TOPIC: &str = "automatic";
    const SETTINGS: &str = "in the settings on Sevalla, or";
    let default = text(record, "default_branch").unwrap_or("(default)");
    let source = text(record, "source");
    let is_connected = source.is_none_or(|source| matches!(source, "privateGit" | "app"));
    let is_on = flag(record, "auto_deploy") && is_connected;
    let follows = checkup.is_for(ActionName::Follow);
    // A deployment without a branch is of the default one; `follow` seeks the
    // commit of this run.
    let of_ci = checkup.facts.branch.as_deref().filter(|_| follows);
    let ours = checkup.branch.as_deref().or(of_ci).unwrap_or(default);
    let is_same = branch::is_same(ours, default);
    let deploys = match kind {
        ResourceKind::Application => ActionName::DeployApp,
        _ => ActionName::DeployStaticSite,
    };
    if is_on && is_same && checkup.is_for(deploys) {
        return findings.doubt(
            TOPIC,
            format!("deployment of pushes to {default} is on: each push is deployed twice"),
            format!("Switch automatic deployment off {SETTINGS} use `follow`"),
        );
    }
    let off = match source {
        Some("dockerImage") => "an image has no pushes".to_owned(),
        _ if !is_connected => "Sevalla does not deploy pushes to a public repository".to_owned(),
        _ if is_on && !is_same => format!("pushes to {default} are deployed, not those to {ours}"),
        _ if is_on => return findings.fine(TOPIC, format!("pushes to {default} are deployed")),
        _ => "deployment of pushes is off".to_owned(),
    };
    if !follows {
        return findings.fine(TOPIC, off);
    }
    let fix = match (is_connected, is_on) {
        (false, _) => "Deploy from here".to_owned(),
        (true, true) => format!("Follow on {default} alone, or deploy {ours} from here"),
        (true, false) => format!("Switch automatic deployment on {SETTINGS} deploy from here"),
    };
    let text = format!("{off}: `follow` finds no deployment of the commit");
    findings.doubt(TOPIC, text, fix);
}

/// Reads the deployments of a service and the log of the newest.
pub(super) async fn deployments(
    reader: &Reader,
    findings: &mut Findings,
    kind: ResourceKind,
    id: Uuid,
) {
    let is_app = kind == ResourceKind::Application;
    let [list, log] = of_deployments(kind);
    let service = id.to_string();
    let page = [("limit", LONGEST_PAGE.to_string())];
    let listed = match reader.read(list, &[service.as_str()], &page).await {
        Ok(answer) => answer,
        Err(error) => return findings.failed("deployments", &error),
    };
    if !listed.body.get("data").is_some_and(Value::is_array) {
        return unreadable(
            findings,
            "deployments",
            "the response is no list of deployments",
        );
    }
    busy(findings, &records(&listed.body));
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
            findings.fine("log", format!("the newest has {lines} lines"));
        }
        Err(error) => findings.failed("log", &error),
    }
}

/// Reads a line of the log of the oldest deployment in the list. It only shows how
/// long logs are kept, so it is read last.
pub(super) async fn earlier_log(reader: &Reader, kind: ResourceKind, id: Uuid) {
    let [list, log] = of_deployments(kind);
    let oldest = {
        let evidence = reader.evidence();
        // Else it would be taken for the log of the newest.
        if evidence.answer(log.id).is_none() {
            return;
        }
        let listed = evidence.answer(list.id);
        listed.and_then(|listed| ended_first(&listed.body))
    };
    let Some((deployment, created)) = oldest else {
        return;
    };
    if reader.can_spend() {
        let window = [("from", format!("{created:.3}")), ("limit", "1".to_owned())];
        let ids = [&id.to_string(), deployment.as_str()];
        let _only_adds = reader.read(log, &ids, &window).await;
    }
}

/// Id and time of the oldest deployment that has run to its end, if it is not the
/// newest.
fn ended_first(list: &Value) -> Option<(String, Timestamp)> {
    let all = records(list).into_iter();
    let ended = all.filter(|one| matches!(text(one, "status"), Some("success" | "failed")));
    let timed = ended.filter_map(|one| Some((time(one, "created_at")?, text(one, "id")?)));
    let (created, id) = timed.min()?;
    let is_newest = newest(list).and_then(|one| text(one, "id")) == Some(id);
    (!is_newest).then(|| (id.to_owned(), created))
}

/// The operations that list deployments and read the log of one.
const fn of_deployments(kind: ResourceKind) -> [&'static Operation; 2] {
    match kind {
        ResourceKind::Application => [&LIST_DEPLOYMENTS, &GET_APPLICATION_DEPLOYMENT_LOGS],
        _ => [
            &LIST_STATIC_SITE_DEPLOYMENTS,
            &GET_STATIC_SITE_DEPLOYMENT_LOGS,
        ],
    }
}

/// Whether a deployment is waiting or running. One whose status says nothing may
/// be: a run takes it for that.
fn busy(findings: &mut Findings, all: &[&Value]) {
    const TOPIC: &str = "deployments";
    const FIX: &str =
        "Decide with when-busy what a run does then: queue, wait, join, cancel-previous, fail";
    let statuses = all.iter().map(|one| Status::from_word(text(one, "status")));
    let open: Vec<Status> = statuses
        .filter(|status| status.verdict().is_none())
        .collect();
    let is_known = |status: &&Status| matches!(status, Status::Waiting | Status::InProgress);
    match (open.len(), open.iter().filter(is_known).count()) {
        (0, _) => findings.fine(TOPIC, format!("{} listed, none running", all.len())),
        (open, known) if open == known => {
            findings.doubt(TOPIC, format!("{open} waiting or running now"), FIX);
        }
        (open, known) => {
            let unknown = open - known;
            let text = format!("{open} may be running: {unknown} without a status that is known");
            findings.doubt(TOPIC, text, FIX);
        }
    }
}

/// Whether a pipeline can do what the action needs.
pub(super) fn pipeline(findings: &mut Findings, checkup: &Checkup, record: &Value) {
    let name = name(record);
    let stages = record.get("stages").and_then(Value::as_array);
    let mut stages = stages.into_iter().flatten();
    let preview = stages.find(|stage| text(stage, "type") == Some("preview"));
    let creates = [ActionName::Preview, ActionName::CreatePreviewApp];
    let creates = creates.into_iter().any(|action| checkup.is_for(action));
    let previews = if preview.is_some() {
        "preview apps are enabled"
    } else {
        "no preview apps"
    };
    findings.fine("pipeline", format!("{name}; {previews}"));
    match preview {
        None if creates => findings.doubt(
            "previews",
            "the pipeline has no preview stage",
            "Enable preview apps in the settings of the pipeline",
        ),
        Some(stage) if creates && flag(stage, "auto_create_app") => findings.doubt(
            "previews",
            "Sevalla also creates a preview app for each pull request",
            "Switch automatic creation off, or the run may find a preview app that is not its own",
        ),
        _ => {}
    }
    if checkup.is_for(ActionName::PromoteApp) && text(record, "type") == Some("branch") {
        findings.doubt(
            "promotion",
            "the pipeline is of type branch; Sevalla documents promotion for trunk only",
            "Try it with dry-run first, or use a trunk pipeline",
        );
    }
}
