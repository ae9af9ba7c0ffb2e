//! How a run recognizes its own deployment in a list of new ones.
//!
//! A word that the service chooses never proves that a deployment is not ours:
//! it lists an image under another name, and its set of trigger words is open.
//! The author is that of the commit, no matter who deploys it, so it proves nothing.

use serde::Serialize;
use serde_json::Value;

use crate::branch;
use crate::deployment::{Deployment, Origin};
use crate::image_reference::{ImageComparison, ImageReference};

/// What the deployment we start looks like in a list.
#[derive(Debug, Default, Clone, Serialize)]
pub(crate) struct DeploymentMatcher {
    pub(crate) branch: Option<String>,
    pub(crate) docker_image: Option<String>,
    /// The commit, where it is decided before.
    pub(crate) commit: Option<String>,
    pub(crate) kind: DeployKind,
    /// Other matchers of the same deployment, where the service chooses the version.
    pub(crate) alternatives: Vec<Self>,
}

impl DeploymentMatcher {
    /// Reads what was serialized, for the journal.
    pub(crate) fn read(recorded: &Value) -> Option<Self> {
        let text = |name: &str| recorded.get(name)?.as_str().map(str::to_owned);
        let alternatives = recorded.get("alternatives")?.as_array()?.iter();
        Some(Self {
            branch: text("branch"),
            docker_image: text("docker_image"),
            commit: text("commit"),
            kind: DeployKind::read(recorded.get("kind")?.as_str()?)?,
            alternatives: alternatives.map(Self::read).collect::<Option<_>>()?,
        })
    }
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DeployKind {
    #[default]
    Deploy,
    /// The latest success again, without a build.
    Restart,
    /// Through the hook, whose word for the trigger is not documented.
    Hook,
    /// Back to an earlier deployment.
    Rollback,
    /// What another application runs. The word for this is not documented.
    Promotion,
}

impl DeployKind {
    /// Reads what was serialized.
    fn read(word: &str) -> Option<Self> {
        Some(match word {
            "deploy" => Self::Deploy,
            "restart" => Self::Restart,
            "hook" => Self::Hook,
            "rollback" => Self::Rollback,
            "promotion" => Self::Promotion,
            _ => return None,
        })
    }

    /// Whether it deploys a version that was built before.
    pub(crate) const fn takes_a_version(self) -> bool {
        matches!(self, Self::Restart | Self::Rollback | Self::Promotion)
    }
}

/// Whose a new deployment is, by all that the service says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// Its commit, image or branch is the one that this run asked for.
    Ours,
    /// It may be ours or somebody else's.
    Unclear,
    /// It is certainly somebody else's.
    Others,
}

impl DeploymentMatcher {
    /// A version that was built before; of an unknown one nothing is known.
    pub(crate) fn version(kind: DeployKind, version: Option<&Deployment>) -> Self {
        Self {
            branch: version.and_then(|version| version.branch.clone()),
            docker_image: version.and_then(|version| version.docker_image.clone()),
            commit: version.and_then(|version| version.commit_sha.clone()),
            kind,
            alternatives: Vec::new(),
        }
    }

    /// This matcher, or this version, which the service may choose instead.
    pub(crate) fn or_version(mut self, version: &Deployment) -> Self {
        let other = Self::version(self.kind, Some(version));
        self.alternatives.push(other);
        self
    }

    /// This matcher without the other versions that the service may choose.
    pub(crate) fn primary(mut self) -> Self {
        self.alternatives.clear();
        self
    }

    /// Whether the deployments of another run can be the same: a restart, a rollback
    /// and what a hook starts are not recognized.
    pub(crate) fn is_comparable(&self) -> bool {
        self.kind == DeployKind::Deploy
    }

    /// Whether a deployment that somebody else has started deploys the same.
    /// What the service does not say could be anything.
    pub(crate) fn is_same(&self, deployment: &Deployment) -> bool {
        !self.is_not_same(deployment) && self.equality(deployment).is_some()
    }

