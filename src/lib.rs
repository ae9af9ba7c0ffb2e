//! Runner.
pub mod deployment;
pub mod inputs;
pub mod outcome;
pub mod plan;
pub mod process;
pub mod report;
pub mod schedule;
pub mod secret;
pub mod sevalla;
pub mod stop;
