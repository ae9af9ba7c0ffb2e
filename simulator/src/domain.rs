//! Domains of a service.

use crate::ids;

/// A domain of an application or static site.
#[derive(Debug, Clone)]
pub struct Domain {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) status: String,
    pub(crate) enabled: bool,
    pub(crate) primary: bool,
    pub(crate) wildcard: bool,
}

impl Domain {
    /// A `*.sevalla.app` domain, enabled, not primary.
    pub fn system(name: impl Into<String>) -> Self {
        Self::of_kind(name.into(), "SYSTEM")
    }

    /// A user's domain, `ACTIVE`, not primary.
    pub fn custom(name: impl Into<String>) -> Self {
        Self::of_kind(name.into(), "CUSTOM")
    }

    fn of_kind(name: String, kind: &'static str) -> Self {
        Self {
            id: ids::uuid(),
            name,
            kind,
            status: "ACTIVE".to_owned(),
            enabled: true,
            primary: false,
            wildcard: false,
        }
    }

    /// `VERIFICATION`, `POINTING`, `ACTIVE`, `TIMED_OUT` or any other word.
    #[must_use]
    pub fn status(mut self, status: impl Into<String>) -> Self {
        self.status = status.into();
        self
    }

    /// Whether it is switched on.
    #[must_use]
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Whether it is the canonical host.
    #[must_use]
    pub fn primary(mut self, primary: bool) -> Self {
        self.primary = primary;
        self
    }

    /// Whether it stands for all names below it.
    #[must_use]
    pub fn wildcard(mut self, wildcard: bool) -> Self {
        self.wildcard = wildcard;
        self
    }
}
