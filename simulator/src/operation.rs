//! The operations, by the names the API's document gives them.

use crate::answer::{Answer, Refusal};
use crate::limits::Tier;
use crate::state::Context;

/// Carries out a call that was let in.
pub(crate) type Handler = fn(&mut Context<'_>) -> Result<Answer, Refusal>;

/// One operation of the API.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) method: Method,
    /// With the names of its parameters in braces.
    pub(crate) path: &'static str,
    pub(crate) tier: Tier,
    /// Whether a key is asked for.
    pub(crate) keyed: bool,
    pub(crate) handler: Handler,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Operation {
    pub(crate) const fn new(
        name: &'static str,
        method: Method,
        path: &'static str,
        tier: Tier,
        handler: Handler,
    ) -> Self {
        Self {
            name,
            method,
            path,
            tier,
            keyed: true,
            handler,
        }
    }

    /// An operation whose URL is its own credential.
    pub(crate) const fn without_key(mut self) -> Self {
        self.keyed = false;
        self
    }
}
