//! What Sevalla deploys by itself: on a push, and with which filters.

use crate::actions::deploy::matcher::{DeployKind, DeploymentMatcher};
use crate::actions::error::{Report, TriggerError};
use crate::branch;
use crate::deployment::{Service, ServiceKind};
use crate::event::EventKind;
use crate::messages::Warning;
use crate::sevalla::{Application, Client, Patience};

pub(super) fn warn_of_auto_deploy(
    record: &Application,
    wanted: &DeploymentMatcher,
    report: Report<'_>,
) {
    let is_built_on_push = record.auto_deploy && record.source.as_deref() == Some("privateGit");
    let builds = matches!(wanted.kind, DeployKind::Deploy | DeployKind::Hook);
    let is_default = is_default(wanted.branch.as_deref(), record.default_branch.as_deref());
    if is_built_on_push && builds && is_default {
        warn_of_double(wanted.branch.as_deref(), report);
    }
}

/// Whether a branch is the service's own; both are unknown together.
pub(super) fn is_default(branch: Option<&str>, default: Option<&str>) -> bool {
    match (branch, default) {
        (Some(branch), Some(default)) => branch::is_same(branch, default),
        (branch, default) => branch == default,
    }
}

pub(super) fn warn_of_double(branch: Option<&str>, report: Report<'_>) {
    let text = format!(
        "Automatic deployment is on for branch {}: each push is deployed once by Sevalla and once by \
         this run. Switch automatic deployment off in the settings on Sevalla.",
        branch.unwrap_or("(default)")
    );
    report(EventKind::Warning(Warning::DeployedTwice, &text));
}

/// What a service's record shows of what it deploys by itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct AutoDeployConfig {
    /// The host of a static site.
    pub host: Option<String>,
    /// The branch that is deployed.
    pub default_branch: Option<String>,
    /// Whether a push to it is deployed.
    pub deploys_pushes: bool,
    /// Whether only some pushes are, by the paths they touch.
    pub filters_paths: bool,
    /// Whether pushes to other branches may be, too: a static site builds
    /// previews of pull requests.
    pub previews_branches: bool,
}

impl AutoDeployConfig {
    /// Whether a push to this branch may be deployed; `None` is the service's
    /// own.
    pub(crate) fn deploys(&self, branch: Option<&String>) -> bool {
        let other = branch.zip(self.default_branch.as_ref());
        let is_other = other.is_some_and(|(ours, its)| !branch::is_same(ours, its));
        self.deploys_pushes && !is_other || self.previews_branches && is_other
    }
}

/// Reads a service's record.
pub(crate) async fn look_at(
    client: &Client,
    service: Service,
    report: Report<'_>,
) -> Result<AutoDeployConfig, TriggerError> {
    let patience = Patience::BEFORE_THE_START;
    match service.kind {
        ServiceKind::Application => {
            let record = client.get_application(service.id, patience).await?;
            report(EventKind::Target(service, record.display_name.as_deref()));
            let is_built_on_push = record.auto_deploy
                && record
                    .source
                    .as_deref()
                    .is_none_or(|source| matches!(source, "privateGit" | "app"));
            Ok(AutoDeployConfig {
                host: None,
                default_branch: record.default_branch,
                deploys_pushes: is_built_on_push,
                filters_paths: !record.allow_deploy_paths.is_empty()
                    || !record.ignore_deploy_paths.is_empty(),
                previews_branches: false,
            })
        }
        ServiceKind::StaticSite => {
            let record = client.get_static_site(service.id, patience).await?;
            report(EventKind::Target(service, record.display_name.as_deref()));
            Ok(AutoDeployConfig {
                host: record.hostname,
                default_branch: record.default_branch,
                deploys_pushes: record.auto_deploy,
                filters_paths: !record.allow_deploy_paths.is_empty()
                    || !record.ignore_deploy_paths.is_empty(),
                previews_branches: record.is_preview_enabled,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_is_deployed_where_the_record_says_so() {
        let place = |deploys_pushes, previews_branches| AutoDeployConfig {
            default_branch: Some("main".to_owned()),
            deploys_pushes,
            previews_branches,
            ..AutoDeployConfig::default()
        };
        let (main, next) = ("main".to_owned(), "next".to_owned());
        for (place, of_main, of_next) in [
            (place(false, false), false, false),
            (place(true, false), true, false),
            (place(false, true), false, true),
            (place(true, true), true, true),
        ] {
            assert_eq!(place.deploys(Some(&main)), of_main, "{place:?}");
            assert_eq!(place.deploys(None), of_main, "{place:?}");
            assert_eq!(place.deploys(Some(&next)), of_next, "{place:?}");
        }
    }
}
