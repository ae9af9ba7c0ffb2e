//! How a stack ended: each service with what is live of it now, and one outcome.

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::actions::at_once::join_all;
use crate::actions::deploy::finalize::FinishedDeployment;
use crate::actions::deploy::past::{is_success, read_past};
use crate::actions::deploy::rollback::{LiveAfterRollback, RollbackReport};
use crate::actions::stack::{DecidedStack, StackMember, StackTask};
use crate::actions::{ActionContext, LAST_REQUESTS};
use crate::deployment::{Deployment, Verdict};
use crate::event::{Event, EventKind, StackOutput};
use crate::exit_status::ExitStatus;
use crate::outcome::{Outcome, Success};
use crate::sanitize::cleaned;
use crate::stack::Order;

/// How one service of a stack ended.
pub(crate) struct MemberEnd {
    pub(crate) fate: MemberFate,
    /// Its deployment, if that was seen to end.
    pub(crate) seen: Option<FinishedDeployment>,
    /// What came of rolling it back, if that was tried.
    pub(crate) rollback: Option<RollbackReport>,
    /// What Sevalla's list has shown to be live since.
    read: Option<Deployment>,
    /// When it ended, if it was deployed.
    pub(crate) at: Option<Instant>,
}

/// What was done for a service.
pub(crate) enum MemberFate {
    /// It was deployed, or was to be.
    Ended(Outcome),
    /// It did not have to be deployed.
    Unchanged,
    /// It was not started, for this reason.
    NotStarted(String),
}

impl MemberEnd {
    /// Whether it may have started a deployment whose end was not seen.
    fn is_unknown(&self) -> bool {
        let unseen = [
            ExitStatus::TimedOut,
            ExitStatus::Ambiguous,
            ExitStatus::Unavailable,
        ];
        let ending = self.outcome().map(Outcome::ending);
        self.seen.is_none() && ending.is_some_and(|ending| unseen.contains(&ending))
    }

    pub(crate) const fn new(fate: MemberFate) -> Self {
        Self {
            fate,
            seen: None,
            rollback: None,
            read: None,
            at: None,
        }
    }

    /// The end of a deployment, with what was seen of it.
    pub(crate) fn of(outcome: Outcome, mut seen: Option<FinishedDeployment>) -> Self {
        Self {
            rollback: seen.as_mut().and_then(|seen| seen.rollback.take()),
            seen,
            at: Some(Instant::now()),
            ..Self::new(MemberFate::Ended(outcome))
        }
    }

    /// Adds what came of rolling it back, after which something else may be live.
    pub(super) fn with_rollback(&mut self, rollback: Option<RollbackReport>) {
        if let (Some(_), Some(seen), MemberFate::Ended(outcome)) =
            (&rollback, &self.seen, &mut self.fate)
            && outcome.ending() == ExitStatus::Unverified
        {
            *outcome = outcome.clone().unverified_before(&seen.deployment.id);
        }
        self.rollback = rollback;
    }

    pub(crate) fn not_started(why: String) -> Self {
        Self::new(MemberFate::NotStarted(why))
    }

    /// Whether what needs it may start.
    pub(crate) fn is_good(&self) -> bool {
        match &self.fate {
            MemberFate::Ended(outcome) => outcome.is_good(),
            MemberFate::Unchanged => true,
            MemberFate::NotStarted(_) => false,
        }
    }

