//! Whether the API can be reached, and what is between it and the run.

use jiff::Timestamp;
use url::Url;

use super::finding::Findings;
use crate::environment::Variables;
use crate::http::{self, ConnectionError};
use crate::messages::Failure;
use crate::sevalla::{ApiError, ApiErrorKind, Observed, ResponseHead};

/// A clock that differs more than this misleads people and certificates.
const MOST_DIFFERENCE: i64 = 60;

/// Less than this part of a budget left is worth a warning.
const SCARCE: u64 = 10;

/// The topics of what has to work before a response comes, in this order.
const STEPS: [&str; 4] = ["dns", "proxy", TLS, "api"];

const TLS: &str = "tls";

/// Words of network errors, with the step that they mean.
const WORDS: &[(&str, &str)] = &[
    ("proxy", "proxy"),
    ("tunnel", "proxy"),
    ("dns error", "dns"),
    ("lookup", "dns"),
    ("certificate", "tls"),
    ("tls", "tls"),
    ("UnknownIssuer", "tls"),
];

/// What a response of the API shows of the way to it.
pub(super) fn reached(
    findings: &mut Findings,
    base: &Url,
    variables: &Variables,
    answer: Result<&Observed, &ApiError>,
    now: Timestamp,
) {
    let failed = match answer {
        Err(error) if error.status().is_none() => Some((step_of(error), error)),
        _ => None,
    };
    for step in STEPS {
        match failed {
            Some((at, error)) if at == step => {
                match proxy_fix(step, error, base, variables) {
                    Some(fix) => findings.failed_with_fix(step, error, fix),
                    None => findings.failed(step, error),
                }
                if at == TLS {
                    certificates(findings, variables);
                    unseen_clock(findings, now);
                }
                return;
            }
            Some((at, _)) if !is_shown(step, at, base, variables) => {}
            _ => findings.fine(step, fine(step, base, variables)),
        }
    }
    certificates(findings, variables);
    let head = match answer {
        Ok(answer) => Some(&answer.head),
        Err(error) => error.head(),
    };
    if let Some(head) = head {
        clock(findings, head, now);
        budget(findings, head);
    }
}

/// What to do about the proxy on the way, with the variable that names it.
fn proxy_fix(step: &str, error: &ApiError, base: &Url, variables: &Variables) -> Option<String> {
    let variable = http::proxy_variable(variables, base)?;
    let host = base.host_str().unwrap_or_default();
    let is_refusal = matches!(
        error.cause,
        ApiErrorKind::Transport(http::TransportError::ProxyRefused { .. })
    );
    match step {
        "proxy" if is_refusal => Some(format!(
            "Write the proxy's user and password into {variable}, have the proxy allow {host}, \
             or name {host} in NO_PROXY"
        )),
        "proxy" => Some(format!(
            "Correct or unset {variable}, or name {host} in NO_PROXY"
        )),
        "api" => Some(format!(
            "Check api-url, and the proxy that {variable} names"
        )),
        _ => None,
    }
}

/// Whether a failure at a later step shows that this one works. No response may
/// come where a proxy or a certificate is the reason, too.
fn is_shown(step: &str, failed_at: &str, base: &Url, variables: &Variables) -> bool {
    match step {
        "proxy" => failed_at != "api" || http::proxy_of(variables, base).is_none(),
        TLS => base.scheme() == "http",
        _ => true,
    }
}

/// A variable that describes the network cannot be used, so nothing can be sent.
/// The text begins with its name.
pub(super) fn unusable(findings: &mut Findings, error: &ConnectionError) {
    let text = error.to_string();
    let variable = text.split([' ', ':']).next().unwrap_or_default();
    let topic = if variable == "SSL_CERT_FILE" {
        "roots"
    } else {
        "proxy"
    };
    let fix = format!("Correct or unset {variable}");
    let failure = Failure::UnusableNetworkSettings;
    findings.wrong(topic, failure, text, fix);
}

fn fine(step: &str, base: &Url, variables: &Variables) -> String {
    let host = base.host_str().unwrap_or_default();
    match step {
        "dns" if http::proxy_of(variables, base).is_some() => {
            format!("the proxy looks up the address of {host}")
        }
        "dns" => format!("{host} has an address"),
        "proxy" => match http::proxy_of(variables, base) {
            Some(proxy) => format!("{proxy} lets requests through"),
            None => "none".to_owned(),
        },
        "tls" if base.scheme() == "http" => "not used on the loopback interface".to_owned(),
        "tls" => "the certificate is trusted".to_owned(),
        _ => format!("{host} responds"),
    }
}

/// At which step a request without a response has failed.
fn step_of(error: &ApiError) -> &'static str {
    if let ApiErrorKind::Transport(http::TransportError::ProxyRefused { .. }) = error.cause {
        return "proxy";
    }
    let text = error.cause.to_string();
    let lower = text.to_lowercase();
    let mut words = WORDS.iter();
    let found = words.find(|(word, _)| lower.contains(&word.to_lowercase()));
    found.map_or("api", |(_, step)| step)
}

fn certificates(findings: &mut Findings, variables: &Variables) {
    let ignored = http::ignored_network_settings(variables);
    for text in &ignored {
        findings.doubt("settings", text.clone(), "Correct or unset that variable");
    }
    if ignored.is_empty() {
        let text = match variables.text("SSL_CERT_FILE") {
            Some(_) => "the built-in roots and SSL_CERT_FILE",
            None => "the built-in roots",
        };
        findings.fine("roots", text);
    }
}

/// With a wrong clock, a valid certificate looks expired.
fn unseen_clock(findings: &mut Findings, now: Timestamp) {
    findings.doubt(
        "clock",
        format!("not compared without a response; this machine says {now:.0}"),
        "If that is wrong, set this machine's clock: certificates are valid for a time",
    );
}

fn clock(findings: &mut Findings, head: &ResponseHead, now: Timestamp) {
    let Some(date) = head.date else {
        let has_one = head.names.iter().any(|name| name == "date");
        let what = if has_one {
            "a date that cannot be read"
        } else {
            "no date to compare with"
        };
        return findings.fine("clock", format!("Sevalla's responses have {what}"));
    };
    let apart = now.duration_since(date).as_secs();
    if apart.abs() <= MOST_DIFFERENCE {
        findings.fine("clock", format!("{} s from Sevalla's", apart.abs()));
        return;
    }
    let word = if apart > 0 { "ahead of" } else { "behind" };
    findings.doubt(
        "clock",
        format!("{} s {word} Sevalla's", apart.abs()),
        "Set this machine's clock; times in the log and in reports are wrong",
    );
}

fn budget(findings: &mut Findings, head: &ResponseHead) {
    let [limit, remaining, _] = &head.budget;
    let number = |text: &Option<String>| text.as_ref()?.parse::<u64>().ok();
    match number(limit).zip(number(remaining)) {
        None => findings.fine("rate limits", "not reported"),
        Some((limit, left)) if left < limit / SCARCE => findings.doubt(
            "rate limits",
            format!("{left} of the company's {limit} reads are left in this window"),
            "Find the job or tool that uses them; runs slow down until there is room",
        ),
        Some((limit, left)) => {
            findings.fine("rate limits", format!("{left} of {limit} reads are left"));
        }
    }
}
