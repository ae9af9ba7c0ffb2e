//! Several services as one change: each is an ordinary deployment, and starts when
//! everything that it needs is live.

pub(crate) mod changed;
mod deploy;
mod plan;
pub(crate) mod report;
pub(crate) mod resolve;
mod rollback;
mod schedule;

use std::collections::HashMap;

use uuid::Uuid;

use crate::actions::error::TriggerError;
use crate::actions::named;
use crate::actions::resolve::Plan;
use crate::actions::stack::changed::DeployDecision;
pub use crate::actions::stack::changed::RunRevision;
use crate::actions::task::{DeployOperation, Task};
use crate::actions::{ActionContext, nothing_started};
use crate::deployment::Service;
use crate::inputs::GivenName;
use crate::messages::Failure;
use crate::outcome::Outcome;
use crate::resource::{ResourceKind, ResourceList};
use crate::sevalla::{Patience, RecordList};
use crate::stack::{Order, StackPreview, StackService};

/// A stack, as its file and the inputs describe it.
#[derive(Debug, Clone)]
pub struct StackTask {
    /// The services, in the order of the file.
    pub members: Vec<StackMember>,
    /// Which of them waits for which.
    pub order: Order,
    /// Their previews.
    pub previews: Vec<StackPreview>,
    /// The commit of the run, with which the live ones are compared.
    pub revision: RunRevision,
    /// Whether to deploy only what has changed.
    pub only_changed: bool,
    /// Whether to deploy what depends on a changed service too.
    pub with_dependents: bool,
}

/// A service of a stack.
#[derive(Debug, Clone)]
pub struct StackMember {
    /// What the file says of it.
    pub service: StackService,
    /// The display name by which it is given, until its id is known.
    pub name: Option<GivenName>,
    /// Its deployment.
    pub operation: DeployOperation,
    /// The plan of its deployment.
    pub plan: Plan,
}

impl StackMember {
    /// Its name in the file.
    pub(crate) fn name(&self) -> &str {
        &self.service.name.value
    }

    /// The service on Sevalla.
    pub(crate) fn on_sevalla(&self) -> Service {
        let service = self.operation.service();
        service.unwrap_or(Service {
            kind: self.service.kind,
            id: Uuid::max(),
        })
    }

    /// The text of an input that the file gives it.
    fn given(&self, input: &str) -> Option<&str> {
        let mut given = self.service.inputs.iter();
        let (_, text) = given.find(|(name, _)| *name == input)?;
        Some(&text.value)
    }

    /// The same with the id of what it is called.
    pub(crate) fn with_id(self, id: Uuid) -> Self {
        let operation = self.operation.with_id(id);
        let plan = Plan {
            task: Task::Deploy(operation.clone()),
            ..self.plan
        };
        Self {
            name: None,
            operation,
            plan,
            ..self
        }
    }
}

/// A stack whose services are known, with what has to be deployed of it.
pub(crate) struct DecidedStack {
    pub(crate) task: StackTask,
    pub(crate) decisions: Vec<DeployDecision>,
    /// Which of the services that are deployed waits for which.
    pub(crate) order: Order,
}

impl DecidedStack {
    /// The services that are deployed, in layers.
    fn layers(&self) -> Vec<Vec<usize>> {
        let deploys = |at: &usize| self.deploys(*at);
        let layers = self.order.layers().into_iter();
        let layers = layers.map(|layer| layer.into_iter().filter(deploys).collect());
        layers
            .filter(|layer: &Vec<usize>| !layer.is_empty())
            .collect()
    }

    fn deploys(&self, at: usize) -> bool {
        self.decisions
            .get(at)
            .is_some_and(|decision| decision.deploys)
    }
}

impl ActionContext<'_> {
    /// Finds the services, and decides which of them have to be deployed.
    async fn decided(&self, stack: &StackTask) -> Result<DecidedStack, Outcome> {
        let work = async {
            let task = self.look_up_members(stack.clone()).await?;
            let mut decisions = if task.only_changed {
                self.decide(&task).await
            } else {
                let all = task.members.iter();
                all.map(|_| DeployDecision::deploy("only-changed is false"))
                    .collect()
            };
            if task.with_dependents {
                add_dependents(&task, &mut decisions);
            }
            let is_kept = |at: usize| decisions.get(at).is_some_and(|it| it.deploys);
            let order = task.order.only(is_kept);
            Ok(DecidedStack {
                task,
                decisions,
                order,
            })
        };
        let decided = tokio::select! {
            decided = work => decided,
            signal = self.stop.asked() => return Err(nothing_started(signal)),
        };
        match decided {
            Ok(decided) => Ok(decided),
            Err(error) => Err(self.not_started(error).await),
        }
    }

    /// Finds the services that are given by name, by one list for each kind.
    pub(crate) async fn look_up_members(
        &self,
        mut stack: StackTask,
    ) -> Result<StackTask, TriggerError> {
        let mut lists: HashMap<&'static str, RecordList> = HashMap::new();
        for kind in [ResourceKind::Application, ResourceKind::StaticSite] {
            let is_named =
                |member: &StackMember| member.name.as_ref().is_some_and(|name| name.kind == kind);
            if stack.members.iter().any(is_named) {
                let list = ResourceList::All(kind);
                let all = self.client.pages(list, Patience::BEFORE_THE_START).await?;
                lists.insert(kind.noun(), all);
            }
        }
        let mut members: Vec<StackMember> = Vec::new();
        for member in stack.members {
            let Some(GivenName { kind, name }) = member.name.clone() else {
                members.push(member);
                continue;
            };
            let at = format!("It is service {}", member.name());
            let Some(all) = lists.get(kind.noun()) else {
                continue;
            };
            let found = named::find_among(all, kind, &name, named::NameSearch::Id);
            let found = found.map_err(|error| error.at(at))?;
            members.push(member.with_id(found.id));
        }
        stack.members = members;
        refuse_twice(&stack)?;
        Ok(stack)
    }
}

/// Two services must not be one on Sevalla: by its name and by its id.
fn refuse_twice(stack: &StackTask) -> Result<(), TriggerError> {
    for (at, member) in stack.members.iter().enumerate() {
        let mut before = stack.members.iter().take(at);
        if let Some(first) = before.find(|other| other.on_sevalla() == member.on_sevalla()) {
            let reason = format!(
                "{} and {} are both the {}",
                first.name(),
                member.name(),
                member.on_sevalla()
            );
            let hint = "Remove one of them from the stack file";
            return Err(TriggerError::refused(Failure::UnusableStack, reason, hint));
        }
    }
    Ok(())
}

/// Adds the services that are after one that is deployed.
fn add_dependents(stack: &StackTask, decisions: &mut [DeployDecision]) {
    for at in stack.order.layers().concat() {
        let needs = stack.order.needs(at).iter();
        let mut deployed = needs.filter(|need| decisions.get(**need).is_some_and(|it| it.deploys));
        let Some(first) = deployed.next().and_then(|need| stack.members.get(*need)) else {
            continue;
        };
        if let Some(decision) = decisions.get_mut(at).filter(|decision| !decision.deploys) {
            *decision = DeployDecision::deploy(format!("it is after {}", first.name()));
        }
    }
}
