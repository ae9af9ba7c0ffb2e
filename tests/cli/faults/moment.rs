//! When it goes wrong.

use std::time::Duration;

use sevalla_simulator::Script;

/// A moment of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Reading the service and the list of its deployments.
    Before,
    /// Reading that list while another deployment is waited for.
    Waiting,
    /// The request that starts the deployment; it has no effect.
    Trigger,
    /// The same; it has its effect.
    TriggerDone,
    /// The hook, with a key; it has no effect.
    Hook,
    /// The same; it has its effect.
    HookDone,
    /// The hook, without a key; it has no effect.
    HookAlone,
    /// The same; it has its effect.
    HookAloneDone,
    /// The first look at the deployment.
    FirstLook,
    /// A later one.
    Following,
    /// Reading the log.
    Log,
    /// Reading the log of a deployment that fails.
    LogOfAFailure,
    /// The look when the time is over.
    Deadline,
    /// Cancelling when the time is over.
    LateCancel,
    /// Cancelling after a signal.
    Cancelling,
    /// What only adds words: when the key expires, where the service can be
    /// visited.
    Aside,
    /// The request that promotes; it has no effect.
    Promotion,
    /// The same; it has its effect.
    PromotionDone,
    /// The request that rolls back; it has no effect.
    Rollback,
    /// The same; it has its effect.
    RollbackDone,
    /// The request that creates a preview app; it has no effect.
    Creation,
    /// The same; it has its effect.
    CreationDone,
    /// The request that deletes a preview app; it has no effect.
    Deletion,
    /// The same; it has its effect.
    DeletionDone,
    /// The request that creates a database; it has no effect.
    Database,
    /// The same; it has its effect.
    DatabaseDone,
    /// Emptying the caches after the success.
    Purge,
}

impl Moment {
    /// In the order of a run.
    pub(crate) const ALL: [Self; 27] = [
        Self::Before,
        Self::Waiting,
        Self::Trigger,
        Self::TriggerDone,
        Self::Hook,
        Self::HookDone,
        Self::HookAlone,
        Self::HookAloneDone,
        Self::FirstLook,
        Self::Following,
        Self::Log,
        Self::LogOfAFailure,
        Self::Deadline,
        Self::LateCancel,
        Self::Cancelling,
        Self::Aside,
        Self::Promotion,
        Self::PromotionDone,
        Self::Rollback,
        Self::RollbackDone,
        Self::Creation,
        Self::CreationDone,
        Self::Deletion,
        Self::DeletionDone,
        Self::Database,
        Self::DatabaseDone,
        Self::Purge,
    ];

