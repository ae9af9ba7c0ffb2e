//! What a run has found out so far: the facts for outputs and summary.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::Event;
use crate::ci::Facts;
use crate::deployment::{Deployment, DeploymentId, Service, Status};
use crate::secret::Password;
use crate::watch::past::Usual;

/// The facts of a run.
#[derive(Default)]
pub(super) struct Story {
    pub(super) facts: Facts,
    pub(super) warnings: Vec<String>,
    /// The one service that is deployed, where it is one.
    own: Tale,
    /// The targets of a promotion.
    pub(super) targets: Vec<Tale>,
    /// The preview app, and whether this run has made it.
    pub(super) preview: Option<(Uuid, bool)>,
    /// The database, and whether this run has made it.
    pub(super) database: Option<(Uuid, Option<bool>)>,
    /// A password that somebody wants to know.
    pub(super) password: Option<Password>,
    /// What was found, as JSON.
    pub(super) result: Option<String>,
}

/// The facts of one service.
#[derive(Default)]
pub(super) struct Tale {
    pub(super) service: Option<Service>,
    pub(super) name: Option<String>,
    pub(super) deployment: Option<Deployment>,
    pub(super) url: Option<String>,
    /// How long deployments like it usually take.
    pub(super) usual: Option<Usual>,
    /// The deployment that went back to what was live before.
    pub(super) rollback: Option<DeploymentId>,
    /// When we knew that it was started.
    started: Option<Instant>,
    /// When we first saw it out of the queue.
    running: Option<Instant>,
    /// When we first saw it ended.
    ended: Option<Instant>,
}

impl Story {
    pub(super) fn new(facts: Facts) -> Self {
        Self {
            facts,
            ..Self::default()
        }
    }

    pub(super) fn take_in(&mut self, event: Event<'_>) {
        match event {
            Event::Of(service, event) => {
                if let Event::Warning(_, text) = event {
                    self.warnings.push((*text).to_owned());
                }
                self.target_mut(service).take_in(*event);
            }
            Event::Warning(_, text) => self.warnings.push(text.to_owned()),
            Event::PreviewApp { app, is_new, .. } => self.preview = Some((app, is_new)),
            Event::Database { id, is_new } => self.database = Some((id, is_new)),
            Event::Password(password) => self.password = Some(password.clone()),
            Event::Result(json) => self.result = Some(json.to_owned()),
            event => self.own.take_in(event),
        }
    }

    fn target_mut(&mut self, service: Service) -> &mut Tale {
        let is_it = |tale: &Tale| tale.service == Some(service);
        let at = self.targets.iter().position(is_it);
        let at = at.unwrap_or_else(|| {
            self.targets.push(Tale {
                service: Some(service),
                ..Tale::default()
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
    pub(super) fn one(&self) -> &Tale {
        match self.targets.as_slice() {
            [only] if self.own.service.is_none() => only,
            _ => &self.own,
        }
    }
}

impl Tale {
    fn take_in(&mut self, event: Event<'_>) {
        match event {
            Event::Target(service, name) => {
                self.service = Some(service);
                self.name = name.map(str::to_owned);
            }
            Event::Started(service, deployment) | Event::Found(service, deployment) => {
                self.service = Some(service);
                self.started = Some(Instant::now());
                self.see(deployment);
            }
            Event::Seen(deployment) => self.see(deployment),
            Event::Usual(usual) => self.usual = Some(usual.clone()),
            Event::RollingBack(rollback) => self.rollback = Some(rollback.id.clone()),
            Event::Url(url) => self.url = Some(url.to_owned()),
            Event::Of(..)
            | Event::Warning(..)
            | Event::Note(_)
            | Event::PreviewApp { .. }
            | Event::Database { .. }
            | Event::Password(_)
            | Event::Result(_)
            | Event::Stopping(_)
            | Event::StillWaiting(..)
            | Event::Retrying(..)
            | Event::Log(_)
            | Event::LogUnavailable(_)
            | Event::LogIncomplete => {}
        }
    }

    fn see(&mut self, deployment: &Deployment) {
        if self.running.is_none() && deployment.status == Status::InProgress {
            self.running = Some(Instant::now());
        }
        if self.ended.is_none() && deployment.status.verdict().is_some() {
            self.ended = Some(Instant::now());
        }
        self.deployment = Some(deployment.clone());
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
            self.started
                .filter(|_| deployment.status == Status::Waiting)
        };
        by_service.or_else(|| waiting().map(|since| self.until_the_end(since)))
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
