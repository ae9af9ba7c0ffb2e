//! The fields of each resource that `list` and `show` print, in their order. A
//! field that is not named here is never shown: a new one could hold a secret.

use crate::deployment::ServiceKind;
use crate::resource::{ResourceKind, ResourceList};

/// The fields of a list's items.
pub fn fields_of(list: ResourceList) -> &'static [&'static str] {
    match list {
        ResourceList::All(ResourceKind::Application) => LISTED_APPLICATION,
        ResourceList::All(ResourceKind::StaticSite) => LISTED_STATIC_SITE,
        ResourceList::All(ResourceKind::Pipeline) => LISTED_PIPELINE,
        ResourceList::All(ResourceKind::Database) => LISTED_DATABASE,
        ResourceList::Deployments(service) => match service.kind {
            ServiceKind::Application => APPLICATION_DEPLOYMENT,
            ServiceKind::StaticSite => STATIC_SITE_DEPLOYMENT,
        },
        ResourceList::Processes(_) => PROCESS,
    }
}

/// The fields of a resource's own record.
pub fn fields_of_one(kind: ResourceKind) -> &'static [&'static str] {
    match kind {
        ResourceKind::Application => APPLICATION,
        ResourceKind::StaticSite => STATIC_SITE,
        ResourceKind::Pipeline => PIPELINE,
        ResourceKind::Database => DATABASE,
    }
}

const LISTED_APPLICATION: &[&str] = &[
    "id",
    "name",
    "display_name",
    "status",
    "type",
    "source",
    "is_suspended",
    "created_at",
    "updated_at",
];

const LISTED_STATIC_SITE: &[&str] = &["id", "name", "display_name", "status"];

const LISTED_PIPELINE: &[&str] = &[
    "id",
    "display_name",
    "type",
    "stages",
    "created_at",
    "updated_at",
];

const LISTED_DATABASE: &[&str] = &[
    "id",
    "name",
    "display_name",
    "status",
    "type",
    "version",
    "resource_type_name",
    "is_suspended",
    "created_at",
    "updated_at",
];

const APPLICATION_DEPLOYMENT: &[&str] = &[
    "id",
    "status",
    "type",
    "trigger",
    "branch",
    "docker_image_url",
    "commit_sha",
    "commit_message",
    "author_login",
    "steps",
    "created_at",
    "started_at",
    "finished_at",
    "updated_at",
];

const STATIC_SITE_DEPLOYMENT: &[&str] = &[
    "id",
    "status",
    "type",
    "branch",
    "is_preview",
    "commit_sha",
    "commit_message",
    "author_login",
    "build_error",
    "created_at",
    "started_at",
    "finished_at",
    "updated_at",
];

const PROCESS: &[&str] = &[
    "id",
    "key",
    "type",
    "display_name",
    "entrypoint",
    "port",
    "is_ingress_enabled",
    "ingress_protocol",
    "scaling_strategy",
    "resource_type_id",
    "resource_type_name",
    "cpu_limit",
    "memory_limit",
    "schedule",
    "time_zone",
    "job_start_policy",
    "internal_hostname",
    "created_at",
    "updated_at",
];

const APPLICATION: &[&str] = &[
    "id",
    "company_id",
    "project_id",
    "name",
    "namespace",
    "display_name",
    "source",
    "type",
    "status",
    "build_cache_enabled",
    "hibernation_enabled",
    "hibernate_after_seconds",
    "auto_deploy",
    "is_suspended",
    "git_type",
    "repo_url",
    "default_branch",
    "docker_image",
    "build_type",
    "build_path",
    "pack_builder",
    "nixpacks_version",
    "dockerfile_path",
    "docker_context",
    "allow_deploy_paths",
    "ignore_deploy_paths",
    "buildpacks",
    "cluster_id",
    "docker_registry_credential_id",
    "created_by",
    "created_at",
    "updated_at",
];

const STATIC_SITE: &[&str] = &[
    "id",
    "company_id",
    "project_id",
    "name",
    "display_name",
    "status",
    "source",
    "repo_url",
    "default_branch",
    "auto_deploy",
    "is_preview_enabled",
    "git_type",
    "hostname",
    "install_command",
    "build_command",
    "published_directory",
    "root_directory",
    "node_version",
    "index_file",
    "error_file",
    "created_at",
    "updated_at",
];

const PIPELINE: &[&str] = &[
    "id",
    "company_id",
    "project_id",
    "display_name",
    "type",
    "stages",
    "created_at",
    "updated_at",
];

const DATABASE: &[&str] = &[
    "id",
    "company_id",
    "project_id",
    "name",
    "display_name",
    "type",
    "version",
    "status",
    "is_suspended",
    "cluster_id",
    "cluster_display_name",
    "cluster_location",
    "resource_type_id",
    "resource_type_name",
    "cpu_limit",
    "memory_limit",
    "storage_size",
    "db_name",
    "internal_hostname",
    "internal_port",
    "external_hostname",
    "external_port",
    "created_at",
    "updated_at",
];
