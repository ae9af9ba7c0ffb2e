//! Static sites.

use serde_json::{Map, Value};

use crate::clock::Moment;
use crate::deployment::Artifact;
use crate::domain::Domain;
use crate::lane::Lane;
use crate::past::PastDeployment;
use crate::removal::{Deletion, Phase, Removal};
use crate::script::Script;
use crate::slug::slug;

/// A static site: by default `docs`, from a private repository on GitHub,
/// branch `main`, no automatic deployment, one system domain, no history.
#[derive(Debug, Clone)]
pub struct StaticSite {
    pub(crate) id: String,
    pub(crate) display_name: String,
    system_name: Option<String>,
    pub(crate) source: String,
    pub(crate) repo_url: String,
    pub(crate) default_branch: String,
    pub(crate) auto_deploy: bool,
    pub(crate) preview_enabled: bool,
    pub(crate) hostname: Option<String>,
    pub(crate) domains: Vec<Domain>,
    pub(crate) past: Vec<PastDeployment>,
    pub(crate) lane: Lane,
    pub(crate) created: Moment,
    pub(crate) cache_purges: usize,
    pub(crate) changed: Moment,
    pub(crate) removal: Removal,
    /// What was changed and nothing here depends on.
    pub(crate) settings: Map<String, Value>,
}

impl StaticSite {
    /// A static site with this UUID.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            display_name: "docs".to_owned(),
            system_name: None,
            source: "privateGit".to_owned(),
            repo_url: "https://github.com/octocat/docs".to_owned(),
            default_branch: "main".to_owned(),
            auto_deploy: false,
            preview_enabled: false,
            hostname: Some("docs-abcde.sevalla.page".to_owned()),
            domains: vec![Domain::system("docs-abcde.sevalla.page").primary(true)],
            past: Vec::new(),
            lane: Lane::default(),
            created: Moment(0),
            cache_purges: 0,
            changed: Moment(0),
            removal: Removal::default(),
            settings: Map::new(),
        }
    }

    /// Sets the display name, and with it system name, host name and system
    /// domain; call it before [`StaticSite::domains`].
    #[must_use]
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = name.into();
        let host = format!("{}-abcde.sevalla.page", self.name());
        self.domains = vec![Domain::system(host.as_str()).primary(true)];
        self.hostname = Some(host);
        self
    }

    /// `privateGit` or `publicGit`.
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
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

    /// Whether a push to the default branch deploys; see
    /// [`crate::Simulator::push`].
    #[must_use]
    pub fn auto_deploy(mut self, on: bool) -> Self {
        self.auto_deploy = on;
        self
    }

    /// Whether pull requests are built; see
    /// [`crate::Simulator::open_pull_request`].
    #[must_use]
    pub fn preview_enabled(mut self, on: bool) -> Self {
        self.preview_enabled = on;
        self
    }

    /// The primary host in the record; `None` is null.
    #[must_use]
    pub fn hostname(mut self, hostname: Option<&str>) -> Self {
        self.hostname = hostname.map(str::to_owned);
        self
    }

    /// Replaces the domains.
    #[must_use]
    pub fn domains(mut self, domains: impl IntoIterator<Item = Domain>) -> Self {
        self.domains = domains.into_iter().collect();
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

    /// What comes of a call that deletes it.
    #[must_use]
    pub fn deletion(mut self, deletion: Deletion) -> Self {
        self.removal.plan = deletion;
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
                Some("deletionFailed")
            }
            _ => self.lane.record_status(now),
        }
    }

    pub(crate) fn artifact(&self, branch: Option<String>) -> Artifact {
        Artifact {
            branch: branch.or_else(|| Some(self.default_branch.clone())),
            ..Artifact::default()
        }
    }

    /// Whether a push to `branch` (`None`: to its own) deploys it.
    pub(crate) fn follows(&self, branch: Option<&str>) -> bool {
        self.auto_deploy
            && self.source == "privateGit"
            && branch.is_none_or(|branch| branch == self.default_branch)
    }

    /// Turns the history given by the test into deployments.
    pub(crate) fn settle(&mut self, created: Moment) {
        self.created = created;
        self.changed = created;
        self.id.make_ascii_lowercase();
        self.system_name = Some(self.name());
        for past in std::mem::take(&mut self.past) {
            let artifact = self.artifact(past.branch.clone());
            self.lane.add_past(&past, artifact);
        }
    }
}
