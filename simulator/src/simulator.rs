//! A running simulator, as a test holds it.

use std::future::{Ready, ready};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use crate::deployment::Snapshot;
use crate::fault::Fault;
use crate::journal::Call;
use crate::quirk::Quirk;
use crate::routes::hook_url;
use crate::script::Script;
use crate::serve::Server;
use crate::state::Shared;
use crate::status::DeploymentType;
use crate::world::World;

/// A simulated Sevalla. Dropping it closes its port and every connection.
#[derive(Debug)]
pub struct Simulator {
    pub(crate) shared: Arc<Shared>,
    url: String,
    key: String,
    _server: Server,
}

impl Simulator {
    /// Starts; the port is open when this returns. It may be called in any
    /// runtime.
    ///
    /// # Panics
    ///
    /// If the port cannot be bound: no test can go on from there.
    pub fn start(world: World) -> Ready<Self> {
        ready(Self::start_blocking(world))
    }

    /// As [`Simulator::start`], for code that is not asynchronous.
    ///
    /// # Panics
    ///
    /// If the port cannot be bound.
    pub fn start_blocking(world: World) -> Self {
        Self::try_start(world).unwrap_or_else(|error| panic!("the simulator cannot start: {error}"))
    }

    /// As [`Simulator::start_blocking`], with the error of a port that cannot
    /// be bound.
    pub fn try_start(world: World) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, world.port))?;
        let origin = format!("http://{}", listener.local_addr()?);
        let key = world.key.clone();
        let shared = Arc::new(Shared::new(world, origin));
        Ok(Self {
            url: format!("{}/v3", shared.origin),
            key,
            _server: Server::start(listener, Arc::clone(&shared))?,
            shared,
        })
    }

    /// The base address, `http://127.0.0.1:PORT/v3`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key it accepts.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The address of an application's hook.
    ///
    /// # Panics
    ///
    /// If there is no such application or its hook is not enabled.
    pub fn hook_url(&self, application: &str) -> String {
        let mut state = self.shared.current();
        let secret = state
            .application(application)
            .and_then(|application| application.hook.clone());
        let secret = secret.unwrap_or_else(|| panic!("no hook for {application}"));
        hook_url(&self.shared.origin, application, &secret)
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.shared.clock.now().since_start()
    }

    /// Lets time pass in a world with a manual clock; see
    /// [`World::manual_clock`].
    pub fn advance(&self, time: Duration) {
        self.shared.clock.advance(time);
    }

    /// Every request so far, in order of arrival.
    pub fn journal(&self) -> Vec<Call> {
        self.shared.state().journal.clone()
    }

    /// How often an operation was called.
    pub fn calls(&self, operation: &str) -> usize {
        let state = self.shared.state();
        let calls = state.journal.iter();
        calls.filter(|call| call.operation == operation).count()
    }

    /// The deployments of a service, newest first; empty if it is unknown.
    pub fn deployments(&self, service: &str) -> Vec<Snapshot> {
        let state = self.shared.current();
        let now = state.now;
        let mut lanes = state.lanes();
        let lane = lanes.find(|(id, _)| id.eq_ignore_ascii_case(service));
        let views = lane.map(|(_, lane)| lane.views(now)).unwrap_or_default();
        let clock = &self.shared.clock;
        views.iter().map(|view| view.snapshot(clock)).collect()
    }

    /// How many deployments calls have made, over all services.
    pub fn deployments_made(&self) -> usize {
        self.count(|snapshot| snapshot.by_call)
    }

    /// Whether a cancel call was accepted for this deployment.
    pub fn cancelled(&self, deployment: &str) -> bool {
        self.count(|snapshot| snapshot.cancelled && snapshot.id.eq_ignore_ascii_case(deployment))
            > 0
    }

    fn count(&self, wanted: impl Fn(&Snapshot) -> bool) -> usize {
        let state = self.shared.current();
        let now = state.now;
        state
            .lanes()
            .flat_map(|(_, lane)| lane.views(now))
            .filter(|view| wanted(&view.snapshot(&self.shared.clock)))
            .count()
    }

    /// How often the cache of a service was purged.
    pub fn cache_purges(&self, service: &str) -> usize {
        let mut state = self.shared.current();
        let purges = state.application(service).map(|found| found.cache_purges);
        purges
            .or_else(|| state.static_site(service).map(|found| found.cache_purges))
            .unwrap_or(0)
    }

    /// From now on the key is refused with 401.
    pub fn revoke_key(&self) {
        self.shared.state().key_works = false;
    }

    /// From now on the key lacks the permission for an operation.
    pub fn forbid(&self, operation: impl Into<String>) {
        let mut state = self.shared.state();
        state.world.forbidden.insert(operation.into());
    }

    /// From now on the service differs in these ways, and in no others.
    pub fn set_quirks(&self, quirks: &[Quirk]) {
        self.shared.state().world.quirks = quirks.to_vec();
    }

    /// Adds a fault; it counts calls from now on.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.state().world.faults.push(fault);
    }

    /// What the deployments of a service do from now on, instead of the
    /// scripts it has left.
    pub fn set_script(&self, service: &str, script: Script) {
        let mut state = self.shared.current();
        if let Some(application) = state.application(service) {
            application.lane.only_script(script);
        } else if let Some(site) = state.static_site(service) {
            site.lane.only_script(script);
        }
    }

    /// Ends the deployment of a service that runs, as its script says.
    pub fn end_deployment(&self, service: &str) {
        let mut state = self.shared.current();
        let now = state.now;
        if let Some(application) = state.application(service) {
            application.lane.end(now);
        } else if let Some(site) = state.static_site(service) {
            site.lane.end(now);
        }
    }

    /// Deploys the default branch or image, as if someone else (manual) or a
    /// push (automatic) had done it now. Returns the deployment's id.
    ///
    /// # Panics
    ///
    /// If there is no such service.
    pub fn add_deployment(&self, service: &str, kind: DeploymentType, script: Script) -> String {
        self.shared.add_deployment(service, kind, script)
    }
}
