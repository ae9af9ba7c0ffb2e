//! The outputs of a run, for later steps and programs. Pure.

use std::time::Duration;

use super::causes::FailureCause;
use crate::inputs::ActionName;
use crate::outcome::Outcome;
use crate::outputs::OUTPUTS;
use crate::report::console;
use crate::report::run_record::{RunRecord, ServiceRecord};
use crate::sanitize::cleaned;

/// The values, in the order of [`OUTPUTS`]; empty where there is none.
pub(super) fn render(
    outcome: &Outcome,
    causes: &[FailureCause],
    record: &RunRecord,
) -> Vec<(&'static str, String)> {
    let service_record = record.one();
    let deployment = service_record.deployment.as_ref();
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs().to_string());
    let value = |name: &str| match name {
        "deployment-id" => deployment.map(|deployment| deployment.id.to_string()),
        "status" => {
            deployment.and_then(|deployment| deployment.status.reported().map(str::to_owned))
        }
        "outcome" => Some(outcome.ending().word().to_owned()),
        "url" => service_record.url.clone(),
        "commit-sha" => deployment.and_then(|deployment| deployment.commit_sha.clone()),
        "branch" => deployment.and_then(|deployment| deployment.branch.clone()),
        "queue-seconds" => seconds(service_record.queue()),
        "duration-seconds" => seconds(service_record.run()),
        "deployment-ids" => Some(ids(record)),
        "promotions" => {
            let is_promotion = record.action == Some(ActionName::PromoteApp);
            (is_promotion && !record.targets.is_empty()).then(|| promotions(record))
        }
        "preview-app-id" => record.preview.map(|(app, _)| app.to_string()),
        "created" => created(record).map(|is_new| is_new.to_string()),
        "result" => record.result.clone(),
        "services" | "matrix" | "order" | "graph" => record.stack_output(name).map(str::to_owned),
        "database-id" => record.database.map(|(database, _)| database.to_string()),
        "database-password" => {
            let password = record.password.as_ref();
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

fn created(record: &RunRecord) -> Option<bool> {
    let preview = record.preview.map(|(_, is_new)| is_new);
    preview.or(record.database.and_then(|(_, is_new)| is_new))
}

fn ids(record: &RunRecord) -> String {
    let service_records = std::iter::once(record.one()).filter(|_| record.targets.is_empty());
    let ids: Vec<String> = service_records
        .chain(&record.targets)
        .flat_map(|service_record| {
            let own = service_record
                .deployment
                .as_ref()
                .map(|deployment| &deployment.id);
            own.into_iter().chain(&service_record.rollback)
        })
        .map(ToString::to_string)
        .collect();
    ids.join(",")
}

/// The targets of a promotion as JSON.
fn promotions(record: &RunRecord) -> String {
    let promotion = |service_record: &ServiceRecord| {
        let deployment = service_record.shown();
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
        let live = deployment.filter(|_| service_record.rolled_back_id().is_some());
        let (queue, run) = live.map_or_else(
            || {
                (
                    seconds(service_record.queue()),
                    seconds(service_record.run()),
                )
            },
            |live| (live.queue_seconds(), live.run_seconds()),
        );
        serde_json::json!({
            "target-app-id": service_record.service.map(|service| service.id.to_string()),
            // Escapes of JSON would hide control characters from the sanitizer.
            "name": service_record.name.as_deref().map(cleaned),
            "deployment-id": deployment.map(|deployment| &deployment.id.0),
            "status": deployment.and_then(|deployment| deployment.status.reported()),
            "rolled-back-deployment-id": service_record.rolled_back_id().map(|id| &id.0),
            "url": service_record.url,
            "queue-seconds": queue,
            "duration-seconds": run,
        })
    };
    let promotions: serde_json::Value = record.targets.iter().map(promotion).collect();
    promotions.to_string()
}
