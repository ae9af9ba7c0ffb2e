//! TODO

pub mod history;
pub mod mixture;
