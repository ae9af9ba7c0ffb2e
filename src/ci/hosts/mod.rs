//! One module for each CI system: how it is read and what it is written to.

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
