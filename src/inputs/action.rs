//! The table of actions: each is declared in one row, from which the words that
//! `action` takes, the check of what an action requires, `--help` and the
//! reference's table are made. What an action does is in [`crate::actions`].

use super::choices::{choices, listed};
use super::table::{Input, TABLE};
use super::values::{Value, unknown_word};

/// One action, as declared. Names of inputs are as users write them.
#[derive(Debug)]
pub struct Action {
    /// Its name.
    pub name: ActionName,
    /// What it does, in one line.
    pub summary: &'static str,
    /// It requires one of these, which name what it is about. Each kind of
    /// resource excludes the others.
    pub one_of: &'static [&'static str],
    /// It can take one of these, under the same rule.
    pub at_most_one_of: &'static [&'static str],
    /// It requires all of these.
    pub requires: &'static [&'static str],
    /// It can take these, which not every action takes.
    pub takes: &'static [&'static str],
    /// Of the inputs that take an id, those that take an exact display name too:
    /// a mistake is harmless.
    pub by_name: &'static [&'static str],
    /// Whether it changes something on Sevalla. If not, it only reads.
    pub writes: bool,
    /// Whether it is there for what it prints, so that a lost output is a failure.
    pub prints: bool,
}

impl Action {
    /// What is most common; every row gives its name and summary.
    const WRITES: Self = Self {
        name: ActionName::DeployApp,
        summary: "",
        one_of: &[],
        at_most_one_of: &[],
        requires: &[],
        takes: &[],
        by_name: &[],
        writes: true,
        prints: false,
    };

    /// An action that changes nothing.
    const READS: Self = Self {
        writes: false,
        ..Self::WRITES
    };

    /// An action that changes nothing and is there for what it prints.
    const PRINTS: Self = Self {
        prints: true,
        ..Self::READS
    };

    /// The inputs without a part in its row that it uses, but not every action.
    pub fn also_takes(&self) -> impl Iterator<Item = &'static Input> {
        let name = self.name;
        let of_some = |input: &&Input| !input.users().is_empty() && !input.is_used_by_all();
        let uses = move |input: &&Input| input.is_used_with(name);
        TABLE.iter().filter(of_some).filter(uses)
    }

    /// Whether it has a use for this input.
    pub fn can_use(&self, input: &Input) -> bool {
        self.uses(&input.name()) || input.is_used_with(self.name)
    }

    /// Whether it has a use for this input, as far as not every action has.
    pub fn uses(&self, input: &str) -> bool {
        let lists = [self.one_of, self.at_most_one_of, self.requires, self.takes];
        lists.iter().any(|list| list.contains(&input))
    }
}

