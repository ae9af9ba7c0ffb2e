//! What a company has, and the workflow for this CI.

use serde_json::Value;
use uuid::Uuid;

use super::evidence::{name, text};
use super::finding::Findings;
use super::reader::Reader;
use super::subject;
use crate::ci::Host;
use crate::messages;
use crate::resource::ResourceKind;
use crate::sevalla::LONGEST_PAGE;
use crate::sevalla::contract::news::{is_list, records};

/// The ids in the templates that stand for those of the company.
const SAMPLE_SERVICE: &str = "4f1c1d0e-8a57-4c0b-9d5e-2f6d1f0f7a11";
const SAMPLE_PIPELINE: &str = "54fb80af-576c-4fdc-ba4f-b596c83f15a1";

/// How templates spell `app-id`, and `static-site-id` in the same way.
const SPELLINGS: [(&str, &str); 4] = [
    ("app-id", "static-site-id"),
    ("appId", "staticSiteId"),
    ("app_id", "static_site_id"),
    ("SEVALLA_APP_ID", "SEVALLA_STATIC_SITE_ID"),
];

/// What a company has.
#[derive(Default)]
pub(super) struct Services {
    /// A line for each.
    pub(super) lines: Vec<String>,
    /// Kind and id of each except previews. A shell may read what is copied, so
    /// there is no id that is not a UUID.
    ids: Vec<(ResourceKind, Option<Uuid>)>,
}

impl Services {
    fn has(&self, kind: ResourceKind) -> bool {
        self.ids.iter().any(|(its, _)| *its == kind)
    }

    /// The id of the only one of a kind.
    fn only(&self, kind: ResourceKind) -> Option<Uuid> {
        let mut its = self.ids.iter().filter(|(its, _)| *its == kind);
        let (_, id) = its.next()?;
        id.filter(|_| its.next().is_none())
    }

    /// The kind that the workflow deploys.
    fn deployed(&self) -> ResourceKind {
        if !self.has(ResourceKind::Application) && self.has(ResourceKind::StaticSite) {
            ResourceKind::StaticSite
        } else {
            ResourceKind::Application
        }
    }

    fn add(&mut self, kind: ResourceKind, record: &Value) {
        let id: Option<Uuid> = text(record, "id").and_then(|id| id.parse().ok());
        let shown = id.map_or_else(|| "(not a UUID)".to_owned(), |id| id.to_string());
        let is_preview = text(record, "type") == Some("previewApp");
        let preview = if is_preview { " (preview)" } else { "" };
        let name = name(record);
        let line = format!("{:<16}{shown}  {name}{preview}", kind.input());
        self.lines.push(line);
        if !is_preview {
            self.ids.push((kind, id));
        }
    }
}

/// Reads what the company has, and gives a line for each with its id.
pub(super) async fn listed(reader: &Reader, findings: &mut Findings) -> Services {
    const TOPIC: &str = "services";
    let mut services = Services::default();
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
        if !is_list(&answer.body) {
            subject::unreadable(findings, TOPIC, "the response is no list");
            continue;
        }
        for record in records(&answer.body) {
            services.add(kind, record);
        }
        let total = answer.body.get("total").and_then(Value::as_u64);
        if total.is_some_and(|total| total > LONGEST_PAGE as u64) {
            let line = format!("{:<16}and more; see `list`", kind.input());
            services.lines.push(line);
        }
    }
    if services.lines.is_empty() && !findings.has(TOPIC) {
        findings.doubt(
            TOPIC,
            "the key sees no application, static site, pipeline or database",
            "Create a service on Sevalla first, or use a key that can read it",
        );
    }
    services
}

const fn template(host: Host) -> &'static str {
    match host {
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
    }
}

