//! By what the effect of a change is told apart in a list of deployments.

use std::collections::HashSet;

use jiff::Timestamp;

use super::HISTORY;
use crate::deployment::{Deployment, DeploymentId, Origin};

/// The high-water mark: what there was before the change. What is not in it
/// is new, whatever any clock says.
#[derive(Debug, Default)]
pub(super) struct Mark {
    known: HashSet<DeploymentId>,
    /// The oldest of them, if there were more than were read.
    oldest: Option<Timestamp>,
}

/// What the deployment we start looks like in a list.
#[derive(Debug, Default, Clone)]
pub(super) struct Wanted {
    pub(super) branch: Option<String>,
    pub(super) docker_image: Option<String>,
    /// The commit, where it is decided before.
    pub(super) commit: Option<String>,
    pub(super) kind: Kind,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Deploy,
    Restart,
    /// Through the hook, whose word for the trigger is not documented.
    Hook,
    /// Back to an earlier deployment.
    Rollback,
    /// What another application runs. The word for this is not documented.
    Promotion,
}

impl Mark {
    /// The mark that the newest deployments make, of which at most
    /// [`HISTORY`] were asked for.
    pub(super) fn of(deployments: &[Deployment]) -> Self {
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
        }
    }

    /// Whether a deployment came after the mark. The ids tell; only where the
    /// list was longer than what was read, an old one may slide into sight.
    /// Both times are the service's.
    pub(super) fn is_new(&self, deployment: &Deployment) -> bool {
        let is_old = deployment
            .created_at
            .zip(self.oldest)
            .is_some_and(|(created, oldest)| created < oldest);
        !self.knows(&deployment.id) && !is_old
    }

    /// Whether it was there before the change.
    pub(super) fn knows(&self, id: &DeploymentId) -> bool {
        self.known.contains(id)
    }
}

impl Wanted {
    /// Whether a deployment that somebody else has started deploys the same.
    /// What the service does not tell could be anything.
    pub(super) fn is_same(&self, deployment: &Deployment) -> bool {
        let is_told = match (&self.branch, &self.docker_image) {
            (_, Some(_)) => deployment.docker_image.is_some(),
            (Some(_), None) => deployment.branch.is_some(),
            (None, None) => false,
        };
        let anybodys = Deployment {
            origin: Origin::Manual,
            trigger: None,
            ..deployment.clone()
        };
        let is_restart = deployment.is_built == Some(false);
        is_told && self.kind == Kind::Deploy && !is_restart && self.could_be(&anybodys)
    }

    /// Whether a deployment could be the one we asked for. What the service
    /// does not tell excludes nothing.
    pub(super) fn could_be(&self, deployment: &Deployment) -> bool {
        let same_branch = agree(
            self.branch.as_deref(),
            deployment.branch.as_deref(),
            |wanted, seen| seen.strip_prefix("refs/heads/").unwrap_or(seen) == wanted,
        );
        let same_image = agree(
            self.docker_image.as_deref(),
            deployment.docker_image.as_deref(),
            may_be_image,
        );
        let same_commit = agree(
            self.commit.as_deref(),
            deployment.commit_sha.as_deref(),
            |wanted, seen| seen.eq_ignore_ascii_case(wanted),
        );
        let same_kind = match (self.kind, deployment.trigger.as_deref()) {
            (Kind::Rollback, Some(trigger)) => trigger == "ROLLBACK_DEPLOYMENT",
            (_, Some("ROLLBACK_DEPLOYMENT" | "AUTO_DEPLOY_ON_PUSH")) => false,
            (Kind::Deploy | Kind::Hook | Kind::Promotion, Some(trigger)) => trigger != "RESTART",
            (Kind::Restart, Some(_)) | (_, None) => true,
        };
        // What is taken as it was built before has no build in its plan.
        let is_taken = matches!(self.kind, Kind::Rollback | Kind::Promotion);
        let same_plan = !(is_taken && deployment.is_built == Some(true));
        // A hook is a webhook to the service, so its deployment may count as
        // automatic; only then.
        let same_origin = self.kind == Kind::Hook || deployment.origin != Origin::Automatic;
        same_origin && same_branch && same_image && same_commit && same_kind && same_plan
    }
}

fn agree(wanted: Option<&str>, seen: Option<&str>, same: impl Fn(&str, &str) -> bool) -> bool {
    wanted
        .zip(seen)
        .is_none_or(|(wanted, seen)| same(wanted, seen))
}

