//! The journal of a whole run: opened before the first request, closed with the
//! run's end.

use std::path::PathBuf;
use std::rc::Rc;

use crate::actions::ActionContext;
use crate::actions::deploy::finalize::DeploymentContext;
use crate::actions::journaling::{DATABASE, PREVIEW, PROMOTE, service_of};
use crate::actions::resolve::ResourceAction;
use crate::actions::task::{DeployOperation, PreviewSelector, Promotion, Task};
use crate::deployment::{Deployment, DeploymentId, Service, Status};
use crate::event::{Event, EventKind};
use crate::exit_status::ExitStatus;
use crate::inputs::ActionName;
use crate::journal::{Effect, EndRecord, Journal, JournalError, Opening, RunIdentity, WriteRecord};
use crate::messages::Failure;
use crate::outcome::{Outcome, Success};
use crate::sevalla::Patience;
use crate::text::truncate::shorten;

/// The most of a text that the journal keeps, in bytes.
const LONGEST: usize = 1000;

/// The most reasons that it keeps.
const MOST_REASONS: usize = 20;

/// Where a run keeps its journal, and which run it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunJournal {
    /// The file.
    pub path: PathBuf,
    /// The run and its step, as the user or the CI names them.
    pub key: String,
    /// Which attempt at it this is, as the CI counts or names it.
    pub attempt: Option<String>,
    /// The action.
    pub action: ActionName,
}

impl ActionContext<'_> {
    /// Opens the journal, if the run has one. The error is the end of the run:
    /// it has ended before, or must not begin.
    pub(super) async fn open_journal(&self) -> Result<(), Outcome> {
        let plan = self.plan;
        let target = target_of(&plan.task);
        let (Some(journal), Some(token), Some(target)) = (&plan.journal, &plan.token, target)
        else {
            return Ok(());
        };
        if plan.dry_run {
            return Ok(());
        }
        // A secret in these is masked: in the same way each time.
        let masked = |text: &str| self.sanitizer.line(text).as_str().to_owned();
        let identity = RunIdentity {
            key: masked(&journal.key),
            action: journal.action.word().to_owned(),
            target: masked(&target),
            attempt: journal.attempt.clone(),
        };
        let opened = match Journal::open(&journal.path, token, identity) {
            Ok(Opening::Fresh(opened) | Opening::Unfinished(opened)) => opened,
            Ok(Opening::Finished(opened, end)) => {
                return Err(self.report_again(&opened, &end).await);
            }
            Err(error) => return Err(Outcome::without_journal(&error)),
        };
        let _opened_once = self.journal.set(Rc::new(opened));
        Ok(())
    }

    /// Records the end of the run, if a run that is started again after it is to
    /// report it. Otherwise that run continues.
    pub(super) fn close_journal(&self, mut outcome: Outcome) -> Outcome {
        let is_final = matches!(outcome.ending().code(), 0 | 1 | 3 | 7 | 8);
        let Some(journal) = self.journal.get().filter(|_| is_final) else {
            return outcome;
        };
        let is_ambiguous = outcome.ending() == ExitStatus::Ambiguous;
        if is_ambiguous && let Some(RunJournal { path, .. }) = &self.plan.journal {
            let check = outcome.hint.as_deref().unwrap_or("Check the dashboard");
            outcome.hint = Some(format!(
                "{check}. Then delete {}: until you do, each further run with this run key ends \
                 with this result",
                path.display()
            ));
        }
        // Text from outside may contain a secret.
        let text = |text: &str| {
            let line = shorten(self.sanitizer.line(text), LONGEST, self.sanitizer);
            line.as_str().to_owned()
        };
        let result = match outcome.failure() {
            Some(failure) => failure.slug(),
            None => outcome.ending().word(),
        };
        let end = EndRecord {
            result: result.to_owned(),
            headline: text(&outcome.headline),
            why: outcome
                .why
                .iter()
                .take(MOST_REASONS)
                .map(|why| text(why))
                .collect(),
            hint: outcome.hint.as_deref().map(text),
            is_ambiguous,
        };
        if let Err(error) = journal.finish(end) {
            self.reporter.on(EventKind::Note(&format!(
                "The state-file could not be written: {error}"
            )));
        }
        outcome
    }

    /// The end of this run, which the journal knows.
    async fn report_again(&self, journal: &Journal, end: &EndRecord) -> Outcome {
        self.reporter.on(EventKind::Note(
            "The state-file says that this run has ended. Reporting its result again; nothing is \
             started.",
        ));
        for write in journal.writes() {
            self.report_write(&write).await;
        }
        let word = |status: ExitStatus| end.result == status.word();
        let failure = Failure::ALL
            .iter()
            .find(|failure| failure.slug() == end.result);
        let result = match failure {
            Some(failure) => Err(*failure),
            None if word(ExitStatus::Triggered) => Ok(Success::Triggered),
            None if word(ExitStatus::Passed) => Ok(Success::Passed),
            None if word(ExitStatus::Success) => Ok(Success::Done),
            None => Err(Failure::StateOfAnotherRun),
        };
        Outcome {
            why: end.why.clone(),
            hint: end.hint.clone(),
            ..Outcome::new(result, end.headline.clone())
        }
        .because("This run had ended before; the result is from the state-file")
    }

    /// Reports what a write has made, for outputs and reports.
    async fn report_write(&self, write: &WriteRecord) {
        let (Effect::Made { id } | Effect::Followed { id }) = &write.effect else {
            return;
        };
        let uuid = id.parse().ok();
        match (write.name.as_str(), service_of(&write.before), uuid) {
            (PREVIEW, _, Some(app)) => self.reporter.on(EventKind::PreviewApp {
                app,
                name: None,
                is_new: true,
            }),
            (DATABASE, _, Some(id)) => self.reporter.on(EventKind::Database {
                id,
                is_new: Some(true),
            }),
            (name, Some(service), _) if !name.starts_with("rollback") => {
                self.report_deployment(service, id, name).await;
            }
            _ => {}
        }
    }

    async fn report_deployment(&self, service: Service, id: &str, name: &str) {
        let id = DeploymentId(id.to_owned());
        let read = self.client.read_deployment(service, &id, Patience::Once);
        let read = self.for_more_words(read).await;
        let seen = read
            .and_then(Result::ok)
            .unwrap_or_else(|| Deployment::only_its_id(id));
        let found = EventKind::Found(service, &seen);
        if name.starts_with(PROMOTE) {
            self.reporter.on(Event::about(service, found));
            return;
        }
        self.reporter.on(found);
        if seen.status == Status::Success {
            let source = self.source(service, &seen.id);
            let context = DeploymentContext::default();
            let report = |event: EventKind<'_>| self.reporter.on(event);
            let url = self.report_url(&source, &context, &report);
            let _only_words = self.for_more_words(url).await;
        }
    }
}

