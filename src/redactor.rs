//! Takes the run's secrets out of every text on its way to a stream or a file.
//!
//! A secret is found as it is, URL-encoded, JSON-escaped, and inside Base64 at
//! any offset; and where it is broken over the end of a line.

use std::borrow::Cow;
use std::fmt;

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem::Finder;
use url::Url;

/// What stands where a secret stood.
const STARS: &str = "***";

/// Shorter secrets are not searched for: they would turn ordinary text into
/// stars, and a real key or hook is longer.
const SHORTEST: usize = 6;

/// Parts of shorter secrets are not searched for, for the same reason.
const SHORTEST_BROKEN: usize = 12;

/// So much of a secret at the end or the beginning of a line counts as a part
/// of it.
const PART: usize = 8;

/// Takes the run's secrets out of a text.
#[derive(Clone, Default)]
pub struct Redactor {
    /// The secrets as they are, longest first.
    secrets: Vec<String>,
    /// Every form of every secret, longest first, so that a hook's address
    /// goes before its last segment.
    forms: Vec<Finder<'static>>,
    broken: Vec<Broken>,
}

/// Finds the two ends of a secret.
#[derive(Clone)]
struct Broken {
    secret: String,
    beginning: Finder<'static>,
    ending: Finder<'static>,
}

impl Redactor {
    /// A redactor for the secrets of this run.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all: Vec<String> = Vec::new();
        for secret in secrets {
            all.push(secret.to_owned());
            all.extend(secret_parts_of_a_url(secret));
        }
        all.retain(|text| text.len() >= SHORTEST);
        longest_first(&mut all);
        let mut forms: Vec<String> = all.iter().flat_map(|secret| forms(secret)).collect();
        forms.retain(|text| text.len() >= SHORTEST);
        longest_first(&mut forms);
        let can_be_broken = all.iter().filter(|secret| secret.len() >= SHORTEST_BROKEN);
        Self {
            broken: can_be_broken
                .filter_map(|secret| Broken::new(secret))
                .collect(),
            forms: forms
                .iter()
                .map(|form| Finder::new(form).into_owned())
                .collect(),
            secrets: all,
        }
    }

    /// What is searched for, for a CI that hides values too.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(String::as_str)
    }

    /// A line with every secret replaced by stars, and every large part of one
    /// at either end; borrowed when there is none.
    pub fn redact<'a>(&self, line: &'a str) -> Cow<'a, str> {
        let mut result = Cow::Borrowed(line);
        for form in &self.forms {
            if form.find(result.as_bytes()).is_some() {
                let text = String::from_utf8_lossy(form.needle()).into_owned();
                result = Cow::Owned(result.replace(&text, STARS));
            }
        }
        for broken in &self.broken {
            if let Some(clean) = broken.redact(&result) {
                result = Cow::Owned(clean);
            }
        }
        result
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.secrets.len())
    }
}

impl Broken {
    fn new(secret: &str) -> Option<Self> {
        let part = PART.min(secret.len() / 2);
        // In text outside ASCII a part may end inside a character.
        let beginning = secret.get(..part)?;
        let ending = secret.get(secret.len() - part..)?;
        Some(Self {
            secret: secret.to_owned(),
            beginning: Finder::new(beginning).into_owned(),
            ending: Finder::new(ending).into_owned(),
        })
    }

    /// The line without the part of the secret that it ends or begins with, or
    /// is altogether; `None` if there is no such part.
    fn redact(&self, line: &str) -> Option<String> {
        let bytes = line.as_bytes();
        if bytes.len() >= PART
            && bytes.len() < self.secret.len()
            && self.secret.contains(line.trim())
        {
            return (line.trim().len() >= PART).then(|| STARS.to_owned());
        }
        let tail_from = bytes.len().saturating_sub(self.secret.len());
        let tail = bytes.get(tail_from..).unwrap_or_default();
        let part_from = |at: usize| {
            line.get(tail_from + at..)
                .is_some_and(|part| self.secret.starts_with(part))
        };
        if let Some(at) = self.beginning.find_iter(tail).find(|at| part_from(*at)) {
            return Some(format!(
                "{}{STARS}",
                line.get(..tail_from + at).unwrap_or_default()
            ));
        }
        let head = bytes
            .get(..bytes.len().min(self.secret.len()))
            .unwrap_or_default();
        let ends = self
            .ending
            .find_iter(head)
            .map(|at| at + self.ending.needle().len());
        let part_to = |end: usize| {
            line.get(..end)
                .is_some_and(|part| self.secret.ends_with(part))
        };
        let end = ends.filter(|end| part_to(*end)).last()?;
        Some(format!("{STARS}{}", line.get(end..).unwrap_or_default()))
    }
}

