//! The facts of a run in groups, as the page and the summary show them. Pure.

use super::gantt;
use crate::deployment::{Deployment, ServiceKind, is_same_commit};
use crate::report::console;
use crate::report::run_record::{RunRecord, ServiceRecord};

/// Details that belong together. The page has a heading for each group.
pub(super) struct DetailGroup {
    pub(super) title: &'static str,
    pub(super) details: Vec<Detail>,
}

/// A fact about the run.
pub(super) struct Detail {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) form: DetailForm,
}

/// How a detail is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DetailForm {
    Text,
    /// A text to be copied.
    Id,
    /// The value is an address.
    Address,
    /// A text that leads to this address.
    Link(String),
    /// Only where no picture can be drawn.
    Bars,
}

/// The groups that have details.
pub(super) fn groups(record: &RunRecord) -> Vec<DetailGroup> {
    let groups = [
        ("What", what(record)),
        ("When", when(record)),
        ("Links", links(record)),
    ];
    let given = groups.into_iter().map(|(title, details)| DetailGroup {
        title,
        details: details.into_iter().flatten().collect(),
    });
    given.filter(|group| !group.details.is_empty()).collect()
}

fn text(name: &'static str, value: Option<String>) -> Option<Detail> {
    detail(name, value, DetailForm::Text)
}

fn detail(name: &'static str, value: Option<String>, form: DetailForm) -> Option<Detail> {
    let value = value.filter(|value| !value.trim().is_empty())?;
    Some(Detail { name, value, form })
}

fn what(record: &RunRecord) -> Vec<Option<Detail>> {
    let service_record = record.one();
    let deployment = service_record.deployment.as_ref();
    let label = match service_record.service.map(|service| service.kind) {
        Some(ServiceKind::StaticSite) => "Static site",
        _ => "Application",
    };
    let id = service_record.service.map(|service| service.id.to_string());
    let deployment_id = deployment.map(|deployment| deployment.id.to_string());
    let status = deployment.and_then(|deployment| deployment.status.reported());
    let branch = deployment.and_then(|deployment| deployment.branch.clone());
    // Of a build it is only the name under which Sevalla keeps the result.
    let is_built =
        |deployment: &&Deployment| deployment.branch.is_some() || deployment.commit_sha.is_some();
    let image = deployment.filter(|deployment| !is_built(deployment));
    let image = image.and_then(|deployment| deployment.docker_image.clone());
    let message = deployment.and_then(first_line_of_commit);
    vec![
        text(label, service_record.name.clone()),
        detail("ID", id, DetailForm::Id),
        detail("Deployment", deployment_id, DetailForm::Id),
        text("Status", status.map(str::to_owned)),
        text("Branch", branch),
        text("Image", image),
        commit(record, service_record),
        text("Message", message),
        detail(
            "Commit of this run",
            other_commit(record, deployment),
            DetailForm::Id,
        ),
    ]
}

/// The deployed commit. It leads to the code host of the service's repository, or of
/// the CI's if this run is of the same commit: the CI's may be another repository.
fn commit(record: &RunRecord, service_record: &ServiceRecord) -> Option<Detail> {
    let deployment = service_record.deployment.as_ref()?;
    let commit = deployment.commit_sha.clone()?;
    let own = record.facts.commit.as_deref();
    let repository = record.facts.repository.as_ref();
    let repository = repository.filter(|_| own.is_some_and(|own| is_same_commit(own, &commit)));
    let repository = repository.or(service_record.repository.as_ref());
    let page = repository.and_then(|repository| repository.commit_page(&commit));
    detail(
        "Commit",
        Some(commit),
        page.map_or(DetailForm::Id, DetailForm::Link),
    )
}

/// The commit of the run, unless it is the deployed one.
fn other_commit(record: &RunRecord, deployment: Option<&Deployment>) -> Option<String> {
    let own = record.facts.commit.clone()?;
    let deployed = deployment.and_then(|deployment| deployment.commit_sha.as_deref());
    let is_deployed = deployed.is_some_and(|deployed| is_same_commit(deployed, &own));
    (!is_deployed).then_some(own)
}

/// The first line of the message of the deployed commit.
pub(super) fn first_line_of_commit(deployment: &Deployment) -> Option<String> {
    let message = deployment.commit_message.as_deref()?;
    message.trim().lines().next().map(str::to_owned)
}

fn when(record: &RunRecord) -> Vec<Option<Detail>> {
    let service_record = record.one();
    let deployment = service_record.deployment.as_ref();
    let created = deployment.and_then(|deployment| deployment.created_at);
    let finished = deployment.and_then(|deployment| deployment.finished_at);
    let usual = service_record.usual.as_ref();
    let bars = usual.and_then(|usual| gantt::last_ones(usual, service_record.run()));
    vec![
        text("Started", created.map(in_utc)),
        text("Ended", finished.map(in_utc)),
        text("Duration", console::times(record)),
        text("Usually", console::comparison(record)),
        detail("Last runs, this one", bars, DetailForm::Bars),
    ]
}

/// "2026-03-01 10:00:05 UTC".
pub(super) fn in_utc(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn links(record: &RunRecord) -> Vec<Option<Detail>> {
    vec![
        detail("URL", record.one().url.clone(), DetailForm::Address),
        detail("Run", record.facts.run_url.clone(), DetailForm::Address),
    ]
}
