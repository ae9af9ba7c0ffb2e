//! The causes that the logs show, as lines, as Markdown, as annotations of files and
//! as a report of code quality. Pure. Which lines are causes is decided in
//! [`diagnosis`](crate::diagnosis).

use crate::ci::Place;
use crate::diagnosis::{DeployStep, Digest, Finding};
use crate::text::markdown_escape::fenced;
use crate::text::truncate::beginning;

/// The most kinds of findings of a deployment that are shown as lines.
const MOST_KINDS: usize = 3;

/// The most lines that are shown of a kind.
const MOST_LINES: usize = 5;

/// The most lines of a kind in Markdown, where there is room.
pub(super) const MOST_LINES_OF_MARKDOWN: usize = 12;

/// The most places that are marked. A host shows ten marks of a step, and one of
/// them is the run's.
const MOST_PLACES: usize = 9;

/// The longest text of a mark or of an entry of the report, in bytes.
const LONGEST_TEXT: usize = 500;

/// What the log shows about one failed deployment. The reporter makes it at the end
/// of a run.
#[derive(Debug, Clone)]
pub struct FailureCause {
    /// What was deployed, where that is one of several.
    pub(super) target: Option<String>,
    /// What was found.
    pub(super) digest: Digest,
    /// The part of the deployment that failed.
    pub(super) phase: Option<DeployStep>,
}

/// Findings of one title, which stand together in a digest.
pub(super) fn kinds(digest: &Digest) -> impl Iterator<Item = &[Finding]> {
    digest.findings.chunk_by(|a, b| a.title == b.title)
}

/// The lines of a kind, each once.
pub(super) fn lines_of(kind: &[Finding], most: usize) -> Vec<&str> {
    let mut lines: Vec<&str> = Vec::new();
    for line in kind.iter().flat_map(|finding| &finding.lines) {
        if lines.len() < most && !lines.contains(&line.trim()) {
            lines.push(line.trim());
        }
    }
    lines
}

/// In lines, for an annotation and the output `error`.
pub(super) fn lines(causes: &[FailureCause]) -> Vec<String> {
    causes
        .iter()
        .flat_map(|cause| lines_of_cause(cause, |_| true))
        .collect()
}

/// In lines, where the log has just been shown: only what adds to it.
pub(super) fn known_lines(causes: &[FailureCause]) -> Vec<String> {
    causes
        .iter()
        .flat_map(|cause| lines_of_cause(cause, |finding| finding.is_known))
        .collect()
}

fn lines_of_cause(cause: &FailureCause, is_shown: impl Fn(&Finding) -> bool) -> Vec<String> {
    let mut all = Vec::new();
    let target = cause.target.as_ref().map(|target| format!("{target}: "));
    // Where the cause is known, it says more.
    let phase = cause.phase.filter(|_| !cause.digest.is_known());
    if let Some(phase) = phase.filter(|_| cause.digest.findings.iter().any(&is_shown)) {
        all.push(format!(
            "{}{}",
            target.as_deref().unwrap_or_default(),
            phase.failed()
        ));
    }
    for kind in kinds(&cause.digest).take(MOST_KINDS) {
        let Some(first) = kind.first().filter(|first| is_shown(first)) else {
            continue;
        };
        all.push(format!(
            "{}{}:",
            target.as_deref().unwrap_or_default(),
            first.title
        ));
        let most = if first.is_known {
            MOST_LINES
        } else {
            MOST_LINES_OF_MARKDOWN
        };
        let lines = lines_of(kind, most);
        all.extend(lines.into_iter().map(|line| format!("  {line}")));
        if first.is_known {
            all.push(format!("  Try: {}", first.advice));
        }
    }
    all
}

/// As Markdown; `line` makes a line of the log fit for a fence.
pub(super) fn markdown(
    causes: &[FailureCause],
    line: &impl Fn(&str) -> String,
    code: &impl Fn(&str) -> String,
) -> String {
    let mut markdown = String::new();
    for cause in causes {
        let target = cause
            .target
            .as_deref()
            .map(|target| format!("{}: ", code(target).trim()));
        let target = target.unwrap_or_default();
        if let Some(phase) = cause.phase.filter(|_| !cause.digest.is_known()) {
            markdown.push_str(&format!("{target}{}\n\n", phase.failed()));
        }
        for kind in kinds(&cause.digest) {
            let Some(first) = kind.first() else {
                continue;
            };
            let lines = lines_of(kind, MOST_LINES_OF_MARKDOWN);
            let lines: Vec<String> = lines.into_iter().map(line).collect();
            markdown.push_str(&format!(
                "{target}**{}**\n\n{}\n",
                first.title,
                fenced(&lines)
            ));
            if first.is_known {
                markdown.push_str(&format!("{}\n\n", first.advice));
            }
        }
    }
    markdown
}

/// Whether anything is known of why they failed.
pub(super) fn is_known(causes: &[FailureCause]) -> bool {
    causes.iter().any(|cause| cause.digest.is_known())
}

