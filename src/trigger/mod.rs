//! Every change this program makes on Sevalla is made from here.
//!
//! First [`look_before`] reads; then [`start`] writes, at most once; [`cancel`]
//! takes back what was started.

mod before;
mod cancel;
mod once;

use uuid::Uuid;

use self::before::HISTORY;
pub use self::before::{Before, look_before};
pub use self::cancel::{Cancelled, cancel};
use self::once::{at_most_once, find_one, search_once};
use crate::deployment::{Deployment, Service};
use crate::plan::{Plan, Work};
use crate::report::Event;
use crate::secret::HookUrl;
use crate::sevalla::{ApiError, Client, Patience};

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
    Refused {
        /// What is wrong.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// The hook was called, but which deployment it started is not to be told.
    Unidentified(Search),
    /// The answer was lost, and what there is now does not tell what happened.
    Ambiguous {
        /// How the answer was lost.
        lost: Box<ApiError>,
        /// Why looking did not help.
        search: Search,
    },
}

/// Why it cannot be told whether a lost request took effect.
#[derive(Debug)]
pub enum Search {
    /// Several new deployments could be ours.
    Several(Vec<Deployment>),
    /// There is none.
    None {
        /// How often the request was sent.
        sent: u32,
    },
    /// The list could not be read.
    Failed(Box<ApiError>),
    /// Looking needs a key, an application, or the list from before.
    Impossible,
}

impl From<ApiError> for TriggerError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

/// Makes the change the plan asks for, at most once.
pub async fn start(
    client: &Client,
    plan: &Plan,
    before: &Before,
    tell: Tell<'_>,
) -> Result<Started, TriggerError> {
    let again = || !client.is_closing();
    let started = match &plan.work {
        Work::DeployApplication { app, order } => {
            let service = Service::application(*app);
            let send = async || {
                client
                    .trigger_deployment(*app, order, Patience::FOR_A_WRITE)
                    .await
            };
            let deployment = at_most_once(
                send,
                async || search(client, service, before).await,
                again,
                tell,
            )
            .await?;
            Started::Known(service, Box::new(deployment))
        }
        Work::DeployStaticSite { site, branch } => {
            let service = Service::static_site(*site);
            // What the user asked for, also where the site could not be read.
            let branch = branch.as_deref().or(before.wanted.branch.as_deref());
            let send = async || {
                client
                    .deploy_static_site(*site, branch, Patience::FOR_A_WRITE)
                    .await
            };
            let deployment = at_most_once(
                send,
                async || search(client, service, before).await,
                again,
                tell,
            )
            .await?;
            Started::Known(service, Box::new(deployment))
        }
        Work::CallHook { hook, app } => {
            call_hook(client, hook, *app, plan.follow, before, tell).await?
        }
    };
    if let Started::Known(service, deployment) = &started {
        tell(Event::Started(*service, deployment));
    }
    Ok(started)
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
        Ok(look()
            .await?
            .map(|found| found.into_iter().map(|d| Some(d.id)).collect()))
    };
    let id = at_most_once(send, find, || !client.is_closing(), tell).await?;
    let Some(service) = service else {
        return Ok(Started::Unseen);
    };
    let deployment = match id {
        Some(id) => Deployment::only_its_id(id),
        None if !is_followed => return Ok(Started::Unseen),
        None => find_one(look, false)
            .await
            .map_err(|not_one| TriggerError::Unidentified(not_one.after(1)))?,
    };
    Ok(Started::Known(service, Box::new(deployment)))
}

/// The new deployments that could be ours; `None` when that cannot be looked up.
async fn search(
    client: &Client,
    service: Service,
    before: &Before,
) -> Result<Option<Vec<Deployment>>, ApiError> {
    let Some(mark) = &before.mark else {
        return Ok(None);
    };
    let now = client
        .deployments(service, HISTORY, Patience::FOR_A_SEARCH)
        .await?;
    let ours =
        |deployment: &Deployment| mark.is_new(deployment) && before.wanted.could_be(deployment);
    Ok(Some(now.into_iter().filter(ours).collect()))
}

/// Looks once for the deployment that a start may have made whose answer will
/// not be waited for any more.
pub async fn find_started(
    client: &Client,
    service: Service,
    before: &Before,
) -> Option<Deployment> {
    let found = search_once(async || search(client, service, before).await).await;
    found.ok().flatten()
}
