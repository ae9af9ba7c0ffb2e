//! Readers of single fields, for `deserialize_with`. A field that is null or of
//! another type costs only itself, and no more memory than its text.

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Number, from_str};
use uuid::Uuid;

use super::LONGEST_PAGE;
use super::wire::{ErrorData, PipelineStage};
use crate::deployment::DeploymentId;
use crate::lenient_json::{Entries, if_readable};

/// The last moment of the year 9999, in microseconds since 1970.
pub(super) const LATEST: i64 = 253_402_300_799_999_999;

/// The details of an error, if they are an object.
pub(super) fn details<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ErrorData>, D::Error> {
    let json = Box::<RawValue>::deserialize(deserializer)?;
    let json = json.get();
    Ok(from_str(json).ok().filter(|_| json.starts_with('{')))
}

/// Text, a number or a flag, as text.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let json = Box::<RawValue>::deserialize(deserializer)?;
    let json = json.get();
    Ok(match json.as_bytes() {
        [b'"', ..] => from_str(json).ok(),
        [b'{' | b'[' | b'n', ..] | [] => None,
        _ => Some(json.to_owned()),
    })
}

/// Text that is not empty: an empty commit would match any other.
pub(super) fn filled<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(text(deserializer)?.filter(|text| !text.is_empty()))
}

/// An id. Nothing can be followed without one, so the whole answer is unusable.
pub(super) fn identifier<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<DeploymentId, D::Error> {
    let id = DeploymentId::usable(String::deserialize(deserializer)?);
    id.ok_or_else(|| D::Error::custom("it is no id"))
}

/// A UUID, as required as [`identifier`].
pub(super) fn uuid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    let id = String::deserialize(deserializer)?.parse();
    id.map_err(|_| D::Error::custom("it is no UUID"))
}

/// The stages of a pipeline; `null` is none.
pub(super) fn stages<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<PipelineStage>, D::Error> {
    let stages = Option::<Entries<PipelineStage, LONGEST_PAGE>>::deserialize(deserializer)?;
    Ok(stages.map(Entries::readable).unwrap_or_default())
}

/// The words in a list; none if it is no list.
pub(super) fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    /// More than any list of steps or paths has.
    const MOST: usize = 1000;
    let words = if_readable::<D, Entries<String, MOST>>(deserializer)?;
    Ok(words.map(Entries::readable).unwrap_or_default())
}

/// A flag that is set only if it is `true`.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(if_readable(deserializer)? == Some(true))
}

/// A time in the form of RFC 3339.
pub(super) fn time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    Ok(text(deserializer)?.and_then(|text| text.parse().ok()))
}

/// Microseconds since 1970, as a number or as text. An impossible time becomes
/// the nearest possible one.
pub(super) fn micros<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = text(deserializer)?.and_then(|text| text.parse::<Number>().ok());
    #[expect(
        clippy::cast_possible_truncation,
        reason = "saturates, which is right for a time"
    )]
    let micros = number.and_then(|n| n.as_i64().or_else(|| n.as_f64().map(|float| float as i64)));
    Ok(micros.unwrap_or_default().clamp(0, LATEST))
}

/// A whole number that is not negative.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    if_readable(deserializer)
}
