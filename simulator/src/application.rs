//! Applications.

use serde_json::{Map, Value};

use crate::clock::Moment;
use crate::deployment::Artifact;
use crate::domain::Domain;
use crate::env_var::EnvVar;
use crate::ids;
use crate::lane::Lane;
use crate::past::PastDeployment;
use crate::removal::{Deletion, Phase, Removal};
use crate::resources::CLUSTER;
use crate::script::Script;
use crate::slug::slug;
use crate::snapshot::AppSnapshot;

/// An application: by default `shop`, from a private repository on GitHub,
/// branch `main`, no automatic deployment, not suspended, one system domain,
/// hook enabled, no history.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent of each other: fields of the record and switches"
)]
pub struct Application {
    pub(crate) id: String,
    pub(crate) display_name: String,
    system_name: Option<String>,
    pub(crate) source: String,
    pub(crate) kind: String,
    pub(crate) repo_url: String,
    pub(crate) git_type: String,
    pub(crate) default_branch: String,
    pub(crate) docker_image: Option<String>,
    pub(crate) auto_deploy: bool,
    pub(crate) suspended: bool,
    pub(crate) refuses_suspended: bool,
    pub(crate) domains: Vec<Domain>,
    own_domains: bool,
    pub(crate) hook: Option<String>,
    pub(crate) process_id: String,
    pub(crate) past: Vec<PastDeployment>,
    pub(crate) lane: Lane,
    pub(crate) created: Moment,
    pub(crate) cache_purges: usize,
    pub(crate) changed: Moment,
    pub(crate) cluster: String,
    pub(crate) cdn: bool,
    pub(crate) env_vars: Vec<EnvVar>,
    /// What was changed and nothing here depends on.
    pub(crate) settings: Map<String, Value>,
    pub(crate) removal: Removal,
    pub(crate) rollback: Rollback,
    /// Set for preview apps that a pipeline made.
    pub(crate) preview: Option<PreviewOf>,
}

/// What a rollback goes back to, and how it is refused when there is nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rollback {
    /// How many successes it passes over.
    pub(crate) passes: usize,
    pub(crate) refusal: u16,
    pub(crate) body: RollbackBody,
}

/// What a rollback makes of a body with a `deployment_id`. The document has no
/// body, the official CLI requires the id and sends it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RollbackBody {
    /// It is not read.
    #[default]
    Ignored,
    /// The rollback goes to that deployment.
    Honoured,
    /// The request is refused with 400.
    Refused,
}

/// Where a preview app comes from.
#[derive(Debug, Clone)]
pub(crate) struct PreviewOf {
    pub(crate) pipeline: String,
    pub(crate) pull_request: Option<u64>,
}

