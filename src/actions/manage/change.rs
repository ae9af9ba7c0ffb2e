//! Changing settings, emptying caches, and turning the CDN.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::actions::database::write::{NamedLookup, choose};
use crate::actions::error::{Report, TriggerError};
use crate::actions::resolve::Update;
use crate::deployment::Service;
use crate::event::EventKind;
use crate::sevalla::{ApiError, Client, Patience, ResourceRecord, RetryDecision};

/// How often a change is sent that nobody has confirmed, and that does no harm
/// when it is made twice.
pub(crate) const SENDINGS: u32 = 3;

/// Before it is sent again.
pub(crate) const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// One setting that would change.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SettingChange {
    /// Its name in the API.
    pub name: String,
    /// What it is; `None` if the service does not report it, or null.
    pub before: Option<Value>,
    /// What it would be.
    pub after: Value,
}

/// What was read before a change.
#[derive(Debug)]
pub(crate) struct SettingsDiff {
    /// The record.
    pub record: ResourceRecord,
    /// What would change, in the order of names.
    pub differences: Vec<SettingChange>,
    /// What to send for it.
    body: Map<String, Value>,
}

/// Compares the settings that are wanted with those that are.
pub(crate) async fn preflight_update(
    client: &Client,
    update: &Update,
) -> Result<SettingsDiff, TriggerError> {
    let patience = Patience::BEFORE_THE_START;
    let thing = update.what.thing(update.id);
    let record = client.record(thing, patience).await?;
    let mut wanted = update.settings.clone();
    if let Some(size) = &update.resource_type {
        let id = choose(client, NamedLookup::Size, size).await?;
        wanted.insert("resource_type_id".to_owned(), id.into());
    }
    let differences = differences(&wanted, &record);
    let is_changed = |name: &String| differences.iter().any(|changed| changed.name == *name);
    // Another source needs what belongs to it, be it new or not.
    let needs_all = is_changed(&"source".to_owned());
    let body = wanted
        .into_iter()
        .filter(|(name, _)| needs_all || is_changed(name))
        .collect();
    Ok(SettingsDiff {
        record,
        differences,
        body,
    })
}

fn differences(wanted: &Map<String, Value>, record: &ResourceRecord) -> Vec<SettingChange> {
    let changed = wanted.iter().filter_map(|(name, after)| {
        let before = record.get(name);
        let is_same = plain(before.unwrap_or(&Value::Null)) == plain(after);
        (!is_same).then(|| SettingChange {
            name: name.clone(),
            before: before.cloned(),
            after: after.clone(),
        })
    });
    changed.collect()
}

/// A value for comparing: the service gives buildpacks ids and an order of its
/// own.
fn plain(value: &Value) -> Value {
    let Some(items) = value.as_array() else {
        return value.clone();
    };
    if !items.iter().any(|item| item.get("source").is_some()) {
        return value.clone();
    }
    let mut items: Vec<Value> = items
        .iter()
        .map(|item| serde_json::json!([item.get("order"), item.get("source")]))
        .collect();
    items.sort_by_key(ToString::to_string);
    items.into()
}

/// Sends what differs. Where the answer does not confirm it, the record shows
/// whether it was changed.
pub(crate) async fn update(
    client: &Client,
    update: &Update,
    comparison: &SettingsDiff,
    report: Report<'_>,
) -> Result<(), TriggerError> {
    let thing = update.what.thing(update.id);
    let send = async || {
        let patience = Patience::FOR_A_WRITE;
        client
            .writes()
            .update(update.what, update.id, &comparison.body, patience)
            .await
    };
    let is_done = async || {
        let late = client.with_grace();
        let record = late.record(thing, Patience::FOR_A_SEARCH).await?;
        let wanted = comparison.differences.iter();
        let wanted = wanted.map(|changed| (changed.name.clone(), changed.after.clone()));
        Ok(differences(&wanted.collect(), &record).is_empty())
    };
    until_confirmed(client, send, is_done, report).await
}

/// Makes a change that does no harm when it is made twice. When an answer does
/// not confirm it, looks whether it was made, and sends it again if it was not.
pub(crate) async fn until_confirmed(
    client: &Client,
    send: impl AsyncFn() -> Result<(), ApiError>,
    is_done: impl AsyncFn() -> Result<bool, ApiError>,
    report: Report<'_>,
) -> Result<(), TriggerError> {
    let mut attempts = 1;
    loop {
        let error = match send().await {
            Ok(()) => return Ok(()),
            Err(error) if error.next() != RetryDecision::Ambiguous => return Err(error.into()),
            Err(error) => error,
        };
        report(EventKind::Note(&format!(
            "The answer was lost ({}). Looking whether the request took effect.",
            error.cause
        )));
        let seen = match is_done().await {
            Ok(true) => return Ok(()),
            Ok(false) => "Looking shows that it has not taken effect so far".to_owned(),
            Err(looking) => format!("Looking for it failed: {looking}"),
        };
        if attempts == SENDINGS || client.is_closing().await {
            return Err(TriggerError::from(error).at(seen));
        }
        attempts += 1;
        sleep(RETRY_INTERVAL).await;
    }
}