/// The places to mark, each once, with what to say there.
pub(super) fn at_places(causes: &[FailureCause]) -> Vec<(&'static str, String, &Place)> {
    let mut all: Vec<(&'static str, String, &Place)> = Vec::new();
    for finding in causes.iter().flat_map(|cause| &cause.digest.findings) {
        let Some(place) = finding.place.as_ref() else {
            continue;
        };
        let is_new = all.iter().all(|(_, _, other)| *other != place);
        if all.len() < MOST_PLACES && is_new {
            all.push((finding.title, text_of(finding), place));
        }
    }
    all
}

fn text_of(finding: &Finding) -> String {
    let lines: Vec<&str> = finding.lines.iter().map(|line| line.trim()).collect();
    beginning(&lines.join("\n"), LONGEST_TEXT).to_owned()
}

/// A report of code quality as GitLab reads it. Empty where there is nothing, so
/// that what was found before counts as corrected.
pub(super) fn code_quality(causes: &[FailureCause]) -> String {
    let places = at_places(causes).into_iter();
    let entries: serde_json::Value = places
        .map(|(title, text, place)| {
            let last = text.lines().last().unwrap_or_default();
            let of_what = format!("{title}\n{}\n{}\n{last}", place.file, place.line);
            serde_json::json!({
                "description": format!("{title}: {}", text.replace('\n', " ")),
                "check_name": "sevalla-deploy",
                "fingerprint": fingerprint(&of_what),
                "severity": "blocker",
                "location": { "path": place.file, "lines": { "begin": place.line } },
            })
        })
        .collect();
    format!("{entries:#}")
}

/// A hash that is equal for equal texts in every run: FNV-1a.
fn fingerprint(text: &str) -> String {
    let hash = text.bytes().fold(
        0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128,
        |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        },
    );
    format!("{hash:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(title: &'static str, line: &str, place: Option<(&str, u32)>) -> Finding {
        Finding {
            title,
            lines: vec![line.to_owned()],
            place: place.map(|(file, line)| Place {
                file: file.to_owned(),
                line,
                column: None,
            }),
            advice: "Do it.",
            is_known: true,
        }
    }

    fn causes() -> Vec<FailureCause> {
        let findings = vec![
            finding("Types", "a", Some(("src/a.ts", 3))),
            finding("Types", "b", Some(("src/a.ts", 3))),
            finding("Types", "c", Some(("src/c.ts", 5))),
            finding("Else", "d", None),
        ];
        let digest = Digest { findings };
        vec![FailureCause {
            target: Some("shop".to_owned()),
            digest,
            phase: Some(DeployStep::Start),
        }]
    }

    #[test]
    fn a_kind_is_shown_once_with_its_lines_and_its_advice() {
        assert_eq!(
            lines(&causes()),
            [
                "shop: Types:",
                "  a",
                "  b",
                "  c",
                "  Try: Do it.",
                "shop: Else:",
                "  d",
                "  Try: Do it."
            ]
        );
        let markdown = markdown(&causes(), &str::to_owned, &|text| format!("`{text}`"));
        let types = "`shop`: **Types**\n\n```text\na\nb\nc\n```\n\nDo it.\n\n";
        assert!(markdown.starts_with(types), "{markdown}");
    }

    #[test]
    fn all_lines_that_stand_out_are_shown_and_no_advice_is_given() {
        let mut diagnosis = crate::diagnosis::Diagnosis::default();
        let log = [
            "fine",
            "error: the widget failed",
            "it refuses 1",
            "it refuses 2",
        ];
        for line in log {
            diagnosis.take(line);
        }
        let digest = diagnosis.digest();
        let target = None;
        let lines = lines(&[FailureCause {
            target,
            digest,
            phase: None,
        }]);
        assert_eq!(lines[0], "Lines that stand out:");
        assert!(lines.len() > 1, "{lines:?}");
        assert!(
            lines.iter().all(|line| !line.contains("Try: ")),
            "{lines:?}"
        );
    }

    #[test]
    fn where_no_cause_is_known_the_part_that_failed_is_named() {
        let mut cause = causes().remove(0);
        for finding in &mut cause.digest.findings {
            finding.is_known = false;
        }
        let sentence = "shop: The program did not start.";
        assert_eq!(lines(std::slice::from_ref(&cause))[0], sentence);
        assert!(known_lines(&[cause.clone()]).is_empty());
        let markdown = markdown(&[cause], &str::to_owned, &|text| format!("`{text}`"));
        assert!(
            markdown.starts_with("`shop`: The program did not start."),
            "{markdown}"
        );
    }

    #[test]
    fn a_place_is_marked_once() {
        let causes = causes();
        let places = at_places(&causes);
        let places: Vec<_> = places
            .iter()
            .map(|(_, text, place)| (text.as_str(), place.line))
            .collect();
        assert_eq!(places, [("a", 3), ("c", 5)]);
    }

    #[test]
    fn the_report_has_what_gitlab_asks_for_and_is_empty_without_a_place() {
        assert_eq!(code_quality(&[]), "[]");
        let report: serde_json::Value = serde_json::from_str(&code_quality(&causes())).unwrap();
        let entries = report.as_array().unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0]["description"], "Types: a");
        assert_eq!(entries[0]["location"]["path"], "src/a.ts");
        assert_eq!(entries[0]["location"]["lines"]["begin"], 3);
        assert_eq!(entries[0]["severity"], "blocker");
        assert_ne!(entries[0]["fingerprint"], entries[1]["fingerprint"]);
        // FNV's own test vectors.
        assert_eq!(fingerprint(""), "6c62272e07bb014262b821756295c58d");
        assert_eq!(fingerprint("a"), "d228cb696f1a8caf78912b704e4a8964");
    }
}
