//! The address that is checked, and the placeholders in it and in what is
//! expected there.

use url::Url;

/// How many digits of a commit `{commit-short}` stands for.
const SHORT_COMMIT: usize = 7;

/// An address that may hold `{commit}` and `{deployment-id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckAddress(String);

/// What the placeholders are replaced by.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'a> {
    /// For `{commit}` and `{commit-short}`.
    pub commit: Option<&'a str>,
    /// For `{deployment-id}`.
    pub deployment: &'a str,
}

/// Why a placeholder cannot be replaced, or the result is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotFilled(String);

impl CheckAddress {
    /// Reads an address; the error completes "expected …, but".
    pub fn parse(text: &str) -> Result<Self, String> {
        let address = Self(text.to_owned());
        let sample = Filling {
            commit: Some("0000000"),
            deployment: "0",
        };
        let url = address.fill(sample).map_err(|NotFilled(reason)| reason)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("it is neither http nor https".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it holds a user or a password, which would be shown".to_owned());
        }
        Ok(address)
    }

    /// The address as the user wrote it.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    pub(super) fn fill(&self, filling: Filling<'_>) -> Result<Url, NotFilled> {
        let text = fill(&self.0, filling)?;
        Url::parse(&text).map_err(|error| NotFilled(format!("it is not a URL: {error}")))
    }
}

/// The text with its placeholders replaced.
pub(super) fn fill(text: &str, filling: Filling<'_>) -> Result<String, NotFilled> {
    // The service's text becomes a part of an address: what is no commit or no
    // id could lead anywhere.
    let is_commit = |text: &&str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let commit = filling.commit.filter(is_commit);
    let needed = ["{commit}", "{commit-short}"];
    if let Some(needed) = needed.iter().find(|needed| text.contains(**needed))
        && commit.is_none()
    {
        return Err(NotFilled(format!(
            "Sevalla does not report the commit that {needed} stands for"
        )));
    }
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.contains("{deployment-id}") && !filling.deployment.bytes().all(is_id) {
        return Err(NotFilled(
            "the id that {deployment-id} stands for has other characters than an id".to_owned(),
        ));
    }
    let commit = commit.unwrap_or_default();
    Ok(text
        .replace("{commit}", commit)
        .replace(
            "{commit-short}",
            commit.get(..SHORT_COMMIT).unwrap_or(commit),
        )
        .replace("{deployment-id}", filling.deployment))
}
