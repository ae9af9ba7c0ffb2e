//! Whether what was deployed answers well: `verify-url` and what belongs to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sevalla_deploy::messages::Failure;
use sevalla_simulator::{Application, Domain, Script, Simulator, StaticSite, World};

use crate::harness::{
    A_FEW_VISITS, APP, Finished, HANGING, Runner, SITE, application, refuses_connections, together,
    until,
};
use crate::web::{Act, Web, answer, head_of_a_long_answer, redirect, with_headers};

const COMMIT: &str = "7d3f0c2a9b1e4f5d6c7b8a9d0e1f2a3b4c5d6e7f";

fn script() -> Script {
    Script::success().commit_sha(COMMIT)
}

/// Deploys, and visits this address with these inputs.
async fn verified(url: &str, inputs: &[(&str, &str)]) -> Finished {
    let simulator = application(script()).await;
    let mut runner = Runner::deploys_app(&simulator)
        .set("SEVALLA_VERIFY_URL", url)
        .set("SEVALLA_VERIFY_SUCCESSES", "1");
    for (name, value) in inputs {
        runner = runner.set(*name, *value);
    }
    let run = runner.run().await;
    assert_eq!(simulator.deployments_made(), 1);
    run
}

#[tokio::test]
async fn it_is_visited_until_it_answers_well() {
    let web = Web::acts([answer(503, ""), Act::Reset, answer(200, "")]).await;
    let run = verified(&web.url("/up"), &[]).await;
    run.assert_ended(0, "success");
    assert_eq!(web.count(), 3);
    run.assert_told("/up: HTTP 503 (");
    run.assert_told("/up: the connection broke");
    run.assert_told("/up: HTTP 200 in ");
    run.assert_told("(1 of 1)");
}

