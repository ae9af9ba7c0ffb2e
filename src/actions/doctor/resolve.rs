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
    /// The action that the set-up is for, if the user names one.
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

    /// The actions that the set-up is for: the one that is named, or those that
    /// the ids suggest.
    pub(crate) fn actions(&self) -> Vec<ActionName> {
        if let Some(named) = self.action {
            return vec![named];
        }
        let of_services = [
            self.app.map(|_| ActionName::DeployApp),
            self.site.map(|_| ActionName::DeployStaticSite),
        ];
        let mut all: Vec<ActionName> = of_services.into_iter().flatten().collect();
        if all.is_empty() {
            let of_pipeline = self.pipeline.map(|_| ActionName::Preview);
            all.extend(of_pipeline.or_else(|| self.database.map(|_| ActionName::Show)));
        }
        all
    }

    /// Whether the set-up is for this action.
    pub(crate) fn is_for(&self, action: ActionName) -> bool {
        self.actions().contains(&action)
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
    Checkup {
        names: inputs.names.clone(),
        app: inputs.app_id,
        site: inputs.static_site_id,
        pipeline: inputs.pipeline_id,
        database: inputs.database_id,
        branch: inputs.branch.as_ref().map(|branch| branch.name.clone()),
        action: inputs.for_action,
        prints: inputs.report,
        file: inputs.report_file.clone(),
        facts: facts.clone(),
    }
}
