//! Checks as strict as the API's document.

use serde_json::{Map, Value};

use crate::answer::Refusal;
use crate::ask::Ask;
use crate::clock::{Clock, Moment};

/// The document's pattern for ids: versions 1 to 8, RFC variant, or all zeros
/// or all `f` in lower case.
pub(crate) fn is_uuid(text: &str) -> bool {
    if text == "00000000-0000-0000-0000-000000000000"
        || text == "ffffffff-ffff-ffff-ffff-ffffffffffff"
    {
        return true;
    }
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => (b'1'..=b'8').contains(&byte),
            19 => b"89abAB".contains(&byte),
            _ => byte.is_ascii_hexdigit(),
        })
}

/// An id in the path, in lower case.
pub(crate) fn path_id(ask: &Ask, name: &str) -> Result<String, Refusal> {
    let id = ask.param(name);
    if is_uuid(id) {
        Ok(id.to_ascii_lowercase())
    } else {
        Err(Refusal::bad_request(format!("params/{name} Invalid UUID")))
    }
}

/// `limit` and `offset` of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    pub(crate) limit: usize,
    pub(crate) offset: usize,
}

impl Page {
    pub(crate) fn of(ask: &Ask) -> Result<Self, Refusal> {
        Ok(Self {
            limit: integer(ask, "limit", 1, 100, 25)?,
            offset: integer(ask, "offset", 0, 10_000, 0)?,
        })
    }
}

/// An integer of the query between two bounds.
pub(crate) fn integer(
    ask: &Ask,
    name: &str,
    least: usize,
    most: usize,
    default: usize,
) -> Result<usize, Refusal> {
    let Some(text) = ask.query(name) else {
        return Ok(default);
    };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|number| digits && (least..=most).contains(number))
        .ok_or_else(|| {
            let range = format!("an integer between {least} and {most}");
            Refusal::bad_request(format!("querystring/{name} must be {range}"))
        })
}

/// A `date-time` of the query.
pub(crate) fn time(ask: &Ask, name: &str, clock: &Clock) -> Result<Option<Moment>, Refusal> {
    let Some(text) = ask.query(name) else {
        return Ok(None);
    };
    is_date_time(text)
        .then(|| clock.parse(text))
        .flatten()
        .map(Some)
        .ok_or_else(|| Refusal::bad_request(format!("querystring/{name} Invalid ISO datetime")))
}

/// The shape of the document's pattern: UTC as `Z`, minutes, optional seconds
/// and fraction. Whether the day exists is the parser's business.
fn is_date_time(text: &str) -> bool {
    let Some(rest) = text.strip_suffix('Z') else {
        return false;
    };
    let (whole, fraction) = rest
        .split_once('.')
        .map_or((rest, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let shape = if whole.len() == 16 {
        "0000-00-00T00:00"
    } else {
        "0000-00-00T00:00:00"
    };
    let fits = whole.len() == shape.len()
        && whole.bytes().zip(shape.bytes()).all(|(byte, wanted)| {
            if wanted == b'0' {
                byte.is_ascii_digit()
            } else {
                byte == wanted
            }
        });
    // A leap second parses, but the pattern stops at 59.
    let leap = whole.get(17..).is_some_and(|seconds| seconds == "60");
    fits && !leap && fraction.is_none_or(|fraction| digits(fraction) && whole.len() == 19)
}

/// `filters` of a log read: the severity asked for, if one is.
pub(crate) fn severity(ask: &Ask) -> Result<Option<String>, Refusal> {
    let Some(text) = ask.query("filters") else {
        return Ok(None);
    };
    let wrong = || Refusal::bad_request("querystring/filters must be a JSON array of filters");
    let filters: Vec<Map<String, Value>> = serde_json::from_str(text).map_err(|_| wrong())?;
    let mut severity = None;
    for filter in &filters {
        let field = |name| filter.get(name).and_then(Value::as_str);
        let (Some(key), Some(operator)) = (field("key"), field("operator")) else {
            return Err(wrong());
        };
        if !filter.contains_key("value") && !filter.contains_key("values") {
            return Err(wrong());
        }
        // The only filter the document shows; what others do is unknown.
        if key == "severity" && operator == "EQUALS" {
            severity = field("value").map(str::to_owned);
        }
    }
    Ok(severity)
}

/// Refuses what the server refuses before it looks at the operation: a JSON
/// content type without JSON, or a body of unknown type.
pub(crate) fn body_type(ask: &Ask) -> Result<(), Refusal> {
    if ask.is_get {
        return Ok(());
    }
    let content_type = ask.header("content-type").map(essence);
    match content_type.as_deref() {
        Some("application/json") if ask.body.is_empty() => Err(Refusal::bad_request(
            "Body cannot be empty when content-type is set to 'application/json'",
        )),
        Some("application/json") => serde_json::from_slice::<Value>(&ask.body)
            .map(|_| ())
            .map_err(|_| Refusal::bad_request("Body is not valid JSON")),
        Some("text/plain") => Ok(()),
        _ if ask.body.is_empty() => Ok(()),
        other => Err(Refusal::new(
            415,
            format!("Unsupported Media Type: {}", other.unwrap_or("undefined")),
        )),
    }
}

fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// The JSON object an operation requires as its body.
pub(crate) fn object(ask: &Ask) -> Result<Map<String, Value>, Refusal> {
    let is_json = ask.header("content-type").map(essence).as_deref() == Some("application/json");
    is_json
        .then(|| serde_json::from_slice(&ask.body).ok())
        .flatten()
        .ok_or_else(|| Refusal::bad_request("body/ must be object"))
}

/// Refuses properties the document does not know.
pub(crate) fn only(body: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    body.keys()
        .find(|key| !known.contains(&key.as_str()))
        .map_or(Ok(()), |key| {
            Err(Refusal::bad_request(format!(
                "body/ Unrecognized key: \"{key}\""
            )))
        })
}

/// An optional string of the body.
pub(crate) fn string(body: &Map<String, Value>, name: &str) -> Result<Option<String>, Refusal> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::bad_request(format!("body/{name} must be string"))),
    }
}

/// An optional boolean of the body.
pub(crate) fn boolean(body: &Map<String, Value>, name: &str) -> Result<bool, Refusal> {
    match body.get(name) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(Refusal::bad_request(format!("body/{name} must be boolean"))),
    }
}
