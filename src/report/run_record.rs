//! The facts of a run so far, from which outputs, summary, comment and files are
//! made.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use crate::ci::{Facts, Repository};
use crate::deployment::{Deployment, DeploymentId, Service, Status, Verdict};
use crate::event::{Event, EventKind, Phase, StackOutput, State};
use crate::forecast::history::TypicalDuration;
use crate::inputs::ActionName;
use crate::messages::Warning;
use crate::report::console::state;
use crate::report::timeline::{Lane, Span, Timeline, TimelineInput};
use crate::secret::Password;
use crate::sevalla::Metrics;

/// The facts of a run. The reporter makes it and applies every event to it.
pub(crate) struct RunRecord {
    began: RunClock,
    /// The action, if the input names one.
    pub(super) action: Option<ActionName>,
    /// How often a request was sent again.
    pub(super) retries: u32,
    pub(super) facts: Facts,
    pub(super) warnings: Vec<(Warning, String)>,
    /// The one service that is deployed, where it is one.
    own: ServiceRecord,
    /// The targets of a promotion.
    pub(super) targets: Vec<ServiceRecord>,
    /// The preview app, and whether this run has made it.
    pub(super) preview: Option<(Uuid, bool)>,
    /// The database, and whether this run has made it.
    pub(super) database: Option<(Uuid, Option<bool>)>,
    /// A password that is an output.
    pub(super) password: Option<Password>,
    /// What was found, as JSON.
    pub(super) result: Option<String>,
    /// What later jobs read of a stack, as JSON.
    pub(super) stack: Vec<(StackOutput, String)>,
    /// Whether a signal asked the run to end.
    pub(super) is_stopping: bool,
}

/// When the run began. Later moments are measured from here by a clock that is
/// never set.
#[derive(Debug, Clone, Copy)]
struct RunClock {
    wall: Timestamp,
    moment: Instant,
}

impl RunClock {
    fn at(self, moment: Instant) -> Timestamp {
        let since = moment.saturating_duration_since(self.moment);
        self.wall.checked_add(since).unwrap_or(self.wall)
    }
}

/// A phase of the run itself, such as a health check.
#[derive(Debug, Clone, Copy)]
struct RunStep {
    phase: Phase,
    begin: Instant,
    end: Option<(Instant, State)>,
}

/// How a service of a stack ended.
pub(super) struct MemberRecord {
    pub(super) word: &'static str,
    pub(super) text: String,
    pub(super) is_bad: bool,
    is_critical: bool,
}

/// The facts of one service. The run record makes one for each.
#[derive(Default)]
pub(crate) struct ServiceRecord {
    pub(super) service: Option<Service>,
    pub(super) name: Option<String>,
    /// Whether the name is that of a stack file.
    is_member: bool,
    /// How it ended in a stack.
    pub(super) end: Option<MemberRecord>,
    pub(super) deployment: Option<Deployment>,
    pub(super) url: Option<String>,
    /// What it is built from, where its code host is known.
    pub(super) repository: Option<Repository>,
    /// How long similar deployments usually take.
    pub(super) usual: Option<TypicalDuration>,
    /// The requests to it before this deployment was live, and afterwards.
    pub(super) metrics: [Option<Metrics>; 2],
    /// The deployment that went back to what was live before.
    pub(super) rollback: Option<DeploymentId>,
    /// The rollback's deployment once it has succeeded: it is live now.
    restored: Option<Deployment>,
    /// Whether this run is cancelling it, or has tried to.
    pub(super) is_cancelling: bool,
    /// When we knew that it was started.
    started: Option<Instant>,
    /// Whether this run has asked for it.
    is_ours: bool,
    /// When we last saw it in the queue.
    waiting: Option<Instant>,
    /// When we first saw it out of the queue.
    running: Option<Instant>,
    /// When we last saw that it had not ended.
    going_on: Option<Instant>,
    /// When we first saw it ended.
    ended: Option<Instant>,
    /// What this run has done itself, in its order.
    steps: Vec<RunStep>,
}

impl RunRecord {
    /// A record of a run that begins now, at `wall` by this machine's clock.
    pub(super) fn new(facts: Facts, wall: Timestamp) -> Self {
        let moment = Instant::now();
        Self {
            began: RunClock { wall, moment },
            action: None,
            retries: 0,
            facts,
            warnings: Vec::new(),
            own: ServiceRecord::default(),
            targets: Vec::new(),
            preview: None,
            database: None,
            password: None,
            result: None,
            stack: Vec::new(),
            is_stopping: false,
        }
    }

    /// Whether this event shows a deployment as it was seen last.
    pub(super) fn is_duplicate(&self, event: Event<'_>) -> bool {
        let service_record = match event.service {
            Some(service) => self.target(service),
            None => Some(&self.own),
        };
        let last = service_record.and_then(|service_record| service_record.deployment.as_ref());
        let (Some(last), EventKind::Seen(now)) = (last, event.kind) else {
            return false;
        };
        last.id == now.id && state(last) == state(now)
    }

