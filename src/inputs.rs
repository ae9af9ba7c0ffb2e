//! What the user asks for, one value at a time.
//!
//! Each input is declared once, in [`TABLE`]: its name, type, default and help.
//! `--help` prints the table; `action.yml` and the README are held equal to it
//! by a test. Combinations of inputs are the business of [`crate::plan`].

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use url::Url;
use uuid::Uuid;

use crate::process::{NotUtf8, Variables};
use crate::secret::{ApiToken, HookUrl, is_https_or_loopback};

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
            $(#[serde(default = "Given::absent")] $field: Given<<$type as Field>::Value>,)*
        }

        /// The inputs of a run.
        #[derive(Debug, Clone)]
        pub struct Inputs {
            $(#[doc = $help] pub $field: $type,)*
            /// Which variable each given input was read from.
            spellings: BTreeMap<&'static str, String>,
        }

        impl Inputs {
            fn settle(raw: Raw, spellings: BTreeMap<&'static str, String>) -> Result<Self, Vec<Problem>> {
                let mut problems = Vec::new();
                $(let $field = <$type as Field>::settle(
                    raw.$field.value(stringify!($field), &spellings, &mut problems),
                );)*
                match ($($field,)*) {
                    ($(Some($field),)*) if problems.is_empty() => Ok(Self { $($field,)* spellings }),
                    _ => Err(problems),
                }
            }
        }
    };
}

inputs! {
    action: Option<ActionName>, default: None, secret: false, also: &[],
    "What to do. Inferred when only one action fits the other inputs."

    sevalla_token: Option<ApiToken>, default: None, secret: true,
    also: &["SEVALLA_API_TOKEN", "SEVALLA_API_KEY"],
    "API key of the Sevalla company. It needs read and update access to the service."

    app_id: Option<Uuid>, default: None, secret: false, also: &[],
    "Application to deploy."

    static_site_id: Option<Uuid>, default: None, secret: false, also: &[],
    "Static site to deploy."

    branch: Option<Text>, default: None, secret: false, also: &[],
    "Branch to deploy. Without it, the default branch of the service."

    docker_image: Option<DockerImage>, default: None, secret: false, also: &[],
    "Image to deploy, for an application that runs an image."

    is_restart: bool, default: Some("false"), secret: false, also: &[],
    "Deploy the last successful artifact again, without a build."

    wait_for_finish: bool, default: Some("true"), secret: false, also: &[],
    "Follow the deployment to its end. With false, return once it is started."

    deploy_hook_url: Option<HookUrl>, default: None, secret: true, also: &[],
    "Deployment hook of an application, used to start the deployment. Following it needs sevalla-token too."

    api_url: ApiUrl, default: Some("https://api.sevalla.com/v3"), secret: false, also: &[],
    "Address of the API."

    timeout: Duration, default: Some("30m"), secret: false, also: &[],
    "How long the whole run may take."

    on_timeout: Abandon, default: Some("leave"), secret: false, also: &[],
    "When the time is over before the deployment has ended: leave it running, or cancel it."

    on_cancel: Abandon, default: Some("cancel"), secret: false, also: &[],
    "When the CI job is cancelled (SIGINT, SIGTERM): cancel the deployment, or leave it running."

    logs: Logs, default: Some("live"), secret: false, also: &[],
    "Show the deployment's log: while it runs, only when it failed, or not at all."

    log_file: Option<PathBuf>, default: None, secret: false, also: &[],
    "File for the complete log of the deployment."

    summary: bool, default: Some("true"), secret: false, also: &[],
    "Write a job summary where the CI has one."

    dry_run: bool, default: Some("false"), secret: false, also: &[],
    "Only read, and say what would be done."
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
}

