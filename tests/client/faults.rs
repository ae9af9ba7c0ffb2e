//! Servers with one fault each. The first request meets the fault; every later
//! one would be answered well with `then`.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::net::TcpSocket;

use crate::server::{Deed, Server, answer, good};

async fn first(fault: Deed, then: &Value) -> Server {
    Server::start([fault, good(then)]).await
}

/// Takes the request and resets the connection.
pub(crate) async fn resets_the_connection(then: &Value) -> Server {
    first(Deed::Reset, then).await
}

/// Takes the request and closes the connection without a word.
pub(crate) async fn closes_without_an_answer(then: &Value) -> Server {
    first(Deed::SendAndClose(Vec::new()), then).await
}

/// Closes in the middle of the headers.
pub(crate) async fn cuts_the_headers(then: &Value) -> Server {
    let bytes = b"HTTP/1.1 200 OK\r\ncontent-le".to_vec();
    first(Deed::SendAndClose(bytes), then).await
}

/// Promises the whole body and closes in the middle of it.
pub(crate) async fn cuts_the_body(then: &Value) -> Server {
    let mut bytes = answer("200 OK", &then.to_string());
    bytes.truncate(bytes.len() - 20);
    first(Deed::SendAndClose(bytes), then).await
}

/// Closes in the middle of a body that comes in chunks.
pub(crate) async fn cuts_a_body_in_chunks(then: &Value) -> Server {
    let bytes =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{\"id\":\"half".to_vec();
    first(Deed::SendAndClose(bytes), then).await
}

/// Speaks another protocol.
pub(crate) async fn speaks_no_http(then: &Value) -> Server {
    first(
        Deed::SendAndClose(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        then,
    )
    .await
}

/// Takes the request and never answers.
pub(crate) async fn hangs_before_the_headers() -> Server {
    Server::start([Deed::SendAndHang(Vec::new())]).await
}

/// Lets the system accept the connection and never looks at it.
pub(crate) fn hangs_before_the_handshake() -> std::net::TcpListener {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap()
}

/// Answers `status` and stops in the middle of the body.
pub(crate) async fn hangs_in_the_body(status: &str) -> Server {
    let mut bytes = answer(status, r#"{"id":"half of it"}"#);
    bytes.truncate(bytes.len() - 5);
    Server::start([Deed::SendAndHang(bytes)]).await
}

/// Sends a body that never ends, fast.
pub(crate) async fn never_ends_the_body(status: &str) -> Server {
    let head = format!("HTTP/1.1 {status}\r\n\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend(std::iter::repeat_n(b' ', 64 * 1024));
    // The head comes again with every turn; inside a body it is only text.
    Server::start([Deed::SendForever(bytes)]).await
}

/// An address where nobody listens. The socket keeps the port from others.
pub(crate) fn refuses_connections() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}
