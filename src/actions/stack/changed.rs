//! Whether a service of a stack has to be deployed, and why.

use crate::actions::ActionContext;
use crate::actions::stack::StackTask;

/// Whether a service has to be deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeployDecision {
    pub(crate) deploys: bool,
    /// Why, or why not.
    pub(crate) why: String,
}

impl DeployDecision {
    /// It has to be deployed.
    pub(crate) fn deploy(why: impl Into<String>) -> Self {
        let why = why.into();
        Self { deploys: true, why }
    }
}

impl ActionContext<'_> {
    /// For each service of the stack, in the order of the file, whether it has
    /// changed. Whatever is unknown means that it has to be deployed. The ids of
    /// all services are known by now.
    pub(super) async fn decide(&self, stack: &StackTask) -> Vec<DeployDecision> {
        let members = stack.members.iter();
        members
            .map(|_| DeployDecision::deploy("nothing is known about changes"))
            .collect()
    }
}
