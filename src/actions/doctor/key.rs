//! Whether the key is accepted, until when, and whether it may do enough.

use jiff::{SignedDuration, Timestamp};

use super::evidence::{text, time};
use super::finding::Findings;
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
            "Check the key under API keys in the company's settings",
        );
        return;
    }
    match time(&key.body, "expires_at") {
        None => findings.fine("key", "accepted; does not expire"),
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
pub(super) fn may(findings: &mut Findings, found: Option<&[String]>, action: Option<ActionName>) {
    const TOPIC: &str = "permissions";
    let Some(found) = found.filter(|found| !found.is_empty()) else {
        findings.fine(TOPIC, "Sevalla does not list what the key may do");
        return;
    };
    let missing: Vec<&str> = action
        .map_or(&[][..], needs)
        .iter()
        .copied()
        .filter(|need| !found.iter().any(|has| has == need))
        .collect();
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
