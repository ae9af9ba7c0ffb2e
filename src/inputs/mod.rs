//! The inputs of a run, one value at a time.
//!
//! Each input is declared once, in [`TABLE`], and each action in [`ACTIONS`].
//! What a value may be is in `values` and `choices`; what several inputs mean
//! together is for [`crate::actions::resolve`] to decide.

mod action;
mod choices;
mod group;
mod named;
pub(crate) mod placeholder;
mod problem;
mod secret_files;
mod secrets;
mod stack;
mod table;
mod unknown;
mod values;

use std::collections::BTreeMap;

pub use self::action::{ACTIONS, Action, ActionName};
pub use self::choices::{
    Abandon, Cdn, Comment, Logs, OnFailure, OnFork, OnMismatch, OnRerun, OnSkipped, Resource,
    WhenBusy,
};
pub use self::group::InputGroup;
pub use self::named::GivenName;
pub use self::problem::Problem;
pub(crate) use self::problem::ProblemKind;
pub use self::secret_files::read_secret_files;
pub use self::secrets::{secrets_in, wants_password};
pub use self::table::{Input, Inputs, TABLE};
pub use self::unknown::{DIAGNOSTICS, unknown_names};
pub use self::values::{
    Age, ApiUrl, Branch, Commit, DeploymentIdText, DockerImage, ExpectedCommit, Number, OneLine,
    Settings, StackText, Text, Uuids, VariablePrefix, VerifyUrl,
};

use self::action::alternatives;
use self::table::Raw;
use self::values::Value;
use crate::environment::{UnreadableValue, Variables};

impl Inputs {
    /// Reads every input from `variables`, and reports everything that is wrong
    /// with them. A value that cannot be used counts as given, so that what
    /// depends on it can be checked too.
    ///
    /// # Panics
    ///
    /// Never: every input is text, and may be absent.
    pub fn read(variables: &Variables) -> (Self, Vec<Problem>) {
        let mut reader = Reader::default();
        let mut pairs = Vec::new();
        let outranked = outranked(variables);
        for input in TABLE {
            let given = first_given(input, variables).filter(|_| !outranked.contains(&input.field));
            let Some((spelling, value)) = given else {
                continue;
            };
            match value {
                Ok(value) => pairs.push((input.field.to_owned(), reader.id_of(input, value))),
                Err(error) => reader.problems.push(Problem::new(
                    ProblemKind::Unusable,
                    spelling.clone(),
                    None,
                    error.to_string(),
                )),
            }
            reader
                .problems
                .extend(secret_files::conflict(input, variables));
            reader.spellings.insert(input.field, spelling);
        }
        // Envy only collects texts: it would stop at the first value that it
        // cannot read and repeat it, be it a secret.
        let raw = envy::from_iter::<_, Raw>(pairs);
        #[expect(clippy::expect_used, reason = "see above: no text is refused")]
        let raw = raw.expect("texts can be collected");
        let inputs = Self::parse(raw, &mut reader);
        (inputs, reader.problems)
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
) -> Option<(String, Result<&'a str, &'a UnreadableValue>)> {
    input.sources().find_map(|name| {
        let value = variables.given(&name)?;
        Some((name, value))
    })
}

/// The fields that name another kind of resource than a source of higher rank
/// does: an argument outranks a variable of the step (`INPUT_…`, `PLUGIN_…`),
/// and that one a variable of the whole workflow (`SEVALLA_…`).
fn outranked(variables: &Variables) -> Vec<&'static str> {
    let rank_of = |name: &&str| {
        let (source, _) = first_given(Input::named(name)?, variables)?;
        Some(match source {
            argument if argument.starts_with("--") => 2,
            variable if variable.starts_with("SEVALLA_") => 0,
            _of_step => 1,
        })
    };
    let action = Input::named("action").and_then(|input| first_given(input, variables)?.1.ok());
    let kinds = alternatives(action).into_iter();
    let kinds: Vec<_> = kinds
        .map(|kind| (kind.iter().filter_map(rank_of).max(), kind))
        .collect();
    let highest = kinds.iter().filter_map(|(rank, _)| *rank).max();
    let others = kinds.iter().filter(|(rank, _)| *rank < highest);
    others
        .flat_map(|(_, kind)| kind.iter())
        .filter_map(|name| Some(Input::named(name)?.field))
        .collect()
}

/// Whether the input `action` takes this word.
pub fn is_action(word: &str) -> bool {
    ActionName::read(word).is_ok()
}

