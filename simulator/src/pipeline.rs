//! Pipelines.

use crate::clock::Moment;
use crate::preview::Preview;
use crate::stage::Stage;

/// A pipeline: by default `shop`, a trunk pipeline with the stages `Dev` and
/// `Production`, no applications in them, preview apps not enabled.
#[derive(Debug, Clone)]
pub struct Pipeline {
    pub(crate) id: String,
    pub(crate) display_name: String,
    pub(crate) kind: String,
    pub(crate) stages: Vec<Stage>,
    pub(crate) preview: Option<Preview>,
    pub(crate) within: bool,
    pub(crate) skips: Vec<String>,
    pub(crate) hides: Vec<String>,
    pub(crate) created: Moment,
}

impl Pipeline {
    /// A pipeline with this UUID.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            display_name: "shop".to_owned(),
            kind: "trunk".to_owned(),
            stages: vec![Stage::standard("Dev"), Stage::prod("Production")],
            preview: None,
            within: false,
            skips: Vec::new(),
            hides: Vec::new(),
            created: Moment(0),
        }
    }

    /// Sets the display name.
    #[must_use]
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = name.into();
        self
    }

    /// `trunk` or `branch`.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = kind.into();
        self
    }

    /// Replaces the stages, in order. The stage of the preview apps comes with
    /// [`Pipeline::preview`].
    #[must_use]
    pub fn stages(mut self, stages: impl IntoIterator<Item = Stage>) -> Self {
        self.stages = stages.into_iter().collect();
        self
    }

    /// Enables preview apps: a stage before all others.
    #[must_use]
    pub fn preview(mut self, preview: Preview) -> Self {
        self.preview = Some(preview);
        self
    }

    /// Whether a promotion is refused with 400 unless source and targets are in
    /// stages of this pipeline, its preview apps included. What the real API
    /// does is not documented; by default any application is accepted.
    #[must_use]
    pub fn promotes_only_its_own(mut self, on: bool) -> Self {
        self.within = on;
        self
    }

    /// A promotion leaves this target out: no deployment, and no pair in the
    /// answer.
    #[must_use]
    pub fn promotion_skips(mut self, application: impl Into<String>) -> Self {
        self.skips.push(application.into());
        self
    }

    /// A promotion deploys to this target, but its pair is missing in the
    /// answer.
    #[must_use]
    pub fn promotion_hides(mut self, application: impl Into<String>) -> Self {
        self.hides.push(application.into());
        self
    }

    pub(crate) fn settle(&mut self, created: Moment) {
        self.created = created;
        self.id.make_ascii_lowercase();
    }

    /// The stages as the API tells them, the preview stage among them.
    pub(crate) fn told_stages(&self) -> Vec<(usize, &Stage)> {
        let preview = self.preview.iter().map(|preview| &preview.stage);
        let stages = preview.chain(&self.stages).enumerate();
        let mut stages: Vec<_> = stages
            .map(|(index, stage)| (stage.order.unwrap_or(index), stage))
            .collect();
        stages.sort_by_key(|(order, _)| *order);
        stages
    }

    /// Whether an application was put into a stage by the test.
    pub(crate) fn has(&self, application: &str) -> bool {
        let mut apps = self.stages.iter().flat_map(|stage| &stage.applications);
        apps.any(|id| id.eq_ignore_ascii_case(application))
    }
}
