//! Preview apps: finding the one of a branch.
//!
//! Nothing in the API ties an app to its pipeline or pull request. The id that a
//! comment of this program has kept comes first; then the number that Sevalla
//! was given, which is in the app's name; and the branch only where neither is
//! known.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::actions::deletion::is_being_deleted;
use crate::actions::error::TriggerError;
use crate::actions::journaling::WriteEntry;
use crate::actions::preview::matching::{
    PreviewMatch, fit, is_number_of, may_be_numbered, number_given,
};
use crate::actions::task::Preview;
use crate::code_host::KeptApps;
use crate::lenient_json::Unreadable;
use crate::messages::Failure;
use crate::sevalla::{ApiError, AppSummary, Application, Client, LONGEST_PAGE, Patience};

/// The type of an application that is a preview.
pub(crate) const PREVIEW: &str = "previewApp";

/// The most applications of a company that are looked through.
const MOST_APPLICATIONS: usize = 2000;

/// The most preview apps whose records are read.
pub(super) const MOST_RECORDS: usize = 200;

/// A preview app that was found.
#[derive(Debug, Clone)]
pub(crate) struct PreviewApp {
    /// The application.
    pub id: Uuid,
    /// The name in the dashboard.
    pub name: Option<String>,
    /// Its record, if it was read.
    pub record: Option<Application>,
}

impl PreviewApp {
    /// When it was created, as far as its record was read. Two that were created
    /// at once are distinguished by their ids.
    pub(super) fn age(&self) -> (Option<Timestamp>, Uuid) {
        let created = self.record.as_ref().and_then(|app| app.created_at);
        (created, self.id)
    }

    /// What people call it.
    pub(crate) fn label(&self) -> String {
        match &self.name {
            Some(name) => format!("{name} ({})", self.id),
            None => self.id.to_string(),
        }
    }
}

/// The preview apps of a company.
pub(crate) struct PreviewAppList {
    /// Newest first.
    pub all: Vec<AppSummary>,
    /// Whether there may be more than were looked through.
    pub has_more: bool,
    /// The entries that could not be read: each may be a preview app.
    pub unreadable: HashSet<Unreadable>,
}

/// Lists the preview apps of the company.
pub(crate) async fn list_previews(client: &Client) -> Result<PreviewAppList, ApiError> {
    let mut listed = list_including_deleting(client).await?;
    listed
        .all
        .retain(|app| !is_being_deleted(app.status.as_deref()));
    Ok(listed)
}

/// All preview apps, including those that are being deleted.
async fn list_including_deleting(client: &Client) -> Result<PreviewAppList, ApiError> {
    let mut all: Vec<AppSummary> = Vec::new();
    let mut offset = 0;
    let mut has_more = true;
    let mut unreadable = HashSet::new();
    while has_more && offset < MOST_APPLICATIONS {
        let patience = Patience::FOR_A_SEARCH;
        let page = client.list_applications(offset, patience).await?;
        has_more = page.is_full();
        unreadable.extend(page.unreadable);
        // The list may shift while it is read.
        let fresh = page
            .entries
            .into_iter()
            .filter(|app| all.iter().all(|a| a.id != app.id));
        let fresh: Vec<AppSummary> = fresh.collect();
        all.extend(fresh);
        offset += LONGEST_PAGE;
    }
    all.retain(|app| app.kind.as_deref() == Some(PREVIEW));
    Ok(PreviewAppList {
        all,
        has_more,
        unreadable,
    })
}

/// What looking for a preview app has shown.
#[derive(Debug, Default)]
pub(crate) struct PreviewLookup {
    /// Those that could be the one that is meant.
    pub found: Vec<PreviewMatch>,
    /// Those of the same branch that may as well be of another pull request.
    pub(super) disputed: Vec<PreviewApp>,
    /// All there are: the high-water mark for making another.
    pub(super) known: HashSet<Uuid>,
    /// The entries of the list that could not be read.
    pub(super) unreadable: HashSet<Unreadable>,
    /// What the journal says of making another.
    pub(super) entry: WriteEntry,
}

impl PreviewLookup {
    /// What the journal keeps of it.
    pub(super) fn recorded(&self) -> Value {
        let unreadable = self.unreadable.iter().map(ToString::to_string);
        json!({
            "known": self.known.iter().map(Uuid::to_string).collect::<Vec<_>>(),
            "unreadable": unreadable.collect::<Vec<_>>(),
        })
    }

