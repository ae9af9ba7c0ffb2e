//! Making a preview app at most once, and finding one that another run has made
//! for the same.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::actions::at_most_once::at_most_once;
use crate::actions::deletion::is_being_deleted;
use crate::actions::error::{Report, TriggerError};
use crate::actions::lookup::{Candidate, Candidates, search_to_the_end};
use crate::actions::preview::find::{
    DeletingApps, MOST_RECORDS, PreviewApp, PreviewAppList, PreviewLookup, choose, list_previews,
    read,
};
use crate::actions::preview::matching::{may_be_numbered, number_of_app, number_of_record, plain};
use crate::actions::task::NewPreview;
use crate::branch::{self, is_same};
use crate::code_host::KeptApps;
use crate::sevalla::operation::LIST_APPLICATIONS;
use crate::sevalla::{ApiError, AppSummary, Application, Client, Patience, SPARED};

/// How long a creation is tried again before it is asked how long that may
/// take.
const BURST: Patience = Patience::For(Duration::from_secs(60));

/// Makes a preview app, at most once. Its first deployment starts by itself.
pub(crate) async fn create_preview(
    client: &Client,
    new: &NewPreview,
    before: &PreviewLookup,
    report: Report<'_>,
) -> Result<PreviewApp, TriggerError> {
    let send = async || {
        let made = send_creation(client, new).await?;
        Ok(PreviewApp {
            id: made.id,
            name: made.display_name,
            record: None,
        })
    };
    let late = client.with_grace();
    let search = async || Ok(Some(find_lost(&late, new, before).await?));
    let made = at_most_once(send, search, client, &before.entry, report).await;
    made.map_err(explain)
}

/// The new apps that a creation may have made whose answer was lost. The
/// pipeline may build another repository than the run's, and name its apps in
/// other ways: what has the branch is at least a reason not to ask again.
pub(super) async fn find_lost(
    client: &Client,
    new: &NewPreview,
    before: &PreviewLookup,
) -> Result<Vec<Candidates<PreviewApp>>, ApiError> {
    let sure = find_new(client, new, before).await?;
    let PreviewAppList {
        all, unreadable, ..
    } = list_previews(client).await?;
    let is_fresh = |app: &AppSummary| {
        !before.known.contains(&app.id) && sure.iter().all(|known| known.id != app.id)
    };
    let mut unclear = Vec::new();
    for app in all.into_iter().filter(is_fresh).take(MOST_RECORDS) {
        let Some(record) = read(client, app.id).await? else {
            continue;
        };
        let is_anothers = !may_be_numbered(&new.preview, number_of_record(&record));
        let may_be_it = match record.default_branch.as_deref() {
            Some(its) if branch::objection(its).is_none() => {
                sure.is_empty() && is_same(its, &new.branch)
            }
            // It may be filled in later.
            _ => true,
        };
        if !is_anothers && may_be_it {
            unclear.push(Candidates::unclear(PreviewApp {
                id: app.id,
                name: app.display_name,
                record: Some(record),
            }));
        }
    }
    let found: Vec<_> = sure
        .into_iter()
        .map(Candidates::ours)
        .chain(unclear)
        .collect();
    if found.is_empty() && !unreadable.is_subset(&before.unreadable) {
        return Err(ApiError::unreadable_entry(&LIST_APPLICATIONS));
    }
    Ok(found)
}

/// Sends the request that makes an app. A quota of creations frees within the
/// hour: worth waiting for, if there is time.
async fn send_creation(client: &Client, new: &NewPreview) -> Result<AppSummary, ApiError> {
    let number = new.preview.pull_request;
    loop {
        let made = client
            .writes()
            .create_preview_app(new.pipeline, &new.branch, number, BURST)
            .await;
        let error = match made {
            Err(error) if error.status() == Some(429) => error,
            made => return made,
        };
        // Then there must still be time to build.
        let wait = error
            .frees_in()
            .filter(|wait| Instant::now() + *wait + SPARED < client.deadline());
        match wait {
            Some(wait) if client.wait_after(&error, wait).await => {}
            _ => return Err(error),
        }
    }
}

/// Looks, until the client's deadline, for a preview app whose making was not
/// answered.
pub(crate) async fn find_made_preview(
    client: &Client,
    new: &NewPreview,
    before: &PreviewLookup,
) -> Option<PreviewApp> {
    let search = async || Ok(Some(find_lost(client, new, before).await?));
    search_to_the_end(client, search).await
}

