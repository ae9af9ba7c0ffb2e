//! What this program can change on Sevalla: every operation that is not a
//! reading is a method of [`Writes`]. Only `actions` uses it; a contract test
//! holds that.

use crate::deployment::{DeploymentId, Service, ServiceKind};
use crate::secret::HookUrl;
use crate::sevalla::mutations::confirmed;
use crate::sevalla::{ApiCall, ApiError, Client, Patience, operation, wire};

/// The operations that change something, made by [`Client::writes`].
#[derive(Clone, Copy)]
pub struct Writes<'a>(pub(super) &'a Client);

impl Client {
    /// The operations that change something on Sevalla.
    pub const fn writes(&self) -> Writes<'_> {
        Writes(self)
    }
}

/// Changing by service, whatever its kind.
impl Writes<'_> {
    /// Asks to cancel a deployment, once.
    pub async fn cancel(self, service: Service, id: &DeploymentId) -> Result<(), ApiError> {
        match service.kind {
            ServiceKind::Application => self.cancel_deployment(service.id, id).await,
            ServiceKind::StaticSite => self.cancel_static_site_deployment(service.id, id).await,
        }
    }

    /// Asks to empty the caches of a service. Doing so twice does no harm.
    pub async fn purge_cache(self, service: Service, patience: Patience) -> Result<(), ApiError> {
        let operation = match service.kind {
            ServiceKind::Application => &operation::PURGE_APPLICATION_CACHE,
            ServiceKind::StaticSite => &operation::PURGE_STATIC_SITE_CACHE,
        };
        let id = service.id.to_string();
        let call = ApiCall::new(operation, [id.as_str()]);
        self.0.send_and(call, patience, confirmed).await
    }
}

/// Calling a deployment hook.
impl Writes<'_> {
    /// Calls the hook, without the key, and gives the id of the deployment if
    /// the answer has one. The answer is not documented, so any will do but a
    /// page: that comes from something between us and Sevalla.
    pub async fn call_hook(
        self,
        hook: &HookUrl,
        patience: Patience,
    ) -> Result<Option<DeploymentId>, ApiError> {
        let call = ApiCall::new(&operation::CALL_HOOK, [hook.expose()]);
        self.0
            .send_and(call, patience, |answer| {
                if answer.body.trim_ascii_start().starts_with(b"<") {
                    answer.decode::<serde::de::IgnoredAny>()?;
                }
                Ok(wire::HookAnswer::read(&answer.body))
            })
            .await
    }
}
