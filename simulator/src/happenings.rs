//! What happens without a call: pushes, pull requests, the passing of days.

use crate::agenda::Event;
use crate::connection::Connection;
use crate::deployment::Origin;
use crate::env_var::EnvVar;
use crate::push::Push;
use crate::removal::Phase;
use crate::simulator::Simulator;
use crate::snapshot::AppSnapshot;
use crate::state::State;

impl State {
    /// Carries out an event, at [`State::now`].
    pub(crate) fn happen(&mut self, event: Event) {
        match event {
            Event::Deployment {
                service,
                push,
                origin,
            } => self.deploy(&service, &push, origin),
            Event::Push(push) => self.push(&push),
            Event::PreviewApp {
                pipeline,
                branch,
                pull_request,
            } => {
                // Refused only where a call would be, too; nobody is told.
                let _ = self.make_preview(&pipeline, &branch, Some(pull_request), false);
            }
        }
    }

    /// Nothing, if the service is gone or going.
    fn deploy(&mut self, service: &str, push: &Push, origin: Origin) {
        let now = self.now;
        if let Some(application) = self.application(service) {
            if application.removal.phase(now) == Phase::Deleting {
                return;
            }
            let artifact = application.artifact(push.branch.clone(), None);
            let script = push.course(service, || application.lane.next_script());
            application.lane.add(now, origin, artifact, script);
        } else if let Some(site) = self.static_site(service) {
            if site.removal.phase(now) == Phase::Deleting {
                return;
            }
            let artifact = site.artifact(push.branch.clone());
            let script = push.course(service, || site.lane.next_script());
            site.lane.add(now, origin, artifact, script);
        }
    }

    fn push(&mut self, push: &Push) {
        let branch = push.branch.as_deref();
        let requested = |known: &(u64, String)| Some(known.1.as_str()) == branch;
        let requested = self.pull_requests.iter().any(requested);
        let applications = self.applications();
        let applications = applications
            .filter(|application| application.follows(branch))
            .map(|application| (application.id.clone(), false));
        let sites = self.static_sites().filter_map(|site| {
            let is_preview = site.preview_enabled && requested;
            let follows = site.follows(branch);
            (follows || is_preview).then(|| (site.id.clone(), !follows))
        });
        let deployed: Vec<(String, bool)> = applications.chain(sites).collect();
        for (service, is_preview) in deployed {
            if !(push.leaves_no_record && push.is_filtered(&service)) {
                let origin = Origin {
                    is_preview,
                    ..Origin::pushed()
                };
                self.deploy(&service, push, origin);
            }
        }
    }

    fn open_pull_request(&mut self, number: u64, branch: &str) {
        self.pull_requests.push((number, branch.to_owned()));
        let pipelines = self.world.pipelines.iter().filter_map(|pipeline| {
            let preview = pipeline.preview.as_ref()?;
            let event = Event::PreviewApp {
                pipeline: pipeline.id.clone(),
                branch: branch.to_owned(),
                pull_request: number,
            };
            let creates = preview.stage.auto_create_app;
            creates.then_some((preview.opens_after, event))
        });
        let events: Vec<_> = pipelines.collect();
        for (delay, event) in events {
            self.plan(delay, event);
        }
        let sites = self.static_sites();
        let sites = sites.filter(|site| site.preview_enabled);
        let sites: Vec<String> = sites.map(|site| site.id.clone()).collect();
        for site in sites {
            let origin = Origin {
                is_preview: true,
                ..Origin::pushed()
            };
            self.deploy(&site, &Push::to(branch), origin);
        }
    }
}

impl Simulator {
    /// Pushes: deploys every application and static site that deploys
    /// automatically and has the branch as its default one, every preview app
    /// of the branch, and every static site with previews if a pull request is
    /// open for the branch.
    pub fn push(&self, push: Push) {
        let delay = push.delay;
        self.shared.current().plan(delay, Event::Push(push));
    }

    /// Deploys one service as a push does, whatever its settings.
    pub fn push_to(&self, service: &str, push: Push) {
        let mut state = self.shared.current();
        let (delay, origin) = (push.delay, Origin::pushed());
        let service = service.to_owned();
        state.plan(
            delay,
            Event::Deployment {
                service,
                push,
                origin,
            },
        );
    }

    /// Opens a pull request: makes a preview app in every pipeline that creates
    /// them by itself, and a preview deployment on every static site with
    /// previews.
    pub fn open_pull_request(&self, number: u64, branch: &str) {
        self.shared.current().open_pull_request(number, branch);
    }

    /// Closes or merges a pull request: its preview apps are deleted, those
    /// made by calls that named its number among them.
    pub fn close_pull_request(&self, number: u64) {
        let mut state = self.shared.current();
        state.pull_requests.retain(|(known, _)| *known != number);
        state.delete_previews(|from| from.pull_request == Some(number));
    }

    /// Lets so many days pass in which no preview app is deployed: pipelines
    /// that delete stale apps after as many delete theirs.
    pub fn days_without_deployment(&self, days: u32) {
        let mut state = self.shared.current();
        let pipelines = state.world.pipelines.iter().filter(|pipeline| {
            pipeline.preview.as_ref().is_some_and(|preview| {
                preview.stage.delete_stale_apps && preview.stage.stale_app_days <= days
            })
        });
        let strict: Vec<String> = pipelines.map(|pipeline| pipeline.id.clone()).collect();
        state.delete_previews(|from| strict.contains(&from.pipeline));
    }

    /// An application, unless it is gone.
    pub fn application(&self, id: &str) -> Option<AppSnapshot> {
        let mut state = self.shared.current();
        let now = state.now;
        let found = state.application(id);
        found.map(|application| application.snapshot(now))
    }

    /// The environment variables of an application, oldest first; empty if it
    /// is gone.
    pub fn env_vars(&self, application: &str) -> Vec<EnvVar> {
        let mut state = self.shared.current();
        let found = state.application(application);
        found
            .map(|found| found.env_vars.clone())
            .unwrap_or_default()
    }

    /// The ids of the databases that are not gone, oldest first.
    pub fn databases(&self) -> Vec<String> {
        let state = self.shared.current();
        state.databases().map(|found| found.id.clone()).collect()
    }

    /// The status of a database; `None` if it is null, or if there is none.
    pub fn database_status(&self, id: &str) -> Option<String> {
        let mut state = self.shared.current();
        let now = state.now;
        state.database(id).and_then(|found| found.status_at(now))
    }

    /// The internal connections there are, oldest first.
    pub fn connections(&self) -> Vec<Connection> {
        let mut state = self.shared.current();
        let mut all = state.world.connections.clone();
        // A connection ends with its services.
        all.retain(|known| {
            state.end(&known.source).is_some() && state.end(&known.target).is_some()
        });
        all
    }

    /// The preview apps that are not gone, newest first.
    pub fn preview_apps(&self) -> Vec<AppSnapshot> {
        let state = self.shared.current();
        let apps = state.applications();
        let apps = apps.map(|application| application.snapshot(state.now));
        let mut apps: Vec<AppSnapshot> = apps.filter(|app| app.is_preview).collect();
        apps.sort_by_key(|app| std::cmp::Reverse(app.created));
        apps
    }
}
