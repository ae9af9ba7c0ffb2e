//! What a run does, as a value: made by `resolve` from the inputs, carried out by
//! the action's own module.

use std::time::Duration;

use uuid::Uuid;

use crate::actions::doctor::resolve::Checkup;
use crate::actions::manage::resolve::ResourceAction;
use crate::actions::preview::stack::StackPreviewTask;
use crate::actions::stack::StackTask;
use crate::deployment::{DeploySource, DeploymentId, Service, ServiceKind};
use crate::secret::HookUrl;
use crate::sevalla::operation::{
    CALL_HOOK, DEPLOY_STATIC_SITE, Operation, ROLLBACK_DEPLOYMENT, TRIGGER_DEPLOYMENT,
};

/// What a run does.
#[derive(Debug, Clone)]
pub enum Task {
    /// Start one deployment.
    Deploy(DeployOperation),
    /// Roll back to the last success of a service before the one that is live.
    RollBack(Service),
    /// Promote an application to others.
    Promote(Promotion),
    /// Make sure of a preview app, and deploy it.
    CreatePreview(PreviewSelector),
    /// Delete a preview app.
    DeletePreview(Preview),
    /// Delete the preview app of a pull request that was closed, as the event
    /// says.
    EndPreview(Preview),
    /// Delete previews that nobody needs.
    CleanPreviews(CleanupPolicy),
    /// Follow a deployment that somebody else started.
    Follow(Service, DeploymentSelector),
    /// Cancel a deployment.
    Cancel(Service, DeploymentId),
    /// Deploy a stack.
    DeployStack(Box<StackTask>),
    /// Bring up or delete the previews of a stack.
    PreviewStack(Box<StackPreviewTask>),
    /// Show what deploying a stack would do.
    PlanStack(Box<StackTask>),
    /// Something beside deploying.
    Manage(Box<ResourceAction>),
    /// Check the set-up.
    CheckUp(Box<Checkup>),
}

impl Task {
    /// The branch and the image to deploy, in the user's words.
    pub(crate) fn words(&self) -> [Option<&str>; 2] {
        match self {
            Self::Deploy(DeployOperation::DeployApplication { order, .. }) => {
                [order.branch.as_deref(), order.docker_image.as_deref()]
            }
            Self::Deploy(DeployOperation::DeployStaticSite { branch, .. }) => {
                [branch.as_deref(), None]
            }
            _ => [None, None],
        }
    }
}

/// A change on Sevalla that starts one deployment.
#[derive(Debug, Clone)]
pub enum DeployOperation {
    /// Deploy an application through the API.
    DeployApplication {
        /// The application.
        app: Uuid,
        /// What of it to deploy.
        order: DeploySource,
    },
    /// Deploy an application by calling its hook.
    CallHook {
        /// The hook.
        hook: HookUrl,
        /// The application, if it is known.
        app: Option<Uuid>,
    },
    /// Deploy a static site through the API.
    DeployStaticSite {
        /// The site.
        site: Uuid,
        /// The branch; `None` is the site's default branch.
        branch: Option<String>,
    },
    /// Deploy an earlier success of an application again.
    RollBackApplication {
        /// The application.
        app: Uuid,
        /// Which.
        earlier: EarlierDeployment,
    },
    /// Publish an earlier deployment of a static site again.
    RollBackStaticSite {
        /// The site.
        site: Uuid,
        /// The deployment.
        to: DeploymentId,
    },
}

/// An earlier deployment of an application to roll back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierDeployment {
    /// The deployment.
    pub id: DeploymentId,
    /// Whether the user has named it: then nothing else will do.
    pub is_named: bool,
    /// The image that is replaced, where that is not what is live.
    pub replaces: Option<String>,
}

impl EarlierDeployment {
    /// The one that the user names.
    pub const fn named(id: DeploymentId) -> Self {
        Self {
            id,
            is_named: true,
            replaces: None,
        }
    }

    /// The one that was found to be wanted.
    pub const fn found(id: DeploymentId) -> Self {
        Self {
            id,
            is_named: false,
            replaces: None,
        }
    }
}

/// A promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// The pipeline.
    pub pipeline: Uuid,
    /// The application whose latest success is promoted.
    pub source: Uuid,
    /// The applications that get it; at least one.
    pub targets: Vec<Uuid>,
}

