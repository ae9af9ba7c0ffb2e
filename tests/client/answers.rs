//! What the service answers, written by hand after the schemas and the
//! examples of its OpenAPI document, every field present.

use serde_json::{Value, json};

use crate::setup::DEPLOYMENT;

pub(crate) fn application() -> Value {
    json!({
        "id": "fb5e5168-4281-4bec-94c5-0d1584e9e657",
        "company_id": "4f9a2f0e-7e09-4a62-9f0f-6d2f3f0a1b01",
        "project_id": "0f6f9c36-1f51-4d29-8a3c-6a35cf4d1b02",
        "name": "my-app",
        "namespace": "my-app-abc123",
        "display_name": "My Application",
        "source": "privateGit",
        "type": "app",
        "status": "deploymentSuccess",
        "build_cache_enabled": true,
        "hibernation_enabled": false,
        "hibernate_after_seconds": 3600,
        "auto_deploy": true,
        "is_suspended": false,
        "git_type": "github",
        "repo_url": "https://github.com/user/repo",
        "default_branch": "main",
        "docker_image": "nginx:latest",
        "build_type": "nixpacks",
        "build_path": ".",
        "pack_builder": "heroku/builder:22",
        "nixpacks_version": "1.21.0",
        "dockerfile_path": "Dockerfile",
        "docker_context": ".",
        "allow_deploy_paths": ["src/**", "package.json"],
        "ignore_deploy_paths": ["docs/**", "README.md"],
        "buildpacks": [
            {"id": "5d1f2a3b-6c7d-4e8f-9a0b-1c2d3e4f5a6b", "source": "heroku/nodejs", "order": 0}
        ],
        "cluster_id": "7b1c9f4e-55a1-4b83-8f0c-9f4b7f4c1b03",
        "docker_registry_credential_id": "c0b1f7d2-1f0e-4a9d-8b7c-2a6c5e4d1b04",
        "created_by": "9d1f0c9b-2c3d-4e5f-8a6b-7c8d9e0f1b05",
        "created_at": "2025-01-30T00:00:00.000Z",
        "updated_at": "2025-01-30T00:00:00.000Z"
    })
}

pub(crate) fn application_summary() -> Value {
    json!({
        "id": "fb5e5168-4281-4bec-94c5-0d1584e9e657",
        "name": "my-app",
        "display_name": "My Application",
        "status": "deploymentSuccess",
        "type": "app",
        "source": "privateGit",
        "is_suspended": false,
        "created_at": "2025-01-30T00:00:00.000Z",
        "updated_at": "2025-01-30T00:00:00.000Z"
    })
}

pub(crate) fn pipeline() -> Value {
    json!({
        "id": "54fb80af-576c-4fdc-ba4f-b596c83f15a1",
        "company_id": "4f9a2f0e-7e09-4a62-9f0f-6d2f3f0a1b01",
        "project_id": null,
        "display_name": "My Pipeline",
        "type": "trunk",
        "stages": [{
            "id": "0f6f9c36-1f51-4d29-8a3c-6a35cf4d1b02",
            "pipeline_id": "54fb80af-576c-4fdc-ba4f-b596c83f15a1",
            "display_name": "Previews",
            "type": "preview",
            "order": 0,
            "branch": null,
            "auto_create_app": true,
            "delete_stale_apps": false,
            "stale_app_days": 5,
            "created_at": "2025-01-30T00:00:00.000Z",
            "updated_at": "2025-01-30T00:00:00.000Z"
        }],
        "created_at": "2025-01-30T00:00:00.000Z",
        "updated_at": "2025-01-30T00:00:00.000Z"
    })
}

pub(crate) fn application_deployment() -> Value {
    json!({
        "id": DEPLOYMENT,
        "app_id": "fb5e5168-4281-4bec-94c5-0d1584e9e657",
        "status": "success",
        "type": "manual",
        "trigger": "MANUAL_DEPLOY",
        "steps": ["checkout", "build", "rollout", "syncConnections"],
        "docker_image_url": "us-central1-docker.pkg.dev/project/repo/image:abc123",
        "git_type": "github",
        "repo_url": "https://github.com/user/repo",
        "branch": "main",
        "commit_sha": "a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6a1b2",
        "commit_message": "feat: add new feature",
        "author_login": "octocat",
        "author_img": "https://avatars.githubusercontent.com/u/583231",
        "started_at": "2025-01-30T00:00:20.000Z",
        "finished_at": "2025-01-30T00:05:00.000Z",
        "created_at": "2025-01-30T00:00:00.000Z",
        "updated_at": "2025-01-30T00:05:00.000Z"
    })
}

