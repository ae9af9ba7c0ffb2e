//! The plan of a stack, for people and for other engines: nothing is changed.

use serde_json::{Map, Value, json};

use crate::actions::ActionContext;
use crate::actions::stack::{DecidedStack, StackMember, StackTask};
use crate::actions::task::DeployOperation;
use crate::deployment::ServiceKind;
use crate::event::{EventKind, StackOutput};
use crate::outcome::Outcome;
use crate::sanitize::cleaned;

impl ActionContext<'_> {
    /// Shows what `deploy-stack` would do.
    pub(crate) async fn plan_stack(&self, stack: &StackTask) -> Outcome {
        let decided = match self.decided(stack).await {
            Ok(decided) => decided,
            Err(outcome) => return outcome,
        };
        self.note_plan(&decided);
        self.give_plan(&decided);
        let count = decided.layers().concat().len();
        let all = decided.task.members.len();
        Outcome::success(format!("Of {all} services, {count} would be deployed"))
    }

    /// Shows which services are deployed, why, and in which order.
    pub(super) fn note_plan(&self, decided: &DecidedStack) {
        let layers = decided.layers();
        let layer_of = |at: usize| layers.iter().position(|layer| layer.contains(&at));
        let members = decided.task.members.iter().enumerate();
        for ((at, member), decision) in members.zip(&decided.decisions) {
            let step = match layer_of(at) {
                Some(layer) => format!("deployed in step {}", layer + 1),
                None => "not deployed".to_owned(),
            };
            let row = format!("{}: {step} ({})", member.name(), decision.why);
            self.reporter.on(EventKind::Note(&row));
        }
    }

    /// Gives the plan to other jobs.
    fn give_plan(&self, decided: &DecidedStack) {
        let layers = decided.layers();
        let item = |at: &usize| decided.task.members.get(*at).map(inputs_of);
        let of_layer = |layer: &Vec<usize>| json!({"include": layer.iter().filter_map(item).collect::<Vec<_>>()});
        let matrix: Value = layers.iter().map(of_layer).collect();
        let name = |at: &usize| decided.task.members.get(*at).map(StackMember::name);
        let order: Value = layers
            .iter()
            .map(|layer| layer.iter().filter_map(name).collect::<Value>())
            .collect();
        let graph: Value = layers
            .iter()
            .flatten()
            .filter_map(|at| {
                let mut node = item(at)?;
                let needs = decided.order.needs(*at).iter().filter_map(name);
                node.insert("after".to_owned(), needs.collect());
                Some(Value::Object(node))
            })
            .collect();
        for (output, value) in [
            (StackOutput::Matrix, matrix),
            (StackOutput::Order, order),
            (StackOutput::Graph, json!({"services": graph})),
        ] {
            self.reporter
                .on(EventKind::Stack(output, &value.to_string()));
        }
    }
}

/// The inputs of a service that a stack file can give.
const OF_ONE_SERVICE: &[&str] = &[
    "branch",
    "docker-image",
    "verify-url",
    "verify-status",
    "verify-contains",
    "verify-successes",
    "verify-timeout",
];

/// The inputs with which another job deploys this service. Each is there, and empty
/// if it has no value: an empty input counts as not given.
fn inputs_of(member: &StackMember) -> Map<String, Value> {
    let service = member.on_sevalla();
    let id = |kind| {
        if service.kind == kind {
            service.id.to_string()
        } else {
            String::new()
        }
    };
    let action = match service.kind {
        ServiceKind::Application => "deploy-app",
        ServiceKind::StaticSite => "deploy-static-site",
    };
    // Escapes of JSON would hide control characters from the sanitizer.
    let mut inputs: Map<String, Value> = [
        ("name", cleaned(member.name())),
        ("action", action.to_owned()),
        ("app-id", id(ServiceKind::Application)),
        ("static-site-id", id(ServiceKind::StaticSite)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.into()))
    .collect();
    for name in OF_ONE_SERVICE {
        let image = match &member.operation {
            DeployOperation::DeployApplication { order, .. } => order.docker_image.as_deref(),
            _ => None,
        };
        let given = match *name {
            // With the commit filled in.
            "docker-image" => image,
            name => member.given(name),
        };
        inputs.insert(
            (*name).to_owned(),
            given.map(cleaned).unwrap_or_default().into(),
        );
    }
    inputs
}
