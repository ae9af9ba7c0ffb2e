//! What a run has found out so far: the facts for outputs and summary.

use std::time::Duration;

use tokio::time::Instant;

use super::Event;
use crate::ci::Facts;
use crate::deployment::{Deployment, Service, Status};
use crate::watch::past::Usual;

/// The facts of a run.
pub(super) struct Story {
    pub(super) facts: Facts,
    pub(super) service: Option<Service>,
    pub(super) name: Option<String>,
    pub(super) deployment: Option<Deployment>,
    pub(super) url: Option<String>,
    pub(super) usual: Option<Usual>,
    pub(super) warnings: Vec<String>,
    /// When we knew that it was started.
    started: Option<Instant>,
    /// When we first saw it out of the queue.
    running: Option<Instant>,
    /// When we first saw it ended.
    ended: Option<Instant>,
}

impl Story {
    pub(super) const fn new(facts: Facts) -> Self {
        Self {
            facts,
            service: None,
            name: None,
            deployment: None,
            url: None,
            usual: None,
            warnings: Vec::new(),
            started: None,
            running: None,
            ended: None,
        }
    }

    pub(super) fn take_in(&mut self, event: Event<'_>) {
        match event {
            Event::Warning(text) => self.warnings.push(text.to_owned()),
            Event::Target(service, name) => {
                self.service = Some(service);
                self.name = name.map(str::to_owned);
            }
            Event::Started(service, deployment) => {
                self.service = Some(service);
                self.started = Some(Instant::now());
                self.see(deployment);
            }
            Event::Seen(deployment) => self.see(deployment),
            Event::Usual(usual) => self.usual = Some(usual.clone()),
            Event::Url(url) => self.url = Some(url.to_owned()),
            Event::Note(_)
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
    pub(super) fn target(&self) -> String {
        match (self.service, &self.name) {
            (Some(service), Some(name)) => format!("{} {name}", service.kind.noun()),
            (Some(service), None) => service.to_string(),
            (None, _) => "the application".to_owned(),
        }
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
