//! The run as test cases, in the XML that came from `JUnit`. Pure.
//!
//! No standard says what it is. Jenkins, GitLab and Azure read the shape that
//! the schema of Jenkins' xUnit plugin describes. A run that does not exit with
//! 0 has a case that failed, and one that does has none.

use jiff::SignedDuration;

use super::causes::FailureCause;
use crate::deployment::Verdict;
use crate::event::{Phase, State};
use crate::exit_status::ExitStatus;
use crate::inputs::ActionName;
use crate::outcome::Outcome;
use crate::report::console;
use crate::report::run_record::{RunRecord, ServiceRecord};
use crate::report::timeline::{Lane, Timeline};
use crate::sanitize::{SanitizedLine, SanitizedText, Sanitizer};

/// What became of a case, where it did not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CaseResult {
    /// What was checked is not as it should be.
    Failure,
    /// It could not be checked.
    Error,
    /// It was not to be.
    Skipped,
}

impl CaseResult {
    const fn element(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Error => "error",
            Self::Skipped => "skipped",
        }
    }
}

/// One case.
struct Case {
    /// The target, as people call it.
    class: String,
    name: &'static str,
    took: SignedDuration,
    /// What became of it, in a sentence, and more about it.
    mark: Option<(CaseResult, String, String)>,
}

impl Case {
    fn is(&self, mark: CaseResult) -> bool {
        matches!(self.mark, Some((own, ..)) if own == mark)
    }

    fn is_bad(&self) -> bool {
        self.is(CaseResult::Failure) || self.is(CaseResult::Error)
    }
}

/// The document.
pub(super) fn render(
    outcome: &Outcome,
    found: &[FailureCause],
    record: &RunRecord,
    tail: &[&SanitizedLine],
    sanitizer: &Sanitizer,
) -> SanitizedText {
    let time_line = record.timeline();
    let action = record.action.map_or("run", ActionName::word);
    let cases = cases(outcome, record, &time_line, &describe(outcome, found, tail));
    let count = |mark| cases.iter().filter(|case| case.is(mark)).count();
    let began = format!("{:.0}", time_line.began);
    let totals = format!(
        "name=\"sevalla-deploy {action}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{}\"",
        cases.len(),
        count(CaseResult::Failure),
        count(CaseResult::Error),
        seconds(time_line.now.duration_since(time_line.began)),
    );
    let cases: String = cases.iter().map(|case| element(case, sanitizer)).collect();
    SanitizedText::from_sanitized(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites {totals}>\n\
         <testsuite {totals} skipped=\"{}\" timestamp=\"{}\">\n{cases}</testsuite>\n\
         </testsuites>",
        cases.matches("<skipped ").count(),
        // Readers expect a time without its zone.
        began.trim_end_matches('Z'),
    ))
}

/// Everything there is to say about a bad end.
fn describe(outcome: &Outcome, causes: &[FailureCause], tail: &[&SanitizedLine]) -> String {
    let mut text = console::cause(outcome, causes);
    if !tail.is_empty() {
        text.push_str("\n\nLast lines of the log:");
        for line in tail {
            text.push('\n');
            text.push_str(line.as_str());
        }
    }
    text
}

fn cases(outcome: &Outcome, record: &RunRecord, time_line: &Timeline, details: &str) -> Vec<Case> {
    let action = record.action.map_or("run", ActionName::word);
    let of_run = |lane: &&Lane| lane.target.is_none();
    let lane = time_line.lanes.iter().find(of_run);
    let steps = |lane: Option<&Lane>, class: &str| -> Vec<Case> {
        let spans = lane.map(|lane| lane.spans.as_slice()).unwrap_or_default();
        let case = |span| step(span, class, time_line);
        spans.iter().filter_map(case).collect()
    };
    let mut cases = Vec::new();
    for service_record in &record.targets {
        let class = class(service_record);
        let lane = time_line
            .lanes
            .iter()
            .find(|lane| lane.target.as_ref() == Some(&class));
        cases.push(Case {
            name: action,
            took: match &service_record.end {
                Some(_) if lane.is_none() => SignedDuration::ZERO,
                _ => took(lane, time_line),
            },
            mark: mark_of(service_record, outcome),
            class: class.clone(),
        });
        cases.extend(steps(lane, &class));
    }
    let class = class(record.one());
    let mut of_run = steps(lane, &class);
    let is_reported = cases.iter().chain(&of_run).any(Case::is_bad);
    // A target's failure is reported there, and a check's by its own case.
    let is_own = match outcome.ending() {
        ExitStatus::Unverified => !is_reported,
        _ => record.targets.is_empty() || !is_reported,
    };
    if record.targets.is_empty() || (is_own && !outcome.is_good()) {
        let mark = mark(outcome).filter(|mark| *mark == CaseResult::Skipped || is_own);
        of_run.insert(
            0,
            Case {
                class,
                name: action,
                took: took(lane, time_line),
                mark: mark.map(|mark| (mark, outcome.headline.clone(), details.to_owned())),
            },
        );
    }
    cases.extend(of_run);
    if outcome.is_good() {
        // What went wrong and does not count, as emptying the caches.
        for case in &mut cases {
            if let Some((mark @ (CaseResult::Failure | CaseResult::Error), ..)) = &mut case.mark {
                *mark = CaseResult::Skipped;
            }
        }
    }
    cases
}

fn class(service_record: &ServiceRecord) -> String {
    let id = || service_record.service.map(|service| service.id.to_string());
    let name = service_record.name.clone().or_else(id);
    name.unwrap_or_else(|| "sevalla-deploy".to_owned())
}

