//! Preview apps: finding the one of a branch, and making it.
//!
//! Nothing in the API ties an app to its pipeline or pull request, so one is
//! known by its type, its repository, its branch and the number in its name.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::once::{Candidate, at_most_once};
use super::{Tell, TriggerError};
use crate::plan::{NewPreview, Preview};
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

/// All preview apps of the company that are not being deleted, newest first.
pub async fn all_previews(client: &Client) -> Result<Vec<AppSummary>, ApiError> {
    let mut all: Vec<AppSummary> = Vec::new();
    let mut offset = 0;
    while offset < MOST_APPLICATIONS {
        let patience = Patience::FOR_A_SEARCH;
        let page = client.list_applications(offset, patience).await?;
        let length = page.len();
        // The list may shift while it is read.
        let fresh = page
            .into_iter()
            .filter(|app| all.iter().all(|a| a.id != app.id));
        let fresh: Vec<AppSummary> = fresh.collect();
        all.extend(fresh);
        if length < LONGEST_PAGE {
            break;
        }
        offset += LONGEST_PAGE;
    }
    all.retain(|app| {
        app.kind.as_deref() == Some(PREVIEW) && app.status.as_deref() != Some("deleting")
    });
    Ok(all)
}

/// What looking for a preview app has shown.
#[derive(Debug, Default)]
pub struct Previews {
    /// Those that could be the one that is meant.
    pub found: Vec<PreviewApp>,
    /// All there are: the high-water mark for making another.
    known: HashSet<Uuid>,
}

/// Looks for the preview app that is meant.
pub async fn find_previews(client: &Client, preview: &Preview) -> Result<Previews, ApiError> {
    let all = all_previews(client).await?;
    Ok(Previews {
        known: all.iter().map(|app| app.id).collect(),
        found: choose(client, preview, all, &HashSet::new()).await?,
    })
}

/// Those that could be the one that is meant, without those that are known.
async fn choose(
    client: &Client,
    preview: &Preview,
    all: Vec<AppSummary>,
    known: &HashSet<Uuid>,
) -> Result<Vec<PreviewApp>, ApiError> {
    let mut found: Vec<(Likeness, PreviewApp)> = Vec::new();
    let summaries = all.into_iter();
    let candidates = summaries.filter(|app| {
        !known.contains(&app.id) && may_be_numbered(preview, app.display_name.as_deref())
    });
    for app in candidates.take(MOST_RECORDS) {
        let record = match client.get_application(app.id, Patience::FOR_A_SEARCH).await {
            Ok(record) => record,
            // Deleted since the list was read.
            Err(error) if error.status() == Some(404) => continue,
            Err(error) => return Err(error),
        };
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
    let is_best = |(likeness, _): &(Likeness, PreviewApp)| Some(*likeness) == best;
    Ok(found
        .into_iter()
        .filter(is_best)
        .map(|(_, app)| app)
        .collect())
}

/// How well an app's repository fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// The last part of its name is the same: it may be a mirror.
    Name,
    /// It is the same, or nothing tells that it is not.
    Same,
}

/// The repository of an app, where it is not the one that is meant.
pub fn other_repository<'a>(preview: &Preview, record: &'a Application) -> Option<&'a str> {
    let ours = preview.repository.as_deref()?;
    let its = record.repo_url.as_deref()?;
    let is_its = is_repository(its, ours) || last_part(its) == last_part(ours);
    (!is_its).then_some(its)
}

/// Whether a preview app with this record is the one that is meant.
fn is_meant(preview: &Preview, record: &Application) -> Option<Likeness> {
    let is_gone = record.status.as_deref() == Some("deleting");
    let is_preview = record.kind.as_deref().is_none_or(|kind| kind == PREVIEW);
    let likeness = match (&preview.repository, &record.repo_url) {
        (Some(ours), Some(its)) if is_repository(its, ours) => Likeness::Same,
        (Some(ours), Some(its)) if last_part(its) == last_part(ours) => Likeness::Name,
        (Some(_), Some(_)) => return None,
        _ => Likeness::Same,
    };
    let name = record.display_name.as_deref();
    let same_branch = match (&preview.branch, &record.default_branch) {
        (Some(ours), Some(its)) => ours == its,
        // Then only the number can tell.
        _ => preview
            .pull_request
            .is_some_and(|number| numbers_in(name.unwrap_or_default()).contains(&number)),
    };
    let is_it = is_preview && !is_gone && same_branch && may_be_numbered(preview, name);
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
    let numbers = numbers_in(record.display_name.as_deref()?);
    match numbers.as_slice() {
        [number] if is_its => Some(*number),
        _ => None,
    }
}

/// Whether an app of this name may belong to the pull request: not if the name
/// tells the number of another.
fn may_be_numbered(preview: &Preview, name: Option<&str>) -> bool {
    let numbers = numbers_in(name.unwrap_or_default());
    let Some(ours) = preview.pull_request else {
        return true;
    };
    numbers.is_empty() || numbers.contains(&ours)
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
        Ok(PreviewApp {
            id: made.id,
            name: made.display_name,
            record: None,
        })
    };
    let search = async || Ok(Some(find_new(client, new, before).await?));
    at_most_once(send, search, || !client.is_closing(), tell)
        .await
        .map_err(explain)
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
    let all = all_previews(client).await?;
    choose(client, &new.preview, all, &before.known).await
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
        let deleting = Application {
            status: Some("deleting".to_owned()),
            ..record("a", "a", ours)
        };
        assert_eq!(is_meant(&preview(Some("a"), None), &deleting), None);
    }

    #[test]
    fn the_number_is_a_whole_word() {
        assert_eq!(numbers_in("PR #7: Add #tags"), [7]);
        assert_eq!(numbers_in("shop-pr-12"), [12]);
        assert_eq!(numbers_in("expr-3 sprint 4"), Vec::<u64>::new());
    }
}
