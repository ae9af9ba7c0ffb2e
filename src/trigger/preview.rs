//! Preview apps: finding the one of a branch, and making it.
//!
//! Nothing in the API ties an app to its pipeline or pull request, so one is
//! known by its type, its repository, its branch and the number in its name.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::once::{Candidate, at_most_once};
use super::removal::is_being_deleted;
use super::{Tell, TriggerError};
use crate::lenient_json::Unreadable;
use crate::messages::Failure;
use crate::plan::{NewPreview, Preview};
use crate::sevalla::operation::LIST_APPLICATIONS;
use crate::sevalla::{ApiError, AppSummary, Application, Client, LONGEST_PAGE, Patience, SPARED};

/// The type of an application that is a preview.
pub(super) const PREVIEW: &str = "previewApp";

/// The most applications of a company that are looked through.
const MOST_APPLICATIONS: usize = 2000;

/// The most preview apps whose records are read.
const MOST_RECORDS: usize = 200;

/// A preview app that was found.
#[derive(Debug, Clone)]
pub struct PreviewApp {
    /// The application.
    pub id: Uuid,
    /// The name in the dashboard.
    pub name: Option<String>,
    /// Its record, if it was read.
    pub record: Option<Application>,
}

impl PreviewApp {
    /// What people call it.
    pub fn label(&self) -> String {
        match &self.name {
            Some(name) => format!("{name} ({})", self.id),
            None => self.id.to_string(),
        }
    }
}

/// The preview apps of a company.
pub struct Listed {
    /// Newest first.
    pub all: Vec<AppSummary>,
    /// Whether there may be more than were looked through.
    pub has_more: bool,
    /// The entries that could not be read: each may be a preview app.
    pub unreadable: HashSet<Unreadable>,
}

/// Lists the preview apps of the company.
pub async fn list_previews(client: &Client) -> Result<Listed, ApiError> {
    let mut listed = list_with_dying(client).await?;
    listed
        .all
        .retain(|app| !is_being_deleted(app.status.as_deref()));
    Ok(listed)
}

/// The same with those that are being deleted.
async fn list_with_dying(client: &Client) -> Result<Listed, ApiError> {
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
    Ok(Listed {
        all,
        has_more,
        unreadable,
    })
}

/// What looking for a preview app has shown.
#[derive(Debug, Default)]
pub struct Previews {
    /// Those that could be the one that is meant.
    pub found: Vec<PreviewApp>,
    /// All there are: the high-water mark for making another.
    known: HashSet<Uuid>,
    /// The entries of the list that could not be read.
    unreadable: HashSet<Unreadable>,
}

/// Looks for the preview app that is meant, to deploy it. One that may be a
/// mirror's is only taken if its name tells this pull request.
pub async fn find_previews(client: &Client, preview: &Preview) -> Result<Previews, TriggerError> {
    let listed = list_previews(client).await?;
    let known = listed.all.iter().map(|app| app.id).collect();
    let unreadable = listed.unreadable.clone();
    let mut found = choose_of_all(client, preview, listed, Meant::Living).await?;
    found.retain(|(likeness, app)| *likeness > Likeness::Name || names_it(preview, app));
    Ok(Previews {
        found: without_likeness(found),
        known,
        unreadable,
    })
}

/// Looks for the preview apps to delete: all of exactly this pull request, or
/// the one that is meant. Where it may be another repository's, nothing is
/// deleted that is not named by its id.
pub async fn previews_to_delete(
    client: &Client,
    preview: &Preview,
) -> Result<Vec<PreviewApp>, TriggerError> {
    let listed = list_with_dying(client).await?;
    let is_dying = |app: &AppSummary| is_being_deleted(app.status.as_deref());
    let (dying, all) = listed.all.into_iter().partition(is_dying);
    let living = Listed { all, ..listed };
    let mut meant = living_to_delete(client, preview, living).await?;
    // The end of those is to be seen too. What may be another's goes by itself.
    let dying = choose(client, preview, dying, &HashSet::new(), Meant::Dying).await?;
    let sure = dying.found.into_iter().filter(|one| is_sure(preview, one));
    meant.extend(without_likeness(sure));
    Ok(meant)
}