/// The apps that are new since this run has looked, and fit what is meant.
async fn find_new(
    client: &Client,
    new: &NewPreview,
    before: &PreviewLookup,
) -> Result<Vec<PreviewApp>, ApiError> {
    let PreviewAppList { all, .. } = list_previews(client).await?;
    let kept = KeptApps::default();
    let chosen = choose(
        client,
        &new.preview,
        &kept,
        all,
        &before.known,
        DeletingApps::Excluded,
    );
    let found = chosen.await?.found.into_iter();
    Ok(found.map(|found| found.app).collect())
}

/// The app that another run has made for the same at the same time, if it is
/// older than ours, or ours was deleted as the younger one. Both runs choose the
/// same one to stay. One that was only just created may not be found yet: where
/// ours `may_be_new`, that means nothing.
pub(crate) async fn find_duplicate(
    client: &Client,
    new: &NewPreview,
    ours: &PreviewApp,
    before: &PreviewLookup,
    may_be_new: bool,
) -> Result<Option<PreviewApp>, ApiError> {
    let own = read_unless_deleting(client, ours).await?;
    if own.is_none() && may_be_new {
        return Ok(None);
    }
    let found = find_new(client, new, before).await?;
    Ok(oldest_duplicate(ours, own.as_ref(), found))
}

/// Like [`find_duplicate`], among `disputed` apps: those that were there before ours
/// was created.
pub(crate) async fn older_twin_among(
    client: &Client,
    ours: &PreviewApp,
    disputed: &[PreviewApp],
) -> Result<Option<PreviewApp>, ApiError> {
    let Some(own) = read_unless_deleting(client, ours).await? else {
        return Ok(None);
    };
    let mut others = Vec::new();
    for app in disputed {
        others.extend(read_unless_deleting(client, app).await?);
    }
    Ok(oldest_duplicate(ours, Some(&own), others))
}

/// The app as it is now, unless it is gone or being deleted.
async fn read_unless_deleting(
    client: &Client,
    app: &PreviewApp,
) -> Result<Option<PreviewApp>, ApiError> {
    let is_kept = |record: &Application| !is_being_deleted(record.status.as_deref());
    let record = read(client, app.id).await?.filter(is_kept);
    Ok(record.map(|record| PreviewApp {
        record: Some(record),
        ..app.clone()
    }))
}

fn oldest_duplicate(
    ours: &PreviewApp,
    own: Option<&PreviewApp>,
    apps: Vec<PreviewApp>,
) -> Option<PreviewApp> {
    let is_other = |app: &PreviewApp| app.id != ours.id && is_duplicate(ours, own, app);
    let oldest = apps
        .into_iter()
        .filter(is_other)
        .min_by_key(PreviewApp::age);
    oldest.filter(|oldest| own.is_none_or(|own| oldest.age() < own.age()))
}

/// Whether another app is of the same repository, branch and pull request.
fn is_duplicate(ours: &PreviewApp, own: Option<&PreviewApp>, other: &PreviewApp) -> bool {
    let place = |app: &PreviewApp| {
        let record = app.record.as_ref();
        record.map(|app| {
            (
                app.repo_url.as_deref().map(plain),
                app.default_branch.clone(),
            )
        })
    };
    match own {
        Some(own) => {
            let number = number_of_app(own);
            let is_same_name = number.is_some() || own.name == other.name;
            place(own) == place(other) && number == number_of_app(other) && is_same_name
        }
        None => ours.name == other.name,
    }
}

/// Adds what a refusal most likely means: the call is newer than the published
/// document, and needs what only the dashboard can set up.
fn explain(error: TriggerError) -> TriggerError {
    let frees_in = match &error {
        TriggerError::Api(error) => error.frees_in(),
        _ => None,
    };
    let place = match error.status() {
        Some(404) => {
            "Either pipeline-id is wrong, or Sevalla does not offer creating preview apps through \
             the API to this company yet"
        }
        Some(400 | 409 | 422) => {
            "Previews have to be enabled on the pipeline, and the settings of its preview apps filled \
             in: both in the dashboard, under the pipeline's preview stage"
        }
        Some(429) => "A company can create 20 services an hour, and 5 a minute",
        _ => return error,
    };
    let error = error.at(place);
    match frees_in {
        Some(time) => error.at(format!(
            "The next one is possible in {}, which this run does not have",
            crate::text::duration::duration(time)
        )),
        None => error,
    }
}

impl Candidate for PreviewApp {
    const NOUN: &'static str = "preview app";

    fn id(&self) -> Option<&str> {
        None
    }

    fn created_at(&self) -> Option<Timestamp> {
        self.record.as_ref()?.created_at
    }

    fn describe(&self) -> String {
        self.label()
    }

    fn recorded(&self) -> Option<String> {
        Some(self.id.to_string())
    }
}
