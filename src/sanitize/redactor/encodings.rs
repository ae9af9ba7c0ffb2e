//! What of a secret is secret, and the encodings in which it turns up.

use std::borrow::Cow;

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use url::{Position, Url};

use super::SHORTEST_BROKEN;

/// A text that must not be shown.
pub(super) struct Secret {
    pub(super) text: String,
    /// Whether a part of it is one too. The beginning of an address is not.
    pub(super) may_break: bool,
}

impl Secret {
    /// Everything about a secret that is secret: its lines, if it has several;
    /// of a deployment hook the last segment, which is the credential even
    /// without the rest; of any address what stands behind the host; its
    /// password, or its user if there is no password; and what was
    /// percent-encoded also as it was before.
    pub(super) fn all_of(secret: &str) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for line in secret.lines().map(str::trim) {
            let parts = parts_of_a_url(line);
            all.push(Self {
                text: line.to_owned(),
                may_break: parts.is_none(),
            });
            all.extend(parts.unwrap_or_default().into_iter().map(|text| Self {
                text,
                may_break: true,
            }));
        }
        let decoded: Vec<Self> = all
            .iter()
            .filter_map(|secret| {
                Some(Self {
                    text: percent_decoded(&secret.text)?,
                    may_break: secret.may_break,
                })
            })
            .collect();
        all.extend(decoded);
        all
    }
}

/// The parts of an address that are secret on their own; `None` if it is none.
fn parts_of_a_url(secret: &str) -> Option<Vec<String>> {
    let is_address = |url: &Url| matches!(url.scheme(), "http" | "https") && secret.contains("://");
    let url = Url::parse(secret).ok().filter(is_address)?;
    let segments: Vec<&str> = url.path_segments()?.collect();
    let path = match segments.as_slice() {
        ["apps", _, "deploy", last, ..] => (*last).to_owned(),
        _ => url[Position::BeforePath..Position::AfterQuery].to_owned(),
    };
    let user = match url.password() {
        Some(password) => password,
        None => url.username(),
    };
    Some(vec![path, user.to_owned()])
}

/// The text without its percent-encoding; `None` if it has none.
fn percent_decoded(text: &str) -> Option<String> {
    match Cow::from(percent_decode_str(text)) {
        Cow::Owned(decoded) => String::from_utf8(decoded).ok(),
        Cow::Borrowed(_) => None,
    }
}

/// The forms in which a secret turns up in text.
pub(super) fn forms_of(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    // A sequence for a terminal may have taken the first letter as its last.
    let without_first: String = secret.chars().skip(1).collect();
    if secret.len() >= SHORTEST_BROKEN {
        forms.push(without_first);
    }
    forms.extend(json_escaped(secret));
    // A panic or a diagnostic quotes as Rust does, also what is JSON already.
    let quoted: Vec<String> = forms
        .iter()
        .map(|form| unquoted(&format!("{form:?}")))
        .collect();
    forms.extend(quoted);
    forms.extend(percent_encoded(secret));
    for offset in 0..3 {
        forms.push(inside_base64(&STANDARD_NO_PAD, secret, offset));
        forms.push(inside_base64(&URL_SAFE_NO_PAD, secret, offset));
    }
    // What reaches the redactor has lost its control characters.
    let cleaned: Vec<String> = forms
        .iter()
        .map(|form| crate::sanitize::cleaned(form))
        .collect();
    forms.extend(cleaned);
    forms
}

/// As inside JSON, by encoders of different habits.
fn json_escaped(secret: &str) -> Vec<String> {
    let plain = unquoted(&serde_json::to_string(secret).unwrap_or_default());
    let ascii = |c: char| {
        if c.is_ascii() {
            return c.to_string();
        }
        let mut units = [0; 2];
        let units = c.encode_utf16(&mut units).iter();
        units.map(|unit| format!("\\u{unit:04x}")).collect()
    };
    let for_html = |c: char| match c {
        '<' | '>' | '&' | '\'' => format!("\\u{:04x}", u32::from(c)),
        other => other.to_string(),
    };
    vec![
        plain.replace('/', "\\/"),
        plain.chars().map(ascii).collect(),
        plain.chars().map(for_html).collect(),
        plain,
    ]
}

fn unquoted(text: &str) -> String {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or(text).to_owned()
}

/// As inside an address, by encoders that leave different signs alone.
pub(super) fn percent_encoded(text: &str) -> Vec<String> {
    const LEFT_ALONE: [&str; 4] = ["-._~", "-._~!'()*", "-._~!'()*;/?:@&=+$,#", "*-._"];
    let encode = |left_alone: &str, lower: bool| -> String {
        let encode = |byte: u8| {
            if byte.is_ascii_alphanumeric() || left_alone.as_bytes().contains(&byte) {
                char::from(byte).to_string()
            } else if lower {
                format!("%{byte:02x}")
            } else {
                format!("%{byte:02X}")
            }
        };
        text.bytes().map(encode).collect()
    };
    let mut forms = Vec::new();
    for left_alone in LEFT_ALONE {
        for lower in [false, true] {
            let form = encode(left_alone, lower);
            // Forms of web pages write a space in their own way.
            forms.push(form.replace("%20", "+"));
            forms.push(form);
        }
    }
    forms
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
