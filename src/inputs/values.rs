//! What the value of one input may be.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Map;
use url::Url;
use uuid::Uuid;

use super::choices::Resource;
use super::placeholder;
use crate::branch;
use crate::deployment::DeploymentId;
use crate::image_reference::ImageReference;
use crate::secret::{ApiToken, HookUrl, Password, is_https_or_loopback};
use crate::text::nearest::nearest;
use crate::verify::{CheckAddress, Expectation, Statuses};

/// The type of one input's value.
pub(super) trait Value: Sized {
    /// What is accepted, in words that complete "expected …".
    const ACCEPTS: &'static str;
    /// The words that are accepted, if there are only a few.
    const WORDS: &'static [&'static str] = &[];
    /// What each of them means.
    const MEANINGS: &'static [&'static str] = &[];
    /// Whether a value that cannot be used may be repeated to the user.
    const MAY_BE_SHOWN: bool = true;
    /// Whether even a part of it must not be repeated.
    const IS_SECRET: bool = false;
    /// Where a placeholder that a CI did not fill in is looked for.
    const PLACEHOLDERS: Placeholders = Placeholders::Anywhere;
    /// Reads a value from text that is neither blank nor padded.
    fn read(text: &str) -> Result<Self, String>;
}

/// Where a placeholder makes a value unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placeholders {
    /// Anywhere in it.
    Anywhere,
    /// Only as the whole value: a part of it may be meant.
    Whole,
    /// Nowhere: it may hold anything.
    Nowhere,
}

/// Reads a value, and says in the same way of every type what is wrong with it
/// that comes from the CI or from copying. A secret's content is not repeated.
pub(super) fn read<T: Value>(text: &str) -> Result<T, String> {
    let is_whole = placeholder::is_whole(text);
    let found = match T::PLACEHOLDERS {
        Placeholders::Anywhere => placeholder::find(text),
        Placeholders::Whole => Some(text).filter(|_| is_whole),
        Placeholders::Nowhere => None,
    };
    if let Some(found) = found {
        return Err(if T::IS_SECRET && !is_whole {
            "it contains the name of a variable that your CI did not fill in".to_owned()
        } else {
            not_filled_in(found)
        });
    }
    T::read(text).map_err(|reason| match copying_error(text) {
        Some(error) => format!("{reason}. {error}"),
        None => reason,
    })
}

fn not_filled_in(variable: &str) -> String {
    format!("{variable} is a variable that your CI did not fill in")
}

/// What is wrong with a value that was copied with more than itself.
pub(super) fn copying_error(text: &str) -> Option<&'static str> {
    let is_in = |quote: char| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    if ['"', '\'', '`'].into_iter().any(is_in) {
        Some("It is in quotes: remove them")
    } else if text.starts_with('\u{feff}') {
        Some("It begins with a byte order mark: save the file as UTF-8 without one")
    } else if text.contains(['\n', '\r']) {
        Some("It contains a line end: remove it")
    } else {
        None
    }
}

fn expected<T: Value>() -> String {
    format!("expected {}", T::ACCEPTS)
}

/// What is wrong with a word that is none of these.
pub(super) fn unknown_word<T: Value>(text: &str, words: &[&str]) -> String {
    let expected = expected::<T>();
    // The short names of resources, such as `apps`.
    let short = Resource::meant_by(text).map(Resource::word);
    match short
        .filter(|word| words.contains(word))
        .or_else(|| nearest(text, words))
    {
        Some(word) => format!("{expected}; did you mean {word}?"),
        None => expected,
    }
}

impl Value for bool {
    // The set of GitHub's own toolkit.
    const ACCEPTS: &'static str = "true or false";
    const WORDS: &'static [&'static str] = &["true", "false"];
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

/// A list of UUIDs, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uuids(pub Vec<Uuid>);

impl Value for Uuids {
    const ACCEPTS: &'static str = "UUIDs separated by commas, spaces or new lines";
    fn read(text: &str) -> Result<Self, String> {
        let mut all = Vec::new();
        let words = text.split(|c: char| c == ',' || c.is_whitespace());
        for word in words.filter(|word| !word.is_empty()) {
            let id = <Uuid as Value>::read(word)
                .map_err(|_| format!("{}, but {word:?} is not a UUID", expected::<Self>()))?;
            if !all.contains(&id) {
                all.push(id);
            }
        }
        if all.is_empty() {
            return Err(expected::<Self>());
        }
        Ok(Self(all))
    }
}

