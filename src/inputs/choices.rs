//! Inputs that take one of a few words.

use super::values::{Value, unknown_word};

/// Words as a sentence lists them: `a, b or c`.
macro_rules! listed {
    ($last:literal) => {
        $last
    };
    ($word:literal, $last:literal) => {
        concat!($word, " or ", $last)
    };
    ($word:literal, $($rest:literal),+) => {
        concat!($word, ", ", listed!($($rest),+))
    };
}

/// A set of words that an input chooses from. The comment of each is what a shell
/// shows of it.
macro_rules! choices {
    ($(#[$doc:meta])* $name:ident { $($(#[doc = $meaning:literal])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[doc = $meaning])* $variant),* }

        impl $name {
            /// The word that users write.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl Value for $name {
            const ACCEPTS: &'static str = listed!($($word),*);
            const WORDS: &'static [&'static str] = &[$($word),*];
            const MEANINGS: &'static [&'static str] = &[$(concat!($($meaning),*)),*];
            fn read(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(unknown_word::<Self>(text, Self::WORDS)),
                }
            }
        }
    };
}

pub(super) use {choices, listed};

choices! {
    /// What to list or show.
    Resource {
        /// Applications.
        Applications = "applications",
        /// Static sites.
        StaticSites = "static-sites",
        /// Pipelines.
        Pipelines = "pipelines",
        /// Databases.
        Databases = "databases",
        /// Deployments of a service.
        Deployments = "deployments",
        /// Processes of an application.
        Processes = "processes",
    }
}

impl Resource {
    /// The kind that a word means, also a short one.
    pub(crate) fn meant_by(word: &str) -> Option<Self> {
        Some(match word {
            "app" | "apps" | "application" | "applications" => Self::Applications,
            "site" | "sites" | "static-site" | "static-sites" => Self::StaticSites,
            "pipeline" | "pipelines" => Self::Pipelines,
            "db" | "dbs" | "database" | "databases" => Self::Databases,
            "deployment" | "deployments" | "deploys" => Self::Deployments,
            "process" | "processes" => Self::Processes,
            _ => return None,
        })
    }
}

choices! {
    /// What the CDN is to be.
    Cdn {
        /// In use.
        On = "on",
        /// Not in use.
        Off = "off",
    }
}

choices! {
    /// What to do after a failure.
    OnFailure {
        /// Nothing.
        Leave = "leave",
        /// Roll back.
        Rollback = "rollback",
    }
}

choices! {
    /// What to do for the pull request of a fork.
    OnFork {
        /// End as invalid.
        Fail = "fail",
        /// Pass without a deployment.
        Skip = "skip",
    }
}

choices! {
    /// What to do when another deployment of the service waits or runs.
    WhenBusy {
        /// Start anyway; Sevalla queues it.
        Queue = "queue",
        /// Wait until it has ended.
        Wait = "wait",
        /// Follow it if it deploys the same.
        Join = "join",
        /// Cancel it.
        CancelPrevious = "cancel-previous",
        /// Fail the run.
        Fail = "fail",
    }
}

choices! {
    /// What to do when another commit is deployed than the expected one.
    OnMismatch {
        /// Warn.
        Warn = "warn",
        /// Fail the run.
        Fail = "fail",
        /// Cancel the deployment, and fail the run.
        Cancel = "cancel",
    }
}

choices! {
    /// What to do when the deployment was skipped.
    OnSkipped {
        /// Fail the run.
        Fail = "fail",
        /// Let it pass.
        Pass = "pass",
    }
}

choices! {
    /// What to do at a further attempt at the run.
    OnRerun {
        /// Follow a deployment that an earlier attempt may have started.
        Follow = "follow",
        /// Start another.
        Deploy = "deploy",
    }
}

choices! {
    /// Whether to comment on the pull request.
    Comment {
        /// If there is a token for it.
        Auto = "auto",
        /// Yes; a warning if that is not possible.
        Always = "true",
        /// No.
        Never = "false",
    }
}

choices! {
    /// What to do with a deployment that this run stops following.
    Abandon {
        /// Let it finish.
        Leave = "leave",
        /// Cancel it.
        Cancel = "cancel",
    }
}

choices! {
    /// When to show the deployment's log.
    Logs {
        /// While it runs.
        Live = "live",
        /// At the end, if it did not succeed.
        OnFailure = "on-failure",
        /// Never.
        Off = "off",
    }
}
