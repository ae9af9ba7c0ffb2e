//! What is read before a change: whether it makes sense, and the high-water
//! mark by which its effect is told apart later.

use std::collections::HashSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Tell, TriggerError};
use crate::deployment::{Deployment, DeploymentId, Origin, Service};
use crate::plan::{Order, Plan, Work};
use crate::report::Event;
use crate::sevalla::{ApiError, Application, Client, Patience, StaticSite};
use crate::watch::past::Past;

/// How many past deployments are read before the start.
pub(super) const HISTORY: usize = 50;

/// What was read before the change.
#[derive(Debug, Default)]
pub struct Before {
    /// The host of a static site.
    pub host: Option<String>,
    /// What will be deployed, in words.
    pub order: String,
    /// The deployments there were; `None` if they could not be read.
    pub(super) mark: Option<Mark>,
    pub(super) wanted: Wanted,
}

/// The high-water mark: what there was before the change. What is not in it
/// is new, whatever any clock says.
#[derive(Debug, Default)]
pub(super) struct Mark {
    known: HashSet<DeploymentId>,
    /// The oldest of them, if there were more than were read.
    oldest: Option<Timestamp>,
    /// How long they took.
    past: Past,
}

impl Before {
    /// How long past deployments took, as far as they were read.
    pub fn past(&self) -> Past {
        let mark = self.mark.as_ref();
        mark.map_or_else(Past::default, |mark| mark.past.clone())
    }
}

/// What the deployment we start looks like in a list.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) branch: Option<String>,
    docker_image: Option<String>,
    kind: Kind,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Deploy,
    Restart,
    /// Through the hook, whose word for the trigger is not documented.
    Hook,
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
            look_at_static_site(client, *site, branch.as_deref(), tell).await
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
        let is_whole = deployments.len() < HISTORY;
        Self {
            known: deployments
                .iter()
                .map(|deployment| deployment.id.clone())
                .collect(),
            oldest: deployments
                .iter()
                .filter_map(|deployment| deployment.created_at)
                .min()
                .filter(|_| !is_whole),
            past: Past::of(deployments),
        }
    }

    /// Whether a deployment came after the mark. The ids tell; only where the
    /// list was longer than what was read, an old one may slide into sight.
    /// Both times are the service's.
    pub(super) fn is_new(&self, deployment: &Deployment) -> bool {
        let is_old = deployment
            .created_at
            .zip(self.oldest)
            .is_some_and(|(created, oldest)| created < oldest);
        !self.known.contains(&deployment.id) && !is_old
    }
}

impl Wanted {
    /// Whether a deployment could be the one we asked for. What the service
    /// does not tell excludes nothing.
    pub(super) fn could_be(&self, deployment: &Deployment) -> bool {
        let same_branch = agree(
            self.branch.as_deref(),
            deployment.branch.as_deref(),
            |wanted, seen| seen.strip_prefix("refs/heads/").unwrap_or(seen) == wanted,
        );
        let same_image = agree(
            self.docker_image.as_deref(),
            deployment.docker_image.as_deref(),
            may_be_image,
        );
        let same_kind = match (self.kind, deployment.trigger.as_deref()) {
            (_, Some("ROLLBACK_DEPLOYMENT" | "AUTO_DEPLOY_ON_PUSH")) => false,
            (Kind::Deploy | Kind::Hook, Some(trigger)) => trigger != "RESTART",
            (Kind::Restart, Some(_)) | (_, None) => true,
        };
        // A hook is a webhook to the service, so its deployment may count as
        // automatic; only then.
        let same_origin = self.kind == Kind::Hook || deployment.origin != Origin::Automatic;
        same_origin && same_branch && same_image && same_kind
    }
}

fn agree(wanted: Option<&str>, seen: Option<&str>, same: impl Fn(&str, &str) -> bool) -> bool {
    wanted
        .zip(seen)
        .is_none_or(|(wanted, seen)| same(wanted, seen))
}

