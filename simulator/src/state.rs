//! Everything that changes while the simulator runs.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::application::Application;
use crate::ask::Ask;
use crate::clock::{Clock, Moment};
use crate::fault::Fault;
use crate::ids;
use crate::journal::Call;
use crate::lane::Lane;
use crate::limits::Windows;
use crate::static_site::StaticSite;
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
        Self {
            world,
            windows: Windows::default(),
            journal: Vec::new(),
            key_works: true,
            key_id: ids::uuid(),
            company_id: ids::uuid(),
            project_id: ids::uuid(),
        }
    }

    /// Ids are settled in lower case, whatever a test writes.
    pub(crate) fn application(&mut self, id: &str) -> Option<&mut Application> {
        let mut applications = self.world.applications.iter_mut();
        applications.find(|application| application.id.eq_ignore_ascii_case(id))
    }

    pub(crate) fn static_site(&mut self, id: &str) -> Option<&mut StaticSite> {
        let mut sites = self.world.static_sites.iter_mut();
        sites.find(|site| site.id.eq_ignore_ascii_case(id))
    }

    /// All lanes with the ids of their services.
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
    pub(crate) clock: Clock,
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
    pub(crate) fn new(world: World, origin: String) -> Self {
        Self {
            state: Mutex::new(State::new(world)),
            clock: Clock::start(),
            origin,
        }
    }

    /// A panic elsewhere is that test's failure; the state is still whole
    /// enough to be looked at.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
