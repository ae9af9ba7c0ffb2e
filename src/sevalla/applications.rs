//! Operations on applications: one method of [`Client`] for each.

use uuid::Uuid;

use super::operation::{
    CANCEL_DEPLOYMENT, GET_APPLICATION, GET_APPLICATION_DEPLOYMENT_LOGS, GET_DEPLOYMENT,
    LIST_APPLICATION_DOMAINS, LIST_APPLICATIONS, LIST_DEPLOYMENTS, ROLLBACK_DEPLOYMENT,
    TRIGGER_DEPLOYMENT,
};
use super::wire::{self, Page, RollbackBody, TriggerBody, WireDeployment, WireLogEntry};
use super::{
    ApiCall, ApiError, AppSummary, Application, Client, Domain, LOG_PAGE, LONGEST_PAGE, ListPage,
    LogWindow, Patience, Writes,
};
use crate::deployment::{DeploySource, Deployment, DeploymentId, LogLine};
use crate::lenient_json::Entries;
use crate::sevalla::attempt::ApiResponse;
use crate::sevalla::mutations::confirmed;

impl Client {
    /// Reads an application's record.
    pub async fn get_application(
        &self,
        app: Uuid,
        patience: Patience,
    ) -> Result<Application, ApiError> {
        let app = app.to_string();
        let call = ApiCall::new(&GET_APPLICATION, [app.as_str()]);
        let read = |answer: &ApiResponse| answer.record(&app, |record: &Application| &record.id);
        self.send_and(call, patience, read).await
    }

    /// Reads a page of the company's applications, newest first.
    pub async fn list_applications(
        &self,
        offset: usize,
        patience: Patience,
    ) -> Result<ListPage<AppSummary>, ApiError> {
        let call = ApiCall::new(&LIST_APPLICATIONS, [])
            .query("limit", LONGEST_PAGE.to_string())
            .query("offset", offset.to_string());
        let page: Page<AppSummary> = self.send(call, patience).await?;
        Ok(ListPage::of(page))
    }

    /// Reads an application's newest deployments, newest first. In the place of
    /// an entry that cannot be read is [`Deployment::unreadable`].
    pub async fn list_deployments(
        &self,
        app: Uuid,
        limit: usize,
        patience: Patience,
    ) -> Result<Vec<Deployment>, ApiError> {
        let app = app.to_string();
        let call =
            ApiCall::new(&LIST_DEPLOYMENTS, [app.as_str()]).query("limit", limit.to_string());
        let page: Page<WireDeployment> = self.send(call, patience).await?;
        Ok(wire::deployments(page))
    }

    /// Reads a page of an application's deployments, newest first.
    pub async fn list_deployments_from(
        &self,
        app: Uuid,
        offset: usize,
        patience: Patience,
    ) -> Result<Vec<Deployment>, ApiError> {
        let app = app.to_string();
        let call = ApiCall::new(&LIST_DEPLOYMENTS, [app.as_str()]).page(offset);
        let page: Page<WireDeployment> = self.send(call, patience).await?;
        Ok(wire::deployments(page))
    }

    /// Reads one deployment.
    pub async fn get_deployment(
        &self,
        app: Uuid,
        id: &DeploymentId,
        patience: Patience,
    ) -> Result<Deployment, ApiError> {
        let app = app.to_string();
        let call = ApiCall::new(&GET_DEPLOYMENT, [app.as_str(), &id.0]);
        self.send_and(call, patience, |answer| answer.deployment(id))
            .await
    }

    /// Reads a part of a deployment's log, once.
    pub async fn get_application_deployment_logs(
        &self,
        app: Uuid,
        id: &DeploymentId,
        window: LogWindow,
    ) -> Result<Vec<LogLine>, ApiError> {
        let app = app.to_string();
        let call = window.query(ApiCall::new(
            &GET_APPLICATION_DEPLOYMENT_LOGS,
            [app.as_str(), &id.0],
        ));
        let entries: Entries<WireLogEntry, LOG_PAGE> = self.send(call, Patience::Once).await?;
        Ok(wire::log_lines(entries))
    }

    /// Reads an application's domains.
    pub async fn list_application_domains(
        &self,
        app: Uuid,
        patience: Patience,
    ) -> Result<Vec<Domain>, ApiError> {
        let app = app.to_string();
        let call = ApiCall::new(&LIST_APPLICATION_DOMAINS, [app.as_str()])
            .query("limit", LONGEST_PAGE.to_string());
        let page: Page<Domain> = self.send(call, patience).await?;
        Ok(page.data.readable())
    }

