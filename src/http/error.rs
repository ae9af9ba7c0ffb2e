//! [`TransportError`]: why one HTTP request got no complete response. A
//! complete response with a bad status is no error here.

use std::fmt;
use std::time::Duration;

use crate::text::duration::duration;

/// Why no complete response arrived.
#[derive(Debug, Clone)]
pub enum TransportError {
    /// The connection could not be made, so nothing was sent.
    NotConnected {
        /// What the network said.
        reason: String,
        /// Whether waiting can help; not when a certificate is not trusted.
        may_heal: bool,
    },
    /// A proxy on the way refused, so nothing was sent.
    ProxyRefused {
        /// The proxy's address, without user and password.
        proxy: String,
        /// The status of its answer.
        status: u16,
    },
    /// The connection broke after the request was sent or while it was.
    Broken {
        /// What the network said.
        reason: String,
    },
    /// No complete answer in time.
    TimedOut {
        /// How long we waited.
        limit: Duration,
    },
    /// A body larger than we take.
    TooLarge {
        /// The most we take, in bytes.
        limit: usize,
    },
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected { reason, .. } => write!(f, "no connection: {reason}"),
            Self::ProxyRefused { proxy, status } => {
                write!(f, "the proxy {proxy} answered {}", http_status(*status))
            }
            Self::Broken { reason } => write!(f, "the connection broke: {reason}"),
            Self::TimedOut { limit } => {
                write!(f, "no complete answer within {}", duration(*limit))
            }
            Self::TooLarge { limit } => {
                write!(
                    f,
                    "the body is larger than the {} MiB that are read",
                    limit / (1024 * 1024)
                )
            }
        }
    }
}

/// A status with its name: "HTTP 403 Forbidden".
pub(crate) fn http_status(status: u16) -> String {
    let known = reqwest::StatusCode::from_u16(status).ok();
    match known.and_then(|status| status.canonical_reason()) {
        Some(name) => format!("HTTP {status} {name}"),
        None => format!("HTTP {status}"),
    }
}
