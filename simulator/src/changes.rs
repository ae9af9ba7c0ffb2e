//! Changes to a service's record.

use serde_json::{Map, Value, json};

use crate::application::Application;
use crate::clock::Moment;
use crate::ids;
use crate::static_site::StaticSite;

/// A checked body's field, as far as it is text or a switch.
fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        _ => String::new(),
    }
}

fn switch(value: &Value) -> bool {
    value.as_bool().unwrap_or(false)
}

/// Fields nothing here depends on: the record just tells them.
pub(crate) fn overlay(record: &mut Value, settings: &Map<String, Value>) {
    for (name, value) in settings {
        if let Some(field) = record.get_mut(name) {
            field.clone_from(value);
        }
    }
}

impl Application {
    /// Takes over a checked body.
    pub(crate) fn change(&mut self, body: Map<String, Value>, now: Moment) {
        self.changed = now;
        for (name, value) in body {
            match name.as_str() {
                "display_name" => self.display_name = text(value),
                "auto_deploy" => self.auto_deploy = switch(&value),
                "default_branch" => self.default_branch = text(value),
                "source" => self.source = text(value),
                "git_type" => self.git_type = text(value),
                "repo_url" => self.repo_url = text(value),
                "docker_image" => self.docker_image = Some(text(value)),
                "buildpacks" => {
                    self.settings.insert(name, with_ids(&value));
                }
                "allow_deploy_paths" | "ignore_deploy_paths" => {
                    self.settings.remove("allow_deploy_paths");
                    self.settings.remove("ignore_deploy_paths");
                    self.settings.insert(name, value);
                }
                _ => {
                    self.settings.insert(name, value);
                }
            }
        }
    }
}

fn with_ids(buildpacks: &Value) -> Value {
    let buildpacks = buildpacks.as_array().into_iter().flatten();
    let buildpacks = buildpacks.map(|buildpack| {
        json!({
            "id": ids::uuid(),
            "source": buildpack.get("source"),
            "order": buildpack.get("order"),
        })
    });
    buildpacks.collect()
}

impl StaticSite {
    /// Takes over a checked body.
    pub(crate) fn change(&mut self, body: Map<String, Value>, now: Moment) {
        self.changed = now;
        for (name, value) in body {
            match name.as_str() {
                "display_name" => self.display_name = text(value),
                "auto_deploy" => self.auto_deploy = switch(&value),
                "is_preview_enabled" => self.preview_enabled = switch(&value),
                "default_branch" => self.default_branch = text(value),
                "source" => self.source = text(value),
                "repo_url" => self.repo_url = text(value),
                "allow_deploy_paths" | "ignore_deploy_paths" => {
                    self.settings.remove("allow_deploy_paths");
                    self.settings.remove("ignore_deploy_paths");
                    self.settings.insert(name, value);
                }
                _ => {
                    self.settings.insert(name, value);
                }
            }
        }
    }
}
