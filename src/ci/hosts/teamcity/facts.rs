//! TeamCity. Source: jetbrains.com/help/teamcity/predefined-build-parameters.
//!
//! A branch and a change request are parameters of the build, and become
//! variables only where the build's configuration says so.

use crate::ci::facts::{Facts, owned};
use crate::environment::Variables;

pub(crate) fn facts(variables: &Variables) -> Facts {
    Facts {
        commit: owned(variables, "BUILD_VCS_NUMBER"),
        run_url: owned(variables, "BUILD_URL"),
        ..Facts::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::Host;
    use crate::ci::facts::tests::{facts_of, some};

    #[test]
    fn a_build() {
        let facts = facts_of(
            Host::TeamCity,
            &[
                ("TEAMCITY_VERSION", "2025.07.1 (build 197312)"),
                ("BUILD_NUMBER", "42"),
                (
                    "BUILD_VCS_NUMBER",
                    "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432",
                ),
                ("BUILD_URL", "https://teamcity.acme.example/build/1234"),
            ],
        );
        let expected = Facts {
            commit: some("9f8e7d6c5b4a39281706f5e4d3c2b1a098765432"),
            run_url: some("https://teamcity.acme.example/build/1234"),
            ..Facts::default()
        };
        assert_eq!(facts, expected);
    }
}
