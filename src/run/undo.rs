//! Going back to what was live, after something that this run has deployed
//! turned out to be wrong. Once: what cannot be undone stays as it is.

use std::cell::RefCell;
use std::pin::pin;

use tokio::time::timeout;

use super::settle::Answers;
use super::{IN_FLIGHT, Run};
use crate::deployment::{Deployment, Service, Verdict};
use crate::inputs::Abandon;
use crate::plan::Work;
use crate::report::Event;
use crate::report::timeline::{Phase, State};
use crate::stop::Signal;
use crate::trigger::{self, Before, Started, Tell, TriggerError};
use crate::watch::{Ended, Reading, Watch};

/// What is live after the attempt to go back.
pub(super) struct Undone {
    /// The same in a sentence.
    pub(super) said: String,
    /// What to do next, where that comes of this.
    pub(super) hint: Option<&'static str>,
    /// The signal that came meanwhile.
    pub(super) signal: Option<Signal>,
}

impl Undone {
    /// This is said of it.
    fn so(said: impl Into<String>) -> Self {
        Self {
            said: said.into(),
            hint: None,
            signal: None,
        }
    }

    fn hint(self, hint: &'static str) -> Self {
        Self {
            hint: Some(hint),
            ..self
        }
    }

    fn stopped_by(self, signal: Signal) -> Self {
        Self {
            signal: Some(signal),
            ..self
        }
    }
}

/// Told where only a person can find out.
const LOOK: &str = "Check in the dashboard what is live";

/// Why no rollback was begun.
enum NotBegun {
    /// Somebody else has deployed since; in a sentence.
    Replaced(String),
    /// It went wrong.
    Failed(TriggerError),
    /// It is on its way, and which deployment it is was not told.
    Unseen,
}

/// What is to be undone.
struct Undoing<'a> {
    service: Service,
    /// What was live before.
    live: &'a Deployment,
    /// What this run has deployed, where it is one.
    wrong: Option<&'a Deployment>,
}

impl Run<'_> {
    /// Goes back to `live` after `wrong`, which this run has deployed, turned out
    /// to be so: unless somebody else has deployed since, whose work would be
    /// undone too.
    pub(super) async fn take_back(
        &self,
        service: Service,
        live: Option<&Deployment>,
        wrong: Option<&Deployment>,
        tell: Tell<'_>,
    ) -> Undone {
        let Some(live) = live else {
            return Undone::so(nothing_before(wrong));
        };
        let undoing = Undoing {
            service,
            live,
            wrong,
        };
        tell(Event::Note(&format!(
            "Rolling back. Live before was {}.",
            live.summary()
        )));
        tell(Event::Begins(Phase::Rollback));
        let mut start = pin!(self.begin(&undoing, tell));
        let begun = tokio::select! {
            biased;
            signal = self.stop.asked() => {
                tell(Event::Stopping(signal, Some(Abandon::Leave)));
                let undone = match timeout(IN_FLIGHT, start).await {
                    Ok(Ok(rollback)) => Undone::so(goes_on(&rollback)),
                    Ok(Err(not_begun)) => undoing.explain(not_begun),
                    Err(_late) => Undone::so(
                        "A rollback was on its way when the signal came; whether it took effect \
                         is not known",
                    ),
                };
                return undone.stopped_by(signal);
            }
            begun = &mut start => begun,
        };
        let rollback = match begun {
            Ok(rollback) => rollback,
            Err(not_begun) => {
                tell(Event::Ends(Phase::Rollback, State::Failed));
                return undoing.explain(not_begun);
            }
        };
        let done = RefCell::new(None);
        tokio::select! {
            undone = self.see_through(&undoing, rollback.clone(), &done, tell) => undone,
            signal = self.stop.asked() => {
                let said = done.borrow_mut().take();
                Undone::so(said.unwrap_or_else(|| goes_on(&rollback))).stopped_by(signal)
            }
        }
    }

    /// Starts the rollback.
    async fn begin(&self, undoing: &Undoing<'_>, tell: Tell<'_>) -> Result<Deployment, NotBegun> {
        let service = undoing.service;
        let work = Work::back_to(service, undoing.live);
        let quietly = |event: Event<'_>| in_its_own_words(event, tell);
        let before = trigger::look_before(&self.client, self.plan, &work, &quietly)
            .await
            .map_err(NotBegun::Failed)?;
        if let Some(replaced) = undoing.replaced(&before) {
            return Err(NotBegun::Replaced(replaced));
        }
        match trigger::start(&self.client, &work, true, &before, &quietly).await {
            Ok(Started::Known(_, deployment)) => Ok(*deployment),
            Ok(Started::Unseen) => Err(NotBegun::Unseen),
            Err(error) => Err(NotBegun::Failed(error)),
        }
    }

    /// Follows the rollback to its end, and looks whether what is live then
    /// answers; `done` gets what is known once it has succeeded.
    async fn see_through(
        &self,
        undoing: &Undoing<'_>,
        rollback: Deployment,
        done: &RefCell<Option<String>>,
        tell: Tell<'_>,
    ) -> Undone {
        let quietly = |event: Event<'_>| in_its_own_words(event, tell);
        let source = self.source(undoing.service, &rollback.id);
        let ended = Watch::new(
            &source,
            rollback,
            self.deadline,
            Reading::AfterFailure,
            &quietly,
        )
        .follow()
        .await;
        let (now, said) = match ended {
            Ended::Seen(now, Verdict::Success) => {
                let said = undoing.describe(&now);
                (now, said)
            }
            Ended::Seen(now, _) => {
                return Undone::so(undoing.not_rolled_back(&format!(
                    "the rollback, deployment {}, ended {}",
                    now.id,
                    now.status.word()
                )));
            }
            Ended::TimedOut { last, .. } | Ended::Lost { last, .. } => {
                return Undone::so(format!(
                    "Rolling back was started as deployment {}, whose end was not seen",
                    last.id
                ))
                .hint(LOOK);
            }
        };
        done.replace(Some(said.clone()));
        match self.answers(&source, &now, tell).await {
            None => Undone::so(said),
            Some(Answers::Well) => Undone::so(format!("{said}. It answers well")),
            Some(Answers::Badly(reason)) => Undone::so(format!("{said}. After that: {reason}"))
                .hint(
                    "What is live now fails the check too: look at what it has in common with \
                     what was deployed, such as variables, a database or verify-url itself",
                ),
        }
    }
}

