//! The comment on a change request about its preview, as Markdown. Pure.
//!
//! Text from outside stands in code, as in the summary: it can be no link,
//! image, mention or HTML. On GitLab a line that begins with `/` can be a
//! command, such as `/merge`; none of the log's may.

use jiff::Timestamp;

use super::causes::{self, FailureCause};
use crate::code_host::Marker;
use crate::deployment::{Deployment, Verdict};
use crate::exit_status::ExitStatus;
use crate::messages::Failure;
use crate::outcome::Outcome;
use crate::report::reasons;
use crate::sanitize::{SanitizedLine, SanitizedText, Sanitizer};
use crate::text::markdown_escape::{cell, code, fenced, folded, joined, link, markdown_text};

/// The most of one text or line of the log in the comment, in bytes.
const LONGEST_TEXT: usize = 1024;

/// The most reasons that are shown.
const MOST_REASONS: usize = 16;

/// The facts of the comment. The reporter makes it from the run record.
#[derive(Debug, Clone, Copy)]
pub struct CommentFacts<'a> {
    /// The marker by which a later run finds the comment.
    pub marker: &'a Marker,
    /// The name of the preview application, or its id.
    pub app: Option<&'a str>,
    /// The status of the preview.
    pub status: CommentStatus<'a>,
    /// The causes of a failure in the log.
    pub causes: &'a [FailureCause],
    /// The last lines of the deployment's log, oldest first.
    pub last_lines: &'a [&'a SanitizedLine],
    /// The preview's address. Only one that works has one.
    pub url: Option<&'a str>,
    /// The deployment, as it was last seen.
    pub deployment: Option<&'a Deployment>,
    /// How long it took, in words.
    pub times: Option<&'a str>,
    /// The page of the run.
    pub run_url: Option<&'a str>,
    /// When this is written.
    pub now: Timestamp,
}

/// The status of a preview, as the comment shows it. The action that writes the
/// comment makes it.
#[derive(Debug, Clone, Copy)]
pub enum CommentStatus<'a> {
    /// It is being deployed.
    Deploying,
    /// A signal ends the run, and the deployment's end is not known yet.
    Stopping,
    /// The run ended with this outcome.
    Ended(&'a Outcome),
    /// It was deleted.
    Deleted,
}

/// The text of the comment, its mark included. Why something went wrong stands
/// first.
pub fn render(facts: &CommentFacts<'_>, sanitizer: &Sanitizer) -> SanitizedText {
    let text = |text: &str| markdown_text(text, LONGEST_TEXT, sanitizer);
    let mut parts = vec![format!("{}\n### {}", facts.marker.as_str(), heading(facts))];
    let line = |line: &str| not_a_command(text(line));
    let found = causes::markdown(facts.causes, &line, &|target| code(&text(target)));
    parts.push(found);
    let rows = table(facts, &text);
    let address = facts.url.and_then(link).filter(|_| facts.is_ready());
    match address {
        Some(address) => parts.extend([address, folded("Details", &[rows])]),
        None => parts.extend([reasons(facts.status, &text), rows]),
    }
    let is_failure =
        matches!(facts.status, CommentStatus::Ended(outcome) if outcome.failure().is_some());
    if is_failure && !facts.last_lines.is_empty() && !causes::is_known(facts.causes) {
        let lines = facts.last_lines.iter().map(|shown| line(shown.as_str()));
        let lines: Vec<String> = lines.collect();
        parts.push(format!("Last lines of the log:\n\n{}", fenced(&lines)));
    }
    sanitizer.block(joined(&parts).trim_end())
}

impl CommentFacts<'_> {
    fn is_ready(&self) -> bool {
        matches!(self.status, CommentStatus::Ended(outcome) if outcome.ending() == ExitStatus::Success)
    }
}