/// Whether an app is surely one of those to delete.
fn is_sure(preview: &Preview, (likeness, app): &(Likeness, PreviewApp)) -> bool {
    match likeness {
        Likeness::Same => true,
        Likeness::Unknown => names_it(preview, app),
        Likeness::Name => false,
    }
}

async fn living_to_delete(
    client: &Client,
    preview: &Preview,
    living: Listed,
) -> Result<Vec<PreviewApp>, TriggerError> {
    let found = choose_of_all(client, preview, living, Meant::Dying).await?;
    let is_sure = |one: &(Likeness, PreviewApp)| is_sure(preview, one);
    let doubtful = found.iter().find(|one| !is_sure(one));
    if let Some((_, app)) = doubtful.filter(|_| !found.iter().any(is_sure)) {
        return Err(may_be_anothers(app));
    }
    let of_request = |(likeness, app): &(Likeness, PreviewApp)| {
        *likeness == Likeness::Same && names_it(preview, app)
    };
    if found.iter().any(of_request) {
        let all = found.into_iter().filter(of_request);
        return Ok(without_likeness(all));
    }
    let mut sure = without_likeness(found.into_iter().filter(is_sure));
    Ok(one_of(&mut sure)?.into_iter().collect())
}

fn without_likeness(found: impl IntoIterator<Item = (Likeness, PreviewApp)>) -> Vec<PreviewApp> {
    found.into_iter().map(|(_, app)| app).collect()
}

fn may_be_anothers(app: &PreviewApp) -> TriggerError {
    let repository = app.record.as_ref().and_then(|app| app.repo_url.as_deref());
    let repository = repository.unwrap_or("a repository that Sevalla does not tell");
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
pub fn one_of(found: &mut Vec<PreviewApp>) -> Result<Option<PreviewApp>, TriggerError> {
    if found.len() > 1 {
        let labels: Vec<String> = found.iter().map(PreviewApp::label).collect();
        return Err(TriggerError::refused(
            Failure::SeveralPreviews,
            format!("Several preview apps could be meant: {}", labels.join(", ")),
            "Delete all but one, or name it with app-id",
        ));
    }
    Ok(found.pop())
}

/// Those of all that are most like the one that is meant. Where not all could
/// be looked through, finding none says nothing: another would be made on each
/// push, and none ever deleted.
async fn choose_of_all(
    client: &Client,
    preview: &Preview,
    listed: Listed,
    meant: Meant,
) -> Result<Vec<(Likeness, PreviewApp)>, TriggerError> {
    let chosen = choose(client, preview, listed.all, &HashSet::new(), meant).await?;
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
enum Meant {
    /// Those that are not being deleted.
    Living,
    /// Those that are, too.
    Dying,
}

struct Chosen {
    found: Vec<(Likeness, PreviewApp)>,
    /// Whether there are more that were not read.
    has_more: bool,
}

/// Those that are most like the one that is meant, without those that are
/// known.
async fn choose(
    client: &Client,
    preview: &Preview,
    all: Vec<AppSummary>,
    known: &HashSet<Uuid>,
    meant: Meant,
) -> Result<Chosen, ApiError> {
    let mut found: Vec<(Likeness, PreviewApp)> = Vec::new();
    // The record, which tells the app's own branch, is not read yet. If it is
    // the app that is meant, it is the same.
    let branch = preview.branch.as_deref();
    let numbers = |app: &AppSummary| numbers_of(app.display_name.as_deref(), branch);
    let mut candidates = all;
    candidates.retain(|app| !known.contains(&app.id) && may_be_numbered(preview, &numbers(app)));
    // The likeliest first: not all may be read.
    candidates.sort_by_cached_key(|app| {
        let name = app.display_name.as_deref();
        let is_of_branch = branch.is_some_and(|branch| name.is_some_and(|n| n.contains(branch)));
        (!names_exactly(preview, &numbers(app)), !is_of_branch)
    });
    let has_more = candidates.len() > MOST_RECORDS;
    for app in candidates.into_iter().take(MOST_RECORDS) {
        let Some(record) = read(client, app.id).await? else {
            continue;
        };
        if meant == Meant::Living && is_being_deleted(record.status.as_deref()) {
            continue;
        }
        if let Some(likeness) = is_meant(preview, &record) {
            let app = PreviewApp {
                id: app.id,
                name: app.display_name,
                record: Some(record),
            };
            found.push((likeness, app));
        }
    }
    let best = found.iter().map(|(likeness, _)| *likeness).max();
    found.retain(|(likeness, _)| Some(*likeness) == best);
    Ok(Chosen { found, has_more })
}

/// How well an app's repository fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// The last part of its name is the same: it may be a mirror.
    Name,
    /// Nothing tells which it is, or which it should be.
    Unknown,
    /// It is the same.
    Same,
}

/// The repository of an app, where it is not the one that is meant and the app
/// would not be found again.
pub fn other_repository<'a>(preview: &Preview, record: &'a Application) -> Option<&'a str> {
    let ours = preview.repository.as_deref()?;
    let its = record.repo_url.as_deref()?;
    let is_found =
        last_part(its) == last_part(ours) && names_exactly(preview, &numbers_told(record));
    (!is_repository(its, ours) && !is_found).then_some(its)
}