/// The word that somebody may have meant, if one is alike.
pub fn nearest<'a>(text: &str, words: &[&'a str]) -> Option<&'a str> {
    crate::text::nearest::nearest(text, words)
}

/// Reads values from texts, and keeps what is wrong with them.
#[derive(Default)]
struct Reader {
    spellings: BTreeMap<&'static str, String>,
    names: Vec<GivenName>,
    problems: Vec<Problem>,
}

impl Reader {
    /// The text of an input; where it is a name in place of an id, that of a
    /// placeholder.
    fn id_of(&mut self, input: &Input, text: &str) -> String {
        let Some(given) = GivenName::read(input.field, text) else {
            return text.to_owned();
        };
        self.names.push(given);
        GivenName::placeholder().to_string()
    }

    /// The value of an input, if one was given that can be used.
    fn optional<T: Value>(&mut self, field: &str, text: Option<String>) -> Option<T> {
        let text = text?;
        let reason = match values::read(&text) {
            Ok(value) => return Some(value),
            Err(reason) => reason,
        };
        let is_secret = Input::named(field).is_some_and(|input| input.secret);
        self.problems.push(Problem::new(
            ProblemKind::Unusable,
            self.spellings
                .get(field)
                .cloned()
                .unwrap_or_else(|| field.to_owned()),
            (!is_secret && T::MAY_BE_SHOWN).then_some(text),
            reason,
        ));
        None
    }

    /// The value of an input, or its default.
    fn with_default<T: Value>(&mut self, field: &str, text: Option<String>, default: &str) -> T {
        let given = self.optional(field, text);
        #[expect(clippy::expect_used, reason = "a test reads every default")]
        given.unwrap_or_else(|| T::read(default).expect("a default can be read"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
            ("INPUT_APP-ID", "fb5e5168-4281-4bec-94c5"),
            ("PLUGIN_IS_RESTART", "yes"),
            ("SEVALLA_TIMEOUT", "30"),
            ("INPUT_LOGS", "all"),
            ("SEVALLA_API_URL", "http://api.sevalla.com/v3"),
            ("SEVALLA_TOKEN", "two words"),
            ("INPUT_DEPLOY-HOOK-URL", "http://hook.example.com/secret"),
        ]);
        let (inputs, problems) = Inputs::read(&variables);
        assert!(inputs.app_id.is_none() && inputs.is_given("app-id"));
        let reported: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems.len(), 7, "{reported:#?}");
        for (name, accepted) in [
            ("INPUT_APP-ID is \"fb5e5168-4281-4bec-94c5\"", "UUID"),
            ("PLUGIN_IS_RESTART is \"yes\"", "true or false"),
            ("SEVALLA_TIMEOUT is \"30\"", "90s, 20m or 1h30m"),
            ("INPUT_LOGS is \"all\"", "live, on-failure or off"),
            ("SEVALLA_API_URL is", "https"),
            ("SEVALLA_TOKEN:", "API key"),
            ("INPUT_DEPLOY-HOOK-URL:", "https://"),
        ] {
            assert!(
                reported
                    .iter()
                    .any(|line| line.starts_with(name) && line.contains(accepted)),
                "{name} in {reported:#?}"
            );
        }
        assert!(
            !reported.concat().contains("two words")
                && !reported.concat().contains("hook.example.com")
        );
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
            let reported = complaint(name, value).unwrap();
            let expected = format!("{variable} is a variable that your CI did not fill in");
            assert!(reported.contains(&expected), "{reported}");
        }
        let hook = "https://hook.example.com/apps/x/deploy/hush$SECRET";
        let reported = complaint("SEVALLA_DEPLOY_HOOK_URL", hook).unwrap();
        assert!(
            reported.contains("did not fill in") && !reported.contains("SECRET"),
            "{reported}"
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
            let reported = complaint("SEVALLA_TOKEN", &value).unwrap();
            assert!(
                reported.contains(words) && !reported.contains(key),
                "{reported}"
            );
        }
        for (name, value) in [("SEVALLA_APP_ID", ID), ("SEVALLA_BRANCH", "main")] {
            let reported = complaint(name, &format!("\"{value}\"")).unwrap();
            assert!(reported.contains("It is in quotes"), "{reported}");
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
            let reported = complaint("SEVALLA_BRANCH", text).unwrap();
            assert!(reported.contains(reason), "{reported}");
        }
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
