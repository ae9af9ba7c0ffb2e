//! What the doctor looks at, from the inputs.

use std::path::PathBuf;

use uuid::Uuid;

use crate::ci::Facts;
use crate::inputs::{ActionName, GivenName, Inputs};
use crate::resource::ResourceKind;

/// What the doctor looks at.
#[derive(Debug, Clone)]
pub struct Checkup {
    /// What is given by its name; its id below is none until it was looked up.
    pub(crate) names: Vec<GivenName>,
    pub(crate) app: Option<Uuid>,
    pub(crate) site: Option<Uuid>,
    pub(crate) pipeline: Option<Uuid>,
    pub(crate) database: Option<Uuid>,
    /// The branch that is to be deployed, if the user names one.
    pub(crate) branch: Option<String>,
    /// The action that the set-up is for.
    pub(crate) action: Option<ActionName>,
    /// Whether to print the report about the API.
    pub(crate) prints: bool,
    /// Where to write it.
    pub(crate) file: Option<PathBuf>,
    /// What the CI says of the run.
    pub(crate) facts: Facts,
}

impl Checkup {
    /// Whether nothing is given that it could look at.
    pub(crate) fn is_without_subject(&self) -> bool {
        let all = [self.app, self.site, self.pipeline, self.database];
        all.iter().all(Option::is_none)
    }

    /// The id of what is given of a kind.
    pub(crate) fn id_of(&mut self, kind: ResourceKind) -> &mut Option<Uuid> {
        match kind {
            ResourceKind::Application => &mut self.app,
            ResourceKind::StaticSite => &mut self.site,
            ResourceKind::Pipeline => &mut self.pipeline,
            ResourceKind::Database => &mut self.database,
        }
    }
}

pub(crate) fn checkup(inputs: &Inputs, facts: &Facts) -> Checkup {
    let by_subject = [
        (inputs.app_id, ActionName::DeployApp),
        (inputs.static_site_id, ActionName::DeployStaticSite),
        (inputs.pipeline_id, ActionName::Preview),
        (inputs.database_id, ActionName::Show),
    ];
    let mut by_subject = by_subject.into_iter();
    let inferred = || by_subject.find_map(|(id, action)| id.map(|_| action));
    Checkup {
        names: inputs.names.clone(),
        app: inputs.app_id,
        site: inputs.static_site_id,
        pipeline: inputs.pipeline_id,
        database: inputs.database_id,
        branch: inputs.branch.as_ref().map(|branch| branch.name.clone()),
        action: inputs.for_action.or_else(inferred),
        prints: inputs.report,
        file: inputs.report_file.clone(),
        facts: facts.clone(),
    }
}
