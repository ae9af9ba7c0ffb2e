//! Everything that goes wrong on request, seen from the socket.

mod common;

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use common::{APP, Client, Reply, deployments, ms, until};
use serde_json::json;
use sevalla_simulator::{Application, Behaviour, Fault, Payload, Simulator, World};

fn started(fault: Fault) -> (Simulator, Client) {
    let world = World::new().application(Application::new(APP)).fault(fault);
    let simulator = Simulator::start_blocking(world);
    let client = Client::of(&simulator);
    (simulator, client)
}

/// A trigger under a fault, what came of it, and whether it took effect.
fn trigger(behaviour: Behaviour) -> (Reply, usize, Simulator) {
    let hangs = matches!(behaviour, Behaviour::HangInBody);
    let (simulator, mut client) = started(Fault::on("triggerDeploymentV3").does(behaviour));
    if hangs {
        // Long enough for what comes before it hangs.
        client.timeout = ms(2000);
    }
    let reply = client.post_json(&deployments(APP), "{}");
    let made = simulator.deployments_made();
    (reply, made, simulator)
}

fn status_of(simulator: &Simulator) -> Option<u16> {
    simulator.journal().first().and_then(|call| call.status)
}

#[test]
fn resets() {
    for (behaviour, applied) in [
        (Behaviour::ResetBeforeApplying, 0),
        (Behaviour::ResetAfterApplying, 1),
    ] {
        let (reply, made, simulator) = trigger(behaviour);
        assert_eq!(reply.error, Some(ErrorKind::ConnectionReset));
        assert_eq!(reply.head, "");
        assert_eq!(made, applied);
        assert_eq!(status_of(&simulator), None);
    }
}

#[test]
fn closes() {
    for (behaviour, applied) in [
        (Behaviour::CloseBeforeApplying, 0),
        (Behaviour::CloseAfterApplying, 1),
    ] {
        let (reply, made, _simulator) = trigger(behaviour);
        assert_eq!(reply.error, None);
        assert_eq!(reply.head, "");
        assert_eq!(made, applied);
    }
}

#[test]
fn hangs_without_holding_up_others_or_the_end() {
    for (behaviour, applied) in [
        (Behaviour::HangBeforeApplying, 0),
        (Behaviour::HangAfterApplying, 1),
    ] {
        let (simulator, client) = started(Fault::on("triggerDeploymentV3").does(behaviour));
        let hanging = std::thread::spawn(move || client.post_json(&deployments(APP), "{}"));
        until(|| simulator.calls("triggerDeploymentV3") == 1);
        until(|| simulator.deployments_made() == applied);
        assert_eq!(Client::of(&simulator).get("/applications").status, 200);
        assert_eq!(simulator.deployments_made(), applied);
        assert_eq!(status_of(&simulator), None);
        let began = Instant::now();
        drop(simulator);
        assert!(began.elapsed() < ms(20_000));
        assert_eq!(hanging.join().expect("ends").head, "");
    }
}

#[test]
fn bodies_break_off() {
    let (reply, made, simulator) = trigger(Behaviour::CutBody);
    assert_eq!((reply.status, made), (200, 1));
    assert!(!reply.body.is_empty() && !reply.is_whole());
    assert_eq!(reply.error, None);
    assert_eq!(status_of(&simulator), None);

    let (reply, _, _simulator) = trigger(Behaviour::ResetInBody);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.error, Some(ErrorKind::ConnectionReset));

    let (reply, _, simulator) = trigger(Behaviour::HangInBody);
    assert_eq!(reply.status, 200);
    // How Unix and Windows name the end of a wait.
    let ends_of_a_wait = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
    assert!(
        reply
            .error
            .is_some_and(|error| ends_of_a_wait.contains(&error))
    );
    assert!(!reply.body.is_empty());
    assert_eq!(status_of(&simulator), None);
}

#[test]
fn slow_bodies_arrive() {
    let began = Instant::now();
    let (reply, _, simulator) = trigger(Behaviour::SlowBody(100, ms(20)));
    assert!(reply.is_whole());
    assert_eq!(reply.text("status"), "waiting");
    assert!(began.elapsed() > ms(80));
    assert_eq!(status_of(&simulator), Some(200));
}

