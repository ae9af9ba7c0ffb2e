//! What is left to do once a preview was deployed: whether it is still wanted,
//! and its address.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::actions::ActionContext;
use crate::actions::preview::{PreviewResult, of_branch};
use crate::actions::task::NewPreview;
use crate::backoff::Schedule;
use crate::deployment::{EndedDeployment, Service};
use crate::event::EventKind;
use crate::exit_status::ExitStatus;
use crate::messages::{Failure, Warning};
use crate::outcome::Outcome;
use crate::sevalla::Patience;

/// How long the address of a new app may take to appear after its deployment.
pub(super) const ADDRESS: Duration = Duration::from_secs(60);

/// What has become of a preview while it was deployed.
enum PreviewState {
    /// It is there, and wanted.
    Stays,
    /// Its pull request is closed.
    Closed,
    /// It is gone, and wanted.
    Vanished,
}

/// What is known of a preview's address.
pub(super) enum PreviewAddress {
    /// It is this.
    Known(String),
    Unknown,
    /// There is no such app any more.
    AppGone,
}

impl ActionContext<'_> {
    /// The commit is live: what is to be done after a deployment is done all
    /// the same.
    pub(super) async fn is_up_to_date(
        &self,
        new: &NewPreview,
        service: Service,
        deployment: EndedDeployment,
    ) -> Outcome {
        let report = |event: EventKind<'_>| self.reporter.on(event);
        report(EventKind::Found(service, &deployment));
        let headline = format!(
            "The preview is up to date: deployment {} has this commit",
            deployment.id
        );
        let source = self.source(service, &deployment.id);
        let context = of_branch(new);
        let outcome = self.finalize(&source, deployment, &context, &report).await;
        match outcome.ending() {
            ExitStatus::Success => outcome.headed(headline),
            _ => outcome,
        }
    }

    /// What is left to do once a preview was deployed; and whether it was
    /// deleted, because nobody needs it any more.
    pub(super) async fn finish_preview(
        &self,
        new: &NewPreview,
        result: PreviewResult,
    ) -> (Outcome, bool) {
        let outcome = result.outcome;
        let app = match result.app {
            Some(app) if !matches!(outcome.ending(), ExitStatus::Interrupted(_)) => app,
            _ => return (outcome, false),
        };
        let made = result.app.filter(|_| result.is_made);
        if new.ends_with_pull_request {
            match self.standing(new, app).await {
                PreviewState::Stays => {}
                PreviewState::Vanished => return (self.vanished(), false),
                PreviewState::Closed => return self.closed_meanwhile(new, made).await,
            }
        }
        if outcome.ending() == ExitStatus::Success {
            let address = tokio::select! {
                address = self.wait_for_address(app) => address,
                _ = self.stop.requested() => PreviewAddress::Unknown,
            };
            match address {
                PreviewAddress::Known(url) => self.reporter.on(EventKind::Url(&url)),
                PreviewAddress::Unknown => self.reporter.on(EventKind::Warning(
                    Warning::NoPreviewAddress,
                    "The preview is deployed, but Sevalla does not report its address.",
                )),
                PreviewAddress::AppGone => {
                    return match self.after_the_end(new).await {
                        PreviewState::Closed => self.closed_meanwhile(new, made).await,
                        _ => (self.vanished(), false),
                    };
                }
            }
        }
        (outcome, false)
    }

    /// The app is gone, and its pull request is open.
    fn vanished(&self) -> Outcome {
        self.reporter.on(EventKind::PreviewGone);
        let vanished = "The preview app was deleted while it was built";
        Outcome::of(Failure::PreviewVanished, vanished)
            .because("The pull request was open when it was last read")
            .hint("Run this again to make another")
    }

    /// The pull request was closed: and whether nothing is left of the preview.
    async fn closed_meanwhile(&self, new: &NewPreview, made: Option<Uuid>) -> (Outcome, bool) {
        let outcome = self.was_closed(&new.preview, made).await;
        let is_deleted = outcome.ending() == ExitStatus::Passed;
        if is_deleted {
            self.reporter.on(EventKind::PreviewGone);
        }
        (outcome, is_deleted)
    }

    /// Whether the preview is still wanted. Where the pull request cannot be
    /// asked, the app shows it: Sevalla deletes it when its pull request is closed.
    async fn standing(&self, new: &NewPreview, app: Uuid) -> PreviewState {
        if self.is_open(new.preview.pull_request).await == Some(false) {
            return PreviewState::Closed;
        }
        let patience = Patience::FOR_A_SEARCH;
        let is_there = match self.client.get_application(app, patience).await {
            Ok(record) => record.status.as_deref() != Some("deleting"),
            Err(error) => error.status() != Some(404),
        };
        if is_there {
            PreviewState::Stays
        } else {
            self.after_the_end(new).await
        }
    }

    /// What it means that the app is gone. The pull request may have been closed
    /// since it was last read.
    async fn after_the_end(&self, new: &NewPreview) -> PreviewState {
        match self.is_open(new.preview.pull_request).await {
            Some(false) => PreviewState::Closed,
            None if new.ends_with_pull_request => PreviewState::Closed,
            _ => PreviewState::Vanished,
        }
    }

    async fn wait_for_address(&self, app: Uuid) -> PreviewAddress {
        let give_up = self.deadline.moment().min(Instant::now() + ADDRESS);
        let mut looks = Schedule::for_looks();
        loop {
            let patience = Patience::For(Duration::from_secs(10));
            let address = self.look_at_address(app, patience).await;
            if !matches!(address, PreviewAddress::Unknown) || Instant::now() >= give_up {
                return address;
            }
            sleep(looks.next_wait(None)).await;
        }
    }

    /// The address of a preview app as Sevalla reports it now.
    pub(super) async fn look_at_address(&self, app: Uuid, patience: Patience) -> PreviewAddress {
        match self.client.application_host(app, patience).await {
            Ok(host) => match host.and_then(|host| url_of_host(&host)) {
                Some(url) => PreviewAddress::Known(url),
                None => PreviewAddress::Unknown,
            },
            Err(error) if error.is_gone() => PreviewAddress::AppGone,
            Err(_) => PreviewAddress::Unknown,
        }
    }
}

/// The address of a host.
pub(super) fn url_of_host(host: &str) -> Option<String> {
    let url = crate::sevalla::address(host)?;
    Some(url.as_str().trim_end_matches('/').to_owned())
}