    /// What an earlier process of this run has kept of it.
    pub(super) fn of_record(record: &Value) -> Self {
        let texts = |name: &str| record[name].as_array().into_iter().flatten();
        let known = texts("known").filter_map(|id| id.as_str()?.parse().ok());
        let unreadable = texts("unreadable");
        Self {
            known: known.collect(),
            unreadable: unreadable
                .filter_map(|text| Unreadable::shown_as(text.as_str()?))
                .collect(),
            ..Self::default()
        }
    }
}

/// Looks for the preview app that is meant, to deploy it.
pub(crate) async fn find_previews(
    client: &Client,
    preview: &Preview,
    kept: &KeptApps,
) -> Result<PreviewLookup, TriggerError> {
    let listed = list_previews(client).await?;
    let known = listed.all.iter().map(|app| app.id).collect();
    let unreadable = listed.unreadable.clone();
    let mut found = choose_of_all(client, preview, kept, listed, DeletingApps::Excluded).await?;
    found.retain(PreviewMatch::may_be_deployed);
    Ok(PreviewLookup {
        found,
        disputed: Vec::new(),
        known,
        unreadable,
        entry: WriteEntry::default(),
    })
}

/// The one to deploy of those that were found, and the others of the same pull
/// request, which runs at the same time have left. The oldest stays, so that all
/// runs choose the same.
pub(crate) fn oldest_of(
    mut found: Vec<PreviewMatch>,
) -> Result<Option<(PreviewApp, Vec<PreviewApp>)>, TriggerError> {
    if !found.iter().all(PreviewMatch::is_certain) {
        let app = one_of(found)?;
        return Ok(app.map(|app| (app, Vec::new())));
    }
    found.sort_by_key(PreviewMatch::age);
    let mut apps = found.into_iter().map(|found| found.app);
    Ok(apps.next().map(|oldest| (oldest, apps.collect())))
}

/// The preview apps that may be the ones to delete.
pub(crate) struct ToDelete {
    /// Those that are not being deleted.
    pub existing: Vec<PreviewMatch>,
    /// Those that are.
    pub deleting: Vec<PreviewMatch>,
}

/// Looks for the preview apps to delete.
pub(crate) async fn find_previews_to_delete(
    client: &Client,
    preview: &Preview,
    kept: &KeptApps,
) -> Result<ToDelete, TriggerError> {
    let listed = list_including_deleting(client).await?;
    let is_deleting = |app: &AppSummary| is_being_deleted(app.status.as_deref());
    let (deleting, all): (Vec<_>, Vec<_>) = listed.all.into_iter().partition(is_deleting);
    let existing = PreviewAppList { all, ..listed };
    let existing = choose_of_all(client, preview, kept, existing, DeletingApps::Included).await?;
    let known = existing.iter().map(|found| found.app.id).collect();
    let deleting = choose(
        client,
        preview,
        kept,
        deleting,
        &known,
        DeletingApps::Included,
    )
    .await?;
    Ok(ToDelete {
        existing,
        deleting: deleting.found,
    })
}

impl ToDelete {
    /// All that surely are of the pull request, or the one that is meant. Where
    /// it may be another repository's, nothing is deleted that is not named by
    /// its id.
    pub(crate) fn sure(self) -> Result<Vec<PreviewApp>, TriggerError> {
        let doubtful = self.existing.iter().find(|found| !found.may_be_deleted());
        if let Some(found) = doubtful
            && !self.existing.iter().any(PreviewMatch::may_be_deleted)
        {
            return Err(may_be_anothers(&found.app));
        }
        let mut sure = self.existing;
        sure.retain(PreviewMatch::may_be_deleted);
        let is_certain = !sure.is_empty() && sure.iter().all(PreviewMatch::is_certain);
        let mut apps: Vec<PreviewApp> = if is_certain {
            sure.into_iter().map(|found| found.app).collect()
        } else {
            one_of(sure)?.into_iter().collect()
        };
        // The end of those is to be seen too. What may be another's goes by itself.
        let deleting = self
            .deleting
            .into_iter()
            .filter(PreviewMatch::may_be_deleted);
        apps.extend(deleting.map(|found| found.app));
        Ok(apps)
    }
}

fn may_be_anothers(app: &PreviewApp) -> TriggerError {
    let repository = app.record.as_ref().and_then(|app| app.repo_url.as_deref());
    let repository = repository.unwrap_or("a repository that Sevalla does not name");
    TriggerError::refused(
        Failure::PreviewOfAnotherRepository,
        format!(
            "Preview app {} is built from {repository}, which may not be the repository of this run",
            app.label()
        ),
        "If it is the one to delete, name it with app-id",
    )
}

