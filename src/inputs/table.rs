//! The table of inputs: each is declared in one row, from which its variables, its
//! field of [`Inputs`], its option, `--help`, completions, `action.yml`, `container/action.yml` and the
//! reference's table are made.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use uuid::Uuid;

use super::Reader;
use super::action::{ACTIONS, ActionName};
use super::choices::{
    Abandon, Cdn, Comment, Logs, OnFailure, OnFork, OnMismatch, OnRerun, OnSkipped, Resource,
    WhenBusy,
};
use super::group::InputGroup;
use super::named::GivenName;
use super::values::{
    Age, ApiUrl, Branch, DeploymentIdText, DockerImage, ExpectedCommit, Number, Settings,
    StackText, Text, Uuids, Value, VariablePrefix, VerifyUrl,
};
use crate::secret::{ApiToken, HookUrl, Password};
use crate::verify::{Expectation, Statuses};

/// One input, as declared.
#[derive(Debug)]
pub struct Input {
    /// The name with underscores, as the field of [`Inputs`] is called.
    pub(super) field: &'static str,
    /// The value that applies when the user gives none.
    pub default: Option<&'static str>,
    /// What is accepted, in words.
    pub accepts: &'static str,
    /// The words it takes, if it takes only a few.
    pub words: &'static [&'static str],
    /// What each of them means; empty where the words say it.
    pub meanings: &'static [&'static str],
    /// Where `--help` and the reference have it.
    pub group: InputGroup,
    /// What it is for, in half a line of `--help`.
    pub short: &'static str,
    /// Whether its value must never be shown.
    pub secret: bool,
    /// Names of variables beyond the ones every input has.
    pub also: &'static [&'static str],
    /// What it is for, in one line; `{words}` stands for `accepts`.
    help: &'static str,
}