#[test]
fn huge_bodies() {
    let (reply, _, _simulator) = trigger(Behaviour::HugeBody(Some(1_000_000)));
    assert!(reply.body.len() > 1_000_000);
    let (simulator, client) =
        started(Fault::on("listApplicationsV3").does(Behaviour::HugeBody(None)));
    let mut stream = TcpStream::connect(simulator.url().replace("http://", "").replace("/v3", ""))
        .expect("connects");
    let key = client.key.as_deref().unwrap_or_default();
    let request =
        format!("GET /v3/applications HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n");
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("writes");
    let mut buffer = vec![0; 8_000_000];
    std::io::Read::read_exact(&mut stream, &mut buffer).expect("goes on and on");
}

#[test]
fn strange_answers_to_calls_that_worked() {
    let page = || Payload::error_page(502);
    let cases = [
        (Behaviour::NotJson, 200, "<html>"),
        (Behaviour::EmptyBody, 200, ""),
        (
            Behaviour::WrongShape(json!({ "ok": true })),
            200,
            "{\"ok\":true}",
        ),
        (Behaviour::ErrorAfterApplying(502, page()), 502, "<html>"),
    ];
    for (behaviour, status, body) in cases {
        let (reply, made, simulator) = trigger(behaviour);
        assert_eq!((reply.status, made), (status, 1));
        assert!(String::from_utf8_lossy(&reply.body).starts_with(body));
        assert_eq!(status_of(&simulator), Some(status));
        assert_eq!(reply.header("x-ratelimit-remaining"), Some("9"));
    }
}

#[test]
fn refusals_that_apply_nothing() {
    let headers = vec![("x-edge".to_owned(), "yes".to_owned())];
    let (reply, made, _simulator) = trigger(Behaviour::Status(503, Payload::Empty, headers));
    assert_eq!((reply.status, made, reply.body.len()), (503, 0, 0));
    assert_eq!(reply.header("x-edge"), Some("yes"));

    let (reply, made, _simulator) = trigger(Behaviour::status(500));
    assert_eq!((reply.json()["status"].as_u64(), made), (Some(500), 0));

    let (reply, made, _simulator) = trigger(Behaviour::Redirect("http://127.0.0.1:1/".to_owned()));
    assert_eq!((reply.status, made), (307, 0));
    assert_eq!(reply.header("location"), Some("http://127.0.0.1:1/"));

    let limited = Behaviour::RateLimited {
        retry_after: Some("Wed, 21 Oct 2026 07:28:00 GMT".to_owned()),
        reset: None,
    };
    let (reply, made, _simulator) = trigger(limited);
    assert_eq!((reply.status, made), (429, 0));
    assert_eq!(
        reply.header("retry-after"),
        Some("Wed, 21 Oct 2026 07:28:00 GMT")
    );
    assert_eq!(reply.header("x-ratelimit-reset"), None);
}

#[test]
fn headers_can_be_nonsense() {
    let headers = vec![("X-RateLimit-Reset".to_owned(), "-1e99".to_owned())];
    let (reply, made, _simulator) = trigger(Behaviour::Headers(headers));
    assert_eq!((reply.status, made), (200, 1));
    assert_eq!(reply.header("x-ratelimit-reset"), Some("-1e99"));
}

#[test]
fn a_delayed_call_takes_effect_even_if_nobody_waits() {
    let (simulator, mut client) =
        started(Fault::on("triggerDeploymentV3").does(Behaviour::Delay(ms(1000))));
    client.timeout = ms(200);
    let reply = client.post_json(&deployments(APP), "{}");
    assert_eq!(reply.head, "");
    assert_eq!(simulator.deployments_made(), 0);
    until(|| simulator.deployments_made() == 1);
    assert_eq!(status_of(&simulator), None);
}

#[test]
fn faults_strike_when_told() {
    let answers = |fault: Fault| {
        let (_simulator, client) = started(fault);
        let call = |_| client.get("/applications").status;
        (0..5).map(call).collect::<Vec<u16>>()
    };
    let fault = || Fault::on("listApplicationsV3");
    assert_eq!(answers(fault().nth(2)), [200, 500, 200, 200, 200]);
    assert_eq!(answers(fault().first(2)), [500, 500, 200, 200, 200]);
    assert_eq!(answers(fault().every(2)), [200, 500, 200, 500, 200]);
    assert_eq!(answers(fault().after(3)), [200, 200, 200, 500, 500]);
    assert_eq!(answers(Fault::on("*").nth(1)), [500, 200, 200, 200, 200]);
    assert_eq!(answers(fault().path_contains(APP)), [200; 5]);
    assert_eq!(answers(fault().from(Duration::from_secs(60))), [200; 5]);
    assert_eq!(answers(fault().until(Duration::ZERO)), [200; 5]);
}