    /// Adds what an event reports.
    pub(super) fn apply(&mut self, event: Event<'_>) {
        match event.kind {
            EventKind::Retrying(..) => self.retries += 1,
            EventKind::PreviewApp { app, name, is_new } => {
                self.preview = Some((app, is_new));
                let target = EventKind::Target(Service::application(app), name);
                self.own.apply(target);
            }
            EventKind::PreviewGone => self.own.url = None,
            EventKind::Database { id, is_new } => self.database = Some((id, is_new)),
            EventKind::Password(password) => self.password = Some(password.clone()),
            EventKind::Result(json) => self.result = Some(json.to_owned()),
            EventKind::Stack(output, json) => self.stack.push((output, json.to_owned())),
            EventKind::Stopping(..) => self.is_stopping = true,
            kind => match event.service {
                Some(service) => self.target_mut(service).apply(kind),
                None => self.own.apply(kind),
            },
        }
    }

    /// What later jobs read of a stack.
    pub(super) fn stack_output(&self, name: &str) -> Option<&str> {
        let mut all = self.stack.iter().rev();
        let (_, json) = all.find(|(output, _)| output.name() == name)?;
        Some(json)
    }

    fn target(&self, service: Service) -> Option<&ServiceRecord> {
        let mut targets = self.targets.iter();
        targets.find(|target| target.service == Some(service))
    }

