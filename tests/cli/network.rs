//! Proxies, certificates, headers and streams.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sevalla_simulator::{Script, Simulator};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{APP, Runner, application, refuses_connections, together, until};

/// A proxy for plain HTTP that takes each connection to one address, and
/// counts them.
struct Proxy {
    address: String,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    async fn to(simulator: &Simulator) -> Self {
        let target = simulator.url().trim_start_matches("http://");
        let target = target.split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(carry(client, target.clone()));
            }
        });
        Self {
            address,
            connections,
            task,
        }
    }

    fn used(&self) -> bool {
        self.connections.load(Ordering::SeqCst) > 0
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The service takes a target in absolute form as well, so the bytes need no
/// change.
async fn carry(mut client: TcpStream, target: String) {
    let mut server = TcpStream::connect(target).await.unwrap();
    let _closed = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}

#[tokio::test]
async fn proxies_are_used_and_exceptions_respected() {
    // Variables, and whether the proxy is used.
    let cases: [(&[(&str, &str)], bool); 10] = [
        (&[("HTTP_PROXY", "")], true),
        (&[("http_proxy", "")], true),
        (&[("ALL_PROXY", "")], true),
        (&[("all_proxy", "")], true),
        (&[("HTTP_PROXY", ""), ("NO_PROXY", "example.com")], true),
        (&[("HTTP_PROXY", ""), ("NO_PROXY", "127.0.0.1")], false),
        (
            &[("HTTP_PROXY", ""), ("no_proxy", "example.com,127.0.0.0/8")],
            false,
        ),
        (&[("HTTP_PROXY", ""), ("NO_PROXY", "*")], false),
        (&[("HTTP_PROXY", ""), ("NO_PROXY", "localhost")], false),
        (&[("HTTPS_PROXY", "")], false),
    ];
    together(cases.map(|(variables, used)| async move {
        let simulator = application(Script::success()).await;
        let proxy = Proxy::to(&simulator).await;
        // Exceptions for names are none for addresses, and the other way round.
        let is_by_address = variables.iter().any(|(_, value)| value.contains("127."));
        let host = if is_by_address {
            "127.0.0.1"
        } else {
            "localhost"
        };
        let mut runner = Runner::deploys_app(&simulator)
            .set(
                "SEVALLA_API_URL",
                simulator.url().replace("127.0.0.1", host),
            )
            .set("SEVALLA_DRY_RUN", "true");
        for (name, value) in variables {
            let value = match *value {
                "" => format!("http://{}", proxy.address),
                other => other.to_owned(),
            };
            runner = runner.set(*name, value);
        }
        let run = runner.run().await;
        run.assert_ended(0, "planned");
        assert_eq!(proxy.used(), used, "{variables:?}");
    }))
    .await;
}

#[tokio::test]
async fn a_proxy_that_is_down_is_told_and_its_password_is_not() {
    let simulator = application(Script::success()).await;
    let (_nobody, address) = refuses_connections();
    let run = Runner::deploys_app(&simulator)
        .set(
            "HTTP_PROXY",
            format!("http://user:hunter2hunter2@{address}"),
        )
        .hides("hunter2hunter2")
        .set("SEVALLA_TIMEOUT", "2s")
        .set("RUNNER_DEBUG", "1")
        .run()
        .await;
    run.assert_ended(6, "unavailable");
    run.assert_told(&format!("(through the proxy http://{address}"));
    assert!(simulator.journal().is_empty());
}

#[tokio::test]
async fn a_malformed_proxy_is_refused_by_name_without_its_password() {
    let names = ["HTTP_PROXY", "https_proxy", "ALL_PROXY"];
    together(names.map(|name| async move {
        let simulator = application(Script::success()).await;
        let run = Runner::deploys_app(&simulator)
            .set(name, "http://user:hunter2hunter2@:x")
            .hides("hunter2hunter2")
            .run()
            .await;
        run.assert_ended(2, "invalid-input");
        run.assert_told(name);
        assert!(simulator.journal().is_empty());
    }))
    .await;
}

#[tokio::test]
async fn a_file_of_certificates_that_is_none_is_refused_by_name() {
    let cases = ["/nonexistent/ca.pem", "/proc/self/status", "/"];
    together(cases.map(|path| async move {
        let simulator = application(Script::success()).await;
        let run = Runner::deploys_app(&simulator)
            .set("SSL_CERT_FILE", path)
            .run()
            .await;
        run.assert_ended(2, "invalid-input");
        run.assert_told("SSL_CERT_FILE");
        run.assert_told(path);
        assert!(simulator.journal().is_empty());
    }))
    .await;
}

#[tokio::test]
async fn every_request_says_who_asks_and_no_body_has_no_type() {
    let simulator = application(Script::success()).await;
    Runner::deploys_app(&simulator)
        .run()
        .await
        .assert_ended(0, "success");
    let journal = simulator.journal();
    let operations: BTreeSet<&str> = journal.iter().map(|call| call.operation.as_str()).collect();
    assert!(!operations.contains("unknown"), "{operations:?}");
    let agent = concat!("sevalla-deploy/", env!("CARGO_PKG_VERSION"));
    let authorization = format!("Bearer {}", simulator.key());
    for call in &journal {
        assert_eq!(call.header("user-agent"), Some(agent));
        assert_eq!(call.header("accept"), Some("application/json"));
        assert_eq!(call.header("authorization"), Some(authorization.as_str()));
        let content_type = (call.method == "POST").then_some("application/json");
        assert_eq!(
            call.header("content-type"),
            content_type,
            "{}",
            call.operation
        );
        assert_eq!(call.header("cookie"), None);
        let query = call.query.as_deref().unwrap_or_default();
        assert!(!query.contains(simulator.key()));
    }
}

#[tokio::test]
async fn the_hooks_secret_and_the_key_do_not_meet() {
    let simulator = application(Script::success()).await;
    let hook = simulator.hook_url(APP);
    Runner::against(&simulator)
        .secret("SEVALLA_DEPLOY_HOOK_URL", &hook)
        .set("SEVALLA_WAIT_FOR_FINISH", "false")
        .run()
        .await
        .assert_ended(0, "triggered");
    for call in simulator.journal() {
        let is_hook = call.operation == "hook";
        assert_eq!(call.header("authorization").is_none(), is_hook);
        if is_hook {
            assert_eq!(call.header("content-type"), None);
        }
    }
}

#[tokio::test]
async fn nobody_who_reads_changes_nothing() {
    let cases = [(true, false), (true, true), (false, false), (false, true)];
    together(cases.map(|(on_github, both)| async move {
        let scripts = [
            (Script::success(), 0, "success"),
            (Script::failed(), 1, "failed"),
        ];
        for (script, code, word) in scripts {
            let simulator = application(script.generated_lines(100)).await;
            let mut runner = Runner::deploys_app(&simulator);
            if on_github {
                runner = runner.on_github();
            }
            let mut run = runner.start();
            if both {
                run.close_streams();
            } else {
                run.close_stdout();
            }
            let run = run.finish().await;
            assert_eq!(run.code, Some(code), "{}", run.stderr);
            if on_github {
                assert_eq!(run.outputs()["outcome"], word);
            }
        }
    }))
    .await;
}

#[tokio::test]
async fn a_reader_that_stops_in_the_middle_changes_nothing() {
    let script = Script::success()
        .run(std::time::Duration::from_secs(2))
        .generated_lines(2_000);
    let simulator = application(script).await;
    let mut run = Runner::deploys_app(&simulator).on_github().start();
    until(|| simulator.calls("getDeploymentV3") > 0).await;
    run.close_stdout();
    let run = run.finish().await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.outputs()["outcome"], "success");
}