fn longest_first(texts: &mut Vec<String>) {
    texts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    texts.dedup();
}

/// Of a deployment hook: its last segment, which is the credential even
/// without the rest. Of any address: its password.
fn secret_parts_of_a_url(secret: &str) -> Vec<String> {
    let Ok(url) = Url::parse(secret) else {
        return Vec::new();
    };
    let segments: Vec<&str> = url
        .path_segments()
        .map(Iterator::collect)
        .unwrap_or_default();
    let hook = match segments.as_slice() {
        ["apps", _, "deploy", last] => Some((*last).to_owned()),
        _ => None,
    };
    hook.into_iter()
        .chain(url.password().map(str::to_owned))
        .collect()
}

/// The forms in which a secret turns up in text.
fn forms(secret: &str) -> Vec<String> {
    let encoded = percent_encoded(secret);
    let json = serde_json::to_string(secret).unwrap_or_default();
    let json = json.trim_matches('"').to_owned();
    let mut forms = vec![
        secret.to_owned(),
        encoded.to_lowercase(),
        encoded,
        json.replace('/', "\\/"),
        json,
    ];
    for offset in 0..3 {
        forms.push(inside_base64(&STANDARD_NO_PAD, secret, offset));
        forms.push(inside_base64(&URL_SAFE_NO_PAD, secret, offset));
    }
    forms
}

fn percent_encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode = |byte: u8| {
        if is_plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(encode).collect()
}

/// The characters of Base64 that depend on nothing but the secret when it is
/// encoded after `offset` other bytes (modulo three), whatever follows.
fn inside_base64(engine: &impl base64::Engine, secret: &str, offset: usize) -> String {
    let padded = [&vec![0; offset], secret.as_bytes()].concat();
    let encoded = engine.encode(&padded);
    let from = (offset * 8).div_ceil(6);
    let to = padded.len() * 8 / 6;
    encoded.get(from..to).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    const KEY: &str = "svl_0123456789abcdef0123456789abcdef";
    const HOOK: &str =
        "https://hook.example.com/apps/fb5e5168-4281-4bec-94c5-0d1584e9e657/deploy/abcdefghijkl";

    #[test]
    fn a_secret_is_replaced_everywhere_and_a_short_one_never() {
        let redactor = Redactor::new([KEY, "ab", "", HOOK]);
        assert_eq!(redactor.redact(&format!("Bearer {KEY}!")), "Bearer ***!");
        assert_eq!(redactor.redact("a cab drove"), "a cab drove");
        assert_eq!(redactor.redact(&format!("POST {HOOK}")), "POST ***");
        assert_eq!(redactor.redact("secret abcdefghijkl"), "secret ***");
    }

    #[test]
    fn every_form_is_found_at_every_offset() {
        let secret = "p/q+r\"s ü-0123456789";
        let redactor = Redactor::new([secret]);
        let json = serde_json::to_string(secret).unwrap();
        for text in [
            percent_encoded(secret),
            percent_encoded(secret).to_lowercase(),
            json.trim_matches('"').to_owned(),
            json.trim_matches('"').replace('/', "\\/"),
        ] {
            assert_eq!(redactor.redact(&format!("<{text}>")), "<***>", "{text}");
        }
        for before in ["", "a", "ab", "abc", "user:"] {
            for after in ["", "z", "zz", "\n"] {
                let plain = format!("{before}{secret}{after}");
                for text in [
                    STANDARD_NO_PAD.encode(&plain),
                    URL_SAFE_NO_PAD.encode(&plain),
                ] {
                    let shown = redactor.redact(&text).into_owned();
                    assert!(
                        shown.contains(STARS) && shown.len() < 20,
                        "{plain:?} {text} {shown}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_secret_broken_over_the_end_of_a_line_leaves_no_large_part() {
        let redactor = Redactor::new([KEY, HOOK]);
        for secret in [KEY, "abcdefghijkl"] {
            for at in 1..secret.len() {
                let (first, second) = secret.split_at(at);
                let first = redactor.redact(&format!("x {first}")).into_owned();
                let second = redactor.redact(&format!("{second} y")).into_owned();
                let left = first.len() + second.len() - 4;
                assert!(
                    left <= STARS.len() * 2 + PART,
                    "{secret} at {at}: {first:?} {second:?}"
                );
            }
        }
        for at in 1..HOOK.len() - PART {
            assert!(
                !redactor.redact(&HOOK[at..]).contains("abcdefghijkl"),
                "{at}"
            );
        }
        assert_eq!(redactor.redact("0123456789abcdef0123"), STARS);
        assert_eq!(
            redactor.redact("deploy abcdef of svl_"),
            "deploy abcdef of svl_"
        );
    }
}
