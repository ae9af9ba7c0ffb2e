//! [`Host`]: which CI system the run is in, by its variables.

use crate::environment::Variables;

/// Names the host where its own variables mislead.
pub const OVERRIDE: &str = "SEVALLA_CI_HOST";

/// The CI systems that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// GitHub Actions.
    GitHub,
    /// Gitea Actions and Forgejo Actions, which imitate GitHub's.
    Gitea,
    /// Azure Pipelines.
    Azure,
    /// GitLab CI.
    GitLab,
    /// Bitbucket Pipelines.
    Bitbucket,
    /// CircleCI.
    CircleCi,
    /// Buildkite.
    Buildkite,
    /// TeamCity.
    TeamCity,
    /// Woodpecker.
    Woodpecker,
    /// Drone and Harness.
    Drone,
    /// Jenkins.
    Jenkins,
    /// Some other CI.
    OtherCi,
    /// No CI: somebody's own machine.
    Local,
}

/// How a host shows itself.
enum DetectionRule {
    /// The variable has this value, in whatever case.
    Is(&'static str, &'static str),
    /// All of these have some value.
    All(&'static [&'static str]),
}

use Host::{
    Azure, Bitbucket, Buildkite, CircleCi, Drone, GitHub, GitLab, Gitea, Jenkins, Local, OtherCi,
    TeamCity, Woodpecker,
};

/// The first that fits is the host: later ones are imitated by earlier ones.
/// From the hosts' documentation, compared with `vendors.json` of ci-info.
const SIGNS: [(Host, DetectionRule); 13] = [
    (Gitea, DetectionRule::Is("GITEA_ACTIONS", "true")),
    (Gitea, DetectionRule::Is("FORGEJO_ACTIONS", "true")),
    (GitHub, DetectionRule::Is("GITHUB_ACTIONS", "true")),
    (Azure, DetectionRule::Is("TF_BUILD", "true")),
    (GitLab, DetectionRule::Is("GITLAB_CI", "true")),
    (Bitbucket, DetectionRule::All(&["BITBUCKET_BUILD_NUMBER"])),
    (Bitbucket, DetectionRule::All(&["BITBUCKET_COMMIT"])),
    (CircleCi, DetectionRule::Is("CIRCLECI", "true")),
    (Buildkite, DetectionRule::Is("BUILDKITE", "true")),
    (TeamCity, DetectionRule::All(&["TEAMCITY_VERSION"])),
    (Woodpecker, DetectionRule::Is("CI", "woodpecker")),
    (Drone, DetectionRule::Is("DRONE", "true")),
    (Jenkins, DetectionRule::All(&["JENKINS_URL", "BUILD_ID"])),
];

/// Every host by the name that [`OVERRIDE`] takes.
const NAMES: [(Host, &str); 13] = [
    (GitHub, "github"),
    (Gitea, "gitea"),
    (Azure, "azure"),
    (GitLab, "gitlab"),
    (Bitbucket, "bitbucket"),
    (CircleCi, "circleci"),
    (Buildkite, "buildkite"),
    (TeamCity, "teamcity"),
    (Woodpecker, "woodpecker"),
    (Drone, "drone"),
    (Jenkins, "jenkins"),
    (OtherCi, "other"),
    (Local, "local"),
];

impl Host {
    /// Tells the host by the values of its variables, unless [`OVERRIDE`]
    /// names it.
    pub fn detect(variables: &Variables) -> Self {
        let named = variables.text(OVERRIDE).and_then(Self::named);
        let shown = || SIGNS.iter().find(|(_, sign)| sign.is_in(variables));
        named
            .or_else(|| Some(shown()?.0))
            .unwrap_or_else(|| match variables.text("CI") {
                Some(value) if !value.eq_ignore_ascii_case("false") => OtherCi,
                _ => Local,
            })
    }

    /// What to tell the user about an [`OVERRIDE`] that names no host.
    pub fn misnamed(variables: &Variables) -> Option<String> {
        let name = variables.text(OVERRIDE)?;
        if Self::named(name).is_some() {
            return None;
        }
        let names: Vec<&str> = NAMES.iter().map(|(_, name)| *name).collect();
        Some(format!(
            "{OVERRIDE} is {name:?}, which is none of {}; it was ignored",
            names.join(", ")
        ))
    }

    /// The name that [`OVERRIDE`] takes.
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(host, _)| *host == self)
            .map_or("other", |(_, name)| *name)
    }

    fn named(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(name))
            .map(|(host, _)| *host)
    }
}

impl DetectionRule {
    fn is_in(&self, variables: &Variables) -> bool {
        match self {
            Self::Is(name, value) => variables
                .text(name)
                .is_some_and(|given| given.eq_ignore_ascii_case(value)),
            Self::All(names) => names.iter().all(|name| variables.text(name).is_some()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_told_by_values_not_by_presence() {
        let of = |pairs: &[(&str, &str)]| {
            let pairs = pairs
                .iter()
                .map(|(name, value)| (name.into(), value.into()));
            Host::detect(&pairs.collect())
        };
        let ci = ("CI", "true");
        for (pairs, host) in [
            (&[("GITHUB_ACTIONS", "true"), ci][..], GitHub),
            (
                &[("GITEA_ACTIONS", "true"), ("GITHUB_ACTIONS", "true"), ci],
                Gitea,
            ),
            (
                &[("FORGEJO_ACTIONS", "true"), ("GITHUB_ACTIONS", "true"), ci],
                Gitea,
            ),
            (&[("TF_BUILD", "True")], Azure),
            (&[("GITLAB_CI", "true"), ci], GitLab),
            (&[("BITBUCKET_BUILD_NUMBER", "7"), ci], Bitbucket),
            (&[("BITBUCKET_COMMIT", "c0ffee"), ci], Bitbucket),
            (&[("CIRCLECI", "true"), ci], CircleCi),
            (&[("BUILDKITE", "true"), ci], Buildkite),
            (&[("TEAMCITY_VERSION", "2025.07")], TeamCity),
            (
                &[("CI", "woodpecker"), ("CI_COMMIT_SHA", "c0ffee")],
                Woodpecker,
            ),
            (&[("DRONE", "true"), ci], Drone),
            (
                &[("JENKINS_URL", "https://ci.example"), ("BUILD_ID", "7")],
                Jenkins,
            ),
            (&[("JENKINS_URL", "https://ci.example")], Local),
            (&[("GITHUB_ACTIONS", "false"), ci], OtherCi),
            // As gitlab-ci-local sets them.
            (&[("GITLAB_CI", "false"), ci], OtherCi),
            (&[("CI", "1")], OtherCi),
            (&[("CI", "false")], Local),
            (&[], Local),
        ] {
            assert_eq!(of(pairs), host, "{pairs:?}");
        }
    }

    #[test]
    fn the_user_has_the_last_word() {
        for (host, name) in NAMES {
            let upper = name.to_uppercase();
            let variables = Variables::from([(OVERRIDE, upper.as_str()), ("TF_BUILD", "True")]);
            assert_eq!(Host::detect(&variables), host);
            assert_eq!(Host::misnamed(&variables), None);
            assert_eq!(host.name(), name);
        }
        let variables = Variables::from([(OVERRIDE, "travis"), ("TF_BUILD", "True")]);
        assert_eq!(Host::detect(&variables), Azure);
        let told = Host::misnamed(&variables).unwrap();
        assert!(
            told.contains("\"travis\"") && told.contains("teamcity"),
            "{told}"
        );
        assert_eq!(Host::misnamed(&Variables::default()), None);
    }
}