/// What the end of the run makes of its main case.
const fn mark(outcome: &Outcome) -> Option<CaseResult> {
    match outcome.ending() {
        ExitStatus::Success | ExitStatus::Triggered => None,
        ExitStatus::Planned | ExitStatus::Passed => Some(CaseResult::Skipped),
        ExitStatus::Failed
        | ExitStatus::Cancelled
        | ExitStatus::Skipped
        | ExitStatus::Superseded
        | ExitStatus::Unverified => Some(CaseResult::Failure),
        _ => Some(CaseResult::Error),
    }
}

/// What a target's deployment makes of its case.
fn mark_of(
    service_record: &ServiceRecord,
    outcome: &Outcome,
) -> Option<(CaseResult, String, String)> {
    let seen = service_record.deployment.as_ref();
    let verdict = seen.and_then(|seen| seen.status.verdict());
    let result = |mark, text: String| Some((mark, text.clone(), text));
    if let Some(end) = &service_record.end {
        return match end.word {
            "success" | "planned" | "triggered" => None,
            "rolled-back" | "failed" | "unverified" | "cancelled" if end.is_bad => {
                result(CaseResult::Failure, end.text.clone())
            }
            _ if end.is_bad => result(CaseResult::Error, end.text.clone()),
            _ => result(CaseResult::Skipped, end.text.clone()),
        };
    }
    match (seen, verdict) {
        (_, Some(Verdict::Success)) => None,
        (Some(seen), Some(Verdict::Failed | Verdict::Cancelled | Verdict::Skipped)) => result(
            CaseResult::Failure,
            format!("Deployment {} ended {}", seen.id, seen.status.word()),
        ),
        (Some(_), None) if outcome.ending() == ExitStatus::Triggered => None,
        (Some(seen), None) => result(
            CaseResult::Error,
            format!("The end of deployment {} was not seen", seen.id),
        ),
        (None, _) if outcome.is_good() => result(CaseResult::Skipped, outcome.headline.clone()),
        (None, _) => result(CaseResult::Error, "No deployment was started".to_owned()),
    }
}

/// The time of the deployment; without one, that of the whole run.
fn took(lane: Option<&Lane>, time_line: &Timeline) -> SignedDuration {
    let spans = lane.map(|lane| lane.spans.as_slice()).unwrap_or_default();
    let is_its = |phase| matches!(phase, Phase::Queue | Phase::Running);
    let its = spans.iter().filter(|span| is_its(span.name));
    its.map(|span| span.length(time_line.now))
        .reduce(|one, other| one + other)
        .unwrap_or_else(|| time_line.now.duration_since(time_line.began))
}

/// The case of a step that people judge by itself.
fn step(span: &super::timeline::Span, class: &str, time_line: &Timeline) -> Option<Case> {
    let name = match span.name {
        Phase::Waiting | Phase::Purge | Phase::Verification | Phase::Rollback => span.name.word(),
        Phase::Preparing | Phase::Queue | Phase::Running | Phase::Log => return None,
    };
    let mark = match span.state {
        State::Done => None,
        State::Failed => Some((CaseResult::Failure, "failed")),
        State::Cancelled | State::Open => Some((CaseResult::Error, "was not brought to its end")),
    };
    let title = span.name.title();
    Some(Case {
        class: class.to_owned(),
        name,
        took: span.length(time_line.now),
        mark: mark.map(|(mark, word)| (mark, format!("{title}: {word}"), String::new())),
    })
}

fn element(case: &Case, sanitizer: &Sanitizer) -> String {
    let head = format!(
        "<testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
        attribute(&case.class, sanitizer),
        case.name,
        seconds(case.took)
    );
    match &case.mark {
        None => format!("{head}/>\n"),
        Some((mark, message, more)) => {
            let element = mark.element();
            let message = attribute(message, sanitizer);
            let more = text(sanitizer.block(more).as_str());
            format!("{head}><{element} message=\"{message}\">{more}</{element}></testcase>\n")
        }
    }
}

/// As the schema of Surefire wants it: digits, at most one point.
fn seconds(time: SignedDuration) -> String {
    format!("{:.3}", time.as_secs_f64().max(0.0))
}

fn attribute(value: &str, sanitizer: &Sanitizer) -> String {
    text(sanitizer.line(value).as_str())
}

/// Text that is neither markup nor anything that XML 1.0 forbids.
fn text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            // Also the end of `]]>`, which may not stand in text.
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => {
                escaped.push(c);
            }
            _ => escaped.push(char::REPLACEMENT_CHARACTER),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup_or_forbidden() {
        let every: String = ('\0'..=char::MAX).collect();
        let hostile = format!("]]><x a='b' c=\"d\">&amp;<!-- {every}");
        let sanitizer = Sanitizer::default();
        let document = format!(
            "<a b=\"{}\">{}</a>",
            attribute(&hostile, &sanitizer),
            text(&hostile)
        );
        let document = roxmltree::Document::parse(&document).unwrap();
        let root = document.root_element();
        assert_eq!(root.children().filter(|node| !node.is_text()).count(), 0);
        let read = root.text().unwrap();
        assert!(read.starts_with("]]><x a='b' c=\"d\">&amp;<!-- "), "{read}");
        assert!(root.attribute("b").unwrap().starts_with("]]><x a='b'"));
    }

    #[test]
    fn times_are_as_the_schema_wants_them() {
        assert_eq!(seconds(SignedDuration::from_millis(1_234_567)), "1234.567");
        assert_eq!(seconds(SignedDuration::from_secs(-3)), "0.000");
    }
}
