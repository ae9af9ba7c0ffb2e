//! The outputs of a run, for later steps and programs. Pure.

use std::time::Duration;

use super::causes::FailureCause;
use crate::outcome::Outcome;
use crate::outputs::OUTPUTS;
use crate::report::console;
use crate::report::run_record::{RunRecord, ServiceRecord};
use crate::sanitize::cleaned;

/// The values, in the order of [`OUTPUTS`]; empty where there is none.
pub(super) fn of(
    outcome: &Outcome,
    causes: &[FailureCause],
    story: &RunRecord,
) -> Vec<(&'static str, String)> {
    let tale = story.one();
    let deployment = tale.deployment.as_ref();
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs().to_string());
    let value = |name: &str| match name {
        "deployment-id" => deployment.map(|deployment| deployment.id.to_string()),
        "status" => deployment.and_then(|deployment| deployment.status.told().map(str::to_owned)),
        "outcome" => Some(outcome.ending().word().to_owned()),
        "url" => tale.url.clone(),
        "commit-sha" => deployment.and_then(|deployment| deployment.commit_sha.clone()),
        "branch" => deployment.and_then(|deployment| deployment.branch.clone()),
        "queue-seconds" => seconds(tale.queue()),
        "duration-seconds" => seconds(tale.run()),
        "deployment-ids" => Some(ids(story)),
        "promotions" => (!story.targets.is_empty()).then(|| promotions(story)),
        "preview-app-id" => story.preview.map(|(app, _)| app.to_string()),
        "created" => created(story).map(|is_new| is_new.to_string()),
        "result" => story.result.clone(),
        "database-id" => story.database.map(|(database, _)| database.to_string()),
        "database-password" => {
            let password = story.password.as_ref();
            password.map(|password| password.expose().to_owned())
        }
        "error" => (!outcome.is_good()).then(|| console::cause(outcome, causes)),
        _ => None,
    };
    OUTPUTS
        .iter()
        .map(|(name, _)| (*name, value(name).unwrap_or_default()))
        .collect()
}

fn created(story: &RunRecord) -> Option<bool> {
    let preview = story.preview.map(|(_, is_new)| is_new);
    preview.or(story.database.and_then(|(_, is_new)| is_new))
}

fn ids(story: &RunRecord) -> String {
    let tales = std::iter::once(story.one()).filter(|_| story.targets.is_empty());
    let ids: Vec<String> = tales
        .chain(&story.targets)
        .flat_map(|tale| {
            let own = tale.deployment.as_ref().map(|deployment| &deployment.id);
            own.into_iter().chain(&tale.rollback)
        })
        .map(ToString::to_string)
        .collect();
    ids.join(",")
}

/// The targets of a promotion as JSON.
fn promotions(story: &RunRecord) -> String {
    let promotion = |tale: &ServiceRecord| {
        let deployment = tale.shown();
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
        let live = deployment.filter(|_| tale.undone().is_some());
        let (queue, run) = live.map_or_else(
            || (seconds(tale.queue()), seconds(tale.run())),
            |live| (live.queue_seconds(), live.run_seconds()),
        );
        serde_json::json!({
            "target-app-id": tale.service.map(|service| service.id.to_string()),
            // Escapes of JSON would hide control characters from the gate.
            "name": tale.name.as_deref().map(cleaned),
            "deployment-id": deployment.map(|deployment| &deployment.id.0),
            "status": deployment.and_then(|deployment| deployment.status.told()),
            "undone-deployment-id": tale.undone().map(|id| &id.0),
            "url": tale.url,
            "queue-seconds": queue,
            "duration-seconds": run,
        })
    };
    let promotions: serde_json::Value = story.targets.iter().map(promotion).collect();
    promotions.to_string()
}
