use std::os::unix::ffi::OsStringExt as _;

use super::*;

const HOOK: &str =
    "https://hook.sevalla.com/apps/fb5e5168-4281-4bec-94c5-0d1584e9e657/deploy/hunter2hunter";

fn ask(arguments: &[&str]) -> CliRequest {
    let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
    parse(&arguments, 80)
}

/// The options of a run, as `name value`.
fn given(arguments: &[&str]) -> Vec<String> {
    let CliRequest::Run(given) = ask(arguments) else {
        panic!("{arguments:?}: {:?}", ask(arguments));
    };
    let pair = |(name, value): &(String, OsString)| format!("{name} {}", lossy(value));
    given.iter().map(pair).collect()
}

fn complaint(arguments: &[&str]) -> String {
    let CliRequest::Unknown(complaint) = ask(arguments) else {
        panic!("{arguments:?}: {:?}", ask(arguments));
    };
    complaint.text
}

#[test]
fn an_action_and_options_are_read_in_any_order() {
    let all = ["--action deploy-app", "--app-id x", "--branch main"];
    for arguments in [
        &["deploy-app", "--app-id", "x", "--branch", "main"][..],
        &["deploy-app", "--app-id=x", "--branch=main"],
        &["--app-id=x", "deploy-app", "--branch", "main"],
        &["--app_id", "x", "--branch", "main", "deploy-app"],
        &["--action", "deploy-app", "--app-id", "x", "--branch=main"],
    ] {
        let mut given = given(arguments);
        given.sort();
        assert_eq!(given, all, "{arguments:?}");
    }
    assert_eq!(given(&[]), Vec::<String>::new());
}

#[test]
fn a_value_is_taken_as_it_is() {
    for (arguments, value) in [
        (&["--branch", "a b"][..], "a b"),
        (&["--branch=a=b"], "a=b"),
        (&["--branch=-x"], "-x"),
        (&["--branch=--"], "--"),
        (&["--branch", "help"], "help"),
        (&["--branch", "deploy-app"], "deploy-app"),
        (&["--branch", "a\nb"], "a\nb"),
    ] {
        assert_eq!(given(arguments), [format!("--branch {value}")]);
    }
    let odd = OsString::from_vec(vec![b'x', 0xff]);
    let arguments = ["--branch".into(), odd.clone()];
    assert_eq!(
        parse(&arguments, 80),
        CliRequest::Run(vec![("--branch".to_owned(), odd)])
    );
}

#[test]
fn a_switch_needs_no_value_and_takes_only_one_that_it_can_have() {
    for (arguments, expected) in [
        (&["--dry-run"][..], &["--dry-run true"][..]),
        (&["--dry-run", "false"], &["--dry-run false"]),
        (&["--dry-run=False"], &["--dry-run False"]),
        (&["--dry-run=maybe"], &["--dry-run maybe"]),
        (&["--dry-run", "list"], &["--dry-run true", "--action list"]),
        (
            &["--dry-run", "--is-restart"],
            &["--dry-run true", "--is-restart true"],
        ),
    ] {
        assert_eq!(given(arguments), expected, "{arguments:?}");
    }
    // Its words are not only those two.
    assert!(complaint(&["--comment"]).contains("requires a value"));
}

#[test]
fn what_is_unknown_is_refused_with_what_may_be_meant() {
    for (arguments, hint) in [
        (&["depoy-app"][..], "Did you mean deploy-app?"),
        (&["deploy"], "Did you mean deploy-app?"),
        (&["hlep"], "Did you mean help?"),
        (&["version"], "Did you mean --version?"),
        (&["list-apps"], "Did you mean list --resource applications?"),
        (&["apps"], "Did you mean list --resource applications?"),
        (&["databases"], "Did you mean list --resource databases?"),
        (&["list-static-sites"], "list --resource static-sites?"),
        (&["status"], "Did you mean show?"),
        (&["app-id"], "Did you mean --app-id?"),
        (&["SEVALLA_BRANCH=x"], "Did you mean --branch?"),
        (
            &["ls"],
            "To run a program, write: sevalla-deploy -- PROGRAM",
        ),
        (&["sh"], "To run a program"),
        (&["/bin/ls"], "To run a program"),
        (&[""], "\"\" is not an action"),
        (&["-"], "\"-\" is not an action"),
        (&["deploy-app", "main"], "Values belong to options"),
        (&["deploy-app", "help"], "must come first"),
        (&["--brnch", "x"], "Did you mean --branch?"),
        (&["--verify"], "Did you mean --verify-url?"),
        (&["--sevalla-app-id", "x"], "Did you mean --app-id?"),
        (&["--no-summary"], "write --summary=false"),
        (&["--no-branch"], "unknown option --no-branch"),
        (&["--versoin"], "Did you mean --version?"),
        (&["-x"], "unknown option -x"),
        (&["-app-id"], "Options have two hyphens"),
        (&["help", "frobnicate"], "no help about \"frobnicate\""),
        (&["help", "brnch"], "Did you mean branch?"),
        (&["help", "a", "b"], "takes one word"),
        (&["completions"], "bash, zsh, fish"),
        (&["completions", "csh"], "bash, zsh, fish"),
    ] {
        let complaint = complaint(arguments);
        assert!(complaint.contains(hint), "{arguments:?}: {complaint}");
    }
}