    fn target_mut(&mut self, service: Service) -> &mut ServiceRecord {
        let is_it = |service_record: &ServiceRecord| service_record.service == Some(service);
        let at = self.targets.iter().position(is_it);
        let at = at.unwrap_or_else(|| {
            self.targets.push(ServiceRecord {
                service: Some(service),
                ..ServiceRecord::default()
            });
            self.targets.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found or pushed just above")]
        &mut self.targets[at]
    }

    /// Whether every deployment has succeeded.
    pub(super) fn has_only_successes(&self) -> bool {
        let mut all = self.service_records().iter();
        all.all(|service_record| service_record.verdict() == Some(Verdict::Success))
    }

    /// The name of a target, or its id.
    pub(super) fn name_of(&self, service: Service) -> String {
        let name = self.target(service).and_then(|target| target.name.clone());
        name.unwrap_or_else(|| service.id.to_string())
    }

    /// The service that this run deploys; an empty record if there are several.
    pub(super) fn one(&self) -> &ServiceRecord {
        match self.targets.as_slice() {
            [only] if self.own.service.is_none() => only,
            _ => &self.own,
        }
    }

    /// The one service, or the targets of a promotion.
    pub(super) fn service_records(&self) -> &[ServiceRecord] {
        if self.targets.is_empty() || self.own.service.is_some() {
            std::slice::from_ref(&self.own)
        } else {
            &self.targets
        }
    }

    /// The phases so far.
    pub(super) fn timeline(&self) -> Timeline {
        let now = self.began.at(Instant::now());
        let first = self
            .targets
            .iter()
            .filter_map(|service_record| service_record.started)
            .min();
        let mut own = self.own.lane(self.began, Some(self.began.wall), None);
        // The run's way to the start of several ends where the first of them does.
        if let (Some(first), Some(last)) = (first, own.spans.last_mut())
            && last.state == State::Open
        {
            last.end = Some(self.began.at(first).max(last.begin));
            last.state = State::Done;
        }
        let targets = self.targets.iter().map(|service_record| {
            let name = service_record.name.clone();
            let id = || service_record.service.map(|service| service.id.to_string());
            let end = service_record.end.as_ref();
            Lane {
                is_critical: end.is_some_and(|end| end.is_critical),
                ..service_record.lane(self.began, None, name.or_else(id))
            }
        });
        let lanes = std::iter::once(own).chain(targets);
        Timeline {
            lanes: lanes.filter(|lane| !lane.spans.is_empty()).collect(),
            began: self.began.wall,
            now,
        }
    }
}

impl ServiceRecord {
    fn apply(&mut self, event: EventKind<'_>) {
        match event {
            EventKind::Target(service, name) => {
                self.service = Some(service);
                if !self.is_member {
                    self.name = name.map(str::to_owned);
                }
            }
            EventKind::Member(name) => {
                self.name = Some(name.to_owned());
                self.is_member = true;
            }
            EventKind::MemberEnd {
                word,
                text,
                is_bad,
                is_critical,
            } => {
                self.end = Some(MemberRecord {
                    word,
                    text: text.to_owned(),
                    is_bad,
                    is_critical,
                });
            }
            EventKind::BuiltFrom(address) => {
                self.repository = Repository::cloned_from(address);
            }
            EventKind::Started(service, deployment) | EventKind::Found(service, deployment) => {
                self.service = Some(service);
                self.started = Some(Instant::now());
                self.is_ours = matches!(event, EventKind::Started(..));
                self.see(deployment);
            }
            EventKind::Begins(phase) => self.steps.push(RunStep {
                phase,
                begin: Instant::now(),
                end: None,
            }),
            EventKind::Ends(phase, state) => self.end(phase, state),
            EventKind::Seen(deployment) => self.see(deployment),
            EventKind::TypicalDuration(usual) => self.usual = Some(usual.clone()),
            EventKind::RollingBack(rollback) => {
                self.rollback = Some(rollback.id.clone());
                if let Some(verdict) = rollback.status.verdict() {
                    if verdict == Verdict::Success {
                        self.restored = Some((*rollback).clone());
                    }
                    self.end(Phase::Rollback, State::of(verdict));
                }
            }
            EventKind::MetricsBefore(metrics) => self.note_metrics(0, metrics),
            EventKind::MetricsAfter(metrics) => self.note_metrics(1, metrics),
            EventKind::Url(url) => self.url = Some(url.to_owned()),
            EventKind::Cancelling => self.is_cancelling = true,
            _ => {}
        }
    }

    /// The first reading counts: a later one is of a rollback.
    fn note_metrics(&mut self, at: usize, metrics: &Metrics) {
        if let Some(reading) = self.metrics.get_mut(at) {
            reading.get_or_insert_with(|| metrics.clone());
        }
    }

    /// Ends the last step of this phase, if it goes on.
    fn end(&mut self, phase: Phase, state: State) {
        let mut steps = self.steps.iter_mut().rev();
        let step = steps.find(|step| step.phase == phase);
        if let Some(step) = step.filter(|step| step.end.is_none()) {
            step.end = Some((Instant::now(), state));
        }
    }

    fn see(&mut self, deployment: &Deployment) {
        let now = Some(Instant::now());
        match deployment.status {
            Status::Waiting => self.waiting = now,
            Status::InProgress => self.going_on = now,
            _ => {}
        }
        if self.running.is_none() && deployment.status == Status::InProgress {
            self.running = Some(Instant::now());
        }
        if self.ended.is_none() && deployment.status.verdict().is_some() {
            self.ended = Some(Instant::now());
        }
        self.deployment = Some(deployment.clone());
    }

    /// The phases of this service. `way` is when the preparation of its start began,
    /// where this lane shows it.
    fn lane(&self, began: RunClock, way: Option<Timestamp>, target: Option<String>) -> Lane {
        let at = |moment: Option<Instant>| moment.map(|moment| began.at(moment));
        let span = |step: &RunStep| Span {
            name: step.phase,
            begin: began.at(step.begin),
            end: step.end.map(|(end, _)| began.at(end)),
            state: step.end.map_or(State::Open, |(_, state)| state),
        };
        let own: Vec<Span> = self.steps.iter().map(span).collect();
        let input = TimelineInput {
            began: way,
            is_ours: self.is_ours,
            known: at(self.started),
            waiting: at(self.waiting),
            running: at(self.running),
            going_on: at(self.going_on),
            ended: at(self.ended),
            deployment: self.deployment.as_ref(),
            own: &own,
            now: began.at(Instant::now()),
        };
        input.lane(target)
    }

    /// What this run does itself at the moment.
    pub(super) fn doing(&self) -> Option<Phase> {
        let step = self.steps.last()?;
        step.end.is_none().then_some(step.phase)
    }

    /// What is to be shown of a target: the deployment that it got, or the one
    /// that a rollback has made live instead.
    pub(super) fn shown(&self) -> Option<&Deployment> {
        self.restored.as_ref().or(self.deployment.as_ref())
    }

    /// The deployment that was rolled back, if one was seen to be.
    pub(super) fn rolled_back_id(&self) -> Option<&DeploymentId> {
        let deployment = self.restored.as_ref().and(self.deployment.as_ref());
        deployment.map(|deployment| &deployment.id)
    }

    /// How the deployment was seen to end.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.deployment.as_ref()?.status.verdict()
    }

    /// The name of the service, or its id.
    pub(super) fn target(&self) -> Option<String> {
        let service = self.service?;
        Some(match &self.name {
            Some(name) => format!("{} {name}", service.kind.noun()),
            None => service.to_string(),
        })
    }

    /// Time in the queue: by the service's clock, or as far as we have seen it
    /// wait.
    pub(super) fn queue(&self) -> Option<Duration> {
        let deployment = self.deployment.as_ref()?;
        let by_service = deployment.queue_seconds().map(Duration::from_secs);
        let waiting = || {
            let since = self
                .started
                .filter(|_| deployment.status == Status::Waiting)?;
            // One look does not show how long it waits.
            let seen = self.waiting?.saturating_duration_since(since);
            (seen >= Duration::from_secs(1)).then(|| self.until_the_end(since))
        };
        by_service.or_else(waiting)
    }

    /// What is reported after the end does not count.
    fn until_the_end(&self, since: Instant) -> Duration {
        self.ended
            .unwrap_or_else(Instant::now)
            .saturating_duration_since(since)
    }

    /// Time from leaving the queue to the end: by the service's clock, or as
    /// far as we have seen it run.
    pub(super) fn run(&self) -> Option<Duration> {
        let deployment = self.deployment.as_ref()?;
        let by_service = deployment.run_seconds().map(Duration::from_secs);
        by_service.or_else(|| self.running.map(|since| self.until_the_end(since)))
    }
}
