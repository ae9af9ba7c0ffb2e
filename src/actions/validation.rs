//! Problems and warnings found while inputs are combined, collected so that all
//! are reported at once.

use crate::inputs::{ActionName, Input, Inputs, Problem, ProblemKind};
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
        "resource" | "cdn" => Input::named(name).map_or("a value", |input| input.accepts),
        "deploy-hook-url" => "the address of its hook",
        "github-token" => "a token of the code host",
        "settings" => "a JSON object with the settings",
        "confirm" => "the display name of what is to be deleted",
        _ => "a value",
    }
}

impl Validation {
    pub(crate) fn problem(&mut self, flaw: ProblemKind, input: impl Into<String>, message: &str) {
        self.problems.push(Problem::new(flaw, input, None, message));
    }

    /// Reports each input that the action requires, by its row, and has not got.
    pub(crate) fn need(&mut self, action: ActionName, inputs: &Inputs) {
        let row = action.row();
        self.need_one_of(action, inputs, row.one_of);
        for name in row.requires {
            self.need_one_of(action, inputs, &[*name]);
        }
        let calls_hook = row.uses("deploy-hook-url") && inputs.is_given("deploy-hook-url");
        if !calls_hook {
            self.need_token(inputs);
        }
    }

    /// Reports that none of these inputs is given, if that is so.
    pub(crate) fn need_one_of(&mut self, action: ActionName, inputs: &Inputs, names: &[&str]) {
        let Some(first) = names.first() else {
            return;
        };
        if names.iter().any(|name| inputs.is_given(name)) {
            return;
        }
        let ways = names
            .iter()
            .map(|name| format!("`{name}` to {}", value_of(name)));
        let ways: Vec<String> = ways.collect();
        let message = format!("{} requires it. Set {}", action.word(), ways.join(", or "));
        self.problem(ProblemKind::Missing, *first, &message);
    }

    /// Reports that the key is not given, if that is so.
    pub(crate) fn need_token(&mut self, inputs: &Inputs) {
        let is_reported = self.problems.iter().any(|p| p.input == "sevalla-token");
        if is_reported || inputs.is_given("sevalla-token") {
            return;
        }
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

    /// Warns of each input that says what to deploy and for which the action, by
    /// its row, has no use.
    pub(crate) fn unused(&mut self, action: ActionName, inputs: &Inputs, advice: &str) {
        let given = [
            ("app-id", inputs.app_id.is_some()),
            ("static-site-id", inputs.static_site_id.is_some()),
            ("deploy-hook-url", inputs.deploy_hook_url.is_some()),
            ("branch", inputs.branch.is_some()),
            ("docker-image", inputs.docker_image.is_some()),
            ("is-restart", inputs.is_restart),
        ];
        let unused = given.map(|(name, is_given)| (is_given && !action.row().uses(name), name));
        self.ignored(&format!("on {}{advice}", action.word()), unused);
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
