//! Operations on pipelines: one method of [`Client`] for each.

use uuid::Uuid;

use super::operation::{CREATE_PREVIEW_APP, GET_PIPELINE, PROMOTE_PIPELINE};
use super::wire::{CreatePreviewAppBody, PromoteBody, WirePromoted};
use super::{ApiCall, ApiError, AppSummary, Client, LONGEST_PAGE, Patience, Pipeline, Writes};
use crate::deployment::DeploymentId;
use crate::lenient_json::Entries;
use crate::sevalla::attempt::ApiResponse;

impl Client {
    /// Reads a pipeline with its stages.
    pub async fn get_pipeline(
        &self,
        pipeline: Uuid,
        patience: Patience,
    ) -> Result<Pipeline, ApiError> {
        let pipeline = pipeline.to_string();
        let call = ApiCall::new(&GET_PIPELINE, [pipeline.as_str()]);
        let read = |answer: &ApiResponse| answer.record(&pipeline, |record: &Pipeline| &record.id);
        self.send_and(call, patience, read).await
    }
}

impl Writes<'_> {
    /// Deploys the source's most recent success to every target, and gives the
    /// new deployments as far as the answer names them. Never sent again once
    /// it may have taken effect.
    pub async fn promote_pipeline(
        self,
        pipeline: Uuid,
        source: Uuid,
        targets: &[Uuid],
        patience: Patience,
    ) -> Result<Vec<(Uuid, DeploymentId)>, ApiError> {
        let pipeline = pipeline.to_string();
        let target_app_ids: Vec<String> = targets.iter().map(Uuid::to_string).collect();
        let body = PromoteBody {
            source_app_id: source.to_string(),
            target_app_ids: &target_app_ids,
        };
        let call = ApiCall::new(&PROMOTE_PIPELINE, [pipeline.as_str()]).json(&body);
        let promoted: Entries<WirePromoted, LONGEST_PAGE> = self.0.send(call, patience).await?;
        let pair = |promoted: WirePromoted| {
            let id = promoted.deployment_id.and_then(DeploymentId::usable)?;
            Some((promoted.target_app_id?.parse().ok()?, id))
        };
        Ok(promoted.readable().into_iter().filter_map(pair).collect())
    }

    /// Makes a preview app for a branch; its first deployment starts by itself.
    /// With the number of a pull request the service deletes the app when that
    /// is closed. Never sent again once it may have taken effect.
    pub async fn create_preview_app(
        self,
        pipeline: Uuid,
        branch: &str,
        pull_request: Option<u64>,
        patience: Patience,
    ) -> Result<AppSummary, ApiError> {
        let pipeline = pipeline.to_string();
        let body = CreatePreviewAppBody {
            branch,
            pull_request_number: pull_request,
        };
        let call = ApiCall::new(&CREATE_PREVIEW_APP, [pipeline.as_str()]).json(&body);
        self.0.send(call, patience).await
    }
}
