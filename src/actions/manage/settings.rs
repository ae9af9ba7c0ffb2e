//! The settings that can be sent, written from the OpenAPI document: what each
//! is called and may be. Every problem is reported before anything is sent.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::branch;
use crate::image_reference::ImageReference;
use crate::inputs::placeholder;
use crate::inputs::placeholder::is_whole;
use crate::resource::MutableKind;
use crate::sevalla::contract::words;

/// One setting.
pub(crate) struct Setting {
    name: &'static str,
    form: SettingKind,
}

/// What a setting may be.
enum SettingKind {
    Flag,
    /// Text of so many characters.
    Text(usize, usize),
    TextOrNull,
    Whole(u64, u64),
    OneOf(&'static [&'static str]),
    OneOfOrNull(&'static [&'static str]),
    /// Text, of which these are known.
    Such(&'static [&'static str]),
    Id,
    IdOrNull,
    Texts,
    Branch,
    /// An address of at least so many characters.
    Address(usize),
    /// A reference to an image, or nothing.
    Image,
    /// Letters, digits and `_ - +`, so many of them.
    Name(usize, usize),
    Buildpacks,
    Extensions,
}

/// Longer than any text that the service takes.
const ANY: usize = usize::MAX;

const fn setting(name: &'static str, form: SettingKind) -> Setting {
    Setting { name, form }
}

const APPLICATION: &[Setting] = &[
    setting("display_name", SettingKind::Text(1, 64)),
    setting("auto_deploy", SettingKind::Flag),
    setting("default_branch", SettingKind::Branch),
    setting("hibernation_enabled", SettingKind::Flag),
    setting("hibernate_after_seconds", SettingKind::Whole(1, 604_800)),
    setting("build_type", SettingKind::OneOf(words::BUILD_TYPES)),
    setting("build_path", SettingKind::Text(0, ANY)),
    setting("dockerfile_path", SettingKind::Text(0, ANY)),
    setting("docker_context", SettingKind::Text(0, ANY)),
    setting("build_cache_enabled", SettingKind::Flag),
    setting("docker_registry_credential_id", SettingKind::Id),
    setting("pack_builder", SettingKind::OneOf(words::PACK_BUILDERS)),
    setting(
        "nixpacks_version",
        SettingKind::OneOf(words::NIXPACKS_VERSIONS),
    ),
    setting("buildpacks", SettingKind::Buildpacks),
    setting("allow_deploy_paths", SettingKind::Texts),
    setting("ignore_deploy_paths", SettingKind::Texts),
    setting("source", SettingKind::OneOf(words::APPLICATION_SOURCES)),
    setting("git_type", SettingKind::OneOf(words::GIT_TYPES)),
    setting("repo_url", SettingKind::Address(0)),
    setting("docker_image", SettingKind::Image),
];

const STATIC_SITE: &[Setting] = &[
    setting("display_name", SettingKind::Text(1, 64)),
    setting("auto_deploy", SettingKind::Flag),
    setting("default_branch", SettingKind::Branch),
    setting("build_command", SettingKind::TextOrNull),
    setting("node_version", SettingKind::TextOrNull),
    setting("published_directory", SettingKind::TextOrNull),
    setting("is_preview_enabled", SettingKind::Flag),
    setting("install_command", SettingKind::TextOrNull),
    setting("root_directory", SettingKind::TextOrNull),
    setting("index_file", SettingKind::Text(1, ANY)),
    setting("error_file", SettingKind::TextOrNull),
    setting("source", SettingKind::OneOf(words::STATIC_SITE_SOURCES)),
    setting("git_type", SettingKind::OneOfOrNull(words::GIT_TYPES)),
    setting("repo_url", SettingKind::Address(1)),
    setting("allow_deploy_paths", SettingKind::Texts),
    setting("ignore_deploy_paths", SettingKind::Texts),
];

const DATABASE: &[Setting] = &[
    setting("display_name", SettingKind::Text(2, 64)),
    setting("resource_type_id", SettingKind::Text(1, ANY)),
    setting("resource_type", SettingKind::Text(1, ANY)),
    setting("project_id", SettingKind::IdOrNull),
];

