//! What the operations do, by the part of the API they belong to.

mod api_keys;
mod applications;
mod deployments;
mod domains;
mod hooks;
mod paging;
mod pipelines;
mod previews;
mod processes;
mod promotions;
mod static_sites;

use crate::operation::Operation;

pub(crate) use hooks::url as hook_url;

/// All operations there are.
pub(crate) fn operations() -> impl Iterator<Item = Operation> {
    [
        api_keys::OPERATIONS,
        applications::OPERATIONS,
        deployments::OPERATIONS,
        domains::OPERATIONS,
        hooks::OPERATIONS,
        pipelines::OPERATIONS,
        previews::OPERATIONS,
        processes::OPERATIONS,
        promotions::OPERATIONS,
        static_sites::OPERATIONS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
