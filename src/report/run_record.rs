//! What a run has found out so far: the facts for outputs and summary.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use crate::ci::Facts;
use crate::deployment::{Deployment, DeploymentId, Service, Status, Verdict};
use crate::event::{Event, Phase, State};
use crate::forecast::history::TypicalDuration;
use crate::messages::Warning;
use crate::report::console::state;
use crate::report::timeline::{Lane, Span, Timeline, TimelineInput};
use crate::secret::Password;

/// The facts of a run.
pub(crate) struct RunRecord {
    began: RunClock,
    /// What is done, in the word of the input.
    pub(super) action: Option<&'static str>,
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
    /// A password that somebody wants to know.
    pub(super) password: Option<Password>,
    /// What was found, as JSON.
    pub(super) result: Option<String>,
    /// Whether a signal asked the run to end.
    pub(super) is_stopping: bool,
}

/// When the run began. Later moments are told from here by a clock that is
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

/// Something that this run has done itself.
#[derive(Debug, Clone, Copy)]
struct RunStep {
    phase: Phase,
    begin: Instant,
    end: Option<(Instant, State)>,
}

/// The facts of one service.
#[derive(Default)]
pub(crate) struct ServiceRecord {
    pub(super) service: Option<Service>,
    pub(super) name: Option<String>,
    pub(super) deployment: Option<Deployment>,
    pub(super) url: Option<String>,
    /// How long deployments like it usually take.
    pub(super) usual: Option<TypicalDuration>,
    /// The deployment that went back to what was live before.
    pub(super) rollback: Option<DeploymentId>,
    /// The same, once it was seen to succeed: it is live now.
    rolled_back: Option<Deployment>,
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
    /// A story that begins now, which is `wall` by our clock.
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
            is_stopping: false,
        }
    }

    /// Whether this was seen before, and nothing is new about it.
    pub(super) fn has_told(&self, event: Event<'_>) -> bool {
        let (tale, event) = match event {
            Event::Of(service, event) => {
                let is_it = |tale: &&ServiceRecord| tale.service == Some(service);
                (self.targets.iter().find(is_it), *event)
            }
            event => (Some(&self.own), event),
        };
        let last = tale.and_then(|tale| tale.deployment.as_ref());
        let (Some(last), Event::Seen(now)) = (last, event) else {
            return false;
        };
        last.id == now.id && state(last) == state(now)
    }

    pub(super) fn take_in(&mut self, event: Event<'_>) {
        match event {
            Event::Of(service, event) => {
                if let Event::Retrying(..) = event {
                    self.retries += 1;
                }
                self.is_stopping |= matches!(event, Event::Stopping(..));
                self.target_mut(service).take_in(*event);
            }
            Event::Retrying(..) => self.retries += 1,
            Event::PreviewApp { app, is_new, .. } => self.preview = Some((app, is_new)),
            Event::PreviewGone => self.own.url = None,
            Event::Database { id, is_new } => self.database = Some((id, is_new)),
            Event::Password(password) => self.password = Some(password.clone()),
            Event::Result(json) => self.result = Some(json.to_owned()),
            Event::Stopping(..) => self.is_stopping = true,
            event => self.own.take_in(event),
        }
    }

    fn target_mut(&mut self, service: Service) -> &mut ServiceRecord {
        let is_it = |tale: &ServiceRecord| tale.service == Some(service);
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

    /// What people call a target.
    pub(super) fn name_of(&self, service: Service) -> String {
        let tale = self
            .targets
            .iter()
            .find(|tale| tale.service == Some(service));
        let name = tale.and_then(|tale| tale.name.clone());
        name.unwrap_or_else(|| service.id.to_string())
    }

    /// The one service that this run is about; of several, an empty tale.
    pub(super) fn one(&self) -> &ServiceRecord {
        match self.targets.as_slice() {
            [only] if self.own.service.is_none() => only,
            _ => &self.own,
        }
    }

    /// The one service, or the targets of a promotion.
    pub(super) fn tales(&self) -> &[ServiceRecord] {
        if self.targets.is_empty() || self.own.service.is_some() {
            std::slice::from_ref(&self.own)
        } else {
            &self.targets
        }
    }

    /// The phases so far.
    pub(super) fn timeline(&self) -> Timeline {
        let now = self.began.at(Instant::now());
        let first = self.targets.iter().filter_map(|tale| tale.started).min();
        let mut own = self.own.lane(self.began, Some(self.began.wall), None);
        // The run's way to the start of several ends where the first of them does.
        if let (Some(first), Some(last)) = (first, own.spans.last_mut())
            && last.state == State::Open
        {
            last.end = Some(self.began.at(first).max(last.begin));
            last.state = State::Done;
        }
        let targets = self.targets.iter().map(|tale| {
            let name = tale.name.clone();
            let id = || tale.service.map(|service| service.id.to_string());
            tale.lane(self.began, None, name.or_else(id))
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
    fn take_in(&mut self, event: Event<'_>) {
        match event {
            Event::Target(service, name) => {
                self.service = Some(service);
                self.name = name.map(str::to_owned);
            }
            Event::Started(service, deployment) | Event::Found(service, deployment) => {
                self.service = Some(service);
                self.started = Some(Instant::now());
                self.is_ours = matches!(event, Event::Started(..));
                self.see(deployment);
            }
            Event::Begins(phase) => self.steps.push(RunStep {
                phase,
                begin: Instant::now(),
                end: None,
            }),
            Event::Ends(phase, state) => self.end(phase, state),
            Event::Seen(deployment) => self.see(deployment),
            Event::TypicalDuration(usual) => self.usual = Some(usual.clone()),
            Event::RollingBack(rollback) => {
                self.rollback = Some(rollback.id.clone());
                if let Some(verdict) = rollback.status.verdict() {
                    if verdict == Verdict::Success {
                        self.rolled_back = Some((*rollback).clone());
                    }
                    self.end(Phase::Rollback, State::of(verdict));
                }
            }
            Event::Url(url) => self.url = Some(url.to_owned()),
            Event::Cancelling => self.is_cancelling = true,
            Event::Of(..)
            | Event::Warning(..)
            | Event::Note(_)
            | Event::Row(_)
            | Event::PreviewApp { .. }
            | Event::PreviewGone
            | Event::Database { .. }
            | Event::Password(_)
            | Event::Result(_)
            | Event::Stopping(..)
            | Event::StillWaiting(..)
            | Event::Doing(_)
            | Event::Retrying(..)
            | Event::Log(_)
            | Event::LogUnavailable(_)
            | Event::LogGap { .. }
            | Event::LastSuccess(_)
            | Event::LogIncomplete => {}
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

    /// The phases of this service; `way` is when the way to its start began,
    /// where that is told in this lane.
    fn lane(&self, began: RunClock, way: Option<Timestamp>, target: Option<String>) -> Lane {
        let at = |moment: Option<Instant>| moment.map(|moment| began.at(moment));
        let span = |step: &RunStep| Span {
            name: step.phase,
            begin: began.at(step.begin),
            end: step.end.map(|(end, _)| began.at(end)),
            state: step.end.map_or(State::Open, |(_, state)| state),
        };
        let own: Vec<Span> = self.steps.iter().map(span).collect();
        let record = TimelineInput {
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
        record.lane(target)
    }

    /// What this run does itself at the moment.
    pub(super) fn doing(&self) -> Option<Phase> {
        let step = self.steps.last()?;
        step.end.is_none().then_some(step.phase)
    }

    /// What is to be shown of a target: the deployment that it got, or the one
    /// that has taken it back and is live now.
    pub(super) fn shown(&self) -> Option<&Deployment> {
        self.rolled_back.as_ref().or(self.deployment.as_ref())
    }

    /// The deployment that was taken back, if one was seen to be.
    pub(super) fn undone(&self) -> Option<&DeploymentId> {
        let undone = self.rolled_back.as_ref().and(self.deployment.as_ref());
        undone.map(|undone| &undone.id)
    }

    /// How the deployment was seen to end.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.deployment.as_ref()?.status.verdict()
    }

    /// The service as people call it.
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
            // Whoever has not looked again does not know how long it waits.
            let seen = self.waiting?.saturating_duration_since(since);
            (seen >= Duration::from_secs(1)).then(|| self.until_the_end(since))
        };
        by_service.or_else(waiting)
    }

    /// What is told after the end does not count.
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
