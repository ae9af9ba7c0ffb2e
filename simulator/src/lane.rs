//! The deployments of one service, one at a time.

use std::collections::VecDeque;

use crate::clock::Moment;
use crate::deployment::{Artifact, Deployment, Origin, View};
use crate::ids;
use crate::logs::Log;
use crate::past::PastDeployment;
use crate::script::Script;
use crate::status::Status;
use crate::timeline::{Bent, Free, Times};

/// Deployments of a service, oldest first, and what the next ones will do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lane {
    deployments: Vec<Deployment>,
    scripts: VecDeque<Script>,
}

/// Why a deployment was not cancelled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotCancelled {
    Unknown,
    Ended,
}

impl Lane {
    pub(crate) fn script(&mut self, script: Script) {
        self.scripts.push_back(script);
    }

    pub(crate) fn only_script(&mut self, script: Script) {
        self.scripts.clear();
        self.scripts.push_back(script);
    }

    /// Takes the next script; the last one stays.
    pub(crate) fn next_script(&mut self) -> Script {
        if self.scripts.len() > 1 {
            self.scripts.pop_front().unwrap_or_default()
        } else {
            self.scripts.front().cloned().unwrap_or_default()
        }
    }

    pub(crate) fn add(
        &mut self,
        created: Moment,
        origin: Origin,
        artifact: Artifact,
        script: Script,
    ) -> String {
        self.add_as(ids::uuid(), created, origin, artifact, script)
    }

    pub(crate) fn add_past(&mut self, past: &PastDeployment, artifact: Artifact) {
        let trigger = past.trigger.clone();
        let origin = Origin {
            kind: past.kind,
            reuses: matches!(trigger.as_deref(), Some("RESTART" | "ROLLBACK_DEPLOYMENT")),
            trigger,
            is_preview: past.is_preview,
            by_call: false,
        };
        let created = Moment(0).minus(past.ago);
        self.add_as(past.id.clone(), created, origin, artifact, past.script());
        self.deployments
            .sort_by_key(|deployment| deployment.created);
    }

    fn add_as(
        &mut self,
        id: String,
        created: Moment,
        origin: Origin,
        artifact: Artifact,
        script: Script,
    ) -> String {
        let log = Log::of(&script);
        self.deployments.push(Deployment {
            id: id.clone(),
            created,
            origin,
            artifact: with_commit(artifact, &script),
            script,
            log,
            bent: Bent::default(),
            cloud_build_id: ids::uuid(),
        });
        id
    }

    /// All deployments at `now`, newest first.
    pub(crate) fn views(&self, now: Moment) -> Vec<View<'_>> {
        let mut free: Free = Some(Moment(i64::MIN));
        let mut views: Vec<View<'_>> = Vec::with_capacity(self.deployments.len());
        for deployment in &self.deployments {
            let times = Times::of(
                &deployment.script,
                deployment.created,
                deployment.bent,
                free,
            );
            free = times.leaves(free);
            views.push(View {
                deployment,
                times,
                now,
            });
        }
        views.reverse();
        views
    }

    pub(crate) fn view(&self, id: &str, now: Moment) -> Option<View<'_>> {
        self.views(now)
            .into_iter()
            .find(|view| view.deployment.id.eq_ignore_ascii_case(id))
    }

    /// What the latest successful deployment put live.
    pub(crate) fn latest_success(&self, now: Moment) -> Option<Artifact> {
        self.success(0, now)
    }

    /// What a successful deployment put live that has so many after it.
    pub(crate) fn success(&self, later: usize, now: Moment) -> Option<Artifact> {
        self.views(now)
            .iter()
            .filter(|view| view.succeeded())
            .nth(later)
            .map(|view| view.deployment.artifact.clone())
    }

    /// What this deployment put live, if it succeeded.
    pub(crate) fn success_of(&self, id: &str, now: Moment) -> Option<Artifact> {
        self.view(id, now)
            .filter(View::succeeded)
            .map(|view| view.deployment.artifact.clone())
    }

    pub(crate) fn cancel(&mut self, id: &str, now: Moment) -> Result<(), NotCancelled> {
        let view = self.view(id, now).ok_or(NotCancelled::Unknown)?;
        let (status, asked) = (view.status(), view.is_cancelled());
        let found = self
            .deployments
            .iter_mut()
            .find(|deployment| deployment.id.eq_ignore_ascii_case(id));
        let deployment = found.ok_or(NotCancelled::Unknown)?;
        match status {
            Status::Waiting => deployment.bent.skipped = Some(now),
            // Asking again does not start the delay again.
            Status::InProgress if asked => {}
            Status::InProgress => deployment.bent.cancel = Some(now),
            _ => return Err(NotCancelled::Ended),
        }
        Ok(())
    }

    /// Ends the deployment that runs, as its script says.
    pub(crate) fn end(&mut self, now: Moment) {
        let views = self.views(now);
        let runs = |view: &&View<'_>| view.status() == Status::InProgress;
        let id = views
            .iter()
            .find(runs)
            .map(|view| view.deployment.id.clone());
        let mut deployments = self.deployments.iter_mut();
        if let Some(found) = deployments.find(|one| Some(&one.id) == id.as_ref()) {
            found.bent.ended = Some(now);
        }
    }

    /// Whether a deployment waits or runs.
    pub(crate) fn is_busy(&self, now: Moment) -> bool {
        self.views(now)
            .iter()
            .any(|view| matches!(view.status(), Status::Waiting | Status::InProgress))
    }

    /// When the newest deployment was created.
    pub(crate) fn newest(&self) -> Option<Moment> {
        self.deployments.last().map(|newest| newest.created)
    }

    /// Word for the service's record, after its latest deployment.
    pub(crate) fn record_status(&self, now: Moment) -> Option<&'static str> {
        self.views(now)
            .first()
            .map(|view| view.status().record_word())
    }
}

/// The commit a script names wins over the artifact's, which wins over chance.
fn with_commit(mut artifact: Artifact, script: &Script) -> Artifact {
    if artifact.branch.is_none() {
        return artifact;
    }
    let filled = |named: &Option<String>, known: Option<String>, default: &str| {
        named.clone().or(known).or_else(|| Some(default.to_owned()))
    };
    let chance = ids::hex(40);
    artifact.commit_sha = filled(&script.commit_sha, artifact.commit_sha, &chance);
    artifact.commit_message = filled(
        &script.commit_message,
        artifact.commit_message,
        "Change something",
    );
    artifact.author = filled(&script.author, artifact.author, "octocat");
    artifact
}