/// The status of the preview, in a few words.
fn heading(facts: &CommentFacts<'_>) -> String {
    match facts.status {
        CommentStatus::Deploying => "⏳ Sevalla preview: deploying".to_owned(),
        CommentStatus::Stopping => "⏹️ Sevalla preview: run interrupted".to_owned(),
        CommentStatus::Ended(outcome) => {
            let (sign, words) = ended(outcome);
            let standing = if is_about_the_deployment(outcome) {
                ""
            } else {
                facts.deployment.map_or("", standing)
            };
            format!("{sign} Sevalla preview: {words}{standing}")
        }
        CommentStatus::Deleted => "🗑️ Sevalla preview: deleted".to_owned(),
    }
}

/// How the run ended, in the words of the console.
pub(super) const fn ended(outcome: &Outcome) -> (&'static str, &'static str) {
    match outcome.failure() {
        Some(Failure::PreviewVanished) => return ("❌", "deleted while it was built"),
        Some(Failure::DeletionFailed) => return ("❌", "deletion failed"),
        Some(Failure::NotGoneInTime) => return ("⌛", "not gone in time"),
        _ => {}
    }
    match outcome.ending() {
        ExitStatus::Success => ("✅", "ready"),
        ExitStatus::Planned => ("📝", "planned"),
        ExitStatus::Triggered => ("⏳", "deploying"),
        ExitStatus::Passed => ("⏭️", "nothing new deployed"),
        ExitStatus::Failed => ("❌", "failed"),
        ExitStatus::InvalidInput => ("❌", "inputs not usable"),
        ExitStatus::Cancelled => ("⏹️", "cancelled"),
        ExitStatus::Skipped => ("⏭️", "skipped"),
        ExitStatus::Superseded => ("⏭️", "superseded by a newer deployment"),
        ExitStatus::TimedOut => ("⌛", "timed out"),
        ExitStatus::Unauthorized => ("❌", "run unauthorized"),
        ExitStatus::Unavailable => ("❌", "Sevalla unavailable"),
        ExitStatus::Ambiguous => ("❓", "outcome not known"),
        ExitStatus::Unverified => ("⚠️", "unverified"),
        ExitStatus::Rejected => ("❌", "request rejected"),
        ExitStatus::Internal => ("❌", "internal error"),
        ExitStatus::Interrupted(_) => ("⏹️", "run interrupted"),
    }
}

/// Whether the words for the end say how the deployment stands.
const fn is_about_the_deployment(outcome: &Outcome) -> bool {
    let is_about_the_app = matches!(
        outcome.failure(),
        Some(Failure::PreviewVanished | Failure::DeletionFailed | Failure::NotGoneInTime)
    );
    let is_unfinished = matches!(
        outcome.ending(),
        ExitStatus::TimedOut
            | ExitStatus::Unauthorized
            | ExitStatus::Unavailable
            | ExitStatus::Rejected
            | ExitStatus::Internal
            | ExitStatus::Interrupted(_)
    );
    is_about_the_app || !is_unfinished
}

/// How the deployment stood when the run ended for a reason of its own.
const fn standing(deployment: &Deployment) -> &'static str {
    match deployment.status.verdict() {
        Some(Verdict::Success) => ", deployment succeeded",
        Some(Verdict::Failed) => ", deployment failed",
        Some(Verdict::Cancelled) => ", deployment cancelled",
        Some(Verdict::Skipped) => ", deployment skipped",
        None => " before the deployment ended",
    }
}

/// Why, and what to do. A success needs no words.
fn reasons(status: CommentStatus<'_>, text: &impl Fn(&str) -> String) -> String {
    match status {
        CommentStatus::Ended(outcome) if outcome.ending() != ExitStatus::Success => joined(&[
            code(&text(&outcome.headline)),
            reasons::list(outcome, MOST_REASONS, text),
        ]),
        CommentStatus::Stopping => {
            "A signal ended the run. Its log shows the end of the deployment.".to_owned()
        }
        _ => String::new(),
    }
}

/// A table whose head is its first row: Markdown has none without a head.
fn table(facts: &CommentFacts<'_>, text: &impl Fn(&str) -> String) -> String {
    let now = format!("{:.0}", facts.now);
    let row = |(name, value): (&str, &str)| {
        let address = (name == "Run").then(|| link(value)).flatten();
        let value = address.unwrap_or_else(|| cell(&text(value)));
        format!("| {name} | {value} |\n")
    };
    let rows: Vec<String> = rows(facts, &now).into_iter().map(row).collect();
    let Some((head, rest)) = rows.split_first() else {
        return String::new();
    };
    format!("{head}| --- | --- |\n{}", rest.concat())
}

