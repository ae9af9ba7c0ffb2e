//! What the user asks for, one value at a time.
//!
//! Each input is declared once, in [`TABLE`]: its name, type, default and help.
//! `--help` prints the table; `action.yml` and the README are held equal to it
//! by a test. What a value may be is in `values`; combinations of inputs are
//! the business of [`crate::actions::resolve`].

pub(crate) mod placeholder;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use uuid::Uuid;

pub use self::values::{
    Abandon, ActionName, Age, ApiUrl, Branch, Cdn, Comment, Commit, DeploymentIdText, DockerImage,
    ExpectedCommit, Logs, Number, OnFailure, OnFork, OnMismatch, OnSkipped, OneLine, Resource,
    Settings, Text, Uuids, VariablePrefix, VerifyUrl, WhenBusy,
};
use self::values::{Field, Value};
use crate::ci;
use crate::environment::{NotUtf8, Variables};
use crate::messages::Failure;
use crate::outputs::OUTPUTS;
use crate::secret::{ApiToken, HookUrl, Password};
use crate::verify::{Expectation, Statuses};

/// One input, as declared.
#[derive(Debug)]
pub struct Input {
    /// The name with underscores, as the field of [`Inputs`] is called.
    field: &'static str,
    /// What stands when the user gives nothing.
    pub default: Option<&'static str>,
    /// What is accepted, in words.
    pub accepts: &'static str,
    /// Whether its value must never be shown.
    pub secret: bool,
    /// Names of variables beyond the ones every input has.
    pub also: &'static [&'static str],
    /// What it is for, in one line.
    pub help: &'static str,
}