impl Input {
    /// The input of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TABLE.iter().find(|input| input.is_named(name))
    }

    /// The input that a user means by this: its name, or one of its variables
    /// with or without `SEVALLA_`, or a word of other tools for a secret.
    pub fn meant_by(text: &str) -> Option<&'static Self> {
        let name = match text.trim_start_matches("--") {
            "key" | "secret" => "sevalla-token",
            "password" => "database-password",
            "hook" => "deploy-hook-url",
            name => name,
        };
        let variable = name.to_uppercase().replace('-', "_");
        let longer = format!("SEVALLA_{variable}");
        let is_it = |input: &&Self| {
            let mut all = input.spellings().into_iter().chain(input.file_spellings());
            input.is_named(name) || all.any(|spelling| spelling == variable || spelling == longer)
        };
        TABLE.iter().find(is_it)
    }

    /// Whether this is its name, with hyphens or underscores.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.field.replace('_', "-") == name.replace('_', "-")
    }

    /// The name as users write it, with hyphens.
    pub fn name(&self) -> String {
        self.field.replace('_', "-")
    }

    /// Whether an action takes the display name of a resource for its id.
    pub fn takes_name(&self) -> bool {
        ACTIONS
            .iter()
            .any(|action| action.by_name.contains(&self.name().as_str()))
    }

    /// The actions that use it, in a phrase, if the row of no action names it.
    pub fn users(&self) -> &'static str {
        match self.field {
            "action" | "api_url" | "timeout" | "dry_run" | "summary" | "report_file"
            | "junit_file" | "output_file" | "links_file" | "html_report"
            | "skip_without_token" => "all",
            "sevalla_token" => "all, **required**",
            "wait_for_finish" | "on_fork" | "on_failure" => "deploying",
            "when_busy" => {
                "`deploy-app`, `deploy-static-site`, `rollback-app`, `rollback-static-site`"
            }
            "on_timeout" | "on_cancel" | "on_skipped" | "logs" | "log_file"
            | "code_quality_file" | "expected_commit" | "on_commit_mismatch" | "verify_url"
            | "verify_status" | "verify_contains" | "verify_successes" | "verify_timeout"
            | "purge_cache" => "deploying, `follow`",
            _ => "",
        }
    }

    /// Whether every action uses it.
    pub fn is_used_by_all(&self) -> bool {
        self.users().starts_with("all")
    }

    /// Whether this action uses it, although its row does not name it.
    pub fn is_used_with(&self, action: ActionName) -> bool {
        let users = self.users();
        self.is_used_by_all()
            || users.starts_with("deploying") && action.deploys()
            || users.contains(&format!("`{}`", action.word()))
    }

    /// What is accepted, in words, with a name where some actions take one.
    pub fn value_in_words(&self) -> String {
        if self.takes_name() {
            format!(
                "{}, or the exact display name for some actions",
                self.accepts
            )
        } else {
            self.accepts.to_owned()
        }
    }

    /// What it is for, in one line.
    pub fn help(&self) -> String {
        self.marked_help().replace('`', "")
    }

    /// That line in Markdown, with the actions in code whose names are also words.
    pub fn marked_help(&self) -> String {
        self.help.replace("{words}", self.accepts)
    }

    /// The option of the command line that gives it. A secret has none: everybody
    /// on the machine can read the arguments of a process.
    pub fn option(&self) -> Option<String> {
        (!self.secret).then(|| format!("--{}", self.name()))
    }

    /// Whether its option may have no value, which then is `true`.
    pub fn is_switch(&self) -> bool {
        self.words == bool::WORDS
    }

    /// Whether it can have several values, with commas between them.
    pub fn is_list(&self) -> bool {
        [Uuids::ACCEPTS, Statuses::ACCEPTS].contains(&self.accepts)
    }

    /// Whether it names a file.
    pub fn is_path(&self) -> bool {
        self.accepts == PathBuf::ACCEPTS
    }

    /// The variable for CI systems without one of their own.
    pub fn variable(&self) -> String {
        let upper = self.field.to_uppercase();
        // SEVALLA_TOKEN, not SEVALLA_SEVALLA_TOKEN.
        format!(
            "SEVALLA_{}",
            upper.strip_prefix("SEVALLA_").unwrap_or(&upper)
        )
    }

    /// The option and the variables it is read from; the first that is given
    /// wins.
    pub(super) fn sources(&self) -> impl Iterator<Item = String> + use<> {
        let variables = self.spellings().into_iter().chain(self.file_spellings());
        self.option().into_iter().chain(variables)
    }

    /// The variables it is read from; the first that is given wins.
    pub fn spellings(&self) -> Vec<String> {
        let upper = self.field.to_uppercase();
        let mut all = vec![
            format!("INPUT_{}", upper.replace('_', "-")),
            format!("INPUT_{upper}"),
            format!("PLUGIN_{upper}"),
        ];
        all.dedup();
        all.push(self.variable());
        all.extend(self.also.iter().map(|name| (*name).to_owned()));
        all
    }

    /// The variable for the path of a file with its value, if it is secret.
    pub fn file_variable(&self) -> Option<String> {
        self.secret.then(|| format!("{}_FILE", self.variable()))
    }

    /// The variables that hold the path of a file with its value, if it is secret.
    pub fn file_spellings(&self) -> Vec<String> {
        let spellings = self.spellings().into_iter().filter(|_| self.secret);
        let of_file = |name: String| {
            let ending = if name.contains('-') { "-FILE" } else { "_FILE" };
            name + ending
        };
        spellings.map(of_file).collect()
    }
}

/// The first of several expressions, where earlier ones may be absent.
macro_rules! first {
    ($first:expr $(, $rest:expr)*) => {
        $first
    };
}

/// The type of a field: a value if the input has a default, else an option.
macro_rules! field {
    ($type:ident) => { Option<$type> };
    ($type:ident, $default:literal) => { $type };
}

/// Reads a field from the text that was given for it.
macro_rules! read {
    ($reader:ident, $name:expr, $text:expr) => {
        $reader.optional($name, $text)
    };
    ($reader:ident, $name:expr, $text:expr, $default:literal) => {
        $reader.with_default($name, $text, $default)
    };
}

