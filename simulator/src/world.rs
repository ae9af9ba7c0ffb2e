//! What exists when the simulator starts.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use crate::application::Application;
use crate::connection::Connection;
use crate::database::Database;
use crate::fault::Fault;
use crate::ids;
use crate::limits::Limits;
use crate::logs::Order;
use crate::pipeline::Pipeline;
use crate::quirk::Quirk;
use crate::static_site::StaticSite;
use crate::status::DeploymentType;

/// Services, key, limits and faults of a simulator.
#[derive(Debug, Clone)]
pub struct World {
    pub(crate) port: u16,
    pub(crate) has_manual_clock: bool,
    pub(crate) key: String,
    pub(crate) key_name: String,
    pub(crate) capabilities: Vec<(String, Option<String>)>,
    pub(crate) applications: Vec<Application>,
    pub(crate) static_sites: Vec<StaticSite>,
    pub(crate) pipelines: Vec<Pipeline>,
    pub(crate) databases: Vec<Database>,
    pub(crate) new_databases: VecDeque<Database>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) limits: Limits,
    pub(crate) log_lag: Duration,
    pub(crate) log_order: Order,
    pub(crate) visible_after: Duration,
    pub(crate) faults: Vec<Fault>,
    pub(crate) forbidden: HashSet<String>,
    pub(crate) missing: HashSet<String>,
    pub(crate) hook_origin: (DeploymentType, Option<String>),
    pub(crate) quirks: Vec<Quirk>,
}

impl World {
    /// No services, no limits, no faults, a random port and key.
    pub fn new() -> Self {
        let capability = |permission: &str| (permission.to_owned(), None);
        Self {
            port: 0,
            has_manual_clock: false,
            key: ids::key(),
            key_name: "deploy".to_owned(),
            capabilities: vec![
                capability("APP:READ"),
                capability("APP:UPDATE"),
                capability("STATIC_SITE:READ"),
                capability("STATIC_SITE:UPDATE"),
            ],
            applications: Vec::new(),
            static_sites: Vec::new(),
            pipelines: Vec::new(),
            databases: Vec::new(),
            new_databases: VecDeque::new(),
            connections: Vec::new(),
            limits: Limits::none(),
            log_lag: Duration::ZERO,
            log_order: Order::OldestFirst,
            visible_after: Duration::ZERO,
            faults: Vec::new(),
            forbidden: HashSet::new(),
            missing: HashSet::new(),
            hook_origin: (DeploymentType::Automatic, None),
            quirks: Vec::new(),
        }
    }

    /// The port to listen on; 0 is any free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Time passes only by [`Simulator::advance`](crate::Simulator::advance).
    /// The delays of faults are of real time even so.
    #[must_use]
    pub fn manual_clock(mut self) -> Self {
        self.has_manual_clock = true;
        self
    }

    /// The accepted key, instead of a random one.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    /// The capabilities `GET /api-keys/me` tells, each with the one resource it
    /// is bound to. They are not enforced; see [`World::forbid`].
    #[must_use]
    pub fn capabilities<'a>(
        mut self,
        capabilities: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Self {
        self.capabilities = capabilities
            .into_iter()
            .map(|(permission, resource)| (permission.to_owned(), resource.map(str::to_owned)))
            .collect();
        self
    }

    /// Adds an application, newer than those before.
    #[must_use]
    pub fn application(mut self, application: Application) -> Self {
        self.applications.push(application);
        self
    }

    /// Adds a static site, newer than those before.
    #[must_use]
    pub fn static_site(mut self, site: StaticSite) -> Self {
        self.static_sites.push(site);
        self
    }

    /// Adds a pipeline, newer than those before.
    #[must_use]
    pub fn pipeline(mut self, pipeline: Pipeline) -> Self {
        self.pipelines.push(pipeline);
        self
    }

    /// Adds a database.
    #[must_use]
    pub fn database(mut self, database: Database) -> Self {
        self.databases.push(database);
        self
    }

    /// What the next database is like that a call creates: its id, and how its
    /// creation, changes and deletion go. They are used in the order given; the
    /// last one repeats, with random ids.
    #[must_use]
    pub fn next_database(mut self, database: Database) -> Self {
        self.new_databases.push_back(database);
        self
    }

    /// Connects two services.
    #[must_use]
    pub fn connection(mut self, connection: Connection) -> Self {
        self.connections.push(connection);
        self
    }

    /// Rate limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long after its time a log line becomes readable.
    #[must_use]
    pub fn log_lag(mut self, lag: Duration) -> Self {
        self.log_lag = lag;
        self
    }

    /// Whether a log read answers the newest lines of its window, newest first,
    /// instead of the oldest, oldest first.
    #[must_use]
    pub fn logs_newest_first(mut self, on: bool) -> Self {
        self.log_order = if on {
            Order::NewestFirst
        } else {
            Order::OldestFirst
        };
        self
    }

    /// Whether a log read answers the oldest lines of its window, but in no
    /// order.
    #[must_use]
    pub fn logs_shuffled(mut self, on: bool) -> Self {
        self.log_order = if on {
            Order::Shuffled
        } else {
            Order::OldestFirst
        };
        self
    }

    /// How long after its creation a deployment first shows up in reads.
    #[must_use]
    pub fn deployments_visible_after(mut self, lag: Duration) -> Self {
        self.visible_after = lag;
        self
    }

    /// Adds a fault. Of several that strike one call the first added wins.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Lets the key lack the permission for an operation: it answers 403.
    #[must_use]
    pub fn forbid(mut self, operation: impl Into<String>) -> Self {
        self.forbidden.insert(operation.into());
        self
    }

    /// Leaves an operation out, as on a service that does not have it yet: its
    /// route answers 404 to any key.
    #[must_use]
    pub fn without(mut self, operation: impl Into<String>) -> Self {
        self.missing.insert(operation.into());
        self
    }

    /// `type` and `trigger` of a deployment made by the hook, which are not
    /// documented; automatic and null by default.
    #[must_use]
    pub fn hook_deployments(mut self, kind: DeploymentType, trigger: Option<&str>) -> Self {
        self.hook_origin = (kind, trigger.map(str::to_owned));
        self
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}