#[test]
fn a_value_that_a_script_did_not_fill_in_is_refused() {
    for (arguments, why) in [
        (&["--branch"][..], "requires a value: the name of a branch"),
        (&["--branch", "--app-id", "x"], "--branch=--app-id"),
        (&["--max-deletions", "-5"], "--max-deletions=-5"),
        (&["--branch", "--"], "--branch=--"),
        (&["--branch", ""], "the value of --branch is empty"),
        (&["--branch", " \n"], "is empty"),
        (&["--branch="], "is empty"),
        (&["--dry-run="], "the value of --dry-run is empty"),
        (
            &["--branch", "a", "--branch", "a"],
            "--branch is given twice",
        ),
        (&["--app_id=x", "--app-id=x"], "--app-id is given twice"),
        (
            &["--target-app-ids=x", "--target-app-ids", "y"],
            "--target-app-ids is given twice. Give it once, with commas between the values: --target-app-ids=A,B",
        ),
        (
            &["--verify-status=200", "--verify-status=404"],
            "with commas between the values: --verify-status=A,B",
        ),
        (&["list", "show"], "the action is given twice"),
        (&["list", "--action=list"], "the action is given twice"),
    ] {
        let complaint = complaint(arguments);
        assert!(complaint.contains(why), "{arguments:?}: {complaint}");
    }
}

#[test]
fn two_hyphens_come_first_or_not_at_all() {
    for arguments in [
        &["--"][..],
        &["--", ""],
        &["deploy-app", "--", "sh"],
        &["--dry-run", "--", "sh"],
        &["--dry-run", "--"],
    ] {
        assert!(complaint(arguments).contains("-- PROGRAM"), "{arguments:?}");
    }
}

#[test]
fn a_secret_is_refused_in_every_form_and_not_repeated() {
    for arguments in [
        &["--sevalla-token", "hunter2"][..],
        &["--sevalla-token=hunter2"],
        &["--sevalla_token=hunter2"],
        &["--sevalla-token-file=hunter2"],
        &["--token", "hunter2"],
        &["--api-key=hunter2"],
        &["--api-token=hunter2"],
        &["--github-token=hunter2"],
        &["--deploy-hook-url=https://x/hunter2"],
        &["--database-password=hunter2"],
        &["deploy-app", "--token=hunter2"],
        &["SEVALLA_TOKEN=hunter2"],
        &["sevalla-token=hunter2"],
        &["svl_hunter2"],
        &["help", "svl_hunter2"],
        &["--sevala-token=hunter2"],
        &["--databse-password", "hunter2"],
        &[HOOK],
        &["help", HOOK],
        &["help", "--database-password=hunter2"],
        &["help", "SEVALLA_TOKEN=hunter2"],
        &["--password", "hunter2"],
        &["--key=hunter2"],
        &["--secret=hunter2"],
        &["--hook=hunter2"],
        &["password=hunter2"],
    ] {
        let complaint = complaint(arguments);
        assert!(!complaint.contains("hunter2"), "{complaint}");
        assert!(complaint.contains("history of your shell"), "{complaint}");
        assert!(
            complaint.contains("Set the variable SEVALLA_"),
            "{complaint}"
        );
    }
    for input in TABLE.iter().filter(|input| input.secret) {
        let option = format!("--{}=x", input.name());
        assert!(complaint(&[&option]).contains(&input.variable()));
    }
}

#[test]
fn every_input_that_is_no_secret_has_an_option() {
    for input in TABLE.iter().filter(|input| !input.secret) {
        let (name, value) = (input.name(), input.default.unwrap_or("x"));
        let expected = [format!("--{name} {value}")];
        assert_eq!(given(&[&format!("--{name}={value}")]), expected);
        assert_eq!(given(&[&format!("--{name}"), value]), expected);
    }
}

#[test]
fn help_and_the_version_are_texts_wherever_they_are_asked_for() {
    let overview = CliRequest::Text(help::overview(80));
    for arguments in [&["--help"][..], &["-h"], &["help"], &["--app-id=x", "-h"]] {
        assert_eq!(ask(arguments), overview, "{arguments:?}");
    }
    let about = CliRequest::Text(help::about("list", 80).unwrap());
    for arguments in [&["help", "list"][..], &["list", "--help"], &["list", "-h"]] {
        assert_eq!(ask(arguments), about, "{arguments:?}");
    }
    for arguments in [&["--version"][..], &["-V"], &["list", "--version"]] {
        assert_eq!(ask(arguments), CliRequest::Text(version()));
    }
    for topic in ["app-id", "--app-id", "app_id", "SEVALLA_APP_ID"] {
        let CliRequest::Text(text) = ask(&["help", topic]) else {
            panic!("{topic}");
        };
        assert!(text.starts_with("Input app-id\n"), "{text}");
    }
}