/// The workflow to copy, for this CI.
pub(super) fn of(host: Host, services: &Services) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut template = template(host).to_owned();
    let kind = services.deployed();
    let mut variable = "SEVALLA_APP_ID";
    if kind == ResourceKind::StaticSite {
        for (of_app, of_site) in SPELLINGS {
            template = template.replace(of_app, of_site);
        }
        variable = "SEVALLA_STATIC_SITE_ID";
    }
    if template.is_empty() {
        let id = services.only(kind);
        let id = id.map_or_else(|| "…".to_owned(), |id| id.to_string());
        lines.push("In a script, with the key in SEVALLA_TOKEN:".to_owned());
        lines.push(format!("  {variable}={id} sevalla-deploy"));
        lines.push(format!("More: {}", messages::page_of("docs/ci/README.md")));
        return lines;
    }
    let file = host.row().template.unwrap_or_default();
    lines.push(format!("The workflow for {} ({file}):", host.row().title));
    for (kind, sample, variable) in [
        (kind, SAMPLE_SERVICE, variable),
        (
            ResourceKind::Pipeline,
            SAMPLE_PIPELINE,
            "SEVALLA_PIPELINE_ID",
        ),
    ] {
        let has_sample = template.contains(sample);
        if !has_sample && !template.contains(variable) {
            continue;
        }
        let noun = kind.noun();
        lines.push(match services.only(kind) {
            Some(id) if has_sample => {
                template = template.replace(sample, &id.to_string());
                continue;
            }
            Some(id) => format!("Set the variable {variable} to {id}."),
            None if kind == ResourceKind::Pipeline && !services.has(kind) => {
                "Remove the preview job: the key sees no pipeline.".to_owned()
            }
            None if has_sample => format!("Replace {sample} by the id of your {noun}."),
            None => format!("Set the variable {variable} to the id of your {noun}."),
        });
    }
    lines.push(String::new());
    lines.extend(template.lines().map(str::to_owned));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b7a1a64-5f5c-4a51-9f0f-0d6f3c1c9f01";

    fn all(kind: ResourceKind, records: &[Value]) -> Services {
        let mut services = Services::default();
        for record in records {
            services.add(kind, record);
        }
        services
    }

    fn text_of(host: Host, services: &Services) -> String {
        of(host, services).join("\n")
    }

    const HOSTS: [Host; 11] = [
        Host::Azure,
        Host::Bitbucket,
        Host::Buildkite,
        Host::CircleCi,
        Host::Drone,
        Host::Gitea,
        Host::GitHub,
        Host::GitLab,
        Host::Jenkins,
        Host::TeamCity,
        Host::Woodpecker,
    ];

    #[test]
    fn every_workflow_has_the_id_or_names_what_to_replace() {
        let record = serde_json::json!({"id": ID});
        for host in HOSTS {
            let app = text_of(
                host,
                &all(ResourceKind::Application, std::slice::from_ref(&record)),
            );
            assert!(app.contains(ID) && !app.contains(SAMPLE_SERVICE), "{app}");
            let preview = "Remove the preview job";
            assert!(app.contains(preview) || !app.contains("PIPELINE"), "{app}");
            let site = text_of(
                host,
                &all(ResourceKind::StaticSite, std::slice::from_ref(&record)),
            );
            assert!(site.contains(ID) && !site.contains("app-id"), "{site}");
            assert!(!site.contains("APP_ID") && !site.contains("appId"));
            let several = all(ResourceKind::Application, &[record.clone(), record.clone()]);
            let several = text_of(host, &several);
            assert!(several.contains("the id of your application"), "{several}");
            assert!(!several.contains(ID));
        }
        let pipeline = all(ResourceKind::Pipeline, &[record]);
        let drone = text_of(Host::Drone, &pipeline);
        assert!(drone.contains(ID) && !drone.contains(SAMPLE_PIPELINE));
    }

    #[test]
    fn the_line_to_copy_has_only_a_uuid_and_no_preview() {
        let line = |records: &[Value]| {
            let services = all(ResourceKind::Application, records);
            [services.lines.join("\n"), text_of(Host::Local, &services)].join("\n")
        };
        let injected = line(&[serde_json::json!({"id": "$(touch /tmp/pwn)"})]);
        assert!(!injected.contains("touch"), "{injected}");
        assert!(injected.contains("SEVALLA_APP_ID=… sevalla-deploy"));
        let named = line(&[
            serde_json::json!({"id": ID, "display_name": "Shop (preview)", "type": "app"}),
            serde_json::json!({"id": SAMPLE_SERVICE, "type": "previewApp"}),
        ]);
        assert!(named.contains(&format!("SEVALLA_APP_ID={ID} ")), "{named}");
    }
}
