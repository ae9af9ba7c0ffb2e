//! What is live, as the list of a service's deployments shows it.

use crate::actions::deploy::past::is_busy;
use crate::deployment::{Deployment, Verdict};

/// The last success and its commit, if it surely is what is live and nothing
/// speaks against keeping it; else why not. `past` has the newest deployments,
/// newest first.
pub(super) fn live(past: &[Deployment]) -> Result<(&Deployment, &str), String> {
    // Whatever is live now is replaced when this one ends.
    if let Some(busy) = past.iter().find(|one| is_busy(one)) {
        let is = busy.status.in_words();
        return Err(format!("deployment {} is {is}", busy.id));
    }
    for one in past.iter().filter(|one| !one.is_preview) {
        match one.status.verdict() {
            None => return Err("the newest deployment cannot be read".to_owned()),
            Some(Verdict::Failed) => {
                return Err(format!("the last deployment, {}, failed", one.id));
            }
            // Nothing of it is live.
            Some(Verdict::Cancelled | Verdict::Skipped) => {}
            Some(Verdict::Success) => return Ok((one, commit_of(one)?)),
        }
    }
    Err("no successful deployment is among the newest".to_owned())
}

fn commit_of(live: &Deployment) -> Result<&str, String> {
    // Whether it names the commit of what it took over is not documented.
    if live.is_built == Some(false) {
        return Err(format!(
            "the live deployment, {}, built nothing: a restart, a rollback or a promotion",
            live.id
        ));
    }
    let is_commit = |commit: &&str| {
        (40..=64).contains(&commit.len()) && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let commit = live.commit_sha.as_deref().filter(is_commit);
    commit.ok_or_else(|| {
        format!(
            "Sevalla reports no commit of the live deployment, {}",
            live.id
        )
    })
}