fn rows<'a>(facts: &CommentFacts<'a>, now: &'a str) -> Vec<(&'static str, &'a str)> {
    let is_ended = matches!(facts.status, CommentStatus::Ended(_));
    let deployment = facts.deployment;
    // What was seen before a signal is about to change.
    let last = deployment.filter(|_| !matches!(facts.status, CommentStatus::Stopping));
    // Nobody will correct it.
    let is_over = last.is_none_or(|last| last.status.verdict().is_some());
    let status = if is_ended && !is_over {
        "Last seen"
    } else {
        "Status"
    };
    let rows = [
        ("Application", facts.app),
        (
            "Commit",
            deployment.and_then(|deployment| deployment.commit_sha.as_deref()),
        ),
        (status, last.and_then(|last| last.status.reported())),
        ("Time", last.and(facts.times)),
        ("Updated", Some(now)),
        ("Run", facts.run_url),
    ];
    let given = |(name, value): (&'static str, Option<&'a str>)| Some((name, value?));
    rows.into_iter().filter_map(given).collect()
}

/// GitLab may take a line for a command even in a fence, where that is longer
/// than one of the text.
fn not_a_command(line: String) -> String {
    if line.trim_start().starts_with('/') {
        format!("| {line}")
    } else {
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::{DeploymentId, Status};
    use crate::shutdown::Signal;

    fn deployment(status: Status) -> Deployment {
        Deployment {
            status,
            commit_sha: Some("9f8e7d6".to_owned()),
            ..Deployment::only_its_id(DeploymentId("x".to_owned()))
        }
    }

    /// The text about an end, with the mark left out.
    fn rendered(
        status: CommentStatus<'_>,
        deployment: &Deployment,
        last_lines: &[&SanitizedLine],
    ) -> String {
        let marker = Marker::of("shop");
        let facts = CommentFacts {
            marker: &marker,
            app: Some("shop-pr-12"),
            status,
            causes: &[],
            last_lines,
            url: Some("https://shop-pr-12.sevalla.app"),
            deployment: Some(deployment),
            times: Some("waited 3s, ran 1m05s"),
            run_url: Some("https://github.com/acme/shop/actions/runs/42"),
            now: "2026-03-01T10:00:05.9Z".parse().unwrap(),
        };
        let body = render(&facts, &Sanitizer::default());
        let text = body.as_str().strip_prefix("<!-- sevalla-deploy:shop -->\n");
        text.unwrap().to_owned()
    }

    #[test]
    fn a_preview_that_works() {
        let outcome = Outcome::success("Deployed");
        let text = rendered(
            CommentStatus::Ended(&outcome),
            &deployment(Status::Success),
            &[],
        );
        let expected = "### ✅ Sevalla preview: ready\n\n\
            <https://shop-pr-12.sevalla.app>\n\n\
            <details><summary>Details</summary>\n\n\
            | Application | ` shop-pr-12 ` |\n\
            | --- | --- |\n\
            | Commit | ` 9f8e7d6 ` |\n\
            | Status | ` success ` |\n\
            | Time | ` waited 3s, ran 1m05s ` |\n\
            | Updated | ` 2026-03-01T10:00:05Z ` |\n\
            | Run | <https://github.com/acme/shop/actions/runs/42> |\n\n</details>";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_failure_has_its_reasons_first_and_the_last_lines_and_no_address() {
        let sanitizer = Sanitizer::default();
        let lines = ["npm ERR! ```", "/merge", "  /close"].map(|line| sanitizer.line(line));
        let outcome = Outcome::of(Failure::DeploymentFailed, "The build failed: `npm ci`")
            .because("/merge it")
            .hint("Read the log");
        let text = rendered(
            CommentStatus::Ended(&outcome),
            &deployment(Status::Failed),
            &lines.iter().collect::<Vec<_>>(),
        );
        let begins = format!(
            "### ❌ Sevalla preview: failed\n\n`` The build failed: `npm ci` ``\n\n\
            - Why: ` /merge it `\n- Next: ` Read the log `\n- More: <{}>\n\n| Application |",
            Failure::DeploymentFailed.address()
        );
        assert!(text.starts_with(&begins), "{text}");
        let ends = "\n\nLast lines of the log:\n\n\
            ````text\nnpm ERR! ```\n| /merge\n|   /close\n````";
        assert!(text.ends_with(ends), "{text}");
        assert!(!text.contains("shop-pr-12.sevalla.app"), "{text}");
    }

    #[test]
    fn reasons_are_bounded() {
        let many = (0..1000).fold(Outcome::of(Failure::Bug, "x"), |outcome, number| {
            outcome.because(format!("{number} {}", "y".repeat(5000)))
        });
        let many = many.hint("the hint");
        let text = rendered(
            CommentStatus::Ended(&many),
            &deployment(Status::Failed),
            &[],
        );
        assert!(text.len() < 20_000, "{}", text.len());
        assert!(text.contains("the hint"), "{text}");
    }

    #[test]
    fn the_heading_says_how_the_run_ended_and_how_the_deployment_stood() {
        let interrupted = Outcome::interrupted(Signal::Interrupt);
        let of = |failure| Outcome::of(failure, "x");
        for (outcome, status, words) in [
            (
                &interrupted,
                Status::Success,
                "run interrupted, deployment succeeded",
            ),
            (
                &interrupted,
                Status::Cancelled,
                "run interrupted, deployment cancelled",
            ),
            (
                &interrupted,
                Status::InProgress,
                "run interrupted before the deployment ended",
            ),
            (
                &of(Failure::StillRunning),
                Status::InProgress,
                "timed out before the deployment ended",
            ),
            (
                &of(Failure::StillRunning),
                Status::Cancelled,
                "timed out, deployment cancelled",
            ),
            (
                &of(Failure::NotGoneInTime),
                Status::Success,
                "not gone in time",
            ),
            (&of(Failure::DeploymentSkipped), Status::Skipped, "skipped"),
            (
                &of(Failure::Superseded),
                Status::Cancelled,
                "superseded by a newer deployment",
            ),
            (
                &of(Failure::HealthCheckFailed),
                Status::Success,
                "unverified",
            ),
            (
                &Outcome::passed("x"),
                Status::Skipped,
                "nothing new deployed",
            ),
        ] {
            let text = rendered(CommentStatus::Ended(outcome), &deployment(status), &[]);
            let heading = text.lines().next().unwrap();
            assert!(
                heading.ends_with(&format!("Sevalla preview: {words}")),
                "{heading}"
            );
            assert!(!text.contains("shop-pr-12.sevalla.app"), "{text}");
        }
    }

    #[test]
    fn only_failures_of_the_deployment_are_called_failed() {
        for failure in Failure::ALL {
            let outcome = Outcome::of(*failure, "x");
            let text = rendered(
                CommentStatus::Ended(&outcome),
                &deployment(Status::Cancelled),
                &[],
            );
            let heading = text.lines().next().unwrap();
            let is_failed = outcome.ending() == ExitStatus::Failed;
            assert!(is_failed || !heading.contains("failed"), "{heading}");
        }
    }

    #[test]
    fn a_status_that_nobody_will_correct_is_one_that_was_seen_last() {
        let going_on = deployment(Status::InProgress);
        let outcome = Outcome::of(Failure::StillRunning, "x");
        let text = rendered(CommentStatus::Ended(&outcome), &going_on, &[]);
        assert!(text.contains("| Last seen | ` inProgress ` |"), "{text}");
        let text = rendered(CommentStatus::Deploying, &going_on, &[]);
        assert!(text.contains("| Status | ` inProgress ` |"), "{text}");
        let text = rendered(CommentStatus::Stopping, &going_on, &[]);
        for row in ["| Status |", "| Last seen |", "| Time |"] {
            assert!(!text.contains(row), "{text}");
        }
        assert!(!text.contains("cancelled"), "{text}");
    }
}
