//! Bitbucket Pipelines: a file for later steps, which select from it by
//! `output-variables`, and a folder for other pipes of the same step. Sources:
//! support.atlassian.com, "Variable sharing" and "Advanced techniques for
//! writing pipes".
//!
//! Everything else on Bitbucket is plain.

pub(crate) mod facts;

use std::path::{Path, PathBuf};

use crate::ci::detect::DetectionRule;
use crate::ci::facts::RunNames;
use crate::ci::hosts::CiHost;
use crate::ci::plain;
use crate::ci::{Outputs, dotenv, variable};
use crate::environment::Variables;

/// Its row in the table of hosts.
pub(super) const HOST: CiHost = CiHost {
    name: "bitbucket",
    title: "Bitbucket",
    template: Some("templates/bitbucket/bitbucket-pipelines.yml"),
    detection: &[
        DetectionRule::All(&["BITBUCKET_BUILD_NUMBER"]),
        DetectionRule::All(&["BITBUCKET_COMMIT"]),
    ],
    names: RunNames {
        run: &["BITBUCKET_REPO_FULL_NAME", "BITBUCKET_PIPELINE_UUID"],
        step: &["BITBUCKET_STEP_UUID"],
        attempt: &["BITBUCKET_STEP_RUN_NUMBER"],
    },
    facts: facts::facts,
    output: plain::output,
};

/// The variable that names the folder that pipes share.
pub(crate) const SHARED_FOLDER: &str = "BITBUCKET_PIPE_SHARED_STORAGE_DIR";

/// Where in the folder that pipes share ours are.
const IN_THE_SHARED_FOLDER: &str = "sevalla-deploy/outputs.env";

/// The files that take the outputs.
pub(crate) fn files(variables: &Variables) -> Vec<PathBuf> {
    let path = |name| variables.text(name).map(PathBuf::from);
    let steps = path("BITBUCKET_PIPELINES_VARIABLES_PATH");
    steps.into_iter().chain(shared_file(variables)).collect()
}

/// The one for other pipes.
pub(crate) fn shared_file(variables: &Variables) -> Option<PathBuf> {
    let folder = variables.text(SHARED_FOLDER)?;
    Some(Path::new(folder).join(IN_THE_SHARED_FOLDER))
}

/// The lines to add to them, and the outputs that they cannot hold.
pub(crate) fn lines(outputs: Outputs<'_>) -> (String, Vec<&'static str>) {
    let mut lines = String::new();
    let mut left_out = Vec::new();
    for (name, value) in outputs {
        match dotenv::line(&variable(name), value.as_str()) {
            Some(line) => lines.push_str(&line),
            None => left_out.push(*name),
        }
    }
    (lines, left_out)
}
