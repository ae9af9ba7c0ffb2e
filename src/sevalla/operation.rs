//! The table of the API's operations that this program uses, each as in the
//! OpenAPI document. A contract test compares the table with the document.

use reqwest::Method;

/// One operation of the API.
#[derive(Debug)]
pub struct Operation {
    /// `operationId` in the OpenAPI document; a name of our own where the
    /// document has none.
    pub id: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path below the API's address, with `{…}` for ids.
    pub path: &'static str,
    /// Which of the company's budgets it is counted against.
    pub tier: Tier,
    /// Whether a JSON body is sent. Where not, no content type is sent either:
    /// the service refuses one without a body.
    pub sends_body: bool,
    /// What it does, completing "could not …".
    pub doing: &'static str,
}

/// The budgets of the service's rate limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Plain reading: 400 a minute for the company.
    Read,
    /// Reading logs: 30 a minute for the company.
    Logs,
    /// Starting and stopping deployments, and changing a service: 10 a minute
    /// for a service.
    Deployment,
    /// Making a service: 20 an hour for the company, and 5 a minute by an older
    /// page. One run makes one at most.
    Creation,
}

macro_rules! operations {
    ($($name:ident = $id:literal $method:ident $path:literal $tier:ident $body:literal $doing:literal;)*) => {
        $(
            #[doc = $doing]
            pub static $name: Operation = Operation {
                id: $id,
                method: Method::$method,
                path: $path,
                tier: Tier::$tier,
                sends_body: $body,
                doing: $doing,
            };
        )*

        /// Every operation used.
        pub static ALL: &[&Operation] = &[$(&$name),*];
    };
}

