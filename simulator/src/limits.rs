//! Rate limits: fixed windows, counted per company or per service.

use std::collections::HashMap;
use std::time::Duration;

use crate::clock::Moment;

/// Kind of call, by what it is limited to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Tier {
    Read,
    Logs,
    Deployment,
    Write,
    /// Changes or deletes a service.
    Mutation,
    /// Makes a service.
    Creation,
}

#[derive(Debug, Clone, Copy)]
struct Budget {
    calls: u64,
    window: Duration,
}

/// How many calls are allowed in which time, and whether that is enforced.
#[derive(Debug, Clone)]
pub struct Limits {
    enforced: bool,
    pub(crate) headers: bool,
    /// Every call draws on the reads.
    is_one: bool,
    read: Budget,
    logs: Budget,
    deployment: Budget,
    write: Budget,
    mutation: Budget,
    creation: Budget,
    creation_burst: Budget,
}

impl Limits {
    /// The documented limits, enforced: 400 reads, 30 log reads and 30 writes
    /// per minute and company, 10 deployments (also cancellations, rollbacks
    /// and hook calls) and 10 mutations per minute and service, 20 creations
    /// per hour and 5 per minute.
    pub fn documented() -> Self {
        let minute = Duration::from_secs(60);
        let per_minute = |calls| Budget {
            calls,
            window: minute,
        };
        Self {
            enforced: true,
            headers: true,
            is_one: false,
            read: per_minute(400),
            logs: per_minute(30),
            deployment: per_minute(10),
            write: per_minute(30),
            mutation: per_minute(10),
            creation: Budget {
                calls: 20,
                window: minute * 60,
            },
            creation_burst: per_minute(5),
        }
    }

    /// One budget for all calls of a company, enforced: the older limit, 120 a
    /// minute.
    pub fn of_one_budget(calls: u64) -> Self {
        Self {
            is_one: true,
            ..Self::documented().read(calls)
        }
    }

    /// Nothing is refused; the headers still tell the documented numbers.
    pub fn none() -> Self {
        Self {
            enforced: false,
            ..Self::documented()
        }
    }

    /// Whether answers carry the `x-ratelimit-*` headers.
    #[must_use]
    pub fn headers(mut self, on: bool) -> Self {
        self.headers = on;
        self
    }

    /// The length of every window.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        for budget in [
            &mut self.read,
            &mut self.logs,
            &mut self.deployment,
            &mut self.write,
            &mut self.mutation,
            &mut self.creation,
            &mut self.creation_burst,
        ] {
            budget.window = window;
        }
        self
    }

    /// Reads per window.
    #[must_use]
    pub fn read(mut self, calls: u64) -> Self {
        self.read.calls = calls;
        self
    }

    /// Log reads per window.
    #[must_use]
    pub fn logs(mut self, calls: u64) -> Self {
        self.logs.calls = calls;
        self
    }

    /// Deployments per window and service.
    #[must_use]
    pub fn deployment(mut self, calls: u64) -> Self {
        self.deployment.calls = calls;
        self
    }

    /// Other writes per window.
    #[must_use]
    pub fn write(mut self, calls: u64) -> Self {
        self.write.calls = calls;
        self
    }

    /// Changes and deletions per window and service.
    #[must_use]
    pub fn mutation(mut self, calls: u64) -> Self {
        self.mutation.calls = calls;
        self
    }

    /// Creations of services per long window.
    #[must_use]
    pub fn creation(mut self, calls: u64) -> Self {
        self.creation.calls = calls;
        self
    }

    /// Creations of services per short window.
    #[must_use]
    pub fn creation_burst(mut self, calls: u64) -> Self {
        self.creation_burst.calls = calls;
        self
    }

    fn counted_as(&self, tier: Tier) -> Tier {
        if self.is_one { Tier::Read } else { tier }
    }

    /// The budgets a call takes from; the first is the one documented today.
    fn budgets(&self, tier: Tier) -> (Budget, Option<Budget>) {
        match self.counted_as(tier) {
            Tier::Read => (self.read, None),
            Tier::Logs => (self.logs, None),
            Tier::Deployment => (self.deployment, None),
            Tier::Write => (self.write, None),
            Tier::Mutation => (self.mutation, None),
            Tier::Creation => (self.creation, Some(self.creation_burst)),
        }
    }
}

/// State of one window, as the headers tell it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    /// Seconds until the window ends.
    pub(crate) reset: u64,
    pub(crate) refused: bool,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    ends: Moment,
    used: u64,
}

/// All windows that were ever opened.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    open: HashMap<(Tier, usize, String), Open>,
}

impl Windows {
    /// Counts a call, unless it is refused. Of two budgets it tells the one
    /// that refuses, or else the one with less left.
    pub(crate) fn take(
        &mut self,
        limits: &Limits,
        tier: Tier,
        service: &str,
        now: Moment,
    ) -> Standing {
        let tier = limits.counted_as(tier);
        let own = matches!(tier, Tier::Deployment | Tier::Mutation);
        let scope = if own { service } else { "" };
        let (first, second) = limits.budgets(tier);
        let budgets = std::iter::once(first).chain(second).enumerate();
        let mut standings: Vec<Standing> = budgets
            .map(|(index, budget)| {
                let open = self.opened((tier, index, scope.to_owned()), budget, now);
                Standing {
                    limit: budget.calls,
                    remaining: budget.calls.saturating_sub(open.used),
                    reset: seconds_up(open.ends, now),
                    refused: limits.enforced && open.used >= budget.calls,
                }
            })
            .collect();
        if !standings.iter().any(|standing| standing.refused) {
            for (index, standing) in standings.iter_mut().enumerate() {
                if let Some(open) = self.open.get_mut(&(tier, index, scope.to_owned())) {
                    open.used += 1;
                    standing.remaining = standing.limit.saturating_sub(open.used);
                }
            }
        }
        let tightest = standings
            .into_iter()
            .min_by_key(|standing| (!standing.refused, standing.remaining));
        tightest.unwrap_or_else(|| Self::untouched(limits, tier))
    }

    fn opened(&mut self, key: (Tier, usize, String), budget: Budget, now: Moment) -> Open {
        let open = self.open.entry(key).or_insert_with(|| fresh(budget, now));
        if open.ends <= now {
            *open = fresh(budget, now);
        }
        *open
    }

    /// What the headers say on an answer that counts nowhere.
    pub(crate) fn untouched(limits: &Limits, tier: Tier) -> Standing {
        let (budget, _) = limits.budgets(tier);
        Standing {
            limit: budget.calls,
            remaining: budget.calls,
            reset: seconds_up(Moment(0).plus(budget.window), Moment(0)),
            refused: false,
        }
    }
}

fn fresh(budget: Budget, now: Moment) -> Open {
    Open {
        ends: now.plus(budget.window),
        used: 0,
    }
}

/// Rounded up: who waits that long is never too early.
fn seconds_up(ends: Moment, now: Moment) -> u64 {
    u64::try_from(ends.0.saturating_sub(now.0))
        .unwrap_or(0)
        .div_ceil(1_000_000)
}
