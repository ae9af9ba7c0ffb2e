//! Ids that are given as a display name, for actions where a mistake is harmless.

use uuid::Uuid;

use super::{Inputs, placeholder, values};
use crate::resource::ResourceKind;

/// The longest display name that Sevalla takes, in characters.
const LONGEST: usize = 64;

/// The kinds of resources that can be given by name, and the fields of their ids.
const FIELDS: &[(ResourceKind, &str)] = &[
    (ResourceKind::Application, "app_id"),
    (ResourceKind::StaticSite, "static_site_id"),
    (ResourceKind::Pipeline, "pipeline_id"),
    (ResourceKind::Database, "database_id"),
];

/// A resource that the user gave by its display name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenName {
    /// What it is.
    pub kind: ResourceKind,
    /// The name, as given.
    pub name: String,
}

impl GivenName {
    /// The name in the text of a field, if the field takes an id and the text
    /// is more likely a name than an id with a mistake.
    pub(super) fn read(field: &str, text: &str) -> Option<Self> {
        let (kind, _) = FIELDS.iter().find(|(_, id)| *id == field)?;
        may_be_name(text).then(|| Self {
            kind: *kind,
            name: text.to_owned(),
        })
    }

    /// Holds the place of the id until it was looked up, so that all inputs can be
    /// checked before. No request is ever made with it.
    pub(super) const fn placeholder() -> Uuid {
        Uuid::max()
    }
}

impl Inputs {
    /// The inputs with the id of a resource that was given by name.
    #[must_use]
    pub fn with_id(mut self, kind: ResourceKind, id: Uuid) -> Self {
        *self.id_of(kind) = Some(id);
        self.names.retain(|given| given.kind != kind);
        self
    }

    /// Takes out a name that has no effect.
    pub(crate) fn drop_name(&mut self, kind: ResourceKind) {
        *self.id_of(kind) = None;
        self.names.retain(|given| given.kind != kind);
    }

    fn id_of(&mut self, kind: ResourceKind) -> &mut Option<Uuid> {
        match kind {
            ResourceKind::Application => &mut self.app_id,
            ResourceKind::StaticSite => &mut self.static_site_id,
            ResourceKind::Pipeline => &mut self.pipeline_id,
            ResourceKind::Database => &mut self.database_id,
        }
    }
}

fn may_be_name(text: &str) -> bool {
    let is_of_uuid = |c: char| c.is_ascii_hexdigit() || c == '-';
    let looks_like_uuid = text.len() > 20 && text.chars().all(is_of_uuid);
    let is_other = text.contains("://")
        || text.contains(char::is_control)
        || text.to_ascii_lowercase().starts_with("svl_")
        || values::copying_error(text).is_some()
        || placeholder::find(text).is_some();
    !looks_like_uuid && !is_other && text.chars().count() <= LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_with_a_mistake_is_no_name() {
        for text in ["shop", "Shop – EU", "4f1c", "deadbeef", "a:b/c"] {
            assert!(may_be_name(text), "{text}");
        }
        for text in [
            "fb5e5168-4281-4bec-94c5-0d1584e9e657",
            "fb5e5168-4281-4bec-94c5-0d1584e9e65",
            "fb5e516842814bec94c50d1584e9e657",
            "https://app.sevalla.com/app/fb5e5168",
            "svl_0123",
            "\"shop\"",
            "$(APP_ID)",
            "two\nlines",
            &"x".repeat(65),
        ] {
            assert!(!may_be_name(text), "{text}");
        }
    }
}