/// Whether a preview app with this record is the one that is meant.
fn is_meant(preview: &Preview, record: &Application) -> Option<Likeness> {
    let is_preview = record.kind.as_deref().is_none_or(|kind| kind == PREVIEW);
    let likeness = match (&preview.repository, &record.repo_url) {
        (Some(ours), Some(its)) if is_repository(its, ours) => Likeness::Same,
        (Some(ours), Some(its)) if last_part(its) == last_part(ours) => Likeness::Name,
        (Some(_), Some(_)) => return None,
        _ => Likeness::Unknown,
    };
    let numbers = numbers_told(record);
    let same_branch = match (&preview.branch, &record.default_branch) {
        (Some(ours), Some(its)) => ours == its,
        // Then only the number can tell.
        _ => preview
            .pull_request
            .is_some_and(|number| numbers.contains(&number)),
    };
    let is_it = is_preview && same_branch && may_be_numbered(preview, &numbers);
    is_it.then_some(likeness)
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

/// The number of the pull request that a preview app of this repository belongs
/// to, if its name tells exactly one.
pub fn pull_request_of(record: &Application, slug: &str) -> Option<u64> {
    let is_its = is_repository(record.repo_url.as_deref()?, slug);
    match numbers_told(record).as_slice() {
        [number] if is_its => Some(*number),
        _ => None,
    }
}

/// Whether an app whose name tells these numbers may belong to the pull
/// request: not if they are those of others.
fn may_be_numbered(preview: &Preview, numbers: &[u64]) -> bool {
    let Some(ours) = preview.pull_request else {
        return true;
    };
    numbers.is_empty() || numbers.contains(&ours)
}

/// Whether the name of an app tells the number of this pull request and of no
/// other.
fn names_it(preview: &Preview, app: &PreviewApp) -> bool {
    names_exactly(preview, &numbers_of_app(app))
}

fn names_exactly(preview: &Preview, numbers: &[u64]) -> bool {
    let is_ours = |number: &u64| Some(*number) == preview.pull_request;
    !numbers.is_empty() && numbers.iter().all(is_ours)
}

fn numbers_of_app(app: &PreviewApp) -> Vec<u64> {
    let branch = app.record.as_ref();
    let branch = branch.and_then(|record| record.default_branch.as_deref());
    numbers_of(app.name.as_deref(), branch)
}

fn numbers_told(record: &Application) -> Vec<u64> {
    numbers_of(
        record.display_name.as_deref(),
        record.default_branch.as_deref(),
    )
}

/// The numbers that a name tells beside the branch in it: `revert-pr-3` is the
/// name of a branch, and says nothing of whose it is.
fn numbers_of(name: Option<&str>, branch: Option<&str>) -> Vec<u64> {
    let name = name.unwrap_or_default().to_lowercase();
    let branch = branch.unwrap_or_default().to_lowercase();
    if numbers_in(&branch).is_empty() {
        // And one called `7` must not take the 7 out of `PR #7`.
        return numbers_in(&name);
    }
    numbers_in(&name.replace(&branch, " "))
}

/// The numbers of pull requests that a name tells: `#7`, `!7`, `PR 7`, `pr-7`.
fn numbers_in(name: &str) -> Vec<u64> {
    let lower = name.to_lowercase();
    let marks = [
        "#",
        "!",
        "pr-",
        "pr ",
        "pr_",
        "pull-request-",
        "pull request ",
        "mr-",
        "mr ",
    ];
    let mut numbers = Vec::new();
    for mark in marks {
        for (at, _) in lower.match_indices(mark) {
            let is_word = lower
                .get(..at)
                .and_then(|before| before.chars().next_back())
                .is_none_or(|before| !before.is_alphanumeric());
            let after = lower.get(at + mark.len()..).unwrap_or_default();
            let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
            if let (true, Ok(number)) = (is_word, digits.parse()) {
                numbers.push(number);
            }
        }
    }
    numbers
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
pub async fn create_preview(
    client: &Client,
    new: &NewPreview,
    before: &Previews,
    tell: Tell<'_>,
) -> Result<PreviewApp, TriggerError> {
    let send = async || {
        let made = send_creation(client, new).await?;
        let app = PreviewApp {
            id: made.id,
            name: made.display_name,
            record: None,
        };
        Ok(Made {
            app,
            is_doubtful: false,
        })
    };
    let late = client.lingering();
    let search = async || Ok(Some(find_lost(&late, new, before).await?));
    let made = at_most_once(send, search, client, tell).await;
    made.map(|made| made.app).map_err(explain)
}

/// An app that a creation has made, or may have.
struct Made {
    app: PreviewApp,
    is_doubtful: bool,
}

/// The new apps that a creation may have made whose answer was lost. The
/// pipeline may build another repository than the run's, and name its apps in
/// other ways: what has the branch is at least a reason not to ask again.
async fn find_lost(
    client: &Client,
    new: &NewPreview,
    before: &Previews,
) -> Result<Vec<Made>, ApiError> {
    let sure = find_new(client, new, before).await?;
    if !sure.is_empty() {
        let made = |app| Made {
            app,
            is_doubtful: false,
        };
        return Ok(sure.into_iter().map(made).collect());
    }
    let mut found = Vec::new();
    let listed = list_previews(client).await?;
    let fresh = listed
        .all
        .into_iter()
        .filter(|app| !before.known.contains(&app.id));
    for app in fresh.take(MOST_RECORDS) {
        let Some(record) = read(client, app.id).await? else {
            continue;
        };
        let its = record.default_branch.as_deref();
        if its.is_none_or(|its| its == new.branch) {
            let app = PreviewApp {
                id: app.id,
                name: app.display_name,
                record: Some(record),
            };
            found.push(Made {
                app,
                is_doubtful: true,
            });
        }
    }
    if found.is_empty() && !listed.unreadable.is_subset(&before.unreadable) {
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

/// Looks once for a preview app whose making was not answered.
pub async fn find_made_preview(
    client: &Client,
    new: &NewPreview,
    before: &Previews,
) -> Option<PreviewApp> {
    let mut found = find_new(client, new, before).await.ok()?;
    found.pop().filter(|_| found.is_empty())
}

async fn find_new(
    client: &Client,
    new: &NewPreview,
    before: &Previews,
) -> Result<Vec<PreviewApp>, ApiError> {
    let Listed { all, .. } = list_previews(client).await?;
    let chosen = choose(client, &new.preview, all, &before.known, Meant::Living).await?;
    Ok(without_likeness(chosen.found))
}

/// The app that another run has made for the same at the same time, if it is
/// older than ours. Both runs choose the same one to stay.
pub async fn older_twin(
    client: &Client,
    new: &NewPreview,
    ours: &PreviewApp,
    before: &Previews,
) -> Option<PreviewApp> {
    let found = find_new(client, new, before).await.ok()?;
    let own = found.iter().find(|app| app.id == ours.id)?.clone();
    let twins = found.into_iter().filter(|app| is_twin(&own, app));
    let age = |app: &PreviewApp| (app.record.as_ref().and_then(|app| app.created_at), app.id);
    twins.min_by_key(age).filter(|oldest| oldest.id != own.id)
}

/// Whether two apps are of the same repository, branch and pull request.
fn is_twin(one: &PreviewApp, other: &PreviewApp) -> bool {
    let place = |app: &PreviewApp| {
        let record = app.record.as_ref();
        record.map(|app| {
            (
                app.repo_url.as_deref().map(plain),
                app.default_branch.clone(),
            )
        })
    };
    place(one) == place(other) && numbers_of_app(one) == numbers_of_app(other)
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
            crate::report::duration(time)
        )),
        None => error,
    }
}

impl Candidate for Made {
    const NOUN: &'static str = "preview app";

    fn id(&self) -> Option<&str> {
        None
    }

    fn describe(&self) -> String {
        self.app.label()
    }

    fn is_doubtful(&self) -> bool {
        self.is_doubtful
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
            app: None,
            pipeline: None,
            branch: branch.map(str::to_owned),
            pull_request: number,
            repository: Some("octo/shop".to_owned()),
        }
    }

    #[test]
    fn a_preview_is_known_by_branch_repository_and_number() {
        let ours = "https://github.com/octo/shop.git";
        for (preview, record, is_it) in [
            (
                preview(Some("a"), Some(7)),
                record("a", "PR #7 a", ours),
                true,
            ),
            (preview(Some("a"), Some(7)), record("a", "a", ours), true),
            (
                preview(Some("a"), Some(7)),
                record("a", "PR #17 a", ours),
                false,
            ),
            (
                preview(Some("a"), None),
                record("a", "PR #17 a", ours),
                true,
            ),
            (
                preview(Some("a"), Some(7)),
                record("b", "PR #7 b", ours),
                false,
            ),
            (preview(None, Some(7)), record("b", "shop-pr-7", ours), true),
            (preview(None, Some(7)), record("b", "shop v7", ours), false),
            (
                preview(Some("a"), None),
                record("a", "a", "git@github.com:octo/workshop"),
                false,
            ),
            (
                preview(Some("a"), None),
                record("a", "a", "git@github.com:Octo/Shop.git"),
                true,
            ),
        ] {
            let likeness = is_it.then_some(Likeness::Same);
            assert_eq!(
                is_meant(&preview, &record),
                likeness,
                "{preview:?} {record:?}"
            );
        }
        let app = Application {
            kind: Some("app".to_owned()),
            ..record("a", "a", ours)
        };
        assert_eq!(is_meant(&preview(Some("a"), None), &app), None);
        let mirror = record("a", "a", "https://gitlab.com/mirrors/shop.git");
        let likeness = is_meant(&preview(Some("a"), None), &mirror);
        assert_eq!(likeness, Some(Likeness::Name));
    }

    #[test]
    fn the_number_is_a_whole_word() {
        assert_eq!(numbers_in("PR #7: Add #tags"), [7]);
        assert_eq!(numbers_in("shop-pr-12"), [12]);
        assert_eq!(numbers_in("expr-3 sprint 4"), Vec::<u64>::new());
    }

    #[test]
    fn a_number_in_the_name_of_the_branch_says_nothing() {
        for (name, branch, numbers) in [
            ("revert-pr-3", "revert-pr-3", vec![]),
            ("PR #7 Revert-PR-3", "revert-pr-3", vec![7]),
            ("PR #3 revert-pr-3", "revert-pr-3", vec![3]),
            ("PR #7", "7", vec![7]),
            ("PR #7 x", "", vec![7]),
        ] {
            assert_eq!(numbers_of(Some(name), Some(branch)), numbers, "{name}");
        }
    }
}
