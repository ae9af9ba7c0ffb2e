//! Every change this program makes on Sevalla is made from here.
//!
//! First [`look_before`] reads; then [`start`] writes, at most once.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;
use uuid::Uuid;

use crate::deployment::{Deployment, DeploymentId, Origin, Service};
use crate::plan::{Order, Plan, Work};
use crate::report::Event;
use crate::secret::HookUrl;
use crate::sevalla::{ApiError, Application, Client, Next, Patience, StaticSite};

/// How many past deployments are read before the start.
const HISTORY: usize = 50;

/// The waits before each look for a deployment whose trigger lost its answer.
const SEARCH: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// Tells an event.
type Tell<'a> = &'a dyn Fn(Event<'_>);

/// What was read before the change.
#[derive(Debug, Default)]
pub struct Before {
    /// The host of a static site.
    pub host: Option<String>,
    /// What will be deployed, in words.
    pub order: String,
    /// The deployments there were; `None` if they could not be read.
    mark: Option<Mark>,
    wanted: Wanted,
}

/// The high-water mark: what there was before the change. What is not in it
/// is new, whatever any clock says.
#[derive(Debug, Default)]
struct Mark {
    known: HashSet<DeploymentId>,
    newest: Option<Timestamp>,
}

/// What the deployment we start looks like in a list.
#[derive(Debug, Default)]
struct Wanted {
    branch: Option<String>,
    docker_image: Option<String>,
    kind: Kind,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    #[default]
    Deploy,
    Restart,
    /// Through the hook, whose word for the trigger is not documented.
    Hook,
}

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
    /// There is none, after the request was sent a second time.
    None,
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

/// Reads what the change needs to know: the record, and the deployments there
/// are. Refuses a service that is suspended or being deleted.
pub async fn look_before(
    client: &Client,
    plan: &Plan,
    tell: Tell<'_>,
) -> Result<Before, TriggerError> {
    let before = match &plan.work {
        Work::DeployApplication { app, order } => {
            look_at_application(client, plan, *app, order, tell).await
        }
        Work::DeployStaticSite { site, branch } => {
            look_at_static_site(client, plan, *site, branch.as_deref(), tell).await
        }
        Work::CallHook { app, .. } => match (app, &plan.token) {
            (Some(app), Some(_)) => {
                look_at_application(client, plan, *app, &Order::default(), tell).await
            }
            _ => Ok(Before {
                order: "whatever the hook deploys".to_owned(),
                ..Before::default()
            }),
        },
    };
    match before {
        // A key that may deploy but not read is enough for a trigger alone.
        Err(TriggerError::Api(error))
            if error.status() == Some(403) && !plan.follow && !plan.dry_run =>
        {
            tell(Event::Warning(
                "The key may not read the service, so a lost answer could not be looked up.",
            ));
            Ok(Before::default())
        }
        other => other,
    }
}

async fn look_at_application(
    client: &Client,
    plan: &Plan,
    app: Uuid,
    order: &Order,
    tell: Tell<'_>,
) -> Result<Before, TriggerError> {
    let record = client
        .get_application(app, Patience::BEFORE_THE_START)
        .await?;
    let service = Service::application(app);
    tell(Event::Target(service, record.display_name.as_deref()));
    refuse_if_gone("application", record.status.as_deref())?;
    if record.is_suspended {
        return Err(TriggerError::Refused {
            reason: "The application is suspended: its processes are stopped, and a deployment would not start them"
                .to_owned(),
            hint: "Activate it in the dashboard, then run this again.".to_owned(),
        });
    }
    let wanted = wanted_of_application(&plan.work, order, &record);
    warn_of_auto_deploy(&record, &wanted, tell);
    Ok(Before {
        host: None,
        order: describe(&wanted),
        mark: Some(read_mark(client, service).await?),
        wanted,
    })
}

async fn look_at_static_site(
    client: &Client,
    _plan: &Plan,
    site: Uuid,
    branch: Option<&str>,
    tell: Tell<'_>,
) -> Result<Before, TriggerError> {
    let record: StaticSite = client
        .get_static_site(site, Patience::BEFORE_THE_START)
        .await?;
    let service = Service::static_site(site);
    tell(Event::Target(service, record.display_name.as_deref()));
    refuse_if_gone("static site", record.status.as_deref())?;
    let branch = branch
        .map(str::to_owned)
        .or_else(|| record.default_branch.clone());
    if record.auto_deploy && branch == record.default_branch {
        warn_of_double(branch.as_deref(), tell);
    }
    let wanted = Wanted {
        branch,
        ..Wanted::default()
    };
    Ok(Before {
        host: record.hostname,
        order: describe(&wanted),
        mark: Some(read_mark(client, service).await?),
        wanted,
    })
}

fn refuse_if_gone(noun: &str, status: Option<&str>) -> Result<(), TriggerError> {
    if status != Some("deleting") {
        return Ok(());
    }
    Err(TriggerError::Refused {
        reason: format!("The {noun} is being deleted"),
        hint: "Check that the id is the one you mean.".to_owned(),
    })
}

fn wanted_of_application(work: &Work, order: &Order, record: &Application) -> Wanted {
    let kind = match work {
        Work::CallHook { .. } => Kind::Hook,
        _ if order.restart => Kind::Restart,
        _ => Kind::Deploy,
    };
    let is_image = record.source.as_deref() == Some("dockerImage");
    // Without a branch the default is built; a restart takes what there was.
    let default_branch = record
        .default_branch
        .clone()
        .filter(|_| !is_image && kind != Kind::Restart);
    let own_image = record
        .docker_image
        .clone()
        .filter(|_| is_image && kind != Kind::Restart);
    Wanted {
        branch: order
            .branch
            .clone()
            .filter(|_| kind != Kind::Restart)
            .or(default_branch),
        docker_image: order
            .docker_image
            .clone()
            .filter(|_| kind != Kind::Restart)
            .or(own_image),
        kind,
    }
}

fn describe(wanted: &Wanted) -> String {
    match (wanted.kind, &wanted.branch, &wanted.docker_image) {
        (Kind::Restart, ..) => "the last successful artifact again, without a build".to_owned(),
        (_, _, Some(image)) => format!("image {image}"),
        (_, Some(branch), None) => format!("branch {branch}"),
        (_, None, None) => "the default branch".to_owned(),
    }
}

fn warn_of_auto_deploy(record: &Application, wanted: &Wanted, tell: Tell<'_>) {
    let is_built_on_push = record.auto_deploy && record.source.as_deref() == Some("privateGit");
    let is_that_branch = wanted.kind != Kind::Restart && wanted.branch == record.default_branch;
    if is_built_on_push && is_that_branch {
        warn_of_double(wanted.branch.as_deref(), tell);
    }
}

fn warn_of_double(branch: Option<&str>, tell: Tell<'_>) {
    tell(Event::Warning(&format!(
        "Automatic deployment is on for branch {}: a push deploys it once by itself and once by this \
         run. Switch automatic deployment off in the service's settings.",
        branch.unwrap_or("(default)")
    )));
}

async fn read_mark(client: &Client, service: Service) -> Result<Mark, ApiError> {
    let deployments = client
        .deployments(service, HISTORY, Patience::BEFORE_THE_START)
        .await?;
    Ok(Mark::of(&deployments))
}

impl Mark {
    fn of(deployments: &[Deployment]) -> Self {
        Self {
            known: deployments
                .iter()
                .map(|deployment| deployment.id.clone())
                .collect(),
            newest: deployments
                .iter()
                .filter_map(|deployment| deployment.created_at)
                .max(),
        }
    }

    /// Whether a deployment came after the mark. Both times are the service's.
    fn is_new(&self, deployment: &Deployment) -> bool {
        let is_younger = match (deployment.created_at, self.newest) {
            (Some(created), Some(newest)) => created >= newest,
            _ => true,
        };
        !self.known.contains(&deployment.id) && is_younger
    }
}

impl Wanted {
    /// Whether a deployment could be the one we asked for. What the service
    /// does not tell excludes nothing.
    fn could_be(&self, deployment: &Deployment) -> bool {
        let same_branch = agree(self.branch.as_ref(), deployment.branch.as_ref(), |a, b| {
            a == b
        });
        let same_image = agree(
            self.docker_image.as_ref(),
            deployment.docker_image.as_ref(),
            |wanted, seen| seen == wanted || seen.ends_with(&format!("/{wanted}")),
        );
        let same_kind = match (self.kind, deployment.trigger.as_deref()) {
            (_, Some("ROLLBACK_DEPLOYMENT" | "AUTO_DEPLOY_ON_PUSH")) => false,
            (Kind::Restart, Some(trigger)) => trigger != "MANUAL_DEPLOY",
            (Kind::Deploy | Kind::Hook, Some(trigger)) => trigger != "RESTART",
            (_, None) => true,
        };
        deployment.origin != Origin::Automatic && same_branch && same_image && same_kind
    }
}

fn agree<T>(wanted: Option<&T>, seen: Option<&T>, same: impl Fn(&T, &T) -> bool) -> bool {
    wanted
        .zip(seen)
        .is_none_or(|(wanted, seen)| same(wanted, seen))
}

/// Makes the change the plan asks for, at most once.
pub async fn start(
    client: &Client,
    plan: &Plan,
    before: &Before,
    tell: Tell<'_>,
) -> Result<Started, TriggerError> {
    let started = match &plan.work {
        Work::DeployApplication { app, order } => {
            let service = Service::application(*app);
            let send = async || {
                client
                    .trigger_deployment(*app, order, Patience::FOR_A_WRITE)
                    .await
            };
            let deployment =
                at_most_once(send, async || search(client, service, before).await, tell).await?;
            Started::Known(service, Box::new(deployment))
        }
        Work::DeployStaticSite { site, .. } => {
            let service = Service::static_site(*site);
            let branch = before.wanted.branch.as_deref();
            let send = async || {
                client
                    .deploy_static_site(*site, branch, Patience::FOR_A_WRITE)
                    .await
            };
            let deployment =
                at_most_once(send, async || search(client, service, before).await, tell).await?;
            Started::Known(service, Box::new(deployment))
        }
        Work::CallHook { hook, app } => call_hook(client, hook, *app, before, tell).await?,
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
    before: &Before,
    tell: Tell<'_>,
) -> Result<Started, TriggerError> {
    let service = app
        .map(Service::application)
        .filter(|_| before.mark.is_some());
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
    let id = at_most_once(send, find, tell).await?;
    let Some(service) = service else {
        return Ok(Started::Unseen);
    };
    match id {
        Some(id) => {
            let deployment = Deployment::only_its_id(id);
            Ok(Started::Known(service, Box::new(deployment)))
        }
        None => match find_one(look).await {
            Ok(deployment) => Ok(Started::Known(service, Box::new(deployment))),
            Err(_) => Ok(Started::Unseen),
        },
    }
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
        .deployments(service, HISTORY, Patience::FOR_A_WRITE)
        .await?;
    let ours =
        |deployment: &Deployment| mark.is_new(deployment) && before.wanted.could_be(deployment);
    Ok(Some(now.into_iter().filter(ours).collect()))
}

/// The one mechanism for every write that must not happen twice.
///
/// When the answer to `send` is lost, `search` lists what could be its effect.
/// Exactly one: that is it. None after a bounded time: the request had no
/// effect, and is sent once more. Anything else cannot be told.
async fn at_most_once<T: Candidate>(
    send: impl AsyncFn() -> Result<T, ApiError>,
    search: impl AsyncFn() -> Result<Option<Vec<T>>, ApiError>,
    tell: Tell<'_>,
) -> Result<T, TriggerError> {
    let mut is_second = false;
    loop {
        let lost = match send().await {
            Ok(made) => return Ok(made),
            Err(error) if error.next() == Next::Lost => error,
            Err(error) => return Err(TriggerError::Api(error)),
        };
        tell(Event::Note(&format!(
            "The answer was lost ({}). Looking whether the request took effect.",
            lost.cause
        )));
        let search = match find_one(&search).await {
            Ok(found) => {
                tell(Event::Note(
                    "It did: exactly one new deployment matches. Following that one.",
                ));
                return Ok(found);
            }
            Err(NotOne::None) if !is_second => {
                tell(Event::Note(
                    "It did not: no new deployment matches. Sending it once more.",
                ));
                is_second = true;
                continue;
            }
            Err(NotOne::None) => Search::None,
            Err(NotOne::Several(candidates)) => Search::Several(
                candidates
                    .into_iter()
                    .filter_map(Candidate::into_deployment)
                    .collect(),
            ),
            Err(NotOne::Failed(error)) => Search::Failed(Box::new(error)),
            Err(NotOne::Impossible) => Search::Impossible,
        };
        return Err(TriggerError::Ambiguous {
            lost: Box::new(lost),
            search,
        });
    }
}

/// Why a search did not find exactly one.
enum NotOne<T> {
    None,
    Several(Vec<T>),
    Failed(ApiError),
    Impossible,
}

async fn find_one<T>(
    search: impl AsyncFn() -> Result<Option<Vec<T>>, ApiError>,
) -> Result<T, NotOne<T>> {
    for wait in SEARCH {
        sleep(wait).await;
        let mut found = search()
            .await
            .map_err(NotOne::Failed)?
            .ok_or(NotOne::Impossible)?;
        if found.len() > 1 {
            return Err(NotOne::Several(found));
        }
        if let Some(one) = found.pop() {
            return Ok(one);
        }
    }
    Err(NotOne::None)
}

/// What a write may have made.
trait Candidate {
    fn into_deployment(self) -> Option<Deployment>;
}

impl Candidate for Deployment {
    fn into_deployment(self) -> Option<Deployment> {
        Some(self)
    }
}

/// A hook's answer: an id, or none.
impl Candidate for Option<DeploymentId> {
    fn into_deployment(self) -> Option<Deployment> {
        self.map(Deployment::only_its_id)
    }
}