/// All settings of a new database. Its password is an input of its own.
pub(crate) const NEW_DATABASE: &[Setting] = &[
    setting("display_name", SettingKind::Text(2, 64)),
    setting("type", SettingKind::OneOf(words::NEW_DATABASE_TYPES)),
    setting("version", SettingKind::Such(words::DATABASE_VERSIONS)),
    setting("cluster_id", SettingKind::Id),
    setting("cluster", SettingKind::Text(1, ANY)),
    setting("resource_type_id", SettingKind::Text(1, ANY)),
    setting("resource_type", SettingKind::Text(1, ANY)),
    setting("db_name", SettingKind::Name(2, 100)),
    setting("db_user", SettingKind::Name(2, 100)),
    setting("project_id", SettingKind::IdOrNull),
    setting("extensions", SettingKind::Extensions),
];

/// The settings that can be changed.
pub(crate) const fn of(what: MutableKind) -> &'static [Setting] {
    match what {
        MutableKind::Application => APPLICATION,
        MutableKind::StaticSite => STATIC_SITE,
        MutableKind::Database => DATABASE,
    }
}

/// Everything that is wrong with these settings; `noun` is what they are of.
pub(crate) fn problems(given: &Map<String, Value>, known: &[Setting], noun: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, value) in given {
        match known.iter().find(|setting| setting.name == name) {
            None => problems.push(unknown(name, known, noun)),
            Some(setting) if setting.form.unfilled(value).is_some() => {
                let variable = setting.form.unfilled(value).unwrap_or_default();
                problems.push(format!(
                    "{name} contains {variable}, a variable that your CI did not fill in"
                ));
            }
            Some(setting) if !setting.form.takes(value) => {
                problems.push(format!("{name} must be {}", setting.form.words()));
            }
            Some(_) => {}
        }
    }
    let [allowed, ignored] = ["allow_deploy_paths", "ignore_deploy_paths"];
    if given.contains_key(allowed) && given.contains_key(ignored) {
        problems.push(format!("{allowed} and {ignored} exclude each other"));
    }
    problems
}

/// What is sent although it is not known: a word of a set to which the service
/// may have added.
pub(crate) fn unknown_words(given: &Map<String, Value>, known: &[Setting]) -> Vec<String> {
    let unknown = |(name, value): (&String, &Value)| {
        let setting = known.iter().find(|setting| setting.name == name)?;
        let (SettingKind::OneOf(words)
        | SettingKind::OneOfOrNull(words)
        | SettingKind::Such(words)) = setting.form
        else {
            return None;
        };
        let word = value.as_str().filter(|word| !words.contains(word))?;
        // A word may be as long as a file, and hold anything.
        let shown: String = word.chars().take(100).collect();
        let words = words.join(", ");
        Some(format!(
            "{name} is {shown:?}, which this program does not know; it is sent as it is. Known: {words}"
        ))
    };
    given.iter().filter_map(unknown).collect()
}

/// A key that is no setting, with the nearest that is.
fn unknown(name: &str, known: &[Setting], noun: &str) -> String {
    /// Below this likeness a suggestion is a guess that misleads.
    const ALIKE: f64 = 0.6;
    let likeness = |other: &str| strsim::normalized_damerau_levenshtein(name, other);
    let nearest = known
        .iter()
        .map(|setting| (likeness(setting.name), setting.name))
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    // A key may be as long as a file, and hold anything.
    let shown: String = name.chars().take(100).collect();
    match nearest {
        _ if matches!(name, "db_password" | "password") => {
            format!("{shown} is in the open here; give it as database-password")
        }
        Some((alike, nearest)) if alike >= ALIKE => {
            format!("Unknown setting {shown:?} for {noun}; did you mean {nearest}?")
        }
        _ => {
            let names: Vec<&str> = known.iter().map(|setting| setting.name).collect();
            format!(
                "Unknown setting {shown:?} for {noun}; known are {}",
                names.join(", ")
            )
        }
    }
}

