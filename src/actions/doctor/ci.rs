//! What the CI provides: commit, branch, change request, outputs; and whether
//! the files can be written.

use std::path::Path;

use serde_json::Value;

use super::evidence::text;
use super::finding::Findings;
use super::resolve::Checkup;
use crate::actions::resolve::{ExpectedRevision, Plan};
use crate::branch;
use crate::ci::{Host, files_of_the_ci};
use crate::environment::Variables;
use crate::files;
use crate::messages::Failure;
use crate::report::{atomic_file, output_file};

/// Digits of a commit that are shown.
const SHORT: usize = 7;

/// The ends of the names of variables whose files are written.
const WRITTEN: [&str; 2] = ["_OUTPUT", "_STEP_SUMMARY"];

/// Which CI it is, and what it says of the run.
pub(super) fn facts(findings: &mut Findings, host: Host, checkup: &Checkup) {
    let facts = &checkup.facts;
    let title = host.row().title;
    if host == Host::Local {
        return findings.fine("ci", "none was recognized; this is a terminal or a script");
    }
    findings.fine("ci", title);
    let commit = facts.commit.as_deref().map(short);
    match (commit, &facts.branch, &facts.tag) {
        (Some(commit), Some(branch), _) => {
            findings.fine("commit", format!("{commit} on {branch}"));
        }
        (Some(commit), None, Some(tag)) => {
            findings.fine("commit", format!("{commit} at tag {tag}"));
        }
        _ => findings.doubt(
            "commit",
            format!("{title} does not name the commit and the branch of this run"),
            "Pass branch, and expected-commit with the full SHA",
        ),
    }
    if let Some(request) = &facts.change_request {
        let fork = if facts.is_of_fork() {
            " from a fork"
        } else {
            ""
        };
        findings.fine("request", format!("#{}{fork}", request.number));
    }
}

fn short(commit: &str) -> &str {
    commit.get(..SHORT).unwrap_or(commit)
}

/// Whether the commit guard will compare something.
pub(super) fn guard(
    findings: &mut Findings,
    host: Host,
    checkup: &Checkup,
    plan: &Plan,
    record: Option<&Value>,
) {
    const TOPIC: &str = "guard";
    const FIX: &str = "Set expected-commit to the full SHA of the tested commit, or to off";
    if record.is_some_and(|record| text(record, "source") == Some("dockerImage")) {
        return findings.fine(TOPIC, "off: an image has no commit");
    }
    let deployed = record.and_then(|record| text(record, "default_branch"));
    let deployed = checkup.branch.as_deref().or(deployed);
    match &plan.expected_commit {
        ExpectedRevision::Any => findings.fine(TOPIC, "off"),
        ExpectedRevision::Is(commit) => {
            findings.fine(TOPIC, format!("compares with {}", short(commit)));
        }
        ExpectedRevision::Unknown(_) if host == Host::Local => {
            findings.fine(TOPIC, "has nothing to compare outside a CI");
        }
        ExpectedRevision::Unknown(reason) => {
            findings.doubt(TOPIC, format!("has nothing to compare: {reason}"), FIX);
        }
        ExpectedRevision::OfBranch { commit, branch } => match deployed {
            Some(other) if !branch::is_same(other, branch) => {
                let text = format!("{} is on {branch}, and {other} is deployed", short(commit));
                findings.doubt(TOPIC, text, FIX);
            }
            _ => findings.fine(TOPIC, format!("compares with {}", short(commit))),
        },
    }
}

/// Which outputs and files can be written.
pub(super) fn files(
    findings: &mut Findings,
    variables: &Variables,
    checkup: &Checkup,
    plan: &Plan,
) {
    let mut writable: Vec<String> = Vec::new();
    let of_ci = files_of_the_ci(variables).into_iter();
    for (name, path) in of_ci.filter(|(name, _)| WRITTEN.iter().any(|end| name.ends_with(end))) {
        match files::open_to_append(&path) {
            Ok(_) => writable.push(name),
            Err(error) => findings.wrong(
                "outputs",
                Failure::UnusableValue,
                format!("{name} cannot be written: {error}"),
                "Let the user of this process write it; on GitHub do not mount it read-only",
            ),
        }
    }
    can_be_written(findings, "outputs", &writable);
    let given = [
        ("log-file", &plan.files.log),
        ("report-file", &checkup.file),
        ("junit-file", &plan.files.junit),
        ("code-quality-file", &plan.files.code_quality),
        ("output-file", &plan.files.outputs),
        ("links-file", &plan.files.links),
        ("html-report", &plan.files.page),
    ];
    let given = given
        .into_iter()
        .filter_map(|(name, path)| Some((name, path.as_ref()?)));
    let can = given.filter(|(name, path)| can_write(findings, name, path));
    let writable: Vec<&str> = can.map(|(name, _)| name).collect();
    can_be_written(findings, "files", &writable);
}

fn can_be_written<T: AsRef<str>>(findings: &mut Findings, topic: &'static str, names: &[T]) {
    if !names.is_empty() {
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        findings.fine(topic, format!("{} can be written", names.join(", ")));
    }
}

/// Whether it can; a line if not.
fn can_write(findings: &mut Findings, name: &str, path: &Path) -> bool {
    let tried = match name {
        "output-file" => output_file::try_out(path),
        _ => atomic_file::try_out(path),
    };
    if let Err(error) = &tried {
        findings.wrong(
            "files",
            Failure::UnusableValue,
            format!("{name} cannot be written to {}: {error}", path.display()),
            format!("Set {name} to a path in a folder that this process can write"),
        );
    }
    tried.is_ok()
}
