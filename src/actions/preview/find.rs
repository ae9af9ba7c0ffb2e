//! Preview apps: finding the one of a branch, and making it.
//!
//! Nothing in the API ties an app to its pipeline or pull request. The id that a
//! comment of this program has kept comes first; then the number that Sevalla
//! was given, which is in the app's name; and the branch only where neither is
//! known.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use crate::actions::at_most_once::{Candidate, Candidates, at_most_once, search_to_the_end};
use crate::actions::deletion::is_being_deleted;
use crate::actions::error::{Report, TriggerError};
use crate::actions::task::{NewPreview, Preview};
use crate::branch;
use crate::branch::is_same;
use crate::code_host::KeptApps;
use crate::lenient_json::Unreadable;
use crate::messages::Failure;
use crate::sevalla::operation::LIST_APPLICATIONS;
use crate::sevalla::{ApiError, AppSummary, Application, Client, LONGEST_PAGE, Patience, SPARED};

/// The type of an application that is a preview.
pub(crate) const PREVIEW: &str = "previewApp";

/// The most applications of a company that are looked through.
const MOST_APPLICATIONS: usize = 2000;

/// The most preview apps whose records are read.
const MOST_RECORDS: usize = 200;

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
    /// at once are told apart by their ids.
    fn age(&self) -> (Option<Timestamp>, Uuid) {
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
    let mut listed = list_with_dying(client).await?;
    listed
        .all
        .retain(|app| !is_being_deleted(app.status.as_deref()));
    Ok(listed)
}

/// The same with those that are being deleted.
async fn list_with_dying(client: &Client) -> Result<PreviewAppList, ApiError> {
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

/// How much a preview app has in common with the one that is meant, the least
/// telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum MatchStrength {
    /// It builds the same branch.
    Branch,
    /// Its name has the number that Sevalla was given when it was created.
    Number,
    /// A comment of this program on the pull request is about it.
    Kept,
}

/// How well an app's repository fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum AppComparison {
    /// The last part of its name is the same: it may be a mirror.
    Name,
    /// Nothing tells which it is, or which it should be.
    Unknown,
    /// It is the same.
    Same,
}

/// A preview app that may be the one that is meant.
#[derive(Debug)]
pub(crate) struct PreviewMatch {
    /// The app.
    pub app: PreviewApp,
    likeness: AppComparison,
    evidence: MatchStrength,
    /// Whether it builds the branch that is meant.
    is_of_branch: bool,
    /// Whether its name has the number of the pull request that is meant.
    has_number: bool,
}

impl PreviewMatch {
    /// Whether it surely belongs to the pull request that is meant.
    pub(crate) fn is_certain(&self) -> bool {
        match self.evidence {
            MatchStrength::Kept => true,
            MatchStrength::Number => self.likeness == AppComparison::Same,
            MatchStrength::Branch => false,
        }
    }

    /// Whether a comment of this program on the pull request is about it.
    pub(crate) fn is_kept(&self) -> bool {
        self.evidence == MatchStrength::Kept
    }

    /// The branch it builds, if another open pull request from that branch may
    /// have the better claim: nothing but the branch or a comment says whose it
    /// is, or its name has the number of a pull request with another branch.
    pub(crate) fn disputed_branch(&self) -> Option<&str> {
        let is_disputed = match self.evidence {
            MatchStrength::Kept => !self.has_number,
            MatchStrength::Number => !self.is_of_branch,
            MatchStrength::Branch => true,
        };
        let record = self.app.record.as_ref()?;
        record.default_branch.as_deref().filter(|_| is_disputed)
    }

    /// The number of a pull request that its name begins with. It may be a word
    /// of the author's.
    pub(crate) fn number(&self) -> Option<u64> {
        number_of_app(&self.app)
    }

    /// Whether it may be deployed as the one that is meant: one that may be a
    /// mirror's only if its name has the number.
    fn may_be_deployed(&self) -> bool {
        self.likeness > AppComparison::Name || self.evidence > MatchStrength::Branch
    }

    /// Whether it may be deleted as the one that is meant.
    fn may_be_deleted(&self) -> bool {
        match self.likeness {
            AppComparison::Same => true,
            AppComparison::Unknown => self.evidence > MatchStrength::Branch,
            AppComparison::Name => self.evidence == MatchStrength::Kept,
        }
    }

    fn rank(&self) -> (bool, AppComparison, MatchStrength) {
        if self.is_certain() {
            return (true, AppComparison::Same, MatchStrength::Kept);
        }
        (false, self.likeness, self.evidence)
    }

