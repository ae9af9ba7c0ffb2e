//! What a company holds on Sevalla, in one word each: what can be listed,
//! shown, changed and deleted. Deployments have words of their own, in
//! [`crate::deployment`].

use std::fmt;

use uuid::Uuid;

use crate::deployment::Service;

/// A kind of thing that has a record of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResourceKind {
    /// An application, a preview app included.
    Application,
    /// A static site.
    StaticSite,
    /// A pipeline.
    Pipeline,
    /// A database.
    Database,
}

impl ResourceKind {
    /// The kind in a sentence.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::StaticSite => "static site",
            Self::Pipeline => "pipeline",
            Self::Database => "database",
        }
    }

    /// The input that takes the id of one.
    pub const fn input(self) -> &'static str {
        match self {
            Self::Application => "app-id",
            Self::StaticSite => "static-site-id",
            Self::Pipeline => "pipeline-id",
            Self::Database => "database-id",
        }
    }
}

/// What this program changes and deletes as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MutableKind {
    /// An application.
    Application,
    /// A static site.
    StaticSite,
    /// A database.
    Database,
}

impl MutableKind {
    /// The kind of thing it is.
    pub const fn kind(self) -> ResourceKind {
        match self {
            Self::Application => ResourceKind::Application,
            Self::StaticSite => ResourceKind::StaticSite,
            Self::Database => ResourceKind::Database,
        }
    }

    /// The one with this id.
    pub const fn thing(self, id: Uuid) -> ResourceRef {
        ResourceRef {
            kind: self.kind(),
            id,
        }
    }
}

/// One thing: its kind and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResourceRef {
    /// What it is.
    pub kind: ResourceKind,
    /// The id, as in the paths of the API.
    pub id: Uuid,
}

impl ResourceRef {
    /// The resource as a service, if it is one.
    pub const fn service(self) -> Option<Service> {
        match self.kind {
            ResourceKind::Application => Some(Service::application(self.id)),
            ResourceKind::StaticSite => Some(Service::static_site(self.id)),
            ResourceKind::Pipeline | ResourceKind::Database => None,
        }
    }
}

impl fmt::Display for ResourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.noun(), self.id)
    }
}

/// A list that the service keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceList {
    /// All of a kind that the company has.
    All(ResourceKind),
    /// The deployments of a service, newest first.
    Deployments(Service),
    /// The processes of an application.
    Processes(Uuid),
}