    /// A heading, and what happens at that moment.
    pub(crate) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Before => (
                "Before the start",
                "The run reads the application and the list of its deployments. Nothing has been \
                 started, so a retry is harmless.",
            ),
            Self::Waiting => (
                "While waiting for another deployment",
                "With `when-busy: wait`, the run polls until another deployment of the service has \
                 ended. Nothing has been started yet.",
            ),
            Self::Trigger => (
                "At the start, not carried out",
                "The request that starts the deployment is on its way, something goes wrong, and \
                 Sevalla starts nothing. The run cannot know that: it looks in the list of \
                 deployments for fifteen seconds or more before it sends the request again, and it \
                 does that only once.",
            ),
            Self::TriggerDone => (
                "At the start, carried out",
                "The same, but Sevalla does start the deployment. The run finds it in the list and \
                 follows it instead of starting a second one.",
            ),
            Self::Hook => (
                "Through the hook with a key, not carried out",
                "The run starts the deployment by its hook, and also has a key to look for it and \
                 follow it.",
            ),
            Self::HookDone => (
                "Through the hook with a key, carried out",
                "The same, and the deployment is started.",
            ),
            Self::HookAlone => (
                "Through the hook without a key, not carried out",
                "Without a key the run cannot read anything, so it cannot resolve a lost response.",
            ),
            Self::HookAloneDone => (
                "Through the hook without a key, carried out",
                "The same, and the deployment is started. The run ends with the start, since it \
                 cannot follow.",
            ),
            Self::FirstLook => (
                "At the first poll",
                "The deployment has been started, and the run polls it for the first time. If \
                 Sevalla does not know the deployment yet, the run retries for twenty seconds.",
            ),
            Self::Following => (
                "While following",
                "The deployment runs, and the run polls it.",
            ),
            Self::Log => (
                "While reading the log",
                "Log errors never change the result.",
            ),
            Self::LogOfAFailure => (
                "While reading the log of a deployment that fails",
                "The same, if the deployment fails.",
            ),
            Self::Deadline => (
                "When the run times out",
                "`timeout` has expired and the deployment has not ended. The run polls one last time.",
            ),
            Self::LateCancel => (
                "While cancelling after the time-out",
                "The same with `on-timeout: cancel`: the run asks Sevalla to cancel the deployment.",
            ),
            Self::Cancelling => (
                "While cancelling because the job is cancelled",
                "The CI has asked the run to stop while the deployment runs (here by SIGINT), and \
                 the run asks Sevalla to cancel the deployment. The run ends within six seconds, \
                 before the CI kills the process.",
            ),
            Self::Aside => (
                "While reading optional details",
                "The run reads the expiry of the key and, after a success, the address of the \
                 service. The fault affects both.",
            ),
            Self::Promotion => (
                "When promoting, not carried out",
                "`promote-app` asks Sevalla to promote. It sends one request for all targets, and \
                 looks at each target if the response is lost.",
            ),
            Self::PromotionDone => (
                "When promoting, carried out",
                "The same, and Sevalla promotes.",
            ),
            Self::Rollback => (
                "When rolling back, not carried out",
                "`rollback-app` asks Sevalla to roll back.",
            ),
            Self::RollbackDone => (
                "When rolling back, carried out",
                "The same, and Sevalla rolls back.",
            ),
            Self::Creation => (
                "When creating a preview app, not carried out",
                "`create-preview-app` asks Sevalla to create the app, whose first deployment Sevalla \
                 starts by itself. If the response is lost, the run looks for a new app of the \
                 branch.",
            ),
            Self::CreationDone => (
                "When creating a preview app, carried out",
                "The same, and Sevalla creates the app.",
            ),
            Self::Deletion => (
                "When deleting a preview app, not carried out",
                "`delete-preview-app` asks Sevalla to delete the app. Deleting twice is harmless, \
                 so the run sends the request again.",
            ),
            Self::DeletionDone => (
                "When deleting a preview app, carried out",
                "The same, and Sevalla deletes the app.",
            ),
            Self::Database => (
                "When creating a database, not carried out",
                "`create-database` asks Sevalla to create the database. If the response is lost, the \
                 run looks for a new database of the name. *Deployments* is the number of new \
                 databases here.",
            ),
            Self::DatabaseDone => (
                "When creating a database, carried out",
                "The same, and Sevalla creates the database.",
            ),
            Self::Purge => (
                "While emptying the caches",
                "With `purge-cache: true`, after the success. Sevalla empties them by itself after a \
                 deployment, so this cannot fail the run.",
            ),
        }
    }

    /// The requests that are struck.
    pub(crate) const fn operations(self) -> &'static [&'static str] {
        match self {
            Self::Before => &["getApplicationV3", "listDeploymentsV3"],
            Self::Waiting => &["listDeploymentsV3"],
            Self::Purge => &["purgeApplicationCacheV3"],
            Self::Trigger | Self::TriggerDone => &["triggerDeploymentV3"],
            Self::Hook | Self::HookDone | Self::HookAlone | Self::HookAloneDone => &["hook"],
            Self::FirstLook | Self::Following | Self::Deadline => &["getDeploymentV3"],
            Self::Log | Self::LogOfAFailure => &["getApplicationDeploymentLogsV3"],
            Self::LateCancel | Self::Cancelling => &["cancelDeploymentV3"],
            Self::Aside => &["validateApiKeyV3", "listApplicationDomainsV3"],
            Self::Promotion | Self::PromotionDone => &["promotePipelineV3"],
            Self::Rollback | Self::RollbackDone => &["rollbackDeploymentV3"],
            Self::Creation | Self::CreationDone => &["createPreviewApp"],
            Self::Deletion | Self::DeletionDone => &["deleteApplicationV3"],
            Self::Database | Self::DatabaseDone => &["createDatabaseV3"],
        }
    }

    /// Whether a request that is struck has its effect.
    pub(crate) const fn carries_out(self) -> bool {
        matches!(
            self,
            Self::TriggerDone
                | Self::HookDone
                | Self::HookAloneDone
                | Self::PromotionDone
                | Self::RollbackDone
                | Self::CreationDone
                | Self::DeletionDone
                | Self::DatabaseDone
        )
    }

    pub(crate) const fn is_database(self) -> bool {
        matches!(self, Self::Database | Self::DatabaseDone)
    }

    pub(crate) const fn is_hook(self) -> bool {
        matches!(
            self,
            Self::Hook | Self::HookDone | Self::HookAlone | Self::HookAloneDone
        )
    }

    pub(crate) const fn has_key(self) -> bool {
        !matches!(self, Self::HookAlone | Self::HookAloneDone)
    }

    /// What the deployment does.
    pub(crate) fn script(self) -> Script {
        let (script, run) = match self {
            Self::FirstLook | Self::Following | Self::Log => (Script::success(), 3500),
            Self::LogOfAFailure => (Script::failed(), 3500),
            Self::Deadline | Self::LateCancel | Self::Cancelling => {
                (Script::success().never_ends(), 600_000)
            }
            _ => (Script::success(), 300),
        };
        let run = Duration::from_millis(run);
        script
            .run(run)
            .log_line(Duration::from_millis(10), "INFO", "first line")
            .log_line(
                run.saturating_sub(Duration::from_millis(50)),
                "INFO",
                "last line",
            )
    }
}
