//! `action.yml`: what its steps run.

use yaml_serde::{Mapping, Value};

fn metadata(path: &str) -> Value {
    yaml_serde::from_str(&crate::read(path)).unwrap()
}

#[test]
fn no_script_has_an_expression_in_it() {
    let metadata = metadata("action.yml");
    for step in metadata["runs"]["steps"].as_sequence().unwrap() {
        let step: &Mapping = step.as_mapping().unwrap();
        assert!(step.get("uses").is_none(), "an action of somebody else");
        let run = step.get("run").and_then(Value::as_str).unwrap();
        assert!(!run.contains("${{"), "{run}");
    }
}

/// The function of a PowerShell script, without its indentation.
fn function<'a>(script: &'a str, name: &str) -> Vec<&'a str> {
    let mut lines = script.lines().map(str::trim);
    let begins = format!("function {name}(");
    let first = lines.find(|line| line.starts_with(&begins)).unwrap();
    let rest = lines.take_while(|line| !line.starts_with("if ($from") && !line.is_empty());
    std::iter::once(first).chain(rest).collect()
}

#[test]
fn both_scripts_for_windows_have_the_same_functions() {
    let (setup, install) = (
        crate::read("setup/install.ps1"),
        crate::read("packages/install.ps1"),
    );
    for name in ["Get-Proxy", "Get-Sha256"] {
        let found = function(&setup, name);
        assert!(found.len() > 5, "{found:?}");
        assert_eq!(found, function(&install, name));
    }
}

/// Windows PowerShell that a newer one has started finds none of the functions of
/// its modules, such as `Get-FileHash`.
#[test]
fn the_scripts_for_windows_hash_without_a_module() {
    for path in ["setup/install.ps1", "packages/install.ps1"] {
        let script = crate::read(path);
        let code = script.lines().filter(|line| !line.trim().starts_with('#'));
        let of_modules = ["Get-FileHash", "Expand-Archive", "New-Guid"];
        for line in code {
            assert!(!of_modules.iter().any(|name| line.contains(name)), "{line}");
        }
    }
}

#[test]
fn a_slash_at_the_end_of_the_mirror_is_not_doubled() {
    for (path, cut) in [
        ("setup/install", "from=${from%/}\n"),
        ("setup/install.ps1", "$env:SEVALLA_DEPLOY_FROM.TrimEnd('/')"),
        ("packages/install.sh", "from=${from%/}\n"),
        (
            "packages/install.ps1",
            "$env:SEVALLA_DEPLOY_FROM.TrimEnd('/')",
        ),
    ] {
        assert!(crate::read(path).contains(cut), "{path}");
    }
}

/// A full disk, or a program that ends at once: `catch` sees no exit code.
#[test]
fn a_failure_after_the_check_is_named_on_windows() {
    for path in ["setup/install.ps1", "packages/install.ps1"] {
        let script = crate::read(path);
        let (_, after) = script.split_once(" --version\n").unwrap();
        let next = after.lines().next().unwrap();
        assert!(next.contains("if ($LASTEXITCODE -ne 0"), "{path}: {next}");
    }
    let script = crate::read("setup/install.ps1");
    let (_, after) = script.split_once("if ($why) { Stop-Unfinished").unwrap();
    for line in after.lines().filter(|line| line.contains("[IO.")) {
        assert!(line.starts_with("  "), "in a try: {line}");
    }
}

/// As on other systems, where `env -i` starts the download.
#[test]
fn the_download_on_windows_sees_no_secret_of_the_job() {
    let script = crate::read("setup/install.ps1");
    let (before, after) = script
        .split_once("Remove-Item -LiteralPath \"Env:$($_.Name)\"")
        .unwrap();
    assert!(after.contains("Invoke-WebRequest") && !before.contains("Invoke-WebRequest"));
    let (_, kept) = before.split_once("$kept = ").unwrap();
    let (kept, _) = kept.split_once("\nGet-ChildItem Env:").unwrap();
    for name in kept.split(',') {
        let name = name.trim().trim_matches('\'');
        let is_of_the_action = matches!(name, "GITHUB_OUTPUT" | "SEVALLA_DEPLOY_FROM");
        assert!(
            is_of_the_action || !(name.starts_with("GITHUB") || name.starts_with("SEVALLA")),
            "{name}"
        );
        assert!(!name.contains("TOKEN") && !name.contains('*'), "{name}");
    }
}

/// A file of another job, or none: the download comes instead.
#[test]
fn a_cache_that_cannot_be_read_stops_nothing_on_windows() {
    let script = crate::read("setup/install.ps1");
    for command in [
        "Get-Item -LiteralPath $stored",
        "Copy-Item -LiteralPath $stored",
        "Move-Item -LiteralPath $new",
    ] {
        let (before, after) = script.split_once(command).unwrap();
        let begins = before.rfind("\ntry {").max(before.rfind(" try {")).unwrap();
        assert!(!before[begins..].contains("catch"), "{command}");
        assert!(after.contains("catch { Write-Output") || after.contains("catch {\n"));
    }
}

/// `irm | iex` runs the script in the session of the user.
#[test]
fn the_script_for_windows_leaves_nothing_in_the_session() {
    let script = crate::read("packages/install.ps1");
    let code = script.lines().filter(|line| !line.starts_with('#'));
    let code: Vec<&str> = code.filter(|line| !line.is_empty()).collect();
    let (first, last) = (code.first().unwrap(), code.last().unwrap());
    assert_eq!((*first, *last), ("& {", "} @args"));
    for line in &code[1..code.len() - 1] {
        assert!(line.starts_with("  "), "{line}");
    }
    let set = script.matches("SecurityProtocol = ").count();
    assert_eq!(set, 2, "it is set back");
    assert!(!script.contains("$global:") && !script.contains("$script:"));
}