    /// How its deployment ended.
    pub(crate) const fn outcome(&self) -> Option<&Outcome> {
        match &self.fate {
            MemberFate::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Whether it is a reason for a bad end of the run.
    fn is_bad(&self) -> bool {
        self.outcome().is_some_and(|outcome| !outcome.is_good())
    }

    /// The end as a word.
    pub(crate) const fn word(&self) -> &'static str {
        match &self.fate {
            MemberFate::Ended(outcome) => outcome.ending().word(),
            MemberFate::Unchanged => "unchanged",
            MemberFate::NotStarted(_) => "not-started",
        }
    }

    /// The end in a sentence.
    pub(crate) fn in_words(&self) -> String {
        match &self.fate {
            MemberFate::Ended(outcome) => outcome.headline.clone(),
            MemberFate::Unchanged => "Unchanged".to_owned(),
            MemberFate::NotStarted(why) => format!("Not started: {why}"),
        }
    }

    /// Everything that is known of the end.
    fn reasons(&self) -> Vec<String> {
        let mut reasons = vec![self.in_words()];
        reasons.extend(self.outcome().into_iter().flat_map(|it| it.why.clone()));
        let rollback = self.rollback.as_ref().map(|it| it.summary.clone());
        reasons.extend(rollback.filter(|summary| !reasons.contains(summary)));
        reasons
    }

    /// Whether the version from before was seen live again.
    fn is_rolled_back(&self) -> bool {
        let live = self.rollback.as_ref().map(|rollback| &rollback.live);
        matches!(live, Some(LiveAfterRollback::Wanted(_)))
    }

    /// The deployment that is live now, as far as this run knows.
    fn live(&self) -> Option<&Deployment> {
        if self.read.is_some() {
            return self.read.as_ref();
        }
        let seen = self.seen.as_ref()?;
        let own: &Deployment = &seen.deployment;
        match self.rollback.as_ref().map(|rollback| &rollback.live) {
            Some(LiveAfterRollback::Unknown) => None,
            Some(LiveAfterRollback::Wanted(now) | LiveAfterRollback::Another(now)) => Some(now),
            Some(LiveAfterRollback::AsDeployed) | None => {
                if seen.deployment.verdict() == Verdict::Success {
                    Some(own)
                } else {
                    seen.before.as_ref().filter(|_| !seen.is_behind)
                }
            }
        }
    }

    /// Takes over what a list of deployments shows to be live, unless it lags behind
    /// what is known.
    fn learn_live(&mut self, listed: Vec<Deployment>) {
        let place = |known: &Deployment| listed.iter().position(|one| one.id == known.id);
        let Some(newest) = listed.iter().position(is_success) else {
            return;
        };
        let is_older = |known| place(known).is_some_and(|at| at > newest);
        if self.live().is_none_or(is_older) {
            self.read = listed.into_iter().nth(newest);
        }
    }
}

impl ActionContext<'_> {
    /// After a failure, reads which version is live of each service that was deployed:
    /// somebody else may have deployed too.
    pub(super) async fn read_live(&self, stack: &StackTask, ends: &mut [MemberEnd]) {
        if ends.iter().all(MemberEnd::is_good) {
            return;
        }
        // Also when the run has timed out.
        let client = self.client.until(self.deadline.moment() + LAST_REQUESTS);
        let all = ends.iter_mut().zip(&stack.members);
        let reads = all.filter(|(end, _)| end.seen.is_some());
        let reads = reads.map(async |(end, member)| {
            let past = read_past(&client, member.on_sevalla());
            if let Some(Ok(listed)) = self.for_more_words(past).await {
                end.learn_live(listed);
            }
        });
        join_all(reads).await;
    }

    /// Reports each service: for people, and as the output `services`.
    pub(crate) fn report_services(&self, decided: &DecidedStack, ends: &[MemberEnd]) {
        let (stack, order) = (&decided.task, &decided.order);
        let critical = critical_path(order, ends);
        for (at, (member, end)) in stack.members.iter().zip(ends).enumerate() {
            let ended = EventKind::MemberEnd {
                word: if end.is_rolled_back() {
                    "rolled-back"
                } else {
                    end.word()
                },
                text: &end.reasons().join(". "),
                is_bad: end.is_bad(),
                is_critical: critical.contains(&at),
            };
            self.reporter.on(Event::about(member.on_sevalla(), ended));
        }
        self.give_services(stack, ends);
    }

    /// Gives the services to other jobs.
    pub(super) fn give_services(&self, stack: &StackTask, ends: &[MemberEnd]) {
        let services = stack.members.iter().zip(ends);
        let services: Value = services.map(|(member, end)| json_of(member, end)).collect();
        let json = services.to_string();
        self.reporter
            .on(EventKind::Stack(StackOutput::Services, &json));
    }
}

/// The services that decided how long the stack took: the one that ended last, and
/// before each the one that it waited for longest. Empty without an order.
fn critical_path(order: &Order, ends: &[MemberEnd]) -> Vec<usize> {
    let end = |at: &usize| ends.get(*at).and_then(|end| end.at);
    let mut path = Vec::new();
    let mut next = (0..ends.len())
        .filter(|at| end(at).is_some())
        .max_by_key(end);
    while let Some(at) = next {
        path.push(at);
        let needs = order.needs(at).iter().copied();
        next = needs.filter(|at| end(at).is_some()).max_by_key(end);
    }
    path
}

fn json_of(member: &StackMember, end: &MemberEnd) -> Value {
    let service = member.on_sevalla();
    let own = end.seen.as_ref().map(|seen| &seen.deployment);
    let live = end.live();
    // Escapes of JSON would hide control characters from the sanitizer.
    let why: Vec<String> = end.reasons().iter().map(|text| cleaned(text)).collect();
    json!({
        "name": cleaned(member.name()),
        "kind": service.kind.word(),
        "id": service.id.to_string(),
        "outcome": end.word(),
        "exit-code": end.outcome().map(|outcome| outcome.ending().code()),
        "why": why,
        "deployment-id": own.map(|own| cleaned(&own.id.0)),
        "rolled-back": end.is_rolled_back(),
        "live-deployment-id": live.map(|live| cleaned(&live.id.0)),
        "live": live.map(|live| cleaned(&live.summary())),
    })
}

