//! What is done to what a company has, beside deploying it.

mod cache;
pub(crate) mod change;
mod delete;
mod list;
pub(crate) mod resolve;
pub(crate) mod settings;
mod update;

use crate::actions::ActionContext;
use crate::actions::error::TriggerError;
use crate::actions::explain::NOTHING_CHANGED;
use crate::actions::resolve::ResourceAction;
use crate::actions::task::DeployOperation;
use crate::deployment::DeploySource;
use crate::exit_status::ExitStatus;
use crate::outcome::Outcome;
use crate::shutdown::Signal;

/// Said of a look that a signal ended.
pub(crate) const ONLY_READ: &str = NOTHING_CHANGED;

/// Said of a change that a signal ended.
const UNSEEN: &str = "Whether the last request took effect was not seen";

/// What to do then: none of these does anything twice.
const RUN_AGAIN: &str = "Run this again: what is done already is not done twice";

/// What to do when something may have been made that is not to be seen, or
/// more than once: the next run would not see it either, or take it for its own.
pub(crate) const LOOK_FIRST: &str =
    "Check in the dashboard before running this again: a second run could create a second one";

impl ActionContext<'_> {
    /// Does it, to its end.
    pub(crate) async fn manage(&self, management: &ResourceAction) -> Outcome {
        match management {
            ResourceAction::List(inventory) => {
                self.unless_stopped(self.list(inventory), only_read).await
            }
            ResourceAction::Show(subject) => {
                self.unless_stopped(self.show(subject), only_read).await
            }
            ResourceAction::Update(update) => self.update(update).await,
            ResourceAction::Delete(request) => self.delete(request).await,
            ResourceAction::CreateDatabase(new) => self.create_database(new).await,
            ResourceAction::Connect(link) => {
                let outcome = self.connect(link).await;
                if outcome.ending() != ExitStatus::Success || !link.restart {
                    return outcome;
                }
                let order = DeploySource {
                    restart: true,
                    ..DeploySource::default()
                };
                self.deploy(&DeployOperation::DeployApplication {
                    app: link.app,
                    order,
                })
                .await
            }
            ResourceAction::Purge(service) => {
                self.unless_stopped(self.purge(*service), unseen).await
            }
            ResourceAction::ToggleCdn(app, wanted) => self.toggle_cdn(*app, *wanted).await,
        }
    }

    /// Does something of which no part has to be waited for once somebody
    /// asks to end.
    pub(crate) async fn unless_stopped(
        &self,
        work: impl Future<Output = Outcome>,
        stopped: fn(Signal) -> Outcome,
    ) -> Outcome {
        self.until_stopped(work).await.unwrap_or_else(stopped)
    }

    /// It was not done, or it is not known whether it was.
    pub(crate) async fn not_done(&self, error: TriggerError) -> Outcome {
        let is_unsure = may_be_made(&error);
        let mut outcome = self.not_started(error).await;
        if outcome.ending() == ExitStatus::Ambiguous {
            let hint = if is_unsure { LOOK_FIRST } else { RUN_AGAIN };
            outcome.hint = Some(hint.to_owned());
        }
        outcome
    }
}

/// A signal ended a look.
pub(crate) fn only_read(signal: Signal) -> Outcome {
    Outcome::interrupted(signal).because(ONLY_READ)
}

/// A signal ended a change.
pub(crate) fn unseen(signal: Signal) -> Outcome {
    Outcome::interrupted(signal).because(UNSEEN).hint(RUN_AGAIN)
}

/// Whether something may have been made all the same.
pub(crate) fn may_be_made(error: &TriggerError) -> bool {
    match error {
        TriggerError::Ambiguous { .. } | TriggerError::Unidentified(_) => true,
        TriggerError::At(_, error) => may_be_made(error),
        TriggerError::Api(_) | TriggerError::Refused(_) => false,
    }
}