/// The id of a deployment that a user gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentIdText(pub DeploymentId);

impl Value for DeploymentIdText {
    const ACCEPTS: &'static str = <Uuid as Value>::ACCEPTS;
    fn read(text: &str) -> Result<Self, String> {
        <Uuid as Value>::read(text).map(|id| Self(DeploymentId(id.to_string())))
    }
}

/// A whole number, at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number(pub u64);

impl Value for Number {
    const ACCEPTS: &'static str = "a whole number from 1 on";
    fn read(text: &str) -> Result<Self, String> {
        /// More would not be a number to every reader of JSON.
        const LARGEST: u64 = 1 << 53;
        let number = text.parse().ok().filter(|n| (1..=LARGEST).contains(n));
        number.map(Self).ok_or_else(expected::<Self>)
    }
}

/// A full commit id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit(pub String);

impl Commit {
    /// Reads one; git writes 40 or 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_hex && matches!(text.len(), 40 | 64)).then(|| Self(text.to_ascii_lowercase()))
    }
}

/// The commit that a deployment is expected to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedCommit {
    /// The one that the CI works on.
    Auto,
    /// Any.
    Off,
    /// This one.
    Is(Commit),
}

impl Value for ExpectedCommit {
    const ACCEPTS: &'static str = "auto, off or a full commit SHA";
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "off" => Ok(Self::Off),
            _ => Commit::parse(text)
                .map(Self::Is)
                .ok_or_else(expected::<Self>),
        }
    }
}

/// Where to look whether what was deployed answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifyUrl {
    /// At the service's own address.
    Auto,
    /// There.
    At(CheckAddress),
}

impl Value for VerifyUrl {
    const ACCEPTS: &'static str = "auto or a URL";
    fn read(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let line = OneLine::read(text)?;
        CheckAddress::parse(&line.0)
            .map(Self::At)
            .map_err(|reason| format!("{}, but {reason}", expected::<Self>()))
    }
}

impl Value for Statuses {
    const ACCEPTS: &'static str = "HTTP statuses such as 200-399 or 200,204";
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).ok_or_else(expected::<Self>)
    }
}

impl Value for Expectation {
    const PLACEHOLDERS: Placeholders = Placeholders::Nowhere;
    const ACCEPTS: &'static str = "a text, header:NAME=VALUE or json:/pointer=VALUE";
    fn read(text: &str) -> Result<Self, String> {
        let parsed =
            Self::parse(text).map_err(|reason| format!("{}, but {reason}", expected::<Self>()))?;
        // Part of a text may be meant. A whole one that nobody filled in would
        // make every good answer a bad one.
        let sought = parsed.text();
        if placeholder::is_whole(sought) {
            return Err(not_filled_in(sought));
        }
        Ok(parsed)
    }
}

/// Free text that a user gives: one line.
pub type Text = OneLine;

/// One line of text without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneLine(pub String);

impl Value for OneLine {
    const ACCEPTS: &'static str = "one line of text";
    const PLACEHOLDERS: Placeholders = Placeholders::Whole;
    fn read(text: &str) -> Result<Self, String> {
        if text.chars().any(char::is_control) {
            return Err(expected::<Self>());
        }
        Ok(Self(text.to_owned()))
    }
}

/// The name of a git branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its short name, without `refs/heads/`.
    pub name: String,
    /// Whether it was given as a reference, which can mean no tag.
    pub is_reference: bool,
}

impl Value for Branch {
    const ACCEPTS: &'static str = "the name of a branch";
    fn read(text: &str) -> Result<Self, String> {
        // Git allows quotes, and nobody means them.
        if copying_error(text).is_some() {
            return Err(expected::<Self>());
        }
        if let Some(objection) = branch::objection(text) {
            return Err(format!("{}, but it is {objection}", expected::<Self>()));
        }
        let name = branch::short_name(text);
        Ok(Self {
            name: name.to_owned(),
            is_reference: name != text,
        })
    }
}

