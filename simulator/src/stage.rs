//! Stages of a pipeline.

use crate::ids;

/// A stage. The API does not tell which applications are in it.
#[derive(Debug, Clone)]
pub struct Stage {
    pub(crate) id: String,
    pub(crate) display_name: String,
    pub(crate) kind: &'static str,
    pub(crate) order: Option<usize>,
    pub(crate) branch: Option<String>,
    pub(crate) applications: Vec<String>,
    pub(crate) auto_create_app: bool,
    pub(crate) delete_stale_apps: bool,
    pub(crate) stale_app_days: u32,
}

impl Stage {
    /// A stage like any other.
    pub fn standard(name: impl Into<String>) -> Self {
        Self::of_kind(name.into(), "standard")
    }

    /// The production stage.
    pub fn prod(name: impl Into<String>) -> Self {
        Self::of_kind(name.into(), "prod")
    }

    pub(crate) fn preview() -> Self {
        Self::of_kind("Preview".to_owned(), "preview")
    }

    fn of_kind(display_name: String, kind: &'static str) -> Self {
        Self {
            id: ids::uuid(),
            display_name,
            kind,
            order: None,
            branch: None,
            applications: Vec::new(),
            auto_create_app: false,
            delete_stale_apps: false,
            stale_app_days: 5,
        }
    }

    /// Its id, instead of a random one.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Its position, instead of the one among the stages given.
    #[must_use]
    pub fn order(mut self, order: usize) -> Self {
        self.order = Some(order);
        self
    }

    /// Its branch, in a branch pipeline.
    #[must_use]
    pub fn branch(mut self, branch: impl Into<String>) -> Self {
        self.branch = Some(branch.into());
        self
    }

    /// Puts an application into it.
    #[must_use]
    pub fn application(mut self, id: impl Into<String>) -> Self {
        self.applications.push(id.into());
        self
    }
}
