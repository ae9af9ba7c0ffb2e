//! Whether the service answers at its address.

use std::time::Duration;

use serde_json::Value;

use super::finding::Findings;
use super::reader::{Metered, Reader};
use crate::actions::ActionContext;
use crate::sevalla;
use crate::sevalla::contract::news::records;
use crate::sevalla::operation::LIST_APPLICATION_DOMAINS;
use crate::verify::{Check, Filling, Statuses, Verified, verify_once};
use url::Url;
use uuid::Uuid;

/// How long the address has to respond.
const PATIENCE: Duration = Duration::from_secs(4);

/// A visit with less time than this shows nothing.
const SHORTEST: Duration = Duration::from_millis(500);

const TOPIC: &str = "address";

/// Reads the domains of an application and gives its address. `Err` has a line.
pub(super) async fn of_application(
    reader: &Reader,
    findings: &mut Findings,
    app: Uuid,
) -> Result<Option<Url>, ()> {
    let id = app.to_string();
    let query = [("limit", sevalla::LONGEST_PAGE.to_string())];
    match reader
        .read(&LIST_APPLICATION_DOMAINS, &[id.as_str()], &query)
        .await
    {
        Ok(answer) => {
            let read = |record: &&Value| serde_json::from_value((*record).clone()).ok();
            let domains = records(&answer.body);
            let host = sevalla::best_host(domains.iter().filter_map(read));
            Ok(host.as_deref().and_then(sevalla::address))
        }
        Err(error) => {
            findings.failed(TOPIC, &error);
            Err(())
        }
    }
}

impl ActionContext<'_> {
    /// Visits the service once, redirects included: where `verify-url` says, or its own address. What
    /// `verify-url` says is visited once for all services.
    pub(super) async fn visit(
        &self,
        reader: &Reader,
        findings: &mut Findings,
        own: Option<Url>,
        noun: &str,
    ) {
        let given = self.plan.check.as_ref();
        let address = given.and_then(|check| check.address.clone());
        if address.is_some() && findings.has(TOPIC) {
            return;
        }
        if address.is_none() && own.is_none() {
            return findings.doubt(
                TOPIC,
                format!("the {noun} has no address that works"),
                "Enable its system domain or finish a custom one under Domains, if it is to be visited",
            );
        }
        let of = match address {
            Some(_) => String::new(),
            None => format!("of the {noun}: "),
        };
        let left = findings.time_left();
        if left < SHORTEST {
            return findings.too_late(TOPIC);
        }
        let Some(check) = single_visit(given, left) else {
            return;
        };
        let Ok(exchange) = (self.connect)() else {
            return;
        };
        let exchange = Metered::new(exchange.as_ref(), reader);
        let filling = Filling {
            commit: Some("0000000"),
            deployment: "0",
        };
        let own = own.as_ref().ok_or("it has none");
        let found = verify_once(&exchange, &check, own, filling).await;
        match found {
            Verified::Yes => findings.fine(TOPIC, format!("{of}responds")),
            _ if exchange.has_refused() => findings.beyond_requests(TOPIC),
            Verified::No(report) | Verified::NotMade(report) => findings.doubt(
                TOPIC,
                format!("{of}{}", report.reason),
                "Look at the service in the dashboard, or correct verify-status and verify-contains",
            ),
        }
    }
}

/// The check of `verify-url`, made once in the time that is left.
fn single_visit(given: Option<&Check>, left: Duration) -> Option<Check> {
    // What names a deployment can only be there after one.
    let names_one = |text: &str| text.contains("{commit") || text.contains("{deployment-id}");
    let expected = given.and_then(|check| check.expectation.clone());
    let usual = Statuses::parse("200-399")?;
    Some(Check {
        address: given.and_then(|check| check.address.clone()),
        statuses: given.map_or(usual, |check| check.statuses.clone()),
        expectation: expected.filter(|expected| !names_one(expected.text())),
        successes: 1,
        timeout: PATIENCE.min(left),
    })
}
