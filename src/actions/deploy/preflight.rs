//! What is read before a change: whether it makes sense, and the high-water
//! mark by which its effect is recognized later.

use uuid::Uuid;

use crate::actions::deploy::auto_deploy::{is_default, warn_of_auto_deploy, warn_of_double};
use crate::actions::deploy::baseline::Baseline;
use crate::actions::deploy::matcher::{DeployKind, DeploymentMatcher};
use crate::actions::deploy::past::{is_busy, live_among, read_past, successes};
use crate::actions::deploy::start::HISTORY;
use crate::actions::deploy::start_rollback::{self, Rollback};
use crate::actions::error::{Report, TriggerError};
use crate::actions::journaling::WriteEntry;
use crate::actions::resolve::Plan;
use crate::actions::task::DeployOperation;
use crate::deployment::{DeploySource, Deployment, DeploymentId, Service};
use crate::event::EventKind;
use crate::forecast::history::History;
use crate::inputs::WhenBusy;
use crate::messages::{Failure, Warning};
use crate::outcome::PreviouslyLive;
use crate::sevalla::{Application, Client, Patience, StaticSite};

/// What was read before the change.
#[derive(Debug, Default)]
pub(crate) struct Preflight {
    /// The host of a static site.
    pub host: Option<String>,
    /// What will be deployed, in words.
    pub order: String,
    /// Whether an image is deployed that is built elsewhere, which has no commit.
    pub is_image: bool,
    /// The deployment that is live, if one is among those that were read.
    pub live: Option<Deployment>,
    /// Whether anything is live.
    pub live_before: PreviouslyLive,
    /// How long past deployments took, as far as they were read.
    pub past: History,
    /// The deployments that were read, newest first.
    pub listed: Vec<Deployment>,
    /// The deployments that wait or run, newest first.
    pub busy: Vec<Deployment>,
    /// How an application is rolled back, where that is to be done.
    pub rollback: Option<Rollback>,
    /// The deployments there were; `None` if they could not be read.
    pub(crate) mark: Option<Baseline>,
    pub(crate) wanted: DeploymentMatcher,
    /// What the journal says of the change.
    pub(crate) entry: WriteEntry,
}

/// Reads what the change needs to know: the record, and the deployments there
/// are. Refuses a service that is suspended or being deleted.
pub(crate) async fn preflight(
    client: &Client,
    plan: &Plan,
    work: &DeployOperation,
    report: Report<'_>,
) -> Result<Preflight, TriggerError> {
    let before = match work {
        DeployOperation::DeployApplication { app, .. }
        | DeployOperation::RollBackApplication { app, .. } => {
            look_at_application(client, work, *app, report).await
        }
        DeployOperation::DeployStaticSite { site, .. }
        | DeployOperation::RollBackStaticSite { site, .. } => {
            look_at_static_site(client, work, *site, report).await
        }
        DeployOperation::CallHook { app, .. } => match (app, &plan.token) {
            (Some(app), Some(_)) => look_at_application(client, work, *app, report).await,
            _ => Ok(Preflight {
                order: "whatever the hook deploys".to_owned(),
                ..Preflight::default()
            }),
        },
    };
    match before {
        Err(TriggerError::Api(error))
            if error.status() == Some(403) && !needs_reads(plan, work) =>
        {
            report(EventKind::Warning(
                Warning::KeyCannotRead,
                "The key may not read what it deploys, so the run could not find out whether a \
                 start took effect whose answer got lost.",
            ));
            Ok(Preflight::default())
        }
        other => other,
    }
}

/// A key that may deploy but not read is enough for a trigger alone.
fn needs_reads(plan: &Plan, work: &DeployOperation) -> bool {
    let is_queued = plan.when_busy == WhenBusy::Queue;
    plan.follow || plan.dry_run || !is_queued || work.is_rollback()
}

