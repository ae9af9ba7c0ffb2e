//! What there was before a change, by which its effect is known.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::actions::deploy::start::HISTORY;
use crate::deployment::{Deployment, DeploymentId};

/// The high-water mark: what there was before the change. What is not in it
/// is new, whatever any clock says.
#[derive(Debug, Default)]
pub(crate) struct Baseline {
    known: HashSet<DeploymentId>,
    /// The oldest of them, if there were more than were read.
    oldest: Option<Timestamp>,
    /// The newest that could be read.
    newest: Option<DeploymentId>,
    /// Whether it was made by an earlier process: since then more may have begun
    /// than is read.
    is_old: bool,
}

impl Baseline {
    /// The mark that the newest deployments make, of which at most
    /// [`HISTORY`] were asked for.
    pub(crate) fn of(deployments: &[Deployment]) -> Self {
        let is_whole = deployments.len() < HISTORY;
        Self {
            known: deployments
                .iter()
                .map(|deployment| deployment.id.clone())
                .collect(),
            oldest: deployments
                .iter()
                .filter_map(|deployment| deployment.created_at)
                .min()
                .filter(|_| !is_whole),
            newest: deployments
                .iter()
                .find(|deployment| !deployment.is_unreadable())
                .map(|deployment| deployment.id.clone()),
            is_old: false,
        }
    }

    /// Whether the newest deployments, of which at most [`HISTORY`] were asked
    /// for, lack the one that was the newest before. Such a list does not show
    /// that nothing has begun.
    pub(crate) fn is_missing_from(&self, deployments: &[Deployment]) -> bool {
        let has = |id: &DeploymentId| deployments.iter().any(|deployment| deployment.id == *id);
        (deployments.len() < HISTORY || self.is_old)
            && self.newest.as_ref().is_some_and(|newest| !has(newest))
    }

    /// Whether a deployment came after the mark. The ids decide; only where the
    /// list was longer than what was read, an old one may slide into sight.
    /// Both times are the service's.
    pub(crate) fn is_new(&self, deployment: &Deployment) -> bool {
        let is_old = deployment
            .created_at
            .zip(self.oldest)
            .is_some_and(|(created, oldest)| created < oldest);
        !self.knows(&deployment.id) && !is_old
    }

    /// What the journal keeps of it.
    pub(crate) fn recorded(&self) -> Value {
        json!({
            "known": self.known.iter().map(|id| id.0.as_str()).collect::<Vec<_>>(),
            "oldest": self.oldest.map(|time| time.to_string()),
            "newest": self.newest.as_ref().map(|id| id.0.as_str()),
        })
    }

    /// What an earlier process has recorded.
    pub(crate) fn read(recorded: &Value) -> Option<Self> {
        let id = |id: &Value| id.as_str().map(|id| DeploymentId(id.to_owned()));
        Some(Self {
            known: recorded
                .get("known")?
                .as_array()?
                .iter()
                .filter_map(id)
                .collect(),
            oldest: recorded
                .get("oldest")?
                .as_str()
                .and_then(|at| at.parse().ok()),
            newest: recorded.get("newest").and_then(id),
            is_old: true,
        })
    }

    /// Whether it was there before the change.
    pub(crate) fn knows(&self, id: &DeploymentId) -> bool {
        self.known.contains(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(id: &str) -> Deployment {
        Deployment::only_its_id(DeploymentId(id.to_owned()))
    }

    fn at(second: i64, deployment: Deployment) -> Deployment {
        Deployment {
            created_at: Timestamp::from_second(second).ok(),
            ..deployment
        }
    }

    #[test]
    fn what_was_not_in_the_list_is_new_whatever_its_time() {
        let mark = Baseline::of(&[at(100, seen("a")), at(90, seen("b"))]);
        assert!(mark.is_new(&at(80, seen("c"))) && mark.is_new(&seen("c")));
        assert!(!mark.is_new(&at(200, seen("a"))));
        let many: Vec<Deployment> = (0..50).map(|n| at(100 + n, seen(&n.to_string()))).collect();
        let mark = Baseline::of(&many);
        assert!(mark.is_new(&at(100, seen("new"))) && !mark.is_new(&at(99, seen("old"))));
    }

    #[test]
    fn a_recorded_mark_is_the_same_and_knows_that_it_is_old() {
        let many: Vec<Deployment> = (0..50).map(|n| at(100 + n, seen(&n.to_string()))).collect();
        let mark = Baseline::read(&Baseline::of(&many).recorded()).unwrap();
        assert!(mark.is_new(&at(100, seen("new"))) && !mark.is_new(&at(99, seen("old"))));
        assert!(mark.knows(&seen("7").id) && !mark.is_missing_from(&many));
        // So many have begun since that ours may have left the list.
        let later: Vec<Deployment> = (0..50)
            .map(|n| at(200, seen(&format!("later {n}"))))
            .collect();
        assert!(mark.is_missing_from(&later) && !Baseline::of(&many).is_missing_from(&later));
    }
}
