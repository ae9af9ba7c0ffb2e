//! Applications.

use crate::clock::Moment;
use crate::deployment::Artifact;
use crate::domain::Domain;
use crate::ids;
use crate::lane::Lane;
use crate::past::PastDeployment;
use crate::script::Script;
use crate::slug::slug;

/// An application: by default `shop`, from a private repository on GitHub,
/// branch `main`, no automatic deployment, not suspended, one system domain,
/// hook enabled, no history.
#[derive(Debug, Clone)]
pub struct Application {
    pub(crate) id: String,
    pub(crate) display_name: String,
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
    pub(crate) hook: Option<String>,
    pub(crate) process_id: String,
    pub(crate) past: Vec<PastDeployment>,
    pub(crate) lane: Lane,
    pub(crate) created: Moment,
    pub(crate) cache_purges: usize,
}

impl Application {
    /// An application with this UUID.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            display_name: "shop".to_owned(),
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
            hook: Some(ids::hook_secret()),
            process_id: ids::uuid(),
            past: Vec::new(),
            lane: Lane::default(),
            created: Moment(0),
            cache_purges: 0,
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

    /// Whether a push deploys. The simulator itself deploys nothing; see
    /// [`crate::Simulator::add_deployment`].
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

    /// What the next deployment does. Scripts are used in the order given; the
    /// last one repeats.
    #[must_use]
    pub fn next(mut self, script: Script) -> Self {
        self.lane.script(script);
        self
    }

    pub(crate) fn name(&self) -> String {
        slug(&self.display_name)
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
        self.id.make_ascii_lowercase();
        for past in std::mem::take(&mut self.past) {
            let artifact = self.artifact(past.branch.clone(), past.docker_image.clone());
            self.lane.add_past(&past, artifact);
        }
    }
}