pub(crate) fn static_site() -> Value {
    json!({
        "id": "0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11",
        "company_id": "4f9a2f0e-7e09-4a62-9f0f-6d2f3f0a1b01",
        "project_id": "0f6f9c36-1f51-4d29-8a3c-6a35cf4d1b02",
        "name": "my-static-site",
        "display_name": "My Static Site",
        "status": "deploymentSuccess",
        "source": "privateGit",
        "repo_url": "https://github.com/user/static-site",
        "default_branch": "main",
        "auto_deploy": true,
        "is_preview_enabled": false,
        "git_type": "github",
        "hostname": "my-site.sevalla.page",
        "install_command": "npm install",
        "build_command": "npm run build",
        "published_directory": "dist",
        "root_directory": "/",
        "node_version": "20",
        "index_file": "index.html",
        "error_file": "404.html",
        "created_at": "2025-01-30T00:00:00.000Z",
        "updated_at": "2025-01-30T00:00:00.000Z"
    })
}

/// As the trigger and the list give it.
pub(crate) fn static_site_deployment() -> Value {
    json!({
        "id": DEPLOYMENT,
        "static_site_id": "0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11",
        "status": "failed",
        "type": "automatic",
        "repo_url": "https://github.com/user/static-site",
        "branch": "main",
        "is_preview": false,
        "author_login": "octocat",
        "author_img": "https://avatars.githubusercontent.com/u/1234",
        "commit_sha": "abc123def456",
        "commit_message": "Update landing page",
        "cloud_build_id": "1e2d3c4b-5a69-4788-9a6b-5c4d3e2f1a0b",
        "build_error": "Build failed: exit code 1",
        "created_at": "2025-01-30T00:00:00.000Z",
        "updated_at": "2025-01-30T00:00:30.000Z",
        "finished_at": "2025-01-30T00:00:30.000Z",
        "started_at": "2025-01-30T00:00:10.000Z"
    })
}

/// As reading a single one gives it: without two of the fields.
pub(crate) fn single_static_site_deployment() -> Value {
    let mut deployment = static_site_deployment();
    let fields = deployment.as_object_mut().unwrap();
    fields.remove("cloud_build_id");
    fields.remove("build_error");
    deployment
}

pub(crate) fn domains() -> Value {
    page(&json!([
        {
            "id": "21c0e5a4-10ce-4d6d-9d11-6f5e4d3c2b1a",
            "name": "app.example.com",
            "status": "ACTIVE",
            "type": "CUSTOM",
            "is_enabled": true,
            "is_wildcard": false,
            "is_primary": true,
            "dns_records": [{"type": "CNAME", "name": "app.example.com", "value": "cname.sevalla.com"}],
            "errors": null,
            "created_at": "2025-01-30T00:00:00.000Z",
            "updated_at": "2025-01-30T00:00:00.000Z"
        },
        {
            "id": "32d1f6b5-21df-4e7e-8e22-7a6f5e4d3c2b",
            "name": "my-app-abc123.sevalla.app",
            "status": "ACTIVE",
            "type": "SYSTEM",
            "is_enabled": false,
            "is_wildcard": true,
            "is_primary": false,
            "dns_records": null,
            "errors": null,
            "created_at": "2025-01-30T00:00:00.000Z",
            "updated_at": "2025-01-30T00:00:00.000Z"
        }
    ]))
}

pub(crate) fn logs() -> Value {
    json!([
        {
            "id": "log-1",
            "message": "Server started on port 3000",
            "service": "APP_DEPLOYMENT",
            "severity": "INFO",
            "timestamp": "2026-02-22 15:30:00.000",
            "tags": {"idApp": "fb5e5168-4281-4bec-94c5-0d1584e9e657", "container": "web"},
            "attributes": {},
            "unix_timestamp": 1_740_236_400_000_000_i64
        },
        {
            "id": "log-2",
            "message": "two\nlines",
            "service": "APP_DEPLOYMENT",
            "severity": "ERROR",
            "timestamp": "2026-02-22 15:30:00.001",
            "tags": {},
            "attributes": {"nested": {"deep": [1, null]}},
            "unix_timestamp": 1_740_236_400_001_000_i64
        }
    ])
}

