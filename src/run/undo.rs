//! Going back to what was live, after something that this run has deployed
//! turned out to be wrong.

use super::Run;
use crate::deployment::{Deployment, Service, Verdict};
use crate::plan::Work;
use crate::report::Event;
use crate::trigger::{self, Started, Tell};
use crate::watch::{Ended, Reading, Watch};

impl Run<'_> {
    /// Goes back to `live`, which this run has replaced, and says in a sentence
    /// what is live after that. Once: what cannot be undone stays as it is.
    pub(super) async fn undo(
        &self,
        service: Service,
        live: Option<&Deployment>,
        tell: Tell<'_>,
    ) -> String {
        let Some(live) = live else {
            return "Nothing was live before, so there is nothing to go back to: what was \
                    deployed stays live"
                .to_owned();
        };
        tell(Event::Note(&format!("Rolling back to {}", live.summary())));
        tokio::select! {
            said = self.go_back(service, live, tell) => said,
            _ = self.stop.asked() => "A signal came while this run was rolling back; what is \
                live is not known"
                .to_owned(),
        }
    }

    async fn go_back(&self, service: Service, live: &Deployment, tell: Tell<'_>) -> String {
        let work = Work::back_to(service, live);
        // The outputs stay with what was deployed, not with what takes it back.
        let quietly = |event: Event<'_>| match event {
            Event::Target(..) => {}
            Event::Started(_, deployment) => tell(Event::Note(&format!(
                "Rollback started as deployment {}",
                deployment.id
            ))),
            Event::Seen(deployment) => tell(Event::Note(&format!(
                "Rollback: {}",
                deployment.status.word()
            ))),
            event => tell(event),
        };
        let before = trigger::look_before(&self.client, self.plan, &work, &quietly).await;
        let started = match before {
            Ok(before) => trigger::start(&self.client, &work, true, &before, &quietly).await,
            Err(error) => Err(error),
        };
        let deployment = match started {
            Ok(Started::Known(_, deployment)) => *deployment,
            Ok(Started::Unseen) => return not_rolled_back("its deployment is not known"),
            Err(error) => {
                let reasons = crate::outcome::Outcome::of_trigger_error(error).why;
                return not_rolled_back(&reasons.join("; "));
            }
        };
        let source = self.source(service, &deployment.id);
        let ended = Watch::new(
            &source,
            deployment,
            self.deadline,
            Reading::AfterFailure,
            &quietly,
        )
        .follow()
        .await;
        describe(&ended, live)
    }
}

fn not_rolled_back(why: &str) -> String {
    format!("It could not be rolled back and stays live: {why}")
}

/// What is live after a rollback that ended like this.
fn describe(ended: &Ended, before: &Deployment) -> String {
    match ended {
        Ended::Seen(now, Verdict::Success) => {
            let is_other = before
                .commit_sha
                .as_ref()
                .zip(now.commit_sha.as_ref())
                .is_some_and(|(before, now)| !before.eq_ignore_ascii_case(now));
            if is_other {
                return format!(
                    "Rolled back, but not to what was live before ({}): live is {}",
                    before.summary(),
                    now.summary()
                );
            }
            format!("Rolled back: live is {}", now.summary())
        }
        Ended::Seen(now, _) => not_rolled_back(&format!(
            "the rollback, deployment {}, ended {}",
            now.id,
            now.status.word()
        )),
        Ended::TimedOut { last, .. } | Ended::Lost { last, .. } => format!(
            "Rolling back was started as deployment {}, whose end was not seen",
            last.id
        ),
    }
}