async fn look_at_application(
    client: &Client,
    work: &DeployOperation,
    app: Uuid,
    report: Report<'_>,
) -> Result<Preflight, TriggerError> {
    let record = client
        .get_application(app, Patience::BEFORE_THE_START)
        .await?;
    let service = Service::application(app);
    report(EventKind::Target(service, record.display_name.as_deref()));
    if let Some(repository) = &record.repo_url {
        report(EventKind::BuiltFrom(repository));
    }
    refuse_unfit(&record)?;
    let wanted = wanted_of_application(work, &record);
    warn_of_auto_deploy(&record, &wanted, report);
    let past = read_past(client, service).await?;
    let kind = wanted.kind;
    let mut before = Preflight {
        is_image: record.runs_images() || wanted.docker_image.is_some(),
        ..Preflight::of(&past, wanted)
    };
    if kind.takes_a_version() {
        before.wanted = DeploymentMatcher::version(kind, before.live.as_ref());
    }
    let DeployOperation::RollBackApplication { earlier, .. } = work else {
        return Ok(before);
    };
    let before = before.with_live(client, service, &past).await?;
    report_live(before.live.as_ref(), report);
    start_rollback::plan(client, &record, app, earlier, &past, before).await
}

async fn look_at_static_site(
    client: &Client,
    work: &DeployOperation,
    site: Uuid,
    report: Report<'_>,
) -> Result<Preflight, TriggerError> {
    let record: StaticSite = client
        .get_static_site(site, Patience::BEFORE_THE_START)
        .await?;
    let service = Service::static_site(site);
    report(EventKind::Target(service, record.display_name.as_deref()));
    if let Some(repository) = &record.repo_url {
        report(EventKind::BuiltFrom(repository));
    }
    refuse_if_gone("static site", record.status.as_deref())?;
    let wanted = match work {
        DeployOperation::DeployStaticSite { branch, .. } => {
            let branch = branch.clone().or_else(|| record.default_branch.clone());
            if record.auto_deploy && is_default(branch.as_deref(), record.default_branch.as_deref())
            {
                warn_of_double(branch.as_deref(), report);
            }
            DeploymentMatcher {
                branch,
                ..DeploymentMatcher::default()
            }
        }
        _ => DeploymentMatcher {
            kind: DeployKind::Rollback,
            ..DeploymentMatcher::default()
        },
    };
    let past = read_past(client, service).await?;
    let before = Preflight {
        host: record.hostname,
        ..Preflight::of(&past, wanted)
    };
    let DeployOperation::RollBackStaticSite { to, .. } = work else {
        return Ok(before);
    };
    let before = before.with_live(client, service, &past).await?;
    report_live(before.live.as_ref(), report);
    if let Some(earlier) = past.iter().find(|deployment| deployment.id == *to) {
        start_rollback::refuse_unless_success(earlier)?;
    }
    Ok(before.going_back(to, &past))
}

impl Preflight {
    /// What these newest deployments show.
    pub(crate) fn of(past: &[Deployment], wanted: DeploymentMatcher) -> Self {
        let busy: Vec<Deployment> = past
            .iter()
            .filter(|other| is_busy(other))
            .cloned()
            .collect();
        let live = successes(past).next().cloned();
        Self {
            order: describe(&wanted),
            live_before: live_among(past),
            live,
            past: History::of(past),
            listed: past.to_vec(),
            busy,
            mark: Some(Baseline::of(past)),
            wanted,
            ..Self::default()
        }
    }

    /// Takes these newest deployments for those that were read before.
    pub(crate) fn read_again(&mut self, past: &[Deployment]) {
        let now = Self::of(past, DeploymentMatcher::default());
        if now.live.is_some() {
            (self.live, self.live_before) = (now.live, now.live_before);
        }
        (self.listed, self.busy) = (now.listed, now.busy);
        (self.past, self.mark) = (now.past, now.mark);
    }

    /// Adds what is live where that was deployed before the newest ones.
    async fn with_live(
        self,
        client: &Client,
        service: Service,
        past: &[Deployment],
    ) -> Result<Self, TriggerError> {
        if self.live.is_some() || past.len() < HISTORY {
            return Ok(self);
        }
        let live = start_rollback::live(client, service).await?;
        Ok(Self {
            live_before: match (self.live_before, &live) {
                (PreviouslyLive::NotAmong { .. }, Some(_)) => PreviouslyLive::Something,
                (known, _) => known,
            },
            live,
            ..self
        })
    }

