//! Bodies, checked against what the document says of each field.

use serde_json::{Map, Value};

use crate::answer::Refusal;
use crate::ask::Ask;
use crate::validate::{self, is_uuid};

/// What a field may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Characters, at least and at most.
    Text(usize, usize),
    /// Characters, at least and at most, all of them letters, digits or one of
    /// these.
    Letters(usize, usize, &'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    Uuid,
    Bool,
    /// At least and at most.
    Integer(i64, i64),
    /// So many items at least, each of this kind.
    List(usize, &'static Self),
    /// An object with these fields.
    Object(&'static [Field]),
    /// This or null.
    OrNull(&'static Self),
}

/// Any string.
pub(crate) const ANY_TEXT: Kind = Kind::Text(0, usize::MAX);

/// A field of a body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    name: &'static str,
    kind: Kind,
    required: bool,
}

impl Field {
    pub(crate) const fn required(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            required: true,
        }
    }

    pub(crate) const fn optional(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            required: false,
        }
    }
}

/// The body of a call, with these fields and perhaps others.
pub(crate) fn open(ask: &Ask, fields: &[Field]) -> Result<Map<String, Value>, Refusal> {
    let body = validate::object(ask)?;
    check_fields(&body, fields, "body")?;
    Ok(body)
}

/// The body of a call, with these fields and no others.
pub(crate) fn closed(ask: &Ask, fields: &[Field]) -> Result<Map<String, Value>, Refusal> {
    let body = open(ask, fields)?;
    let known: Vec<&str> = fields.iter().map(|field| field.name).collect();
    validate::only(&body, &known)?;
    Ok(body)
}

/// A string of a checked body.
pub(crate) fn text(body: &Map<String, Value>, name: &str) -> Option<String> {
    body.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn check_fields(object: &Map<String, Value>, fields: &[Field], at: &str) -> Result<(), Refusal> {
    for field in fields {
        let at = format!("{at}/{}", field.name);
        match object.get(field.name) {
            Some(value) => check(field.kind, value, &at)?,
            None if field.required => {
                return Err(Refusal::bad_request(format!("{at} is required")));
            }
            None => {}
        }
    }
    Ok(())
}

fn check(kind: Kind, value: &Value, at: &str) -> Result<(), Refusal> {
    let text = value.as_str();
    let count = text.map_or(0, |text| text.chars().count());
    let fits = match kind {
        Kind::Text(least, most) => text.is_some() && (least..=most).contains(&count),
        Kind::Letters(least, most, others) => text.is_some_and(|text| {
            let allowed = |letter: char| letter.is_ascii_alphanumeric() || others.contains(letter);
            text.chars().all(allowed) && (least..=most).contains(&count)
        }),
        Kind::Word(words) => text.is_some_and(|text| words.contains(&text)),
        Kind::Uuid => text.is_some_and(is_uuid),
        Kind::Bool => value.is_boolean(),
        Kind::Integer(least, most) => value
            .as_i64()
            .is_some_and(|number| (least..=most).contains(&number)),
        Kind::List(least, kind) => return check_list(least, *kind, value, at),
        Kind::Object(fields) => match value.as_object() {
            Some(object) => return check_fields(object, fields, at),
            None => false,
        },
        Kind::OrNull(kind) => return check_unless_null(*kind, value, at),
    };
    if fits {
        Ok(())
    } else {
        Err(Refusal::bad_request(format!("{at} Invalid input")))
    }
}

fn check_list(least: usize, kind: Kind, value: &Value, at: &str) -> Result<(), Refusal> {
    let items = value.as_array().filter(|items| items.len() >= least);
    let wrong = || Refusal::bad_request(format!("{at} Invalid input"));
    for (index, item) in items.ok_or_else(wrong)?.iter().enumerate() {
        check(kind, item, &format!("{at}/{index}"))?;
    }
    Ok(())
}

fn check_unless_null(kind: Kind, value: &Value, at: &str) -> Result<(), Refusal> {
    if value.is_null() {
        return Ok(());
    }
    check(kind, value, at)
}
