//! [`CodeHostError`]: why a request to the code host failed. Shown as a
//! warning; no deployment fails for it.

use std::fmt;
use std::time::Duration;

use super::Dialect;
use crate::ci::Repository;
use crate::text::duration::duration;

/// A request that the code host did not fulfil. Shown as a warning: no
/// deployment fails for it.
#[derive(Debug, Clone)]
pub struct CodeHostError {
    /// What was requested, completing "could not …".
    pub doing: &'static str,
    /// What came instead.
    pub reason: Reason,
    /// What the host calls itself.
    host: &'static str,
    /// What to do about a token that lacks the right.
    about_rights: &'static str,
}

/// Why the code host did not fulfil a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The CI does not say where the repository's API is.
    NoApi(String),
    /// The API's address is not https, so no token is sent there.
    Insecure,
    /// The token cannot be sent in a header.
    UnusableToken,
    /// 401, with what the host said.
    TokenRefused(Option<String>),
    /// 403, with what the host said.
    NotPermitted(Option<String>),
    /// 404 or 410. Hosts also say so of what the token may not see.
    NotFound,
    /// 429, or the 403 that GitHub's limits come as, and how long to wait.
    RateLimited(Option<Duration>),
    /// Any other status that is not success and that time does not heal: 422,
    /// or a redirect that is not followed: of a write, or to another host.
    Refused {
        /// The status.
        status: u16,
        /// What the host said.
        message: Option<String>,
    },
    /// A status that time may heal.
    Failing {
        /// The status.
        status: u16,
        /// How long the host requires to wait.
        wait: Option<Duration>,
    },
    /// The connection could not be made, so nothing was sent.
    NotConnected {
        /// What the network said.
        message: String,
        /// Whether waiting can help.
        may_heal: bool,
    },
    /// No complete answer came.
    Broken(String),
    /// A success whose body does not hold what it should.
    Unreadable(String),
    /// The comment was not found in as many pages as are looked through.
    TooManyComments,
    /// The time was over before the request could be sent.
    NoTime,
}

impl CodeHostError {
    pub(super) fn of(doing: &'static str, dialect: &dyn Dialect, reason: Reason) -> Self {
        Self {
            doing,
            reason,
            host: dialect.name(),
            about_rights: dialect.about_rights(),
        }
    }

    /// This error with other advice about the token.
    pub(super) fn about_rights(self, about_rights: &'static str) -> Self {
        Self {
            about_rights,
            ..self
        }
    }

    pub(super) fn no_api(repository: &Repository) -> Self {
        Self {
            doing: "ask the code host",
            reason: Reason::NoApi(repository.slug.clone()),
            host: "the code host",
            about_rights: "",
        }
    }
}

impl Reason {
    /// Whether a write that ended so may have taken effect.
    pub(super) const fn is_lost(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::Failing { .. })
    }

    /// Whether the same request may succeed later.
    pub(crate) const fn may_heal(&self) -> bool {
        matches!(
            self,
            Self::RateLimited(_)
                | Self::Failing { .. }
                | Self::NotConnected { .. }
                | Self::Broken(_)
                | Self::Unreadable(_)
                | Self::NoTime
        )
    }

    /// How long the host requires to wait.
    pub(super) const fn requested_wait(&self) -> Option<Duration> {
        match self {
            Self::Failing { wait, .. } | Self::RateLimited(wait) => *wait,
            _ => None,
        }
    }
}

impl std::error::Error for CodeHostError {}

impl fmt::Display for CodeHostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            doing,
            reason,
            host,
            about_rights,
        } = self;
        write!(f, "Could not {doing}: {reason}")?;
        match reason {
            Reason::TokenRefused(_) | Reason::NotPermitted(_) if !about_rights.is_empty() => {
                write!(f, "; {about_rights}")
            }
            Reason::NotFound => write!(
                f,
                "; it does not exist, or the token may not see it on {host}"
            ),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoApi(slug) => write!(f, "the CI does not say where the API of {slug:?} is"),
            Self::Insecure => f.write_str("its address is not https, so no token is sent there"),
            Self::UnusableToken => f.write_str("the token cannot be sent in a header"),
            Self::TokenRefused(message) => {
                f.write_str("the token was not accepted (HTTP 401")?;
                closing(f, message.as_deref())
            }
            Self::NotPermitted(message) => {
                f.write_str("the token may not do that (HTTP 403")?;
                closing(f, message.as_deref())
            }
            Self::NotFound => f.write_str("not found (HTTP 404)"),
            Self::RateLimited(wait) => {
                f.write_str("too many requests were made with this token")?;
                match wait {
                    Some(wait) => write!(f, "; the next may go out in {}", duration(*wait)),
                    None => Ok(()),
                }
            }
            Self::Refused { status, message } => {
                let how = if (300..400).contains(status) {
                    "the answer was a redirect that is not followed with a token; the repository may \
                     have been renamed or moved"
                } else {
                    "it was refused"
                };
                write!(f, "{how} (HTTP {status}")?;
                closing(f, message.as_deref())
            }
            Self::Failing { status, .. } => write!(f, "the host is failing (HTTP {status})"),
            Self::NotConnected { message, .. } | Self::Broken(message) => f.write_str(message),
            Self::Unreadable(message) => {
                write!(f, "the answer is not what it should be: {message}")
            }
            Self::TooManyComments => f.write_str("there are too many comments to look through"),
            Self::NoTime => f.write_str("the request timed out"),
        }
    }
}

fn closing(f: &mut fmt::Formatter<'_>, message: Option<&str>) -> fmt::Result {
    match message {
        Some(message) => write!(f, ": {message})"),
        None => f.write_str(")"),
    }
}
