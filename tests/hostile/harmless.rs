//! Whatever the service says, no host obeys any of it, no page is changed by
//! it, and no terminal does anything but show it.

use proptest::test_runner::{Config, TestRunner};
use sevalla_deploy::messages::Failure;
use sevalla_deploy::outputs::OUTPUTS;

use crate::markdown::{self, Page};
use crate::oracle::{Stopping, obeyed};
use crate::part::part;
use crate::texts::{FRAGMENTS, hostile};
use crate::world::{CASES, Case, Finished, HOSTS, Kind, Place, run};
use crate::{channels, documents, file_commands, hosts, page, terminal};

const KINDS: [Kind; 3] = [Kind::Application, Kind::Hook, Kind::StaticSite];

/// What may differ between two runs of the same case: how often something was
/// tried again, since an odd header may ask for waits.
fn names(stream: &str, stopping: Stopping) -> Vec<String> {
    let commands = obeyed(stream, stopping).into_iter();
    commands.map(|command| command.name).collect()
}

/// The runner obeys what it obeys in a run of harmless texts.
fn assert_github_obeys_only_us(run: &Finished, harmless: &Finished) {
    let ours = names(&harmless.stdout, Stopping::Heeded);
    for stopping in [Stopping::Heeded, Stopping::Ignored] {
        assert_eq!(names(&run.stdout, stopping), ours, "{}", run.stdout);
        assert_eq!(names(&run.stderr, stopping), [""; 0], "{}", run.stderr);
    }
}

/// No host obeys anything. On Buildkite the log folds, which is ours.
fn assert_no_host_obeys(stream: &str) {
    for line in hosts::lines(stream) {
        let is_ours = ["--- Log of the deployment", "---", "+++ Sevalla"].contains(&line);
        assert!(is_ours || hosts::obeyed(line).is_empty(), "{line:?}");
    }
    assert_eq!(names(stream, Stopping::Ignored), [""; 0], "{stream}");
}

/// The files for programs are what they should be, whatever stands in them.
fn assert_documents(run: &Finished) {
    documents::assert_report(&run.report);
    documents::assert_junit(&run.junit, run.outcome.ending().code().into());
    for document in [&run.report, &run.junit] {
        assert_eq!(terminal::deeds(document), [""; 0], "{document:?}");
    }
}

/// Our outputs, each once, and nothing else.
fn assert_outputs(run: &Finished) {
    let pairs = file_commands::read(&run.outputs).unwrap();
    let found: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    let expected: Vec<&str> = OUTPUTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, expected, "{}", run.outputs);
    for (_, value) in &pairs {
        assert_eq!(terminal::deeds(value), [""; 0], "{value:?}");
    }
}

/// Texts of strangers are code: outside it the page is that of a harmless run.
fn assert_summary(run: &Finished, harmless: &Page) {
    let page = markdown::read(&run.summary);
    assert_eq!(page.images, [""; 0]);
    let html = page.html.iter().map(|html| html.trim());
    let html: Vec<&str> = html.filter(|html| !FOLDS.contains(html)).collect();
    assert_eq!(html, [""; 0]);
    let url = file_commands::read(&run.outputs)
        .unwrap()
        .into_iter()
        .find(|(name, _)| name == "url");
    let ours = run.outcome.failure().map(Failure::address);
    for link in &page.links {
        let is_known =
            Some(link) == url.as_ref().map(|(_, url)| url) || Some(link) == ours.as_ref();
        assert!(is_known, "{link} in {}", run.summary);
    }
    let without_links = page
        .links
        .iter()
        .fold(page.text.clone(), |text, link| text.replacen(link, "", 1));
    let words =
        |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
    let is_duration = |word: &String| {
        word.strip_suffix('s')
            .is_some_and(|number| number.parse::<f64>().is_ok())
    };
    // A row may be missing where the text is empty or no address.
    for word in words(&without_links)
        .into_iter()
        .filter(|word| !is_duration(word))
    {
        let title = run.outcome.failure().map(|failure| failure.entry().title);
        assert!(
            OURS.iter()
                .chain(&title)
                .any(|ours| ours.contains(word.as_str())),
            "{word} in {}",
            run.summary
        );
    }
    assert!(page.rows.iter().all(|cells| *cells == 2), "{}", run.summary);
    let structure = |page: &Page| {
        let mut kinds = page.structure.clone();
        kinds.sort();
        kinds.dedup();
        kinds
    };
    let expected = structure(harmless);
    for kind in structure(&page) {
        let is_ours = expected.contains(&kind) || kind == "Paragraph";
        assert!(is_ours, "{kind} in {}", run.summary);
    }
    assert!(run.summary.len() < 1024 * 1024);
}

/// The HTML of a summary.
const FOLDS: &[&str] = &[
    "<details><summary>Details</summary>",
    "<details><summary>Last lines of the log</summary>",
    "</details>",
];

/// The words of a summary that are not code.
const OURS: &[&str] = &[
    "✅❌⚠️❓ ·",
    "is live failed to deploy build start publish fetch its repository",
    "ApplicationStatic siteIDDeploymentStatusBranchImageCommitMessageCommit of this run",
    "StartedEndedDurationUsuallyLast runs, this oneURLRunOutcome",
    "Last lines of the log:",
    "Lines that stand out",
    "Why: Tried: Time: Next: More: Warning:",
];

