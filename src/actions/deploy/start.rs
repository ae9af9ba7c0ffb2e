//! Every change this program makes on Sevalla is made from here.
//!
//! First [`preflight`] reads; then [`start`] writes, at most once; [`cancel`]
//! takes back what was started.

use uuid::Uuid;

use crate::actions::at_most_once::at_most_once;
use crate::actions::deploy::preflight::Preflight;
use crate::actions::deploy::start_rollback;
use crate::actions::error::{LookupFailure, Report, TriggerError};
use crate::actions::lookup::{Candidates, find_one, search_to_the_end};
use crate::actions::task::DeployOperation;
use crate::deployment::{DeploySource, Deployment, DeploymentId, Service, ServiceKind};
use crate::event::EventKind;
use crate::secret::HookUrl;
use crate::sevalla::operation::{LIST_DEPLOYMENTS, LIST_STATIC_SITE_DEPLOYMENTS, Operation};
use crate::sevalla::{ApiError, Client, Patience};

/// How many past deployments are read before the start.
pub(crate) const HISTORY: usize = 50;

/// What the change has led to.
#[derive(Debug)]
pub(crate) enum Started {
    /// A deployment whose id is known.
    Known(Service, Box<Deployment>),
    /// A deployment whose id the service did not return.
    Unseen,
}

