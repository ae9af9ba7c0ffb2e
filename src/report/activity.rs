//! What goes on at the moment, in a few words for a live line. Pure.

use std::time::Duration;

use super::story::Story;
use super::{Event, narrative};
use crate::deployment::{Deployment, Status};

/// What goes on after an event, if that changes it, and how much longer it will
/// probably take. `story` has taken in the event.
pub(super) fn after(event: Event<'_>, story: &Story) -> Option<(String, Option<Duration>)> {
    match event {
        Event::Started(_, deployment) | Event::Found(_, deployment) | Event::Seen(deployment) => {
            Some((words(deployment, story), usually(deployment, story)))
        }
        Event::Usual(_) => {
            let deployment = story.one().deployment.as_ref()?;
            Some((words(deployment, story), usually(deployment, story)))
        }
        Event::StillWaiting(deployment, _, estimate) => {
            let left = estimate.map(|estimate| estimate.left);
            Some((words(deployment, story), left))
        }
        Event::RollingBack(rollback) => {
            Some((format!("rollback {}", narrative::state(rollback)), None))
        }
        Event::Stopping(..) => Some(("ending".to_owned(), None)),
        _ => None,
    }
}

/// The state of the one deployment, or how many of several have ended.
fn words(deployment: &Deployment, story: &Story) -> String {
    if story.targets.len() < 2 {
        return narrative::state(deployment);
    }
    let ended = story.targets.iter().filter(|target| {
        let deployment = target.deployment.as_ref();
        deployment.is_some_and(|deployment| deployment.status.verdict().is_some())
    });
    format!("{} of {} targets ended", ended.count(), story.targets.len())
}

/// How long it usually takes, of a deployment that has just begun to run.
fn usually(deployment: &Deployment, story: &Story) -> Option<Duration> {
    let is_running = deployment.status == Status::InProgress && story.targets.len() < 2;
    let usual = story.one().usual.as_ref().filter(|_| is_running)?;
    Some(usual.time())
}
