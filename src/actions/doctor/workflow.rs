//! What a company has, and the workflow for this CI.

use serde_json::Value;

use super::evidence::{name, text};
use super::finding::Findings;
use super::reader::Reader;
use super::subject;
use crate::ci::Host;
use crate::messages;
use crate::resource::ResourceKind;
use crate::sevalla::LONGEST_PAGE;
use crate::sevalla::contract::news::records;

/// The variable that the workflows take the id of an application from.
const VARIABLE: &str = "SEVALLA_APP_ID";

/// Reads what the company has, and gives a line for each with its id.
pub(super) async fn listed(reader: &Reader, findings: &mut Findings) -> Vec<String> {
    const TOPIC: &str = "services";
    let mut lines = Vec::new();
    for kind in subject::KINDS {
        let query = [("limit", LONGEST_PAGE.to_string())];
        let answer = match reader.read(subject::listing(kind), &[], &query).await {
            Ok(answer) => answer,
            // A key of one service need not see the others.
            Err(error) if error.status() == Some(403) => continue,
            Err(error) => {
                findings.failed(TOPIC, &error);
                continue;
            }
        };
        for record in records(&answer.body) {
            let id = text(record, "id").unwrap_or_default();
            let name = name(record);
            let preview = match text(record, "type") {
                Some("previewApp") => " (preview)",
                _ => "",
            };
            lines.push(format!("{:<16}{id}  {name}{preview}", kind.input()));
        }
        let total = answer.body.get("total").and_then(Value::as_u64);
        if total.is_some_and(|total| total > LONGEST_PAGE as u64) {
            lines.push(format!("{:<16}and more; see `list`", kind.input()));
        }
    }
    if lines.is_empty() && !findings.has(TOPIC) {
        findings.doubt(
            TOPIC,
            "the key sees no application, static site, pipeline or database",
            "Create a service on Sevalla first, or use a key that can read it",
        );
    }
    lines
}

/// The workflow to copy, for this CI.
pub(super) fn of(host: Host, services: &[String]) -> Vec<String> {
    let mut lines = vec![String::new()];
    let template = match host {
        Host::Azure => include_str!("../../../templates/azure/azure-pipelines.yml"),
        Host::Bitbucket => include_str!("../../../templates/bitbucket/bitbucket-pipelines.yml"),
        Host::Buildkite => include_str!("../../../templates/buildkite/pipeline.yml"),
        Host::CircleCi => include_str!("../../../templates/circleci/config.yml"),
        Host::Drone => include_str!("../../../templates/drone/.drone.yml"),
        Host::Gitea => include_str!("../../../templates/gitea/deploy.yml"),
        Host::GitHub => include_str!("../../../templates/github/deploy.yml"),
        Host::GitLab => include_str!("../../../templates/gitlab/.gitlab-ci.yml"),
        Host::Jenkins => include_str!("../../../templates/jenkins/Jenkinsfile"),
        Host::TeamCity => include_str!("../../../templates/teamcity/settings.kts"),
        Host::Woodpecker => include_str!("../../../templates/woodpecker/deploy.yaml"),
        Host::OtherCi | Host::Local => "",
    };
    let id = only_application(services);
    if template.is_empty() {
        let id = id.unwrap_or("…");
        lines.push("In a script, with the key in SEVALLA_TOKEN:".to_owned());
        lines.push(format!("  {VARIABLE}={id} sevalla-deploy"));
        lines.push(format!("More: {}", messages::page_of("docs/ci/README.md")));
        return lines;
    }
    let file = host.row().template.unwrap_or_default();
    lines.push(format!("The workflow for {} ({file}):", host.row().title));
    if let Some(id) = id {
        lines.push(format!("Set the variable {VARIABLE} to {id}."));
    }
    lines.push(String::new());
    lines.extend(template.lines().map(str::to_owned));
    lines
}

/// The id of the company's application, if it has one alone.
fn only_application(services: &[String]) -> Option<&str> {
    let start = ResourceKind::Application.input();
    let mut ids = services.iter().filter_map(|line| {
        let rest = line.strip_prefix(start)?.trim_start();
        (!rest.ends_with("(preview)")).then(|| rest.split(' ').next())?
    });
    let first = ids.next()?;
    ids.next().is_none().then_some(first)
}