impl SettingKind {
    /// The variable that the CI did not fill in, where none can be meant. A
    /// command may contain one.
    fn unfilled<'a>(&self, value: &'a Value) -> Option<&'a str> {
        let text = value.as_str()?;
        match self {
            Self::OneOf(_)
            | Self::OneOfOrNull(_)
            | Self::Id
            | Self::IdOrNull
            | Self::Branch
            | Self::Address(_)
            | Self::Image => placeholder::find(text),
            Self::Text(..) | Self::Name(..) | Self::Such(_) => {
                Some(text).filter(|text| is_whole(text))
            }
            _ => None,
        }
    }

    fn takes(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Flag => value.is_boolean(),
            Self::Text(least, most) => {
                text.is_some_and(|text| (*least..=*most).contains(&text.chars().count()))
            }
            Self::TextOrNull => value.is_null() || text.is_some(),
            Self::Whole(least, most) => value
                .as_u64()
                .is_some_and(|number| (*least..=*most).contains(&number)),
            // The sets are open: see `unknown_words`.
            Self::OneOf(_) | Self::Such(_) => text.is_some_and(|text| !text.is_empty()),
            Self::OneOfOrNull(_) => value.is_null() || text.is_some_and(|text| !text.is_empty()),
            Self::Id => text.is_some_and(is_id),
            Self::IdOrNull => value.is_null() || text.is_some_and(is_id),
            Self::Texts => value
                .as_array()
                .is_some_and(|all| all.iter().all(Value::is_string)),
            Self::Branch => text.is_some_and(|text| branch::objection(text).is_none()),
            Self::Address(least) => text.is_some_and(|text| text.len() >= *least),
            Self::Image => {
                text.is_some_and(|text| text.is_empty() || ImageReference::parse(text).is_ok())
            }
            Self::Name(least, most) => text.is_some_and(|text| {
                let is_letter = |c: char| c.is_ascii_alphanumeric() || "_-+".contains(c);
                (*least..=*most).contains(&text.len()) && text.chars().all(is_letter)
            }),
            Self::Buildpacks => value
                .as_array()
                .is_some_and(|all| all.iter().all(is_buildpack)),
            Self::Extensions => value.as_object().is_some_and(are_extensions),
        }
    }

    /// What is taken, in words that complete "must be …".
    fn words(&self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Text(0, ANY) | Self::Address(0) => "text".to_owned(),
            Self::Text(_, ANY) | Self::Such(_) | Self::Address(_) => {
                "text, and not empty".to_owned()
            }
            Self::Text(least, most) => format!("text of {least} to {most} characters"),
            Self::TextOrNull => "text or null".to_owned(),
            Self::Whole(least, most) => format!("a whole number from {least} to {most}"),
            Self::OneOf(words) => format!("one of {}", words.join(", ")),
            Self::OneOfOrNull(words) => format!("null or one of {}", words.join(", ")),
            Self::Id => "a UUID".to_owned(),
            Self::IdOrNull => "a UUID or null".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Branch => "the name of a branch".to_owned(),
            Self::Image => "an image such as ghcr.io/you/app:1.4.2".to_owned(),
            Self::Name(least, most) => {
                format!("{least} to {most} characters from a-z, A-Z, 0-9 and _ - +")
            }
            Self::Buildpacks => {
                "a list of {\"order\": 0 to 20, \"source\": text of at most 500 characters}"
                    .to_owned()
            }
            Self::Extensions => format!("an object of true or false for {}", EXTENSIONS.join(", ")),
        }
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 36 && Uuid::parse_str(text).is_ok()
}

fn is_buildpack(value: &Value) -> bool {
    let order = value.get("order").and_then(Value::as_u64);
    let source = value.get("source").and_then(Value::as_str);
    order.is_some_and(|order| order <= 20)
        && source.is_some_and(|source| source.chars().count() <= 500)
}

const EXTENSIONS: &[&str] = &["enable_vector", "enable_postgis", "enable_cron"];