impl Input {
    /// The name as users write it, with hyphens.
    pub fn name(&self) -> String {
        self.field.replace('_', "-")
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

/// Declares the inputs: the table, the type envy fills, and the type the
/// program uses.
macro_rules! inputs {
    ($(
        $field:ident: $type:ty,
        default: $default:expr,
        secret: $secret:expr,
        also: $also:expr,
        $help:literal
    )*) => {
        /// All inputs, in the order in which they are documented.
        pub const TABLE: &[Input] = &[$(Input {
            field: stringify!($field),
            default: $default,
            accepts: <<$type as Field>::Value as Value>::ACCEPTS,
            secret: $secret,
            also: $also,
            help: $help,
        }),*];

        /// What envy reads: every value, or why it could not be read.
        #[derive(Deserialize)]
        struct Raw {
            $(#[serde(default = "Parsed::absent")] $field: Parsed<<$type as Field>::Value>,)*
        }

        /// The inputs of a run.
        #[derive(Debug, Clone)]
        #[allow(clippy::doc_markdown, reason = "the help is plain text")]
        pub struct Inputs {
            $(#[doc = $help] pub $field: $type,)*
            /// Which variable each given input was read from.
            spellings: BTreeMap<&'static str, String>,
        }

        impl Inputs {
            /// Turns what envy read into values. Where one cannot be used, its
            /// default stands, and a problem tells of it.
            fn settle(
                raw: Raw,
                spellings: BTreeMap<&'static str, String>,
                mut problems: Vec<Problem>,
            ) -> Option<(Self, Vec<Problem>)> {
                $(let $field = <$type as Field>::settle(
                    raw.$field.value(stringify!($field), &spellings, &mut problems).or_else(|| {
                        let default: Option<&str> = $default;
                        <<$type as Field>::Value as Value>::read(default?).ok()
                    }),
                )?;)*
                Some((Self { $($field,)* spellings }, problems))
            }
        }
    };
}

inputs! {
    action: Option<ActionName>, default: None, secret: false, also: &[],
    "What to do, deploy-app, deploy-static-site, promote-app, create-preview-app, delete-preview-app, preview, clean-previews, rollback-app, rollback-static-site, follow, cancel, list, show, update-app, update-static-site, update-database, delete-app, delete-static-site, delete-database, create-database, connect-database, purge-cache or toggle-cdn. May be left out when app-id, deploy-hook-url or static-site-id leave only a deployment."

    sevalla_token: Option<ApiToken>, default: None, secret: true,
    also: &["SEVALLA_API_TOKEN", "SEVALLA_API_KEY"],
    "API key of the company that owns the service, allowed to read and update it. Only calling a deployment hook without following the deployment needs none."

    app_id: Option<Uuid>, default: None, secret: false, also: &[],
    "UUID of the application. May be left out when deploy-hook-url is given, whose address contains it, and for previews, where it is looked up."

    static_site_id: Option<Uuid>, default: None, secret: false, also: &[],
    "UUID of the static site."

    pipeline_id: Option<Uuid>, default: None, secret: false, also: &[],
    "UUID of the pipeline, to promote in or to create previews in."

    source_app_id: Option<Uuid>, default: None, secret: false, also: &[],
    "UUID of the application whose latest successful deployment is promoted."

    target_app_ids: Option<Uuids>, default: None, secret: false, also: &[],
    "UUIDs of the applications to promote to, separated by commas, spaces or new lines."

    branch: Option<Branch>, default: None, secret: false, also: &[],
    "Git branch to deploy. Left out, it is the branch that the service is set to on Sevalla."

    docker_image: Option<DockerImage>, default: None, secret: false, also: &[],
    "Image to deploy, with a tag or a digest. Only for applications that run from an image."

    is_restart: bool, default: Some("false"), secret: false, also: &[],
    "true deploys the last successful artifact once more instead of building again."

    wait_for_finish: bool, default: Some("true"), secret: false, also: &[],
    "true follows the deployment to its end, and the run fails if the deployment does. false ends the run as soon as Sevalla has accepted the deployment."

    deploy_hook_url: Option<HookUrl>, default: None, secret: true, also: &[],
    "Deployment hook of an application, called to start the deployment instead of the API. The address is a secret. Together with sevalla-token the deployment is followed too."

    deployment_id: Option<DeploymentIdText>, default: None, secret: false, also: &[],
    "UUID of a deployment, to follow, to cancel, or to roll back to with rollback-app or rollback-static-site. If omitted, a rollback goes to the last success before the one that is live."

    pull_request_number: Option<Number>, default: None, secret: false, also: &[],
    "Number of the pull request or merge request of a preview. Left out, it is the one of the CI's event."

    api_url: ApiUrl, default: Some("https://api.sevalla.com/v3"), secret: false, also: &[],
    "Base address of the Sevalla API. Must be https, or http on the loopback interface."

    timeout: Duration, default: Some("30m"), secret: false, also: &[],
    "How long the whole run may take, as in 90s, 20m or 1h30m."

    on_timeout: Abandon, default: Some("leave"), secret: false, also: &[],
    "What becomes of the deployment when the time is over before it has ended, leave (it goes on) or cancel."

    on_cancel: Option<Abandon>, default: None, secret: false, also: &[],
    "What to do with the deployment when the CI job is cancelled (SIGINT, SIGTERM or SIGHUP), cancel or leave (let it finish). Defaults to cancel; follow defaults to leave."

    when_busy: WhenBusy, default: Some("queue"), secret: false, also: &[],
    "What to do when another deployment of the service waits or runs, queue (start all the same), wait (until none does), join (follow the one of the same branch, commit or image), cancel-previous or fail."

    expected_commit: ExpectedCommit, default: Some("auto"), secret: false, also: &[],
    "Commit that the deployment must have, auto (the one that the CI works on, if its branch is the one that is deployed), a full SHA, or off. follow looks for the deployment of this commit."

    on_commit_mismatch: OnMismatch, default: Some("warn"), secret: false, also: &[],
    "What to do when the deployment has another commit, warn, fail or cancel."

    on_skipped: Option<OnSkipped>, default: None, secret: false, also: &[],
    "Whether a deployment that Sevalla skips fails the run, fail or pass. If omitted, it does, except that follow and previews pass on an automatic deployment that this run did not cancel and no newer one overtook, such as that of a push that path filters exclude. With pass, follow also passes when path filters leave no deployment at all."

    verify_url: Option<VerifyUrl>, default: None, secret: false, also: &[],
    "After the deployment has succeeded, visits this URL until it answers well, or auto (the service's own public address). {commit}, {commit-short} (7 digits) and {deployment-id} are filled in."

    verify_status: Statuses, default: Some("200-399"), secret: false, also: &[],
    "HTTP statuses of a good answer."

    verify_contains: Option<Expectation>, default: None, secret: false, also: &[],
    "What a good answer must also contain, a text, header:NAME=VALUE or json:/pointer=VALUE. {commit}, {commit-short} and {deployment-id} are filled in; an image has no commit."

    verify_successes: Number, default: Some("2"), secret: false, also: &[],
    "How many good answers in a row are wanted."

    verify_timeout: Duration, default: Some("3m"), secret: false, also: &[],
    "How long to go on visiting."

    on_failure: OnFailure, default: Some("leave"), secret: false, also: &[],
    "What to do when the deployment or its check has failed, leave or rollback (to what was live before). A check that could not be made rolls nothing back. For promote-app, rollback takes back all targets that were deployed when the deployment or the check of one failed."

    purge_cache: bool, default: Some("false"), secret: false, also: &[],
    "true empties the caches of the service after a success. Sevalla does so by itself after a deployment."

    max_age: Option<Age>, default: None, secret: false, also: &[],
    "clean-previews deletes previews without a deployment for this long, as in 14d or 36h."

    max_deletions: Number, default: Some("10"), secret: false, also: &[],
    "The most previews that one clean-previews deletes."

    comment: Comment, default: Some("auto"), secret: false, also: &[],
    "Whether preview actions keep a comment on the pull request up to date, auto (if github-token is given), true or false."

    github_token: Option<ApiToken>, default: None, secret: true, also: &[],
    "Token of the code host, to read the pull request of a preview and to write the comment. On GitHub pass github.token."

    resource: Option<Resource>, default: None, secret: false, also: &[],
    "What list lists and show shows, applications, static-sites, pipelines, databases, deployments or processes. show needs it only where no id tells."

    filter: Option<Text>, default: None, secret: false, also: &[],
    "list keeps what has this in its name, or a deployment in its branch, whatever the case. show takes what has exactly this name."

    settings: Option<Settings>, default: None, secret: false, also: &[],
    "JSON object with the settings that update-app, update-static-site, update-database and create-database send, in the API's own names; a database's cluster and size may be told by name, as the README shows. Checked before anything is sent."

    confirm: Option<Text>, default: None, secret: false, also: &[],
    "Display name of what delete-app, delete-static-site or delete-database deletes. Nothing is deleted unless it is the very name. delete-database finds the database by it when database-id is left out."

    database_id: Option<Uuid>, default: None, secret: false, also: &[],
    "UUID of the database."

    database_user: Option<Text>, default: None, secret: false, also: &[],
    "User of the database, for create-database (left out, the engine's own) and for the variables of connect-database."

    database_password: Option<Password>, default: None, secret: true, also: &[],
    "Password of the database, for create-database (left out, one is generated that nobody can guess) and for the variables of connect-database."

    output_password: bool, default: Some("false"), secret: false, also: &[],
    "true gives the password that create-database has generated as the output database-password. Otherwise nobody learns it."

    set_env: bool, default: Some("false"), secret: false, also: &[],
    "true lets connect-database write variables of the application that tell it where the database is. Sevalla adds none by itself. With is-restart the application is restarted afterwards."

    env_prefix: VariablePrefix, default: Some("DATABASE"), secret: false, also: &[],
    "What the names of the variables of set-env begin with, before an underscore and HOST, PORT, NAME, USER, PASSWORD or URL."

    cdn: Option<Cdn>, default: None, secret: false, also: &[],
    "What toggle-cdn makes of the CDN, on or off. Left out, it is turned to what it is not."

    report_file: Option<PathBuf>, default: None, secret: false, also: &[],
    "Path of a file that receives a report of the run as JSON, however it ends. docs/report.schema.json says what is in it."

    junit_file: Option<PathBuf>, default: None, secret: false, also: &[],
    "Path of a file that receives the run as test cases in JUnit's XML, however it ends, for the page of tests of a CI."

    output_file: Option<PathBuf>, default: None, secret: false, also: &[],
    "Path of a file that receives the outputs. In .json they are an object, in .properties Java properties, anywhere else lines such as SEVALLA_OUT_STATUS=success, as GitLab's dotenv report takes them; what such a report cannot hold is left out."

    links_file: Option<PathBuf>, default: None, secret: false, also: &[],
    "Path of a file that receives links to what was deployed as JSON, for GitLab's annotations report, which shows them on the page of the job."

    logs: Logs, default: Some("live"), secret: false, also: &[],
    "When to print the deployment's log, live (while it runs), on-failure (at the end, unless it succeeded) or off."

    log_file: Option<PathBuf>, default: None, secret: false, also: &[],
    "Path of a file that receives the complete log of the deployment."

    html_report: Option<PathBuf>, default: None, secret: false, also: &[],
    "Path of a file that receives a page about the run for a browser, with the log, in one file that needs nothing else."

    code_quality_file: Option<PathBuf>, default: None, secret: false, also: &[],
    "Path of a file that receives the places in the repository that a failed deployment's log names, as a Code Quality report of GitLab. An empty list when there are none."

    summary: bool, default: Some("true"), secret: false, also: &[],
    "true writes a summary of the run where the CI can show one."

    dry_run: bool, default: Some("false"), secret: false, also: &[],
    "true only reads from Sevalla and says what would be done."

    skip_without_token: bool, default: Some("false"), secret: false, also: &[],
    "true lets a run without sevalla-token pass with a notice, for pull requests from forks, to which CIs give no secrets."

    on_fork: OnFork, default: Some("fail"), secret: false, also: &[],
    "What to do when the pull request comes from a fork, whose branches Sevalla does not build, fail or skip (pass with a notice). For previews and deployments, whether or not there is a key."
}

/// One thing wrong with what the user gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The input's name, or the variable the value was read from.
    pub input: String,
    /// The value as given; `None` for secrets.
    pub value: Option<String>,
    /// What is wrong and what would be accepted.
    pub message: String,
    flaw: ProblemKind,
}

/// What kinds of problems there are; each has its entry in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// It is needed and not given.
    Missing,
    /// The key is.
    MissingKey,
    /// Its value cannot be used.
    Unusable,
    /// It contradicts another.
    Conflict,
    /// A setting cannot be used.
    Settings,
    /// A preview of a fork is asked for.
    Fork,
    /// The commit guard has nothing to compare.
    Guard,
    /// What the run was started after was no success.
    Upstream,
    /// A variable that describes the network cannot be used.
    Network,
}

impl Problem {
    pub(crate) fn new(
        flaw: ProblemKind,
        input: impl Into<String>,
        value: Option<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            input: input.into(),
            value,
            message: message.into(),
            flaw,
        }
    }

    /// What is wrong with a variable that describes the network; the text names
    /// it.
    pub fn of_network(error: &impl fmt::Display) -> Self {
        Self::new(ProblemKind::Network, "environment", None, error.to_string())
    }

    /// Its entry in the catalogue.
    pub const fn failure(&self) -> Failure {
        match self.flaw {
            ProblemKind::Missing => Failure::MissingInput,
            ProblemKind::MissingKey => Failure::MissingKey,
            ProblemKind::Unusable => Failure::UnusableValue,
            ProblemKind::Conflict => Failure::ConflictingInputs,
            ProblemKind::Settings => Failure::UnusableSettings,
            ProblemKind::Fork => Failure::ForkWithoutPreview,
            ProblemKind::Guard => Failure::NothingToCompare,
            ProblemKind::Upstream => Failure::UpstreamNotSuccessful,
            ProblemKind::Network => Failure::UnusableNetworkSettings,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} is {value:?}: {}", self.input, self.message),
            None => write!(f, "{}: {}", self.input, self.message),
        }
    }
}

