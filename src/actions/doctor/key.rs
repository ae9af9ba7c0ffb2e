//! Whether the key is accepted, until when, and whether it may do enough.

use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::bounds::{LONGEST_NAME, MOST_CAPABILITIES};
use super::evidence::{is_null, roles, text, time};
use super::finding::Findings;
use super::resolve::Checkup;
use super::subject;
use crate::actions::resolve::why_no_secrets;
use crate::ci::Facts;
use crate::inputs::ActionName;
use crate::messages::Failure;
use crate::sevalla::{self, ApiError, Observed};
use crate::text::truncate::{beginning, first_of};

const TOPIC: &str = "permissions";

/// A key that expires sooner than this deserves a warning.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// There is no key, so that only the CI and the files can be checked.
pub(super) fn absent(findings: &mut Findings, facts: &Facts) {
    let why = why_no_secrets(facts);
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    findings.wrong(
        "key",
        Failure::MissingKey,
        format!("sevalla-token is missing or empty{why}"),
        "Create a key at https://app.sevalla.com/api-keys, store it as a secret of your CI, and \
         pass it as sevalla-token. CIs pass no secrets to pull requests from forks",
    );
}

/// What the check of the key has returned.
pub(super) fn accepted(findings: &mut Findings, key: &Observed, now: Timestamp) {
    if text(&key.body, "company_id")
        .or(text(&key.body, "name"))
        .is_none()
    {
        let reason = "the response describes no key, so it may not be Sevalla's";
        return subject::unreadable(findings, "key", reason);
    }
    if text(&key.body, "status").is_some_and(|status| !status.eq_ignore_ascii_case("active")) {
        findings.doubt(
            "key",
            "accepted, but its status is not active",
            "Check the key at https://app.sevalla.com/api-keys",
        );
        return;
    }
    match time(&key.body, "expires_at") {
        None if !is_null(&key.body, "expires_at") => findings.doubt(
            "key",
            "accepted; the date on which it expires cannot be read",
            "Check the key at https://app.sevalla.com/api-keys",
        ),
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

/// Whether the key may do what the actions need. No document says which call
/// needs which capability, so this is a doubt at most.
pub(super) fn may(
    findings: &mut Findings,
    read: &Result<Rc<Observed>, ApiError>,
    checkup: &Checkup,
) {
    let key = match read {
        Ok(key) => &key.body,
        Err(error) if error.status() == Some(404) => &Value::Null,
        Err(error) => return findings.unread(TOPIC, error),
    };
    if key.get("is_enabled") == Some(&Value::Bool(false)) {
        return findings.doubt(
            TOPIC,
            "the key is disabled: Sevalla may refuse it at any time",
            "Enable the key at https://app.sevalla.com/api-keys",
        );
    }
    let found = sevalla::capabilities(key);
    let roles = roles(key).iter();
    let roles: Vec<&str> = roles
        .filter_map(|role| text(role, "name").or(role.as_str()))
        .collect();
    if !roles.is_empty() {
        let has = if found.is_empty() { "" } else { "; it can: " };
        let text = format!("roles of the key: {}{has}{}", some(&roles), some(&found));
        return findings.fine(TOPIC, text);
    }
    if found.is_empty() {
        return findings.fine(TOPIC, "Sevalla does not list what the key may do");
    }
    let actions = checkup.actions();
    if let [_, _, ..] = actions.as_slice()
        && actions
            .iter()
            .all(|action| missing(&found, checkup, &needs(*action, checkup)).is_empty())
    {
        let words: Vec<&str> = actions.iter().map(|action| action.word()).collect();
        return findings.fine(TOPIC, format!("enough for {}", words.join(", ")));
    }
    for action in &actions {
        may_do(findings, &found, checkup, *action);
    }
    if actions.is_empty() {
        findings.fine(TOPIC, format!("the key can: {}", some(&found)));
    }
}

fn may_do(findings: &mut Findings, found: &[String], checkup: &Checkup, action: ActionName) {
    let (word, can) = (action.word(), some(found));
    let needed = needs(action, checkup);
    let missing = missing(found, checkup, &needed);
    if needed.is_empty() {
        let text = format!("not compared for {word} without an id; the key can: {can}");
        findings.fine(TOPIC, text);
    } else if missing.is_empty() {
        findings.fine(TOPIC, format!("{word}: {}", needed.join(", ")));
    } else {
        let missing = some(&missing);
        findings.doubt(
            TOPIC,
            format!("{missing} may be missing for {word}; the key can: {can}"),
            format!("Give the key {missing} for the service"),
        );
    }
}

/// What the key does not have of what is needed.
fn missing<'a>(found: &[String], checkup: &Checkup, needed: &'a [String]) -> Vec<&'a String> {
    let has = |need: &str| {
        let mut its = found.iter().filter_map(|has| has.strip_prefix(need));
        its.any(|rest| rest.is_empty() || is_for(rest, need, checkup))
    };
    needed.iter().filter(|need| !has(need)).collect()
}

/// The first of a list.
fn some<T: AsRef<str>>(all: &[T]) -> String {
    let short = all.iter().map(|one| beginning(one.as_ref(), LONGEST_NAME));
    let (shown, more) = first_of(short, MOST_CAPABILITIES);
    let more = more.map(|more| format!(" {more}")).unwrap_or_default();
    format!("{}{more}", shown.join(", "))
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
fn needs(action: ActionName, checkup: &Checkup) -> Vec<String> {
    use ActionName as A;
    let needed: &[&str] = match action {
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
        A::PlanStack | A::Follow | A::List | A::Show => return of_given(checkup, &["READ"]),
        A::DeployStack | A::Cancel | A::PurgeCache => {
            return of_given(checkup, &["READ", "UPDATE"]);
        }
        A::Doctor => &[],
    };
    needed.iter().map(|&need| need.to_owned()).collect()
}

/// The capabilities for the kinds that are given.
fn of_given(checkup: &Checkup, verbs: &[&str]) -> Vec<String> {
    let kinds = [
        ("APP", checkup.app),
        ("STATIC_SITE", checkup.site),
        ("PIPELINE", checkup.pipeline),
        ("DATABASE", checkup.database),
    ];
    let given = kinds.into_iter().filter(|(_, id)| id.is_some());
    let all = given.flat_map(|(kind, _)| verbs.iter().map(move |verb| format!("{kind}:{verb}")));
    all.collect()
}