/// Several at once.
impl Outcome {
    /// One outcome from those of all services of a stack: good only if all are, else
    /// the gravest.
    pub(crate) fn of_stack(stack: &StackTask, ends: &[MemberEnd]) -> Self {
        let named: Vec<(&str, &MemberEnd)> = stack
            .members
            .iter()
            .map(StackMember::name)
            .zip(ends)
            .collect();
        let outcomes = named
            .iter()
            .filter_map(|(name, end)| Some((*name, end.outcome()?)));
        let bad: Vec<(&str, &Self)> = outcomes.filter(|(_, outcome)| !outcome.is_good()).collect();
        let not_started = names_of(&named, |end| matches!(end.fate, MemberFate::NotStarted(_)));
        let Some((its, gravest)) = bad.iter().min_by_key(|(_, end)| gravity(end.ending())) else {
            return all_good(&named);
        };
        let failed: Vec<&str> = bad.iter().map(|(name, _)| *name).collect();
        let mut headline = match gravest.ending() {
            ExitStatus::Interrupted(_) => gravest.headline.clone(),
            _ => format!(
                "The stack failed for {} of {}: {}",
                failed.len(),
                named.len(),
                failed.join(", ")
            ),
        };
        if !not_started.is_empty() {
            headline.push_str(&format!("; not started: {}", not_started.join(", ")));
        }
        if let Some(rollback) = rollback(&named) {
            headline.push_str(&format!("; {rollback}"));
        }
        let mut outcome = Self::new(gravest.result, headline).after(gravest.effort.clone());
        outcome.hint = gravest.hint.as_ref().map(|hint| format!("{its}: {hint}"));
        let hint = named
            .iter()
            .find_map(|(name, end)| Some((name, end.rollback.as_ref()?.hint?)));
        if let Some((name, hint)) = hint {
            outcome.hint = Some(format!("{name}: {hint}"));
        }
        // The causes first.
        let (causes, others): (Vec<_>, Vec<_>) = named.iter().partition(|(_, end)| end.is_bad());
        for (name, end) in causes.into_iter().chain(others) {
            let reasons = end.reasons().into_iter();
            outcome
                .why
                .extend(reasons.map(|why| format!("{name}: {why}")));
        }
        let signal = named
            .iter()
            .find_map(|(_, end)| end.rollback.as_ref()?.signal);
        match signal {
            Some(signal) => outcome.interrupted_by(signal),
            None => outcome,
        }
    }
}

/// The names of the services of which something holds.
fn names_of<'a>(
    named: &[(&'a str, &MemberEnd)],
    holds: impl Fn(&MemberEnd) -> bool,
) -> Vec<&'a str> {
    let found = named.iter().filter(|(_, end)| holds(end));
    found.map(|(name, _)| *name).collect()
}

/// Whether the services that this run has changed were rolled back: all of them, or
/// not.
fn rollback(named: &[(&str, &MemberEnd)]) -> Option<String> {
    let tried = names_of(named, |end| end.rollback.is_some());
    let back = names_of(named, MemberEnd::is_rolled_back);
    let left: Vec<&str> = tried
        .iter()
        .copied()
        .filter(|name| !back.contains(name))
        .collect();
    let unknown = names_of(named, MemberEnd::is_unknown);
    if tried.is_empty() {
        None
    } else if left.is_empty() && !unknown.is_empty() {
        Some(format!(
            "rolled back: {}; which version is live is not known: {}",
            back.join(", "),
            unknown.join(", ")
        ))
    } else if left.is_empty() {
        Some(format!("rolled back: {}", back.join(", ")))
    } else {
        Some(format!("not rolled back: {}", left.join(", ")))
    }
}

/// The outcome of a stack of which nothing has failed.
fn all_good(named: &[(&str, &MemberEnd)]) -> Outcome {
    let ended = |result: Success| {
        names_of(named, move |end| {
            end.outcome().is_some_and(|it| it.result == Ok(result))
        })
    };
    let all = named.len();
    let (planned, skipped) = (ended(Success::Planned), ended(Success::Passed));
    let done = ended(Success::Done).len();
    let unchanged = names_of(named, |end| matches!(end.fate, MemberFate::Unchanged)).len();
    if !planned.is_empty() {
        return Outcome::planned(&format!("deploy {} of {all} services", planned.len()));
    }
    if done == 0 && unchanged == all {
        return Outcome::passed(format!(
            "Nothing has changed: none of the {all} services was deployed"
        ));
    }
    let mut headline = match unchanged {
        0 if done == all => format!("Deployed all {all} services"),
        0 => format!("Deployed {done} of {all} services"),
        _ => format!("Deployed {done} of {all} services; unchanged: {unchanged}"),
    };
    if !skipped.is_empty() {
        headline.push_str(&format!("; skipped: {}", skipped.join(", ")));
    }
    if done == 0 {
        Outcome::passed(headline)
    } else {
        Outcome::success(headline)
    }
}

/// The order in which one ending stands for several; the gravest first.
const fn gravity(ending: ExitStatus) -> u8 {
    match ending {
        ExitStatus::Interrupted(_) => 0,
        ExitStatus::Internal => 1,
        ExitStatus::Ambiguous => 2,
        ExitStatus::Unauthorized => 3,
        ExitStatus::Unavailable => 4,
        ExitStatus::Rejected => 5,
        ExitStatus::InvalidInput => 6,
        ExitStatus::Failed => 7,
        ExitStatus::Unverified => 8,
        ExitStatus::TimedOut => 9,
        _ => 10,
    }
}