/// A page of a list with these items.
pub(crate) fn page(items: &Value) -> Value {
    let total = items.as_array().unwrap().len();
    json!({"data": items, "total": total, "offset": 0, "limit": 25})
}

/// `object` with every field but these set to null.
pub(crate) fn null_but(keep: &[&str], mut object: Value) -> Value {
    for (name, value) in object.as_object_mut().unwrap() {
        if !keep.contains(&name.as_str()) {
            *value = Value::Null;
        }
    }
    object
}

pub(crate) fn static_site_summary() -> Value {
    json!({
        "id": "0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11",
        "name": "my-static-site",
        "display_name": "My Static Site",
        "status": "deploymentSuccess"
    })
}

/// As creation, change and the list tell it.
pub(crate) fn new_database() -> Value {
    json!({
        "id": "b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22",
        "company_id": "4f9a2f0e-7e09-4a62-9f0f-6d2f3f0a1b01",
        "project_id": null,
        "name": "my-database",
        "display_name": "My Database",
        "type": "postgresql",
        "version": "16",
        "status": "creating",
        "is_suspended": false,
        "resource_type_name": "DB1",
        "created_at": "2025-01-30T00:00:00.000Z",
        "updated_at": "2025-01-30T00:00:00.000Z"
    })
}

pub(crate) fn database() -> Value {
    let mut record = new_database();
    let rest = json!({
        "status": "ready",
        "cluster_id": "7b1c9f4e-55a1-4b83-8f0c-9f4b7f4c1b03",
        "cluster_display_name": "Frankfurt",
        "cluster_location": "europe-west3",
        "resource_type_id": "3d9e6c74-7b20-4f5b-8a73-2ebc9f4d5a32",
        "cpu_limit": 250,
        "memory_limit": 256,
        "storage_size": 1024,
        "db_name": "shop",
        "internal_hostname": "my-database.internal",
        "internal_port": "5432",
        "external_hostname": null,
        "external_port": null
    });
    for (name, value) in rest.as_object().unwrap() {
        record[name] = value.clone();
    }
    record
}

pub(crate) fn connection() -> Value {
    json!({
        "id": "0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11",
        "source_id": "b7c1d2e3-93f1-4bd6-8a0b-3f5a3f1f4c22",
        "source_type": "dbResource",
        "source_name": "my-database",
        "source_display_name": "My Database",
        "target_id": "fb5e5168-4281-4bec-94c5-0d1584e9e657",
        "target_type": "appResource",
        "target_name": "my-app",
        "target_display_name": "My Application"
    })
}

pub(crate) fn env_var() -> Value {
    json!({
        "id": "0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11",
        "app_id": "fb5e5168-4281-4bec-94c5-0d1584e9e657",
        "key": "DATABASE_HOST",
        "value": "db.internal",
        "is_runtime": true,
        "is_buildtime": true,
        "created_at": "2025-01-30T00:00:00.000Z",
        "updated_at": "2025-01-30T00:00:00.000Z"
    })
}

pub(crate) fn process() -> Value {
    json!({
        "id": "0aa1c3de-93f1-4bd6-8a0b-3f5a3f1f4c11",
        "app_id": "fb5e5168-4281-4bec-94c5-0d1584e9e657",
        "key": "web",
        "type": "web",
        "display_name": "Web Process",
        "entrypoint": "npm start",
        "port": 8080,
        "is_ingress_enabled": true,
        "ingress_protocol": "http",
        "scaling_strategy": {"type": "manual", "config": {"instanceCount": 1}},
        "resource_type_id": null,
        "resource_type_name": "S1",
        "cpu_limit": 500,
        "memory_limit": 1024,
        "schedule": null,
        "time_zone": null,
        "job_start_policy": null,
        "liveness_probe": null,
        "readiness_probe": null,
        "internal_hostname": null,
        "created_at": "2025-01-30T00:00:00.000Z",
        "updated_at": "2025-01-30T00:00:00.000Z"
    })
}