impl Problem {
    /// A problem whose text names the variable by itself.
    pub fn of(error: &impl fmt::Display) -> Self {
        Self {
            input: "environment".to_owned(),
            value: None,
            message: error.to_string(),
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
    /// Reads every input from `variables`, and reports everything that is
    /// wrong with them at once.
    pub fn read(variables: &Variables) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut spellings = BTreeMap::new();
        let mut pairs = Vec::new();
        for input in TABLE {
            match first_given(input, variables) {
                Some((spelling, Ok(value))) => {
                    spellings.insert(input.field, spelling);
                    pairs.push((input.field.to_owned(), value.to_owned()));
                }
                Some((spelling, Err(NotUtf8))) => problems.push(Problem {
                    input: spelling,
                    value: None,
                    message: "the value is not UTF-8 text".to_owned(),
                }),
                None => {
                    let default = input
                        .default
                        .map(|value| (input.field.to_owned(), value.to_owned()));
                    pairs.extend(default);
                }
            }
        }
        let settled = match envy::from_iter::<_, Raw>(pairs) {
            Ok(raw) => Self::settle(raw, spellings),
            Err(error) => Err(vec![Problem {
                input: "inputs".to_owned(),
                value: None,
                message: error.to_string(),
            }]),
        };
        match settled {
            Ok(inputs) if problems.is_empty() => Ok(inputs),
            Ok(_) => Err(problems),
            Err(more) => {
                problems.extend(more);
                Err(problems)
            }
        }
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

/// Every secret that stands in the variables, also one that another spelling
/// overrules or that did not parse: none of them may be printed.
pub fn secrets_in(variables: &Variables) -> Vec<String> {
    let secret = TABLE.iter().filter(|input| input.secret);
    let names = secret.flat_map(Input::spellings);
    names
        .filter_map(|name| variables.text(&name).map(str::to_owned))
        .collect()
}

/// Names that look like inputs but are none, each with the nearest one.
pub fn unknown_names(variables: &Variables) -> Vec<String> {
    let known: Vec<String> = TABLE.iter().map(Input::name).collect();
    let given = variables.names().filter_map(|variable| {
        let name = ["INPUT_", "PLUGIN_"]
            .iter()
            .find_map(|prefix| variable.strip_prefix(prefix))?;
        let name = name.to_lowercase().replace('_', "-");
        (!known.contains(&name)).then_some((variable, name))
    });
    given
        .map(|(variable, name)| describe_unknown(variable, &name, &known))
        .collect()
}

fn describe_unknown(variable: &str, name: &str, known: &[String]) -> String {
    /// Below this likeness a suggestion is a guess that misleads.
    const ALIKE: f64 = 0.6;
    let likeness = |other: &String| strsim::normalized_damerau_levenshtein(name, other);
    let nearest = known
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest.filter(|other| likeness(other) >= ALIKE) {
        Some(other) => format!("{variable} is not an input and was ignored; did you mean {other}?"),
        None => format!("{variable} is not an input and was ignored"),
    }
}

/// A value that was given, or why it cannot be used.
///
/// Deserializing one never fails: envy stops at the first error and repeats
/// the value in it, while a user wants all problems at once and no secret.
struct Given<T>(Option<Result<T, Rejected>>);

struct Rejected {
    text: String,
    reason: String,
}

impl<T> Given<T> {
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
                problems.push(Problem {
                    input: spellings
                        .get(field)
                        .cloned()
                        .unwrap_or_else(|| field.to_owned()),
                    value: (!secret).then_some(rejected.text),
                    message: rejected.reason,
                });
                None
            }
        }
    }
}

impl<'de, T: Value> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let read = T::read(&text).map_err(|reason| Rejected { text, reason });
        Ok(Self(Some(read)))
    }
}

/// The type of one input's value.
trait Value: Sized {
    /// What is accepted, in words that complete "expected …".
    const ACCEPTS: &'static str;
    /// Reads a value from text that is neither blank nor padded.
    fn read(text: &str) -> Result<Self, String>;
}