/// A request that starts a deployment of a service. They are values and not closures, so
/// that what surrounds them is compiled once.
pub(crate) enum StartRequest<'a> {
    Trigger(Uuid, &'a DeploySource),
    DeploySite(Uuid, Option<&'a str>),
    RollBack(Uuid, Option<&'a DeploymentId>),
    RollBackSite(Uuid, &'a DeploymentId),
}

impl StartRequest<'_> {
    const fn service(&self) -> Service {
        match self {
            Self::Trigger(app, _) | Self::RollBack(app, _) => Service::application(*app),
            Self::DeploySite(site, _) | Self::RollBackSite(site, _) => Service::static_site(*site),
        }
    }

    async fn send(&self, client: &Client) -> Result<Deployment, ApiError> {
        let (writes, patience) = (client.writes(), Patience::FOR_A_WRITE);
        match *self {
            Self::Trigger(app, order) => writes.trigger_deployment(app, order, patience).await,
            Self::DeploySite(site, branch) => {
                writes.deploy_static_site(site, branch, patience).await
            }
            Self::RollBack(app, to) => writes.rollback_deployment(app, to, patience).await,
            Self::RollBackSite(site, to) => writes.roll_back_static_site(site, to, patience).await,
        }
    }
}

/// Makes the change, at most once.
pub(crate) async fn start(
    client: &Client,
    work: &DeployOperation,
    is_followed: bool,
    before: &Preflight,
    report: Report<'_>,
) -> Result<Started, TriggerError> {
    let request = match work {
        DeployOperation::CallHook { hook, app } => {
            let called = call_hook(client, hook, *app, is_followed, before, report);
            return Ok(report_started(called.await?, report));
        }
        DeployOperation::RollBackApplication { app, .. } => {
            let Some(rollback) = &before.rollback else {
                return Err(start_rollback::nothing_earlier());
            };
            let started = rollback.start(client, *app, before, report).await?;
            return Ok(report_started(started, report));
        }
        DeployOperation::DeployApplication { app, order } => StartRequest::Trigger(*app, order),
        DeployOperation::DeployStaticSite { site, branch } => {
            // What the user asked for, also where the site could not be read.
            let branch = branch.as_deref().or(before.wanted.branch.as_deref());
            StartRequest::DeploySite(*site, branch)
        }
        DeployOperation::RollBackStaticSite { site, to } => StartRequest::RollBackSite(*site, to),
    };
    let started = once(client, &request, before, report).await?;
    Ok(report_started(started, report))
}

fn report_started(started: Started, report: Report<'_>) -> Started {
    if let Started::Known(service, deployment) = &started {
        report(EventKind::Started(*service, deployment));
    }
    started
}

/// Starts a deployment of a service by a request of the API.
pub(crate) async fn once(
    client: &Client,
    request: &StartRequest<'_>,
    before: &Preflight,
    report: Report<'_>,
) -> Result<Started, TriggerError> {
    let service = request.service();
    let send = async || request.send(client).await;
    let find = async || search(client, service, before).await;
    let named = at_most_once(send, find, client, &before.entry, report).await?;
    // Accepted, and yet one that had ended is no new one, whoever names it.
    let had_ended = before.had_ended(&named.id);
    if named.id.is_uuid() && !had_ended {
        return Ok(Started::Known(service, Box::new(named)));
    }
    let deployment = if had_ended {
        find_one(find, client).await?
    } else {
        identify(named, find, client).await?
    };
    before.entry.made(&deployment.id, report);
    Ok(Started::Known(service, Box::new(deployment)))
}

/// Finds the deployment that an answer names by what is no id of the API: the
/// one that is listed by that name, or else the one that is ours. Where nothing
/// can be looked up, the name is all there is.
async fn identify(
    named: Deployment,
    find: impl AsyncFn() -> Result<Option<Vec<Candidates<Deployment>>>, ApiError>,
    client: &Client,
) -> Result<Deployment, TriggerError> {
    let find = async || {
        let mut all = find().await?;
        if let Some(all) = &mut all
            && let Some(at) = all.iter().position(|found| found.it.id == named.id)
        {
            *all = vec![Candidates::ours(all.swap_remove(at).it)];
        }
        Ok(all)
    };
    match find_one(find, client).await {
        Err(TriggerError::Unidentified(LookupFailure::Impossible)) => Ok(named),
        Err(error) => Err(error.at(format!(
            "The answer names it {:?}, which is not the id of a deployment",
            named.id.0
        ))),
        found => found,
    }
}

async fn call_hook(
    client: &Client,
    hook: &HookUrl,
    app: Option<Uuid>,
    is_followed: bool,
    before: &Preflight,
    report: Report<'_>,
) -> Result<Started, TriggerError> {
    let service = app.map(Service::application);
    let look = async || match service {
        Some(service) => search(client, service, before).await,
        None => Ok(None),
    };
    let send = async || client.writes().call_hook(hook, Patience::FOR_A_WRITE).await;
    let find = async || {
        let by_id = |found: Candidates<Deployment>| Candidates {
            it: Some(found.it.id),
            whose: found.whose,
        };
        let all = look().await?;
        Ok(all.map(|all| all.into_iter().map(by_id).collect()))
    };
    let id = at_most_once(send, find, client, &before.entry, report).await?;
    let Some(service) = service else {
        return Ok(Started::Unseen);
    };
    let deployment = match id {
        Some(id) if id.is_uuid() => Deployment::only_its_id(id),
        Some(id) => identify(Deployment::only_its_id(id), look, client).await?,
        None if !is_followed => return Ok(Started::Unseen),
        None => find_one(look, client).await?,
    };
    before.entry.made(&deployment.id, report);
    Ok(Started::Known(service, Box::new(deployment)))
}

/// The new deployments, and whose each is; `None` when that cannot be looked
/// up.
pub(crate) async fn search(
    client: &Client,
    service: Service,
    before: &Preflight,
) -> Result<Option<Vec<Candidates<Deployment>>>, ApiError> {
    let Some(mark) = &before.mark else {
        return Ok(None);
    };
    let now = client
        .with_grace()
        .deployments_and_unreadable(service, HISTORY, Patience::FOR_A_SEARCH)
        .await?;
    if mark.is_missing_from(&now) {
        return Err(ApiError::incomplete_list(list_of(service)));
    }
    let new = now.into_iter().filter(|deployment| mark.is_new(deployment));
    let judged = new.map(|deployment| Candidates {
        whose: before.wanted.whose(&deployment),
        it: deployment,
    });
    Ok(Some(judged.collect()))
}

const fn list_of(service: Service) -> &'static Operation {
    match service.kind {
        ServiceKind::Application => &LIST_DEPLOYMENTS,
        ServiceKind::StaticSite => &LIST_STATIC_SITE_DEPLOYMENTS,
    }
}

/// Looks again and again, until the client's deadline, for the deployment that
/// a start may have made whose answer the run does not wait for any more.
pub(crate) async fn find_started(
    client: &Client,
    service: Service,
    before: &Preflight,
) -> Option<Deployment> {
    search_to_the_end(client, async || search(client, service, before).await).await
}

/// Looks for the first deployment of a service that was just created: the
/// service starts it by itself.
pub(crate) async fn find_first(client: &Client, service: Service) -> Option<Deployment> {
    let all = async || {
        let all = client.deployments(service, HISTORY, Patience::FOR_A_SEARCH);
        // The oldest: what came after it is somebody else's.
        let first = all.await?.pop().map(Candidates::ours);
        Ok(Some(first.into_iter().collect()))
    };
    search_to_the_end(client, all).await
}