    /// The host under which an application can be visited, if it has one: the
    /// primary domain where it works, else the system's.
    pub async fn application_host(
        &self,
        app: Uuid,
        patience: Patience,
    ) -> Result<Option<String>, ApiError> {
        let domains = self.list_application_domains(app, patience).await?;
        Ok(best_host(domains))
    }
}

/// The domain under which an application can be visited best.
pub(crate) fn best_host(domains: impl IntoIterator<Item = Domain>) -> Option<String> {
    let ranked = domains
        .into_iter()
        .filter_map(|domain| Some((rank(&domain)?, domain.name)));
    ranked.min().map(|(_, name)| name)
}

impl Writes<'_> {
    /// Deploys an earlier success of an application again. Never sent again once
    /// it may have taken effect.
    ///
    /// The document has no body for this; the official CLI requires the id of a
    /// deployment and sends it. Without one the service chooses, by the document
    /// its most recent success.
    pub async fn rollback_deployment(
        self,
        app: Uuid,
        to: Option<&DeploymentId>,
        patience: Patience,
    ) -> Result<Deployment, ApiError> {
        let app = app.to_string();
        let call = ApiCall::new(&ROLLBACK_DEPLOYMENT, [app.as_str()]);
        let call = match to {
            Some(to) => call.json(&RollbackBody {
                deployment_id: &to.0,
            }),
            None => call,
        };
        let deployment: WireDeployment = self.0.send(call, patience).await?;
        Ok(deployment.into())
    }

    /// Starts a deployment. Never sent again once it may have taken effect.
    pub async fn trigger_deployment(
        self,
        app: Uuid,
        order: &DeploySource,
        patience: Patience,
    ) -> Result<Deployment, ApiError> {
        let app = app.to_string();
        let body = TriggerBody {
            branch: order.branch.as_deref(),
            docker_image: order.docker_image.as_deref(),
            is_restart: order.restart,
        };
        let call = ApiCall::new(&TRIGGER_DEPLOYMENT, [app.as_str()]).json(&body);
        let deployment: WireDeployment = self.0.send(call, patience).await?;
        Ok(deployment.into())
    }

    /// Asks to cancel a deployment, once. Whether it worked is shown by its
    /// status.
    pub async fn cancel_deployment(self, app: Uuid, id: &DeploymentId) -> Result<(), ApiError> {
        let app = app.to_string();
        let call = ApiCall::new(&CANCEL_DEPLOYMENT, [app.as_str(), &id.0]);
        self.0.send_and(call, Patience::Once, confirmed).await
    }
}

/// How good a domain is as an address; `None` if it does not work as one.
fn rank(domain: &Domain) -> Option<u8> {
    // The words are plain strings in the document's schema.
    let is = |word: &Option<String>, known: &str| {
        word.as_deref()
            .is_some_and(|word| word.eq_ignore_ascii_case(known))
    };
    let is_system = is(&domain.kind, "SYSTEM");
    let works = if is_system {
        domain.is_enabled
    } else {
        is(&domain.status, "ACTIVE")
    };
    match (works && !domain.is_wildcard, domain.is_primary, is_system) {
        (false, ..) => None,
        (true, true, _) => Some(0),
        (true, false, true) => Some(1),
        (true, false, false) => Some(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_best_domain_that_works() {
        let domain = |kind: &str, status: &str, enabled, primary| Domain {
            name: "a.b".to_owned(),
            status: Some(status.to_owned()),
            kind: Some(kind.to_owned()),
            is_enabled: enabled,
            is_wildcard: false,
            is_primary: primary,
        };
        for (domain, expected) in [
            (domain("CUSTOM", "ACTIVE", false, true), Some(0)),
            (domain("SYSTEM", "ACTIVE", true, true), Some(0)),
            (domain("SYSTEM", "ACTIVE", true, false), Some(1)),
            (domain("CUSTOM", "ACTIVE", true, false), Some(2)),
            (domain("CUSTOM", "POINTING", true, true), None),
            (domain("SYSTEM", "ACTIVE", false, true), None),
            // Whatever the case.
            (domain("system", "active", true, false), Some(1)),
            (domain("System", "", false, true), None),
            (domain("custom", "Active", false, false), Some(2)),
            (domain("Custom", "pointing", true, true), None),
        ] {
            assert_eq!(rank(&domain), expected, "{domain:?}");
        }
    }
}
