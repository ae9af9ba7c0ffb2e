//! A CI that none of the others is: it says that it is one, and nothing else is
//! known of it.

use crate::ci::Facts;
use crate::ci::detect::DetectionRule;
use crate::ci::facts::RunNames;
use crate::ci::hosts::CiHost;
use crate::ci::plain;

/// Its row in the table of hosts.
pub(super) const HOST: CiHost = CiHost {
    name: "other",
    title: "another CI",
    template: None,
    detection: &[DetectionRule::Not("CI", "false")],
    names: RunNames::NONE,
    facts: |_| Facts::default(),
    output: plain::output,
};