/// The preview app that is meant, if there is one.
fn one_of(mut found: Vec<PreviewMatch>) -> Result<Option<PreviewApp>, TriggerError> {
    if found.len() > 1 {
        return Err(several(found.iter().map(|found| &found.app)));
    }
    Ok(found.pop().map(|found| found.app))
}

/// Several could be meant, and nothing says which.
pub(crate) fn several<'a>(apps: impl IntoIterator<Item = &'a PreviewApp>) -> TriggerError {
    let labels: Vec<String> = apps.into_iter().map(PreviewApp::label).collect();
    TriggerError::refused(
        Failure::SeveralPreviews,
        format!("Several preview apps could be meant: {}", labels.join(", ")),
        "Delete all but one, or name it with app-id",
    )
}

/// Those of all that are most like the one that is meant. Where not all could
/// be looked through, finding none says nothing: another would be made on each
/// push, and none ever deleted.
pub(super) async fn choose_of_all(
    client: &Client,
    preview: &Preview,
    kept: &KeptApps,
    listed: PreviewAppList,
    meant: DeletingApps,
) -> Result<Vec<PreviewMatch>, TriggerError> {
    let chosen = choose(client, preview, kept, listed.all, &HashSet::new(), meant).await?;
    if chosen.found.is_empty() && (listed.has_more || chosen.has_more) {
        return Err(TriggerError::refused(
            Failure::TooManyApplications,
            format!(
                "There are too many apps to find the preview app among them: at most \
                 {MOST_APPLICATIONS} are listed, and {MOST_RECORDS} of those read that could be it"
            ),
            "Name it with app-id, and delete previews that nobody needs (clean-previews)",
        ));
    }
    Ok(chosen.found)
}

/// Which apps can be meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum DeletingApps {
    /// Those that are not being deleted.
    Excluded,
    /// Those that are, too.
    Included,
}

pub(super) struct Selection {
    pub(super) found: Vec<PreviewMatch>,
    /// Whether there are more that were not read.
    has_more: bool,
}

/// Those that are most like the one that is meant, without those that are
/// known.
pub(super) async fn choose(
    client: &Client,
    preview: &Preview,
    kept: &KeptApps,
    all: Vec<AppSummary>,
    known: &HashSet<Uuid>,
    meant: DeletingApps,
) -> Result<Selection, ApiError> {
    // The record, which has the app's own branch, is not read yet. If it is
    // the app that is meant, it is the same.
    let branch = preview.branch.as_deref();
    let number = |app: &AppSummary| number_given(app.display_name.as_deref(), branch);
    let mut candidates = all;
    candidates.retain(|app| {
        let is_out = known.contains(&app.id) || kept.elsewhere.contains(&app.id);
        !is_out && !kept.ours.contains(&app.id) && may_be_numbered(preview, number(app))
    });
    // The likeliest first: not all may be read.
    let is_numbered = |app: &AppSummary| is_number_of(preview, number(app));
    candidates.sort_by_cached_key(|app| {
        let name = app.display_name.as_deref();
        let is_of_branch = branch.is_some_and(|branch| name.is_some_and(|n| n.contains(branch)));
        (!is_numbered(app), !is_of_branch)
    });
    let has_more = candidates.len() > MOST_RECORDS;
    candidates.truncate(MOST_RECORDS);
    let kept_ids = kept.ours.iter().filter(|id| !known.contains(id));
    let mut ids: Vec<(Uuid, bool)> = kept_ids.map(|id| (*id, true)).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.extend(candidates.iter().map(|app| (app.id, is_numbered(app))));
    let mut found: Vec<PreviewMatch> = Vec::new();
    for (id, is_likely) in ids {
        if !is_likely && found.iter().any(PreviewMatch::is_certain) {
            break;
        }
        let Some(record) = read(client, id).await? else {
            continue;
        };
        if meant == DeletingApps::Excluded && is_being_deleted(record.status.as_deref()) {
            continue;
        }
        found.extend(fit(preview, kept, id, record));
    }
    let best = found.iter().map(PreviewMatch::rank).max();
    found.retain(|found| Some(found.rank()) == best);
    Ok(Selection { found, has_more })
}

/// The record of an app, unless it was deleted since the list was read.
pub(super) async fn read(client: &Client, app: Uuid) -> Result<Option<Application>, ApiError> {
    match client.get_application(app, Patience::FOR_A_SEARCH).await {
        Ok(record) => Ok(Some(record)),
        Err(error) if error.is_gone() => Ok(None),
        Err(error) => Err(error),
    }
}
