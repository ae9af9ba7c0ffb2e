//! Every change this program makes on Sevalla is made from here.
//!
//! First [`look_before`] reads; then [`start`] writes, at most once; [`cancel`]
//! takes back what was started.

use uuid::Uuid;

use crate::actions::at_most_once::{Found, at_most_once, find_one, search_to_the_end};
use crate::actions::database::write::{
    Creation, Existing, Readiness, connect, create_database, find_made_database, is_connected,
    is_suspended, look_before_connection, look_before_creation, set_variables, variables,
    wait_until_ready,
};
use crate::actions::deletion::{Condemned, Course, Removed, look_before_removal, remove};
use crate::actions::deploy::cancel::{Cancelled, cancel};
use crate::actions::deploy::preflight::{
    Before, Place, is_busy, live_among, look_at, look_before, read_past,
};
use crate::actions::deploy::start_rollback::{
    Came, Rollback, earlier_success, live_before, what_came,
};
use crate::actions::manage::change::{
    Comparison, Difference, NotTurned, Turned, look_before_update, on_or_off, purge_cache,
    toggle_cdn, update,
};
use crate::actions::preview::find::{
    Listed, Match, PreviewApp, Previews, ToDelete, create_preview, find_made_preview,
    find_previews, find_previews_to_delete, list_previews, older_twin, oldest_of, other_repository,
    pull_request_of, several,
};
use crate::actions::preview::request_deletion::{
    Deleted, delete_known_preview, delete_preview, look_before_deletion, refuse_no_preview,
};
use crate::actions::promote::start::{Aim, Target, look_before_promotion, promote};
use crate::actions::resolve::Work;
use crate::deployment::{Deployment, Service, ServiceKind};
use crate::messages::Failure;
use crate::report::Event;
use crate::secret::HookUrl;
use crate::sevalla::operation::{LIST_DEPLOYMENTS, LIST_STATIC_SITE_DEPLOYMENTS, Operation};
use crate::sevalla::{ApiError, Client, Patience};

/// How many past deployments are read before the start.
pub const HISTORY: usize = 50;

/// Tells an event.
pub type Tell<'a> = &'a dyn Fn(Event<'_>);

/// What the change has led to.
#[derive(Debug)]
pub enum Started {
    /// A deployment whose id is known.
    Known(Service, Box<Deployment>),
    /// A deployment whose id the service did not tell.
    Unseen,
}

/// Why nothing was started, or cannot be told to have been.
#[derive(Debug)]
pub enum TriggerError {
    /// A request failed.
    Api(ApiError),
    /// The service is in a state in which a deployment makes no sense.
    Refused(Refused),
    /// Something went wrong with one of several targets, or while a part was
    /// done that needs naming.
    At(String, Box<Self>),
    /// The request was accepted, but which deployment it started is not to be
    /// told.
    Unidentified(Search),
    /// The answer was lost, and what there is now does not tell what happened.
    Ambiguous {
        /// How the answer was lost.
        lost: Box<ApiError>,
        /// Why looking did not help.
        search: Search,
    },
}

/// Why a change makes no sense as things are.
#[derive(Debug)]
pub struct Refused {
    /// What it is about.
    pub failure: Failure,
    /// What is wrong.
    pub reason: String,
    /// What to do about it.
    pub hint: String,
}

/// Why it cannot be told whether a lost request took effect.
#[derive(Debug)]
pub enum Search {
    /// Several new ones could be ours.
    Several {
        /// What a person recognises each of them by.
        candidates: Vec<String>,
        /// What they are, in a sentence.
        noun: &'static str,
    },
    /// There is none.
    None {
        /// How often the request was sent.
        sent: u32,
        /// What was looked for, in a sentence.
        noun: &'static str,
    },
    /// The list could not be read.
    Failed(Box<ApiError>),
    /// Looking needs a key, an application, or the list from before.
    Impossible,
}

impl TriggerError {
    /// A change that makes no sense as things are.
    pub fn refused(failure: Failure, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused(Refused {
            failure,
            reason: reason.into(),
            hint: hint.into(),
        })
    }

    /// The same, which happened at this place.
    #[must_use]
    pub fn at(self, place: impl Into<String>) -> Self {
        Self::At(place.into(), Box::new(self))
    }

    /// The request that failed, wherever that was.
    pub fn failed_request(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            Self::At(_, error) => error.failed_request(),
            Self::Refused(_) | Self::Unidentified(_) | Self::Ambiguous { .. } => None,
        }
    }

    /// The status of the answer, if there was one that refused.
    pub fn status(&self) -> Option<u16> {
        self.failed_request()?.status()
    }
}

impl From<ApiError> for TriggerError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