macro_rules! actions {
    ($($variant:ident = $word:literal, $summary:literal { $($fields:tt)* })*) => {
        choices! {
            /// The name of an action.
            ActionName { $(#[doc = $summary] $variant = $word),* }
        }

        impl ActionName {
            /// Its row.
            pub const fn row(self) -> &'static Action {
                match self {
                    $(Self::$variant => &Action {
                        name: Self::$variant,
                        summary: $summary,
                        $($fields)*
                    }),*
                }
            }
        }

        impl ActionName {
            /// Whether it deploys and follows that.
            pub const fn deploys(self) -> bool {
                matches!(
                    self,
                    Self::DeployApp
                        | Self::DeployStaticSite
                        | Self::PromoteApp
                        | Self::CreatePreviewApp
                        | Self::Preview
                        | Self::RollbackApp
                        | Self::RollbackStaticSite
                )
            }
        }

        /// All actions, in the order in which they are documented.
        pub const ACTIONS: &[&Action] = &[$(ActionName::$variant.row()),*];
    };
}

actions! {
    DeployApp = "deploy-app", "Deploys an application." {
        one_of: &["app-id", "deploy-hook-url"],
        takes: &["branch", "docker-image", "is-restart", "state-file", "run-key", "on-rerun"],
        by_name: &["app-id"],
        ..Action::WRITES
    }
    DeployStaticSite = "deploy-static-site", "Deploys a static site." {
        one_of: &["static-site-id"],
        takes: &["branch", "state-file", "run-key", "on-rerun"],
        by_name: &["static-site-id"],
        ..Action::WRITES
    }
    PromoteApp = "promote-app", "Promotes an application to others of its pipeline." {
        requires: &["pipeline-id", "source-app-id", "target-app-ids"],
        takes: &["state-file", "run-key", "on-rerun"],
        ..Action::WRITES
    }
    CreatePreviewApp = "create-preview-app", "Creates the preview app of a branch or pull request, or deploys it if there is one." {
        requires: &["pipeline-id"],
        takes: &["branch", "pull-request-number", "github-token", "comment", "state-file", "run-key", "on-rerun"],
        by_name: &["pipeline-id"],
        ..Action::WRITES
    }
    DeletePreviewApp = "delete-preview-app", "Deletes the preview app of a branch or pull request." {
        takes: &["app-id", "pipeline-id", "branch", "pull-request-number", "github-token", "comment"],
        ..Action::WRITES
    }
    Preview = "preview", "Creates or deploys a preview app, or deletes it if its pull request is closed." {
        requires: &["pipeline-id"],
        takes: &["app-id", "branch", "pull-request-number", "github-token", "comment", "state-file", "run-key", "on-rerun"],
        by_name: &["pipeline-id"],
        ..Action::WRITES
    }
    CleanPreviews = "clean-previews", "Deletes preview apps that are old, or whose pull request is closed." {
        takes: &["max-age", "max-deletions", "github-token"],
        ..Action::WRITES
    }
    RollbackApp = "rollback-app", "Rolls an application back to an earlier deployment." {
        one_of: &["app-id"],
        takes: &["deployment-id", "state-file", "run-key", "on-rerun"],
        ..Action::WRITES
    }
    RollbackStaticSite = "rollback-static-site", "Rolls a static site back to an earlier deployment." {
        one_of: &["static-site-id"],
        takes: &["deployment-id", "state-file", "run-key", "on-rerun"],
        ..Action::WRITES
    }
    DeployStack = "deploy-stack", "Deploys several services in their order, only those that changed." {
        takes: &["stack", "stack-file", "only-changed", "with-dependents", "github-token", "on-rerun"],
        ..Action::WRITES
    }
    PreviewStack = "preview-stack", "Creates, deploys or deletes the preview apps of a pull request for the services of a stack." {
        requires: &["github-token"],
        takes: &["stack", "stack-file", "only-changed", "pull-request-number", "comment"],
        ..Action::WRITES
    }
    PlanStack = "plan-stack", "Shows which services deploy-stack would deploy, and in which order." {
        takes: &["stack", "stack-file", "only-changed", "with-dependents", "github-token"],
        ..Action::PRINTS
    }
    Follow = "follow", "Follows a deployment that this run did not start." {
        one_of: &["app-id", "static-site-id"],
        takes: &["deployment-id", "branch"],
        by_name: &["app-id", "static-site-id"],
        ..Action::READS
    }
    Cancel = "cancel", "Cancels a deployment." {
        one_of: &["app-id", "static-site-id"],
        requires: &["deployment-id"],
        ..Action::WRITES
    }
    List = "list", "Lists the resources of a company, the deployments of a service or the processes of an application." {
        at_most_one_of: &["app-id", "static-site-id"],
        takes: &["resource", "filter"],
        by_name: &["app-id", "static-site-id"],
        ..Action::PRINTS
    }
    Show = "show", "Shows one resource or deployment." {
        at_most_one_of: &["app-id", "static-site-id", "pipeline-id", "database-id"],
        takes: &["deployment-id", "resource", "filter"],
        by_name: &["app-id", "static-site-id", "pipeline-id", "database-id"],
        ..Action::PRINTS
    }
    Doctor = "doctor", "Checks the key, the service and this CI, and shows what the API is like. Changes nothing." {
        takes: &["app-id", "static-site-id", "pipeline-id", "database-id", "branch", "for-action", "report"],
        by_name: &["app-id", "static-site-id", "pipeline-id", "database-id"],
        ..Action::PRINTS
    }
    UpdateApp = "update-app", "Changes the settings of an application." {
        one_of: &["app-id"],
        requires: &["settings"],
        ..Action::WRITES
    }
    UpdateStaticSite = "update-static-site", "Changes the settings of a static site." {
        one_of: &["static-site-id"],
        requires: &["settings"],
        ..Action::WRITES
    }
    UpdateDatabase = "update-database", "Changes the settings of a database." {
        one_of: &["database-id"],
        requires: &["settings"],
        ..Action::WRITES
    }
    DeleteApp = "delete-app", "Deletes an application." {
        one_of: &["app-id"],
        requires: &["confirm"],
        ..Action::WRITES
    }
    DeleteStaticSite = "delete-static-site", "Deletes a static site." {
        one_of: &["static-site-id"],
        requires: &["confirm"],
        ..Action::WRITES
    }
    DeleteDatabase = "delete-database", "Deletes a database." {
        requires: &["confirm"],
        takes: &["database-id"],
        ..Action::WRITES
    }
    CreateDatabase = "create-database", "Finds a database by its display name, or creates it." {
        requires: &["settings"],
        takes: &["database-user", "database-password", "output-password", "state-file", "run-key"],
        ..Action::WRITES
    }
    ConnectDatabase = "connect-database", "Connects a database to an application." {
        requires: &["database-id", "app-id"],
        takes: &["set-env", "env-prefix", "database-user", "database-password", "is-restart"],
        ..Action::WRITES
    }
    PurgeCache = "purge-cache", "Empties the caches of an application or a static site." {
        one_of: &["app-id", "static-site-id"],
        ..Action::WRITES
    }
    ToggleCdn = "toggle-cdn", "Turns the CDN of an application on or off." {
        one_of: &["app-id"],
        requires: &["cdn"],
        ..Action::WRITES
    }
}

/// The inputs that name a resource of one kind, for each kind.
const KINDS: &[&[&str]] = &[
    &["app-id", "deploy-hook-url"],
    &["static-site-id"],
    &["pipeline-id"],
    &["database-id"],
];

/// The kinds of resource of which an action takes one, by the inputs that name
/// them: of several, the user must have meant one. Without an action it is
/// inferred, and deploys an application or a static site.
pub(super) fn alternatives(action: Option<&str>) -> Vec<&'static [&'static str]> {
    let subjects: Vec<&str> = match action {
        None => vec!["app-id", "static-site-id"],
        Some(word) => ACTIONS
            .iter()
            .filter(|row| row.name.word() == word)
            .flat_map(|row| row.one_of.iter().chain(row.at_most_one_of).copied())
            .collect(),
    };
    let is_among = |kind: &&&[&str]| kind.iter().any(|name| subjects.contains(name));
    KINDS.iter().filter(is_among).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_names_inputs_and_names_each_once() {
        for row in ACTIONS {
            let lists = [row.one_of, row.at_most_one_of, row.requires, row.takes];
            let names = lists.concat();
            for (at, name) in names.iter().enumerate() {
                assert!(Input::named(name).is_some(), "{}: {name}", row.name.word());
                assert!(!names[..at].contains(name), "{}: {name}", row.name.word());
            }
            assert!(row.summary.ends_with('.'), "{}", row.summary);
        }
    }

    #[test]
    fn only_what_is_about_one_of_several_kinds_has_alternatives() {
        let count = |action| alternatives(action).len();
        assert_eq!(count(None), 2);
        assert_eq!(count(Some("follow")), 2);
        assert_eq!(count(Some("show")), 4);
        assert_eq!(count(Some("deploy-app")), 1);
        assert_eq!(count(Some("connect-database")), 0);
        assert_eq!(count(Some("no-action")), 0);
    }
}