impl Inputs {
    /// Reads every input from `variables`, and tells everything that is wrong
    /// with them. What cannot be used counts as given, so that what depends on
    /// it can be judged all the same.
    ///
    /// # Panics
    ///
    /// Never: reading one value cannot fail.
    pub fn read(variables: &Variables) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut spellings = BTreeMap::new();
        let mut pairs = Vec::new();
        let outranked = outranked(variables);
        for input in TABLE {
            let given = first_given(input, variables).filter(|_| !outranked.contains(&input.field));
            let Some((spelling, value)) = given else {
                let default = input
                    .default
                    .map(|value| (input.field.to_owned(), value.to_owned()));
                pairs.extend(default);
                continue;
            };
            match value {
                Ok(value) => pairs.push((input.field.to_owned(), value.to_owned())),
                Err(NotUtf8) => problems.push(Problem::new(
                    ProblemKind::Unusable,
                    spelling.clone(),
                    None,
                    "the value is not UTF-8 text",
                )),
            }
            spellings.insert(input.field, spelling);
        }
        // Reading one value never fails (see `Parsed`), and every default of
        // the table can be read: a test holds that.
        let raw = envy::from_iter::<_, Raw>(pairs);
        let settled = raw
            .ok()
            .and_then(|raw| Self::settle(raw, spellings, problems));
        #[expect(
            clippy::expect_used,
            reason = "see above: unreachable whatever the user gives"
        )]
        settled.expect("reading the inputs never fails")
    }

    /// Whether the user gave an input, be it one that cannot be used.
    pub fn is_given(&self, name: &str) -> bool {
        self.spellings.contains_key(name.replace('-', "_").as_str())
    }

    /// How the user spelled an input, or its name when it was not given.
    pub fn spelling(&self, name: &str) -> String {
        let field = name.replace('-', "_");
        self.spellings
            .get(field.as_str())
            .cloned()
            .unwrap_or_else(|| name.to_owned())
    }
}

