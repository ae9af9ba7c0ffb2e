//! How a service goes away.

use std::time::Duration;

use crate::answer::Refusal;
use crate::clock::Moment;

/// What comes of a call that deletes a service. By default the service is
/// `deleting` for 50 ms and then gone, and the call is refused while a
/// deployment is under way, or a change of a database.
#[derive(Debug, Clone)]
pub struct Deletion {
    takes: Duration,
    fails: bool,
    busy: Busy,
}

#[derive(Debug, Clone, Copy)]
enum Busy {
    /// With the code the document lists for the kind of service.
    Refused,
    RefusedWith(u16),
    Accepted,
}

impl Deletion {
    /// As described above.
    pub fn new() -> Self {
        Self {
            takes: Duration::from_millis(50),
            fails: false,
            busy: Busy::Refused,
        }
    }

    /// How long the service is `deleting`.
    #[must_use]
    pub fn takes(mut self, duration: Duration) -> Self {
        self.takes = duration;
        self
    }

    /// The service is not gone in the end: its status tells that the deletion
    /// failed, and it can be deleted again.
    #[must_use]
    pub fn fails(mut self) -> Self {
        self.fails = true;
        self
    }

    /// The code of the refusal while a deployment is under way, which is not
    /// documented; by default 400 for applications, 409 for static sites. For databases it
    /// is 400.
    #[must_use]
    pub fn refused_with(mut self, code: u16) -> Self {
        self.busy = Busy::RefusedWith(code);
        self
    }

    /// Is accepted also while a deployment is under way.
    #[must_use]
    pub fn accepted_when_busy(mut self) -> Self {
        self.busy = Busy::Accepted;
        self
    }
}

impl Default for Deletion {
    fn default() -> Self {
        Self::new()
    }
}

/// The deletion of a service, as far as it has come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Removal {
    pub(crate) plan: Deletion,
    asked: Option<Moment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Alive,
    Deleting,
    /// Since this time.
    Failed(Moment),
    Gone,
}

impl Removal {
    pub(crate) fn phase(&self, now: Moment) -> Phase {
        let Some(asked) = self.asked else {
            return Phase::Alive;
        };
        let ends = asked.plus(self.plan.takes);
        if now < ends {
            Phase::Deleting
        } else if self.plan.fails {
            Phase::Failed(ends)
        } else {
            Phase::Gone
        }
    }

    pub(crate) fn is_gone(&self, now: Moment) -> bool {
        self.phase(now) == Phase::Gone
    }

    /// Starts it, whatever the service is doing; one under way goes on.
    pub(crate) fn start(&mut self, now: Moment) {
        if matches!(self.phase(now), Phase::Alive | Phase::Failed(_)) {
            self.asked = Some(now);
        }
    }

    /// Starts it on a call. `busy` is whether something is under way, `code`
    /// what the document answers then.
    pub(crate) fn call(&mut self, now: Moment, busy: bool, code: u16) -> Result<(), Refusal> {
        if self.phase(now) == Phase::Deleting {
            return Err(Refusal::new(code, "It is already being deleted"));
        }
        let code = match self.plan.busy {
            Busy::Refused => Some(code),
            Busy::RefusedWith(code) => Some(code),
            Busy::Accepted => None,
        };
        if let Some(code) = code.filter(|_| busy) {
            let what = "It cannot be deleted while something is in progress";
            return Err(Refusal::new(code, what));
        }
        self.start(now);
        Ok(())
    }
}