/// Makes the change, at most once.
pub async fn start(
    client: &Client,
    work: &Work,
    is_followed: bool,
    before: &Before,
    tell: Tell<'_>,
) -> Result<Started, TriggerError> {
    let patience = Patience::FOR_A_WRITE;
    let started = match work {
        Work::CallHook { hook, app } => {
            call_hook(client, hook, *app, is_followed, before, tell).await?
        }
        Work::DeployApplication { app, order } => {
            let send = async || client.trigger_deployment(*app, order, patience).await;
            once(client, Service::application(*app), before, send, tell).await?
        }
        Work::DeployStaticSite { site, branch } => {
            // What the user asked for, also where the site could not be read.
            let branch = branch.as_deref().or(before.wanted.branch.as_deref());
            let send = async || client.deploy_static_site(*site, branch, patience).await;
            once(client, Service::static_site(*site), before, send, tell).await?
        }
        Work::RollBackApplication { app, .. } => match &before.rollback {
            Some(rollback) => rollback.start(client, *app, before, tell).await?,
            None => return Err(crate::actions::deploy::start_rollback::nothing_earlier()),
        },
        Work::RollBackStaticSite { site, to } => {
            let send = async || client.roll_back_static_site(*site, to, patience).await;
            once(client, Service::static_site(*site), before, send, tell).await?
        }
    };
    if let Started::Known(service, deployment) = &started {
        tell(Event::Started(*service, deployment));
    }
    Ok(started)
}

/// Starts a deployment of a service by a request of the API.
async fn once(
    client: &Client,
    service: Service,
    before: &Before,
    send: impl AsyncFn() -> Result<Deployment, ApiError>,
    tell: Tell<'_>,
) -> Result<Started, TriggerError> {
    let find = async || search(client, service, before).await;
    let named = at_most_once(send, find, client, tell).await?;
    // Accepted, and yet one that had ended is no new one, whoever names it.
    let deployment = if before.had_ended(&named.id) {
        find_one(find, client).await?
    } else if named.id.is_uuid() {
        named
    } else {
        identify(named, find, client).await?
    };
    Ok(Started::Known(service, Box::new(deployment)))
}

/// Finds the deployment that an answer names by what is no id of the API: the
/// one that is listed by that name, or else the one that is ours. Where nothing
/// can be looked up, the name is all there is.
async fn identify(
    named: Deployment,
    find: impl AsyncFn() -> Result<Option<Vec<Found<Deployment>>>, ApiError>,
    client: &Client,
) -> Result<Deployment, TriggerError> {
    let find = async || {
        let mut all = find().await?;
        if let Some(all) = &mut all
            && let Some(at) = all.iter().position(|found| found.it.id == named.id)
        {
            *all = vec![Found::ours(all.swap_remove(at).it)];
        }
        Ok(all)
    };
    match find_one(find, client).await {
        Err(TriggerError::Unidentified(Search::Impossible)) => Ok(named),
        Err(error) => Err(error.at(format!(
            "The answer names it {:?}, which is no id of a deployment",
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
    before: &Before,
    tell: Tell<'_>,
) -> Result<Started, TriggerError> {
    let service = app.map(Service::application);
    let look = async || match service {
        Some(service) => search(client, service, before).await,
        None => Ok(None),
    };
    let send = async || client.call_hook(hook, Patience::FOR_A_WRITE).await;
    let find = async || {
        let by_id = |found: Found<Deployment>| Found {
            it: Some(found.it.id),
            whose: found.whose,
        };
        let all = look().await?;
        Ok(all.map(|all| all.into_iter().map(by_id).collect()))
    };
    let id = at_most_once(send, find, client, tell).await?;
    let Some(service) = service else {
        return Ok(Started::Unseen);
    };
    let deployment = match id {
        Some(id) if id.is_uuid() => Deployment::only_its_id(id),
        Some(id) => identify(Deployment::only_its_id(id), look, client).await?,
        None if !is_followed => return Ok(Started::Unseen),
        None => find_one(look, client).await?,
    };
    Ok(Started::Known(service, Box::new(deployment)))
}

/// The new deployments, and whose each is; `None` when that cannot be looked
/// up.
async fn search(
    client: &Client,
    service: Service,
    before: &Before,
) -> Result<Option<Vec<Found<Deployment>>>, ApiError> {
    let Some(mark) = &before.mark else {
        return Ok(None);
    };
    let now = client
        .lingering()
        .deployments_and_unreadable(service, HISTORY, Patience::FOR_A_SEARCH)
        .await?;
    if mark.is_missing_from(&now) {
        return Err(ApiError::incomplete_list(list_of(service)));
    }
    let new = now.into_iter().filter(|deployment| mark.is_new(deployment));
    let judged = new.map(|deployment| Found {
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
pub async fn find_started(
    client: &Client,
    service: Service,
    before: &Before,
) -> Option<Deployment> {
    search_to_the_end(client, async || search(client, service, before).await).await
}

/// The same for the first deployment of a service that was just made: the
/// service starts it by itself.
pub async fn find_first(client: &Client, service: Service) -> Option<Deployment> {
    let all = async || {
        let all = client.deployments(service, HISTORY, Patience::FOR_A_SEARCH);
        // The oldest: what came after it is somebody else's.
        let first = all.await?.pop().map(Found::ours);
        Ok(Some(first.into_iter().collect()))
    };
    search_to_the_end(client, all).await
}