/// A preview app, as far as it is known without a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// Its id, if the user gave one.
    pub app: Option<Uuid>,
    /// Its pipeline, if the user gave it.
    pub pipeline: Option<Uuid>,
    /// The branch it shows.
    pub branch: Option<String>,
    /// The pull request it belongs to.
    pub pull_request: Option<u64>,
    /// Whether the pull request's branch is in another repository, as far as the
    /// CI says.
    pub is_fork: Option<bool>,
    /// `owner/name` of the repository, as the CI calls it.
    pub repository: Option<String>,
}

/// A preview app to be made or deployed, before its pull request was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewSelector {
    /// The pipeline to make it in.
    pub pipeline: Uuid,
    /// Which. Its branch is the user's, or the one that the CI names.
    pub preview: Preview,
    /// Whether the user gave the branch.
    pub is_branch_given: bool,
    /// The commit at the tip of that branch, as the CI knows it.
    pub commit: Option<String>,
    /// Whether the code host has to be asked: the CI does not say which branch
    /// the pull request has, or whether it is a fork's.
    pub needs_pull_request: bool,
    /// Whether it must not outlive its pull request, even if that is closed
    /// while the preview is built.
    pub ends_with_pull_request: bool,
}

/// A preview app to be made or deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewPreview {
    /// The pipeline to make it in.
    pub pipeline: Uuid,
    /// Which.
    pub preview: Preview,
    /// Its branch, which making it needs.
    pub branch: String,
    /// The commit at the branch's tip, as the CI knows it.
    pub commit: Option<String>,
    /// Whether it must not outlive its pull request, even if that is closed
    /// while the preview is built.
    pub ends_with_pull_request: bool,
}

/// Which previews to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanupPolicy {
    /// Those without a deployment for this long.
    pub max_age: Option<Duration>,
    /// Those of pull requests of this repository that are closed.
    pub closed_in: Option<String>,
    /// At most so many.
    pub most: usize,
}

/// Which deployment to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeploymentSelector {
    /// This one.
    Known(DeploymentId),
    /// The one that Sevalla starts by itself for this commit.
    OfCommit {
        /// The commit.
        commit: String,
        /// The branch; `None` is the service's default branch.
        branch: Option<String>,
    },
}

impl DeployOperation {
    /// The service that changes, if it is known.
    pub fn service(&self) -> Option<Service> {
        match self {
            Self::DeployApplication { app, .. } | Self::RollBackApplication { app, .. } => {
                Some(Service::application(*app))
            }
            Self::CallHook { app, .. } => app.map(Service::application),
            Self::DeployStaticSite { site, .. } | Self::RollBackStaticSite { site, .. } => {
                Some(Service::static_site(*site))
            }
        }
    }

    /// The operation that it sends.
    pub(crate) fn operation(&self) -> &'static Operation {
        match self {
            Self::DeployApplication { .. } => &TRIGGER_DEPLOYMENT,
            Self::CallHook { .. } => &CALL_HOOK,
            Self::DeployStaticSite { .. } | Self::RollBackStaticSite { .. } => &DEPLOY_STATIC_SITE,
            Self::RollBackApplication { .. } => &ROLLBACK_DEPLOYMENT,
        }
    }

    /// Whether it brings back what was live before: what it replaces is what
    /// somebody wants to get rid of.
    pub const fn is_rollback(&self) -> bool {
        matches!(
            self,
            Self::RollBackApplication { .. } | Self::RollBackStaticSite { .. }
        )
    }

    /// This operation, on the service with this id.
    #[must_use]
    pub fn with_id(self, id: Uuid) -> Self {
        match self {
            Self::DeployApplication { order, .. } => Self::DeployApplication { app: id, order },
            Self::DeployStaticSite { branch, .. } => Self::DeployStaticSite { site: id, branch },
            other => other,
        }
    }

    /// Rolls a service back to this deployment.
    pub fn back_to(service: Service, earlier: EarlierDeployment) -> Self {
        match service.kind {
            ServiceKind::Application => Self::RollBackApplication {
                app: service.id,
                earlier,
            },
            ServiceKind::StaticSite => Self::RollBackStaticSite {
                site: service.id,
                to: earlier.id,
            },
        }
    }
}
