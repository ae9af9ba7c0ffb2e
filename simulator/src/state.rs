//! Everything that changes while the simulator runs.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::agenda::{Agenda, Event};
use crate::application::Application;
use crate::ask::Ask;
use crate::clock::{Clock, Moment};
use crate::database::Database;
use crate::deployment::Origin;
use crate::fault::Fault;
use crate::ids;
use crate::journal::Call;
use crate::lane::Lane;
use crate::limits::Windows;
use crate::pipeline::Pipeline;
use crate::script::Script;
use crate::static_site::StaticSite;
use crate::status::DeploymentType;
use crate::world::World;

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) world: World,
    pub(crate) windows: Windows,
    pub(crate) journal: Vec<Call>,
    pub(crate) key_works: bool,
    pub(crate) key_id: String,
    pub(crate) company_id: String,
    pub(crate) project_id: String,
    pub(crate) agenda: Agenda,
    /// Open ones, with their branches.
    pub(crate) pull_requests: Vec<(u64, String)>,
    /// The time everything that was due has happened until.
    pub(crate) now: Moment,
}

impl State {
    pub(crate) fn new(mut world: World) -> Self {
        let born = Moment(0).minus(Duration::from_secs(30 * 24 * 3600));
        let mut age = 0..;
        let mut next = || born.plus(Duration::from_secs(age.next().unwrap_or(0)));
        for application in &mut world.applications {
            application.settle(next());
        }
        for site in &mut world.static_sites {
            site.settle(next());
        }
        for database in &mut world.databases {
            database.settle(next());
        }
        for pipeline in &mut world.pipelines {
            pipeline.settle(next());
        }
        Self {
            world,
            windows: Windows::default(),
            journal: Vec::new(),
            key_works: true,
            key_id: ids::uuid(),
            company_id: ids::uuid(),
            project_id: ids::uuid(),
            agenda: Agenda::default(),
            pull_requests: Vec::new(),
            now: Moment(0),
        }
    }

    /// Ids are settled in lower case, whatever a test writes.
    pub(crate) fn application(&mut self, id: &str) -> Option<&mut Application> {
        let mut applications = self.world.applications.iter_mut();
        let found = applications.find(|application| application.id.eq_ignore_ascii_case(id));
        found.filter(|application| !application.removal.is_gone(self.now))
    }

    /// Applications that are not gone.
    pub(crate) fn applications(&self) -> impl Iterator<Item = &Application> {
        let applications = self.world.applications.iter();
        applications.filter(|application| !application.removal.is_gone(self.now))
    }

    pub(crate) fn static_site(&mut self, id: &str) -> Option<&mut StaticSite> {
        let mut sites = self.world.static_sites.iter_mut();
        let found = sites.find(|site| site.id.eq_ignore_ascii_case(id));
        found.filter(|site| !site.removal.is_gone(self.now))
    }

    /// Static sites that are not gone.
    pub(crate) fn static_sites(&self) -> impl Iterator<Item = &StaticSite> {
        let sites = self.world.static_sites.iter();
        sites.filter(|site| !site.removal.is_gone(self.now))
    }

    pub(crate) fn database(&mut self, id: &str) -> Option<&mut Database> {
        let mut databases = self.world.databases.iter_mut();
        let found = databases.find(|database| database.id.eq_ignore_ascii_case(id));
        found.filter(|database| !database.removal.is_gone(self.now))
    }

    /// Databases that are not gone.
    pub(crate) fn databases(&self) -> impl Iterator<Item = &Database> {
        let databases = self.world.databases.iter();
        databases.filter(|database| !database.removal.is_gone(self.now))
    }

    /// The next database to be created, with an id that is free.
    pub(crate) fn new_database(&mut self) -> Database {
        let queue = &mut self.world.new_databases;
        let next = if queue.len() > 1 {
            queue.pop_front()
        } else {
            queue.front().cloned()
        };
        let mut database = next.unwrap_or_else(|| Database::new(ids::uuid()));
        let mut known = self.world.databases.iter();
        if known.any(|known| known.id.eq_ignore_ascii_case(&database.id)) {
            database.id = ids::uuid();
        }
        database
    }

