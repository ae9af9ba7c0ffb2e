//! Operations on static sites: one method of [`Client`] for each.

use uuid::Uuid;

use super::operation::{
    CANCEL_STATIC_SITE_DEPLOYMENT, DEPLOY_STATIC_SITE, GET_STATIC_SITE, GET_STATIC_SITE_DEPLOYMENT,
    GET_STATIC_SITE_DEPLOYMENT_LOGS, LIST_STATIC_SITE_DEPLOYMENTS,
};
use super::wire::{DeployStaticSiteBody, Page, WireDeployment, WireLogEntry};
use super::{ApiCall, ApiError, Client, LOG_PAGE, LogWindow, Patience, StaticSite, Writes, wire};
use crate::deployment::{Deployment, DeploymentId, LogLine};
use crate::lenient_json::Entries;
use crate::sevalla::attempt::ApiResponse;
use crate::sevalla::mutations::confirmed;

impl Client {
    /// Reads a static site's record.
    pub async fn get_static_site(
        &self,
        site: Uuid,
        patience: Patience,
    ) -> Result<StaticSite, ApiError> {
        let site = site.to_string();
        let call = ApiCall::new(&GET_STATIC_SITE, [site.as_str()]);
        let read = |answer: &ApiResponse| answer.record(&site, |record: &StaticSite| &record.id);
        self.send_and(call, patience, read).await
    }

    /// Reads a static site's newest deployments, newest first. Only here does the
    /// service give `build_error`. In the place of an entry that cannot be read is
    /// [`Deployment::unreadable`].
    pub async fn list_static_site_deployments(
        &self,
        site: Uuid,
        limit: usize,
        patience: Patience,
    ) -> Result<Vec<Deployment>, ApiError> {
        let site = site.to_string();
        let call = ApiCall::new(&LIST_STATIC_SITE_DEPLOYMENTS, [site.as_str()])
            .query("limit", limit.to_string());
        let page: Page<WireDeployment> = self.send(call, patience).await?;
        Ok(wire::deployments(page))
    }

    /// Reads a page of a static site's deployments, newest first.
    pub async fn list_static_site_deployments_from(
        &self,
        site: Uuid,
        offset: usize,
        patience: Patience,
    ) -> Result<Vec<Deployment>, ApiError> {
        let site = site.to_string();
        let call = ApiCall::new(&LIST_STATIC_SITE_DEPLOYMENTS, [site.as_str()]).page(offset);
        let page: Page<WireDeployment> = self.send(call, patience).await?;
        Ok(wire::deployments(page))
    }

    /// Reads one deployment.
    pub async fn get_static_site_deployment(
        &self,
        site: Uuid,
        id: &DeploymentId,
        patience: Patience,
    ) -> Result<Deployment, ApiError> {
        let site = site.to_string();
        let call = ApiCall::new(&GET_STATIC_SITE_DEPLOYMENT, [site.as_str(), &id.0]);
        self.send_and(call, patience, |answer| answer.deployment(id))
            .await
    }

    /// Reads a part of a deployment's log, once.
    pub async fn get_static_site_deployment_logs(
        &self,
        site: Uuid,
        id: &DeploymentId,
        window: LogWindow,
    ) -> Result<Vec<LogLine>, ApiError> {
        let site = site.to_string();
        let call = window.query(ApiCall::new(
            &GET_STATIC_SITE_DEPLOYMENT_LOGS,
            [site.as_str(), &id.0],
        ));
        let entries: Entries<WireLogEntry, LOG_PAGE> = self.send(call, Patience::Once).await?;
        Ok(wire::log_lines(entries))
    }
}

impl Writes<'_> {
    /// Starts a deployment. Never sent again once it may have taken effect.
    pub async fn deploy_static_site(
        self,
        site: Uuid,
        branch: Option<&str>,
        patience: Patience,
    ) -> Result<Deployment, ApiError> {
        let body = DeployStaticSiteBody {
            branch,
            deployment_id: None,
        };
        self.start_static_site(site, &body, patience).await
    }

    /// Publishes an earlier deployment again. Never sent again once it may have
    /// taken effect.
    pub async fn roll_back_static_site(
        self,
        site: Uuid,
        to: &DeploymentId,
        patience: Patience,
    ) -> Result<Deployment, ApiError> {
        let body = DeployStaticSiteBody {
            branch: None,
            deployment_id: Some(&to.0),
        };
        self.start_static_site(site, &body, patience).await
    }

    async fn start_static_site(
        self,
        site: Uuid,
        body: &DeployStaticSiteBody<'_>,
        patience: Patience,
    ) -> Result<Deployment, ApiError> {
        let site = site.to_string();
        let call = ApiCall::new(&DEPLOY_STATIC_SITE, [site.as_str()]).json(body);
        let deployment: WireDeployment = self.0.send(call, patience).await?;
        Ok(deployment.into())
    }

    /// Asks to cancel a deployment, once. Whether it worked is shown by its
    /// status.
    pub async fn cancel_static_site_deployment(
        self,
        site: Uuid,
        id: &DeploymentId,
    ) -> Result<(), ApiError> {
        let site = site.to_string();
        let call = ApiCall::new(&CANCEL_STATIC_SITE_DEPLOYMENT, [site.as_str(), &id.0]);
        self.0.send_and(call, Patience::Once, confirmed).await
    }
}
