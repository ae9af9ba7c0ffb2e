//! The file in which GitHub describes the event that started the run.

use std::path::Path;

use serde_json::Value;

use crate::files;
use crate::lenient_json;

/// The most that is read of an event, in bytes. One of a pull request is some
/// thirty kilobytes, one of a push with two thousand commits a few megabytes.
const LARGEST_EVENT: u64 = 8 * 1024 * 1024;

/// What happened, as the webhook's payload states it; nothing if there is no
/// such file or it is none.
pub(super) struct EventPayload(Value);

impl EventPayload {
    pub(super) fn read(path: Option<&str>) -> Self {
        let text = path.and_then(|path| read_bounded(Path::new(path)));
        let value = text.and_then(|text| lenient_json::from_slice(&text).ok());
        Self(value.unwrap_or_default())
    }

    /// A value, also one that is null.
    pub(super) fn pointer(&self, pointer: &str) -> Option<&Value> {
        self.0.pointer(pointer)
    }

    pub(super) fn at(&self, pointer: &str) -> Option<&Value> {
        self.pointer(pointer).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, pointer: &str) -> Option<String> {
        let text = self.at(pointer)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    pub(super) fn number(&self, pointer: &str) -> Option<u64> {
        self.at(pointer)?.as_u64()
    }
}

/// The content of a file, unless it is larger than an event can be. A pipe or
/// a device could make this wait or go on without end.
fn read_bounded(path: &Path) -> Option<Vec<u8>> {
    files::read(path, LARGEST_EVENT).ok()
}
