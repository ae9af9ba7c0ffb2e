//! Checking what was deployed: what can be known of it before the start, and
//! the address that `verify-url: auto` stands for.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use url::Url;

use crate::actions::deploy::preflight::Preflight;
use crate::actions::error::{Report, TriggerError};
use crate::actions::{ActionContext, DETAIL_TIMEOUT, nothing_started};
use crate::backoff::Schedule;
use crate::deployment::{Service, ServiceKind};
use crate::event::EventKind;
use crate::follow::DeploymentClient;
use crate::messages::{Failure, Warning};
use crate::outcome::Outcome;
use crate::sevalla;
use crate::sevalla::{ApiError, Patience};
use crate::verify::Check;

/// How long an address is waited for that Sevalla does not give yet.
const ADDRESS: Duration = Duration::from_secs(20);

/// How long one reading of the address is repeated.
const READING: Duration = Duration::from_secs(10);

/// The service's own address, as far as it was read.
pub(crate) type ServiceAddress = Result<Option<Url>, ApiError>;

impl ActionContext<'_> {
    /// Refuses a change after which the check that is asked for could not be
    /// made, and warns where that may be so.
    pub(crate) async fn refuse_impossible_check(
        &self,
        service: Service,
        before: &Preflight,
        report: Report<'_>,
    ) -> Result<(), Outcome> {
        let Some(check) = self.plan.check.as_ref().filter(|_| self.plan.follow) else {
            return Ok(());
        };
        if before.is_image && check.needs_commit() {
            return Err(self.not_started(image_without_commit()).await);
        }
        if check.address.is_some() {
            return Ok(());
        }
        let read = tokio::select! {
            read = self.address_before(service, before) => read,
            signal = self.stop.requested() => return Err(nothing_started(signal)),
        };
        match read {
            Ok(Some(_)) => {}
            Ok(None) => report(EventKind::Warning(
                Warning::AddressUnknown,
                "verify-url is auto, and Sevalla gives no address of the service yet. The run \
                 looks again after the deployment has succeeded.",
            )),
            Err(error) if matches!(error.status(), Some(401 | 403)) => {
                return Err(self.not_started(TriggerError::Api(error)).await);
            }
            Err(error) => report(EventKind::Warning(
                Warning::AddressUnknown,
                &format!(
                    "verify-url is auto, and the address of the service could not be read: \
                     {error}. The run looks again after the deployment has succeeded."
                ),
            )),
        }
        Ok(())
    }

    async fn address_before(&self, service: Service, before: &Preflight) -> ServiceAddress {
        let host = match service.kind {
            ServiceKind::Application => {
                let patience = Patience::For(READING);
                self.client.application_host(service.id, patience).await?
            }
            // Its record was read just before.
            ServiceKind::StaticSite => before.host.clone(),
        };
        Ok(host.as_deref().and_then(sevalla::address))
    }

    /// The address for a check, which is waited for where Sevalla does not give
    /// it at once; else why there is none. `known` is what was read last.
    pub(crate) async fn find_address_to_check(
        &self,
        source: &DeploymentClient,
        check: &Check,
        known: Option<ServiceAddress>,
        deadline: Instant,
    ) -> Result<Url, String> {
        let give_up = deadline.min(Instant::now() + check.timeout.min(ADDRESS));
        let mut looks = Schedule::for_looks();
        let mut known = known;
        loop {
            let own = match known.take() {
                Some(own) => own,
                None => own_address(source, None, Patience::For(READING)).await,
            };
            let reason = match own {
                Ok(Some(url)) => return Ok(url),
                Ok(None) => "Sevalla does not report its address; set verify-url to it".to_owned(),
                Err(error) => {
                    let reason = format!(
                        "its address could not be read: {error}. Set verify-url to the address"
                    );
                    if !may_heal(&error) {
                        return Err(reason);
                    }
                    reason
                }
            };
            let wait = looks.next_wait(None);
            if Instant::now() + wait >= give_up {
                return Err(reason);
            }
            sleep(wait).await;
        }
    }
}

/// Where the service can be visited. `host` is what is known already.
pub(crate) async fn own_address(
    source: &DeploymentClient,
    host: Option<&str>,
    patience: Patience,
) -> ServiceAddress {
    let (client, id) = (&source.client, source.service.id);
    let host = match (source.service.kind, host) {
        (ServiceKind::Application, _) => client.application_host(id, patience).await?,
        (ServiceKind::StaticSite, Some(host)) => Some(host.to_owned()),
        (ServiceKind::StaticSite, None) => client.get_static_site(id, patience).await?.hostname,
    };
    Ok(host.as_deref().and_then(sevalla::address))
}

/// How long reading the address may take where it only adds words.
pub(crate) const FOR_DETAILS: Patience = Patience::For(DETAIL_TIMEOUT);

/// Whether another look may bring what this one has not.
fn may_heal(error: &ApiError) -> bool {
    !matches!(error.status(), Some(400..=499)) || error.status() == Some(429)
}

fn image_without_commit() -> TriggerError {
    TriggerError::refused(
        Failure::ImageWithoutCommit,
        "The application runs an image, which has no commit, and verify-url or verify-contains \
         contains {commit} or {commit-short}",
        "Check something else that names the version, such as a header with the image's tag, or \
         use {deployment-id}",
    )
}