operations! {
    GET_APPLICATION = "getApplicationV3" GET "/applications/{id}" Read false
        "read the application";
    LIST_DEPLOYMENTS = "listDeploymentsV3" GET "/applications/{id}/deployments" Read false
        "list the application's deployments";
    TRIGGER_DEPLOYMENT = "triggerDeploymentV3" POST "/applications/{id}/deployments" Deployment true
        "start a deployment of the application";
    GET_DEPLOYMENT = "getDeploymentV3" GET "/applications/{id}/deployments/{deployment_id}" Read false
        "read the deployment";
    CANCEL_DEPLOYMENT = "cancelDeploymentV3"
        POST "/applications/{id}/deployments/{deployment_id}/cancel" Deployment false
        "cancel the deployment";
    GET_APPLICATION_DEPLOYMENT_LOGS = "getApplicationDeploymentLogsV3"
        GET "/applications/{id}/deployments/{deployment_id}/logs" Logs false
        "read the deployment's log";
    LIST_APPLICATION_DOMAINS = "listApplicationDomainsV3" GET "/applications/{id}/domains" Read false
        "list the application's domains";
    LIST_APPLICATIONS = "listApplicationsV3" GET "/applications" Read false
        "list the company's applications";
    DELETE_APPLICATION = "deleteApplicationV3" DELETE "/applications/{id}" Deployment false
        "delete the application";
    ROLLBACK_DEPLOYMENT = "rollbackDeploymentV3" POST "/applications/{id}/deployments/rollback" Deployment false
        "roll the application back";
    PURGE_APPLICATION_CACHE = "purgeApplicationCacheV3" POST "/applications/{id}/purge-cache" Deployment false
        "empty the application's caches";
    GET_PIPELINE = "getPipelineV3" GET "/pipelines/{id}" Read false
        "read the pipeline";
    PROMOTE_PIPELINE = "promotePipelineV3" POST "/pipelines/{id}/promote" Deployment true
        "promote the application";
    GET_STATIC_SITE = "getStaticSiteV3" GET "/static-sites/{id}" Read false
        "read the static site";
    LIST_STATIC_SITE_DEPLOYMENTS = "listStaticSiteDeploymentsV3" GET "/static-sites/{id}/deployments" Read false
        "list the static site's deployments";
    DEPLOY_STATIC_SITE = "deployStaticSiteV3" POST "/static-sites/{id}/deployments" Deployment true
        "start a deployment of the static site";
    GET_STATIC_SITE_DEPLOYMENT = "getStaticSiteDeploymentV3"
        GET "/static-sites/{id}/deployments/{deployment_id}" Read false
        "read the deployment";
    CANCEL_STATIC_SITE_DEPLOYMENT = "cancelStaticSiteDeploymentV3"
        POST "/static-sites/{id}/deployments/{deployment_id}/cancel" Deployment false
        "cancel the deployment";
    PURGE_STATIC_SITE_CACHE = "purgeStaticSiteCacheV3" POST "/static-sites/{id}/purge-cache" Deployment false
        "empty the static site's caches";
    VALIDATE_API_KEY = "validateApiKeyV3" GET "/api-keys/validate" Read false
        "check the key";
    GET_STATIC_SITE_DEPLOYMENT_LOGS = "getStaticSiteDeploymentLogsV3"
        GET "/static-sites/{id}/deployments/{deployment_id}/logs" Logs false
        "read the deployment's log";
    UPDATE_APPLICATION = "updateApplicationV3" PATCH "/applications/{id}" Deployment true
        "change the application";
    TOGGLE_APPLICATION_CDN = "toggleApplicationCdnV3" POST "/applications/{id}/cdn/toggle" Deployment false
        "toggle the application's CDN";
    LIST_PROCESSES = "listProcessesV3" GET "/applications/{id}/processes" Read false
        "list the application's processes";
    LIST_ENVIRONMENT_VARIABLES = "listEnvironmentVariablesV3" GET "/applications/{id}/env-vars" Read false
        "list the application's variables";
    CREATE_ENVIRONMENT_VARIABLE = "createEnvironmentVariableV3" POST "/applications/{id}/env-vars" Deployment true
        "create the variable";
    UPDATE_ENVIRONMENT_VARIABLE = "updateEnvironmentVariableV3"
        PUT "/applications/{id}/env-vars/{env_var_id}" Deployment true
        "change the variable";
    LIST_STATIC_SITES = "listStaticSitesV3" GET "/static-sites" Read false
        "list the company's static sites";
    UPDATE_STATIC_SITE = "updateStaticSiteV3" PATCH "/static-sites/{id}" Deployment true
        "change the static site";
    DELETE_STATIC_SITE = "deleteStaticSiteV3" DELETE "/static-sites/{id}" Deployment false
        "delete the static site";
    LIST_PIPELINES = "listPipelinesV3" GET "/pipelines" Read false
        "list the company's pipelines";
    LIST_DATABASES = "listDatabasesV3" GET "/databases" Read false
        "list the company's databases";
    GET_DATABASE = "getDatabaseV3" GET "/databases/{id}" Read false
        "read the database";
    CREATE_DATABASE = "createDatabaseV3" POST "/databases" Creation true
        "create the database";
    UPDATE_DATABASE = "updateDatabaseV3" PATCH "/databases/{id}" Deployment true
        "change the database";
    DELETE_DATABASE = "deleteDatabaseV3" DELETE "/databases/{id}" Deployment false
        "delete the database";
    LIST_INTERNAL_CONNECTIONS = "listDatabaseInternalConnectionsV3"
        GET "/databases/{id}/internal-connections" Read false
        "list the database's internal connections";
    CREATE_INTERNAL_CONNECTION = "createDatabaseInternalConnectionV3"
        POST "/databases/{id}/internal-connections" Deployment true
        "connect the database to the application";
    LIST_CLUSTERS = "listClustersV3" GET "/resources/clusters" Read false
        "list the clusters";
    LIST_DATABASE_RESOURCE_TYPES = "listDatabaseResourceTypesV3"
        GET "/resources/database-resource-types" Read false
        "list the sizes of databases";
    GET_APPLICATION_TOP_STATUS_CODES = "getApplicationTopStatusCodesV3"
        GET "/applications/{id}/metrics/top-status-codes" Read false
        "read the application's metrics";
    GET_APPLICATION_RESPONSE_TIME = "getApplicationResponseTimeAvgV3"
        GET "/applications/{id}/metrics/response-time-avg" Read false
        "read the application's response time";
    GET_STATIC_SITE_TOP_STATUS_CODES = "getStaticSiteTopStatusCodesV3"
        GET "/static-sites/{id}/metrics/top-status-codes" Read false
        "read the static site's metrics";
    GET_STATIC_SITE_RESPONSE_TIME = "getStaticSiteResponseTimeAvgV3"
        GET "/static-sites/{id}/metrics/response-time-avg" Read false
        "read the static site's response time";
}

/// Making a preview app: newer than the document of March 2026.
pub static CREATE_PREVIEW_APP: Operation = Operation {
    id: "createPreviewApp",
    method: Method::POST,
    path: "/pipelines/{id}/preview/apps",
    tier: Tier::Creation,
    sends_body: true,
    doing: "create the preview app",
};

/// What the calling key may do: newer than the document of March 2026.
pub static GET_CURRENT_API_KEY: Operation = Operation {
    id: "getCurrentApiKey",
    method: Method::GET,
    path: "/api-keys/me",
    tier: Tier::Read,
    sends_body: false,
    doing: "read what the key may do",
};

/// The deployment hook: not part of the document, and no key is sent to it.
pub static CALL_HOOK: Operation = Operation {
    id: "hook",
    method: Method::POST,
    path: "deployment hook",
    tier: Tier::Deployment,
    sends_body: false,
    doing: "start a deployment through the hook",
};
