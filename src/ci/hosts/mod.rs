//! The table of CI systems. Each has a module, which declares how the system is
//! detected, what it says about the run and what it is written to.

pub(crate) mod azure;
pub(crate) mod bitbucket;
pub(crate) mod buildkite;
pub(crate) mod circleci;
pub(crate) mod drone;
pub(crate) mod gitea;
pub(crate) mod github;
pub(crate) mod gitlab;
pub(crate) mod jenkins;
pub(crate) mod local;
pub(crate) mod other;
pub(crate) mod teamcity;
pub(crate) mod woodpecker;

use crate::ci::detect::DetectionRule;
use crate::ci::facts::RunNames;
use crate::ci::files::StepFiles;
use crate::ci::{CiOutput, CiOutputConfig, Facts};
use crate::environment::Variables;
use crate::sanitize::SanitizedText;

/// One CI system, as its module declares it.
#[derive(Debug)]
pub struct CiHost {
    /// The name that [`OVERRIDE`](crate::ci::OVERRIDE) takes. Its page, if it has
    /// one, is `docs/ci/NAME.md`.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The file that its page shows to be copied; without one there is no page.
    pub template: Option<&'static str>,
    /// It is this system if one of these holds.
    pub(super) detection: &'static [DetectionRule],
    /// The variables that name the run and its step.
    pub(super) names: RunNames,
    /// What it says about the run.
    pub(super) facts: fn(&Variables) -> Facts,
    /// Makes what it is written to.
    pub(super) output: fn(CiOutputConfig<'_>, StepFiles) -> Box<dyn CiOutput>,
}

macro_rules! hosts {
    ($($(#[$doc:meta])* $variant:ident = $module:ident),* $(,)?) => {
        /// The CI systems that are distinguished.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Host { $($(#[$doc])* $variant),* }

        impl Host {
            /// All of them. The first that is detected is the one: earlier ones
            /// imitate later ones.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its row.
            pub const fn row(self) -> &'static CiHost {
                match self { $(Self::$variant => &$module::HOST),* }
            }
        }
    };
}

impl Host {
    /// Whether the log shows all of an annotation where it is made. Gitea's and
    /// Forgejo's show the command as it is written.
    pub fn logs_annotation(self, message: &SanitizedText) -> bool {
        self == Self::GitHub && github::is_whole(message)
    }
}

hosts! {
    /// Gitea Actions and Forgejo Actions, which imitate GitHub's.
    Gitea = gitea,
    /// GitHub Actions.
    GitHub = github,
    /// Azure Pipelines.
    Azure = azure,
    /// GitLab CI.
    GitLab = gitlab,
    /// Bitbucket Pipelines.
    Bitbucket = bitbucket,
    /// CircleCI.
    CircleCi = circleci,
    /// Buildkite.
    Buildkite = buildkite,
    /// TeamCity.
    TeamCity = teamcity,
    /// Woodpecker.
    Woodpecker = woodpecker,
    /// Drone and Harness.
    Drone = drone,
    /// Jenkins.
    Jenkins = jenkins,
    /// Some other CI.
    OtherCi = other,
    /// No CI: somebody's own machine.
    Local = local,
}
