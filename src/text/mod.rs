//! TODO

pub(crate) mod markdown;
