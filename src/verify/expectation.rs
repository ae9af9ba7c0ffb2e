//! [`Expectation`]: what a healthy response contains, and whether one does.
//! Pure; parsed from `verify-contains`.

use std::fmt;
use std::ops::RangeInclusive;

use serde_json::Value;

use super::CheckMiss;
use super::address::{Filling, NotFilled, fill};
use crate::http::Response;
use crate::lenient_json;

/// A set of HTTP statuses, as in `200-399` or `200,204`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statuses(Vec<RangeInclusive<u16>>);

impl Statuses {
    /// Reads a list of statuses and ranges of them.
    pub fn parse(text: &str) -> Option<Self> {
        let status = |text: &str| {
            let number: u16 = text.trim().parse().ok()?;
            (100..=599).contains(&number).then_some(number)
        };
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let range = status(first)?..=status(last)?;
            (!range.is_empty()).then_some(range)
        };
        text.split(',').map(range).collect::<Option<_>>().map(Self)
    }

    /// Whether it holds this status.
    pub fn contain(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = |range: &RangeInclusive<u16>| match (range.start(), range.end()) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}-{last}"),
        };
        let ranges: Vec<String> = self.0.iter().map(range).collect();
        f.write_str(&ranges.join(","))
    }
}

/// What a response must contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expectation {
    /// A text, anywhere in the body.
    Text(String),
    /// A header with this value.
    Header {
        /// The name of the header.
        name: String,
        /// The whole value.
        value: String,
    },
    /// A value in a JSON body.
    Json {
        /// Where, as a JSON pointer (RFC 6901).
        pointer: String,
        /// The value; text without its quotes.
        value: String,
    },
}

impl Expectation {
    /// Reads `header:NAME=VALUE`, `json:/pointer=VALUE`, or any other text.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix("header:") {
            let (name, value) = pair(rest)?;
            let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if name.is_empty() || !name.chars().all(is_token) {
                return Err(format!("{name:?} is not the name of a header"));
            }
            return Ok(Self::Header { name, value });
        }
        if let Some(rest) = text.strip_prefix("json:") {
            let (pointer, value) = pair(rest)?;
            if !pointer.is_empty() && !pointer.starts_with('/') {
                return Err(format!(
                    "the pointer {pointer:?} does not begin with a slash"
                ));
            }
            return Ok(Self::Json { pointer, value });
        }
        Ok(Self::Text(text.to_owned()))
    }

    /// The text whose placeholders are replaced.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(value) | Self::Header { value, .. } | Self::Json { value, .. } => value,
        }
    }

    /// With its placeholders replaced.
    pub(super) fn fill(&self, filling: Filling<'_>) -> Result<Self, NotFilled> {
        Ok(match self {
            Self::Text(text) => Self::Text(fill(text, filling)?),
            Self::Header { name, value } => Self::Header {
                name: name.clone(),
                value: fill(value, filling)?,
            },
            Self::Json { pointer, value } => Self::Json {
                pointer: pointer.clone(),
                value: fill(value, filling)?,
            },
        })
    }

    /// Whether an answer holds it. The reason names what was looked for, and
    /// nothing of what a stranger's page says.
    pub(super) fn evaluate(&self, reply: &Response) -> Result<(), CheckMiss> {
        let status = reply.status;
        if let Self::Header { name, value } = self {
            let values = reply.headers.get_all(name.as_str());
            let is_there = values
                .iter()
                .any(|seen| seen.as_bytes() == value.as_bytes());
            return is_there.then_some(()).ok_or_else(|| {
                CheckMiss::seen(format!(
                    "HTTP {status}, but no header {name} with {value:?}"
                ))
            });
        }
        let body = reply
            .body
            .as_ref()
            .map_err(|cause| CheckMiss::seen(format!("HTTP {status}, but {cause}")))?;
        match self {
            Self::Text(text) => memchr::memmem::find(body, text.as_bytes())
                .map(drop)
                .ok_or_else(|| {
                    CheckMiss::seen(format!(
                        "HTTP {status}, but the body does not hold {text:?}"
                    ))
                }),
            Self::Json { pointer, value } => {
                let json: Value = lenient_json::from_slice(body).map_err(|_| {
                    CheckMiss::seen(format!("HTTP {status}, but the body is not JSON"))
                })?;
                let seen = json.pointer(pointer).map(as_text);
                (seen.as_ref() == Some(value)).then_some(()).ok_or_else(|| {
                    CheckMiss::seen(format!("HTTP {status}, but {pointer} is not {value:?}"))
                })
            }
            Self::Header { .. } => Ok(()),
        }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "there is no = in it".to_owned())?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// A value as people write it: text without quotes, anything else as JSON.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn statuses_are_numbers_and_ranges() {
        let statuses = Statuses::parse("200-299, 304").unwrap();
        for (status, is_good) in [
            (199, false),
            (200, true),
            (299, true),
            (300, false),
            (304, true),
        ] {
            assert_eq!(statuses.contain(status), is_good, "{status}");
        }
        for text in ["", "ok", "200-", "300-200", "99", "200;204", "200,", "1000"] {
            assert_eq!(Statuses::parse(text), None, "{text}");
        }
    }

    fn reply(body: &str) -> Response {
        Response {
            status: 200,
            headers: HeaderMap::from_iter([(
                HeaderName::from_static("x-version"),
                HeaderValue::from_static("abc"),
            )]),
            body: Ok(body.as_bytes().to_vec()),
        }
    }

    #[test]
    fn an_answer_is_judged_by_text_header_or_json() {
        let filling = Filling {
            commit: Some("abc"),
            deployment: "d1",
        };
        for (expectation, body, is_good) in [
            ("ready", "it is ready", true),
            ("ready", "soon", false),
            ("{commit}-{deployment-id}", "abc-d1", true),
            ("header:X-Version={commit}", "", true),
            ("header:x-version=abd", "", false),
            ("header:x-other=abc", "", false),
            (
                "json:/build/commit={commit}",
                r#"{"build":{"commit":"abc"}}"#,
                true,
            ),
            (
                "json:/build/commit=abd",
                r#"{"build":{"commit":"abc"}}"#,
                false,
            ),
            ("json:/up=true", r#"{"up":true}"#, true),
            ("json:/n=1", r#"{"n":1}"#, true),
            ("json:/n=1", "<html>", false),
        ] {
            let parsed = Expectation::parse(expectation).unwrap();
            let checked = parsed.fill(filling).unwrap().evaluate(&reply(body));
            assert_eq!(
                checked.is_ok(),
                is_good,
                "{expectation} {body}: {checked:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_an_expectation_is_told() {
        for text in [
            "header:x",
            "header: =a",
            "header:a b=c",
            "json:a=b",
            "json:/a",
        ] {
            assert!(Expectation::parse(text).is_err(), "{text}");
        }
        let unknown = Filling {
            commit: None,
            deployment: "d1",
        };
        let commit = Expectation::Text("{commit}".to_owned());
        assert!(commit.fill(unknown).is_err());
    }
}
