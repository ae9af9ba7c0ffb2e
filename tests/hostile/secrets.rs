//! No secret leaves, whoever repeats it and in whatever form.

use std::process::Command;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sevalla_deploy::sanitize::redactor::{PartialMatch, Redactor};
use sevalla_deploy::sanitize::{SanitizedLine, Sanitizer};

use crate::part::part;
use crate::texts::{KEY, hostile, secrets, written};
use crate::world::{CASES, Case, Finished, HOSTS, Kind, Place, run, run_with};

/// The pieces of a secret that must not be found: ten characters of it, in any
/// form.
fn assert_no_secret(run: &Finished) {
    assert_none_in(&run.everything());
}

pub(crate) fn assert_none_in(everything: &str) {
    // In one pass: this is looked at after hundreds of runs.
    static PIECES: LazyLock<AhoCorasick> =
        LazyLock::new(|| AhoCorasick::new(secrets().into_iter().flat_map(pieces)).unwrap());
    if let Some(found) = PIECES.find(everything) {
        let start = everything[..found.start()]
            .rfind('\n')
            .map_or(0, |at| at + 1);
        let line = everything[start..].lines().next();
        panic!("{:?} is in {line:?}", &everything[found.range()]);
    }
}

fn pieces(secret: &str) -> Vec<String> {
    let is_plain = |form: &String| form.chars().all(|c| c.is_ascii_graphic());
    let forms = written(secret).into_iter();
    let forms = forms.map(|form| form.trim_start_matches("https://user:").to_owned());
    // What is left of one that was broken.
    let chars: Vec<char> = secret.chars().collect();
    let broken = chars.windows(10).map(|piece| piece.iter().collect());
    forms.filter(is_plain).chain(broken).collect()
}

#[test]
fn no_form_of_a_secret_comes_out_of_any_place() {
    let texts = secrets().into_iter().flat_map(written);
    // Every form in every case would take long; every case gets many.
    for (number, text) in part(texts.enumerate()) {
        for place in [Place::GitHub, Place::Plain] {
            for case in CASES.into_iter().skip(number % 3).step_by(3) {
                assert_no_secret(&run(place, Kind::Hook, case, &text));
            }
        }
    }
}

#[test]
fn no_form_of_a_secret_comes_out_on_any_host() {
    let texts = secrets().into_iter().flat_map(written);
    for (number, text) in part(texts.enumerate()) {
        let cases = [Case::Success, Case::Failed, Case::Refused];
        for (place_number, place) in HOSTS.into_iter().enumerate() {
            let case = cases[(number + place_number) % cases.len()];
            assert_no_secret(&run(place, Kind::Hook, case, &text));
        }
    }
}

#[test]
fn no_secret_comes_out_among_hostile_texts() {
    let mut runner = TestRunner::new(Config {
        cases: 24,
        failure_persistence: None,
        ..Config::default()
    });
    let secret = prop::sample::select(secrets().into_iter().flat_map(written).collect::<Vec<_>>());
    let texts = (hostile(), secret, hostile()).prop_map(|(a, b, c)| format!("{a} {b} {c}"));
    let result = runner.run(&texts, |text| {
        assert_no_secret(&run(Place::GitHub, Kind::Hook, Case::Failed, &text));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn a_secret_in_two_entries_of_the_log_is_hidden_in_both() {
    for at in 8..KEY.len() - 1 {
        let text = format!("{}\n{}", &KEY[..at], &KEY[at..]);
        let finished = run(Place::Plain, Kind::Application, Case::Failed, &text);
        assert!(finished.stderr.contains("| ***"), "{}", finished.stderr);
        assert!(!finished.everything().contains(&KEY[at..]), "{at}");
    }
}

#[test]
fn short_and_empty_secrets_do_not_turn_the_log_into_stars() {
    for short in ["a", "ok", "main", "12345", " ", "\n"] {
        let more = [("GITHUB_TOKEN", short), ("HTTP_PROXY", "http://u:p@h:1")];
        let finished = run_with(
            Place::GitHub,
            Kind::Application,
            Case::Failed,
            "a main ok 12345 p u",
            &more,
        );
        assert!(
            finished.stdout.contains("| a main ok 12345 p u"),
            "{}",
            finished.stdout
        );
    }
}

#[test]
fn an_input_that_is_wrong_is_told_without_the_secrets_in_it() {
    let branch = format!("x\n{KEY}");
    let more = [
        ("INPUT_BRANCH", branch.as_str()),
        ("INPUT_TIMEOUT", KEY),
        ("SEVALLA_API_KEY", "two words of a key"),
        ("INPUT_API-URL", "http://user:svl_7e5A1c9D3f0B@example.com"),
    ];
    let finished = run_with(
        Place::GitHub,
        Kind::Application,
        Case::Success,
        "plain",
        &more,
    );
    assert_no_secret(&finished);
    assert!(
        finished.stdout.contains("INPUT_TIMEOUT"),
        "{}",
        finished.stdout
    );
    assert!(!finished.everything().contains("two words of a key"));
}

/// A branch's name is written by whoever opens a pull request.
#[test]
fn a_hostile_branch_as_an_input_is_told_harmlessly() {
    for text in [
        "::error::pwned",
        "##[error]pwned",
        "a\n::error::pwned",
        "`@octo/team`",
    ] {
        let finished = run_with(
            Place::GitHub,
            Kind::Application,
            Case::Success,
            "plain",
            &[("INPUT_BRANCH", text)],
        );
        let commands = crate::oracle::obeyed(&finished.stdout, crate::oracle::Stopping::Ignored);
        let is_pwned = commands.iter().any(|command| {
            command.data.starts_with("pwned") || command.properties.contains_key("pwned")
        });
        assert!(!is_pwned, "{}", finished.stdout);
    }
}

/// The built program with the key in the place of an argument.
#[test]
fn a_key_that_was_given_as_an_argument_is_not_repeated() {
    for argument in [
        format!("--sevalla-token={KEY}"),
        format!("--{KEY}"),
        KEY.to_owned(),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_sevalla-deploy"))
            .arg(&argument)
            .env("SEVALLA_TOKEN", KEY)
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            told.contains("sevalla-deploy:") && !told.contains(&KEY[4..20]),
            "{told}"
        );
    }
}
/// The key repeats itself, so that every twelfth place in it looks like its end.
#[test]
fn a_secret_in_two_entries_is_hidden_also_with_a_sequence_in_the_second() {
    let gate = Sanitizer::new(Redactor::new([KEY]));
    for at in 1..KEY.len() - 1 {
        let (first, second) = KEY.split_at(at);
        for cut in 1..second.len() {
            let (head, tail) = second.split_at(cut);
            let text = format!("{first}\n{head}\u{1b}[0m{tail} text");
            let mut broken = PartialMatch::default();
            let lines: Vec<SanitizedLine> = gate.lines(&text, &mut broken).collect();
            let shown = lines.last().unwrap().as_str();
            assert!(!shown.contains("7e5A1c9D3f"), "{at} {cut}: {shown}");
        }
    }
}
