//! The pictures in `docs/images`: their text is that of the program as it is now.
//! `just pictures` makes them again.

use sevalla_deploy::cli::help::overview;

/// The text of a picture without white space: where it is wrapped does not matter.
fn text_of(picture: &str) -> String {
    let svg = crate::read(format!("docs/images/{picture}"));
    let parts = svg.split('<').filter_map(|part| part.split_once('>'));
    let text: String = parts.map(|(_, text)| text).collect();
    let signs = [
        ("&#160;", " "),
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ];
    let unescape = |text: String, (escaped, sign): &(&str, &str)| text.replace(escaped, sign);
    bare(&signs.iter().fold(text, unescape))
}

fn bare(text: &str) -> String {
    text.split_whitespace().collect()
}

fn assert_shows(picture: &str, lines: impl IntoIterator<Item = String>) {
    let text = text_of(picture);
    let mut seen = 0;
    for line in lines {
        seen += 1;
        assert!(
            text.contains(&bare(&line)),
            "docs/images/{picture} does not show {line:?}: run just pictures"
        );
    }
    assert!(seen >= 5, "{picture}: {seen}");
}

#[test]
fn the_help_is_the_programs() {
    assert_shows("help.svg", overview(100).lines().map(str::to_owned));
}

#[test]
fn the_summary_has_the_labels_of_a_real_one() {
    let snapshot = crate::read("tests/cli/snapshots/failed-github.snap");
    let rows = snapshot.lines().filter_map(|line| line.strip_prefix("| "));
    let labels = rows.filter_map(|row| row.split(" |").next());
    let labels = labels.filter(|label| !label.starts_with("---") && !label.contains("of this run"));
    let labels = labels.filter(|label| *label != "Run");
    let heading = "shop failed to build".to_owned();
    assert_shows("summary.svg", labels.map(str::to_owned).chain([heading]));
}

#[test]
fn no_value_of_the_summary_leaves_its_column() {
    /// Of a letter in an address, which has many wide ones.
    const WIDEST: usize = 8;
    let svg = crate::read("docs/images/summary.svg");
    let rule = svg.split("<path d=\"M 24 ").nth(1).unwrap();
    let rule = rule.split("h ").nth(1).unwrap().split('"').next().unwrap();
    let end = 24 + rule.parse::<usize>().unwrap();
    let texts = svg
        .lines()
        .filter_map(|line| line.strip_prefix("<text x=\""));
    let values = texts.filter(|text| !text.starts_with("24.") && !text.contains("textLength"));
    let mut seen = 0;
    for value in values {
        seen += 1;
        let from: usize = value.split('.').next().unwrap().parse().unwrap();
        let parts = value.split('<').filter_map(|part| part.split_once('>'));
        let letters: usize = parts.skip(1).map(|(_, text)| text.chars().count()).sum();
        assert!(from + letters * WIDEST <= end, "{letters} letters: {value}");
    }
    assert!(seen >= 5, "{seen}");
}

#[test]
fn the_failing_run_has_the_lines_of_a_real_one() {
    let snapshot = crate::read("tests/cli/snapshots/failed-plain.snap");
    let said = snapshot.split("=== standard error").nth(1).unwrap();
    let explanation = said.split("Error: ").nth(1).unwrap().lines().skip(1);
    // The text behind a time; only its label where it varies.
    let lines = explanation.filter_map(|line| line.strip_prefix("HH:MM:SSZ "));
    let lines = lines.map(|line| match line.split_once(": ") {
        Some((label, rest)) if rest.contains('<') || label.ends_with("next") => label.to_owned(),
        _ => line.to_owned(),
    });
    let usual = "The last similar deployment took".to_owned();
    assert_shows("failing-run.svg", lines.chain([usual]));
}