    /// The branch whose tip will be deployed, if it is one.
    pub(crate) fn branch(&self) -> Option<&str> {
        let branch = self.wanted.branch.as_deref();
        branch.filter(|_| !self.wanted.kind.takes_a_version())
    }

    /// Those that wait or run and deploy the same.
    pub(crate) fn same(&self) -> impl Iterator<Item = &Deployment> {
        self.busy.iter().filter(|other| self.wanted.is_same(other))
    }

    /// Whether a deployment was there before and did not run any more.
    pub(crate) fn had_ended(&self, id: &DeploymentId) -> bool {
        let was_there = self.mark.as_ref().is_some_and(|mark| mark.knows(id));
        was_there && !self.busy.iter().any(|busy| busy.id == *id)
    }

    /// Adds how an application is rolled back.
    pub(crate) fn rolling_back(self, rollback: Rollback) -> Self {
        Self {
            order: rollback.order(),
            wanted: rollback.wanted(self.live.as_ref()),
            rollback: Some(rollback),
            ..self
        }
    }

    /// Adds what is known of the earlier deployment to go back to.
    fn going_back(mut self, to: &DeploymentId, past: &[Deployment]) -> Self {
        let earlier = past.iter().find(|deployment| deployment.id == *to);
        self.order = match earlier.and_then(Deployment::made_from) {
            Some(source) => format!("deployment {to} again ({source})"),
            None => format!("deployment {to} again"),
        };
        self.wanted = DeploymentMatcher::version(DeployKind::Rollback, earlier);
        self
    }
}

fn report_live(live: Option<&Deployment>, report: Report<'_>) {
    if let Some(live) = live {
        report(EventKind::Note(&format!("Live now: {}", live.summary())));
    }
}

/// Refuses an application that cannot be deployed.
pub(crate) fn refuse_unfit(record: &Application) -> Result<(), TriggerError> {
    refuse_if_gone("application", record.status.as_deref())?;
    if record.is_suspended {
        return Err(TriggerError::refused(
            Failure::SuspendedApplication,
            "The application is suspended: its processes are stopped, and a deployment would not start them",
            "Activate it in the dashboard, then run again",
        ));
    }
    Ok(())
}

fn refuse_if_gone(noun: &str, status: Option<&str>) -> Result<(), TriggerError> {
    if status != Some("deleting") {
        return Ok(());
    }
    Err(TriggerError::refused(
        Failure::BeingDeleted,
        format!("The {noun} is being deleted"),
        "Check that the id is the one you mean",
    ))
}

fn wanted_of_application(work: &DeployOperation, record: &Application) -> DeploymentMatcher {
    let by_default = DeploySource::default();
    let (kind, order) = match work {
        DeployOperation::RollBackApplication { .. } => (DeployKind::Rollback, &by_default),
        DeployOperation::DeployApplication { order, .. } if order.restart => {
            (DeployKind::Restart, order)
        }
        DeployOperation::DeployApplication { order, .. } => (DeployKind::Deploy, order),
        _ => (DeployKind::Hook, &by_default),
    };
    // A restart or a rollback takes what there was.
    if matches!(kind, DeployKind::Restart | DeployKind::Rollback) {
        return DeploymentMatcher {
            kind,
            ..DeploymentMatcher::default()
        };
    }
    // Without a branch the default is built.
    let is_image = record.runs_images();
    let default_branch = record.default_branch.clone().filter(|_| !is_image);
    let own_image = record.docker_image.clone().filter(|_| is_image);
    DeploymentMatcher {
        branch: order.branch.clone().or(default_branch),
        docker_image: order.docker_image.clone().or(own_image),
        commit: None,
        kind,
        alternatives: Vec::new(),
    }
}

