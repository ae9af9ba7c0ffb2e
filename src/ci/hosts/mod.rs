//! One module for each CI system: the facts it provides, and its output if it
//! has a format of its own. `detect.rs` chooses one.

pub(crate) mod azure;
pub(crate) mod bitbucket;
pub(crate) mod buildkite;
pub(crate) mod circleci;
pub(crate) mod drone;
pub(crate) mod github;
pub(crate) mod gitlab;
pub(crate) mod jenkins;
pub(crate) mod teamcity;
pub(crate) mod woodpecker;