#[tokio::test]
async fn outputs_and_summary_that_cannot_be_written_are_warnings() {
    let paths = ["/nonexistent/file", "/proc/version", "/"];
    let variables = ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"];
    let cases = paths
        .into_iter()
        .flat_map(|path| variables.map(|variable| (variable, path)));
    together(cases.map(|(variable, path)| async move {
        for (script, code) in [(Script::success(), 0), (Script::failed(), 1)] {
            let simulator = application(script).await;
            let run = Runner::deploys_app(&simulator)
                .on_github()
                .set(variable, path)
                .set("SEVALLA_LOGS", "off")
                .run()
                .await;
            assert_eq!(run.code, Some(code), "{variable} {path}: {}", run.streams());
            run.assert_warned(&[path]);
        }
    }))
    .await;
}

#[tokio::test]
async fn a_service_that_answers_no_http_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut some = [0; 64];
            let _any = client.read(&mut some).await;
            let _sent = client.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").await;
        }
    });
    let run = Runner::bare()
        .set("SEVALLA_API_URL", format!("http://{address}/v3"))
        .secret("SEVALLA_TOKEN", "svl_0123456789abcdef")
        .set("SEVALLA_APP_ID", APP)
        .set("SEVALLA_TIMEOUT", "2s")
        .run()
        .await;
    task.abort();
    run.assert_ended(6, "unavailable");
}