    /// Whether a deployment is known not to deploy the same.
    pub(crate) fn is_not_same(&self, deployment: &Deployment) -> bool {
        let builds_nothing = deployment.is_built == Some(false) && self.docker_image.is_none();
        let action = deployment.trigger.as_deref();
        let is_another = builds_nothing || matches!(action, Some(RESTART | ROLLBACK));
        let is_source = match &self.docker_image {
            Some(_) => self.is_version(deployment),
            None => compare(
                self.branch.as_ref(),
                deployment.branch.as_ref(),
                same_branch,
            ),
        };
        !self.is_comparable() || deployment.is_preview || is_another || is_source == Some(false)
    }

    /// Whether a deployment has this version, as far as both are known.
    pub(crate) fn is_version(&self, deployment: &Deployment) -> Option<bool> {
        let (commit, image) = (&deployment.commit_sha, &deployment.docker_image);
        let is_commit = compare(self.commit.as_ref(), commit.as_ref(), same_commit);
        let is_image = || compare(self.docker_image.as_ref(), image.as_ref(), same_image);
        is_commit.or_else(is_image)
    }

    /// Whose a new deployment is.
    pub(crate) fn whose(&self, deployment: &Deployment) -> Ownership {
        if self.is_certainly_anothers(deployment) {
            return Ownership::Others;
        }
        match self.equality(deployment) {
            Some(MatchBasis::Version) => Ownership::Ours,
            Some(MatchBasis::Branch) if !self.is_of_another_action(deployment) => Ownership::Ours,
            _ => Ownership::Unclear,
        }
    }

    /// Three things prove that it is somebody else's: a push started it (a hook
    /// is a webhook to the service, so its own deployment may count as
    /// automatic), it is a preview of a pull request, or it has certainly
    /// another branch. A push builds, so one that is not known to build may be
    /// the earlier version that this run asked for, whatever the service calls it.
    fn is_certainly_anothers(&self, deployment: &Deployment) -> bool {
        let may_be_automatic = self.kind == DeployKind::Hook
            || self.kind.takes_a_version() && deployment.is_built != Some(true);
        let is_by_push = deployment.origin == Origin::Automatic && !may_be_automatic;
        deployment.is_preview || is_by_push || self.is_certainly_another_branch(deployment)
    }

    /// Certainly: this run asked for a branch by its name, the service names
    /// one that git allows, and the two differ in every spelling. Where the
    /// service chooses the version itself, its branch proves nothing.
    fn is_certainly_another_branch(&self, deployment: &Deployment) -> bool {
        let asks_for_branch = !self.kind.takes_a_version() && self.docker_image.is_none();
        let branches = self.branch.as_deref().zip(deployment.branch.as_deref());
        asks_for_branch && branches.is_some_and(|(ours, its)| same_branch(ours, its) == Some(false))
    }

    /// Whether it deploys what this run asked for, in normal form.
    fn equality(&self, deployment: &Deployment) -> Option<MatchBasis> {
        let version = self.is_version(deployment);
        let branch = compare(
            self.branch.as_ref(),
            deployment.branch.as_ref(),
            same_branch,
        );
        let by_version = version == Some(true);
        // A branch has many versions, and what is rolled back has that of the
        // one it replaces. A restart replaces nothing.
        let names_version = self.commit.is_some() || self.docker_image.is_some();
        let branch_decides = match self.kind {
            DeployKind::Deploy | DeployKind::Hook => self.docker_image.is_none(),
            DeployKind::Restart => version.is_none(),
            DeployKind::Rollback | DeployKind::Promotion => !names_version,
        };
        if by_version {
            Some(MatchBasis::Version)
        } else if branch_decides && branch == Some(true) {
            Some(MatchBasis::Branch)
        } else {
            let mut others = self.alternatives.iter();
            others.find_map(|other| other.equality(deployment))
        }
    }

    /// Whether the service's documented words say that it is something else
    /// than this run asked for. Enough to doubt it, and no proof.
    fn is_of_another_action(&self, deployment: &Deployment) -> bool {
        let is_another = match deployment.trigger.as_deref() {
            Some(PUSH) => true,
            Some(ROLLBACK) => self.kind != DeployKind::Rollback,
            Some(RESTART) => self.kind != DeployKind::Restart,
            _ => false,
        };
        // It may be of a push, too.
        let is_open = deployment.origin == Origin::Automatic && deployment.is_built.is_none();
        let builds = deployment.is_built == Some(true) || is_open;
        is_another || (self.kind.takes_a_version() && builds)
    }
}