fn check(place: Place, kind: Kind, case: Case, text: &str, harmless: &Finished) {
    let finished = run(place, kind, case, text);
    judge(place, &finished, harmless);
    assert_eq!(finished.outcome.ending(), harmless.outcome.ending());
}

/// Nothing but what a harmless run does.
pub(crate) fn judge(place: Place, finished: &Finished, harmless: &Finished) {
    let mut streams = [finished.stdout.clone(), finished.stderr.clone()];
    if place == Place::GitHub {
        assert_github_obeys_only_us(finished, harmless);
    } else {
        streams = channels::without_ours(place, finished, harmless);
        for stream in streams.iter().chain([&finished.log_file]) {
            assert_no_host_obeys(stream);
        }
    }
    for stream in streams.iter().chain([&finished.log_file]) {
        assert_eq!(terminal::deeds(stream), [""; 0], "{stream:?}");
    }
    assert_documents(finished);
    assert_outputs(finished);
    channels::assert_given(place, finished);
    assert_summary(finished, &markdown::read(&harmless.summary));
    page::assert_ours(&finished.page);
}

#[test]
fn no_fragment_is_obeyed_in_any_place() {
    for place in [Place::GitHub, Place::Plain] {
        for kind in KINDS {
            // Every fragment in every case would take long; every case gets many.
            for (number, case) in CASES.into_iter().enumerate() {
                let harmless = run(place, kind, case, "plain");
                for text in part(FRAGMENTS.iter().skip(number).step_by(CASES.len())) {
                    check(place, kind, case, text, &harmless);
                }
            }
        }
    }
}

#[test]
fn no_fragment_is_obeyed_on_any_host() {
    for (number, place) in HOSTS.into_iter().enumerate() {
        for (case_number, case) in CASES.into_iter().enumerate() {
            // Other fragments in this case than on the next host.
            let first = (number + case_number) % CASES.len();
            let harmless = run(place, Kind::Application, case, "plain");
            for text in part(FRAGMENTS.iter().skip(first).step_by(CASES.len())) {
                check(place, Kind::Application, case, text, &harmless);
            }
        }
    }
}

#[test]
fn no_text_of_fragments_is_obeyed_in_any_place() {
    for place in part([Place::GitHub, Place::Plain].into_iter().chain(HOSTS)) {
        let is_host = HOSTS.contains(&place);
        for kind in KINDS.into_iter().take(if is_host { 1 } else { 3 }) {
            for case in CASES {
                let harmless = run(place, kind, case, "plain");
                let mut runner = TestRunner::new(Config {
                    cases: 2,
                    failure_persistence: None,
                    ..Config::default()
                });
                let result = runner.run(&hostile(), |text| {
                    check(place, kind, case, &text, &harmless);
                    Ok(())
                });
                if let Err(error) = result {
                    panic!("{place:?} {kind:?} {case:?}: {error}");
                }
            }
        }
    }
}

#[test]
fn the_visible_text_of_a_log_stays() {
    for (text, visible) in [
        ("\u{1b}[31mred\u{1b}[0m and plain", "red and plain"),
        ("::error::text", "| ::error::text"),
        ("a\u{202e}b\u{200b}c", "abc"),
        (
            "日本語 ümläut ⚠\u{fe0f} | ` <b>",
            "日本語 ümläut ⚠\u{fe0f} | ` <b>",
        ),
    ] {
        let finished = run(Place::Plain, Kind::Application, Case::Failed, text);
        assert!(finished.stderr.contains(visible), "{}", finished.stderr);
        assert!(finished.log_file.contains(visible));
        assert!(finished.summary.contains(visible) || visible.contains('|'));
    }
}

#[test]
fn a_branch_that_looks_like_an_address_is_no_link() {
    let text = "https://evil.example/phishing";
    let finished = run(Place::GitHub, Kind::Application, Case::Failed, text);
    let page = markdown::read(&finished.summary);
    let ours = finished.outcome.failure().map(Failure::address);
    assert_eq!(page.links, Vec::from_iter(ours));
    assert!(page.code.iter().any(|code| code == text), "{page:?}");
}

#[test]
fn more_backticks_than_a_host_counts_open_nothing() {
    for length in [79, 80, 81, 254, 255, 256, 3000] {
        let ticks = "`".repeat(length);
        let text = format!("{ticks} @octo/team ![i](http://evil.example) {ticks}\n{ticks}\n<b>");
        for case in [Case::Failed, Case::Refused] {
            let harmless = run(Place::GitHub, Kind::Application, case, "plain");
            check(Place::GitHub, Kind::Application, case, &text, &harmless);
        }
    }
}

#[test]
fn the_largest_texts_leave_a_summary_that_is_shown() {
    for piece in part(["|", "`", "x", "\\|", "<", "é", "a\n", "````\n", "##["]) {
        let text = piece.repeat(40_000 / piece.len());
        let harmless = run(Place::GitHub, Kind::StaticSite, Case::Failed, "plain");
        let finished = run(Place::GitHub, Kind::StaticSite, Case::Failed, &text);
        assert_summary(&finished, &markdown::read(&harmless.summary));
        assert_outputs(&finished);
        assert!(finished.outputs.len() < 1024 * 1024);
        assert!(finished.stdout.len() < 8 * 1024 * 1024 || piece.contains('\n'));
    }
}