/// Declares the inputs: the table, the texts that envy collects, and the values
/// that the program uses.
macro_rules! inputs {
    ($(
        $field:ident: $type:ident $(= $default:literal)?
        $(, secret: $secret:literal)? $(, also: $also:expr)?, group: $group:ident;
        $short:literal
        $help:literal
    )*) => {
        /// All inputs, in the order in which they are documented.
        pub const TABLE: &[Input] = &[$(Input {
            field: stringify!($field),
            default: first!($(Some($default),)? None),
            accepts: <$type as Value>::ACCEPTS,
            words: <$type as Value>::WORDS,
            meanings: <$type as Value>::MEANINGS,
            group: InputGroup::$group,
            short: $short,
            secret: first!($($secret,)? false),
            also: first!($($also,)? &[]),
            help: $help,
        }),*];

        /// The text of every input that is given.
        #[derive(Deserialize)]
        pub(super) struct Raw {
            $($field: Option<String>,)*
        }

        /// The inputs of a run.
        #[derive(Debug, Clone)]
        #[allow(clippy::doc_markdown, reason = "the help is plain text")]
        pub struct Inputs {
            $(#[doc = $help] pub $field: field!($type $(, $default)?),)*
            /// The ids that were given as names.
            pub(crate) names: Vec<GivenName>,
            /// Which variable each given input was read from.
            pub(super) spellings: BTreeMap<&'static str, String>,
        }

        impl Inputs {
            /// Reads every value. Where one cannot be used, its default applies,
            /// and the reader has a problem more.
            pub(super) fn parse(raw: Raw, reader: &mut Reader) -> Self {
                Self {
                    $($field: read!(reader, stringify!($field), raw.$field $(, $default)?),)*
                    names: std::mem::take(&mut reader.names),
                    spellings: std::mem::take(&mut reader.spellings),
                }
            }
        }
    };
}

inputs! {
    action: ActionName, group: Deploy;
    "Action; optional for a plain deployment"
    "What to do: {words}. Optional if app-id, deploy-hook-url or static-site-id allow only a deployment."

    sevalla_token: ApiToken, secret: true, also: &["SEVALLA_API_TOKEN", "SEVALLA_API_KEY"], group: Deploy;
    "API key"
    "API key of the company that owns the service, allowed to read and update the service. Not required to call a deployment hook without following the deployment."

    app_id: Uuid, group: Deploy;
    "UUID or name of the application"
    "UUID of the application, or its exact display name if the action only reads, deploys, or follows; its rollback after a failure included. Optional with deploy-hook-url, whose address contains the id, and for previews, which the run looks up."

    static_site_id: Uuid, group: Deploy;
    "UUID or name of the static site"
    "UUID of the static site, or its exact display name if the action only reads, deploys, or follows; its rollback after a failure included."

    pipeline_id: Uuid, group: Deploy;
    "UUID or name of the pipeline"
    "UUID of the pipeline to promote in or to create previews in. For `preview`, create-preview-app, `show` and `doctor`, also its exact display name; `preview` then deletes by it the preview app of its closed pull request."

    source_app_id: Uuid, group: Deploy;
    "UUID of the application to promote"
    "UUID of the application whose latest successful deployment is promoted."

    target_app_ids: Uuids, group: Deploy;
    "UUIDs of the applications to promote to"
    "UUIDs of the applications to promote to, separated by commas, spaces or new lines."

    branch: Branch, group: Deploy;
    "Branch, if not the service's own"
    "Git branch to deploy. Defaults to the branch configured on Sevalla."

    docker_image: DockerImage, group: Deploy;
    "Image to deploy, with a tag or digest"
    "Image to deploy, with a tag or digest. Only for applications that run an image."

    is_restart: bool = "false", group: Deploy;
    "Deploy the last artifact again"
    "If true, deploys the last successful artifact again instead of building."

    wait_for_finish: bool = "true", group: Wait;
    "Follow the deployment to its end"
    "If true, follows the deployment to its end, and fails if the deployment fails. If false, ends as soon as Sevalla has accepted the deployment."

    deploy_hook_url: HookUrl, secret: true, group: Deploy;
    "Deployment hook to call"
    "Deployment hook of an application, to start the deployment instead of the API. The address is a secret. With sevalla-token, the deployment is followed too."

    deployment_id: DeploymentIdText, group: Deploy;
    "UUID to follow, cancel or roll back to"
    "UUID of the deployment to follow, to cancel, or to roll back to with rollback-app or rollback-static-site. A rollback defaults to the last success before the live deployment."

    pull_request_number: Number, group: Previews;
    "Pull request, if not the CI event's own"
    "Number of the pull request or merge request of a preview. Defaults to that of the CI's event."

    api_url: ApiUrl = "https://api.sevalla.com/v3", group: Ci;
    "API address"
    "Base address of the Sevalla API. Must be https, or http on the loopback interface."

    timeout: Duration = "30m", group: Wait;
    "Time limit of the whole run"
    "Time limit of the whole run, such as 90s, 20m or 1h30m."

    on_timeout: Abandon = "leave", group: Wait;
    "On a timeout: leave or cancel"
    "What to do with a deployment that is still running when timeout expires: leave (let it finish) or cancel."

    on_cancel: Abandon, group: Wait;
    "If the job is cancelled: leave or cancel"
    "What to do with the deployment if the CI job is cancelled (SIGINT, SIGTERM or SIGHUP): cancel or leave (let it finish). Defaults to cancel, and to leave for `follow`."

    when_busy: WhenBusy = "queue", group: Wait;
    "If another deployment runs"
    "What to do if another deployment of the service waits or runs: queue (start anyway; Sevalla queues it), wait (start when it has ended), join (follow it if branch, commit or image are the same), cancel-previous (cancel it, then start) or fail."

    expected_commit: ExpectedCommit = "auto", group: Check;
    "Commit to expect: auto, SHA or off"
    "Commit that the deployment must have: auto (the CI's commit, if the CI's branch is deployed), a full SHA, or off. `follow` looks for the deployment of this commit."

    on_commit_mismatch: OnMismatch = "warn", group: Check;
    "On any other: warn, fail or cancel"
    "What to do if Sevalla deploys a different commit: warn, fail or cancel."

    on_skipped: OnSkipped, group: Wait;
    "If Sevalla skips it: fail or pass"
    "Whether a deployment that Sevalla skips fails the run: fail or pass. If omitted, it fails the run, except that `follow` and previews pass on an automatic deployment that this run did not cancel and no newer one overtook, such as one that path filters exclude. With pass, `follow` also passes if path filters leave no deployment at all."

    verify_url: VerifyUrl, group: Check;
    "URL to check after a success, or auto"
    "URL to poll after a successful deployment until it is healthy, or auto (the service's own public address). {commit}, {commit-short} (7 digits) and {deployment-id} are replaced."

    verify_status: Statuses = "200-399", group: Check;
    "Healthy HTTP status codes"
    "HTTP status codes that count as healthy."

    verify_contains: Expectation, group: Check;
    "Text that the response must contain"
    "What the response must also contain: a text, header:NAME=VALUE or json:/pointer=VALUE. {commit}, {commit-short} and {deployment-id} are replaced; an image has no commit."

    verify_successes: Number = "2", group: Check;
    "Healthy responses required in a row"
    "Consecutive healthy responses required."

    verify_timeout: Duration = "3m", group: Check;
    "How long to keep checking"
    "How long to keep checking."

    on_failure: OnFailure = "leave", group: Check;
    "On a failure: leave or rollback"
    "What to do if the deployment or its check fails: leave or rollback (to the previous version). A check that could not be made never rolls back. For promote-app, rollback rolls back all targets that were deployed if the deployment or the check of one target fails."

    purge_cache: bool = "false", group: Deploy;
    "Empty the caches after a success"
    "If true, empties the caches of the service after a success. Sevalla does that itself after each deployment."

    max_age: Age, group: Previews;
    "Age at which clean-previews deletes"
    "clean-previews deletes previews without a deployment for this long, such as 14d or 36h."

    max_deletions: Number = "10", group: Previews;
    "Limit of previews that it deletes"
    "The most previews that one run of clean-previews deletes."

    comment: Comment = "auto", group: Previews;
    "Comment on the pull request"
    "Whether to keep a comment on the pull request up to date: auto (if github-token is given), true or false."

    github_token: ApiToken, secret: true, group: Previews;
    "Token of GitHub or GitLab"
    "Token of the code host, to read the pull request of a preview and to write the comment. On GitHub, pass github.token."

    stack: StackText, group: Stacks;
    "Services and their order, as YAML"
    "The stack itself, as YAML text: the services, their order and what changes each. Beats stack-file."

    stack_file: PathBuf = "sevalla.stack.yml", group: Stacks;
    "File with the stack"
    "Path of the file with the stack. docs/stack.schema.json is its schema."

    only_changed: bool = "true", group: Stacks;
    "Deploy only services that changed"
    "If true, deploys only the services that changed since the commit that is live. A service whose changes are unknown is deployed."

    with_dependents: bool = "false", group: Stacks;
    "Also deploy what depends on them"
    "If true, also deploys the services that are after a changed one."

    resource: Resource, group: Settings;
    "Kind to list or show, such as databases"
    "The kind of resource to list or show: {words}. Without it, `list` lists the applications, or the deployments of the service that an id names. `show` requires it only without an id."

    filter: Text, group: Settings;
    "Part of a name to list, or name to show"
    "For `list`, a part of the name, or of a deployment's branch; case-insensitive. For `show`, the exact name."

    settings: Settings, group: Settings;
    "Settings to send, as a JSON object"
    "JSON object with the settings that update-app, update-static-site, update-database and create-database send, under the names of Sevalla's API. You can give a database's cluster and size by name. Checked before anything is sent."

    for_action: ActionName, group: Ci;
    "Action that doctor checks the set-up for"
    "Action for which `doctor` checks the set-up. Defaults to the action that the given id suggests, such as deploy-app for app-id."

    report: bool = "false", group: Files;
    "Shareable report of doctor"
    "If true, `doctor` prints a report about the API that you can paste into an issue. It has no names, ids or other private values. With report-file, `doctor` writes it there."

    confirm: Text, group: Settings;
    "Display name of the resource to delete"
    "Display name of the resource that delete-app, delete-static-site or delete-database deletes. Nothing is deleted unless the name matches exactly. Without database-id, delete-database finds the database by this name."

    database_id: Uuid, group: Settings;
    "UUID or name of the database"
    "UUID of the database, or its exact display name if the action only reads."

    database_user: Text, group: Settings;
    "User of the database"
    "User of the database, for create-database (defaults to the engine's own) and for the variables of connect-database."

    database_password: Password, secret: true, group: Settings;
    "Password of the database"
    "Password of the database, for create-database (defaults to a strong random password) and for the variables of connect-database."

    output_password: bool = "false", group: Settings;
    "Output the generated password"
    "If true, the output database-password contains the password that create-database has generated. Otherwise, the password is not shown or stored anywhere."

    set_env: bool = "false", group: Settings;
    "Write variables for the database"
    "If true, connect-database writes variables with the database's address to the application. Sevalla adds none itself. With is-restart, the application is restarted afterwards."

    env_prefix: VariablePrefix = "DATABASE", group: Settings;
    "Prefix of these variables"
    "Prefix of the variables that set-env writes, before an underscore and HOST, PORT, NAME, USER, PASSWORD or URL."

    cdn: Cdn, group: Settings;
    "CDN state for toggle-cdn: on or off"
    "The state that toggle-cdn turns the CDN to: on or off."

    report_file: PathBuf, group: Files;
    "Report as JSON"
    "Path of a JSON file for the report of the run, however the run ends. docs/report.schema.json is its schema."

    junit_file: PathBuf, group: Files;
    "Report as JUnit XML"
    "Path of a JUnit XML file for your CI's test report, however the run ends."

    output_file: PathBuf, group: Files;
    "Outputs as dotenv, JSON or properties"
    "Path of a file for the outputs: an object in .json, Java properties in .properties, a file for each output in a folder if the path ends with a slash, otherwise lines such as SEVALLA_OUT_STATUS=success for GitLab's dotenv report. Values that such a report cannot contain are omitted."

    links_file: PathBuf, group: Files;
    "Links as a GitLab annotations report"
    "Path of a JSON file with links to the deployed service, for GitLab's annotations report on the job's page."

    state_file: PathBuf, group: Files;
    "Journal, to continue after a crash"
    "Path of a file in which the run records each write on Sevalla before and after it is sent. If the process is killed and the run is started again with the same file, it continues and starts nothing twice. Keep the file in a folder that outlives the process."

    run_key: Text, group: Ci;
    "Name of the run, where the CI has none"
    "With state-file, a name that only this run and its further attempts have, such as the name of a job. Defaults to the run, job and step as the CI names them."

    on_rerun: OnRerun, group: Ci;
    "At a further attempt: follow or deploy"
    "Whether a further attempt at a run follows a deployment that an earlier attempt may have started and that still waits or runs, follow or deploy (start another). If omitted, it follows where the CI reports a further attempt."

    logs: Logs = "live", group: Wait;
    "Log: live, on-failure or off"
    "When to print the deployment's log: live (while it runs), on-failure (at the end, unless it succeeds) or off."

    log_file: PathBuf, group: Files;
    "Complete log of the deployment"
    "Path of a file for the complete log of the deployment."

    html_report: PathBuf, group: Files;
    "Page about the run for a browser"
    "Path of an HTML page about the run, with the log, in one file that references no other."

    code_quality_file: PathBuf, group: Files;
    "Failing places as a Code Quality report"
    "Path of a GitLab Code Quality report with the places in the repository that a failed deployment's log names. The list is empty if there are none."

    summary: bool = "true", group: Ci;
    "Write a summary for the CI"
    "If true, writes a summary of the run if the CI can show one."

    dry_run: bool = "false", group: Ci;
    "Only show what would be done"
    "If true, only reads from Sevalla and prints what the run would do."

    skip_without_token: bool = "false", group: Ci;
    "Pass if a fork has no API key"
    "If true, a run without sevalla-token passes with a notice. For pull requests from forks, to which CI systems give no secrets."

    on_fork: OnFork = "fail", group: Previews;
    "If from a fork: fail or skip"
    "What to do if the pull request comes from a fork, whose branches Sevalla does not build: fail or skip (pass with a notice). For previews and deployments, with or without a key."
}