/// By what two deployments are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MatchBasis {
    /// The commit or the image: they put the same live.
    Version,
    /// Only the branch.
    Branch,
}

/// `trigger` of a deployment that a push has started.
const PUSH: &str = "AUTO_DEPLOY_ON_PUSH";
/// `trigger` of a rollback.
const ROLLBACK: &str = "ROLLBACK_DEPLOYMENT";
/// `trigger` of a restart.
const RESTART: &str = "RESTART";

/// Compares what may be unknown; `None` if that does not show whether they are
/// the same.
fn compare(
    ours: Option<&String>,
    its: Option<&String>,
    is_same: fn(&str, &str) -> Option<bool>,
) -> Option<bool> {
    let (ours, its) = ours.zip(its)?;
    is_same(ours, its)
}

fn same_commit(ours: &str, its: &str) -> Option<bool> {
    let (ours, its) = (ours.to_ascii_lowercase(), its.to_ascii_lowercase());
    let is_shortened = ours.starts_with(&its) || its.starts_with(&ours);
    (ours == its || !is_shortened).then_some(ours == its)
}

fn same_image(ours: &str, its: &str) -> Option<bool> {
    match (ImageReference::parse(ours), ImageReference::parse(its)) {
        (Ok(ours), Ok(its)) => match ours.likeness(&its) {
            ImageComparison::Same => Some(true),
            ImageComparison::Different => Some(false),
            ImageComparison::Unknown => None,
        },
        _ => (ours == its).then_some(true),
    }
}