fn describe(wanted: &DeploymentMatcher) -> String {
    match (wanted.kind, &wanted.branch, &wanted.docker_image) {
        (DeployKind::Restart, ..) => {
            "the last successful artifact again, without a build".to_owned()
        }
        (DeployKind::Rollback, ..) => "an earlier deployment again".to_owned(),
        (DeployKind::Promotion, ..) => "what the source runs".to_owned(),
        (_, _, Some(image)) => format!("image {image}"),
        (_, Some(branch), None) => format!("branch {branch}"),
        (_, None, None) => "the default branch".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde_json::{Value, json};

    use super::*;
    use crate::actions::task::EarlierDeployment;
    use crate::deployment::Status;
    use crate::messages::Failure;

    fn seen(id: &str, status: Status) -> Deployment {
        Deployment {
            status,
            ..Deployment::only_its_id(DeploymentId(id.to_owned()))
        }
    }

    fn preview(deployment: Deployment) -> Deployment {
        Deployment {
            is_preview: true,
            ..deployment
        }
    }

    /// A record with these fields, and ordinary ones besides.
    fn record(mut fields: Value) -> Application {
        for (name, value) in [
            ("id", "a"),
            ("source", "privateGit"),
            ("default_branch", "main"),
        ] {
            let fields = fields.as_object_mut().unwrap();
            fields.entry(name).or_insert_with(|| json!(value));
        }
        serde_json::from_value(fields).unwrap()
    }

    fn deploys(order: DeploySource) -> DeployOperation {
        DeployOperation::DeployApplication {
            app: Uuid::nil(),
            order,
        }
    }

    #[test]
    fn what_has_not_ended_and_is_ours_is_busy() {
        let ended = Deployment {
            finished_at: jiff::Timestamp::from_second(1).ok(),
            ..seen("a", Status::InProgress)
        };
        for (deployment, busy) in [
            (seen("a", Status::Waiting), true),
            (seen("a", Status::InProgress), true),
            (seen("a", Status::Absent), true),
            (seen("a", Status::Success), false),
            (seen("a", Status::Failed), false),
            (ended, false),
            (preview(seen("a", Status::InProgress)), false),
        ] {
            assert_eq!(is_busy(&deployment), busy, "{deployment:?}");
        }
    }

    #[test]
    fn what_there_is_says_what_is_live_and_what_is_in_the_way() {
        let of_branch = |id, status, branch: &str| Deployment {
            branch: Some(branch.to_owned()),
            ..seen(id, status)
        };
        let past = [
            of_branch("5", Status::Waiting, "main"),
            of_branch("4", Status::InProgress, "other"),
            preview(of_branch("3", Status::Success, "main")),
            of_branch("2", Status::Success, "main"),
            of_branch("1", Status::Success, "main"),
        ];
        let wanted = DeploymentMatcher {
            branch: Some("main".to_owned()),
            ..DeploymentMatcher::default()
        };
        let before = Preflight::of(&past, wanted);
        let ids = |all: &mut dyn Iterator<Item = &Deployment>| {
            all.map(|each| each.id.0.clone()).collect::<Vec<_>>()
        };
        assert_eq!(ids(&mut before.live.iter()), ["2"]);
        assert_eq!(ids(&mut before.busy.iter()), ["5", "4"]);
        assert_eq!(ids(&mut before.same()), ["5"]);
        assert_eq!(before.branch(), Some("main"));
        assert_eq!(before.order, "branch main");
        let of = |count| Preflight::of(&past[..count], DeploymentMatcher::default()).live_before;
        assert_eq!(before.live_before, PreviouslyLive::Something);
        assert_eq!(
            [of(0), of(2)],
            [PreviouslyLive::Nothing { read: 0 }, PreviouslyLive::Unknown]
        );
        let failed = Preflight::of(&[seen("1", Status::Failed)], DeploymentMatcher::default());
        assert_eq!(failed.live_before, PreviouslyLive::Nothing { read: 1 });
        let failed = vec![seen("1", Status::Failed); HISTORY];
        let failed = Preflight::of(&failed, DeploymentMatcher::default());
        assert_eq!(
            failed.live_before,
            PreviouslyLive::NotAmong { read: HISTORY }
        );
        let mark = before.mark.as_ref().unwrap();
        assert!(!mark.is_new(&past[4]) && mark.is_new(&seen("6", Status::Waiting)));
    }

    #[test]
    fn to_go_back_is_to_deploy_an_earlier_one_again() {
        let earlier = Deployment {
            branch: Some("main".to_owned()),
            commit_sha: Some("0123456789abcdef".to_owned()),
            ..seen("1", Status::Success)
        };
        let past = [seen("2", Status::Success), earlier];
        let back = |to: &str| {
            let before = Preflight::of(&past, DeploymentMatcher::default());
            before.going_back(&DeploymentId(to.to_owned()), &past)
        };
        let known = back("1");
        assert_eq!(known.order, "deployment 1 again (main at 012345678)");
        assert_eq!(known.wanted.commit.as_deref(), Some("0123456789abcdef"));
        // Long ago: not among those that were read.
        let unknown = back("0");
        assert_eq!(unknown.order, "deployment 0 again");
        assert_eq!(unknown.wanted.commit, None);
    }

    #[test]
    fn what_is_wanted_follows_from_the_order_and_the_record() {
        let image = record(json!({ "source": "dockerImage", "docker_image": "shop:1" }));
        let git = record(json!({ "docker_image": "left:over" }));
        let order = |branch: Option<&str>, image: Option<&str>| {
            deploys(DeploySource {
                branch: branch.map(str::to_owned),
                docker_image: image.map(str::to_owned),
                restart: false,
            })
        };
        let restart = deploys(DeploySource {
            restart: true,
            ..DeploySource::default()
        });
        let back = DeployOperation::RollBackApplication {
            app: Uuid::nil(),
            earlier: EarlierDeployment::named(DeploymentId("1".to_owned())),
        };
        for (work, record, words) in [
            (&order(None, None), &git, "branch main"),
            (&order(Some("next"), None), &git, "branch next"),
            (&order(None, None), &image, "image shop:1"),
            (&order(None, Some("shop:2")), &image, "image shop:2"),
            (
                &order(None, None),
                &record_without_branch(),
                "the default branch",
            ),
            (
                &restart,
                &git,
                "the last successful artifact again, without a build",
            ),
            (&back, &git, "an earlier deployment again"),
        ] {
            assert_eq!(describe(&wanted_of_application(work, record)), words);
        }
        let restarted = wanted_of_application(&restart, &git);
        assert_eq!((restarted.branch, restarted.docker_image), (None, None));
    }

    fn record_without_branch() -> Application {
        record(json!({ "default_branch": null }))
    }

    #[test]
    fn what_cannot_be_deployed_is_refused() {
        let refused = |more| match refuse_unfit(&record(more)) {
            Err(TriggerError::Refused(refused)) => Some(refused.failure),
            Err(other) => panic!("{other:?}"),
            Ok(()) => None,
        };
        assert_eq!(refused(json!({ "status": "deploymentFailed" })), None);
        let deleting = json!({ "status": "deleting" });
        assert_eq!(refused(deleting), Some(Failure::BeingDeleted));
        let suspended = json!({ "is_suspended": true });
        assert_eq!(refused(suspended), Some(Failure::SuspendedApplication));
    }

    #[test]
    fn who_deploys_twice_is_warned() {
        let other = deploys(DeploySource {
            branch: Some("next".to_owned()),
            ..DeploySource::default()
        });
        let restart = deploys(DeploySource {
            restart: true,
            ..DeploySource::default()
        });
        let plain = deploys(DeploySource::default());
        let spelled = deploys(DeploySource {
            branch: Some("refs/heads/main".to_owned()),
            ..DeploySource::default()
        });
        let auto = json!({ "auto_deploy": true });
        for (work, more, warned) in [
            (&plain, auto.clone(), true),
            (&spelled, auto.clone(), true),
            (&plain, json!({}), false),
            (
                &plain,
                json!({ "auto_deploy": true, "source": "publicGit" }),
                false,
            ),
            (&other, auto.clone(), false),
            (&restart, auto, false),
        ] {
            let record = record(more);
            let reported = RefCell::new(Vec::new());
            let report = |event: EventKind<'_>| {
                if let EventKind::Warning(warning, text) = event {
                    reported.borrow_mut().push((warning, text.to_owned()));
                }
            };
            warn_of_auto_deploy(&record, &wanted_of_application(work, &record), &report);
            let reported = reported.into_inner();
            assert_eq!(reported.len(), usize::from(warned), "{work:?} {record:?}");
            let is_right = |(warning, text): &(Warning, String)| {
                *warning == Warning::DeployedTwice && text.contains("main")
            };
            assert!(reported.iter().all(is_right), "{reported:?}");
        }
    }
}
