//! When a deployment starts and ends, worked out instead of played: no timer
//! can be late, and a look into the past gives the same answer twice.

use crate::clock::Moment;
use crate::script::Script;
use crate::status::Status;

/// Calls that bent the course of a deployment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bent {
    /// Cancelled while waiting, at this time.
    pub(crate) skipped: Option<Moment>,
    /// Asked to stop while running, at this time.
    pub(crate) cancel: Option<Moment>,
    /// Ended by a test, as its script says.
    pub(crate) ended: Option<Moment>,
}

/// When a service can start the next deployment; `None` is never.
pub(crate) type Free = Option<Moment>;

/// The course of a deployment, as far as it is settled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) created: Moment,
    /// Start of the run; `None` if it never runs.
    pub(crate) started: Option<Moment>,
    /// The end; `None` if there is none.
    pub(crate) ended: Option<Moment>,
    pub(crate) outcome: Status,
}

impl Times {
    pub(crate) fn of(script: &Script, created: Moment, bent: Bent, free: Free) -> Self {
        let planned = free
            .filter(|_| !script.never_starts)
            .map(|free| free.max(created.plus(script.queue)));
        let course = |started, ended, outcome| Self {
            created,
            started,
            ended,
            outcome,
        };
        if script.is_filtered {
            return course(None, Some(created), Status::Skipped);
        }
        if let Some(at) = bent.skipped {
            return course(None, Some(at), Status::Skipped);
        }
        if script.outcome == Status::Skipped && script.run.is_zero() && !script.never_ends {
            return course(None, planned, Status::Skipped);
        }
        if let Some(at) = bent.ended {
            return course(planned, Some(at), script.outcome);
        }
        let end = planned
            .filter(|_| !script.never_ends)
            .map(|start| start.plus(script.run));
        let stopped = bent.cancel.map(|at| at.plus(script.cancel_delay));
        match (end, stopped) {
            // The run won the race against its cancellation.
            (Some(end), Some(stopped)) if end <= stopped => {
                course(planned, Some(end), script.outcome)
            }
            (_, Some(stopped)) => course(planned, Some(stopped), Status::Cancelled),
            (end, None) => course(planned, end, script.outcome),
        }
    }

    /// When the service is free for the next one. A deployment that never ran
    /// still held the queue until it left it.
    pub(crate) fn leaves(&self, free: Free) -> Free {
        match (free, self.ended) {
            (Some(free), Some(ended)) => Some(free.max(ended)),
            _ => None,
        }
    }

    pub(crate) fn status(&self, now: Moment) -> Status {
        let past = |moment: Option<Moment>| moment.is_some_and(|moment| moment <= now);
        if past(self.ended) {
            self.outcome
        } else if past(self.started) {
            Status::InProgress
        } else {
            Status::Waiting
        }
    }

    /// When the status last changed.
    pub(crate) fn changed(&self, now: Moment) -> Moment {
        [self.ended, self.started]
            .into_iter()
            .flatten()
            .find(|moment| *moment <= now)
            .unwrap_or(self.created)
    }
}
