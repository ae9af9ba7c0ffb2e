//! Caches and the CDN.

use std::pin::pin;

use uuid::Uuid;

use crate::actions::manage::change;
use crate::actions::manage::change::{CdnError, CdnState, on_or_off};
use crate::actions::{ActionContext, Interruption, WriteResult};
use crate::deployment::Service;
use crate::event::EventKind;
use crate::messages::Failure;
use crate::outcome::Outcome;
use crate::sevalla::RetryDecision;

impl ActionContext<'_> {
    /// Empties the caches in front of a service.
    pub(crate) async fn purge(&self, service: Service) -> Outcome {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        if self.plan.dry_run {
            return Outcome::planned(&format!("purge the cache of {service}"));
        }
        match change::purge_cache(&self.client, service, &report).await {
            Ok(()) => Outcome::success(format!("Purged the cache of {service}"))
                .because("It can take up to five minutes to reach all locations"),
            Err(error) => self.not_done(error.into()).await,
        }
    }

    /// Turns an application's CDN on or off.
    pub(crate) async fn toggle_cdn(&self, app: Uuid, wanted: bool) -> Outcome {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        report(EventKind::Note(
            "This is about the CDN. For edge caching the API offers no switch: that is in the \
             dashboard.",
        ));
        if self.plan.dry_run {
            let to = on_or_off(wanted);
            return Outcome::planned(&format!(
                "turn the CDN {to}; the API reports its state only when it is turned"
            ));
        }
        if let Some(signal) = self.stop.signal() {
            return crate::actions::manage::only_read(signal);
        }
        let toggle = pin!(change::toggle_cdn(&self.client, app, wanted, &report));
        match self.write_or_stop(toggle, None, &report).await {
            WriteResult::Done(turned) => self.of_turned(turned).await,
            WriteResult::Interrupted(Interruption { signal, result, .. }) => {
                let ended = match result {
                    Some(turned) => self.of_turned(turned).await,
                    None => Outcome::of(
                        Failure::AnswerLost,
                        "Whether the CDN was turned was not seen",
                    ),
                };
                let mut outcome = Outcome::interrupted(signal).because(ended.headline);
                outcome.why.extend(ended.why);
                outcome
            }
        }
    }

    async fn of_turned(&self, turned: Result<CdnState, CdnError>) -> Outcome {
        let CdnError { error, turned_from } = match turned {
            Ok(CdnState { before, after }) => return in_words(before, after),
            Err(not_turned) => not_turned,
        };
        let (is_lost, status) = (error.next() == RetryDecision::Ambiguous, error.status());
        let mut outcome = Outcome::of_api_error(&error);
        match turned_from {
            Some(before) if is_lost => {
                outcome = outcome.because(format!(
                    "The CDN was {} before. It was turned to find out, and whether it was turned \
                     back is not known",
                    on_or_off(before)
                ));
            }
            Some(before) => {
                outcome = outcome
                    .because(format!(
                        "The CDN was {} before, and is {} now: it was turned to find out, and was \
                         not turned back",
                        on_or_off(before),
                        on_or_off(!before)
                    ))
                    .hint("Run this again, or turn it in the dashboard");
            }
            None => {}
        }
        if is_lost {
            outcome = outcome
                .because("A toggle is not sent again: a second one would take back the first")
                .hint("Check in the dashboard what the CDN is. Then run this again");
        }
        self.with_capabilities(outcome, status).await
    }
}

fn in_words(before: bool, after: bool) -> Outcome {
    let headline = if before == after {
        format!("The CDN was {} already, and is", on_or_off(before))
    } else {
        format!(
            "The CDN was {}, and is {} now",
            on_or_off(before),
            on_or_off(after)
        )
    };
    Outcome::success(headline)
}