/// Whether the service may name the image we asked for like this: with its
/// registry, or by the digest that its tag stood for.
fn may_be_image(wanted: &str, seen: &str) -> bool {
    let ends_with = |whole: &str, end: &str| whole == end || whole.ends_with(&format!("/{end}"));
    let repository = |image: &str| {
        let name = image.split('@').next().unwrap_or(image);
        let tag = name
            .rfind(':')
            .filter(|at| !name.get(*at..).is_some_and(|tag| tag.contains('/')));
        name.get(..tag.unwrap_or(name.len()))
            .unwrap_or(name)
            .to_owned()
    };
    ends_with(seen, wanted)
        || (seen.contains('@') && ends_with(&repository(seen), &repository(wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(id: &str) -> Deployment {
        Deployment::only_its_id(DeploymentId(id.to_owned()))
    }

    fn at(second: i64, deployment: Deployment) -> Deployment {
        Deployment {
            created_at: Timestamp::from_second(second).ok(),
            ..deployment
        }
    }

    #[test]
    fn what_was_not_in_the_list_is_new_whatever_its_time() {
        let mark = Mark::of(&[at(100, seen("a")), at(90, seen("b"))]);
        assert!(mark.is_new(&at(99, seen("c"))) && mark.is_new(&seen("c")));
        assert!(!mark.is_new(&at(200, seen("a"))));
        let many: Vec<Deployment> = (0..50).map(|n| at(100 + n, seen(&n.to_string()))).collect();
        let mark = Mark::of(&many);
        assert!(mark.is_new(&at(100, seen("new"))) && !mark.is_new(&at(99, seen("old"))));
    }

    #[test]
    fn the_service_may_name_what_we_asked_for_in_its_own_way() {
        let branch = Wanted {
            branch: Some("main".to_owned()),
            ..Wanted::default()
        };
        let on = |branch: &str| Deployment {
            branch: Some(branch.to_owned()),
            ..seen("x")
        };
        assert!(branch.could_be(&on("main")) && branch.could_be(&on("refs/heads/main")));
        assert!(branch.could_be(&seen("x")) && !branch.could_be(&on("feature/main")));
        for (seen, is_ours) in [
            ("app:2", true),
            ("registry.example:5000/team/app:2", true),
            ("registry.example:5000/team/app@sha256:00", true),
            ("team/app:3", false),
            ("team/other@sha256:00", false),
            ("myapp:2", false),
        ] {
            assert_eq!(may_be_image("app:2", seen), is_ours, "{seen}");
        }
    }

    #[test]
    fn what_a_push_or_somebody_else_started_is_not_ours() {
        let by = |origin, trigger: Option<&str>| Deployment {
            origin,
            trigger: trigger.map(str::to_owned),
            ..seen("x")
        };
        let of = |kind| Wanted {
            kind,
            ..Wanted::default()
        };
        for (kind, origin, trigger, is_ours) in [
            (Kind::Deploy, Origin::Manual, Some("MANUAL_DEPLOY"), true),
            (Kind::Deploy, Origin::Unknown, None, true),
            (Kind::Deploy, Origin::Automatic, None, false),
            (Kind::Deploy, Origin::Manual, Some("RESTART"), false),
            (
                Kind::Deploy,
                Origin::Manual,
                Some("ROLLBACK_DEPLOYMENT"),
                false,
            ),
            (Kind::Restart, Origin::Manual, Some("RESTART"), true),
            (Kind::Restart, Origin::Manual, Some("MANUAL_DEPLOY"), true),
            (
                Kind::Restart,
                Origin::Manual,
                Some("ROLLBACK_DEPLOYMENT"),
                false,
            ),
            (Kind::Hook, Origin::Automatic, None, true),
            (
                Kind::Hook,
                Origin::Automatic,
                Some("AUTO_DEPLOY_ON_PUSH"),
                false,
            ),
        ] {
            assert_eq!(
                of(kind).could_be(&by(origin, trigger)),
                is_ours,
                "{kind:?} {origin:?} {trigger:?}"
            );
        }
    }
}
