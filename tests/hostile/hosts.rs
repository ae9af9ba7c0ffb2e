//! What other hosts obey in what a job prints. Each a little stricter than the
//! host, where its reading depends on what stands around.

/// The markers of a line that some host would obey, by the host's name.
pub(crate) fn obeyed(line: &str) -> Vec<&'static str> {
    let mut obeyed = Vec::new();
    // The agent finds these anywhere in a line, in any case.
    let lower: String = line.to_lowercase();
    if lower.contains("##vso[") {
        obeyed.push("Azure command");
    }
    if lower.contains("##[") {
        obeyed.push("Azure or GitHub marker");
    }
    if lower.contains("##teamcity[") {
        obeyed.push("TeamCity message");
    }
    // `section_start:TIME:NAME` counts between an erase and a carriage return.
    let has_section = lower.contains("section_start:") || lower.contains("section_end:");
    if has_section && line.contains(['\r', '\u{1b}']) {
        obeyed.push("GitLab section");
    }
    let folds = ["--- ", "+++ ", "~~~ ", "^^^ +++"];
    if folds.iter().any(|fold| line.starts_with(fold)) {
        obeyed.push("Buildkite fold");
    }
    // Buildkite's time stamps and pictures, Travis' folds and such.
    if line.contains('\u{1b}') {
        obeyed.push("a sequence for a terminal");
    }
    obeyed
}

/// Where some host sees a new line.
pub(crate) fn lines(stream: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = stream.split(['\n', '\r']).collect();
    if lines.last() == Some(&"") {
        lines.pop();
    }
    lines
}

#[test]
fn the_hosts_obey_what_they_are_known_to_obey() {
    for line in [
        "##vso[task.setvariable variable=PATH]/tmp",
        "text ##VSO[task.complete result=Succeeded;]",
        "x ##[section]y",
        "##teamcity[buildStatus status='SUCCESS']",
        "\u{1b}[0Ksection_start:1:a\r\u{1b}[0Ktitle",
        "--- group",
        "+++ open",
        "~~~ quiet",
        "^^^ +++",
        "\u{1b}_bk;t=0\u{7}",
    ] {
        assert!(!obeyed(line).is_empty(), "{line:?}");
    }
    for line in [
        "# #[error]",
        " --- ",
        "10:00:00 --- x",
        "section_start:1:a",
        "## heading [x]",
    ] {
        assert_eq!(obeyed(line), [""; 0], "{line:?}");
    }
}
