//! A client as plain as possible: what a test reads must be what was on the
//! wire, also when that is no proper HTTP.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the lints' own exception for tests ends at helper functions"
)]
#![allow(
    dead_code,
    reason = "each test file is a crate and uses a part of this"
)]

pub(crate) mod openapi;

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;
use sevalla_simulator::{Simulator, World};

pub(crate) const APP: &str = "fb5e5168-4281-4bec-94c5-0d1584e9e657";
pub(crate) const SITE: &str = "3f0a9c52-8d17-4c6e-9b1a-6a2f4f6f0b11";

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A simulator whose time passes when a test says so, however busy the machine
/// is.
pub(crate) fn start(world: World) -> Simulator {
    Simulator::start_blocking(world.manual_clock())
}

/// Waits until something holds.
pub(crate) fn until(holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "it never holds");
        std::thread::sleep(ms(5));
    }
}

/// Whatever came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// How reading ended, if not at the end of the stream.
    pub(crate) error: Option<io::ErrorKind>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn text(&self, field: &str) -> String {
        let value = self.json();
        value[field]
            .as_str()
            .unwrap_or_else(|| panic!("{field} of {value}"))
            .to_owned()
    }

    /// Whether as much body came as was announced.
    pub(crate) fn is_whole(&self) -> bool {
        let length = self
            .header("content-length")
            .and_then(|text| text.parse().ok());
        self.error.is_none() && length.is_none_or(|length: usize| length == self.body.len())
    }
}

pub(crate) struct Client {
    address: String,
    pub(crate) key: Option<String>,
    pub(crate) timeout: Duration,
}

impl Client {
    pub(crate) fn of(simulator: &Simulator) -> Self {
        let address = simulator.url().trim_start_matches("http://");
        Self {
            address: address.trim_end_matches("/v3").to_owned(),
            key: Some(simulator.key().to_owned()),
            timeout: Duration::from_secs(60),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send("GET", &format!("/v3{path}"), &[], "")
    }

    pub(crate) fn post(&self, path: &str) -> Reply {
        self.send("POST", &format!("/v3{path}"), &[], "")
    }

    pub(crate) fn post_json(&self, path: &str, body: &str) -> Reply {
        self.send_json("POST", path, body)
    }

    pub(crate) fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", &format!("/v3{path}"), &[], "")
    }

    pub(crate) fn send_json(&self, method: &str, path: &str, body: &str) -> Reply {
        let json = [("content-type", "application/json")];
        self.send(method, &format!("/v3{path}"), &json, body)
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let mut stream = TcpStream::connect(&self.address).expect("connects");
        stream
            .set_read_timeout(Some(self.timeout))
            .expect("takes it");
        let mut head = vec![format!("{method} {path} HTTP/1.1"), "host: x".to_owned()];
        if let Some(key) = &self.key {
            head.push(format!("authorization: Bearer {key}"));
        }
        for (name, value) in headers {
            head.push(format!("{name}: {value}"));
        }
        head.push("connection: close".to_owned());
        head.push(format!("content-length: {}", body.len()));
        let request = format!("{}\r\n\r\n{body}", head.join("\r\n"));
        stream.write_all(request.as_bytes()).expect("writes");
        read(&mut stream)
    }
}

fn read(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let error = stream
        .read_to_end(&mut bytes)
        .err()
        .map(|error| error.kind());
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = end.map_or((&bytes[..], &[][..]), |end| {
        (&bytes[..end], &bytes[end + 4..])
    });
    let head = String::from_utf8_lossy(head).into_owned();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Reply {
        status: status.unwrap_or(0),
        body: body.to_vec(),
        head,
        error,
    }
}

pub(crate) fn deployments(service: &str) -> String {
    format!("/applications/{service}/deployments")
}

pub(crate) fn deployment(service: &str, id: &str) -> String {
    format!("/applications/{service}/deployments/{id}")
}

pub(crate) const STAGED: &str = "6b0a7e0e-52a1-4f0b-9a55-1f1f6f9b6a02";
pub(crate) const LIVE: &str = "9d3a1f58-0c34-4f6e-8a53-2b7f0c9d1e03";
pub(crate) const PIPELINE: &str = "c2b1d1aa-7a52-4c55-9a41-5a0d5a1f7e04";
pub(crate) const DATABASE: &str = "a4c1e7d2-3b58-4f6a-9c07-5e8d2b1f0a05";
pub(crate) const CACHE: &str = "b5d2f8e3-4c69-4a7b-8d18-6f9e3c2a1b06";