    /// When it was created. Two that were at once are told apart by their ids.
    fn age(&self) -> (Option<Timestamp>, Uuid) {
        self.app.age()
    }
}

/// What looking for a preview app has shown.
#[derive(Debug, Default)]
pub(crate) struct PreviewLookup {
    /// Those that could be the one that is meant.
    pub found: Vec<PreviewMatch>,
    /// All there are: the high-water mark for making another.
    known: HashSet<Uuid>,
    /// The entries of the list that could not be read.
    unreadable: HashSet<Unreadable>,
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
    let mut found = choose_of_all(client, preview, kept, listed, DeletingApps::Living).await?;
    found.retain(PreviewMatch::may_be_deployed);
    Ok(PreviewLookup {
        found,
        known,
        unreadable,
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
    pub living: Vec<PreviewMatch>,
    /// Those that are.
    pub dying: Vec<PreviewMatch>,
}

/// Looks for the preview apps to delete.
pub(crate) async fn find_previews_to_delete(
    client: &Client,
    preview: &Preview,
    kept: &KeptApps,
) -> Result<ToDelete, TriggerError> {
    let listed = list_with_dying(client).await?;
    let is_dying = |app: &AppSummary| is_being_deleted(app.status.as_deref());
    let (dying, all): (Vec<_>, Vec<_>) = listed.all.into_iter().partition(is_dying);
    let living = PreviewAppList { all, ..listed };
    let living = choose_of_all(client, preview, kept, living, DeletingApps::Dying).await?;
    let known = living.iter().map(|found| found.app.id).collect();
    let dying = choose(client, preview, kept, dying, &known, DeletingApps::Dying).await?;
    Ok(ToDelete {
        living,
        dying: dying.found,
    })
}

impl ToDelete {
    /// All that surely are of the pull request, or the one that is meant. Where
    /// it may be another repository's, nothing is deleted that is not named by
    /// its id.
    pub(crate) fn sure(self) -> Result<Vec<PreviewApp>, TriggerError> {
        let doubtful = self.living.iter().find(|found| !found.may_be_deleted());
        if let Some(found) = doubtful
            && !self.living.iter().any(PreviewMatch::may_be_deleted)
        {
            return Err(may_be_anothers(&found.app));
        }
        let mut sure = self.living;
        sure.retain(PreviewMatch::may_be_deleted);
        let is_certain = !sure.is_empty() && sure.iter().all(PreviewMatch::is_certain);
        let mut apps: Vec<PreviewApp> = if is_certain {
            sure.into_iter().map(|found| found.app).collect()
        } else {
            one_of(sure)?.into_iter().collect()
        };
        // The end of those is to be seen too. What may be another's goes by itself.
        let dying = self.dying.into_iter().filter(PreviewMatch::may_be_deleted);
        apps.extend(dying.map(|found| found.app));
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
async fn choose_of_all(
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
enum DeletingApps {
    /// Those that are not being deleted.
    Living,
    /// Those that are, too.
    Dying,
}

struct Selection {
    found: Vec<PreviewMatch>,
    /// Whether there are more that were not read.
    has_more: bool,
}

/// Those that are most like the one that is meant, without those that are
/// known.
async fn choose(
    client: &Client,
    preview: &Preview,
    kept: &KeptApps,
    all: Vec<AppSummary>,
    known: &HashSet<Uuid>,
    meant: DeletingApps,
) -> Result<Selection, ApiError> {
    // The record, which tells the app's own branch, is not read yet. If it is
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
        if meant == DeletingApps::Living && is_being_deleted(record.status.as_deref()) {
            continue;
        }
        found.extend(fit(preview, kept, id, record));
    }
    let best = found.iter().map(PreviewMatch::rank).max();
    found.retain(|found| Some(found.rank()) == best);
    Ok(Selection { found, has_more })
}

/// The repository of an app, where it is not the one that is meant and the app
/// would not be found again.
pub(crate) fn other_repository<'a>(preview: &Preview, record: &'a Application) -> Option<&'a str> {
    let ours = preview.repository.as_deref()?;
    let its = record.repo_url.as_deref()?;
    let is_found =
        last_part(its) == last_part(ours) && is_number_of(preview, number_of_record(record));
    (!is_repository(its, ours) && !is_found).then_some(its)
}

/// How a preview app with this record fits the one that is meant, if it may be
/// that.
fn fit(preview: &Preview, kept: &KeptApps, id: Uuid, record: Application) -> Option<PreviewMatch> {
    let is_preview = record.kind.as_deref().is_none_or(|kind| kind == PREVIEW);
    let number = number_of_record(&record);
    let is_kept = kept.ours.contains(&id);
    if !is_preview || !is_kept && !may_be_numbered(preview, number) {
        return None;
    }
    let likeness = match (&preview.repository, &record.repo_url) {
        (Some(ours), Some(its)) if is_repository(its, ours) => AppComparison::Same,
        (Some(ours), Some(its)) if last_part(its) == last_part(ours) => AppComparison::Name,
        // A pipeline may build another repository than the run's.
        (Some(_), Some(_)) if is_kept => AppComparison::Name,
        (Some(_), Some(_)) => return None,
        _ => AppComparison::Unknown,
    };
    let is_of_branch = match (&preview.branch, &record.default_branch) {
        (Some(ours), Some(its)) => is_same(ours, its),
        _ => false,
    };
    let has_number = is_number_of(preview, number);
    let evidence = if is_kept {
        MatchStrength::Kept
    } else if has_number {
        MatchStrength::Number
    } else if is_of_branch {
        MatchStrength::Branch
    } else {
        return None;
    };
    let app = PreviewApp {
        id,
        name: record.display_name.clone(),
        record: Some(record),
    };
    Some(PreviewMatch {
        app,
        likeness,
        evidence,
        is_of_branch,
        has_number,
    })
}

/// The name of a repository without its owner.
fn last_part(address: &str) -> String {
    let plain = plain(address);
    let last = plain.rsplit(['/', ':']).next();
    last.unwrap_or_default().to_owned()
}

fn plain(address: &str) -> String {
    let text = address.trim_end_matches('/').to_lowercase();
    text.strip_suffix(".git").unwrap_or(&text).to_owned()
}

/// The number of the pull request that Sevalla was given for a preview app of
/// this repository, if its name has it.
pub(crate) fn pull_request_of(record: &Application, slug: &str) -> Option<u64> {
    let is_its = is_repository(record.repo_url.as_deref()?, slug);
    number_of_record(record).filter(|_| is_its)
}

/// Whether an app with this number in its name may belong to the pull request:
/// not if it is the number of another.
fn may_be_numbered(preview: &Preview, number: Option<u64>) -> bool {
    match (preview.pull_request, number) {
        (Some(ours), Some(its)) => ours == its,
        _ => true,
    }
}

/// Whether it is the number of the pull request that is meant.
fn is_number_of(preview: &Preview, number: Option<u64>) -> bool {
    number.is_some() && number == preview.pull_request
}

fn number_of_app(app: &PreviewApp) -> Option<u64> {
    let branch = app.record.as_ref();
    let branch = branch.and_then(|record| record.default_branch.as_deref());
    number_given(app.name.as_deref(), branch)
}

fn number_of_record(record: &Application) -> Option<u64> {
    number_given(
        record.display_name.as_deref(),
        record.default_branch.as_deref(),
    )
}

/// The words with which a name begins that has the number of a pull request.
const NUMBERED: [&str; 6] = [
    "pull request",
    "pull-request",
    "merge request",
    "merge-request",
    "pr",
    "mr",
];

/// The number of the pull request that Sevalla was given when it created an app
/// of this name and branch: `PR #7 …` at the beginning of the name, or a name
/// like `shop-pr-7`. A number elsewhere, as in `closes #123`, is the author's,
/// and so is one in the name of the branch, as in `revert-pr-3`.
fn number_given(name: Option<&str>, branch: Option<&str>) -> Option<u64> {
    let name = name?.trim().to_lowercase();
    let branch = branch.unwrap_or_default().to_lowercase();
    let is_branch = |begins: bool| begins && !branch.is_empty();
    if !is_branch(name.starts_with(&branch))
        && let Some(number) = number_at_start(&name, &branch)
    {
        return Some(number);
    }
    if is_branch(name.ends_with(&branch)) || name.contains(char::is_whitespace) {
        return None;
    }
    let (rest, digits) = name.rsplit_once(['-', '_'])?;
    let word = rest.rsplit(['-', '_']).next()?;
    matches!(word, "pr" | "mr").then(|| digits.parse().ok())?
}

/// The number at the start of a name in small letters.
fn number_at_start(name: &str, branch: &str) -> Option<u64> {
    let name = name.trim_start_matches(['[', '(']);
    let is_mark = |c: char| matches!(c, ' ' | '-' | '_' | '#' | '!' | ':');
    let after_word = NUMBERED.iter().find_map(|word| {
        let rest = name.strip_prefix(word)?;
        rest.starts_with(is_mark).then_some(rest)
    });
    let numbered = after_word.unwrap_or(name);
    let digits_on = numbered.trim_start_matches(is_mark);
    let end = digits_on.find(|c: char| !c.is_ascii_digit());
    let (digits, rest) = digits_on.split_at(end.unwrap_or(digits_on.len()));
    let is_word = !rest.starts_with(char::is_alphanumeric);
    // `#7` alone may begin anybody's title, unless the branch is the rest of it.
    let is_marked = after_word.is_some()
        || numbered.starts_with(['#', '!'])
            && !branch.is_empty()
            && rest.trim_start_matches(is_mark) == branch;
    digits.parse().ok().filter(|_| is_word && is_marked)
}

/// Whether an address of a repository is that of `owner/name`.
fn is_repository(address: &str, slug: &str) -> bool {
    let (address, slug) = (plain(address), plain(slug));
    address == slug
        || address.ends_with(&format!("/{slug}"))
        || address.ends_with(&format!(":{slug}"))
}

/// How long a creation is tried again before it is asked how long that may
/// take.
const BURST: Patience = Patience::For(Duration::from_secs(60));

/// Makes a preview app, at most once. Its first deployment starts by itself.
pub(crate) async fn create_preview(
    client: &Client,
    new: &NewPreview,
    before: &PreviewLookup,
    tell: Report<'_>,
) -> Result<PreviewApp, TriggerError> {
    let send = async || {
        let made = send_creation(client, new).await?;
        Ok(PreviewApp {
            id: made.id,
            name: made.display_name,
            record: None,
        })
    };
    let late = client.lingering();
    let search = async || Ok(Some(find_lost(&late, new, before).await?));
    let made = at_most_once(send, search, client, tell).await;
    made.map_err(explain)
}

/// The new apps that a creation may have made whose answer was lost. The
/// pipeline may build another repository than the run's, and name its apps in
/// other ways: what has the branch is at least a reason not to ask again.
async fn find_lost(
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

/// The record of an app, unless it was deleted since the list was read.
async fn read(client: &Client, app: Uuid) -> Result<Option<Application>, ApiError> {
    match client.get_application(app, Patience::FOR_A_SEARCH).await {
        Ok(record) => Ok(Some(record)),
        Err(error) if error.is_gone() => Ok(None),
        Err(error) => Err(error),
    }
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
        DeletingApps::Living,
    );
    let found = chosen.await?.found.into_iter();
    Ok(found.map(|found| found.app).collect())
}

/// The app that another run has made for the same at the same time, if it is
/// older than ours, or ours was deleted as the younger one. Both runs choose the
/// same one to stay. One that was only just created may not be found yet: where
/// ours `may_be_new`, that means nothing.
pub(crate) async fn older_twin(
    client: &Client,
    new: &NewPreview,
    ours: &PreviewApp,
    before: &PreviewLookup,
    may_be_new: bool,
) -> Result<Option<PreviewApp>, ApiError> {
    let own = read(client, ours.id).await?;
    let is_living = |own: &Application| !is_being_deleted(own.status.as_deref());
    let own = own.filter(is_living).map(|record| PreviewApp {
        record: Some(record),
        ..ours.clone()
    });
    if own.is_none() && may_be_new {
        return Ok(None);
    }
    let found = find_new(client, new, before).await?.into_iter();
    let twins = found.filter(|app| app.id != ours.id && is_twin(ours, own.as_ref(), app));
    let oldest = twins.min_by_key(PreviewApp::age);
    Ok(oldest.filter(|oldest| own.is_none_or(|own| oldest.age() < own.age())))
}

/// Whether another app is of the same repository, branch and pull request.
fn is_twin(ours: &PreviewApp, own: Option<&PreviewApp>, other: &PreviewApp) -> bool {
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

    fn describe(&self) -> String {
        self.label()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(branch: &str, name: &str, repository: &str) -> Application {
        let json = serde_json::json!({
            "id": "x", "type": "previewApp", "default_branch": branch, "display_name": name,
            "repo_url": repository,
        });
        serde_json::from_value(json).unwrap()
    }

    fn preview(branch: Option<&str>, number: Option<u64>) -> Preview {
        Preview {
            branch: branch.map(str::to_owned),
            pull_request: number,
            repository: Some("octo/shop".to_owned()),
            ..Preview::default()
        }
    }

    const APP: Uuid = Uuid::from_u128(1);

    fn found(preview: &Preview, record: Application) -> Option<(AppComparison, MatchStrength)> {
        let found = fit(preview, &KeptApps::default(), APP, record)?;
        Some((found.likeness, found.evidence))
    }

    #[test]
    fn a_preview_is_known_by_its_number_and_then_by_its_branch() {
        let ours = "https://github.com/octo/shop.git";
        let of_branch = Some(MatchStrength::Branch);
        let of_number = Some(MatchStrength::Number);
        for (branch, number, record, evidence) in [
            (Some("a"), Some(7), record("a", "PR #7 a", ours), of_number),
            (Some("a"), Some(7), record("a", "a", ours), of_branch),
            (Some("a"), Some(7), record("a", "PR #17 a", ours), None),
            (Some("a"), None, record("a", "PR #17 a", ours), of_branch),
            // Its branch was renamed.
            (Some("a"), Some(7), record("b", "PR #7 b", ours), of_number),
            (None, Some(7), record("b", "shop-pr-7", ours), of_number),
            (None, Some(7), record("b", "shop v7", ours), None),
            (None, Some(7), record("b", "Fix, closes #7", ours), None),
            (
                Some("a"),
                Some(7),
                record("a", "Fix, closes #9", ours),
                of_branch,
            ),
            (
                Some("refs/heads/a"),
                Some(7),
                record("a", "Fix", ours),
                of_branch,
            ),
            (
                Some("a"),
                None,
                record("a", "a", "git@github.com:octo/workshop"),
                None,
            ),
            (
                Some("a"),
                None,
                record("a", "a", "git@github.com:Octo/Shop.git"),
                of_branch,
            ),
        ] {
            let preview = preview(branch, number);
            let expected = evidence.map(|evidence| (AppComparison::Same, evidence));
            assert_eq!(
                found(&preview, record.clone()),
                expected,
                "{preview:?} {record:?}"
            );
        }
        let app = Application {
            kind: Some("app".to_owned()),
            ..record("a", "a", ours)
        };
        assert_eq!(found(&preview(Some("a"), None), app), None);
        let mirror = record("a", "a", "https://gitlab.com/mirrors/shop.git");
        let likeness = found(&preview(Some("a"), None), mirror);
        assert_eq!(likeness, Some((AppComparison::Name, MatchStrength::Branch)));
    }

    #[test]
    fn the_app_of_the_comment_is_the_one_whatever_its_name() {
        let kept = KeptApps {
            ours: vec![APP],
            elsewhere: Vec::new(),
        };
        let preview = preview(Some("new"), Some(7));
        for (name, repository, is_disputed) in [
            ("Fix, closes #9", "https://github.com/octo/shop", true),
            ("Fix", "https://github.com/octo/other", true),
            ("PR #7 old", "https://github.com/octo/shop", false),
            // A title, or another's.
            ("PR #8 again", "https://github.com/octo/shop", true),
        ] {
            let found = fit(&preview, &kept, APP, record("old", name, repository)).unwrap();
            assert!(found.is_certain(), "{name}");
            assert_eq!(found.disputed_branch().is_some(), is_disputed, "{name}");
        }
    }

    #[test]
    fn the_number_that_sevalla_was_given_is_at_the_beginning_of_the_name() {
        for (name, branch, number) in [
            ("PR #7 feature/x", "feature/x", Some(7)),
            ("PR #7: Add #tags", "tags", Some(7)),
            ("pr-7", "x", Some(7)),
            ("[PR 7] Add x", "x", Some(7)),
            ("Pull request #7 x", "x", Some(7)),
            ("MR !7 x", "x", Some(7)),
            ("#7 feature/x", "feature/x", Some(7)),
            ("shop-pr-12", "x", Some(12)),
            ("PR #7 Fix, closes #123", "x", Some(7)),
            // Words of the author.
            ("Fix, closes #123", "x", None),
            ("Revert PR #3", "x", None),
            ("#123: fix x", "fix", None),
            ("prepare 3", "x", None),
            ("pr 7th try", "x", None),
            ("expr-3", "x", None),
            ("PR", "x", None),
            ("", "x", None),
            ("PR #99999999999999999999", "x", None),
            // Of the branch.
            ("revert-pr-3", "revert-pr-3", None),
            ("pr-3", "pr-3", None),
            ("shop-revert-pr-3", "revert-pr-3", None),
            ("PR #7 Revert-PR-3", "revert-pr-3", Some(7)),
            ("PR #3 revert-pr-3", "revert-pr-3", Some(3)),
            ("PR #7", "7", Some(7)),
            ("PR #7 x", "", Some(7)),
            ("pr 7 ünï ß", "ß", Some(7)),
        ] {
            assert_eq!(number_given(Some(name), Some(branch)), number, "{name}");
        }
    }
}
