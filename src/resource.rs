//! What a company holds on Sevalla, in one word each: what can be listed,
//! shown, changed and deleted. Deployments have words of their own, in
//! [`crate::deployment`].

use std::fmt;

use uuid::Uuid;

use crate::deployment::Service;

/// A kind of thing that has a record of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An application, a preview app included.
    Application,
    /// A static site.
    StaticSite,
    /// A pipeline.
    Pipeline,
    /// A database.
    Database,
}

impl Kind {
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
pub enum Changeable {
    /// An application.
    Application,
    /// A static site.
    StaticSite,
    /// A database.
    Database,
}

impl Changeable {
    /// The kind of thing it is.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Application => Kind::Application,
            Self::StaticSite => Kind::StaticSite,
            Self::Database => Kind::Database,
        }
    }

    /// The one with this id.
    pub const fn thing(self, id: Uuid) -> Thing {
        Thing {
            kind: self.kind(),
            id,
        }
    }
}

/// One thing: its kind and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thing {
    /// What it is.
    pub kind: Kind,
    /// The id, as in the paths of the API.
    pub id: Uuid,
}

impl Thing {
    /// The same as something that is deployed, if it is.
    pub const fn service(self) -> Option<Service> {
        match self.kind {
            Kind::Application => Some(Service::application(self.id)),
            Kind::StaticSite => Some(Service::static_site(self.id)),
            Kind::Pipeline | Kind::Database => None,
        }
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.noun(), self.id)
    }
}

/// A list that the service keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collection {
    /// All of a kind that the company has.
    All(Kind),
    /// The deployments of a service, newest first.
    Deployments(Service),
    /// The processes of an application.
    Processes(Uuid),
}
