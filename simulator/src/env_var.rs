//! Environment variables.

use crate::clock::Moment;
use crate::ids;

/// An environment variable of an application: by default for run time and for
/// builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvVar {
    /// Its id; random by default.
    pub id: String,
    /// Its name.
    pub key: String,
    /// Its value, in clear.
    pub value: String,
    /// Whether it is there when the application runs; `None` is null.
    pub is_runtime: Option<bool>,
    /// Whether it is there when the application is built; `None` is null.
    pub is_buildtime: Option<bool>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

impl EnvVar {
    /// As described above.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            id: ids::uuid(),
            key: key.into(),
            value: value.into(),
            is_runtime: Some(true),
            is_buildtime: Some(true),
            created: Moment(0),
            updated: Moment(0),
        }
    }

    /// Sets [`EnvVar::id`].
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Sets [`EnvVar::is_runtime`].
    #[must_use]
    pub fn runtime(mut self, on: Option<bool>) -> Self {
        self.is_runtime = on;
        self
    }

    /// Sets [`EnvVar::is_buildtime`].
    #[must_use]
    pub fn buildtime(mut self, on: Option<bool>) -> Self {
        self.is_buildtime = on;
        self
    }
}