/// The type of a field of [`Inputs`]: a value that has a default, or an option.
trait Field: Sized {
    type Value: Value;
    /// `None` when the field must have a value and has none.
    fn settle(value: Option<Self::Value>) -> Option<Self>;
}

impl<T: Value> Field for Option<T> {
    type Value = T;
    fn settle(value: Self) -> Option<Self> {
        Some(value)
    }
}

macro_rules! always_has_a_value {
    ($($type:ty),*) => {$(
        impl Field for $type {
            type Value = Self;
            fn settle(value: Option<Self>) -> Option<Self> {
                value
            }
        }
    )*};
}

always_has_a_value!(bool, Duration, ApiUrl, Logs, Abandon);

fn expected<T: Value>() -> String {
    format!("expected {}", T::ACCEPTS)
}

/// A set of words that an input chooses from.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),* $(,)? } $accepts:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant),* }

        impl $name {
            /// The word that users write.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl Value for $name {
            const ACCEPTS: &'static str = $accepts;
            fn read(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(expected::<Self>()),
                }
            }
        }
    };
}

words! {
    /// What to do.
    ActionName {
        /// Deploy an application.
        DeployApp = "deploy-app",
        /// Deploy a static site.
        DeployStaticSite = "deploy-static-site",
    }
    "deploy-app or deploy-static-site"
}

words! {
    /// What to do with a deployment that this run stops following.
    Abandon {
        /// It goes on.
        Leave = "leave",
        /// It is cancelled.
        Cancel = "cancel",
    }
    "leave or cancel"
}

words! {
    /// When to show the deployment's log.
    Logs {
        /// While it runs.
        Live = "live",
        /// At the end, if it did not succeed.
        OnFailure = "on-failure",
        /// Never.
        Off = "off",
    }
    "live, on-failure or off"
}

impl Value for bool {
    // The set of GitHub's own toolkit.
    const ACCEPTS: &'static str = "true or false";
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" => Ok(false),
            _ => Err(expected::<Self>()),
        }
    }
}

impl Value for Uuid {
    const ACCEPTS: &'static str = "a UUID";
    fn read(text: &str) -> Result<Self, String> {
        // Only the form with hyphens: it goes into a path as it is.
        let hyphenated = text.len() == 36;
        Self::parse_str(text)
            .ok()
            .filter(|_| hyphenated)
            .ok_or_else(|| {
                format!(
                    "{} such as fb5e5168-4281-4bec-94c5-0d1584e9e657",
                    expected::<Self>()
                )
            })
    }
}

/// Free text that a user gives: one line.
pub type Text = OneLine;

/// One line of text without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneLine(pub String);

impl Value for OneLine {
    const ACCEPTS: &'static str = "one line of text";
    fn read(text: &str) -> Result<Self, String> {
        if text.chars().any(char::is_control) {
            return Err(expected::<Self>());
        }
        if text.starts_with("$(") || text.starts_with("${") {
            return Err("it is the name of a variable that your CI did not fill in".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

/// An image reference that says which image it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerImage(pub String);

impl Value for DockerImage {
    const ACCEPTS: &'static str = "an image with a tag or a digest";
    fn read(text: &str) -> Result<Self, String> {
        let last = text.rsplit('/').next().unwrap_or(text);
        let (name, mark) = last
            .split_once('@')
            .or_else(|| last.split_once(':'))
            .unwrap_or((last, ""));
        let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
        if plain && !name.is_empty() && !mark.is_empty() && !text.starts_with('$') {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "{} such as ghcr.io/you/app:1.4.2",
            expected::<Self>()
        ))
    }
}

/// The address of the API: https, or http that does not leave this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUrl(pub Url);

impl Value for ApiUrl {
    const ACCEPTS: &'static str = "an https URL (http only on this machine)";
    fn read(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("{}: {error}", expected::<Self>()))?;
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if is_https_or_loopback(&url) && plain {
            return Ok(Self(url));
        }
        Err(format!(
            "{}, without user, query or fragment",
            expected::<Self>()
        ))
    }
}

impl Value for Duration {
    const ACCEPTS: &'static str = "a duration";
    fn read(text: &str) -> Result<Self, String> {
        /// Longer than any CI lets a job run.
        const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
        let refused = || {
            format!(
                "{} from 1s to 168h, such as 90s, 20m or 1h30m",
                expected::<Self>()
            )
        };
        let parsed: jiff::SignedDuration = text.parse().map_err(|_| refused())?;
        let duration = Self::try_from(parsed).map_err(|_| refused())?;
        if duration < Self::from_secs(1) || duration > LONGEST {
            return Err(refused());
        }
        Ok(duration)
    }
}

impl Value for PathBuf {
    const ACCEPTS: &'static str = "a path";
    fn read(text: &str) -> Result<Self, String> {
        OneLine::read(text).map(|line| Self::from(line.0))
    }
}

impl Value for ApiToken {
    const ACCEPTS: &'static str = "an API key";
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|reason| format!("{}, but {reason}", expected::<Self>()))
    }
}

