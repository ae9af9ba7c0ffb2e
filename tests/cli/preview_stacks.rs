//! `preview-stack`: the previews of a pull request for several services.

use sevalla_simulator::{
    Application, Behaviour, Domain, EnvVar, Fault, Pipeline, Preview, Script, Simulator, World,
};
use wiremock::MockServer;

use crate::harness::{PullRequest, Runner, ids, stopped, until};
use crate::hub::{Hub, Pull, TOKEN};

const REPOSITORY: &str = "https://github.example/octo/shop";

/// The commits of the pull request's branches in the hub.
const BASE: &str = "0000000000000000000000000000000000000000";
const HEAD: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";

const WEB_HOST: &str = "web-pr-7.sevalla.app";
const API_HOST: &str = "api-pr-7.sevalla.app";

const STACK: &str = "services:
  web: { app: shop-web, paths: [web/**] }
  api: { app: shop-api, paths: [api/**] }
previews:
  web: { pipeline: shop-web, env: { API_URL: '${api.url}/v1', MODE: preview } }
  api: { pipeline: shop-api }
";

/// The ids of the live web and api, of their pipelines, and of two previews.
fn known() -> [String; 6] {
    ids(6).try_into().unwrap()
}

fn world() -> World {
    let [web, api, of_web, of_api, web_preview, api_preview] = known();
    let template = |id: &str, host: &str| {
        let app = Application::new(id).repo_url(REPOSITORY);
        let script = Script::success().commit_sha(HEAD);
        Preview::new().next(
            app.domains([Domain::system(host)])
                .next(script.clone())
                .next(script),
        )
    };
    let live = |id: &str, name: &str| {
        Application::new(id)
            .display_name(name)
            .repo_url(REPOSITORY)
            .env_var(EnvVar::new("API_URL", "https://live.example"))
            .next(Script::success())
    };
    World::new()
        .application(live(&web, "shop-web"))
        .application(live(&api, "shop-api"))
        .pipeline(
            Pipeline::new(&of_web)
                .display_name("shop-web")
                .preview(template(&web_preview, WEB_HOST)),
        )
        .pipeline(
            Pipeline::new(&of_api)
                .display_name("shop-api")
                .preview(template(&api_preview, API_HOST)),
        )
}

fn runs(simulator: &Simulator, server: &MockServer, event: &PullRequest) -> Runner {
    Runner::does(simulator, "preview-stack")
        .set("SEVALLA_STACK", STACK)
        .secret("SEVALLA_GITHUB_TOKEN", TOKEN)
        .on_pull_request(event)
        .set("GITHUB_API_URL", server.uri())
}

fn hub(files: &[&str]) -> Hub {
    let hub = Hub::with(7, Pull::open("feature/x"));
    hub.differ(BASE, HEAD, files);
    hub
}

fn writes(simulator: &Simulator) -> Vec<(String, String)> {
    let calls = simulator.journal().into_iter();
    let writes = calls.filter(|call| call.method != "GET");
    writes
        .map(|call| (call.method.clone(), call.path.clone()))
        .collect()
}

fn variables(simulator: &Simulator, app: &str) -> Vec<String> {
    let all = simulator.env_vars(app).into_iter();
    all.map(|one| format!("{}={}", one.key, one.value))
        .collect()
}

/// What a run has written since the ones before it.
fn since(simulator: &Simulator, before: usize) -> Vec<(String, String)> {
    writes(simulator).split_off(before)
}

#[tokio::test]
async fn previews_know_each_other_once_and_go_with_their_pull_request() {
    let [web, api, .., web_preview, api_preview] = known();
    let simulator = Simulator::start(world()).await;
    let hub = hub(&["web/a.ts", "api/b.rs"]);
    let server = hub.serve().await;
    let run = runs(&simulator, &server, &PullRequest::OPENED).run().await;
    run.assert_ended(0, "success");
    let expected = [
        format!("API_URL=https://{API_HOST}/v1"),
        "MODE=preview".to_owned(),
    ];
    assert_eq!(variables(&simulator, &web_preview), expected);
    assert_eq!(variables(&simulator, &api_preview), [""; 0]);
    // What is followed of web is the second one, which has its variables.
    assert_eq!(simulator.deployments(&web_preview).len(), 2);
    assert_eq!(simulator.deployments(&api_preview).len(), 1);
    let services: serde_json::Value = serde_json::from_str(&run.output("services")).unwrap();
    for (at, app) in [&api_preview, &web_preview].into_iter().enumerate() {
        assert_eq!(services[at]["id"], app.as_str());
        assert_eq!(
            services[at]["deployment-id"],
            simulator.deployments(app)[0].id
        );
    }
    let written = writes(&simulator);
    let is_live = |path: &str| path.contains(&web) || path.contains(&api);
    assert!(
        !written.iter().any(|(_, path)| is_live(path)),
        "{written:?}"
    );
    let comments = hub.comments(7);
    assert_eq!(comments.len(), 1);
    for text in [
        format!(" app:{web_preview} -->"),
        "### ✅ Sevalla previews: ready".to_owned(),
        format!("| ` web ` | <https://{WEB_HOST}> | success |"),
        format!("| ` api ` | <https://{API_HOST}> | success |"),
    ] {
        assert!(comments[0].contains(&text), "{text} in {}", comments[0]);
    }

    // Nothing has changed since.
    let run = runs(&simulator, &server, &PullRequest::OPENED).run().await;
    run.assert_ended(0, "success");
    assert_eq!(since(&simulator, written.len()), []);

    hub.set(7, Pull::open("feature/x").closed());
    // The pull request has broken the file.
    let run = runs(&simulator, &server, &PullRequest::CLOSED)
        .set("SEVALLA_STACK", "services: [")
        .run()
        .await;
    run.assert_ended(0, "success");
    let delete = |id: &str| ("DELETE".to_owned(), format!("/v3/applications/{id}"));
    // What refers to another goes first.
    let deleted = [delete(&web_preview), delete(&api_preview)];
    assert_eq!(since(&simulator, written.len()), deleted);
    assert!(hub.comments(7)[0].contains("Sevalla previews: deleted"));
}

#[tokio::test]
async fn only_what_the_pull_request_changes_gets_a_preview() {
    let simulator = Simulator::start(world()).await;
    let hub = hub(&["web/a.ts"]);
    let server = hub.serve().await;
    let run = runs(&simulator, &server, &PullRequest::OPENED).run().await;
    run.assert_ended(2, "invalid-input");
    run.assert_told("web refers to api, which has no preview");
    assert_eq!(writes(&simulator), []);

    let stack = STACK.replace("pipeline: shop-web,", "pipeline: shop-web, fallback: live,");
    let run = runs(&simulator, &server, &PullRequest::OPENED);
    run.set("SEVALLA_STACK", stack)
        .run()
        .await
        .assert_ended(0, "success");
    let [.., web_preview, api_preview] = known();
    assert!(simulator.application(&api_preview).is_none());
    let url = variables(&simulator, &web_preview).remove(0);
    assert!(
        url.starts_with("API_URL=https://") && !url.contains(API_HOST),
        "{url}"
    );

    let run = runs(&simulator, &server, &PullRequest::OPENED);
    let run = run.set("SEVALLA_ONLY_CHANGED", "false").run().await;
    run.assert_ended(0, "success");
    let url = variables(&simulator, &web_preview).remove(0);
    assert_eq!(url, format!("API_URL=https://{API_HOST}/v1"));

    let hub = Hub::with(7, Pull::open("feature/x"));
    hub.differ(BASE, HEAD, &["README.md"]);
    let server = hub.serve().await;
    let simulator = Simulator::start(world()).await;
    let run = runs(&simulator, &server, &PullRequest::OPENED).run().await;
    run.assert_ended(0, "skipped");
    assert_eq!((writes(&simulator), hub.writes()), (vec![], 0));
}

#[tokio::test]
async fn nothing_is_written_to_what_is_not_surely_a_preview_of_the_service() {
    let [web, _, of_web, .., web_preview, _] = known();
    let mark = |app: &str| format!("<!-- sevalla-deploy:{of_web} app:{app} -->\nready");
    let other = || {
        Application::new(&web_preview)
            .kind("previewApp")
            .repo_url(REPOSITORY)
            .default_branch("feature/x")
    };
    for (app, name, code, said) in [
        // The comment names what is live.
        (&web, "x", 9, "is not a preview app: its type is app"),
        (
            &web_preview,
            "PR #8 feature/x",
            9,
            "has the number of another pull request",
        ),
    ] {
        let simulator = Simulator::start(world().application(other().display_name(name))).await;
        let hub = hub(&["web/a.ts", "api/b.rs"]);
        hub.comment(7, &mark(app));
        let server = hub.serve().await;
        let run = runs(&simulator, &server, &PullRequest::OPENED).run().await;
        assert_eq!(run.code, Some(code), "{}", run.streams());
        run.assert_told(said);
        assert_eq!(writes(&simulator), []);
    }
    // No comment names it: it may be that of web or of api.
    let simulator =
        Simulator::start(world().application(other().display_name("PR #7 feature/x"))).await;
    let hub = hub(&["web/a.ts", "api/b.rs"]);
    let server = hub.serve().await;
    let run = runs(&simulator, &server, &PullRequest::OPENED).run().await;
    assert!(!matches!(run.code, Some(0)));
    run.assert_told("No comment on the pull request says which service");
    assert_eq!(writes(&simulator), []);
}

#[tokio::test]
async fn without_a_comment_or_a_pull_request_nothing_is_sent() {
    let simulator = Simulator::start(world()).await;
    let hub = hub(&["web/a.ts", "api/b.rs"]);
    let server = hub.serve().await;
    let runner = || runs(&simulator, &server, &PullRequest::OPENED);
    for (name, value, said) in [
        (
            "SEVALLA_COMMENT",
            "false",
            "keeps which preview app belongs to which service",
        ),
        (
            "SEVALLA_GITHUB_TOKEN",
            "",
            "Set `github-token` to a token of the code host",
        ),
        (
            "SEVALLA_STACK",
            "services: { a: { app: x } }",
            "the stack has no `previews`",
        ),
        (
            "SEVALLA_STACK",
            "services: { a: { static-site: x } }\npreviews: { a: { pipeline: p } }",
            "a static site has no preview apps",
        ),
    ] {
        let run = runner().set(name, value).run().await;
        run.assert_ended(2, "invalid-input");
        run.assert_told(said);
    }
    assert!(simulator.journal().is_empty());
    // Without the right to comment nothing is made either.
    hub.refuse_writes();
    let run = runner().run().await;
    assert!(!matches!(run.code, Some(0)));
    run.assert_told("No preview was created or deployed");
    assert_eq!(writes(&simulator), []);
}

#[tokio::test]
async fn names_of_services_and_pipelines_that_are_not_there_are_reported_together() {
    let simulator = Simulator::start(world()).await;
    let server = hub(&["web/a.ts"]).serve().await;
    let stack = STACK
        .replace("app: shop-api", "app: shop-apy")
        .replace("{ pipeline: shop-api }", "{ pipeline: shop-app }");
    let run = runs(&simulator, &server, &PullRequest::OPENED);
    let run = run.set("SEVALLA_STACK", stack).run().await;
    run.assert_ended(9, "rejected");
    for text in [
        "SEVALLA_STACK: line 3, column 15: No application is called \"shop-apy\"",
        "SEVALLA_STACK: line 6, column 20: No pipeline is called \"shop-app\"",
        "Set pipeline to the UUID",
    ] {
        run.assert_told(text);
    }
    assert_eq!(writes(&simulator), []);
}

#[tokio::test]
async fn a_closed_pull_request_without_a_usable_file_keeps_no_previews() {
    for stack in ["", "services: { a: { app: x } }", "services: {}"] {
        let simulator = Simulator::start(world()).await;
        let hub = hub(&["web/a.ts", "api/b.rs"]);
        let server = hub.serve().await;
        let run = runs(&simulator, &server, &PullRequest::OPENED).run().await;
        run.assert_ended(0, "success");
        hub.set(7, Pull::open("feature/x").closed());
        let run = runs(&simulator, &server, &PullRequest::CLOSED)
            .set("SEVALLA_STACK", stack)
            .run()
            .await;
        run.assert_ended(0, "success");
        assert!(simulator.preview_apps().is_empty(), "{stack}");
        assert!(hub.comments(7)[0].contains("Sevalla previews: deleted"));
    }
}

#[tokio::test]
async fn what_a_comment_names_is_deleted_only_if_it_may_belong_to_the_pull_request() {
    let [_, _, of_web, of_api, web_preview, api_preview] = known();
    let preview = |id: &str, name: &str, branch: &str| {
        let app = Application::new(id).kind("previewApp").display_name(name);
        app.repo_url(REPOSITORY).default_branch(branch)
    };
    let world = World::new()
        .application(preview(&web_preview, "PR #7 feature/x", "feature/x"))
        .application(preview(&api_preview, "PR #8 feature/y", "feature/y"));
    let simulator = Simulator::start(world).await;
    let hub = Hub::with(7, Pull::open("feature/x").closed());
    hub.comment(
        7,
        &format!(
            "<!-- sevalla-deploy:stack.a.b -->\n<!-- sevalla-deploy:{of_web} app:{web_preview} -->\n\
             <!-- sevalla-deploy:{of_api} app:{api_preview} -->\nready"
        ),
    );
    let server = hub.serve().await;
    let run = runs(&simulator, &server, &PullRequest::CLOSED).run().await;
    run.assert_ended(9, "rejected");
    run.assert_told("has the number of another pull request in its name");
    let deleted = (
        "DELETE".to_owned(),
        format!("/v3/applications/{web_preview}"),
    );
    assert_eq!(writes(&simulator), [deleted]);
}

#[tokio::test]
async fn without_readable_comments_what_surely_is_of_the_closed_pull_request_goes() {
    let simulator = Simulator::start(world()).await;
    let hub = hub(&["web/a.ts", "api/b.rs"]);
    let server = hub.serve().await;
    let run = runs(&simulator, &server, &PullRequest::OPENED).run().await;
    run.assert_ended(0, "success");
    hub.set(7, Pull::open("feature/x").closed());
    hub.refuse_comments(403);
    let run = runs(&simulator, &server, &PullRequest::CLOSED).run().await;
    run.assert_ended(5, "unauthorized");
    run.assert_told("Could not read pull request 7");
    run.assert_told("Deleted");
    assert!(simulator.preview_apps().is_empty());
}

#[tokio::test]
async fn the_comment_of_a_killed_run_is_ended_by_a_run_that_deploys_nothing() {
    let [_, _, of_web, _, web_preview, _] = known();
    let simulator = Simulator::start(world()).await;
    let hub = hub(&["docs/a.md"]);
    let server = hub.serve().await;
    let mark = format!("<!-- sevalla-deploy:{of_web} app:{web_preview} -->");
    hub.comment(
        7,
        &format!(
            "<!-- sevalla-deploy:stack.shop-api.shop-web -->\n{mark}\n### ⏳ Sevalla previews: \
             deploying\n\n| Service | Preview | Status |\n| --- | --- | --- |\n\
             | ` api ` |  | waiting |\n| ` web ` |  | deploying |\n\nUpdated 2026-01-01T00:00:00Z"
        ),
    );
    let written = hub.writes();
    let run = runs(&simulator, &server, &PullRequest::OPENED).run().await;
    run.assert_ended(0, "skipped");
    let comment = &hub.comments(7)[0];
    for text in [
        mark.as_str(),
        "### ⏭️ Sevalla previews: nothing new deployed",
        "| ` api ` |  | not created |",
        "| ` web ` |  | unknown |",
    ] {
        assert!(comment.contains(text), "{text} in {comment}");
    }
    assert!(!comment.contains("Updated 2026-01-01"), "{comment}");
    assert_eq!(hub.writes(), written + 1);

    // It needs no second correction.
    let run = runs(&simulator, &server, &PullRequest::OPENED).run().await;
    run.assert_ended(0, "skipped");
    assert_eq!(hub.writes(), written + 1);
}

#[tokio::test]
async fn the_comment_reports_a_run_that_could_not_make_all_apps() {
    let [.., api_preview] = known();
    let fault = Fault::on("createPreviewApp").nth(2);
    let simulator = Simulator::start(world().fault(fault.does(Behaviour::status(403)))).await;
    let hub = hub(&["web/a.ts", "api/b.rs"]);
    let server = hub.serve().await;
    let run = runs(&simulator, &server, &PullRequest::OPENED).run().await;
    run.assert_ended(5, "unauthorized");
    let comment = &hub.comments(7)[0];
    for text in [
        "Sevalla previews: run unauthorized".to_owned(),
        format!(" app:{api_preview} -->"),
        "| ` api ` |  | created |".to_owned(),
        "| ` web ` |  | not created |".to_owned(),
    ] {
        assert!(comment.contains(&text), "{text} in {comment}");
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_an_address() {
    let [.., of_api, _, api_preview] = known();
    let app = Application::new(&api_preview)
        .repo_url(REPOSITORY)
        .domains([]);
    let script = Script::success().commit_sha(HEAD);
    let pipeline = Pipeline::new(&of_api).preview(Preview::new().next(app.next(script)));
    let simulator = Simulator::start(World::new().pipeline(pipeline)).await;
    let hub = hub(&["api/b.rs"]);
    let server = hub.serve().await;
    let stack = format!(
        "services: {{ api: {{ app: {api_preview} }} }}\npreviews: {{ api: {{ pipeline: {of_api} }} }}"
    );
    let running = runs(&simulator, &server, &PullRequest::OPENED)
        .set("SEVALLA_STACK", stack)
        .start();
    // It looks for the address again and again once the deployment has succeeded.
    until(|| simulator.calls("listApplicationDomainsV3") > 4).await;
    let run = stopped(running, "TERM").await;
    run.assert_ended(0, "success");
    let comment = &hub.comments(7)[0];
    assert!(comment.contains("Sevalla previews: ready"), "{comment}");
}
