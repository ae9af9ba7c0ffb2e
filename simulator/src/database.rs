//! Databases.

use std::time::Duration;

use crate::clock::Moment;
use crate::ids;
use crate::removal::{Deletion, Phase, Removal};
use crate::resources::{CLUSTER, SMALL_DATABASE};
use crate::slug::slug;

/// Something a database goes through.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    takes: Duration,
    fails: bool,
}

impl Change {
    /// It takes so long.
    pub fn takes(duration: Duration) -> Self {
        Self {
            takes: duration,
            fails: false,
        }
    }

    /// It ends badly.
    #[must_use]
    pub fn fails(mut self) -> Self {
        self.fails = true;
        self
    }
}

/// A change under way or over.
#[derive(Debug, Clone)]
struct Course {
    word: &'static str,
    ends: Moment,
    end: &'static str,
}

/// A database: by default `shop-db`, `postgresql` 16, small, `ready`, in the
/// first cluster. Each change takes 50 ms and ends well.
#[derive(Debug, Clone)]
pub struct Database {
    pub(crate) id: String,
    pub(crate) display_name: String,
    system_name: Option<String>,
    pub(crate) kind: String,
    pub(crate) version: String,
    status: Option<String>,
    pub(crate) suspended: bool,
    pub(crate) cluster: String,
    pub(crate) size: String,
    pub(crate) db_name: String,
    pub(crate) external: bool,
    pub(crate) created: Moment,
    pub(crate) changed: Moment,
    pub(crate) removal: Removal,
    creation: Change,
    update: Change,
    password_change: Change,
    course: Option<Course>,
}

impl Database {
    /// A database with this UUID.
    pub fn new(id: impl Into<String>) -> Self {
        let change = Change::takes(Duration::from_millis(50));
        Self {
            id: id.into(),
            display_name: "shop-db".to_owned(),
            system_name: None,
            kind: "postgresql".to_owned(),
            version: "16".to_owned(),
            status: Some("ready".to_owned()),
            suspended: false,
            cluster: CLUSTER.to_owned(),
            size: SMALL_DATABASE.to_owned(),
            db_name: "shop".to_owned(),
            external: false,
            created: Moment(0),
            changed: Moment(0),
            removal: Removal::default(),
            creation: change,
            update: change,
            password_change: change,
            course: None,
        }
    }

    /// Sets the display name, and with it the system name.
    #[must_use]
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = name.into();
        self
    }

    /// `postgresql`, `mariadb`, `mysql`, `mongodb`, `redis` or `valkey`.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = kind.into();
        self
    }

    /// The version of the engine.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// The status field while nothing changes; `None` is null.
    #[must_use]
    pub fn status(mut self, status: Option<&str>) -> Self {
        self.status = status.map(str::to_owned);
        self
    }

    /// Whether it is suspended.
    #[must_use]
    pub fn suspended(mut self, on: bool) -> Self {
        self.suspended = on;
        self
    }

    /// The id of its cluster.
    #[must_use]
    pub fn cluster(mut self, id: impl Into<String>) -> Self {
        self.cluster = id.into();
        self
    }

    /// Whether it can be reached from outside.
    #[must_use]
    pub fn external(mut self, on: bool) -> Self {
        self.external = on;
        self
    }

    /// How its creation goes, if a call creates it; a bad end is `error`.
    #[must_use]
    pub fn creation(mut self, change: Change) -> Self {
        self.creation = change;
        self
    }

    /// How a change of its size goes; a bad end is `error`.
    #[must_use]
    pub fn update(mut self, change: Change) -> Self {
        self.update = change;
        self
    }

    /// How a change of its password goes.
    #[must_use]
    pub fn password_change(mut self, change: Change) -> Self {
        self.password_change = change;
        self
    }

    /// What comes of a call that deletes it.
    #[must_use]
    pub fn deletion(mut self, deletion: Deletion) -> Self {
        self.removal.plan = deletion;
        self
    }

    /// When it last changed; a course ends without a call.
    pub(crate) fn updated(&self, now: Moment) -> Moment {
        let ends = self.course.as_ref().map(|course| course.ends);
        let ended = ends.filter(|ends| *ends <= now);
        self.created
            .max(self.changed)
            .max(ended.unwrap_or(self.created))
    }

    pub(crate) fn name(&self) -> String {
        let name = self.system_name.clone();
        name.unwrap_or_else(|| slug(&self.display_name))
    }

    /// The status field.
    pub(crate) fn status_at(&self, now: Moment) -> Option<String> {
        match self.removal.phase(now) {
            Phase::Deleting | Phase::Gone => return Some("deleting".to_owned()),
            Phase::Failed(at) if self.course.as_ref().is_none_or(|course| course.ends <= at) => {
                return Some("dbDeletionFailed".to_owned());
            }
            _ => {}
        }
        match &self.course {
            None => self.status.clone(),
            Some(course) if now < course.ends => Some(course.word.to_owned()),
            Some(course) => Some(course.end.to_owned()),
        }
    }

    /// Whether it is in a state that only time ends.
    pub(crate) fn is_busy(&self, now: Moment) -> bool {
        let passing = [
            "creating",
            "updating",
            "passwordChange",
            "deleting",
            "restoring",
            "updatingExternalConnection",
        ];
        let status = self.status_at(now);
        status.is_some_and(|status| passing.contains(&status.as_str()))
    }

    pub(crate) fn is_created(&self, now: Moment) -> bool {
        self.status_at(now).as_deref() != Some("creating")
    }

    pub(crate) fn settle(&mut self, created: Moment) {
        self.created = created;
        self.id.make_ascii_lowercase();
        self.cluster.make_ascii_lowercase();
        self.system_name = Some(self.name());
    }

    pub(crate) fn start_creation(&mut self, now: Moment) {
        let name = format!("{}-{}", slug(&self.display_name), ids::letters(5));
        self.system_name = Some(name);
        self.settle(now);
        self.start(self.creation, "creating", "error", now);
    }

    pub(crate) fn start_update(&mut self, now: Moment) {
        self.start(self.update, "updating", "error", now);
    }

    pub(crate) fn start_password_change(&mut self, now: Moment) {
        let change = self.password_change;
        self.start(change, "passwordChange", "passwordChangeFailed", now);
    }

    fn start(&mut self, change: Change, word: &'static str, bad: &'static str, now: Moment) {
        self.course = Some(Course {
            word,
            ends: now.plus(change.takes),
            end: if change.fails { bad } else { "ready" },
        });
        self.changed = now;
    }
}
