//! The fields that the records of the API have, as far as they are known: the
//! fields of Sevalla's document, and newer ones that this program reads.
//! `tests/contract/facts` compares the table with the document.

/// One kind of record.
#[derive(Debug)]
pub struct Shape {
    /// Its name, which [`super::words`] uses.
    pub name: &'static str,
    /// The ids of the operations whose responses contain it.
    operations: &'static str,
    /// Its fields, also those of objects inside it.
    fields: &'static str,
    /// The fields whose content is open: it has no fields of the contract.
    open: &'static str,
}

impl Shape {
    /// The operations.
    pub fn operations(&self) -> impl Iterator<Item = &'static str> {
        self.operations.split_ascii_whitespace()
    }

    /// The fields.
    pub fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.fields.split_ascii_whitespace()
    }

    /// Whether a field, with its path from the record, is one of these.
    pub fn has(&self, field: &str) -> bool {
        self.fields().any(|known| known == field)
    }

    /// Whether the contract has fields of the items of this one.
    pub fn has_inside(&self, field: &str) -> bool {
        let inside = |known: &str| known.strip_prefix(field)?.strip_prefix("[].").map(drop);
        self.fields().any(|known| inside(known).is_some())
    }

    /// Whether the fields inside this one are not the contract's.
    pub fn is_open(&self, field: &str) -> bool {
        self.open
            .split_ascii_whitespace()
            .any(|known| known == field)
    }
}

/// The shape of the records in the responses of an operation.
pub fn of(operation: &str) -> Option<&'static Shape> {
    let is_its = |shape: &&Shape| shape.operations().any(|id| id == operation);
    ALL.iter().find(is_its)
}

/// All shapes.
pub const ALL: &[Shape] = &[
    Shape {
        name: "application",
        operations: "getApplicationV3 listApplicationsV3 updateApplicationV3 createPreviewApp",
        fields: "id company_id project_id name namespace display_name source type status \
            build_cache_enabled hibernation_enabled hibernate_after_seconds auto_deploy \
            is_suspended git_type repo_url default_branch docker_image build_type build_path \
            pack_builder nixpacks_version dockerfile_path docker_context allow_deploy_paths \
            ignore_deploy_paths buildpacks buildpacks[].id buildpacks[].source \
            buildpacks[].order cluster_id docker_registry_credential_id created_by created_at \
            updated_at",
        open: "",
    },
    Shape {
        name: "deployment",
        operations: "listDeploymentsV3 triggerDeploymentV3 getDeploymentV3 rollbackDeploymentV3",
        fields: "id app_id status type trigger steps docker_image_url git_type repo_url branch \
            commit_sha commit_message author_login author_img started_at finished_at created_at \
            updated_at",
        open: "",
    },
    Shape {
        name: "message",
        operations: "cancelDeploymentV3 deleteApplicationV3 purgeApplicationCacheV3 \
            cancelStaticSiteDeploymentV3 purgeStaticSiteCacheV3 deleteStaticSiteV3 \
            deleteDatabaseV3",
        fields: "message",
        open: "",
    },
    Shape {
        name: "log",
        operations: "getApplicationDeploymentLogsV3 getStaticSiteDeploymentLogsV3",
        fields: "id message service severity timestamp tags attributes unix_timestamp",
        open: "tags attributes",
    },
    Shape {
        name: "domain",
        operations: "listApplicationDomainsV3",
        fields: "id name status type is_enabled is_wildcard is_primary dns_records errors \
            created_at updated_at",
        open: "dns_records errors",
    },
    Shape {
        name: "pipeline",
        operations: "getPipelineV3 listPipelinesV3",
        fields: "id company_id project_id display_name type stages stages[].id \
            stages[].pipeline_id stages[].display_name stages[].type stages[].order \
            stages[].branch stages[].auto_create_app stages[].delete_stale_apps \
            stages[].stale_app_days stages[].created_at stages[].updated_at created_at updated_at",
        open: "",
    },
    Shape {
        name: "promoted",
        operations: "promotePipelineV3",
        fields: "target_app_id deployment_id",
        open: "",
    },
    Shape {
        name: "static-site",
        operations: "getStaticSiteV3 listStaticSitesV3 updateStaticSiteV3",
        fields: "id company_id project_id name display_name status source repo_url \
            default_branch auto_deploy is_preview_enabled git_type hostname install_command \
            build_command published_directory root_directory node_version index_file error_file \
            allow_deploy_paths ignore_deploy_paths created_at updated_at",
        open: "",
    },
    Shape {
        name: "static-site-deployment",
        operations: "listStaticSiteDeploymentsV3 deployStaticSiteV3 getStaticSiteDeploymentV3",
        fields: "id static_site_id status type repo_url branch is_preview author_login \
            author_img commit_sha commit_message cloud_build_id build_error created_at \
            updated_at finished_at started_at",
        open: "",
    },
    Shape {
        name: "key",
        operations: "validateApiKeyV3",
        fields: "name expires_at company_id status",
        open: "",
    },
    Shape {
        name: "current-key",
        operations: "getCurrentApiKey",
        fields: "id company_id name is_enabled source masked_token roles roles[].id \
            roles[].name roles[].description capabilities capabilities[].id \
            capabilities[].permission capabilities[].id_resource last_used_at expired_at \
            old_token_expired_at created_at updated_at",
        open: "",
    },
    Shape {
        name: "toggle",
        operations: "toggleApplicationCdnV3",
        fields: "is_turned_on",
        open: "",
    },
    Shape {
        name: "process",
        operations: "listProcessesV3",
        fields: "id app_id key type display_name entrypoint port is_ingress_enabled \
            ingress_protocol scaling_strategy resource_type_id resource_type_name cpu_limit \
            memory_limit schedule time_zone job_start_policy liveness_probe readiness_probe \
            internal_hostname created_at updated_at",
        open: "scaling_strategy liveness_probe readiness_probe",
    },
    Shape {
        name: "variable",
        operations: "listEnvironmentVariablesV3 createEnvironmentVariableV3 \
            updateEnvironmentVariableV3",
        fields: "id app_id key value is_runtime is_buildtime created_at updated_at",
        open: "",
    },
    Shape {
        name: "database",
        operations: "getDatabaseV3 listDatabasesV3 createDatabaseV3 updateDatabaseV3",
        fields: "id company_id project_id name display_name type version status is_suspended \
            cluster_id cluster_display_name cluster_location resource_type_id \
            resource_type_name cpu_limit memory_limit storage_size db_name internal_hostname \
            internal_port external_hostname external_port created_at updated_at",
        open: "",
    },
    Shape {
        name: "connection",
        operations: "listDatabaseInternalConnectionsV3 createDatabaseInternalConnectionV3",
        fields: "id source_id source_type source_name source_display_name target_id target_type \
            target_name target_display_name",
        open: "",
    },
    Shape {
        name: "cluster",
        operations: "listClustersV3",
        fields: "id name display_name location",
        open: "",
    },
    Shape {
        name: "metric",
        operations: "getApplicationTopStatusCodesV3 getStaticSiteTopStatusCodesV3",
        fields: "status total",
        open: "",
    },
    Shape {
        name: "response-time",
        operations: "getApplicationResponseTimeAvgV3 getStaticSiteResponseTimeAvgV3",
        fields: "average_response_time_ms",
        open: "",
    },
    Shape {
        name: "database-size",
        operations: "listDatabaseResourceTypesV3",
        fields: "id name cpu_limit memory_limit storage_limit",
        open: "",
    },
];
