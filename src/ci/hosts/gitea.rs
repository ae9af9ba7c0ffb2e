//! Gitea Actions and Forgejo Actions, which imitate GitHub's variables, commands
//! and files.

use crate::ci::detect::DetectionRule;
use crate::ci::hosts::{CiHost, github};

/// Its row in the table of hosts.
pub(super) const HOST: CiHost = CiHost {
    name: "gitea",
    title: "Gitea and Forgejo",
    template: Some("templates/gitea/deploy.yml"),
    detection: &[
        DetectionRule::Is("GITEA_ACTIONS", "true"),
        DetectionRule::Is("FORGEJO_ACTIONS", "true"),
    ],
    names: github::NAMES,
    facts: github::HOST.facts,
    output: github::HOST.output,
};
