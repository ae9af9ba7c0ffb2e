//! A connection that can be made to end badly.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Says of a connection that it shall end with a reset.
#[derive(Debug, Clone, Default)]
pub(crate) struct Doom(Arc<AtomicBool>);

impl Doom {
    pub(crate) fn reset(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A socket that resets when dropped, if doomed.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    doom: Doom,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, doom: Doom) -> Self {
        Self { stream, doom }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.doom.0.load(Ordering::SeqCst) {
            // Without lingering, closing sends RST instead of FIN.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The connection a request came in on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connection {
    pub(crate) number: u64,
    pub(crate) doom: Doom,
}

/// Marks a response that must not be sent: the connection ends instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoAnswer;

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a simulated connection ends without an answer")
    }
}

impl std::error::Error for NoAnswer {}

impl NoAnswer {
    pub(crate) fn response(self) -> Response {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(self);
        response
    }
}
