//! Runs in which something goes wrong, each an example of an entry.

use serde_json::json;
use sevalla_deploy::http::TransportError;
use sevalla_deploy::shutdown::Signal;

use super::stage::{APP, COMMIT, DEPLOYMENT, OTHER, Scene};

const PIPELINE: &str = "c2b1d1aa-7a52-4c55-9a41-5a0d5a1f7e04";
const TESTED: &str = "18d0bfd69c0e4f7a8b6d5c4e3f2a1b0c9d8e7f60";
const HOOK: &str =
    "https://hook.example.com/apps/fb5e5168-4281-4bec-94c5-0d1584e9e657/deploy/abcdefghijkl";

fn message(text: &str) -> String {
    json!({"message": text}).to_string()
}

/// With its status, by which it is known as the API's own.
pub(super) fn not_found(text: &str) -> String {
    json!({"message": text, "status": 404}).to_string()
}

pub(super) fn scenes() -> Vec<Scene> {
    let mut all = of_inputs();
    all.extend(of_requests());
    all.extend(of_starting());
    all.extend(of_following());
    all.extend(of_other_actions());
    all
}

fn of_inputs() -> Vec<Scene> {
    vec![
        Scene::bare("missing-input").set("SEVALLA_TOKEN", "svl_an_example_of_a_key"),
        Scene::bare("missing-key").set("SEVALLA_APP_ID", APP),
        Scene::of("unusable-value").set("SEVALLA_TIMEOUT", "30"),
        Scene::of("conflicting-inputs")
            .set("SEVALLA_BRANCH", "main")
            .set("SEVALLA_DOCKER_IMAGE", "ghcr.io/you/app:1.4.2"),
        Scene::of("unusable-settings")
            .set("SEVALLA_ACTION", "update-app")
            .set("SEVALLA_SETTINGS", r#"{"auto_deploi": true}"#),
        Scene::of("unusable-network-settings")
            .set("SSL_CERT_FILE", "/no/such/file.pem")
            .connected(),
        Scene::of("image-without-commit")
            .set("SEVALLA_VERIFY_URL", "https://shop.example/{commit}")
            .app(json!({"source": "dockerImage"})),
        Scene::bare("unknown-argument").argument("depoy-app"),
        Scene::bare("secret-argument").argument("--sevalla-token=an-example-of-a-key"),
        Scene::of("unknown-input").set("INPUT_BRNCH", "main"),
        Scene::of("unknown-ci-host").set("SEVALLA_CI_HOST", "githup"),
        Scene::of("input-without-effect")
            .set("SEVALLA_IS_RESTART", "true")
            .set("SEVALLA_BRANCH", "main"),
        Scene::of("network-setting-ignored")
            .set("HTTPS_PROXY", "http://proxy.example:3128")
            .set("NO_PROXY", "localhost, 10.0.*"),
        Scene::of("unknown-setting-value")
            .set("SEVALLA_ACTION", "update-app")
            .set("SEVALLA_SETTINGS", r#"{"build_type": "buildah"}"#),
        Scene::bare("deployment-not-followed").set("SEVALLA_DEPLOY_HOOK_URL", HOOK),
    ]
}

fn of_requests() -> Vec<Scene> {
    vec![
        Scene::of("key-not-accepted").answers("GET", APP, 401, &message("Unauthorized")),
        Scene::of("key-without-permission").answers("GET", APP, 403, &message("Forbidden")),
        Scene::of("not-found").answers("GET", APP, 404, &not_found("Application not found")),
        Scene::of("request-refused").answers(
            "POST",
            "/deployments",
            422,
            &message("Branch does not exist"),
        ),
        Scene::of("redirected").answers("GET", APP, 302, ""),
        Scene::of("rate-limit").answers("GET", APP, 429, &message("Too many requests")),
        Scene::of("sevalla-server-error").answers("GET", APP, 503, &message("Service unavailable")),
        Scene::of("no-connection").breaks(TransportError::NotConnected {
            reason: "tcp connect error: Connection refused (os error 111)".to_owned(),
            may_heal: true,
        }),
        Scene::of("untrusted-connection").breaks(TransportError::NotConnected {
            reason: "invalid peer certificate: UnknownIssuer".to_owned(),
            may_heal: false,
        }),
        Scene::of("proxy-refused").breaks(TransportError::ProxyRefused {
            proxy: "http://proxy.example:3128".to_owned(),
            status: 407,
        }),
        Scene::of("unreadable-answer").answers("GET", APP, 200, "<html><title>Log in</title>"),
        Scene::of("answer-lost").answers("POST", "/deployments", 502, "<html>"),
        Scene::of("interrupted")
            .ends(&["waiting", "inProgress", "inProgress", "cancelled"])
            .stops(Signal::Interrupt),
        Scene::of("hung-up")
            .ends(&["waiting", "inProgress", "inProgress", "cancelled"])
            .stops(Signal::HangUp),
        Scene::of("terminated")
            .set("SEVALLA_ON_CANCEL", "leave")
            .ends(&["waiting", "inProgress"])
            .stops(Signal::Terminate),
        Scene::of("key-expires-soon").answers(
            "GET",
            "/validate",
            200,
            &json!({"expires_at": "2026-03-08T00:00:00Z"}),
        ),
    ]
}

fn of_starting() -> Vec<Scene> {
    let running = || {
        json!({"id": OTHER, "status": "inProgress", "type": "manual", "branch": "main",
            "commit_sha": COMMIT, "created_at": "2026-03-01T09:59:00Z"})
    };
    vec![
        Scene::of("suspended-application").app(json!({"is_suspended": true})),
        Scene::of("being-deleted").app(json!({"status": "deleting"})),
        Scene::of("nothing-to-roll-back-to").set("SEVALLA_ACTION", "rollback-app"),
        Scene::of("rollback-not-possible")
            .set("SEVALLA_ACTION", "rollback-app")
            .set("SEVALLA_DEPLOYMENT_ID", OTHER)
            .past(json!({"id": OTHER, "status": "failed", "branch": "main",
                "created_at": "2026-03-01T09:00:00Z"})),
        Scene::of("nothing-to-promote")
            .set("SEVALLA_ACTION", "promote-app")
            .set("SEVALLA_PIPELINE_ID", PIPELINE)
            .set("SEVALLA_SOURCE_APP_ID", APP)
            .set("SEVALLA_TARGET_APP_IDS", OTHER)
            .answers("GET", PIPELINE, 200, &json!({"id": PIPELINE})),
        Scene::of("busy")
            .set("SEVALLA_WHEN_BUSY", "fail")
            .past(running()),
        Scene::bare("unidentified-deployment")
            .set("SEVALLA_TOKEN", "svl_an_example_of_a_key")
            .set("SEVALLA_DEPLOY_HOOK_URL", HOOK),
        Scene::of("no-deployment-of-commit")
            .set("SEVALLA_ACTION", "follow")
            .set("SEVALLA_EXPECTED_COMMIT", TESTED),
        Scene::of("no-deployment-in-time")
            .set("SEVALLA_ACTION", "follow")
            .set("SEVALLA_EXPECTED_COMMIT", TESTED)
            .set("SEVALLA_TIMEOUT", "1m")
            .app(json!({"auto_deploy": true})),
        Scene::of("too-late-to-cancel")
            .set("SEVALLA_ACTION", "cancel")
            .set("SEVALLA_DEPLOYMENT_ID", DEPLOYMENT)
            .ends(&["success"]),
        Scene::of("key-cannot-read")
            .set("SEVALLA_WAIT_FOR_FINISH", "false")
            .answers("GET", APP, 403, &message("Forbidden")),
        Scene::of("deployed-twice").app(json!({"auto_deploy": true})),
        Scene::of("possible-duplicate")
            .answers_once("POST", "/deployments", 502, "<html>")
            .later(
                json!({"id": OTHER, "status": "waiting", "type": "manual", "branch": "main",
                "created_at": "2026-03-01T10:00:01Z"}),
            ),
        Scene::of("earlier-deployment-remains")
            .set("SEVALLA_WHEN_BUSY", "cancel-previous")
            .ends(&["inProgress", "inProgress", "success"])
            .answers("POST", "/cancel", 409, &message("It cannot be cancelled"))
            .past(running()),
    ]
}

fn of_following() -> Vec<Scene> {
    let tested = |slug| Scene::of(slug).set("SEVALLA_EXPECTED_COMMIT", TESTED);
    vec![
        Scene::of("deployment-failed").ends(&["waiting", "inProgress", "failed"]),
        Scene::of("deployment-cancelled").ends(&["waiting", "inProgress", "cancelled"]),
        Scene::of("deployment-skipped")
            .set("SEVALLA_ACTION", "follow")
            .set("SEVALLA_DEPLOYMENT_ID", DEPLOYMENT)
            .set("SEVALLA_ON_SKIPPED", "fail")
            .deployment(json!({"type": "automatic"}))
            .ends(&["waiting", "skipped"]),
        Scene::of("superseded")
            .ends(&["waiting", "cancelled"])
            .later(
                json!({"id": OTHER, "status": "inProgress", "type": "manual",
                "branch": "main", "commit_sha": COMMIT, "created_at": "2026-03-01T10:00:01Z"}),
            ),
        Scene::of("still-running")
            .set("SEVALLA_TIMEOUT", "2m")
            .ends(&["waiting", "inProgress"]),
        tested("another-commit"),
        tested("another-commit-cancelled")
            .set("SEVALLA_ON_COMMIT_MISMATCH", "cancel")
            .ends(&["waiting", "inProgress", "cancelled"]),
        tested("another-commit-live").set("SEVALLA_ON_COMMIT_MISMATCH", "fail"),
        tested("commit-not-reported")
            .set("SEVALLA_ON_COMMIT_MISMATCH", "fail")
            .deployment(json!({"commit_sha": null})),
        tested("unknown-commit").deployment(json!({"commit_sha": null})),
        Scene::of("log-not-shown").answers("GET", "/logs", 403, &message("Forbidden")),
        Scene::of("health-check-failed")
            .set("SEVALLA_VERIFY_URL", "https://shop.example/health")
            .answers("GET", "/health", 500, ""),
        Scene::of("check-not-made")
            .set("SEVALLA_VERIFY_URL", "https://shop.example/{commit}")
            .deployment(json!({"commit_sha": null})),
        Scene::of("caches-not-emptied")
            .set("SEVALLA_PURGE_CACHE", "true")
            .answers("POST", "/purge-cache", 422, &message("No cache")),
    ]
}

fn of_other_actions() -> Vec<Scene> {
    vec![
        Scene::of("not-a-preview").set("SEVALLA_ACTION", "delete-preview-app"),
        Scene::bare("previews-not-enabled")
            .set("SEVALLA_TOKEN", "svl_an_example_of_a_key")
            .set("SEVALLA_ACTION", "create-preview-app")
            .set("SEVALLA_PIPELINE_ID", PIPELINE)
            .set("SEVALLA_BRANCH", "feature/x")
            .answers("GET", PIPELINE, 200, &json!({"id": PIPELINE})),
        Scene::of("name-not-confirmed")
            .set("SEVALLA_ACTION", "delete-app")
            .set("SEVALLA_CONFIRM", "shop-test"),
        Scene::bare("ambiguous-name")
            .set("SEVALLA_TOKEN", "svl_an_example_of_a_key")
            .set("SEVALLA_ACTION", "delete-database")
            .set("SEVALLA_CONFIRM", "shop-db")
            .answers(
                "GET",
                "/databases",
                200,
                &json!({"data": [{"id": OTHER, "display_name": "shop-db"},
                    {"id": DEPLOYMENT, "display_name": "shop-db"}], "total": 2}),
            ),
        Scene::of("log-file-not-written").set("SEVALLA_LOG_FILE", "/no/such/folder/deploy.log"),
    ]
}