impl Outcome {
    /// The journal cannot be used, so nothing was begun.
    fn without_journal(error: &JournalError) -> Self {
        let (failure, headline) = match error {
            JournalError::InUse(_) => (
                Failure::StateFileInUse,
                "Nothing was done: another process of this run is still at work",
            ),
            JournalError::NotOurs(..) => (
                Failure::StateOfAnotherRun,
                "Nothing was done: state-file may hold a write whose end nobody has seen",
            ),
            JournalError::Unusable(..) => (
                Failure::StateFileUnusable,
                "Nothing was done: state-file cannot be used",
            ),
        };
        Self::of(failure, headline).because(error.to_string())
    }
}

/// What a task changes, for tasks that have a journal: two runs that deploy
/// different things are never taken for the same.
fn target_of(task: &Task) -> Option<String> {
    match task {
        Task::Deploy(work) => Some(target_of_deployment(work)),
        Task::RollBack(service) => Some(format!("{service} to the version before")),
        Task::Promote(promotion) => {
            let Promotion {
                pipeline,
                source,
                targets,
            } = promotion;
            let targets: Vec<String> = targets.iter().map(ToString::to_string).collect();
            let targets = targets.join(", ");
            Some(format!("{source} to {targets} in pipeline {pipeline}"))
        }
        Task::CreatePreview(wanted) => Some(target_of_preview(wanted)),
        Task::Manage(management) => match &**management {
            ResourceAction::CreateDatabase(new) => Some(format!("database {:?}", new.name)),
            _ => None,
        },
        _ => None,
    }
}

fn target_of_deployment(work: &DeployOperation) -> String {
    let service = work.service();
    let service = service.map_or_else(|| "an application".to_owned(), |it| it.to_string());
    match work {
        DeployOperation::DeployApplication { order, .. } => {
            let branch = order.branch.as_deref();
            let image = order.docker_image.as_deref();
            let restart = if order.restart { " by a restart" } else { "" };
            match image.or(branch) {
                Some(version) => format!("{service} at {version}{restart}"),
                None => format!("{service}{restart}"),
            }
        }
        DeployOperation::CallHook { .. } => format!("{service} by its hook"),
        DeployOperation::DeployStaticSite { branch, .. } => match branch {
            Some(branch) => format!("{service} at {branch}"),
            None => service,
        },
        DeployOperation::RollBackApplication { earlier, .. } => {
            format!("{service} to deployment {}", earlier.id)
        }
        DeployOperation::RollBackStaticSite { to, .. } => format!("{service} to deployment {to}"),
    }
}

fn target_of_preview(wanted: &PreviewSelector) -> String {
    let preview = &wanted.preview;
    let of = match (preview.app, preview.pull_request, &preview.branch) {
        (Some(app), ..) => format!("application {app}"),
        (None, Some(number), _) => format!("pull request {number}"),
        (None, None, Some(branch)) => format!("branch {branch}"),
        (None, None, None) => "a branch".to_owned(),
    };
    format!("a preview of {of} in pipeline {}", wanted.pipeline)
}
