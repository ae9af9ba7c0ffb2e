//! Domains of applications and static sites.

use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::clock::{Clock, Moment};
use crate::domain::Domain;
use crate::limits::Tier;
use crate::operation::{Method, Operation};
use crate::routes::paging::page;
use crate::routes::{applications, static_sites};
use crate::state::Context;
use crate::validate::Page;

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation::new(
        "listApplicationDomainsV3",
        Method::Get,
        "/v3/applications/{id}/domains",
        Tier::Read,
        of_application,
    ),
    Operation::new(
        "listStaticSiteDomainsV3",
        Method::Get,
        "/v3/static-sites/{id}/domains",
        Tier::Read,
        of_static_site,
    ),
];

fn of_application(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (asked, clock) = (Page::of(context.ask)?, context.clock);
    let application = applications::named(context)?;
    Ok(page(&application.domains, asked, |domain| {
        write(domain, application.created, clock)
    }))
}

fn of_static_site(context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (asked, clock) = (Page::of(context.ask)?, context.clock);
    let site = static_sites::named(context)?;
    Ok(page(&site.domains, asked, |domain| {
        write(domain, site.created, clock)
    }))
}

fn write(domain: &Domain, created: Moment, clock: &Clock) -> Value {
    json!({
        "id": domain.id,
        "name": domain.name,
        "status": domain.status,
        "type": domain.kind,
        "is_enabled": domain.enabled,
        "is_wildcard": domain.wildcard,
        "is_primary": domain.primary,
        "dns_records": null,
        "errors": null,
        "created_at": clock.rfc3339(created),
        "updated_at": clock.rfc3339(created),
    })
}