/// Settings as a JSON object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings(pub Map<String, serde_json::Value>);

impl Value for Settings {
    const ACCEPTS: &'static str = "a JSON object";
    const PLACEHOLDERS: Placeholders = Placeholders::Whole;
    // A setting may be a password that is not known as one.
    const MAY_BE_SHOWN: bool = false;
    fn read(text: &str) -> Result<Self, String> {
        let refused = |error: serde_json::Error| {
            format!(
                "{} such as {{\"auto_deploy\": false}}, but in line {}, column {} it is not JSON, or \
                 no object",
                expected::<Self>(),
                error.line(),
                error.column()
            )
        };
        serde_json::from_str(text).map(Self).map_err(refused)
    }
}

/// The text of a stack file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackText(pub String);

impl Value for StackText {
    const ACCEPTS: &'static str = "the text of a stack file";
    // It has references of its own, such as ${api.url}.
    const PLACEHOLDERS: Placeholders = Placeholders::Nowhere;
    const MAY_BE_SHOWN: bool = false;
    fn read(text: &str) -> Result<Self, String> {
        if placeholder::is_whole(text) {
            return Err(not_filled_in(text));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The beginning of the names of variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariablePrefix(pub String);

impl Value for VariablePrefix {
    const ACCEPTS: &'static str = "a name of letters, digits and underscores";
    fn read(text: &str) -> Result<Self, String> {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_name =
            text.chars().all(is_letter) && !text.starts_with(|c: char| c.is_ascii_digit());
        if is_name && text.len() <= 200 {
            return Ok(Self(text.to_owned()));
        }
        Err(expected::<Self>())
    }
}

/// An image reference that says which image it means, as the user spells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerImage(pub String);

impl Value for DockerImage {
    const ACCEPTS: &'static str = "an image with a tag or a digest";
    fn read(text: &str) -> Result<Self, String> {
        ImageReference::parse(text)
            .map_err(|reason| format!("{}, but {reason}", expected::<Self>()))?;
        // Without either it would be whatever `latest` is at that moment.
        let last = text.rsplit('/').next().unwrap_or(text);
        if last.contains(['@', ':']) {
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

/// How old something may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age(pub Duration);

impl Value for Age {
    const ACCEPTS: &'static str = "an age in days or hours";
    fn read(text: &str) -> Result<Self, String> {
        const HOUR: u64 = 3600;
        const LONGEST: u64 = 365 * 24;
        let unit = |suffix, hours: u64| {
            let number: u64 = text.strip_suffix(suffix)?.parse().ok()?;
            number.checked_mul(hours)
        };
        let hours = unit('d', 24).or_else(|| unit('h', 1));
        let hours = hours.filter(|hours| (1..=LONGEST).contains(hours));
        let age = hours.map(|hours| Self(Duration::from_secs(hours * HOUR)));
        age.ok_or_else(|| format!("{} up to a year, such as 14d or 36h", expected::<Self>()))
    }
}

impl Value for PathBuf {
    const ACCEPTS: &'static str = "a path";
    fn read(text: &str) -> Result<Self, String> {
        OneLine::read(text).map(|line| Self::from(line.0))
    }
}

impl Value for ApiToken {
    const ACCEPTS: &'static str = "an API key or token";
    const IS_SECRET: bool = true;
    const PLACEHOLDERS: Placeholders = Placeholders::Whole;
    fn read(text: &str) -> Result<Self, String> {
        // Any other key than Sevalla's own is let through as it is.
        if copying_error(text).is_some() {
            return Err(expected::<Self>());
        }
        Self::parse(text).map_err(|reason| format!("{}, but {reason}", expected::<Self>()))
    }
}

impl Value for HookUrl {
    const ACCEPTS: &'static str = "the URL of a deployment hook";
    const IS_SECRET: bool = true;
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|reason| format!("{}, but {reason}", expected::<Self>()))
    }
}

impl Value for Password {
    const ACCEPTS: &'static str = "a database's password";
    const IS_SECRET: bool = true;
    const PLACEHOLDERS: Placeholders = Placeholders::Whole;
    const MAY_BE_SHOWN: bool = false;
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|reason| format!("{}, but {reason}", expected::<Self>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
