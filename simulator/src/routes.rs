//! What the operations do, by the part of the API they belong to.

mod api_keys;
mod application_changes;
mod applications;
mod connections;
mod databases;
mod deployments;
mod domains;
mod env_vars;
mod hooks;
mod metrics;
mod paging;
mod pipelines;
mod previews;
mod processes;
mod promotions;
mod resources;
mod static_site_changes;
mod static_sites;

use crate::operation::Operation;

pub(crate) use hooks::url as hook_url;

/// All operations there are.
pub(crate) fn operations() -> impl Iterator<Item = Operation> {
    [
        api_keys::OPERATIONS,
        application_changes::OPERATIONS,
        applications::OPERATIONS,
        connections::OPERATIONS,
        databases::OPERATIONS,
        deployments::OPERATIONS,
        domains::OPERATIONS,
        env_vars::OPERATIONS,
        hooks::OPERATIONS,
        metrics::OPERATIONS,
        pipelines::OPERATIONS,
        previews::OPERATIONS,
        processes::OPERATIONS,
        promotions::OPERATIONS,
        resources::OPERATIONS,
        static_site_changes::OPERATIONS,
        static_sites::OPERATIONS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
