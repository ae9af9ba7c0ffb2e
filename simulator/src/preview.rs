//! How a pipeline makes and deletes preview apps.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::application::Application;
use crate::ids;
use crate::stage::Stage;
use crate::status::DeploymentType;

/// Enabled preview apps: by default with their settings configured, made on
/// calls only, never stale, a second one per branch allowed, each with a first
/// deployment that is there at once.
#[derive(Debug, Clone)]
pub struct Preview {
    pub(crate) stage: Stage,
    pub(crate) configured: bool,
    pub(crate) twice: Option<u16>,
    pub(crate) status: u16,
    pub(crate) opens_after: Duration,
    pub(crate) deploys_after: Duration,
    pub(crate) first: (DeploymentType, Option<String>),
    pub(crate) titles: HashMap<u64, String>,
    templates: VecDeque<Application>,
}

impl Preview {
    /// As described above.
    pub fn new() -> Self {
        Self {
            stage: Stage::preview(),
            configured: true,
            twice: None,
            status: 201,
            opens_after: Duration::ZERO,
            deploys_after: Duration::ZERO,
            first: (DeploymentType::Automatic, None),
            titles: HashMap::new(),
            templates: VecDeque::new(),
        }
    }

    /// The id of the preview stage, instead of a random one.
    #[must_use]
    pub fn stage_id(mut self, id: impl Into<String>) -> Self {
        self.stage = self.stage.id(id);
        self
    }

    /// Whether the settings of preview apps are configured; a creation is
    /// refused with 400 otherwise.
    #[must_use]
    pub fn configured(mut self, on: bool) -> Self {
        self.configured = on;
        self
    }

    /// Whether [`crate::Simulator::open_pull_request`] makes an app.
    #[must_use]
    pub fn auto_create_app(mut self, on: bool) -> Self {
        self.stage.auto_create_app = on;
        self
    }

    /// How long after a pull request was opened its app is there.
    #[must_use]
    pub fn auto_creates_after(mut self, lag: Duration) -> Self {
        self.opens_after = lag;
        self
    }

    /// Deletes apps that were not deployed for so many days; see
    /// [`crate::Simulator::days_without_deployment`].
    #[must_use]
    pub fn deletes_after_days(mut self, days: u32) -> Self {
        self.stage.delete_stale_apps = true;
        self.stage.stale_app_days = days;
        self
    }

    /// Refuses a second app for a branch or pull request with this code. What
    /// the real API does is not documented; by default it makes one here.
    #[must_use]
    pub fn refuses_second_with(mut self, code: u16) -> Self {
        self.twice = Some(code);
        self
    }

    /// The status of the answer to a creation, which is not documented; 201 by
    /// default.
    #[must_use]
    pub fn answers(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// How long after the creation of an app its first deployment is there.
    #[must_use]
    pub fn deploys_after(mut self, lag: Duration) -> Self {
        self.deploys_after = lag;
        self
    }

    /// `type` and `trigger` of an app's first deployment, which are not
    /// documented; automatic and null by default.
    #[must_use]
    pub fn first_deployments(mut self, kind: DeploymentType, trigger: Option<&str>) -> Self {
        self.first = (kind, trigger.map(str::to_owned));
        self
    }

    /// Names the apps of this pull request by this title, instead of
    /// `PR #NUMBER BRANCH`. How they are named is not documented.
    #[must_use]
    pub fn title(mut self, pull_request: u64, title: impl Into<String>) -> Self {
        self.titles.insert(pull_request, title.into());
        self
    }

    /// What the next app made is like: id, scripts, domains, deletion. Name,
    /// branch, `type` and `source` follow from the creation. They are used in
    /// the order given; the last one repeats, with random ids.
    #[must_use]
    pub fn next(mut self, application: Application) -> Self {
        self.templates.push_back(application);
        self
    }

    pub(crate) fn take_template(&mut self) -> Application {
        let next = if self.templates.len() > 1 {
            self.templates.pop_front()
        } else {
            self.templates.front().cloned()
        };
        next.unwrap_or_else(|| Application::new(ids::uuid()))
    }
}

impl Default for Preview {
    fn default() -> Self {
        Self::new()
    }
}
