//! The making of preview apps.

use crate::agenda::Event;
use crate::answer::Refusal;
use crate::application::{Application, PreviewOf};
use crate::deployment::Origin;
use crate::ids;
use crate::push::Push;
use crate::state::State;

impl State {
    /// Makes a preview app of a pipeline, and plans its first deployment.
    pub(crate) fn make_preview(
        &mut self,
        pipeline: &str,
        branch: &str,
        pull_request: Option<u64>,
        by_call: bool,
    ) -> Result<&Application, Refusal> {
        let created = self.now;
        let known = self.has_preview(pipeline, branch, pull_request);
        let found = self.pipeline(pipeline);
        let found = found.ok_or_else(|| Refusal::not_found("Pipeline"))?;
        let (pipeline, preview) = (found.id.clone(), found.preview.as_mut());
        let preview = preview.ok_or_else(|| {
            Refusal::bad_request("Preview apps are not enabled for this pipeline")
        })?;
        if !preview.configured {
            return Err(Refusal::bad_request(
                "The preview app settings of this pipeline are not configured",
            ));
        }
        if let Some(code) = preview.twice.filter(|_| known) {
            let what = "A preview app already exists for this branch";
            return Err(Refusal::new(code, what));
        }
        let mut application = preview.take_template();
        let delay = preview.deploys_after;
        let (kind, trigger) = preview.first.clone();
        let title = pull_request.and_then(|number| preview.titles.get(&number).cloned());
        if self.is_taken(&application.id) {
            application.id = ids::uuid();
        }
        let from = PreviewOf {
            pipeline,
            pull_request,
        };
        application.become_preview(from, branch, title, created);
        let first = Event::Deployment {
            service: application.id.clone(),
            push: Push::to(branch),
            origin: Origin {
                kind,
                trigger,
                by_call,
                ..Origin::pushed()
            },
        };
        self.plan(delay, first);
        self.world.applications.push(application);
        let made = self.world.applications.last();
        made.ok_or_else(|| Refusal::not_found("Application"))
    }

    /// Whether a pipeline has an app for this branch or pull request.
    fn has_preview(&self, pipeline: &str, branch: &str, pull_request: Option<u64>) -> bool {
        self.applications().any(|application| {
            let from = application.preview.as_ref();
            from.is_some_and(|from| {
                let same = pull_request.is_some() && from.pull_request == pull_request;
                from.pipeline.eq_ignore_ascii_case(pipeline)
                    && (same || application.default_branch == branch)
            })
        })
    }

    /// Whether an application has or had this id.
    fn is_taken(&self, id: &str) -> bool {
        let mut applications = self.world.applications.iter();
        applications.any(|application| application.id.eq_ignore_ascii_case(id))
    }

    /// Starts the deletion of the preview apps for which `stale` holds.
    pub(crate) fn delete_previews(&mut self, stale: impl Fn(&PreviewOf) -> bool) {
        let now = self.now;
        for application in &mut self.world.applications {
            if application.preview.as_ref().is_some_and(&stale) {
                application.removal.start(now);
            }
        }
    }
}