/// Empties the caches in front of a service, until the client's deadline. Doing
/// it twice does no harm.
pub(crate) async fn purge_cache(
    client: &Client,
    service: Service,
    report: Report<'_>,
) -> Result<(), ApiError> {
    let mut sent = 1;
    loop {
        let error = match client
            .writes()
            .purge_cache(service, Patience::FOR_A_WRITE)
            .await
        {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let is_last = sent == SENDINGS || Instant::now() + RETRY_INTERVAL >= client.deadline();
        if error.next() != RetryDecision::Ambiguous || is_last {
            return Err(error);
        }
        report(EventKind::Note(&format!(
            "The answer was lost ({}). Purging twice does no harm: sending it once more.",
            error.cause
        )));
        sent += 1;
        sleep(RETRY_INTERVAL).await;
    }
}

/// How the CDN came to be what it is.
#[derive(Debug)]
pub(crate) struct CdnState {
    /// What it was.
    pub before: bool,
    /// What it is.
    pub after: bool,
}

/// Why the state of the CDN is not known, or why it is not what it should be.
#[derive(Debug)]
pub(crate) struct CdnError {
    /// What went wrong.
    pub error: ApiError,
    /// What the CDN was before, and has been turned from, if that is known.
    pub turned_from: Option<bool>,
}

/// Turns the CDN on or off. The service reports its state only after turning it,
/// so a CDN that was in the wanted state already is turned back at once.
pub(crate) async fn toggle_cdn(
    client: &Client,
    app: Uuid,
    wanted: bool,
    report: Report<'_>,
) -> Result<CdnState, CdnError> {
    let first = client.writes().toggle_cdn(app, Patience::FOR_A_WRITE).await;
    let is_on = first.map_err(|error| CdnError {
        error,
        turned_from: None,
    })?;
    let before = !is_on;
    if wanted == is_on {
        return Ok(CdnState {
            before,
            after: is_on,
        });
    }
    report(EventKind::Note(&format!(
        "The CDN was {} already, and had to be turned to find out. Turning it back.",
        on_or_off(before)
    )));
    // Whoever asks to end now does not want it left like this.
    let client = client.ignoring_signals();
    let second = client.writes().toggle_cdn(app, Patience::FOR_A_WRITE).await;
    let after = second.map_err(|error| CdnError {
        error,
        turned_from: Some(before),
    })?;
    Ok(CdnState { before, after })
}

/// The word for a state of the CDN.
pub(crate) const fn on_or_off(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differ(wanted: &str, record: &str) -> Vec<String> {
        let (wanted, record) = (
            serde_json::from_str(wanted).unwrap(),
            serde_json::from_str(record).unwrap(),
        );
        let all = differences(&wanted, &record).into_iter();
        all.map(|difference| difference.name).collect()
    }

    #[test]
    fn only_what_is_different_differs() {
        let record = r#"{"id":"a","auto_deploy":true,"build_command":null,"allow_deploy_paths":["a"],
            "buildpacks":[{"id":"x","order":2,"source":"b"},{"id":"y","order":1,"source":"a"}]}"#;
        for (wanted, names) in [
            (r#"{"auto_deploy":true}"#, vec![]),
            (r#"{"auto_deploy":false}"#, vec!["auto_deploy"]),
            (r#"{"build_command":null}"#, vec![]),
            (r#"{"build_command":"make"}"#, vec!["build_command"]),
            (r#"{"allow_deploy_paths":["a"]}"#, vec![]),
            (
                r#"{"allow_deploy_paths":["b"]}"#,
                vec!["allow_deploy_paths"],
            ),
            (
                r#"{"buildpacks":[{"order":1,"source":"a"},{"order":2,"source":"b"}]}"#,
                vec![],
            ),
            (
                r#"{"buildpacks":[{"order":1,"source":"b"}]}"#,
                vec!["buildpacks"],
            ),
            (r#"{"new":1}"#, vec!["new"]),
        ] {
            assert_eq!(differ(wanted, record), names, "{wanted}");
        }
    }
}
