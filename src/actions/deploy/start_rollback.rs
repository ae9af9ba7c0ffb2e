//! Rolling back: to which version, by which request, and whether that version
//! came.
//!
//! The document describes the rollback of an application without a body, to
//! "the most recent successful deployment". Right after a success that may be
//! the very deployment that is to be undone. The official CLI sends the id of
//! the wanted deployment; so does this program, and it looks at what came.

use uuid::Uuid;

use crate::actions::deploy::matcher::{DeployKind, DeploymentMatcher};
use crate::actions::deploy::past::is_success;
use crate::actions::deploy::preflight::Preflight;
use crate::actions::deploy::rerun::RerunRule;
use crate::actions::deploy::start::{self, StartRequest, Started};
use crate::actions::error::{Report, TriggerError};
use crate::actions::task::EarlierDeployment;
use crate::deployment::{self, DeploySource, Deployment, DeploymentId, Service, Status};
use crate::event::EventKind;
use crate::image_reference::{ImageComparison, ImageReference};
use crate::messages::Failure;
use crate::sevalla::{ApiError, Application, Client, LAST_OFFSET, LONGEST_PAGE, Patience};

/// A rollback of an application that is about to be made.
#[derive(Debug, Clone)]
pub(crate) struct Rollback {
    /// The deployment whose version is wanted.
    pub to: Deployment,
    request: RollbackRequest,
}

/// The request that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum RollbackRequest {
    /// The rollback call with the id of the wanted deployment. Without an id it
    /// may only go out if the user has not named one.
    Call { may_omit_id: bool },
    /// A deployment of the image that ran then, which is exact.
    Image(String),
    /// None: a deployment of that image would bring the replaced version.
    Impossible(String),
}

/// What a rollback has put live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RollbackEffect {
    /// The wanted version.
    Wanted,
    /// The version that was to be replaced.
    Replaced,
    /// Another one.
    Another,
    /// Nothing shows which.
    Unknown,
}

/// What is live, however long ago it was deployed.
pub(crate) async fn live(
    client: &Client,
    service: Service,
) -> Result<Option<Deployment>, ApiError> {
    search_history(client, service, is_success).await
}

/// The last success before the one that is live, however long ago.
///
/// # Errors
///
/// At a further attempt also where the live one may be the rollback of an earlier
/// attempt.
pub(crate) async fn earlier_success(
    client: &Client,
    service: Service,
    rerun: Option<&RerunRule>,
) -> Result<EarlierDeployment, TriggerError> {
    // The newest successes, of which each is another version than the one before.
    let mut versions: Vec<Deployment> = Vec::new();
    let enough = if rerun.is_some() { 3 } else { 2 };
    let collect = search_history(client, service, |deployment| {
        let newer = versions.last();
        let is_next = newer.is_none_or(|newer| !is_same_artifact(newer, deployment));
        if is_next && is_success(deployment) {
            versions.push(deployment.clone());
        }
        versions.len() == enough
    });
    collect.await?;
    let [live, earlier, older @ ..] = versions.as_slice() else {
        return Err(nothing_earlier());
    };
    if let Some((rule, oldest)) = rerun.zip(older.first()) {
        rule.refuse_second_rollback(live, earlier, oldest)?;
    }
    Ok(EarlierDeployment::found(earlier.id.clone()))
}

/// What was live on a service before `wrong` was deployed; `known` is what was
/// live when the run began. Another deployment may have become live between.
pub(crate) async fn live_before(
    client: &Client,
    service: Service,
    wrong: &DeploymentId,
    known: Option<&Deployment>,
) -> Result<Option<Deployment>, ApiError> {
    let newest = client.history(service, 0, Patience::FOR_A_SEARCH).await?;
    // A list that lags behind knows no better.
    if !newest.iter().any(|deployment| deployment.id == *wrong) {
        return Ok(known.cloned());
    }
    let mut is_older = false;
    search_history(client, service, |deployment| {
        let is_it = is_older && is_success(deployment);
        is_older |= deployment.id == *wrong;
        is_it
    })
    .await
}

