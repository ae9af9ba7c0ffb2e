//! [`Host`]: which CI system the run is in, by its variables.

use crate::ci::Host;
use crate::environment::Variables;

/// Names the host where its own variables mislead.
pub const OVERRIDE: &str = "SEVALLA_CI_HOST";

/// How a host shows itself. From the hosts' documentation, compared with
/// `vendors.json` of ci-info.
#[derive(Debug)]
pub(super) enum DetectionRule {
    /// The variable has this value, in whatever case.
    Is(&'static str, &'static str),
    /// The variable has some other value than this one.
    Not(&'static str, &'static str),
    /// All of these have some value.
    All(&'static [&'static str]),
}

impl Host {
    /// Tells the host by the values of its variables, unless [`OVERRIDE`]
    /// names it.
    pub fn detect(variables: &Variables) -> Self {
        let named = variables.text(OVERRIDE).and_then(Self::named);
        let is_here = |host: &Self| {
            let mut rules = host.row().detection.iter();
            rules.any(|rule| rule.is_in(variables))
        };
        let detected = || Self::ALL.iter().copied().find(is_here);
        named.or_else(detected).unwrap_or(Self::Local)
    }

    /// The message about an [`OVERRIDE`] that names no host.
    pub fn misnamed(variables: &Variables) -> Option<String> {
        let name = variables.text(OVERRIDE)?;
        if Self::named(name).is_some() {
            return None;
        }
        let names: Vec<&str> = Self::ALL.iter().map(|host| host.name()).collect();
        Some(format!(
            "{OVERRIDE} is {name:?}, which is not one of {}; it was ignored",
            names.join(", ")
        ))
    }

    /// The name that [`OVERRIDE`] takes.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    fn named(name: &str) -> Option<Self> {
        let mut hosts = Self::ALL.iter().copied();
        hosts.find(|host| host.name().eq_ignore_ascii_case(name))
    }
}

impl DetectionRule {
    fn is_in(&self, variables: &Variables) -> bool {
        match self {
            Self::Is(name, value) => variables
                .text(name)
                .is_some_and(|given| given.eq_ignore_ascii_case(value)),
            Self::Not(name, value) => variables
                .text(name)
                .is_some_and(|given| !given.eq_ignore_ascii_case(value)),
            Self::All(names) => names.iter().all(|name| variables.text(name).is_some()),
        }
    }
}

#[cfg(test)]
mod tests {
    use Host::{
        Azure, Bitbucket, Buildkite, CircleCi, Drone, GitHub, GitLab, Gitea, Jenkins, Local,
        OtherCi, TeamCity, Woodpecker,
    };

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
        for host in Host::ALL.iter().copied() {
            let upper = host.name().to_uppercase();
            let variables = Variables::from([(OVERRIDE, upper.as_str()), ("TF_BUILD", "True")]);
            assert_eq!(Host::detect(&variables), host);
            assert_eq!(Host::misnamed(&variables), None);
        }
        let variables = Variables::from([(OVERRIDE, "travis"), ("TF_BUILD", "True")]);
        assert_eq!(Host::detect(&variables), Azure);
        let reported = Host::misnamed(&variables).unwrap();
        assert!(
            reported.contains("\"travis\"") && reported.contains("teamcity"),
            "{reported}"
        );
        assert_eq!(Host::misnamed(&Variables::default()), None);
    }
}
