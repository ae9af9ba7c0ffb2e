//! Rolling a stack back: the services of this run in the reverse of their order.

use crate::actions::ActionContext;
use crate::actions::deploy::finalize::FinishedDeployment;
use crate::actions::deploy::rollback::RollbackReport;
use crate::actions::stack::report::MemberEnd;
use crate::actions::stack::schedule::{Step, in_order};
use crate::actions::stack::{DecidedStack, StackMember};
use crate::deployment::{Deployment, Verdict};
use crate::event::EventKind;
use crate::messages::Failure;

impl ActionContext<'_> {
    /// After a deployment or a check that failed, takes back what this run has put
    /// live, each service after those that need it.
    pub(super) async fn restore_members(&self, decided: &DecidedStack, ends: &mut [MemberEnd]) {
        let failures = ends.iter().filter_map(|end| end.outcome()?.failure());
        if !failures.into_iter().any(Failure::calls_for_rollback) {
            return;
        }
        let members = &decided.task.members;
        let seen: Vec<Option<&FinishedDeployment>> = ends.iter().map(put_live).collect();
        let order = decided.order.reversed();
        let rollback = in_order(&order, members.len(), |at, _| {
            match (members.get(at), seen.get(at).copied().flatten()) {
                (Some(member), Some(seen)) => Step::Work(self.restore_member(member, seen)),
                _ => Step::End(None),
            }
        });
        let rollback: Vec<Option<RollbackReport>> =
            rollback.await.into_iter().map(Option::flatten).collect();
        for (end, rollback) in ends.iter_mut().zip(rollback) {
            end.with_rollback(rollback);
        }
    }

    async fn restore_member(
        &self,
        member: &StackMember,
        seen: &FinishedDeployment,
    ) -> Option<RollbackReport> {
        let context = self.of_member(member, &member.plan, self.deadline, None);
        let report = |event: EventKind<'_>| context.reporter.on(event);
        let wrong: &Deployment = &seen.deployment;
        let (live, log) = (seen.before.as_ref(), seen.log.as_ref());
        let back = context.restore_previous(member.on_sevalla(), live, wrong, log, &report);
        let rollback = Box::pin(back).await;
        report(EventKind::Note(&rollback.summary));
        Some(rollback)
    }
}

/// What this run has put live.
fn put_live(end: &MemberEnd) -> Option<&FinishedDeployment> {
    let seen = end.seen.as_ref()?;
    (seen.is_ours && seen.deployment.verdict() == Verdict::Success).then_some(seen)
}
