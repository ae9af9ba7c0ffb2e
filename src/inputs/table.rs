//! The table of inputs: each is declared in one row, from which its variables, its
//! field of [`Inputs`], `--help`, `action.yml`, `setup/action.yml` and the
//! README's table are made.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use uuid::Uuid;

use super::Reader;
use super::action::ActionName;
use super::choices::{
    Abandon, Cdn, Comment, Logs, OnFailure, OnFork, OnMismatch, OnSkipped, Resource, WhenBusy,
};
use super::values::{
    Age, ApiUrl, Branch, DeploymentIdText, DockerImage, ExpectedCommit, Number, Settings, Text,
    Uuids, Value, VariablePrefix, VerifyUrl,
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

    /// Whether this is its name, with hyphens or underscores.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.field.replace('_', "-") == name.replace('_', "-")
    }

    /// The name as users write it, with hyphens.
    pub fn name(&self) -> String {
        self.field.replace('_', "-")
    }

    /// What it is for, in one line.
    pub fn help(&self) -> String {
        self.help.replace("{words}", self.accepts)
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
        // SEVALLA_TOKEN, not SEVALLA_SEVALLA_TOKEN.
        let own = upper.strip_prefix("SEVALLA_").unwrap_or(&upper);
        all.push(format!("SEVALLA_{own}"));
        all.extend(self.also.iter().map(|name| (*name).to_owned()));
        all
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
        $(, secret: $secret:literal)? $(, also: $also:expr)?;
        $help:literal
    )*) => {
        /// All inputs, in the order in which they are documented.
        pub const TABLE: &[Input] = &[$(Input {
            field: stringify!($field),
            default: first!($(Some($default),)? None),
            accepts: <$type as Value>::ACCEPTS,
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
            /// Which variable each given input was read from.
            pub(super) spellings: BTreeMap<&'static str, String>,
        }

        impl Inputs {
            /// Reads every value. Where one cannot be used, its default applies,
            /// and the reader has a problem more.
            pub(super) fn parse(raw: Raw, reader: &mut Reader) -> Self {
                Self {
                    $($field: read!(reader, stringify!($field), raw.$field $(, $default)?),)*
                    spellings: std::mem::take(&mut reader.spellings),
                }
            }
        }
    };
}

inputs! {
    action: ActionName;
    "What to do, {words}. May be left out when app-id, deploy-hook-url or static-site-id leave only a deployment."

    sevalla_token: ApiToken, secret: true, also: &["SEVALLA_API_TOKEN", "SEVALLA_API_KEY"];
    "API key of the company that owns the service, allowed to read and update it. Only calling a deployment hook without following the deployment needs none."

    app_id: Uuid;
    "UUID of the application. May be left out when deploy-hook-url is given, whose address contains it, and for previews, where it is looked up."

    static_site_id: Uuid;
    "UUID of the static site."

    pipeline_id: Uuid;
    "UUID of the pipeline, to promote in or to create previews in."

    source_app_id: Uuid;
    "UUID of the application whose latest successful deployment is promoted."

    target_app_ids: Uuids;
    "UUIDs of the applications to promote to, separated by commas, spaces or new lines."

    branch: Branch;
    "Git branch to deploy. Left out, it is the branch that the service is set to on Sevalla."

    docker_image: DockerImage;
    "Image to deploy, with a tag or a digest. Only for applications that run from an image."

    is_restart: bool = "false";
    "true deploys the last successful artifact once more instead of building again."

    wait_for_finish: bool = "true";
    "true follows the deployment to its end, and the run fails if the deployment does. false ends the run as soon as Sevalla has accepted the deployment."

    deploy_hook_url: HookUrl, secret: true;
    "Deployment hook of an application, called to start the deployment instead of the API. The address is a secret. Together with sevalla-token the deployment is followed too."

    deployment_id: DeploymentIdText;
    "UUID of a deployment, to follow, to cancel, or to roll back to with rollback-app or rollback-static-site. If omitted, a rollback goes to the last success before the one that is live."

    pull_request_number: Number;
    "Number of the pull request or merge request of a preview. Left out, it is the one of the CI's event."

    api_url: ApiUrl = "https://api.sevalla.com/v3";
    "Base address of the Sevalla API. Must be https, or http on the loopback interface."

    timeout: Duration = "30m";
    "How long the whole run may take, as in 90s, 20m or 1h30m."

    on_timeout: Abandon = "leave";
    "What becomes of the deployment when the time is over before it has ended, leave (it goes on) or cancel."

    on_cancel: Abandon;
    "What to do with the deployment when the CI job is cancelled (SIGINT, SIGTERM or SIGHUP), cancel or leave (let it finish). Defaults to cancel; follow defaults to leave."

    when_busy: WhenBusy = "queue";
    "What to do when another deployment of the service waits or runs, queue (start all the same), wait (until none does), join (follow the one of the same branch, commit or image), cancel-previous or fail."

    expected_commit: ExpectedCommit = "auto";
    "Commit that the deployment must have, auto (the one that the CI works on, if its branch is the one that is deployed), a full SHA, or off. follow looks for the deployment of this commit."

    on_commit_mismatch: OnMismatch = "warn";
    "What to do when the deployment has another commit, warn, fail or cancel."

    on_skipped: OnSkipped;
    "Whether a deployment that Sevalla skips fails the run, fail or pass. If omitted, it does, except that follow and previews pass on an automatic deployment that this run did not cancel and no newer one overtook, such as that of a push that path filters exclude. With pass, follow also passes when path filters leave no deployment at all."

    verify_url: VerifyUrl;
    "After the deployment has succeeded, visits this URL until it answers well, or auto (the service's own public address). {commit}, {commit-short} (7 digits) and {deployment-id} are filled in."

    verify_status: Statuses = "200-399";
    "HTTP statuses of a good answer."

    verify_contains: Expectation;
    "What a good answer must also contain, a text, header:NAME=VALUE or json:/pointer=VALUE. {commit}, {commit-short} and {deployment-id} are filled in; an image has no commit."

    verify_successes: Number = "2";
    "How many good answers in a row are wanted."

    verify_timeout: Duration = "3m";
    "How long to go on visiting."

    on_failure: OnFailure = "leave";
    "What to do when the deployment or its check has failed, leave or rollback (to what was live before). A check that could not be made rolls nothing back. For promote-app, rollback takes back all targets that were deployed when the deployment or the check of one failed."

    purge_cache: bool = "false";
    "true empties the caches of the service after a success. Sevalla does so by itself after a deployment."

    max_age: Age;
    "clean-previews deletes previews without a deployment for this long, as in 14d or 36h."

    max_deletions: Number = "10";
    "The most previews that one clean-previews deletes."

    comment: Comment = "auto";
    "Whether preview actions keep a comment on the pull request up to date, auto (if github-token is given), true or false."

    github_token: ApiToken, secret: true;
    "Token of the code host, to read the pull request of a preview and to write the comment. On GitHub pass github.token."

    resource: Resource;
    "What list lists and show shows, {words}. show needs it only where no id tells."

    filter: Text;
    "list keeps what has this in its name, or a deployment in its branch, whatever the case. show takes what has exactly this name."

    settings: Settings;
    "JSON object with the settings that update-app, update-static-site, update-database and create-database send, in the API's own names; a database's cluster and size may be told by name, as the README shows. Checked before anything is sent."

    for_action: ActionName;
    "Action for which doctor checks the set-up. Defaults to the action that the given id suggests, such as deploy-app for app-id."

    report: bool = "false";
    "true lets doctor print a report about the API that you can paste into an issue. It has no names, ids or other private values. With report-file, doctor writes it there."

    confirm: Text;
    "Display name of what delete-app, delete-static-site or delete-database deletes. Nothing is deleted unless it is the very name. delete-database finds the database by it when database-id is left out."

    database_id: Uuid;
    "UUID of the database."

    database_user: Text;
    "User of the database, for create-database (left out, the engine's own) and for the variables of connect-database."

    database_password: Password, secret: true;
    "Password of the database, for create-database (left out, one is generated that nobody can guess) and for the variables of connect-database."

    output_password: bool = "false";
    "true gives the password that create-database has generated as the output database-password. Otherwise nobody learns it."

    set_env: bool = "false";
    "true lets connect-database write variables of the application that tell it where the database is. Sevalla adds none by itself. With is-restart the application is restarted afterwards."

    env_prefix: VariablePrefix = "DATABASE";
    "What the names of the variables of set-env begin with, before an underscore and HOST, PORT, NAME, USER, PASSWORD or URL."

    cdn: Cdn;
    "Whether toggle-cdn turns the CDN on or off."

    report_file: PathBuf;
    "Path of a file that receives a report of the run as JSON, however it ends. docs/report.schema.json says what is in it."

    junit_file: PathBuf;
    "Path of a file that receives the run as test cases in JUnit's XML, however it ends, for the page of tests of a CI."

    output_file: PathBuf;
    "Path of a file that receives the outputs. In .json they are an object, in .properties Java properties, anywhere else lines such as SEVALLA_OUT_STATUS=success, as GitLab's dotenv report takes them; what such a report cannot hold is left out."

    links_file: PathBuf;
    "Path of a file that receives links to what was deployed as JSON, for GitLab's annotations report, which shows them on the page of the job."

    logs: Logs = "live";
    "When to print the deployment's log, live (while it runs), on-failure (at the end, unless it succeeded) or off."

    log_file: PathBuf;
    "Path of a file that receives the complete log of the deployment."

    html_report: PathBuf;
    "Path of a file that receives a page about the run for a browser, with the log, in one file that needs nothing else."

    code_quality_file: PathBuf;
    "Path of a file that receives the places in the repository that a failed deployment's log names, as a Code Quality report of GitLab. An empty list when there are none."

    summary: bool = "true";
    "true writes a summary of the run where the CI can show one."

    dry_run: bool = "false";
    "true only reads from Sevalla and says what would be done."

    skip_without_token: bool = "false";
    "true lets a run without sevalla-token pass with a notice, for pull requests from forks, to which CIs give no secrets."

    on_fork: OnFork = "fail";
    "What to do when the pull request comes from a fork, whose branches Sevalla does not build, fail or skip (pass with a notice). For previews and deployments, whether or not there is a key."
}