impl Application {
    /// An application with this UUID.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            display_name: "shop".to_owned(),
            system_name: None,
            source: "privateGit".to_owned(),
            kind: "app".to_owned(),
            repo_url: "https://github.com/octocat/shop".to_owned(),
            git_type: "github".to_owned(),
            default_branch: "main".to_owned(),
            docker_image: None,
            auto_deploy: false,
            suspended: false,
            refuses_suspended: false,
            domains: vec![Domain::system("shop-abcde.sevalla.app").primary(true)],
            own_domains: false,
            hook: Some(ids::hook_secret()),
            process_id: ids::uuid(),
            past: Vec::new(),
            lane: Lane::default(),
            created: Moment(0),
            cache_purges: 0,
            changed: Moment(0),
            cluster: CLUSTER.to_owned(),
            cdn: false,
            env_vars: Vec::new(),
            settings: Map::new(),
            removal: Removal::default(),
            rollback: Rollback {
                passes: 0,
                refusal: 404,
                body: RollbackBody::default(),
            },
            preview: None,
        }
    }

    /// Sets the display name, and with it system name and system domain; call
    /// it before [`Application::domains`].
    #[must_use]
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = name.into();
        let host = format!("{}-abcde.sevalla.app", self.name());
        self.domains = vec![Domain::system(host).primary(true)];
        self
    }

    /// `privateGit`, `publicGit`, `dockerImage` or `app`.
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    /// `app` or `previewApp`.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = kind.into();
        self
    }

    /// The repository.
    #[must_use]
    pub fn repo_url(mut self, url: impl Into<String>) -> Self {
        self.repo_url = url.into();
        self
    }

    /// The branch deployed when a trigger names none.
    #[must_use]
    pub fn default_branch(mut self, branch: impl Into<String>) -> Self {
        self.default_branch = branch.into();
        self
    }

    /// Makes it run this image instead of a repository.
    #[must_use]
    pub fn docker_image(mut self, image: impl Into<String>) -> Self {
        self.docker_image = Some(image.into());
        self.source("dockerImage")
    }

    /// Whether a push to the default branch deploys; see
    /// [`crate::Simulator::push`].
    #[must_use]
    pub fn auto_deploy(mut self, on: bool) -> Self {
        self.auto_deploy = on;
        self
    }

    /// Whether it is suspended.
    #[must_use]
    pub fn suspended(mut self, suspended: bool) -> Self {
        self.suspended = suspended;
        self
    }

    /// Whether a deployment is refused with 400 while it is suspended. What the
    /// real API does is not documented; by default it is accepted here.
    #[must_use]
    pub fn refuses_when_suspended(mut self, refuses: bool) -> Self {
        self.refuses_suspended = refuses;
        self
    }

    /// Replaces the domains.
    #[must_use]
    pub fn domains(mut self, domains: impl IntoIterator<Item = Domain>) -> Self {
        self.domains = domains.into_iter().collect();
        self.own_domains = true;
        self
    }

    /// Whether the deployment hook is enabled at the start.
    #[must_use]
    pub fn hook(mut self, enabled: bool) -> Self {
        self.hook = enabled.then(ids::hook_secret);
        self
    }

    /// Adds a deployment to its history.
    #[must_use]
    pub fn past(mut self, past: PastDeployment) -> Self {
        self.past.push(past);
        self
    }

    /// The paths that a push must touch to deploy it. Only its record has them:
    /// a push says by itself [where it is filtered out](crate::Push::filtered_out).
    #[must_use]
    pub fn allow_deploy_paths<'a>(mut self, paths: impl IntoIterator<Item = &'a str>) -> Self {
        let paths = paths.into_iter().collect();
        self.settings.insert("allow_deploy_paths".to_owned(), paths);
        self
    }

    /// What the next deployment does. Scripts are used in the order given; the
    /// last one repeats.
    #[must_use]
    pub fn next(mut self, script: Script) -> Self {
        self.lane.script(script);
        self
    }

    /// The id of its cluster.
    #[must_use]
    pub fn cluster(mut self, id: impl Into<String>) -> Self {
        self.cluster = id.into();
        self
    }

    /// Whether its CDN is on. No record tells.
    #[must_use]
    pub fn cdn(mut self, on: bool) -> Self {
        self.cdn = on;
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env_var(mut self, variable: EnvVar) -> Self {
        self.env_vars.push(variable);
        self
    }

    /// What comes of a call that deletes it.
    #[must_use]
    pub fn deletion(mut self, deletion: Deletion) -> Self {
        self.removal.plan = deletion;
        self
    }

    /// Whether a rollback goes to the success before the latest one, and not to
    /// the latest itself. The document can be read both ways.
    #[must_use]
    pub fn rolls_back_past_the_latest(mut self, on: bool) -> Self {
        self.rollback.passes = usize::from(on);
        self
    }

    /// What a rollback makes of a body; by default it is not read.
    #[must_use]
    pub fn rollback_body(mut self, body: RollbackBody) -> Self {
        self.rollback.body = body;
        self
    }

    /// The code of the refusal of a rollback to nothing. The document lists no
    /// 400 there, so it is 404 by default.
    #[must_use]
    pub fn refuses_rollback_with(mut self, code: u16) -> Self {
        self.rollback.refusal = code;
        self
    }

    pub(crate) fn name(&self) -> String {
        let name = self.system_name.clone();
        name.unwrap_or_else(|| slug(&self.display_name))
    }

    /// The word of its record.
    pub(crate) fn status(&self, now: Moment) -> Option<&'static str> {
        match self.removal.phase(now) {
            Phase::Deleting | Phase::Gone => Some("deleting"),
            Phase::Failed(at) if self.lane.newest().is_none_or(|created| created <= at) => {
                Some("appDeletionFailed")
            }
            _ => self.lane.record_status(now),
        }
    }

    /// Whether a push to `branch` (`None`: to its own) deploys it.
    pub(crate) fn follows(&self, branch: Option<&str>) -> bool {
        let automatic = self.auto_deploy && self.source == "privateGit";
        (automatic || self.preview.is_some())
            && branch.is_none_or(|branch| branch == self.default_branch)
    }

    /// Makes it a preview app of this branch.
    pub(crate) fn become_preview(
        &mut self,
        origin: PreviewOf,
        branch: &str,
        title: Option<String>,
        created: Moment,
    ) {
        self.display_name = match (title, origin.pull_request) {
            (Some(title), _) => title,
            (None, Some(number)) => format!("PR #{number} {branch}"),
            (None, None) => branch.to_owned(),
        };
        let name = format!("{}-{}", slug(&self.display_name), ids::letters(5));
        if !self.own_domains {
            self.domains = vec![Domain::system(format!("{name}.sevalla.app")).primary(true)];
        }
        self.system_name = Some(name);
        branch.clone_into(&mut self.default_branch);
        "previewApp".clone_into(&mut self.kind);
        "app".clone_into(&mut self.source);
        self.preview = Some(origin);
        self.settle(created);
    }

    pub(crate) fn snapshot(&self, now: Moment) -> AppSnapshot {
        AppSnapshot {
            id: self.id.clone(),
            name: self.name(),
            display_name: self.display_name.clone(),
            status: self.status(now).map(str::to_owned),
            branch: self.default_branch.clone(),
            auto_deploy: self.auto_deploy,
            cdn: self.cdn,
            is_preview: self.kind == "previewApp",
            pull_request: self.preview.as_ref().and_then(|from| from.pull_request),
            created: self.created.since_start(),
        }
    }

    pub(crate) fn is_image(&self) -> bool {
        self.source == "dockerImage"
    }

    /// What a deployment of `branch` or `image` would put live.
    pub(crate) fn artifact(&self, branch: Option<String>, image: Option<String>) -> Artifact {
        if self.is_image() {
            return Artifact {
                image: image.or_else(|| self.docker_image.clone()),
                ..Artifact::default()
            };
        }
        let build = ids::hex(12);
        let registry = "us-central1-docker.pkg.dev/sevalla/apps";
        Artifact {
            branch: branch.or_else(|| Some(self.default_branch.clone())),
            image: Some(format!("{registry}/{}:{build}", self.name())),
            ..Artifact::default()
        }
    }

    /// Turns the history given by the test into deployments.
    pub(crate) fn settle(&mut self, created: Moment) {
        self.created = created;
        self.changed = created;
        for variable in &mut self.env_vars {
            (variable.created, variable.updated) = (created, created);
        }
        self.id.make_ascii_lowercase();
        self.system_name = Some(self.name());
        for past in std::mem::take(&mut self.past) {
            let artifact = self.artifact(past.branch.clone(), past.docker_image.clone());
            self.lane.add_past(&past, artifact);
        }
    }
}
