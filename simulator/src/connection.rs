//! Internal connections between services.

use crate::ids;

/// A connection from one service to another, in the same cluster.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its id; random by default.
    pub id: String,
    /// The id of the application or database it was made from.
    pub source: String,
    /// The id of the application or database it was made to.
    pub target: String,
}

impl Connection {
    /// Between these two.
    pub fn new(source: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            id: ids::uuid(),
            source: source.into(),
            target: target.into(),
        }
    }

    /// Sets [`Connection::id`].
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    pub(crate) fn has(&self, service: &str) -> bool {
        [&self.source, &self.target]
            .iter()
            .any(|end| end.eq_ignore_ascii_case(service))
    }
}

/// What a connection tells of a service at one of its ends.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) id: String,
    /// `appResource` or `dbResource`.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) cluster: String,
}