/// Whether the service may name the image we asked for like this: with its
/// registry, or by the digest that its tag stood for.
fn may_be_image(wanted: &str, seen: &str) -> bool {
    let ends_with = |whole: &str, end: &str| whole == end || whole.ends_with(&format!("/{end}"));
    let repository = |image: &str| {
        let name = image.split('@').next().unwrap_or(image);
        let tag = name
            .rfind(':')
            .filter(|at| !name.get(*at..).is_some_and(|tag| tag.contains('/')));
        name.get(..tag.unwrap_or(name.len()))
            .unwrap_or(name)
            .to_owned()
    };
    ends_with(seen, wanted)
        || (seen.contains('@') && ends_with(&repository(seen), &repository(wanted)))
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
        let mark = Mark::of(&[at(100, seen("a")), at(90, seen("b"))]);
        assert!(mark.is_new(&at(80, seen("c"))) && mark.is_new(&seen("c")));
        assert!(!mark.is_new(&at(200, seen("a"))));
        let many: Vec<Deployment> = (0..50).map(|n| at(100 + n, seen(&n.to_string()))).collect();
        let mark = Mark::of(&many);
        assert!(mark.is_new(&at(100, seen("new"))) && !mark.is_new(&at(99, seen("old"))));
    }

    #[test]
    fn only_what_is_known_to_be_the_same_is_joined() {
        let (branch, image) = (Some("main".to_owned()), Some("app:2".to_owned()));
        let by_branch = Wanted {
            branch: branch.clone(),
            ..Wanted::default()
        };
        let by_image = Wanted {
            docker_image: image.clone(),
            ..Wanted::default()
        };
        let of_branch = Deployment {
            branch: branch.clone(),
            origin: Origin::Automatic,
            trigger: Some("AUTO_DEPLOY_ON_PUSH".to_owned()),
            ..seen("x")
        };
        let of_image = Deployment {
            docker_image: image,
            ..seen("x")
        };
        let restarted = Deployment {
            is_built: Some(false),
            ..of_branch.clone()
        };
        let other = Deployment {
            branch: Some("dev".to_owned()),
            ..seen("x")
        };
        assert!(by_branch.is_same(&of_branch) && by_image.is_same(&of_image));
        for (wanted, deployment) in [
            (&by_branch, &seen("x")),
            (&by_branch, &restarted),
            (&by_branch, &other),
            (&by_image, &of_branch),
            (&Wanted::default(), &of_branch),
        ] {
            assert!(!wanted.is_same(deployment), "{wanted:?} {deployment:?}");
        }
        for kind in [Kind::Restart, Kind::Hook, Kind::Rollback, Kind::Promotion] {
            let wanted = Wanted {
                kind,
                ..by_branch.clone()
            };
            assert!(!wanted.is_same(&of_branch), "{kind:?}");
        }
    }

    #[test]
    fn the_service_may_name_what_we_asked_for_in_its_own_way() {
        let branch = Wanted {
            branch: Some("main".to_owned()),
            ..Wanted::default()
        };
        let on = |branch: &str| Deployment {
            branch: Some(branch.to_owned()),
            ..seen("x")
        };
        assert!(branch.could_be(&on("main")) && branch.could_be(&on("refs/heads/main")));
        assert!(branch.could_be(&seen("x")) && !branch.could_be(&on("feature/main")));
        for (seen, is_ours) in [
            ("app:2", true),
            ("registry.example:5000/team/app:2", true),
            ("registry.example:5000/team/app@sha256:00", true),
            ("team/app:3", false),
            ("team/other@sha256:00", false),
            ("myapp:2", false),
        ] {
            assert_eq!(may_be_image("app:2", seen), is_ours, "{seen}");
        }
    }

    #[test]
    fn what_a_push_or_somebody_else_started_is_not_ours() {
        let by = |origin, trigger: Option<&str>| Deployment {
            origin,
            trigger: trigger.map(str::to_owned),
            ..seen("x")
        };
        let of = |kind| Wanted {
            kind,
            ..Wanted::default()
        };
        for (kind, origin, trigger, is_ours) in [
            (Kind::Deploy, Origin::Manual, Some("MANUAL_DEPLOY"), true),
            (Kind::Deploy, Origin::Unknown, None, true),
            (Kind::Deploy, Origin::Automatic, None, false),
            (Kind::Deploy, Origin::Manual, Some("RESTART"), false),
            (
                Kind::Deploy,
                Origin::Manual,
                Some("ROLLBACK_DEPLOYMENT"),
                false,
            ),
            (Kind::Restart, Origin::Manual, Some("RESTART"), true),
            (Kind::Restart, Origin::Manual, Some("MANUAL_DEPLOY"), true),
            (
                Kind::Restart,
                Origin::Manual,
                Some("ROLLBACK_DEPLOYMENT"),
                false,
            ),
            (Kind::Hook, Origin::Automatic, None, true),
            (
                Kind::Hook,
                Origin::Automatic,
                Some("AUTO_DEPLOY_ON_PUSH"),
                false,
            ),
            (
                Kind::Rollback,
                Origin::Manual,
                Some("ROLLBACK_DEPLOYMENT"),
                true,
            ),
            (Kind::Rollback, Origin::Manual, None, true),
            (Kind::Rollback, Origin::Manual, Some("MANUAL_DEPLOY"), false),
            (Kind::Promotion, Origin::Manual, Some("PROMOTE"), true),
            (Kind::Promotion, Origin::Manual, Some("RESTART"), false),
            (
                Kind::Promotion,
                Origin::Manual,
                Some("ROLLBACK_DEPLOYMENT"),
                false,
            ),
        ] {
            assert_eq!(
                of(kind).could_be(&by(origin, trigger)),
                is_ours,
                "{kind:?} {origin:?} {trigger:?}"
            );
        }
    }
}
