//! Deploying a stack: each service is an ordinary deployment.

use std::cell::Cell;

use futures_util::future::join;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::actions::resolve::Plan;
use crate::actions::stack::report::{MemberEnd, MemberFate};
use crate::actions::stack::schedule::{Step, in_order};
use crate::actions::stack::{DecidedStack, StackMember, StackTask};
use crate::actions::{ActionContext, KEY_CHECK};
use crate::deadline::Deadline;
use crate::event::{Event, EventKind};
use crate::inputs::OnFailure;
use crate::messages::Failure;
use crate::outcome::Outcome;

/// How many services prepare their start at the same time. More would use up what a
/// run may send in a minute before the first of them has started.
const STARTS_AT_ONCE: usize = 4;

impl ActionContext<'_> {
    /// Deploys what has to be deployed of a stack, in its order.
    pub(crate) async fn deploy_stack(&self, stack: &StackTask) -> Outcome {
        let decided = match self.decided(stack).await {
            Ok(decided) => decided,
            Err(outcome) => return outcome,
        };
        if let ([only], true) = (decided.task.members.as_slice(), decided.deploys(0)) {
            return self.deploy_only(&decided.task, only).await;
        }
        self.note_plan(&decided);
        for member in &decided.task.members {
            let service = member.on_sevalla();
            let known = EventKind::Member(member.name());
            self.reporter.on(Event::about(service, known));
        }
        let key = timeout(KEY_CHECK, self.warn_of_expiry());
        let (mut ends, _late) = join(self.deploy_members(&decided), key).await;
        if self.plan.on_failure == OnFailure::Rollback {
            self.restore_members(&decided, &mut ends).await;
        }
        self.read_live(&decided.task, &mut ends).await;
        self.report_services(&decided, &ends);
        let outcome = Outcome::of_stack(&decided.task, &ends);
        let is_complete = ends.iter().all(MemberEnd::is_good);
        match self.stop.signal() {
            // It came between two services.
            Some(signal) if outcome.is_good() && !is_complete => outcome.interrupted_by(signal),
            _ => outcome,
        }
    }

    /// A stack of one service is deployed as the service alone would be.
    async fn deploy_only(&self, stack: &StackTask, member: &StackMember) -> Outcome {
        let context = ActionContext {
            reporter: self.reporter,
            ..self.of_member(member, &member.plan, self.deadline, None)
        };
        let outcome = Box::pin(context.deploy(&member.operation)).await;
        let end = MemberEnd::of(outcome.clone(), context.finished.take());
        self.give_services(stack, &[end]);
        outcome
    }

    /// Deploys each service once everything that it is after is live.
    async fn deploy_members(&self, decided: &DecidedStack) -> Vec<MemberEnd> {
        let members = &decided.task.members;
        let deadline = match self.plan.on_failure {
            OnFailure::Leave => self.deadline,
            // Going back takes time too, for each layer.
            OnFailure::Rollback => {
                let layers = u32::try_from(decided.layers().len()).unwrap_or(u32::MAX);
                self.deadline.keeping(self.kept_for_going_back(layers))
            }
        };
        // Going back is decided for all services together.
        let plans = members.iter().map(|member| Plan {
            on_failure: OnFailure::Leave,
            ..member.plan.clone()
        });
        let plans: Vec<Plan> = plans.collect();
        let turns = Semaphore::new(STARTS_AT_ONCE);
        let ends = in_order(&decided.order, members.len(), |at, ends| {
            let (Some(member), Some(plan)) = (members.get(at), plans.get(at)) else {
                return Step::End(MemberEnd::new(MemberFate::Unchanged));
            };
            match self.obstacle(decided, at, ends, deadline) {
                Some(end) => Step::End(end),
                None => Step::Work(self.deploy_member(member, plan, deadline, &turns)),
            }
        });
        ends.await.into_iter().flatten().collect()
    }

    /// How a service ends that is not deployed, if it is not.
    fn obstacle(
        &self,
        decided: &DecidedStack,
        at: usize,
        ends: &[Option<MemberEnd>],
        deadline: Deadline,
    ) -> Option<MemberEnd> {
        if !decided.deploys(at) {
            return Some(MemberEnd::new(MemberFate::Unchanged));
        }
        let needs = decided.order.needs(at).iter();
        let mut missing = needs.filter(|need| {
            let end = ends.get(**need).and_then(Option::as_ref);
            !end.is_some_and(MemberEnd::is_good)
        });
        if let Some(signal) = self.stop.signal() {
            return Some(MemberEnd::not_started(format!(
                "{} ended the run",
                signal.name()
            )));
        }
        if let Some(missing) = missing
            .next()
            .and_then(|need| decided.task.members.get(*need))
        {
            return Some(MemberEnd::not_started(format!(
                "{} is not live",
                missing.name()
            )));
        }
        if deadline.is_over() {
            let outcome = Outcome::of(Failure::TimeUp, "timeout expired before it could start");
            return Some(MemberEnd::new(MemberFate::Ended(outcome)));
        }
        None
    }

    async fn deploy_member(
        &self,
        member: &StackMember,
        plan: &Plan,
        deadline: Deadline,
        turns: &Semaphore,
    ) -> MemberEnd {
        let context = self.of_member(member, plan, deadline, Some(turns));
        let outcome = Box::pin(context.deploy(&member.operation)).await;
        let end = MemberEnd::of(outcome, context.finished.take());
        context.reporter.on(EventKind::Note(&end.in_words()));
        end
    }

    /// A run of one service's plan, whose events are about that service. After the
    /// deadline it starts nothing.
    pub(super) fn of_member<'a>(
        &'a self,
        member: &'a StackMember,
        plan: &'a Plan,
        deadline: Deadline,
        turns: Option<&'a Semaphore>,
    ) -> ActionContext<'a> {
        ActionContext {
            client: self.client.until(deadline.moment()),
            plan,
            deadline,
            is_host_silent: Cell::new(false),
            turns,
            ..self.about(member.on_sevalla())
        }
    }
}
