//! A server that does with each request what a test tells it, bytes and all.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::setup::below;

/// What to do with one request.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// Send these bytes and wait for the next request on the connection.
    Send(Vec<u8>),
    /// Send these bytes and close the connection.
    SendAndClose(Vec<u8>),
    /// Send these bytes again and again until the other side has enough.
    SendForever(Vec<u8>),
    /// Send these bytes and keep the connection open without another word.
    SendAndHang(Vec<u8>),
    /// Reset the connection.
    Reset,
}

/// A server on 127.0.0.1, with what it saw.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    requests: Vec<String>,
}

impl Server {
    /// Starts one. Each request is met with the next deed; the last is for all
    /// that follow.
    pub(crate) async fn start(deeds: impl Into<Vec<Deed>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, deeds)
    }

    /// The same, on a listener that there is already.
    pub(crate) fn on(listener: TcpListener, deeds: impl Into<Vec<Deed>>) -> Self {
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (deeds, for_task) = (deeds.into(), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                for_task.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, deeds.clone(), Arc::clone(&for_task)));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn uri(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address of the API on this server.
    pub(crate) fn api(&self) -> Url {
        below(&self.uri())
    }

    /// How many connections it accepted.
    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    /// The complete requests, as they came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().requests.clone()
    }
}

/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 22;

async fn serve(mut stream: TcpStream, deeds: Vec<Deed>, seen: Arc<Mutex<Seen>>) {
    let mut first = [0];
    if stream.peek(&mut first).await.is_ok() && first == [HANDSHAKE] {
        // As servers do that expect plain HTTP.
        let refusal = answer("400 Bad Request", "");
        stream.write_all(&refusal).await.unwrap_or_default();
        return;
    }
    while let Some(request) = read_request(&mut stream).await {
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.requests.push(request);
            seen.requests.len() - 1
        };
        let deed = &deeds[number.min(deeds.len() - 1)];
        if matches!(deed, Deed::Reset) {
            stream.set_zero_linger().unwrap();
            return;
        }
        // A client that went away in the middle is no trouble of the server's.
        if !act(&mut stream, deed).await.unwrap_or(false) {
            return;
        }
    }
}

/// Does a deed, and says whether the connection goes on.
async fn act(stream: &mut (impl AsyncWrite + Unpin), deed: &Deed) -> std::io::Result<bool> {
    match deed {
        Deed::Send(bytes) => {
            stream.write_all(bytes).await?;
            Ok(true)
        }
        Deed::SendAndClose(bytes) => {
            stream.write_all(bytes).await?;
            stream.shutdown().await?;
            Ok(false)
        }
        Deed::SendForever(bytes) => loop {
            stream.write_all(bytes).await?;
        },
        Deed::SendAndHang(bytes) => {
            stream.write_all(bytes).await?;
            std::future::pending().await
        }
        Deed::Reset => Ok(false),
    }
}

/// One request with its body; `None` once the other side has closed.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length: usize = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .map_or(0, |value| value.trim().parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some(String::from_utf8(bytes).unwrap());
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&chunk[..count]),
            _ => return None,
        }
    }
}

/// An answer with a JSON body, after which the connection may be used again.
pub(crate) fn answer(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// 200 with this body.
pub(crate) fn good(body: &serde_json::Value) -> Deed {
    Deed::Send(answer("200 OK", &body.to_string()))
}
