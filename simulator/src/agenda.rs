//! What is going to happen by itself.

use crate::clock::Moment;
use crate::deployment::Origin;
use crate::push::Push;

/// Something that happens at its time.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// A deployment of a service appears.
    Deployment {
        service: String,
        push: Push,
        origin: Origin,
    },
    /// Every service that follows the branch is deployed.
    Push(Push),
    /// A pipeline makes a preview app for a pull request.
    PreviewApp {
        pipeline: String,
        branch: String,
        pull_request: u64,
    },
}

/// Events to come.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    events: Vec<(Moment, Event)>,
}

impl Agenda {
    pub(crate) fn add(&mut self, at: Moment, event: Event) {
        self.events.push((at, event));
        // Stable: what was planned first for a time happens first.
        self.events.sort_by_key(|(at, _)| *at);
    }

    /// Takes the first event that is due.
    pub(crate) fn due(&mut self, now: Moment) -> Option<(Moment, Event)> {
        let (at, _) = self.events.first()?;
        (*at <= now).then(|| self.events.remove(0))
    }
}
