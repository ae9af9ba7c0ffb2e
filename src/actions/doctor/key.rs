//! Whether the key is accepted, until when, and whether it may do enough.

use jiff::{SignedDuration, Timestamp};

use super::evidence::{text, time};
use super::finding::Findings;
use super::resolve::Checkup;
use crate::inputs::ActionName;
use crate::sevalla::Observed;

/// A key that expires sooner than this deserves a warning.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What the check of the key has returned.
pub(super) fn accepted(findings: &mut Findings, key: &Observed, now: Timestamp) {
    if text(&key.body, "status").is_some_and(|status| !status.eq_ignore_ascii_case("active")) {
        findings.doubt(
            "key",
            "accepted, but its status is not active",
            "Check the key at https://app.sevalla.com/api-keys",
        );
        return;
    }
    match time(&key.body, "expires_at") {
        None => findings.fine("key", "accepted; does not expire"),
        Some(expires) if expires <= now => findings.doubt(
            "key",
            format!("accepted, although it expired on {expires:.0}"),
            "Create a new key, and replace the secret of your CI",
        ),
        Some(expires) if expires.duration_since(now) < SOON => findings.doubt(
            "key",
            format!("accepted; expires on {expires:.0}"),
            "Create a new key before that, and replace the secret of your CI",
        ),
        Some(expires) => findings.fine("key", format!("accepted; expires on {expires:.0}")),
    }
}

/// Whether the key may do what an action needs. No document says which call
/// needs which capability, so this is a doubt at most.
pub(super) fn may(findings: &mut Findings, found: Option<&[String]>, checkup: &Checkup) {
    const TOPIC: &str = "permissions";
    let action = checkup.action;
    let Some(found) = found.filter(|found| !found.is_empty()) else {
        findings.fine(TOPIC, "Sevalla does not list what the key may do");
        return;
    };
    let has = |need: &str| {
        let mut its = found.iter().filter_map(|has| has.strip_prefix(need));
        its.any(|rest| rest.is_empty() || is_for(rest, need, checkup))
    };
    let needed = action.map_or(&[][..], needs).iter().copied();
    let missing: Vec<&str> = needed.filter(|need| !has(need)).collect();
    match (missing.is_empty(), action) {
        (true, Some(action)) if !needs(action).is_empty() => {
            let needed = needs(action).join(", ");
            findings.fine(TOPIC, format!("{}: {needed}", action.word()));
        }
        (true, _) => findings.fine(TOPIC, format!("capabilities: {}", found.len())),
        (false, _) => findings.doubt(
            TOPIC,
            format!(
                "{} may be missing for {}; the key has {}",
                missing.join(", "),
                action.map_or("this", ActionName::word),
                found.join(", ")
            ),
            format!("Give the key {} for the service", missing.join(", ")),
        ),
    }
}

/// Whether a capability for one resource, whose id is in `rest`, is for the one
/// that is given.
fn is_for(rest: &str, need: &str, checkup: &Checkup) -> bool {
    let given = match need.split(':').next() {
        Some("APP") => checkup.app,
        Some("STATIC_SITE") => checkup.site,
        Some("PIPELINE") => checkup.pipeline,
        _ => checkup.database,
    };
    let its = rest.strip_prefix(" of ");
    its.is_some_and(|its| given.is_none_or(|given| its.parse() == Ok(given)))
}

/// The capabilities that an action probably needs.
const fn needs(action: ActionName) -> &'static [&'static str] {
    use ActionName as A;
    match action {
        A::DeployApp | A::RollbackApp | A::UpdateApp | A::ToggleCdn => &["APP:READ", "APP:UPDATE"],
        A::DeployStaticSite | A::RollbackStaticSite | A::UpdateStaticSite => {
            &["STATIC_SITE:READ", "STATIC_SITE:UPDATE"]
        }
        A::PromoteApp => &["PIPELINE:READ", "APP:READ", "APP:UPDATE"],
        A::CreatePreviewApp => &["PIPELINE:READ", "APP:READ", "APP:CREATE"],
        A::Preview | A::PreviewStack => &["PIPELINE:READ", "APP:READ", "APP:CREATE", "APP:DELETE"],
        A::DeletePreviewApp | A::CleanPreviews | A::DeleteApp => &["APP:READ", "APP:DELETE"],
        A::DeleteStaticSite => &["STATIC_SITE:READ", "STATIC_SITE:DELETE"],
        A::UpdateDatabase => &["DATABASE:READ", "DATABASE:UPDATE"],
        A::DeleteDatabase => &["DATABASE:READ", "DATABASE:DELETE"],
        A::CreateDatabase => &["DATABASE:READ", "DATABASE:CREATE"],
        A::ConnectDatabase => &["DATABASE:READ", "DATABASE:UPDATE", "APP:UPDATE"],
        // Of applications or of static sites, or reading what was read.
        A::DeployStack
        | A::PlanStack
        | A::Follow
        | A::Cancel
        | A::PurgeCache
        | A::List
        | A::Show
        | A::Doctor => &[],
    }
}
