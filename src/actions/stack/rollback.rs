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
    pub(super) async fn take_back_members(&self, decided: &DecidedStack, ends: &mut [MemberEnd]) {
        let failures = ends.iter().filter_map(|end| end.outcome()?.failure());
        if !failures.into_iter().any(Failure::calls_for_rollback) {
            return;
        }
        let members = &decided.task.members;
        let seen: Vec<Option<&FinishedDeployment>> = ends.iter().map(put_live).collect();
        let order = decided.order.reversed();
        let undone = in_order(&order, members.len(), |at, _| {
            match (members.get(at), seen.get(at).copied().flatten()) {
                (Some(member), Some(seen)) => Step::Work(self.take_back_member(member, seen)),
                _ => Step::End(None),
            }
        });
        let undone: Vec<Option<RollbackReport>> =
            undone.await.into_iter().map(Option::flatten).collect();
        for (end, undone) in ends.iter_mut().zip(undone) {
            end.and_undone(undone);
        }
    }

    async fn take_back_member(
        &self,
        member: &StackMember,
        seen: &FinishedDeployment,
    ) -> Option<RollbackReport> {
        let context = self.of_member(member, &member.plan, self.deadline, None);
        let tell = |event: EventKind<'_>| context.reporter.on(event);
        let wrong: &Deployment = &seen.deployment;
        let (live, log) = (seen.before.as_ref(), seen.log.as_ref());
        let back = context.take_back(member.on_sevalla(), live, wrong, log, &tell);
        let undone = Box::pin(back).await;
        tell(EventKind::Note(&undone.said));
        Some(undone)
    }
}

/// What this run has put live.
fn put_live(end: &MemberEnd) -> Option<&FinishedDeployment> {
    let seen = end.seen.as_ref()?;
    (seen.is_ours && seen.deployment.verdict() == Verdict::Success).then_some(seen)
}
