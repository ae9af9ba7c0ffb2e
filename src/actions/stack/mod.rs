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
use std::collections::hash_map::Entry;

use uuid::Uuid;

use crate::actions::error::{FailedPrecondition, TriggerError};
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
use crate::resource::ResourceList;
use crate::sevalla::{Patience, RecordList};
use crate::stack::{Order, Place, PlacedText, StackPreview, StackService};

/// A stack, as its file and the inputs describe it.
#[derive(Debug, Clone, Default)]
pub struct StackTask {
    /// What messages call the file.
    pub file: String,
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

    /// This service, once its id is known.
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
            let mut wrong = WrongNames::default();
            let task = self.look_up_members(stack.clone(), &mut wrong).await?;
            wrong.refuse(&task.file)?;
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
            signal = self.stop.requested() => return Err(nothing_started(signal)),
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
        wrong: &mut WrongNames,
    ) -> Result<StackTask, TriggerError> {
        let mut lists: HashMap<&'static str, RecordList> = HashMap::new();
        for member in &mut stack.members {
            let Some(GivenName { kind, name }) = member.name.clone() else {
                continue;
            };
            let all = match lists.entry(kind.noun()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    let list = ResourceList::All(kind);
                    place.insert(self.client.pages(list, Patience::BEFORE_THE_START).await?)
                }
            };
            match named::find_among(all, kind, &name, named::NameSearch::Id) {
                Ok(found) => *member = member.clone().with_id(found.id),
                Err(refused) => wrong.add(&member.service.target, refused),
            }
        }
        find_twice(&stack, wrong);
        Ok(stack)
    }
}

/// What a stack file names that is not on Sevalla, or there twice.
#[derive(Default)]
pub(crate) struct WrongNames(Vec<(Place, FailedPrecondition)>);

impl WrongNames {
    pub(crate) fn add(&mut self, name: &PlacedText, refused: FailedPrecondition) {
        self.0.push((name.place, refused));
    }

    /// One error from all, each with its place in the file, if there are any.
    pub(crate) fn refuse(mut self, file: &str) -> Result<(), TriggerError> {
        self.0.sort_by_key(|(place, _)| *place);
        let mut wrong = self.0.into_iter().map(|(place, refused)| {
            let reason = format!("{file}: {place}: {}", refused.reason);
            // The file's keys are those of the inputs without `-id`.
            let hint = refused.hint.replace("-id to the UUID", " to the UUID");
            FailedPrecondition {
                reason,
                hint,
                ..refused
            }
        });
        let Some(mut first) = wrong.next() else {
            return Ok(());
        };
        for other in wrong {
            first
                .details
                .push(format!("{}. {}", other.reason, other.hint));
            first.details.extend(other.details);
        }
        Err(first.into())
    }
}

/// Two services must not be one on Sevalla: by its name and by its id.
fn find_twice(stack: &StackTask, wrong: &mut WrongNames) {
    let known = |member: &&StackMember| member.name.is_none();
    for (at, member) in stack.members.iter().enumerate() {
        let mut before = stack.members.iter().take(at).filter(known);
        let is_it = |other: &&StackMember| other.on_sevalla() == member.on_sevalla();
        if let Some(first) = before.find(is_it).filter(|_| known(&member)) {
            let (one, other) = (first.name(), member.name());
            let reason = format!("{one} and {other} are both the {}", member.on_sevalla());
            let hint = "Remove one of them from the stack file";
            let refused = FailedPrecondition::new(Failure::UnusableStack, reason, hint);
            wrong.add(&member.service.target, refused);
        }
    }
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