#[tokio::test]
async fn a_miss_begins_the_row_of_good_answers_anew() {
    let good = answer(200, "");
    let web = Web::acts([good.clone(), answer(500, ""), good]).await;
    let run = verified(&web.url("/"), &[("SEVALLA_VERIFY_SUCCESSES", "2")]).await;
    run.assert_ended(0, "success");
    assert_eq!(web.count(), 4);
    run.assert_told("(2 of 2)");

    let web = Web::acts([answer(200, "")]).await;
    let inputs = [
        ("SEVALLA_VERIFY_SUCCESSES", "9"),
        ("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS),
    ];
    let run = verified(&web.url("/"), &inputs).await;
    run.assert_ended(8, "unverified");
    run.assert_told(" of 9 times in a row");
}

#[tokio::test]
async fn the_statuses_of_a_good_answer_can_be_chosen() {
    let cases = [
        ("200-399", 200, true),
        ("200-399", 304, true),
        ("200-399", 404, false),
        ("200,204", 201, false),
        ("401", 401, true),
        // Without a place to go to it is an answer like any other.
        ("302", 302, true),
    ];
    together(cases.map(|(statuses, status, is_good)| async move {
        let web = Web::acts([answer(status, "")]).await;
        let inputs = [
            ("SEVALLA_VERIFY_STATUS", statuses),
            ("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS),
        ];
        let run = verified(&web.url("/"), &inputs).await;
        if is_good {
            run.assert_ended(0, "success");
        } else {
            run.assert_ended(8, "unverified");
            run.assert_told(&format!("failed the health check: HTTP {status}"));
        }
    }))
    .await;
}

#[tokio::test]
async fn an_answer_must_hold_what_the_user_expects() {
    let page = || {
        let body = format!(r#"{{"build":{{"commit":"{COMMIT}","id":7}},"up":true}}"#);
        with_headers(200, &[("X-Commit", COMMIT)], &body)
    };
    let cases = vec![
        ("{commit}", None),
        ("\"up\":true", None),
        (
            "nowhere",
            Some("HTTP 200, but the body does not hold \"nowhere\""),
        ),
        ("header:x-commit={commit}", None),
        (
            "header:X-Commit=0",
            Some("HTTP 200, but no header X-Commit with \"0\""),
        ),
        (
            "header:x-other=0",
            Some("HTTP 200, but no header x-other with"),
        ),
        ("json:/build/commit={commit}", None),
        ("json:/build/id=7", None),
        ("json:/up=true", None),
        (
            "json:/build/commit=0",
            Some("HTTP 200, but /build/commit is not \"0\""),
        ),
        ("json:/build/none=0", Some("HTTP 200, but /build/none is")),
    ];
    together(cases.into_iter().map(|(contains, miss)| async move {
        let web = Web::acts([page()]).await;
        let inputs = [
            ("SEVALLA_VERIFY_CONTAINS", contains),
            ("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS),
        ];
        let run = verified(&web.url("/"), &inputs).await;
        match miss {
            None => run.assert_ended(0, "success"),
            Some(told) => {
                run.assert_ended(8, "unverified");
                run.assert_told(told);
            }
        }
    }))
    .await;
}

#[tokio::test]
async fn commit_and_deployment_are_filled_in() {
    let simulator = Arc::new(application(script()).await);
    let known = Arc::clone(&simulator);
    let web = Web::start(move |_| answer(200, &known.deployments(APP)[0].id)).await;
    let run = Runner::deploys_app(&simulator)
        .set(
            "SEVALLA_VERIFY_URL",
            web.url("/{commit}/up?of={deployment-id}"),
        )
        .set("SEVALLA_VERIFY_CONTAINS", "{deployment-id}")
        .set("SEVALLA_VERIFY_SUCCESSES", "1")
        .run()
        .await;
    run.assert_ended(0, "success");
    let id = &simulator.deployments(APP)[0].id;
    assert_eq!(web.visits()[0].target, format!("/{COMMIT}/up?of={id}"));

    let web = Web::acts([answer(200, &COMMIT[..7])]).await;
    let inputs = [("SEVALLA_VERIFY_CONTAINS", "{commit-short}")];
    let run = verified(&web.url("/{commit-short}"), &inputs).await;
    run.assert_ended(0, "success");
    assert_eq!(web.visits()[0].target, format!("/{}", &COMMIT[..7]));
}

#[tokio::test]
async fn a_commit_that_is_not_told_cannot_be_filled_in() {
    let web = Web::acts([answer(200, "")]).await;
    let simulator = application(Script::success().commit_sha("0@elsewhere.example")).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_VERIFY_URL", web.url("/{commit}"))
        .run()
        .await;
    run.assert_ended(8, "unverified");
    run.assert_told(
        "could not be made: Sevalla does not report the commit that {commit} stands for",
    );
    run.assert_told("but its health check could not be made");
    assert_eq!(web.count(), 0);
}

#[tokio::test]
async fn redirects_are_followed() {
    let web = Web::start(move |visit| match visit.target.as_str() {
        "/" => redirect(301, "up/"),
        "/up/" => redirect(302, "?now=secret"),
        "/up/?now=secret" => redirect(307, "/there?token=secret#secret"),
        "/there?token=secret" => answer(200, "ready"),
        _ => answer(404, ""),
    })
    .await;
    let inputs = [
        ("SEVALLA_VERIFY_CONTAINS", "ready"),
        ("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS),
    ];
    let run = verified(&web.url("/"), &inputs).await;
    run.assert_ended(0, "success");
    let targets: Vec<String> = web.visits().into_iter().map(|visit| visit.target).collect();
    let expected = ["/", "/up/", "/up/?now=secret", "/there?token=secret"];
    assert_eq!(targets, expected);
    // Where they led to is shown, without what may be a secret there.
    let there = web.url("/there");
    run.assert_told(&format!("HTTP 200 (redirected to {there}?…) in"));
    assert!(!run.streams().contains("secret"), "{}", run.streams());

    let web = Web::start(|visit| match visit.target.as_str() {
        "/" => redirect(302, "/gone"),
        _ => answer(404, ""),
    })
    .await;
    let run = verified(&web.url("/"), &inputs).await;
    run.assert_ended(8, "unverified");
    run.assert_told(&format!(
        "HTTP 404 (expected 200-399) (redirected to {})",
        web.url("/gone")
    ));
}

#[tokio::test]
async fn redirects_that_lead_nowhere_are_told() {
    let loops = Web::acts([redirect(302, "/")]).await;
    let run = verified(&loops.url("/"), &[("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS)]).await;
    run.assert_ended(8, "unverified");
    run.assert_told("it redirects more than 10 times");
    assert_eq!(loops.count() % 11, 0);

    let locations = ["ftp://127.0.0.1/", "javascript:alert(1)", "http://"];
    together(locations.map(|location| async move {
        let web = Web::acts([redirect(302, location)]).await;
        let run = verified(&web.url("/"), &[("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS)]).await;
        run.assert_ended(8, "unverified");
        run.assert_told("it redirects to something that is not an address");
        let visits = web.visits();
        assert!(visits.iter().all(|visit| visit.target == "/"), "{visits:?}");
    }))
    .await;
}

#[tokio::test]
async fn no_redirect_leads_to_the_machines_own_link() {
    let inside = Arc::new(Web::acts([answer(200, "secret")]).await);
    let port = inside.url_at("0.0.0.0", "/");
    let cases = vec![
        // Another server on the same machine.
        inside.url("/"),
        inside.url_at("localhost", "/"),
        inside.url_at("a.localhost", "/"),
        inside.url_at("[::1]", "/"),
        inside.url_at("[::ffff:127.0.0.1]", "/"),
        inside.url_at("127.1", "/"),
        "http://10.0.0.1/".to_owned(),
        "http://100.64.0.1/".to_owned(),
        "http://[64:ff9b::7f00:1]/".to_owned(),
        "http://metadata.google.internal/".to_owned(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://2852039166/".to_owned(),
        "http://[fd00:ec2::254]/latest/".to_owned(),
        "http://[::ffff:169.254.169.254]/".to_owned(),
        "http://100.100.100.200/".to_owned(),
        port.clone(),
    ];
    together(cases.into_iter().map(|location| async move {
        let web = Web::acts([redirect(302, &location)]).await;
        let run = verified(&web.url("/"), &[("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS)]).await;
        run.assert_ended(8, "unverified");
        run.assert_told("an address of a private, local or reserved network");
    }))
    .await;
    assert_eq!(inside.count(), 0);

    // What the user writes is meant.
    verified(&port, &[]).await.assert_ended(0, "success");
    assert_eq!(inside.count(), 1);
}

#[tokio::test]
async fn what_does_not_answer_is_told_in_one_line() {
    let cases: [(Act, &str, &str); 8] = [
        (Act::Reset, "", "the connection broke"),
        (Act::Close(Vec::new()), "", "the connection broke"),
        (
            Act::Close(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()),
            "",
            "the connection broke",
        ),
        (Act::Hang(Vec::new()), "", "no complete answer within"),
        (
            Act::Hang(head_of_a_long_answer()),
            "",
            "HTTP 200, but no complete answer within",
        ),
        (
            Act::Close(head_of_a_long_answer()),
            "",
            "HTTP 200, but the connection broke",
        ),
        (
            Act::Flood(head_of_a_long_answer()),
            "ready",
            "HTTP 200, but the body is larger than the 1 MiB that are read",
        ),
        (
            Act::Flood(b"HTTP/1.1 200 OK\r\nx-long: y".to_vec()),
            "",
            "the connection broke: the answer has more than the 100 headers",
        ),
    ];
    together(cases.map(|(act, contains, told)| async move {
        let web = Web::acts([act]).await;
        let inputs = [
            ("SEVALLA_VERIFY_CONTAINS", contains),
            ("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS),
        ];
        let run = verified(&web.url("/"), &inputs).await;
        run.assert_ended(8, "unverified");
        let told = format!("{}: {told}", web.url("/"));
        let lines = run.stderr.lines();
        assert!(
            lines.into_iter().any(|line| line.contains(&told)),
            "{told}\n{}",
            run.streams()
        );
        assert!(run.took < HANGING, "{:?}", run.took);
    }))
    .await;
}

#[tokio::test]
async fn of_a_body_without_end_only_what_is_needed_is_read() {
    let web = Web::acts([Act::Flood(head_of_a_long_answer())]).await;
    let run = verified(&web.url("/"), &[]).await;
    run.assert_ended(0, "success");
    let run = verified(
        &web.url("/"),
        &[("SEVALLA_VERIFY_CONTAINS", "header:content-length=99999999")],
    )
    .await;
    run.assert_ended(0, "success");
}

#[tokio::test]
async fn nobody_at_the_address_is_told() {
    let (_nobody, address) = refuses_connections();
    let url = format!("http://{address}/");
    let run = verified(&url, &[("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS)]).await;
    run.assert_ended(8, "unverified");
    run.assert_told("no connection");
    run.assert_told(" requests in ");
}

#[tokio::test]
async fn a_certificate_that_nobody_has_signed_is_told_and_can_be_trusted() {
    let web = Web::secure(|_| answer(200, "")).await;
    let run = verified(&web.url("/"), &[("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS)]).await;
    run.assert_ended(8, "unverified");
    run.assert_told("its certificate is not trusted");
    assert_eq!(web.count(), 0);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, web.certificate()).unwrap();
    let trust = [("SSL_CERT_FILE", file.to_str().unwrap())];
    let run = verified(&web.url("/"), &trust).await;
    run.assert_ended(0, "success");

    // From there nothing leads back to where everybody could answer.
    let plain = Web::acts([answer(200, "")]).await;
    let there = plain.url("/");
    let web = Web::secure(move |_| redirect(302, &there)).await;
    std::fs::write(&file, web.certificate()).unwrap();
    let inputs = [trust[0], ("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS)];
    let run = verified(&web.url("/"), &inputs).await;
    run.assert_ended(8, "unverified");
    run.assert_told("it redirects from https to http");
    assert_eq!(plain.count(), 0);
}

#[tokio::test]
async fn nothing_is_sent_there_but_the_visit() {
    let web = Web::start(move |visit| {
        let headers = [
            ("location", "/there"),
            ("set-cookie", "a=b; Path=/"),
            ("www-authenticate", "Bearer"),
        ];
        match visit.target.as_str() {
            "/there" => answer(200, ""),
            _ => with_headers(302, &headers, ""),
        }
    })
    .await;
    let run = verified(&web.url("/up"), &[("SEVALLA_VERIFY_SUCCESSES", "2")]).await;
    run.assert_ended(0, "success");
    let visits = web.visits();
    assert_eq!(visits.len(), 4);
    for visit in visits {
        assert_eq!(visit.method, "GET");
        let mut names: Vec<&str> = visit.headers.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        let expected = ["accept", "cache-control", "host", "user-agent"];
        assert_eq!(names, expected, "{visit:?}");
        let asks_afresh = ("cache-control".to_owned(), "no-cache".to_owned());
        assert!(visit.headers.contains(&asks_afresh), "{visit:?}");
    }
}

#[tokio::test]
async fn what_a_page_says_is_no_command() {
    let evil = "\r\n::error::pwned\r\n##[error]pwned\r\n\u{1b}[31mpwned";
    let acts = [
        answer(200, evil),
        with_headers(200, &[("x-a", "1\u{1b}[2J::error::pwned")], evil),
        redirect(302, "http://127.0.0.1:1/%0a::error::pwned"),
        redirect(302, "ftp://::error::pwned"),
        redirect(302, "http://pwned%0d%0a::error::/"),
        Act::Close(b"HTTP/1.1 200 \r::error::pwned\r\n\r\n".to_vec()),
        Act::Close(b"\n::error::pwned\n".to_vec()),
        Act::Close(b"HTTP/1.1 503 ::error::pwned\r\ncontent-length: 0\r\n\r\n".to_vec()),
    ];
    together(acts.map(|act| async move {
        let web = Web::acts([act]).await;
        let simulator = application(script()).await;
        let run = Runner::deploys_app(&simulator)
            .on_github()
            .set("SEVALLA_VERIFY_URL", web.url("/"))
            .set("SEVALLA_VERIFY_CONTAINS", "json:/a=b")
            .set("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS)
            .run()
            .await;
        run.assert_ended(8, "unverified");
        let summary = run.file("github-summary").unwrap();
        for text in [&run.stdout, &run.stderr, &summary] {
            assert!(
                !text.contains("pwned") && !text.contains('\u{1b}'),
                "{text}"
            );
        }
        let commands: Vec<&str> = run.stdout.lines().filter(|l| l.starts_with("::")).collect();
        let known = ["::group::", "::endgroup::", "::error title="];
        for command in commands {
            let is_ours = known.iter().any(|known| command.starts_with(known));
            assert!(is_ours, "{command}");
        }
    }))
    .await;
}

#[tokio::test]
async fn the_services_own_address_is_visited_over_https() {
    let app = Application::new(APP).domains([Domain::system("shop.invalid").primary(true)]);
    let site = StaticSite::new(SITE).hostname(Some("docs.invalid"));
    let worlds = [
        (World::new().application(app), "shop.invalid"),
        (World::new().static_site(site), "docs.invalid"),
    ];
    together(worlds.map(|(world, host)| async move {
        let simulator = Simulator::start(world).await;
        let runner = if host == "shop.invalid" {
            Runner::deploys_app(&simulator)
        } else {
            Runner::deploys_site(&simulator)
        };
        let run = runner
            .set("SEVALLA_VERIFY_URL", "auto")
            .set("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS)
            .run()
            .await;
        run.assert_ended(8, "unverified");
        run.assert_told(&format!(
            "https://{host}/ failed the health check: no connection"
        ));
        assert_eq!(run.output("url"), format!("https://{host}"));
    }))
    .await;
}

#[tokio::test]
async fn an_address_that_the_service_does_not_tell_cannot_be_visited() {
    let app = Application::new(APP).domains([]);
    let simulator = Simulator::start(World::new().application(app)).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_VERIFY_URL", "auto")
        .run()
        .await;
    run.assert_ended(8, "unverified");
    run.assert_told("Sevalla does not report its address; set verify-url to it");
}

#[tokio::test]
async fn a_signal_ends_the_visits() {
    let cases = [
        (answer(503, ""), "INT", 130),
        (Act::Hang(Vec::new()), "TERM", 143),
    ];
    together(cases.map(|(act, signal, code)| async move {
        let web = Web::acts([act]).await;
        let simulator = application(script()).await;
        let running = Runner::deploys_app(&simulator)
            .set("SEVALLA_VERIFY_URL", web.url("/"))
            .start();
        until(|| web.count() > 0).await;
        running.signal(signal).await;
        let at = Instant::now();
        let run = running.finish().await;
        assert!(at.elapsed() < Duration::from_secs(13), "{:?}", at.elapsed());
        run.assert_ended(code, "interrupted");
        run.assert_told("had succeeded and is live");
        assert_eq!(run.output("status"), "success");
        assert_eq!(simulator.calls("cancelDeploymentV3"), 0);
    }))
    .await;
}

#[tokio::test]
async fn the_end_of_the_runs_time_ends_the_visits_too() {
    together(
        [answer(503, ""), Act::Hang(Vec::new())].map(|act| async move {
            let web = Web::acts([act]).await;
            let run = verified(&web.url("/"), &[("SEVALLA_TIMEOUT", "5s")]).await;
            run.assert_ended(8, "unverified");
            assert!(run.took < Duration::from_secs(14), "{:?}", run.took);
        }),
    )
    .await;
}

#[tokio::test]
async fn what_does_not_answer_well_is_told_everywhere() {
    let web = Web::acts([answer(502, "")]).await;
    let simulator = application(script()).await;
    let run = Runner::deploys_app(&simulator)
        .on_github()
        .set("SEVALLA_VERIFY_URL", web.url("/up"))
        .set("SEVALLA_VERIFY_TIMEOUT", A_FEW_VISITS)
        .run()
        .await;
    run.assert_ended(8, "unverified");
    let reason = format!("{} failed the health check: HTTP 502", web.url("/up"));
    let id = &simulator.deployments(APP)[0].id;
    let headline = format!("Deployment {id} succeeded and is live, but its health check failed");
    let summary = run.file("github-summary").unwrap();
    assert!(
        summary.contains(" is live but failed its health check\n"),
        "{summary}"
    );
    assert!(summary.contains(id.as_str()), "{summary}");
    assert!(
        !summary.contains("Last lines of the log"),
        "of a good build: {summary}"
    );
    let annotation = |line: &&str| line.starts_with("::error title=");
    let annotation = run.stdout.lines().find(annotation).unwrap_or_default();
    // Where it is told, there is the way to more, once.
    let more = Failure::HealthCheckFailed.address();
    for text in [
        &run.output("error"),
        &summary,
        &annotation.replace("%3A", ":").replace("%2C", ","),
    ] {
        assert!(text.contains(&headline) || *text == summary, "{text}");
        assert!(text.contains(&reason), "{text}");
        assert_eq!(text.matches(&more).count(), 1, "{text}");
    }
    assert_eq!(run.output("deployment-id"), *id);
    assert_eq!(run.output("status"), "success");
    let annotations = run.stdout.matches("::error title=").count();
    assert_eq!(annotations, 1);
}

#[tokio::test]
async fn what_cannot_be_visited_is_refused_before_anything_is_sent() {
    let cases = [
        ("SEVALLA_VERIFY_URL", "ftp://a.example/"),
        ("SEVALLA_VERIFY_URL", "https://user:word@a.example/"),
        ("SEVALLA_VERIFY_URL", "a.example"),
        ("SEVALLA_VERIFY_STATUS", "20x"),
        ("SEVALLA_VERIFY_CONTAINS", "json:a=b"),
        ("SEVALLA_VERIFY_SUCCESSES", "0"),
        ("SEVALLA_VERIFY_TIMEOUT", "3"),
    ];
    together(cases.map(|(name, value)| async move {
        let simulator = application(script()).await;
        let run = Runner::deploys_app(&simulator).set(name, value).run().await;
        run.assert_ended(2, "invalid-input");
        run.assert_told(name);
        assert!(simulator.journal().is_empty());
    }))
    .await;
}

#[tokio::test]
async fn a_success_that_comes_too_late_to_be_cancelled_has_to_answer_as_well() {
    let web = Web::acts([answer(500, "")]).await;
    let late = script()
        .run(Duration::from_secs(5))
        .cancel_delay(Duration::from_secs(60));
    let simulator = application(late).await;
    let run = Runner::deploys_app(&simulator)
        .set("SEVALLA_VERIFY_URL", web.url("/"))
        .set("SEVALLA_TIMEOUT", "4s")
        .set("SEVALLA_ON_TIMEOUT", "cancel")
        .run()
        .await;

    run.assert_ended(8, "unverified");
    run.assert_told("too late to be cancelled");
}