fn are_extensions(given: &Map<String, Value>) -> bool {
    given
        .iter()
        .all(|(name, value)| EXTENSIONS.contains(&name.as_str()) && value.is_boolean())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(what: MutableKind, json: &str) -> Vec<String> {
        let given = serde_json::from_str(json).unwrap();
        problems(&given, of(what), "applications")
    }

    /// `resource_type` and `cluster` are names in the place of ids, and the
    /// password is an input of its own.
    #[test]
    fn the_settings_are_the_fields_that_the_api_takes() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/facts/");
        let file = |name: &str| std::fs::read_to_string(format!("{file}{name}")).unwrap();
        let facts = format!("{}{}", file("facts.txt"), file("additions.txt"));
        for (id, settings) in [
            ("updateApplicationV3", APPLICATION),
            ("updateStaticSiteV3", STATIC_SITE),
            ("updateDatabaseV3", DATABASE),
            ("createDatabaseV3", NEW_DATABASE),
        ] {
            let start = format!("{id} body ");
            let added = format!("body {id} ");
            let fields = facts.lines().flat_map(|line| {
                let fact = line.strip_prefix(&start);
                let fact = fact.and_then(|fact| fact.split(' ').next());
                let added = line.strip_prefix(&added);
                fact.into_iter()
                    .chain(added.into_iter().flat_map(|fields| fields.split(' ')))
            });
            let mut fields: Vec<&str> = fields.filter(|name| *name != "db_password").collect();
            let mut names: Vec<&str> = settings.iter().map(|setting| setting.name).collect();
            names.retain(|name| !matches!(*name, "cluster" | "resource_type"));
            fields.sort_unstable();
            names.sort_unstable();
            assert_eq!(names, fields, "{id}");
        }
    }

    #[test]
    fn good_settings_are_taken() {
        for (what, json) in [
            (
                MutableKind::Application,
                r#"{"auto_deploy":false,"hibernate_after_seconds":604800}"#,
            ),
            (
                MutableKind::Application,
                r#"{"buildpacks":[{"order":0,"source":"heroku/nodejs"}]}"#,
            ),
            (
                MutableKind::StaticSite,
                r#"{"build_command":null,"git_type":null,"index_file":"a"}"#,
            ),
            (
                MutableKind::StaticSite,
                r#"{"allow_deploy_paths":["docs/**"]}"#,
            ),
            (MutableKind::StaticSite, r#"{"ignore_deploy_paths":[]}"#),
            (
                MutableKind::Database,
                r#"{"display_name":"ab","resource_type":"DB1","project_id":null}"#,
            ),
        ] {
            assert_eq!(reported(what, json), [""; 0], "{json}");
        }
    }

    #[test]
    fn what_a_ci_did_not_fill_in_is_not_sent() {
        for (name, value, variable) in [
            ("docker_image", "ghcr.io/acme/shop:$(Tag)", "$(Tag)"),
            ("default_branch", "release/%VERSION%", "%VERSION%"),
            ("repo_url", "https://${HOST}/a/b", "${HOST}"),
            ("build_type", "$TYPE", "$TYPE"),
            ("display_name", "{{ name }}", "{{ name }}"),
        ] {
            let json = format!(r#"{{"{name}":"{value}"}}"#);
            let expected =
                format!("{name} contains {variable}, a variable that your CI did not fill in");
            assert_eq!(reported(MutableKind::Application, &json), [expected]);
        }
        let command = r#"{"build_command":"make TAG=$TAG"}"#;
        assert_eq!(reported(MutableKind::StaticSite, command), [""; 0]);
    }

    #[test]
    fn an_image_and_a_branch_are_what_they_are_called() {
        for (json, is_taken) in [
            (r#"{"docker_image":"ghcr.io/acme/shop"}"#, true),
            (r#"{"docker_image":""}"#, true),
            (r#"{"docker_image":"https://ghcr.io/acme/shop:1"}"#, false),
            (r#"{"docker_image":"shop:1 shop:2"}"#, false),
            (r#"{"docker_image":null}"#, false),
            (r#"{"default_branch":"refs/heads/main"}"#, true),
            (r#"{"default_branch":"refs/tags/v1"}"#, false),
            (r#"{"default_branch":""}"#, false),
        ] {
            let reported = reported(MutableKind::Application, json);
            assert_eq!(reported.is_empty(), is_taken, "{json}: {reported:?}");
        }
    }

    #[test]
    fn a_word_that_is_not_known_is_sent_and_named() {
        let unknown = |known: &[Setting], json: &str| {
            let given = serde_json::from_str(json).unwrap();
            assert_eq!(problems(&given, known, "x"), [""; 0], "{json}");
            unknown_words(&given, known)
        };
        for (json, named) in [
            (r#"{"build_type":"buildah"}"#, "build_type is \"buildah\""),
            (r#"{"pack_builder":"heroku/builder:26"}"#, "pack_builder is"),
            (r#"{"nixpacks_version":"1.50"}"#, "Known: 1.29, 1.39, 1.41"),
            (r#"{"source":"upload"}"#, "source is \"upload\""),
            (r#"{"git_type":"forgejo"}"#, "git_type is \"forgejo\""),
        ] {
            let reported = unknown(APPLICATION, json);
            assert!(
                reported.len() == 1 && reported[0].contains(named),
                "{reported:?}"
            );
        }
        assert_eq!(unknown(STATIC_SITE, r#"{"git_type":"forgejo"}"#).len(), 1);
        assert_eq!(unknown(NEW_DATABASE, r#"{"type":"mongodb"}"#).len(), 1);
        let version = unknown(NEW_DATABASE, r#"{"type":"mysql","version":"8.0"}"#);
        assert!(version.len() == 1 && version[0].starts_with("version is \"8.0\""));
        assert_eq!(unknown(NEW_DATABASE, r#"{"version":"16"}"#), [""; 0]);
        for known in ["dockerfile", "pack", "nixpacks", "railpack", "ingot"] {
            let json = format!(r#"{{"build_type":{known:?}}}"#);
            assert_eq!(unknown(APPLICATION, &json), [""; 0]);
        }
        assert_eq!(unknown(STATIC_SITE, r#"{"git_type":null}"#), [""; 0]);
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_what_would_do() {
        for (json, expected) in [
            (
                r#"{"auto_deploi":true}"#,
                "Unknown setting \"auto_deploi\" for applications; did you mean auto_deploy?",
            ),
            (
                r#"{"xyzzy":1}"#,
                "Unknown setting \"xyzzy\" for applications; known are display_name",
            ),
            (
                r#"{"auto_deploy":"no"}"#,
                "auto_deploy must be true or false",
            ),
            (
                r#"{"hibernate_after_seconds":0}"#,
                "a whole number from 1 to 604800",
            ),
            (
                r#"{"hibernate_after_seconds":1.5}"#,
                "a whole number from 1 to 604800",
            ),
            (r#"{"display_name":""}"#, "text of 1 to 64 characters"),
            (
                r#"{"build_type":7}"#,
                "one of dockerfile, pack, nixpacks, railpack, ingot",
            ),
            (r#"{"git_type":null}"#, "one of github, bitbucket, gitlab"),
            (
                r#"{"source":""}"#,
                "one of privateGit, publicGit, dockerImage",
            ),
            (r#"{"docker_registry_credential_id":"x"}"#, "a UUID"),
            (r#"{"buildpacks":[{"order":21,"source":"a"}]}"#, "0 to 20"),
            (r#"{"allow_deploy_paths":[1]}"#, "a list of texts"),
            (
                r#"{"allow_deploy_paths":[],"ignore_deploy_paths":[]}"#,
                "exclude each other",
            ),
            (r#"{"build_type":null}"#, "one of dockerfile"),
            (
                r#"{"db_password":"geheim"}"#,
                "give it as database-password",
            ),
        ] {
            let reported = reported(MutableKind::Application, json);
            assert!(
                reported.len() == 1 && reported[0].contains(expected),
                "{json}: {reported:?}"
            );
        }
        assert_eq!(
            reported(MutableKind::Database, r#"{"a":1,"display_name":2}"#).len(),
            2
        );
    }

    #[test]
    fn the_settings_of_a_new_database_are_checked_too() {
        for (json, expected) in [
            (
                r#"{"db_name":"shop db"}"#,
                "db_name must be 2 to 100 characters",
            ),
            (r#"{"type":true}"#, "one of postgresql"),
            (r#"{"cluster_id":"Frankfurt"}"#, "a UUID"),
            (
                r#"{"extensions":{"enable_vectors":true}}"#,
                "enable_vector, enable_postgis",
            ),
        ] {
            let given = serde_json::from_str(json).unwrap();
            let reported = problems(&given, NEW_DATABASE, "databases");
            assert!(
                reported.len() == 1 && reported[0].contains(expected),
                "{json}: {reported:?}"
            );
        }
    }
}