fn first_given<'a>(
    input: &Input,
    variables: &'a Variables,
) -> Option<(String, Result<&'a str, NotUtf8>)> {
    input.spellings().into_iter().find_map(|name| {
        let value = variables.given(&name)?;
        Some((name, value))
    })
}

/// The fields whose variable is one of the whole workflow (`SEVALLA_…`), where
/// one of the step (`INPUT_…`, `PLUGIN_…`) says what the step is about instead.
fn outranked(variables: &Variables) -> Vec<&'static str> {
    let input = |field: &str| TABLE.iter().find(|input| input.field == field);
    let is_of_step = |field: &str| {
        let (spelling, _) = first_given(input(field)?, variables)?;
        Some(!spelling.starts_with("SEVALLA_"))
    };
    let action = input("action").and_then(|input| first_given(input, variables)?.1.ok());
    let (of_step, others): (Vec<_>, Vec<_>) =
        alternatives(action).iter().copied().partition(|fields| {
            let mut fields = fields.iter();
            fields.any(|field| is_of_step(field) == Some(true))
        });
    if of_step.is_empty() {
        return Vec::new();
    }
    others.concat()
}

/// The fields of which an action takes those of one kind. One that names its
/// kind takes no other; and some take several.
fn alternatives(action: Option<&str>) -> &'static [&'static [&'static str]] {
    match action {
        None | Some("follow" | "cancel" | "purge-cache" | "list") => {
            &[&["app_id", "deploy_hook_url"], &["static_site_id"]]
        }
        Some("show") => &[
            &["app_id"],
            &["static_site_id"],
            &["pipeline_id"],
            &["database_id"],
        ],
        Some(_) => &[],
    }
}

/// Variables beside our inputs whose values must not be shown either.
const OTHER_SECRETS: &[&str] = &["GITHUB_TOKEN"];

