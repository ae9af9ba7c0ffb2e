//! Bodies that are not simply sent.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::Frame;
use tokio::sync::mpsc;

/// How a body travels.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Delivery {
    /// Half of it, then nothing more.
    Hang,
    /// Half of it, then the connection ends.
    Cut,
    /// So many bytes per interval.
    Slow(usize, Duration),
    /// Padding instead of it.
    Huge(Option<u64>),
}

/// The connection ends here, on purpose.
#[derive(Debug)]
struct Ended;

impl std::fmt::Display for Ended {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the simulated connection ends here")
    }
}

impl std::error::Error for Ended {}

type Piece = Result<Bytes, Ended>;

struct Pieces(mpsc::Receiver<Piece>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Ended;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Ended>>> {
        let piece = self.0.poll_recv(context);
        piece.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

/// Sends `whole` that way; `sent` is called if it was sent to its end.
pub(crate) fn body(delivery: Delivery, whole: Bytes, sent: impl FnOnce() + Send + 'static) -> Body {
    // One piece at a time, so that an endless body fills no memory.
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        if feed(delivery, whole, &sender).await.is_some() {
            sent();
        }
    });
    Body::new(Pieces(receiver))
}

/// Nothing, once the connection is gone.
async fn feed(delivery: Delivery, whole: Bytes, sender: &mpsc::Sender<Piece>) -> Option<()> {
    let half = whole.slice(..whole.len() / 2);
    match delivery {
        Delivery::Hang => {
            sender.send(Ok(half)).await.ok()?;
            sender.closed().await;
            None
        }
        Delivery::Cut => {
            sender.send(Ok(half)).await.ok()?;
            // The half must be on its way before the connection is dropped.
            tokio::time::sleep(Duration::from_millis(30)).await;
            sender.send(Err(Ended)).await.ok()?;
            sender.closed().await;
            None
        }
        Delivery::Slow(bytes, interval) => drip(&whole, bytes, interval, sender).await,
        Delivery::Huge(bytes) => pad(bytes, sender).await,
    }
}

async fn drip(
    whole: &Bytes,
    bytes: usize,
    interval: Duration,
    sender: &mpsc::Sender<Piece>,
) -> Option<()> {
    for (index, piece) in whole.chunks(bytes.max(1)).enumerate() {
        if index > 0 {
            tokio::time::sleep(interval).await;
        }
        sender.send(Ok(Bytes::copy_from_slice(piece))).await.ok()?;
    }
    Some(())
}

/// A JSON object with one long string.
async fn pad(bytes: Option<u64>, sender: &mpsc::Sender<Piece>) -> Option<()> {
    static PIECE: [u8; 65_536] = [b'a'; 65_536];
    let padding = Bytes::from_static(&PIECE);
    let opening = Bytes::from_static(b"{\"padding\":\"");
    sender.send(Ok(opening)).await.ok()?;
    let mut left = bytes.unwrap_or(u64::MAX);
    while left > 0 {
        let size = usize::try_from(left).map_or(PIECE.len(), |left| left.min(PIECE.len()));
        sender.send(Ok(padding.slice(..size))).await.ok()?;
        left = left.saturating_sub(PIECE.len() as u64);
    }
    sender.send(Ok(Bytes::from_static(b"\"}"))).await.ok()
}
