//! What a server may do to keep a run busy, and where that ends: each with an
//! error that says so.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use reqwest::Method;
use sevalla_deploy::environment::Variables;
use sevalla_deploy::http::{
    Http, LARGEST_HEAD, MOST_HEADERS, Reach, Request, Response, Transport as _, TransportError,
};
use sevalla_deploy::outputs::LONGEST_VALUE;
use sevalla_deploy::report::LONGEST_SHOWN;
use sevalla_deploy::sevalla::{BODY_LIMIT, DEEPEST_JSON, LOG_BODY_LIMIT};

use crate::file_commands;
use crate::world::{Case, Kind, Place, run, run_raw, show_raw};

/// A server that answers the first request with these pieces, each after a
/// pause, until nobody listens any more.
fn serves(pieces: impl Iterator<Item = Vec<u8>> + Send + 'static, pause: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _request = stream.read(&mut [0; 4096]);
        for piece in pieces {
            if stream.write_all(&piece).is_err() {
                return;
            }
            thread::sleep(pause);
        }
    });
    address
}

/// Between the pieces of an answer that is slow, and how long such a one may
/// take.
const SLOWLY: Duration = Duration::from_millis(20);
const SHORT: Duration = Duration::from_secs(4);

/// Longer than the answers take that end by themselves, on a busy machine too.
const PATIENT: Duration = Duration::from_secs(60);

/// What the network makes of it within this time.
fn fetch(address: SocketAddr, limit: Duration) -> Result<Response, TransportError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let http = Http::new(&Variables::default()).unwrap();
    let request = Request {
        method: Method::GET,
        url: format!("http://{address}/").parse().unwrap(),
        accept: "*/*",
        authorization: None,
        body: None,
        body_limit: BODY_LIMIT,
        reach: Reach::Anywhere,
        is_fresh: false,
    };
    runtime.block_on(http.exchange(request, limit))
}

fn head(more: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{more}\r\n").into_bytes()
}

fn endless(piece: &'static [u8]) -> impl Iterator<Item = Vec<u8>> + Send {
    std::iter::repeat_with(move || piece.to_vec())
}

fn said(cause: &TransportError) -> String {
    cause.to_string()
}

#[test]
fn a_slow_body_without_end_is_given_up_in_time() {
    let pieces = std::iter::once(head("")).chain(endless(b"x"));
    let started = Instant::now();
    let result = fetch(serves(pieces, SLOWLY), SHORT);
    let cause = result.unwrap().body.unwrap_err();
    assert_eq!(said(&cause), "no complete answer within 4s");
    assert!(started.elapsed() < PATIENT, "{:?}", started.elapsed());
}

#[test]
fn slow_headers_without_end_are_given_up_in_time() {
    let pieces = std::iter::once(b"HTTP/1.1 200 OK\r\n".to_vec()).chain(endless(b"a"));
    let started = Instant::now();
    let result = fetch(serves(pieces, SLOWLY), SHORT);
    assert_eq!(said(&result.unwrap_err()), "no complete answer within 4s");
    let interim = endless(b"HTTP/1.1 103 Early Hints\r\n\r\n");
    let result = fetch(serves(interim, SLOWLY), SHORT);
    assert_eq!(said(&result.unwrap_err()), "no complete answer within 4s");
    assert!(started.elapsed() < PATIENT, "{:?}", started.elapsed());
}

#[test]
fn interim_answers_without_end_do_not_use_the_processor_for_long() {
    // Fast enough for the client to be busy, and yet no faster than it is.
    let interim = b"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(200);
    let pieces = std::iter::repeat_with(move || interim.clone());
    let address = serves(pieces, Duration::from_millis(2));
    let result = fetch(address, Duration::from_secs(300));
    assert_eq!(
        said(&result.unwrap_err()),
        "the connection broke: the server sends without end, and not an answer"
    );
}

#[test]
fn a_body_without_end_is_given_up_at_its_limit() {
    let pieces = std::iter::once(head("")).chain(endless(&[b'x'; 8_192]));
    let result = fetch(serves(pieces, Duration::ZERO), PATIENT);
    let cause = result.unwrap().body.unwrap_err();
    assert_eq!(
        said(&cause),
        "the body is larger than the 4 MiB that are read"
    );
    assert_eq!(LOG_BODY_LIMIT, 16 * 1024 * 1024);
}