/// Reads the deployments of a service, newest first, until one fits.
async fn search_history(
    client: &Client,
    service: Service,
    mut fits: impl FnMut(&Deployment) -> bool,
) -> Result<Option<Deployment>, ApiError> {
    let mut first = None;
    for offset in (0..=LAST_OFFSET).step_by(LONGEST_PAGE) {
        let patience = Patience::BEFORE_THE_START;
        let page = client.history(service, offset, patience).await?;
        // Not by its length: an entry that cannot be read is missing. The same
        // page again comes from a service that knows no pages.
        let next = page.first().map(|deployment| deployment.id.clone());
        if next.is_none() || next == first {
            break;
        }
        first = next;
        if let Some(found) = page.into_iter().find(|deployment| fits(deployment)) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Whether a deployment took the same build again, as a restart does.
fn is_same_artifact(one: &Deployment, other: &Deployment) -> bool {
    one.commit_sha.is_some()
        && one.docker_image.is_some()
        && one.commit_sha == other.commit_sha
        && one.docker_image == other.docker_image
}

/// Decides how an application is rolled back, and adds it to what was read.
pub(crate) async fn plan(
    client: &Client,
    record: &Application,
    app: Uuid,
    earlier: &EarlierDeployment,
    past: &[Deployment],
    before: Preflight,
) -> Result<Preflight, TriggerError> {
    let known = past.iter().find(|deployment| deployment.id == earlier.id);
    let to = if let Some(known) = known {
        known.clone()
    } else {
        let patience = Patience::BEFORE_THE_START;
        client.get_deployment(app, &earlier.id, patience).await?
    };
    refuse_unless_success(&to)?;
    let live = before.live.as_ref().filter(|live| live.id != to.id);
    let live_image = live.and_then(|live| live.docker_image.as_deref());
    let replaced = earlier.replaces.as_deref().or(live_image);
    let is_image = record.runs_images();
    let image = exact_image(&to, replaced).map(|image| image.filter(|_| is_image));
    let request = match image {
        Ok(Some(image)) => RollbackRequest::Image(image),
        Err(image) if is_image => RollbackRequest::Impossible(image),
        _ => RollbackRequest::Call {
            may_omit_id: !earlier.is_named,
        },
    };
    Ok(before.rolling_back(Rollback { to, request }))
}

/// Refuses what is known never to have been live. What a status says that is
/// missing or new, only the service knows.
pub(crate) fn refuse_unless_success(to: &Deployment) -> Result<(), TriggerError> {
    let state = match &to.status {
        Status::Success | Status::Other(_) | Status::Absent => return Ok(()),
        Status::Waiting | Status::InProgress => format!("is {}", to.status.in_words()),
        ended => format!("ended as {}", ended.word()),
    };
    Err(TriggerError::refused(
        Failure::RollbackNotPossible,
        format!(
            "Deployment {} {state}, and only a successful one can be rolled back to",
            to.id
        ),
        "Set deployment-id to a deployment that succeeded",
    ))
}

/// The image that was deployed then, if deploying it again brings that version
/// back; as an error if it would bring the replaced one.
fn exact_image(to: &Deployment, replaced: Option<&str>) -> Result<Option<String>, String> {
    let Some(image) = &to.docker_image else {
        return Ok(None);
    };
    let Ok(wanted) = ImageReference::parse(image) else {
        return Ok(None);
    };
    let replaced = replaced.and_then(|replaced| ImageReference::parse(replaced).ok());
    let likeness = replaced.as_ref().map(|replaced| wanted.likeness(replaced));
    // The tag has moved to the replaced version, also where that has a digest.
    let has_moved =
        |replaced: &ImageReference| wanted.digest().is_none() && wanted.has_tag_of(replaced);
    if likeness == Some(ImageComparison::Same) || replaced.as_ref().is_some_and(has_moved) {
        return Err(image.clone());
    }
    // A tag may have moved; without the other to compare it with, nobody knows.
    let is_exact = wanted.digest().is_some() || likeness.is_some();
    Ok(is_exact.then(|| image.clone()))
}

fn not_earlier(image: &str) -> TriggerError {
    TriggerError::refused(
        Failure::RollbackNotPossible,
        format!(
            "Both versions were deployed as {image}, so deploying it again would not bring an \
             earlier version back"
        ),
        "Set docker-image to the earlier image by its digest and deploy that. Deploy by digest, \
         or by a new tag for each version, so that a rollback is possible",
    )
}

impl Rollback {
    /// What the deployment that this makes looks like in a list. A service that
    /// passes over the id may deploy the version that is `live` again.
    pub(crate) fn wanted(&self, live: Option<&Deployment>) -> DeploymentMatcher {
        match &self.request {
            RollbackRequest::Image(image) | RollbackRequest::Impossible(image) => {
                DeploymentMatcher {
                    docker_image: Some(image.clone()),
                    ..DeploymentMatcher::default()
                }
            }
            RollbackRequest::Call { .. } => {
                let wanted = DeploymentMatcher::version(DeployKind::Rollback, Some(&self.to));
                match live {
                    Some(live) => wanted.or_version(live),
                    None => wanted,
                }
            }
        }
    }

    /// One that an earlier process of this run has made.
    pub(crate) const fn made_before(to: Deployment) -> Self {
        Self {
            to,
            request: RollbackRequest::Call { may_omit_id: false },
        }
    }

    /// Why it cannot be made, if that is known.
    pub(crate) fn refusal(&self) -> Option<TriggerError> {
        match &self.request {
            RollbackRequest::Impossible(image) => Some(not_earlier(image)),
            RollbackRequest::Call { .. } | RollbackRequest::Image(_) => None,
        }
    }

    /// What will be deployed, in words.
    pub(crate) fn order(&self) -> String {
        let id = &self.to.id;
        match (&self.request, self.to.made_from()) {
            (RollbackRequest::Image(image) | RollbackRequest::Impossible(image), _) => {
                format!("image {image} of deployment {id} again")
            }
            (_, Some(source)) => format!("deployment {id} again ({source})"),
            (_, None) => format!("deployment {id} again"),
        }
    }

    /// Makes it, at most once.
    pub(crate) async fn start(
        &self,
        client: &Client,
        app: Uuid,
        before: &Preflight,
        report: Report<'_>,
    ) -> Result<Started, TriggerError> {
        let service = Service::application(app);
        let may_omit_id = match &self.request {
            RollbackRequest::Image(image) => {
                let order = DeploySource {
                    docker_image: Some(image.clone()),
                    ..DeploySource::default()
                };
                let request = StartRequest::Trigger(app, &order);
                return start::once(client, &request, before, report).await;
            }
            RollbackRequest::Impossible(image) => return Err(not_earlier(image)),
            RollbackRequest::Call { may_omit_id } => *may_omit_id,
        };
        let request = StartRequest::RollBack(app, Some(&self.to.id));
        let error = match start::once(client, &request, before, report).await {
            Err(TriggerError::Api(error)) if may_omit_id && refuses_id(&error) => error,
            other => return other,
        };
        self.refuse_unless_latest(client, service, &error).await?;
        report(EventKind::Note(
            "Sevalla refused the id of the version to roll back to. That version is the latest \
             successful deployment, so the rollback is requested without an id.",
        ));
        let request = StartRequest::RollBack(app, None);
        start::once(client, &request, before, report).await
    }

    /// Without an id the service takes its latest success, whatever that is.
    async fn refuse_unless_latest(
        &self,
        client: &Client,
        service: Service,
        error: &ApiError,
    ) -> Result<(), TriggerError> {
        let newest = client.history(service, 0, Patience::FOR_A_SEARCH).await?;
        let latest = newest.iter().find(|deployment| is_success(deployment));
        if latest.is_some_and(|latest| latest.id == self.to.id) {
            return Ok(());
        }
        let latest = latest.map_or_else(|| "another one".to_owned(), Deployment::summary);
        Err(TriggerError::refused(
            Failure::RollbackNotPossible,
            format!(
                "Sevalla refused to roll back to {} ({error}), and without an id it would deploy \
                 its latest success again: {latest}",
                self.to.summary()
            ),
            "Roll back to that deployment in the dashboard, or revert the change in the repository \
             and deploy again",
        ))
    }
}

/// Whether the service may have refused the body rather than the rollback. Not
/// carried out in either case.
fn refuses_id(error: &ApiError) -> bool {
    matches!(error.status(), Some(400 | 415 | 422))
}

/// What a rollback to `wanted` has put live in place of `replaced`.
pub(crate) fn what_came(
    now: &Deployment,
    wanted: &Deployment,
    replaced: Option<&Deployment>,
) -> RollbackEffect {
    let as_replaced = |same: fn(&Deployment, &Deployment) -> Option<bool>| {
        replaced.and_then(|replaced| same(now, replaced))
    };
    // The image first: two builds of one commit are two versions. A version may
    // also be built again, which makes another image of the same commit.
    let by = |same: fn(&Deployment, &Deployment) -> Option<bool>| match (
        same(now, wanted),
        as_replaced(same),
    ) {
        (Some(true), Some(true)) => None,
        (Some(true), _) => Some(RollbackEffect::Wanted),
        (_, Some(true)) => Some(RollbackEffect::Replaced),
        (Some(false), _) => Some(RollbackEffect::Another),
        (None, _) => None,
    };
    let by_image = by(is_same_image);
    match by_image {
        Some(RollbackEffect::Wanted | RollbackEffect::Replaced) => by_image,
        _ => by(is_same_commit).or(by_image),
    }
    .unwrap_or(RollbackEffect::Unknown)
}

fn is_same_commit(one: &Deployment, other: &Deployment) -> Option<bool> {
    let commits = one.commit_sha.as_ref().zip(other.commit_sha.as_ref());
    commits.map(|(one, other)| {
        one.eq_ignore_ascii_case(other) || deployment::is_same_commit(one, other)
    })
}

fn is_same_image(one: &Deployment, other: &Deployment) -> Option<bool> {
    let (one, other) = one.docker_image.as_ref().zip(other.docker_image.as_ref())?;
    let one = ImageReference::parse(one).ok()?;
    match one.likeness(&ImageReference::parse(other).ok()?) {
        ImageComparison::Same => Some(true),
        ImageComparison::Different => Some(false),
        ImageComparison::Unknown => None,
    }
}

/// There is no earlier success.
pub(crate) fn nothing_earlier() -> TriggerError {
    TriggerError::refused(
        Failure::NothingToGoBackTo,
        "There is no earlier successful deployment to roll back to",
        "Deploy a branch, a commit or an image that works instead",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(commit: Option<&str>, image: Option<&str>) -> Deployment {
        Deployment {
            status: Status::Success,
            commit_sha: commit.map(str::to_owned),
            docker_image: image.map(str::to_owned),
            ..Deployment::only_its_id(DeploymentId("d".to_owned()))
        }
    }

    #[test]
    fn what_came_is_told_by_image_and_commit() {
        let (good, bad) = (Some("aa"), Some("bb"));
        let (old, new, other) = (
            Some("r.example/a:1"),
            Some("r.example/a:2"),
            Some("r.example/a:3"),
        );
        for (now, wanted, replaced, came) in [
            (
                (good, None),
                (good, None),
                (bad, None),
                RollbackEffect::Wanted,
            ),
            (
                (Some("AA"), None),
                (good, None),
                (bad, None),
                RollbackEffect::Wanted,
            ),
            (
                (bad, None),
                (good, None),
                (bad, None),
                RollbackEffect::Replaced,
            ),
            (
                (Some("cc"), None),
                (good, None),
                (bad, None),
                RollbackEffect::Another,
            ),
            (
                (None, None),
                (good, None),
                (bad, None),
                RollbackEffect::Unknown,
            ),
            (
                (good, None),
                (None, None),
                (bad, None),
                RollbackEffect::Unknown,
            ),
            (
                (bad, None),
                (None, None),
                (bad, None),
                RollbackEffect::Replaced,
            ),
            // One commit, deployed twice: the builds differ.
            (
                (good, old),
                (good, old),
                (good, new),
                RollbackEffect::Wanted,
            ),
            (
                (good, new),
                (good, old),
                (good, new),
                RollbackEffect::Replaced,
            ),
            (
                (good, None),
                (good, None),
                (good, None),
                RollbackEffect::Unknown,
            ),
            // Built again.
            (
                (good, other),
                (good, old),
                (bad, new),
                RollbackEffect::Wanted,
            ),
            (
                (bad, other),
                (good, old),
                (bad, new),
                RollbackEffect::Replaced,
            ),
            // Images alone.
            (
                (None, old),
                (None, old),
                (None, new),
                RollbackEffect::Wanted,
            ),
            (
                (None, new),
                (None, old),
                (None, new),
                RollbackEffect::Replaced,
            ),
            (
                (None, other),
                (None, old),
                (None, new),
                RollbackEffect::Another,
            ),
            (
                (None, old),
                (None, old),
                (None, old),
                RollbackEffect::Unknown,
            ),
        ] {
            let of = |(commit, image)| made(commit, image);
            let (now, wanted, replaced) = (of(now), of(wanted), of(replaced));
            let found = what_came(&now, &wanted, Some(&replaced));
            assert_eq!(found, came, "{now:?}\n{wanted:?}\n{replaced:?}");
        }
    }

    #[test]
    fn an_image_is_deployed_again_where_that_is_another_version() {
        const DIGEST: &str = "shop@sha256:\
            0000000000000000000000000000000000000000000000000000000000000000";
        let exact = |to: Option<&str>, replaced: Option<&str>| {
            exact_image(&made(None, to), replaced).map_err(|_| ())
        };
        let image = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(exact(Some("shop:1"), Some("shop:2")), image("shop:1"));
        assert_eq!(exact(Some("shop:1"), Some(DIGEST)), image("shop:1"));
        assert_eq!(exact(Some(DIGEST), Some("shop:1")), image(DIGEST));
        assert_eq!(exact(Some(DIGEST), None), image(DIGEST));
        assert_eq!(exact(Some(DIGEST), Some(DIGEST)), Err(()));
        // The same tag in any of its forms.
        for same in ["shop:1", "docker.io/library/shop:1", "docker.io/shop:1"] {
            assert_eq!(exact(Some("shop:1"), Some(same)), Err(()), "{same}");
        }
        assert_eq!(exact(Some("shop"), Some("shop:latest")), Err(()));
        // The replaced one names by its digest what the tag meant then.
        let pinned = |tag: &str| DIGEST.replace('@', &format!(":{tag}@"));
        assert_eq!(exact(Some("shop:1"), Some(&pinned("1"))), Err(()));
        assert_eq!(exact(Some("shop:1"), Some(&pinned("2"))), image("shop:1"));
        assert_eq!(
            exact(Some(&pinned("1")), Some("shop:1")),
            image(&pinned("1"))
        );
        for (to, replaced) in [
            (None, Some("a:1")),
            (Some("a:1"), None),
            (Some("A b"), None),
        ] {
            assert_eq!(exact(to, replaced), Ok(None));
        }
    }
}
