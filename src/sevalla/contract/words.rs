//! The words that this program knows of each set of the API: the only list of
//! them. Every set is open. A word that is not in it is passed on with a note,
//! and decides nothing. `tests/contract/facts` compares the list with Sevalla's
//! document.

/// The words of one field.
#[derive(Debug)]
pub struct Words {
    /// The shape and its field, as in [`super::shapes`].
    pub place: &'static str,
    /// The words.
    pub known: &'static [&'static str],
    /// Whether the document has a set for it; otherwise it may be any text.
    pub is_closed: bool,
}

/// Where an application's or a static site's code is.
pub const GIT_TYPES: &[&str] = &["github", "bitbucket", "gitlab"];

/// What builds an application.
pub const BUILD_TYPES: &[&str] = &["dockerfile", "pack", "nixpacks", "railpack", "ingot"];

/// The versions of the builder `pack`.
pub const PACK_BUILDERS: &[&str] = &["heroku/builder:22", "heroku/builder:24"];

/// The versions of Nixpacks.
pub const NIXPACKS_VERSIONS: &[&str] = &["1.29", "1.39", "1.41"];

/// What an application can be changed to run.
pub const APPLICATION_SOURCES: &[&str] = &["privateGit", "publicGit", "dockerImage"];

/// What a static site can be built from.
pub const STATIC_SITE_SOURCES: &[&str] = &["privateGit", "publicGit"];

/// The databases that can be created.
pub const NEW_DATABASE_TYPES: &[&str] = &["postgresql", "mariadb", "mysql", "redis", "valkey"];

/// Versions of databases. Which there are depends on type and cluster; the document
/// has an example only.
pub const DATABASE_VERSIONS: &[&str] = &["7", "14", "15", "16", "17"];

/// The predefined roles of keys.
const KEY_ROLES: &[&str] = &[
    "COMPANY_ADMIN",
    "COMPANY_DEVELOPER",
    "COMPANY_OWNER",
    "COMPANY_VIEWER",
];

/// The statuses of a deployment.
pub const DEPLOYMENT_STATUSES: &[&str] = &[
    "waiting",
    "inProgress",
    "success",
    "failed",
    "cancelled",
    "skipped",
];

const ORIGINS: &[&str] = &["manual", "automatic"];

const fn words(place: &'static str, known: &'static [&'static str]) -> Words {
    Words {
        place,
        known,
        is_closed: true,
    }
}

/// Of a field for which the document only names examples.
const fn examples(place: &'static str, known: &'static [&'static str]) -> Words {
    Words {
        is_closed: false,
        ..words(place, known)
    }
}

/// The sets of the fields that are read.
pub const READ: &[Words] = &[
    words(
        "application.source",
        &["privateGit", "publicGit", "dockerImage", "app"],
    ),
    words("application.type", &["app", "previewApp"]),
    words(
        "application.status",
        &[
            "deploymentInProgress",
            "deploymentFailed",
            "deploymentSuccess",
            "deleting",
            "appDeletionFailed",
            "deploymentCancelled",
        ],
    ),
    words("application.git_type", GIT_TYPES),
    words("application.build_type", BUILD_TYPES),
    words("deployment.status", DEPLOYMENT_STATUSES),
    words("deployment.type", ORIGINS),
    examples(
        "deployment.trigger",
        &[
            "MANUAL_DEPLOY",
            "ROLLBACK_DEPLOYMENT",
            "AUTO_DEPLOY_ON_PUSH",
            "RESTART",
        ],
    ),
    words(
        "deployment.steps",
        &["checkout", "build", "rollout", "syncConnections"],
    ),
    words("deployment.git_type", GIT_TYPES),
    words(
        "static-site.status",
        &[
            "deploymentInProgress",
            "deploymentFailed",
            "deploymentSuccess",
            "deploymentCancelled",
            "deleting",
            "deletionFailed",
        ],
    ),
    words("static-site.source", STATIC_SITE_SOURCES),
    words("static-site.git_type", GIT_TYPES),
    words("static-site-deployment.status", DEPLOYMENT_STATUSES),
    words("static-site-deployment.type", ORIGINS),
    words("pipeline.type", &["trunk", "branch"]),
    words("pipeline.stages[].type", &["preview", "standard", "prod"]),
    words("process.type", &["web", "worker", "cron", "job"]),
    words("process.ingress_protocol", &["http", "grpc"]),
    words(
        "process.job_start_policy",
        &[
            "beforeDeployment",
            "afterSuccessDeployment",
            "afterFailedDeployment",
        ],
    ),
    words(
        "database.type",
        &[
            "postgresql",
            "mariadb",
            "mysql",
            "mongodb",
            "redis",
            "valkey",
        ],
    ),
    examples("database.version", DATABASE_VERSIONS),
    words(
        "database.status",
        &[
            "creating",
            "ready",
            "updating",
            "passwordChange",
            "passwordChangeFailed",
            "deleting",
            "error",
            "dbDeletionFailed",
            "restoring",
            "restoringFailed",
            "updatingExternalConnection",
        ],
    ),
    words("connection.source_type", &["appResource", "dbResource"]),
    words("connection.target_type", &["appResource", "dbResource"]),
    examples("domain.type", &["SYSTEM", "CUSTOM"]),
    examples(
        "domain.status",
        &["VERIFICATION", "POINTING", "ACTIVE", "TIMED_OUT"],
    ),
    examples("log.severity", &["INFO", "WARN", "ERROR", "DEBUG"]),
    examples("log.service", &["APP_DEPLOYMENT", "SS_DEPLOYMENT"]),
    examples("key.status", &["active"]),
    examples("current-key.source", &["DASHBOARD", "CLI", "EXTERNAL"]),
    examples("current-key.roles[].name", KEY_ROLES),
];

/// The sets of the fields that are sent.
pub const SENT: &[Words] = &[
    words("updateApplicationV3.build_type", BUILD_TYPES),
    words("updateApplicationV3.pack_builder", PACK_BUILDERS),
    words("updateApplicationV3.nixpacks_version", NIXPACKS_VERSIONS),
    words("updateApplicationV3.source", APPLICATION_SOURCES),
    words("updateApplicationV3.git_type", GIT_TYPES),
    words("updateStaticSiteV3.source", STATIC_SITE_SOURCES),
    words("updateStaticSiteV3.git_type", GIT_TYPES),
    words("createDatabaseV3.type", NEW_DATABASE_TYPES),
    examples("createDatabaseV3.version", DATABASE_VERSIONS),
    words(
        "createDatabaseInternalConnectionV3.target_type",
        &["app", "database"],
    ),
];

/// The words of a field that is read, if it is one of a set.
pub fn of(place: &str) -> Option<&'static Words> {
    READ.iter().find(|words| words.place == place)
}