impl Undoing<'_> {
    /// Whether something that this run did not deploy is live by now, or will
    /// be soon. In a list that lags behind, what was live before still is.
    fn replaced(&self, now: &Before) -> Option<String> {
        let wrong = self.wrong?;
        if let Some(newer) = now.busy.iter().find(|other| other.id != wrong.id) {
            return Some(format!(
                "Nothing was rolled back, since a newer deployment takes its place: {} is {}",
                newer.summary(),
                newer.status.in_words()
            ));
        }
        let known = [&wrong.id, &self.live.id];
        let other = now.live.as_ref().filter(|now| !known.contains(&&now.id))?;
        Some(format!(
            "Nothing was rolled back, since something newer is live by now: {}",
            other.summary()
        ))
    }

    fn explain(&self, not_begun: NotBegun) -> Undone {
        match not_begun {
            NotBegun::Replaced(said) => Undone::so(said),
            NotBegun::Unseen => Undone::so(self.not_rolled_back("its deployment is not known")),
            // It may have been rolled back after all.
            NotBegun::Failed(
                error @ (TriggerError::Ambiguous { .. } | TriggerError::Unidentified(_)),
            ) => Undone::so(format!(
                "Whether it was rolled back cannot be told: {}",
                reasons(error)
            ))
            .hint(LOOK),
            NotBegun::Failed(error) => Undone::so(self.not_rolled_back(&reasons(error))),
        }
    }

    fn not_rolled_back(&self, why: &str) -> String {
        format!(
            "It could not be rolled back, and {}: {why}",
            as_it_is(self.wrong)
        )
    }

    /// What is live after a rollback that succeeded. The service chooses what
    /// an application goes back to: its latest success, which by some readings
    /// of its documentation is what this run has just deployed.
    fn describe(&self, now: &Deployment) -> String {
        let live = now.summary();
        match same_source(self.live, now) {
            Some(true) => format!("Rolled back: live is {live}"),
            Some(false) => format!(
                "Rolled back, but not to what was live before ({}): Sevalla chose its latest \
                 success, so live is {live}. Deploy the one from before again, or go back to it in \
                 the dashboard",
                self.live.summary()
            ),
            None => format!(
                "Rolled back: live is {live}. Whether that is what was live before ({}) cannot be \
                 told",
                self.live.summary()
            ),
        }
    }
}

fn reasons(error: TriggerError) -> String {
    crate::outcome::Outcome::of_trigger_error(error)
        .why
        .join("; ")
}

/// Told where no deployment is known to have succeeded before `wrong`.
fn nothing_before(wrong: Option<&Deployment>) -> String {
    let nothing =
        "There is nothing to go back to, since no deployment is known to have succeeded before";
    match wrong.and_then(|wrong| wrong.status.verdict()) {
        Some(Verdict::Success) => format!("{nothing}: what was deployed stays live"),
        _ => nothing.to_owned(),
    }
}

/// What is live when nothing was rolled back.
fn as_it_is(wrong: Option<&Deployment>) -> &'static str {
    match wrong.and_then(|wrong| wrong.status.verdict()) {
        Some(Verdict::Success) | None => "what was deployed stays live",
        Some(_) => "what was live before still is",
    }
}

fn goes_on(rollback: &Deployment) -> String {
    format!(
        "The rollback, deployment {}, goes on; its end was not seen",
        rollback.id
    )
}

/// Whether two deployments put the same live; `None` where that is not told.
fn same_source(one: &Deployment, other: &Deployment) -> Option<bool> {
    let commits = one.commit_sha.as_ref().zip(other.commit_sha.as_ref());
    let images = one.docker_image.as_ref().zip(other.docker_image.as_ref());
    commits
        .map(|(one, other)| one.eq_ignore_ascii_case(other))
        .or_else(|| images.map(|(one, other)| one == other))
}

/// Tells of the rollback without taking it for what the run was about: outputs
/// and summary are about that.
fn in_its_own_words(event: Event<'_>, tell: Tell<'_>) {
    match event {
        Event::Target(..) | Event::Begins(Phase::Log) | Event::Ends(Phase::Log, _) => {}
        Event::Started(_, rollback) | Event::Seen(rollback) | Event::StillWaiting(rollback, ..) => {
            tell(Event::RollingBack(rollback));
        }
        event => tell(event),
    }
}