    pub(crate) fn pipeline(&mut self, id: &str) -> Option<&mut Pipeline> {
        let mut pipelines = self.world.pipelines.iter_mut();
        pipelines.find(|pipeline| pipeline.id.eq_ignore_ascii_case(id))
    }

    /// Lets everything happen that is due at `now`.
    pub(crate) fn catch_up(&mut self, now: Moment) {
        while let Some((at, event)) = self.agenda.due(now) {
            self.now = at;
            self.happen(event);
        }
        self.now = now;
    }

    /// Plans an event, so long from now.
    pub(crate) fn plan(&mut self, delay: Duration, event: Event) {
        self.agenda.add(self.now.plus(delay), event);
    }

    /// All lanes with the ids of their services, also of those that are gone.
    pub(crate) fn lanes(&self) -> impl Iterator<Item = (&str, &Lane)> {
        let applications = self.world.applications.iter();
        let sites = self.world.static_sites.iter();
        applications
            .map(|application| (application.id.as_str(), &application.lane))
            .chain(sites.map(|site| (site.id.as_str(), &site.lane)))
    }

    /// Lets every fault count the call; the first that strikes wins.
    pub(crate) fn strike(&mut self, operation: &str, path: &str, now: Moment) -> Option<Fault> {
        let mut struck = None;
        for fault in &mut self.world.faults {
            if fault.strikes(operation, path, now) && struck.is_none() {
                struck = Some(fault.clone());
            }
        }
        struck
    }

    /// How many calls of an operation have been answered.
    pub(crate) fn answers(&self, operation: &str) -> usize {
        let calls = self.journal.iter();
        let answered = calls.filter(|call| call.operation == operation && call.status.is_some());
        answered.count()
    }

    pub(crate) fn note(&mut self, call: Call) -> usize {
        self.journal.push(call);
        self.journal.len() - 1
    }

    pub(crate) fn note_body(&mut self, index: usize, body: &[u8]) {
        if let Some(call) = self.journal.get_mut(index) {
            call.body = body.to_vec();
        }
    }

    pub(crate) fn note_status(&mut self, index: usize, status: u16) {
        if let Some(call) = self.journal.get_mut(index) {
            call.status = Some(status);
        }
    }

    pub(crate) fn accepts(&self, authorization: Option<&str>) -> bool {
        let key = authorization.and_then(|value| value.strip_prefix("Bearer "));
        self.key_works && key == Some(self.world.key.as_str())
    }
}

/// What a handler works on.
pub(crate) struct Context<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) ask: &'a Ask,
    pub(crate) clock: &'a Clock,
    pub(crate) now: Moment,
    pub(crate) origin: &'a str,
}

/// What the server, its connections and the test share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) clock: Clock,
    /// `http://127.0.0.1:PORT`.
    pub(crate) origin: String,
}

impl Shared {
    /// Deploys a service as somebody else or a push does it.
    pub(crate) fn add_deployment(
        &self,
        service: &str,
        kind: DeploymentType,
        script: Script,
    ) -> String {
        let origin = Origin {
            kind,
            by_call: false,
            ..Origin::called(match kind {
                DeploymentType::Manual => "MANUAL_DEPLOY",
                DeploymentType::Automatic => "AUTO_DEPLOY_ON_PUSH",
            })
        };
        let mut state = self.current();
        let now = state.now;
        if let Some(application) = state.application(service) {
            let artifact = application.artifact(None, None);
            return application.lane.add(now, origin, artifact, script);
        }
        let site = state.static_site(service);
        let site = site.unwrap_or_else(|| panic!("no service {service}"));
        let artifact = site.artifact(None);
        site.lane.add(now, origin, artifact, script)
    }

    pub(crate) fn new(world: World, origin: String) -> Self {
        Self {
            clock: Clock::start(world.has_manual_clock),
            state: Mutex::new(State::new(world)),
            origin,
        }
    }

    /// A panic elsewhere is that test's failure; the state is still whole
    /// enough to be looked at.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Shared::state`], with everything in it that is due by now. The
    /// clock is read under the lock: deployments are kept in order of creation.
    pub(crate) fn current(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.catch_up(self.clock.now());
        state
    }
}
