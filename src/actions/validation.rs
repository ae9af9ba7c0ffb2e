//! Problems and warnings found while inputs are combined, collected so that all
//! are reported at once.

use crate::inputs::{ActionName, Inputs, Problem, ProblemKind};
use crate::messages::Warning;

/// What was found while combining.
pub(crate) struct Validation {
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<(Warning, String)>,
    /// Why the CI withholds its secrets, if it does.
    pub(crate) why_no_secrets: Option<&'static str>,
}

/// What an input that an action requires is to be set to, in words that
/// complete "Set it to …".
pub(crate) fn value_of(name: &str) -> &'static str {
    match name {
        "app-id" => "the UUID of the application",
        "static-site-id" => "the UUID of the static site",
        "pipeline-id" => "the UUID of the pipeline",
        "source-app-id" => "the UUID of the application to promote from",
        "target-app-ids" => "the UUIDs of the applications to promote to",
        "deployment-id" => "the UUID of the deployment",
        "database-id" => "the UUID of the database",
        "database-user" => "the user of the database",
        "database-password" => "the password of that user",
        "resource" => "applications, static-sites, pipelines, databases, deployments or processes",
        "settings" => "a JSON object with the settings",
        "confirm" => "the display name of what is to be deleted",
        _ => "a value",
    }
}

impl Validation {
    pub(crate) fn problem(&mut self, flaw: ProblemKind, input: impl Into<String>, message: &str) {
        self.problems.push(Problem::new(flaw, input, None, message));
    }

    /// Tells of each input that an action cannot do without.
    pub(crate) fn need(&mut self, action: ActionName, inputs: &Inputs, names: &[&str]) {
        for name in names.iter().filter(|name| !inputs.is_given(name)) {
            if *name == "sevalla-token" {
                self.need_token();
            } else {
                let message = format!(
                    "{} requires it. Set `{name}` to {}",
                    action.word(),
                    value_of(name)
                );
                self.problem(ProblemKind::Missing, *name, &message);
            }
        }
    }

    pub(crate) fn need_token(&mut self) {
        let message = match self.why_no_secrets {
            Some(why) => {
                format!("it is missing: {why}. Set `skip-without-token` to true to let such a run pass")
            }
            None => {
                "it is missing or empty. Set `sevalla-token` to an API key of your Sevalla company. \
                 CIs pass no secrets to pull requests from forks"
                    .to_owned()
            }
        };
        self.problem(ProblemKind::MissingKey, "sevalla-token", &message);
    }

    /// Warns of each input that is given and has no effect.
    pub(crate) fn ignored<'a>(
        &mut self,
        why: &str,
        given: impl IntoIterator<Item = (bool, &'a str)>,
    ) {
        for (_, name) in given.into_iter().filter(|(is_given, _)| *is_given) {
            let text = format!("{name} has no effect {why}.");
            self.warnings.push((Warning::InputWithoutEffect, text));
        }
    }
}