#[test]
fn a_body_that_claims_to_be_huge_takes_no_memory() {
    let pieces = std::iter::once(head("content-length: 18446744073709551615\r\n"));
    let result = fetch(serves(pieces, Duration::ZERO), PATIENT);
    // Where the number is taken, the body breaks off; else the head is wrong.
    let cause = match result {
        Ok(reply) => reply.body.unwrap_err(),
        Err(cause) => cause,
    };
    assert!(matches!(cause, TransportError::Broken { .. }), "{cause}");
}

#[test]
fn too_many_or_too_large_headers_are_an_error_that_says_so() {
    let many = |count: usize| -> String { (0..count).map(|n| format!("x-{n}: y\r\n")).collect() };
    let large = |bytes: usize| format!("x: {}\r\n", "y".repeat(bytes));
    let end = "content-length: 0\r\n";
    let answer = |more: &str| {
        let pieces = std::iter::once(head(&format!("{more}{end}")));
        fetch(serves(pieces, Duration::ZERO), PATIENT)
    };
    for more in [
        many(MOST_HEADERS),
        many(10_000),
        large(LARGEST_HEAD * 2),
        large(10 * 1024 * 1024),
    ] {
        assert_eq!(
            said(&answer(&more).unwrap_err()),
            "the connection broke: the answer has more than the 100 headers, or larger ones than \
             the 408 KiB, that are read"
        );
    }
    for more in [many(MOST_HEADERS - 1), large(LARGEST_HEAD - 1024)] {
        assert!(answer(&more).is_ok());
    }
}

#[test]
fn a_chunk_with_endless_extensions_or_trailers_is_an_error() {
    for start in [&b"1;"[..], &b"0\r\n"[..]] {
        let pieces = std::iter::once(head("transfer-encoding: chunked\r\n"))
            .chain(std::iter::once(start.to_vec()))
            .chain(endless(&[b'a'; 4096]));
        let result = fetch(serves(pieces, Duration::ZERO), PATIENT);
        let cause = result.unwrap().body.unwrap_err();
        assert!(matches!(cause, TransportError::Broken { .. }), "{cause}");
    }
}

#[test]
fn json_that_is_too_deep_is_an_error_that_says_so() {
    let record = |depth: usize| {
        // The record itself is one level.
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        format!("{{\"id\":\"a\",\"display_name\":{open}{close}}}").into_bytes()
    };
    let expected = "nested deeper than the 127 levels that are read";
    assert!(show_raw(record(DEEPEST_JSON + 1)).stderr.contains(expected));
    assert!(show_raw(record(100_000)).stderr.contains(expected));
    assert!(!show_raw(record(DEEPEST_JSON)).stderr.contains(expected));
    // A single field of another shape costs only itself.
    let deployed = run_raw(Kind::Application, record(100_000)).stderr;
    assert!(!deployed.contains(expected), "{deployed}");
}

#[test]
fn a_redirect_is_told_and_not_followed() {
    let text = "https://evil.example/loop";
    let finished = run(Place::Plain, Kind::Application, Case::Redirected, text);
    assert!(
        finished
            .stderr
            .contains("redirected to https://evil.example/loop, which is not followed"),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_long_line_is_shown_cut_and_written_whole() {
    let text = "x".repeat(LONGEST_SHOWN * 3);
    let finished = run(Place::Plain, Kind::Application, Case::Failed, &text);
    assert!(finished.stderr.contains("more bytes in this line)"));
    let longest = |text: &str| text.lines().map(str::len).max().unwrap();
    let shown = longest(&finished.stderr);
    assert!(shown < LONGEST_SHOWN + 1000, "{shown}");
    assert!(longest(&finished.log_file) > LONGEST_SHOWN * 3);
}

#[test]
fn a_long_value_of_an_output_is_cut() {
    let text = "é".repeat(LONGEST_VALUE);
    let finished = run(Place::GitHub, Kind::Application, Case::Failed, &text);
    for (name, value) in file_commands::read(&finished.outputs).unwrap() {
        assert!(value.len() <= LONGEST_VALUE, "{name}: {}", value.len());
    }
}

#[test]
fn many_lines_in_one_entry_are_bounded() {
    let finished = run(
        Place::Plain,
        Kind::Application,
        Case::Failed,
        &"\n".repeat(100_002),
    );
    assert!(finished.stderr.contains("more lines in this entry)"));
    assert!(
        finished
            .stderr
            .contains("was not written, since an entry of the log has more than")
    );
    assert_eq!(finished.log_file, "");
}