impl Value for HookUrl {
    const ACCEPTS: &'static str = "the URL of a deployment hook";
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|reason| format!("{}, but {reason}", expected::<Self>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "fb5e5168-4281-4bec-94c5-0d1584e9e657";

    #[test]
    fn the_defaults_of_the_table_can_be_read() {
        let inputs = Inputs::read(&Variables::default()).unwrap();
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
            let inputs = Inputs::read(&Variables::from([(name, ID)])).unwrap();
            assert_eq!(inputs.app_id.unwrap().to_string(), ID, "{name}");
            assert_eq!(inputs.spelling("app-id"), name);
        }
        let both = [("INPUT_BRANCH", "first"), ("SEVALLA_BRANCH", "second")];
        assert_eq!(
            Inputs::read(&Variables::from(both))
                .unwrap()
                .branch
                .unwrap()
                .0,
            "first"
        );
        let blank = [("INPUT_BRANCH", "  "), ("SEVALLA_BRANCH", " second\n")];
        assert_eq!(
            Inputs::read(&Variables::from(blank))
                .unwrap()
                .branch
                .unwrap()
                .0,
            "second"
        );
        for name in [
            "INPUT_SEVALLA-TOKEN",
            "SEVALLA_TOKEN",
            "SEVALLA_API_TOKEN",
            "SEVALLA_API_KEY",
        ] {
            let inputs = Inputs::read(&Variables::from([(name, "svl_key")])).unwrap();
            assert_eq!(inputs.sevalla_token.unwrap().expose(), "svl_key", "{name}");
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
        let problems = Inputs::read(&variables).unwrap_err();
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
            "host:5000/a/b@sha256:0123",
            "a/b:1@sha256:00",
        ] {
            assert!(DockerImage::read(text).is_ok(), "{text}");
        }
        for text in [
            "nginx",
            "host:5000/a",
            "a:",
            ":1",
            "a b:1",
            "$IMAGE:1",
            "a@",
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

    #[test]
    fn a_name_that_is_no_input_is_told_with_its_neighbour() {
        let variables = Variables::from([
            ("INPUT_APPID", ID),
            ("PLUGIN_XYZZY", "1"),
            ("INPUT_APP-ID", ID),
            ("INPUT_UNSET", ""),
        ]);
        let unknown = unknown_names(&variables);
        assert_eq!(unknown.len(), 2, "{unknown:?}");
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
        assert!(Inputs::read(&others).is_ok());
        let ours: Variables = [("SEVALLA_BRANCH".into(), odd())].into_iter().collect();
        let problems = Inputs::read(&ours).unwrap_err();
        assert_eq!(problems[0].input, "SEVALLA_BRANCH");
        assert!(problems[0].message.contains("UTF-8"));
    }
}