fn same_branch(ours: &str, its: &str) -> Option<bool> {
    let is_branch = branch::objection(its).is_none();
    let is_same = branch::is_same(ours, its);
    (is_same || is_branch).then_some(is_same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::DeploymentId;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn seen(id: &str) -> Deployment {
        Deployment::only_its_id(DeploymentId(id.to_owned()))
    }

    fn on(branch: &str) -> Deployment {
        Deployment {
            branch: Some(branch.to_owned()),
            origin: Origin::Manual,
            ..seen("x")
        }
    }

    fn of_image(image: &str) -> Deployment {
        Deployment {
            docker_image: Some(image.to_owned()),
            origin: Origin::Manual,
            ..seen("x")
        }
    }

    fn called(trigger: &str, deployment: Deployment) -> Deployment {
        Deployment {
            trigger: Some(trigger.to_owned()),
            ..deployment
        }
    }

    fn asks_for_branch(kind: DeployKind) -> DeploymentMatcher {
        DeploymentMatcher {
            branch: Some("main".to_owned()),
            kind,
            ..DeploymentMatcher::default()
        }
    }

    fn asks_for_image(image: &str) -> DeploymentMatcher {
        DeploymentMatcher {
            docker_image: Some(image.to_owned()),
            ..DeploymentMatcher::default()
        }
    }

    #[test]
    fn what_is_read_is_what_was_recorded() {
        use DeployKind::{Deploy, Hook, Promotion, Restart, Rollback};
        for kind in [Deploy, Hook, Promotion, Restart, Rollback] {
            let other = DeploymentMatcher {
                docker_image: Some("shop:1".to_owned()),
                ..DeploymentMatcher::default()
            };
            let matcher = DeploymentMatcher {
                branch: Some("main".to_owned()),
                commit: Some("abc".to_owned()),
                kind,
                alternatives: vec![other],
                ..DeploymentMatcher::default()
            };
            let recorded = serde_json::to_value(&matcher).unwrap();
            let read = DeploymentMatcher::read(&recorded).unwrap();
            assert_eq!(format!("{read:?}"), format!("{matcher:?}"));
        }
    }

    #[test]
    fn only_what_is_known_to_be_the_same_is_joined() {
        let (by_branch, by_image) = (asks_for_branch(DeployKind::Deploy), asks_for_image("app:2"));
        let of_branch = Deployment {
            origin: Origin::Automatic,
            ..called(PUSH, on("main"))
        };
        let restarted = Deployment {
            is_built: Some(false),
            ..of_branch.clone()
        };
        let not_built = Deployment {
            is_built: Some(false),
            ..of_image("docker.io/library/app:2")
        };
        for (wanted, deployment) in [
            (&by_branch, &of_branch),
            (&by_branch, &on("refs/heads/main")),
            (&by_branch, &on("origin/main")),
            (&by_image, &of_image("app:2")),
            (&by_image, &not_built),
        ] {
            assert!(wanted.is_same(deployment), "{wanted:?} {deployment:?}");
        }
        for (wanted, deployment) in [
            (&by_branch, &seen("x")),
            (&by_branch, &restarted),
            (&by_branch, &called(ROLLBACK, on("main"))),
            (&by_branch, &on("dev")),
            (&by_image, &of_branch),
            (&by_image, &of_image("app:3")),
            (&by_image, &of_image(&format!("app@{DIGEST}"))),
            (&DeploymentMatcher::default(), &of_branch),
        ] {
            assert!(!wanted.is_same(deployment), "{wanted:?} {deployment:?}");
        }
        for kind in [
            DeployKind::Restart,
            DeployKind::Hook,
            DeployKind::Rollback,
            DeployKind::Promotion,
        ] {
            assert!(!asks_for_branch(kind).is_same(&of_branch), "{kind:?}");
        }
    }

    #[test]
    fn a_branch_is_ours_in_every_spelling_and_anothers_only_if_it_is_certain() {
        for (branch, whose) in [
            ("main", Ownership::Ours),
            ("refs/heads/main", Ownership::Ours),
            ("origin/main", Ownership::Ours),
            ("refs/remotes/origin/main", Ownership::Ours),
            ("dev", Ownership::Others),
            ("feature/main", Ownership::Others),
            ("Main", Ownership::Others),
            // No names of branches: they say nothing.
            ("", Ownership::Unclear),
            ("HEAD", Ownership::Unclear),
            ("refs/pull/7/merge", Ownership::Unclear),
        ] {
            let found = asks_for_branch(DeployKind::Deploy).whose(&on(branch));
            assert_eq!(found, whose, "{branch}");
        }
        let unknown = DeploymentMatcher::default();
        for deployment in [seen("x"), on("main"), of_image("app:2")] {
            assert_eq!(
                unknown.whose(&deployment),
                Ownership::Unclear,
                "{deployment:?}"
            );
        }
        let null = asks_for_branch(DeployKind::Deploy).whose(&seen("x"));
        assert_eq!(null, Ownership::Unclear);
    }

    #[test]
    fn an_image_is_ours_in_its_normal_form_and_never_certainly_anothers() {
        for (image, whose) in [
            ("nginx:1.28", Ownership::Ours),
            ("docker.io/library/nginx:1.28", Ownership::Ours),
            ("Index.Docker.io/nginx:1.28", Ownership::Ours),
            ("nginx:1.27", Ownership::Unclear),
            ("team/nginx:1.28", Ownership::Unclear),
            (
                "us-central1-docker.pkg.dev/p/r/image:abc123",
                Ownership::Unclear,
            ),
            ("no reference", Ownership::Unclear),
        ] {
            let found = asks_for_image("nginx:1.28").whose(&of_image(image));
            assert_eq!(found, whose, "{image}");
        }
        let pinned = format!("nginx@{DIGEST}");
        for (ours, its, whose) in [
            ("nginx:1.28", pinned.as_str(), Ownership::Unclear),
            (pinned.as_str(), "nginx:1.28", Ownership::Unclear),
            (pinned.as_str(), pinned.as_str(), Ownership::Ours),
        ] {
            let found = asks_for_image(ours).whose(&of_image(its));
            assert_eq!(found, whose, "{ours} {its}");
        }
        for deployment in [seen("x"), on("main")] {
            let found = asks_for_image("nginx:1.28").whose(&deployment);
            assert_eq!(found, Ownership::Unclear, "{deployment:?}");
        }
    }

    #[test]
    fn a_push_and_a_preview_are_somebody_elses_and_a_word_proves_nothing() {
        let automatic = |deployment| Deployment {
            origin: Origin::Automatic,
            ..deployment
        };
        let preview = Deployment {
            is_preview: true,
            ..on("main")
        };
        let main = || on("main");
        let built = |is_built| Deployment {
            is_built: Some(is_built),
            ..main()
        };
        for (kind, deployment, whose) in [
            (DeployKind::Deploy, main(), Ownership::Ours),
            (
                DeployKind::Deploy,
                called("DEPLOY_BY_API", main()),
                Ownership::Ours,
            ),
            (
                DeployKind::Deploy,
                called(RESTART, main()),
                Ownership::Unclear,
            ),
            (
                DeployKind::Deploy,
                called(ROLLBACK, main()),
                Ownership::Unclear,
            ),
            (DeployKind::Deploy, called(PUSH, main()), Ownership::Unclear),
            (DeployKind::Deploy, automatic(main()), Ownership::Others),
            (DeployKind::Deploy, preview.clone(), Ownership::Others),
            (DeployKind::Restart, automatic(main()), Ownership::Unclear),
            (
                DeployKind::Restart,
                automatic(built(true)),
                Ownership::Others,
            ),
            (
                DeployKind::Restart,
                automatic(built(false)),
                Ownership::Ours,
            ),
            (
                DeployKind::Promotion,
                automatic(built(false)),
                Ownership::Ours,
            ),
            (
                DeployKind::Promotion,
                automatic(built(true)),
                Ownership::Others,
            ),
            (
                DeployKind::Deploy,
                automatic(built(false)),
                Ownership::Others,
            ),
            (DeployKind::Rollback, preview, Ownership::Others),
            (DeployKind::Hook, automatic(main()), Ownership::Ours),
            (
                DeployKind::Hook,
                automatic(called(PUSH, main())),
                Ownership::Unclear,
            ),
            (DeployKind::Hook, automatic(on("dev")), Ownership::Others),
        ] {
            let found = asks_for_branch(kind).whose(&deployment);
            assert_eq!(found, whose, "{kind:?} {deployment:?}");
        }
    }

    #[test]
    fn what_takes_a_version_is_known_by_the_version() {
        use DeployKind::{Promotion, Restart, Rollback};

        let version = Deployment {
            commit_sha: Some(COMMIT.to_owned()),
            ..on("main")
        };
        let of_commit = |commit: &str, branch: &str| Deployment {
            commit_sha: Some(commit.to_owned()),
            ..on(branch)
        };
        let built = Deployment {
            is_built: Some(true),
            ..on("main")
        };
        let other = COMMIT.replace('0', "f");
        for (kind, deployment, whose) in [
            (Rollback, of_commit(COMMIT, "main"), Ownership::Ours),
            (
                Rollback,
                of_commit(&COMMIT.to_uppercase(), "dev"),
                Ownership::Ours,
            ),
            (
                Rollback,
                called("BACK", of_commit(COMMIT, "main")),
                Ownership::Ours,
            ),
            (
                Rollback,
                called(RESTART, of_commit(COMMIT, "main")),
                Ownership::Ours,
            ),
            // The branch is that of the deployment that it replaces, too.
            (Rollback, on("main"), Ownership::Unclear),
            (Rollback, on("dev"), Ownership::Unclear),
            (Rollback, of_commit(&other, "main"), Ownership::Unclear),
            (
                Rollback,
                of_commit(&COMMIT[..9], "main"),
                Ownership::Unclear,
            ),
            (Promotion, of_commit(COMMIT, "stage"), Ownership::Ours),
            (Promotion, of_commit(&other, "main"), Ownership::Unclear),
            (Promotion, on("main"), Ownership::Unclear),
            (Restart, on("main"), Ownership::Ours),
            (Restart, built, Ownership::Unclear),
            (Restart, on("dev"), Ownership::Unclear),
            (Restart, of_commit(&other, "main"), Ownership::Unclear),
            (Restart, seen("x"), Ownership::Unclear),
        ] {
            let found = DeploymentMatcher::version(kind, Some(&version)).whose(&deployment);
            assert_eq!(found, whose, "{kind:?} {deployment:?}");
        }
        let by_image = DeploymentMatcher::version(Rollback, Some(&of_image("app:1")));
        assert_eq!(
            by_image.whose(&of_image("docker.io/library/app:1")),
            Ownership::Ours
        );
        assert_eq!(by_image.whose(&of_image("app:2")), Ownership::Unclear);
        let newer = of_commit(&other, "main");
        let either = DeploymentMatcher::version(Promotion, Some(&version)).or_version(&newer);
        assert_eq!(either.whose(&newer), Ownership::Ours);
        let unknown = DeploymentMatcher::version(Rollback, None);
        assert_eq!(
            unknown.whose(&of_commit(COMMIT, "main")),
            Ownership::Unclear
        );
    }
}
