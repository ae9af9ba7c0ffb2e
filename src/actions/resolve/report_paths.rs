//! The files that a run writes, and what speaks against one of them.

use std::path::PathBuf;

use crate::files::{FileIdentity, are_one};
use crate::inputs::{Inputs, Problem, ProblemKind};
use crate::report_files::ReportFiles;

/// The files that the user wants written.
pub fn files(inputs: &Inputs) -> ReportFiles {
    ReportFiles {
        log: inputs.log_file.clone(),
        report: inputs.report_file.clone(),
        junit: inputs.junit_file.clone(),
        code_quality: inputs.code_quality_file.clone(),
        outputs: inputs.output_file.clone(),
        links: inputs.links_file.clone(),
        page: inputs.html_report.clone(),
    }
}

/// The problems of the files that are to be written: two that are the same, of
/// which only the last would remain; one that the CI reads, by the variable
/// that names it; and one behind a link that a checkout can contain. The last
/// two are taken out of `files`, because reports are written after a refusal
/// too.
pub fn unusable_files(
    inputs: &Inputs,
    files: &mut ReportFiles,
    of_ci: &[(String, PathBuf)],
) -> Vec<Problem> {
    let mut state = inputs.state_file.clone();
    let files = [
        ("state-file", &mut state),
        ("log-file", &mut files.log),
        ("report-file", &mut files.report),
        ("junit-file", &mut files.junit),
        ("code-quality-file", &mut files.code_quality),
        ("output-file", &mut files.outputs),
        ("links-file", &mut files.links),
        ("html-report", &mut files.page),
    ];
    let mut seen: Vec<(&str, PathBuf)> = Vec::new();
    let mut problems = Vec::new();
    for (name, file) in files {
        let Some(path) = file.clone() else {
            continue;
        };
        let mut refuse = |reason: String| {
            let spelling = inputs.spelling(name);
            problems.push(Problem::new(ProblemKind::Conflict, spelling, None, reason));
        };
        if let Some((variable, _)) = of_ci.iter().find(|(_, other)| are_one(&path, other)) {
            refuse(format!(
                "it names the same file as {variable}, which belongs to the CI. Set another path"
            ));
            *file = None;
        }
        // What cannot be written for another reason is a warning later on.
        let place = FileIdentity::of(&path).ok();
        if let Some(objection) = place.as_ref().and_then(FileIdentity::objection) {
            refuse(format!("{objection}. Set the path of the file itself"));
            *file = None;
        }
        let path = place.map_or(path, |place| place.path);
        match seen.iter().find(|(_, other)| *other == path) {
            Some((other, _)) => refuse(format!(
                "it names the same file as {}",
                inputs.spelling(other)
            )),
            None => seen.push((name, path)),
        }
    }
    problems
}