/// Variables whose values may hold a password.
const PROXIES: &[&str] = &[
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Every secret that stands in the variables, also one that another spelling
/// overrules or that did not parse: none of them may be printed.
pub fn secrets_in(variables: &Variables) -> Vec<String> {
    let secret = TABLE.iter().filter(|input| input.secret);
    let names = secret
        .flat_map(|input| {
            input
                .spellings()
                .into_iter()
                .map(move |name| (input.field, name))
        })
        .chain(OTHER_SECRETS.iter().map(|name| ("", (*name).to_owned())));
    let secrets = names.filter_map(|(field, name)| {
        // The name of a variable that the CI did not fill in is no secret, and
        // the user needs to see it. Only a password may look like one.
        let is_name = |text: &&str| field != "database_password" && placeholder::is_whole(text);
        let text = variables.text(&name).filter(|text| !is_name(text))?;
        Some(text.to_owned())
    });
    let proxies = PROXIES
        .iter()
        .filter_map(|name| password(variables.text(name)?));
    // An address with a password is refused as an input, and told.
    let addresses = TABLE.iter().flat_map(Input::spellings).filter_map(|name| {
        let (_, after) = variables.text(&name)?.split_once("://")?;
        password(after.split(['/', '?', '#']).next()?)
    });
    let passwords = settings_in(variables).filter_map(|settings| {
        let password = settings.0.get("db_password")?.as_str()?;
        Some(password.to_owned())
    });
    secrets
        .chain(proxies)
        .chain(addresses)
        .chain(passwords)
        .collect()
}

/// The settings that stand in the variables, under every spelling. A password
/// in them is refused, and must not be printed all the same.
fn settings_in(variables: &Variables) -> impl Iterator<Item = Settings> {
    let input = TABLE.iter().filter(|input| input.field == "settings");
    let names = input.flat_map(Input::spellings);
    names.filter_map(|name| Settings::read(variables.text(&name)?).ok())
}

/// Whether this run may have to draw a database's password: it must be known
/// before anything is told.
pub fn wants_password(variables: &Variables) -> bool {
    let given = |name: &str| {
        let input = TABLE.iter().find(|input| input.field == name)?;
        Some(
            first_given(input, variables)?
                .1
                .unwrap_or_default()
                .to_owned(),
        )
    };
    given("action").as_deref() == Some(ActionName::CreateDatabase.word())
        && given("database_password").is_none()
}

/// The password in an address; where a user stands alone, it is a token.
fn password(address: &str) -> Option<String> {
    let (_, after) = address.split_once("://").unwrap_or(("", address));
    let (user, _) = after.rsplit_once('@')?;
    let password = user.split_once(':').map_or(user, |(_, password)| password);
    Some(password.to_owned())
}

/// Whether the input `action` takes this word.
pub fn is_action(word: &str) -> bool {
    ActionName::read(word).is_ok()
}

/// Sets how much is said for whoever debugs a run; no input.
pub const DIAGNOSTICS: &str = "SEVALLA_LOG";

/// Names that look like inputs but are none, each with the nearest one. Others
/// name variables `SEVALLA_…` too, so there only a near miss is told.
pub fn unknown_names(variables: &Variables) -> Vec<String> {
    let known: Vec<String> = TABLE.iter().map(Input::name).collect();
    let read: Vec<String> = TABLE.iter().flat_map(Input::spellings).collect();
    // Of an earlier step of the job.
    let outputs: Vec<String> = OUTPUTS.iter().map(|(name, _)| ci::variable(name)).collect();
    let is_read = |variable: &&str| {
        read.iter().chain(&outputs).any(|name| name == variable) || *variable == DIAGNOSTICS
    };
    let given = variables.names().filter(|variable| !is_read(variable));
    given
        .filter_map(|variable| describe_unknown(variable, &known))
        .collect()
}

fn describe_unknown(variable: &str, known: &[String]) -> Option<String> {
    /// Below this likeness a suggestion is a guess that misleads.
    const ALIKE: f64 = 0.6;
    /// From this likeness on it is a slip.
    const SLIP: f64 = 0.75;
    let prefix = ["INPUT_", "PLUGIN_", "SEVALLA_"]
        .into_iter()
        .find(|prefix| variable.starts_with(prefix))?;
    let name = variable
        .strip_prefix(prefix)?
        .to_lowercase()
        .replace('_', "-");
    let likeness = |other: &str| strsim::normalized_damerau_levenshtein(&name, other);
    let nearest = known
        .iter()
        .map(|other| (likeness(other), other))
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    let told = format!("{variable} is not an input and was ignored");
    match nearest {
        Some((alike, _)) if prefix == "SEVALLA_" && alike < SLIP => None,
        Some((alike, other)) if alike >= ALIKE => Some(format!("{told}; did you mean {other}?")),
        _ => Some(told),
    }
}

/// A value that was given, or why it cannot be used.
///
/// Deserializing one never fails: envy stops at the first error and repeats
/// the value in it, while a user wants all problems at once and no secret.
struct Parsed<T>(Option<Result<T, Rejected>>);

struct Rejected {
    text: String,
    reason: String,
}

impl<T: Value> Parsed<T> {
    const fn absent() -> Self {
        Self(None)
    }

    fn value(
        self,
        field: &'static str,
        spellings: &BTreeMap<&'static str, String>,
        problems: &mut Vec<Problem>,
    ) -> Option<T> {
        match self.0? {
            Ok(value) => Some(value),
            Err(rejected) => {
                let secret = TABLE
                    .iter()
                    .any(|input| input.field == field && input.secret);
                let spelling = spellings.get(field).cloned();
                problems.push(Problem::new(
                    ProblemKind::Unusable,
                    spelling.unwrap_or_else(|| field.to_owned()),
                    (!secret && T::MAY_BE_SHOWN).then_some(rejected.text),
                    rejected.reason,
                ));
                None
            }
        }
    }
}

impl<'de, T: Value> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let read = values::read(&text).map_err(|reason| Rejected { text, reason });
        Ok(Self(Some(read)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "fb5e5168-4281-4bec-94c5-0d1584e9e657";

    #[test]
    fn the_defaults_of_the_table_can_be_read() {
        let (inputs, problems) = Inputs::read(&Variables::default());
        assert!(problems.is_empty());
        assert!(inputs.wait_for_finish && inputs.summary && !inputs.dry_run && !inputs.is_restart);
        assert_eq!(inputs.timeout, Duration::from_secs(1800));
        assert_eq!(inputs.logs, Logs::Live);
        assert_eq!(inputs.api_url.0.as_str(), "https://api.sevalla.com/v3");
    }

    #[test]
    fn each_spelling_is_read_and_the_first_that_is_given_wins() {
        let spellings = [
            "INPUT_APP-ID",
            "INPUT_APP_ID",
            "PLUGIN_APP_ID",
            "SEVALLA_APP_ID",
        ];
        for name in spellings {
            let (inputs, _) = Inputs::read(&Variables::from([(name, ID)]));
            assert_eq!(inputs.app_id.unwrap().to_string(), ID, "{name}");
            assert_eq!(inputs.spelling("app-id"), name);
        }
        let both = [("INPUT_BRANCH", "first"), ("SEVALLA_BRANCH", "second")];
        assert_eq!(
            Inputs::read(&Variables::from(both)).0.branch.unwrap().name,
            "first"
        );
        let blank = [("INPUT_BRANCH", "  "), ("SEVALLA_BRANCH", " second\n")];
        assert_eq!(
            Inputs::read(&Variables::from(blank)).0.branch.unwrap().name,
            "second"
        );
        for name in [
            "INPUT_SEVALLA-TOKEN",
            "SEVALLA_TOKEN",
            "SEVALLA_API_TOKEN",
            "SEVALLA_API_KEY",
        ] {
            let (inputs, _) = Inputs::read(&Variables::from([(name, "svl_key")]));
            assert_eq!(inputs.sevalla_token.unwrap().expose(), "svl_key", "{name}");
        }
    }

    #[test]
    fn a_variable_of_the_step_beats_one_of_the_workflow_that_names_another_kind() {
        const OTHER: &str = "0b5e5168-4281-4bec-94c5-0d1584e9e657";
        let given = |pairs: &[(&str, &str)]| {
            let pairs = pairs
                .iter()
                .map(|(name, value)| (name.into(), value.into()));
            let (inputs, _) = Inputs::read(&pairs.collect());
            let names = [
                "app-id",
                "static-site-id",
                "database-id",
                "branch",
                "docker-image",
            ];
            names.map(|name| inputs.is_given(name)).map(u8::from)
        };
        let (app, site) = (("SEVALLA_APP_ID", ID), ("SEVALLA_STATIC_SITE_ID", OTHER));
        let (step_app, step_site) = (("PLUGIN_APP_ID", ID), ("INPUT_STATIC-SITE-ID", OTHER));
        let show = ("SEVALLA_ACTION", "show");
        for (pairs, expected) in [
            (&[app, step_site][..], [0, 1, 0, 0, 0]),
            (&[step_app, site], [1, 0, 0, 0, 0]),
            (
                &[("SEVALLA_ACTION", "follow"), step_app, site],
                [1, 0, 0, 0, 0],
            ),
            (
                &[show, app, site, ("INPUT_DATABASE-ID", OTHER)],
                [0, 0, 1, 0, 0],
            ),
            // Both of the workflow, or both of the step: a conflict.
            (&[app, site], [1, 1, 0, 0, 0]),
            (&[step_app, step_site], [1, 1, 0, 0, 0]),
            // The action needs both, or names its kind.
            (
                &[
                    ("INPUT_ACTION", "connect-database"),
                    app,
                    ("INPUT_DATABASE-ID", OTHER),
                ],
                [1, 0, 1, 0, 0],
            ),
            (
                &[("INPUT_ACTION", "deploy-app"), app, step_site],
                [1, 1, 0, 0, 0],
            ),
        ] {
            assert_eq!(given(pairs), expected, "{pairs:?}");
        }
    }

    #[test]
    fn all_problems_are_told_at_once_in_the_users_spelling_and_no_secret_is_shown() {
        let variables = Variables::from([
            ("INPUT_APP-ID", "not-an-id"),
            ("PLUGIN_IS_RESTART", "yes"),
            ("SEVALLA_TIMEOUT", "30"),
            ("INPUT_LOGS", "all"),
            ("SEVALLA_API_URL", "http://api.sevalla.com/v3"),
            ("SEVALLA_TOKEN", "two words"),
            ("INPUT_DEPLOY-HOOK-URL", "http://hook.example.com/secret"),
        ]);
        let (inputs, problems) = Inputs::read(&variables);
        assert!(inputs.app_id.is_none() && inputs.is_given("app-id"));
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems.len(), 7, "{told:#?}");
        for (name, accepted) in [
            ("INPUT_APP-ID is \"not-an-id\"", "UUID"),
            ("PLUGIN_IS_RESTART is \"yes\"", "true or false"),
            ("SEVALLA_TIMEOUT is \"30\"", "90s, 20m or 1h30m"),
            ("INPUT_LOGS is \"all\"", "live, on-failure or off"),
            ("SEVALLA_API_URL is", "https"),
            ("SEVALLA_TOKEN:", "API key"),
            ("INPUT_DEPLOY-HOOK-URL:", "https://"),
        ] {
            assert!(
                told.iter()
                    .any(|line| line.starts_with(name) && line.contains(accepted)),
                "{name} in {told:#?}"
            );
        }
        assert!(
            !told.concat().contains("two words") && !told.concat().contains("hook.example.com")
        );
    }

    #[test]
    fn values_are_read_as_documented() {
        for (text, read) in [
            ("true", true),
            ("True", true),
            ("TRUE", true),
            ("FALSE", false),
        ] {
            assert_eq!(bool::read(text), Ok(read));
        }
        for text in ["yes", "1", "tRUE", "on"] {
            assert!(bool::read(text).is_err());
        }
        for (text, seconds) in [("90s", 90), ("20m", 1200), ("1h30m", 5400), ("2h", 7200)] {
            assert_eq!(
                Duration::read(text),
                Ok(Duration::from_secs(seconds)),
                "{text}"
            );
        }
        for text in ["30", "0s", "-5m", "abc", "500ms", "1000h", ""] {
            assert!(Duration::read(text).is_err(), "{text}");
        }
        for text in [
            "nginx:1",
            "ghcr.io/a/b:c",
            "host:5000/a/b@sha256:DIGEST",
            "a/b:1@sha256:DIGEST",
        ] {
            let text = text.replace("DIGEST", &"0123456789abcdef".repeat(4));
            assert_eq!(DockerImage::read(&text), Ok(DockerImage(text.clone())));
        }
        for text in [
            "nginx",
            "host:5000/a",
            "a:",
            ":1",
            "a b:1",
            "$IMAGE:1",
            "a@",
            "a@sha256:0123",
            "https://ghcr.io/a/b:1",
            "a:1 b:2",
            "ghcr.io/A/b:1",
        ] {
            assert!(DockerImage::read(text).is_err(), "{text}");
        }
        for text in [
            "http://127.0.0.1:4/v3",
            "http://localhost/v3",
            "http://[::1]:8/",
            "https://a.b/v3/",
        ] {
            assert!(ApiUrl::read(text).is_ok(), "{text}");
        }
        for text in [
            "http://10.0.0.1/",
            "ftp://a",
            "a.b",
            "https://u:p@a.b/",
            "https://a.b/?x=1",
        ] {
            assert!(ApiUrl::read(text).is_err(), "{text}");
        }
    }

    /// What is wrong with a value, or what was read.
    fn complaint(name: &str, value: &str) -> Option<String> {
        let (_, problems) = Inputs::read(&Variables::from([(name, value)]));
        Some(problems.first()?.to_string())
    }

    #[test]
    fn a_variable_that_the_ci_did_not_fill_in_is_named_wherever_it_is() {
        for (name, value, variable) in [
            ("SEVALLA_APP_ID", "$(APP_ID)", "$(APP_ID)"),
            ("SEVALLA_APP_ID", "%app.id%", "%app.id%"),
            ("SEVALLA_TARGET_APP_IDS", &format!("{ID},$OTHER"), "$OTHER"),
            ("SEVALLA_DEPLOYMENT_ID", "{{ id }}", "{{ id }}"),
            ("SEVALLA_BRANCH", "release/${VERSION}", "${VERSION}"),
            (
                "SEVALLA_BRANCH",
                "<< pipeline.git.branch >>",
                "<< pipeline.git.branch >>",
            ),
            (
                "INPUT_DOCKER-IMAGE",
                "ghcr.io/a/b:$(Build.BuildId)",
                "$(Build.BuildId)",
            ),
            ("INPUT_DOCKER-IMAGE", "%REGISTRY%/a:1", "%REGISTRY%"),
            ("SEVALLA_VERIFY_URL", "https://$HOST/health", "$HOST"),
            ("SEVALLA_VERIFY_URL", "https://a.b/{{ path }}", "{{ path }}"),
            ("SEVALLA_API_URL", "https://%API%/v3", "%API%"),
            (
                "SEVALLA_EXPECTED_COMMIT",
                "%build.vcs.number%",
                "%build.vcs.number%",
            ),
            ("SEVALLA_TIMEOUT", "$TIMEOUT", "$TIMEOUT"),
            (
                "SEVALLA_IS_RESTART",
                "${{ inputs.restart }}",
                "${{ inputs.restart }}",
            ),
            (
                "SEVALLA_PULL_REQUEST_NUMBER",
                "$(System.PullRequest)",
                "$(System.PullRequest)",
            ),
            ("SEVALLA_REPORT_FILE", "$(Out)/report.json", "$(Out)"),
            ("SEVALLA_CONFIRM", "$NAME", "$NAME"),
            ("SEVALLA_TOKEN", "${{ secrets.KEY }}", "${{ secrets.KEY }}"),
            ("SEVALLA_VERIFY_CONTAINS", "$(Version)", "$(Version)"),
            (
                "SEVALLA_VERIFY_CONTAINS",
                "json:/version=%VERSION%",
                "%VERSION%",
            ),
            (
                "SEVALLA_VERIFY_CONTAINS",
                "header:x-commit=${SHA}",
                "${SHA}",
            ),
        ] {
            let told = complaint(name, value).unwrap();
            let expected = format!("{variable} is a variable that your CI did not fill in");
            assert!(told.contains(&expected), "{told}");
        }
        let hook = "https://hook.example.com/apps/x/deploy/hush$SECRET";
        let told = complaint("SEVALLA_DEPLOY_HOOK_URL", hook).unwrap();
        assert!(
            told.contains("did not fill in") && !told.contains("SECRET"),
            "{told}"
        );
    }

    #[test]
    fn what_may_hold_such_text_is_taken_as_it_is() {
        for (name, value) in [
            (
                "SEVALLA_VERIFY_URL",
                "https://a.b/%20x%20/caf%C3%A9?c={commit}",
            ),
            ("SEVALLA_VERIFY_CONTAINS", "costs $PRICE or {{ price }}"),
            (
                "SEVALLA_SETTINGS",
                r#"{"build_command":"echo $HOME ${{ x }}"}"#,
            ),
            ("SEVALLA_CONFIRM", "big $hop"),
            ("SEVALLA_FILTER", "100%a%"),
            ("SEVALLA_BRANCH", "cost-100%"),
            ("SEVALLA_TOKEN", "glpat-a$b"),
        ] {
            assert_eq!(complaint(name, value), None, "{name}");
        }
    }

    #[test]
    fn what_was_copied_with_more_than_itself_is_told() {
        let key = "svl_0123456789";
        for (value, words) in [
            (format!("\"{key}\""), "It is in quotes"),
            (format!("'{key}'"), "It is in quotes"),
            (format!("\u{feff}{key}"), "byte order mark"),
            (format!("{key}\n{key}"), "It contains a line end"),
        ] {
            let told = complaint("SEVALLA_TOKEN", &value).unwrap();
            assert!(told.contains(words) && !told.contains(key), "{told}");
        }
        for (name, value) in [("SEVALLA_APP_ID", ID), ("SEVALLA_BRANCH", "main")] {
            let told = complaint(name, &format!("\"{value}\"")).unwrap();
            assert!(told.contains("It is in quotes"), "{told}");
        }
    }

    #[test]
    fn a_branch_is_read_by_its_name_and_what_is_none_is_refused_with_the_reason() {
        for text in ["main", "refs/heads/main", "heads/main"] {
            let (inputs, _) = Inputs::read(&Variables::from([("SEVALLA_BRANCH", text)]));
            assert_eq!(inputs.branch.unwrap().name, "main", "{text}");
        }
        for (text, reason) in [
            ("refs/tags/v1", "it is a tag"),
            ("12/merge", "it is the reference of a pull request"),
            ("refs/pull/12/head", "it is the reference of a pull request"),
            ("refs/notes/x", "it is a git reference"),
            ("a b", "not a name that git allows"),
        ] {
            let told = complaint("SEVALLA_BRANCH", text).unwrap();
            assert!(told.contains(reason), "{told}");
        }
    }

    #[test]
    fn a_name_that_is_no_input_is_told_with_its_neighbour() {
        let variables = Variables::from([
            ("INPUT_APPID", ID),
            ("PLUGIN_XYZZY", "1"),
            ("INPUT_APP-ID", ID),
            ("INPUT_UNSET", ""),
            ("SEVALLA_BRNACH", "x"),
            ("SEVALLA_LOG", "debug"),
            ("SEVALLA_TOKEN", "x"),
            ("SEVALLA_COMPANY", "x"),
        ]);
        let unknown = unknown_names(&variables);
        assert_eq!(unknown.len(), 3, "{unknown:?}");
        assert!(
            unknown[2].contains("SEVALLA_BRNACH") && unknown[2].ends_with("did you mean branch?")
        );
        assert!(unknown[0].contains("INPUT_APPID") && unknown[0].ends_with("did you mean app-id?"));
        assert!(unknown[1].contains("PLUGIN_XYZZY") && unknown[1].ends_with("ignored"));
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_utf8_matters_only_when_it_is_ours() {
        use std::os::unix::ffi::OsStringExt;
        let odd = || std::ffi::OsString::from_vec(vec![0xff, 0xfe]);
        let others: Variables = [("LC_ODD".into(), odd()), (odd(), "x".into())]
            .into_iter()
            .collect();
        assert!(Inputs::read(&others).1.is_empty());
        let ours: Variables = [("SEVALLA_BRANCH".into(), odd())].into_iter().collect();
        let (_, problems) = Inputs::read(&ours);
        assert_eq!(problems[0].input, "SEVALLA_BRANCH");
        assert!(problems[0].message.contains("UTF-8"));
    }
}
