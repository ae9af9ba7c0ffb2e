//! No header makes the client wait longer than it says it does.

#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use sevalla_deploy::sevalla::limits::{LONGEST_ASKED_WAIT, LONGEST_PAUSE, RateLimits, requested_wait};
use sevalla_deploy::sevalla::operation::Tier;

const NAMES: [&str; 5] = [
    "retry-after",
    "date",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

fuzz_target!(|text: &[u8]| {
    let values = text.split(|byte| *byte == b'\n');
    let headers: HeaderMap = NAMES
        .into_iter()
        .zip(values)
        .filter_map(|(name, value)| {
            let value = HeaderValue::from_bytes(value).ok()?;
            Some((HeaderName::from_static(name), value))
        })
        .collect();
    for status in [200, 429, 503] {
        let wait = requested_wait(status, &headers).unwrap_or_default();
        assert!(wait <= LONGEST_ASKED_WAIT);
    }
    let mut budget = RateLimits::default();
    for tier in [Tier::Read, Tier::Logs, Tier::Deployment] {
        budget.observe(tier, &headers);
        budget.observe(tier, &headers);
        let pause = budget.pause(tier);
        assert!(pause.least <= LONGEST_PAUSE && pause.spread <= LONGEST_PAUSE);
    }
});
