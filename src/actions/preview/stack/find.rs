//! Which preview apps of a stack there are, and which services get one.

use std::collections::BTreeSet;

use tokio::time::Instant;
use uuid::Uuid;

use crate::actions::deletion::is_being_deleted;
use crate::actions::error::{FailedPrecondition, TriggerError};
use crate::actions::preview::comment::PATIENCE;
use crate::actions::preview::find::{self, DeletingApps, PreviewApp};
use crate::actions::preview::matching::{PreviewMatch, may_be_numbered, number_of_record};
use crate::actions::preview::request_deletion::refuse_no_preview;
use crate::actions::preview::stack::{ServicePreview, StackPreviewTask, apps_of};
use crate::actions::stack::changed::DeployDecision;
use crate::actions::stack::{StackMember, StackTask, WrongNames};
use crate::actions::task::{NewPreview, Preview};
use crate::actions::{ActionContext, named};
use crate::code_host::{ChangedFiles, KeptApps, KeptComment, PullRequest};
use crate::deployment::Service;
use crate::messages::Failure;
use crate::outcome::Outcome;
use crate::resource::{ResourceKind, ResourceList};
use crate::sevalla::Patience;

impl ActionContext<'_> {
    /// The preview of each service under `previews`, in the order of the file: its
    /// app, if there is one, and whether it gets one. Nothing is written before
    /// all is known. With them the services that are live.
    pub(super) async fn find_previews_of_stack<'t>(
        &self,
        task: &'t StackPreviewTask,
        request: &PullRequest,
        new: &NewPreview,
        comments: &[KeptComment],
    ) -> Result<(Vec<ServicePreview<'t>>, Vec<Service>), Outcome> {
        let kept: Vec<(String, Uuid)> = apps_of(comments).cloned().collect();
        let found = async {
            let mut wrong = WrongNames::default();
            let stack = self.look_up_members(task.stack.clone(), &mut wrong).await?;
            let pipelines = self.pipelines_of(&stack, &mut wrong).await?;
            wrong.refuse(&stack.file)?;
            let mut previews = Vec::new();
            for (file, pipeline) in task.stack.previews.iter().zip(pipelines) {
                let Some(member) = stack.members.get(file.service).cloned() else {
                    continue;
                };
                let new = NewPreview {
                    pipeline,
                    preview: Preview {
                        pipeline: Some(pipeline),
                        ..new.preview.clone()
                    },
                    ..new.clone()
                };
                if self.look_at_pipeline(&new).await? {
                    return Err(makes_apps_itself(member.name()));
                }
                let app = self.kept_app(&new, &kept).await?;
                previews.push(ServicePreview {
                    file,
                    member,
                    new,
                    app,
                    is_made: false,
                    decision: DeployDecision::deploy("it has a preview"),
                });
            }
            self.adopt_or_refuse(&mut previews, &kept).await?;
            if task.stack.only_changed {
                self.decide_previews(&mut previews, request, new).await;
            }
            refuse_missing(&previews, &stack.members)?;
            let live = stack.members.iter().map(StackMember::on_sevalla);
            Ok((previews, live.collect()))
        };
        match found.await {
            Ok(found) => Ok(found),
            Err(error) => Err(self.not_started(error).await),
        }
    }

    /// The ids of the pipelines, each of which has the previews of one service.
    async fn pipelines_of(
        &self,
        stack: &StackTask,
        wrong: &mut WrongNames,
    ) -> Result<Vec<Uuid>, TriggerError> {
        let kind = ResourceKind::Pipeline;
        let all = ResourceList::All(kind);
        let all = self.client.pages(all, Patience::BEFORE_THE_START).await?;
        let mut ids = Vec::new();
        for preview in &stack.previews {
            let name = &preview.pipeline;
            let found = match name.value.parse() {
                Ok(id) => Ok(id),
                Err(_) => named::find_among(&all, kind, &name.value, named::NameSearch::Id)
                    .map(|found| found.id),
            };
            match found {
                Ok(id) if ids.contains(&id) => {
                    let reason =
                        format!("Pipeline {} has the previews of two services", name.value);
                    let hint = "Use one pipeline for each service under `previews`";
                    let refused = FailedPrecondition::new(Failure::UnusableStack, reason, hint);
                    wrong.add(name, refused);
                }
                Ok(id) => ids.push(id),
                Err(refused) => wrong.add(name, refused),
            }
        }
        Ok(ids)
    }

    /// The app that the comment keeps for a pipeline, unless it is gone.
    async fn kept_app(
        &self,
        new: &NewPreview,
        kept: &[(String, Uuid)],
    ) -> Result<Option<PreviewApp>, TriggerError> {
        let key = new.pipeline.to_string();
        for (_, app) in kept.iter().filter(|(its, _)| *its == key) {
            if let Some(app) = self.proven(&new.preview, *app).await? {
                return Ok(Some(app));
            }
        }
        Ok(None)
    }

    /// An app of which it is known that the pull request's comment, or this run,
    /// has it: as it is now, if it still is a preview app that can belong to the
    /// pull request. `None` if it is gone.
    pub(super) async fn proven(
        &self,
        preview: &Preview,
        app: Uuid,
    ) -> Result<Option<PreviewApp>, TriggerError> {
        let Some(record) = find::read(&self.client, app).await? else {
            return Ok(None);
        };
        if is_being_deleted(record.status.as_deref()) {
            return Ok(None);
        }
        refuse_no_preview(&record)?;
        let app = PreviewApp {
            id: app,
            name: record.display_name.clone(),
            record: Some(record),
        };
        let number = app.record.as_ref().and_then(number_of_record);
        if may_be_numbered(preview, number) {
            return Ok(Some(app));
        }
        let reason = format!(
            "Preview app {} has the number of another pull request in its name",
            app.label()
        );
        let hint = "Rename it, or delete the comment that names it";
        Err(TriggerError::refused(
            Failure::PreviewOfAnotherRepository,
            reason,
            hint,
        ))
    }

    /// An app of the pull request that no comment names was left by a run that was
    /// killed, or made by another one. With one pipeline it is known whose it is.
    async fn adopt_or_refuse(
        &self,
        previews: &mut [ServicePreview<'_>],
        kept: &[(String, Uuid)],
    ) -> Result<(), TriggerError> {
        let Some(first) = previews.first() else {
            return Ok(());
        };
        let known = KeptApps {
            ours: Vec::new(),
            elsewhere: kept.iter().map(|(_, app)| *app).collect(),
        };
        let listed = find::list_previews(&self.client).await?;
        let preview = Preview {
            pipeline: None,
            ..first.new.preview.clone()
        };
        let meant = DeletingApps::Excluded;
        let found = find::choose_of_all(&self.client, &preview, &known, listed, meant).await?;
        let is_certain = |found: &PreviewMatch| found.is_certain();
        let apps = found.into_iter().filter(is_certain).map(|found| found.app);
        let apps: Vec<PreviewApp> = apps.collect();
        if apps.is_empty() {
            return Ok(());
        }
        if let ([only], [app]) = (previews, apps.as_slice())
            && only.app.is_none()
            && self.count_pipelines().await? < 2
        {
            only.app = Some(app.clone());
            return Ok(());
        }
        let labels: Vec<String> = apps.iter().map(PreviewApp::label).collect();
        Err(TriggerError::refused(
            Failure::SeveralPreviews,
            format!(
                "No comment on the pull request says which service these preview apps of it show: {}",
                labels.join(", ")
            ),
            "Delete them with delete-preview-app and app-id, then run this again",
        ))
    }

    /// Decides which services without a preview app get one: those of which the
    /// pull request changes a file, and all where that is not known.
    async fn decide_previews(
        &self,
        previews: &mut [ServicePreview<'_>],
        request: &PullRequest,
        new: &NewPreview,
    ) {
        let files = self.files_of(request, new).await;
        for preview in previews.iter_mut().filter(|preview| preview.app.is_none()) {
            let decided = match &files {
                Ok(files) => self.concerns(preview, files).await,
                Err(why) => Err(why.clone()),
            };
            preview.decision = decided.unwrap_or_else(|why| {
                DeployDecision::deploy(format!("what has changed is not known: {why}"))
            });
        }
    }

    async fn concerns(
        &self,
        preview: &ServicePreview<'_>,
        files: &BTreeSet<String>,
    ) -> Result<DeployDecision, String> {
        let filter = self.filter_of(&preview.member).await?;
        Ok(match filter.matches(files) {
            Some((file, _)) => DeployDecision::deploy(format!("the pull request changes {file}")),
            None => DeployDecision::keep("the pull request changes no file of it".to_owned()),
        })
    }

    /// The files that the pull request changes, or why they are not known.
    async fn files_of(
        &self,
        request: &PullRequest,
        new: &NewPreview,
    ) -> Result<BTreeSet<String>, String> {
        let head = new.commit.as_deref().or(request.head_commit.as_deref());
        let (Some(base), Some(head)) = (request.base_commit.as_deref(), head) else {
            return Err("the code host does not report the commits of the pull request".to_owned());
        };
        let by = self.deadline.moment().min(Instant::now() + PATIENCE);
        let silent = || "the code host did not answer in time".to_owned();
        let host = self.code_host(by).ok_or_else(silent)?;
        let host = host.map_err(|error| error.to_string())?;
        let files = self.in_time(by, host.files_changed_since(base, head)).await;
        match files.ok_or_else(silent)? {
            Ok(ChangedFiles::Known(files)) => Ok(files),
            Ok(ChangedFiles::Unknown(why)) => Err(why),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// A reference means a preview, or what is live if the file says so.
fn refuse_missing(
    previews: &[ServicePreview<'_>],
    members: &[StackMember],
) -> Result<(), TriggerError> {
    let has_preview = |service: usize| {
        let mut previews = previews.iter();
        previews.any(|other| other.file.service == service && other.decision.deploys)
    };
    let mut missing = Vec::new();
    for preview in previews.iter().filter(|preview| preview.decision.deploys) {
        for (_, service) in preview.file.references() {
            if !has_preview(service) && !preview.file.falls_back_to_live {
                let referred = members.get(service).map_or("", StackMember::name);
                missing.push(format!("{} refers to {referred}", preview.member.name()));
            }
        }
    }
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    Err(TriggerError::refused(
        Failure::UnusableStack,
        format!(
            "{}, which has no preview: this pull request does not change it",
            missing.join(", ")
        ),
        "Set `fallback: live` for a preview that may use the live address, or set only-changed to \
         false",
    ))
}

fn makes_apps_itself(service: &str) -> TriggerError {
    TriggerError::refused(
        Failure::SeveralPreviews,
        format!(
            "Sevalla creates the preview apps of {service}'s pipeline by itself, and does not report \
             which pipeline an app belongs to"
        ),
        "Turn off automatic preview apps for the pipelines of the stack",
    )
}
