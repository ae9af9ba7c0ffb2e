//! The words of what people read: the field's terms, one spelling, and none of
//! the phrases that read as translated.

use sevalla_deploy::exit_status::EXIT_CODES;
use sevalla_deploy::inputs::{ACTIONS, TABLE};
use sevalla_deploy::messages::{CatalogueEntry, Failure, StartupError, Warning};
use sevalla_deploy::outputs::OUTPUTS;

/// Words and phrases, with what to write instead.
const FORBIDDEN: &[(&str, &str)] = &[
    ("tell", "report, show, say or return"),
    ("tells", "reports, shows, says or returns"),
    ("telling", "reporting, showing or saying"),
    ("told", "reported, shown or said"),
    ("anew", "again"),
    ("in vain", "say what did not happen"),
    ("besides", "also, or apart from"),
    ("becomes of", "what to do with, or what happens to"),
    ("goes on", "continues, or is still running"),
    ("left out", "omitted, or: Defaults to"),
    ("wants", "requires"),
    ("stands in", "is in"),
    ("for want of", "because there is no"),
    ("whoever", "anyone who"),
    // Phrases that the style guide replaces.
    ("like it took", "similar deployment"),
    ("what was live", "the previous version"),
    ("what is live", "the live version"),
    ("what is being deployed", "the deployment"),
    ("time was over", "timed out"),
    ("time is over", "timed out"),
    ("the end was wanted", "if you did not mean to cancel"),
    ("was asked to stop", "cancelled"),
    ("go on", "continue"),
    ("complains of", "reports"),
    ("nothing says", "set the input"),
    ("what builds or runs", "build and runtime settings"),
    ("answer well", "pass the health check"),
    ("answers well", "passes the health check"),
    ("good answer", "healthy response"),
    ("good answers", "healthy responses"),
    ("is no setting", "unknown setting"),
    ("say which", "use the input to choose one"),
    ("exits with the truth", "fails if the deployment fails"),
    ("go back", "roll back"),
    ("goes back", "rolls back"),
    ("nobody believes", "it has no effect"),
    ("so everywhere", "reach all locations"),
    // American, as the names in the code.
    ("behaviour", "behavior"),
    ("colour", "color"),
    ("licence", "license"),
    ("organisation", "organization"),
    ("recognise", "recognize"),
    ("recognised", "recognized"),
    ("misspelt", "misspelled"),
];

/// Where a word is right: a text of this page that contains it.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// The forbidden words of a text, each with its line.
fn found(place: &str, text: &str) -> Vec<String> {
    let mut text = text.to_owned();
    for (page, exception) in EXCEPTIONS {
        if *page == place {
            text = text.replace(exception, "");
        }
    }
    // A phrase may be broken over two lines.
    let words: Vec<(usize, String)> = text
        .lines()
        .zip(1..)
        .flat_map(|(line, number)| {
            let words = line.split(|c: char| !c.is_alphanumeric() && c != '\'');
            let words = words.filter(|word| !word.is_empty());
            words.map(move |word| (number, word.to_lowercase()))
        })
        .collect();
    let mut found = Vec::new();
    for (phrase, instead) in FORBIDDEN {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        for window in words.windows(phrase.len()) {
            if window.iter().map(|(_, word)| word).eq(&phrase) {
                let line = window[0].0;
                found.push(format!(
                    "{place}:{line}: {}: write {instead}",
                    phrase.join(" ")
                ));
            }
        }
    }
    found
}

#[test]
fn pages_have_none_of_the_forbidden_words() {
    let pages = crate::pages::pages();
    let found: Vec<String> = pages
        .iter()
        .flat_map(|path| found(path.to_str().unwrap(), &crate::read(path)))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The string literals of Rust code, without the tests at its end, each with its
/// line.
fn literals(code: &str) -> Vec<(usize, String)> {
    let code = code.split("#[cfg(test)]\nmod ").next().unwrap();
    let mut found = Vec::new();
    let mut rest = code;
    let line_of = |rest: &str| code[..code.len() - rest.len()].lines().count().max(1);
    while let Some(first) = rest.chars().next() {
        let raw = rest
            .strip_prefix('r')
            .map(|raw| raw.trim_start_matches('#'));
        let raw = raw.and_then(|raw| raw.strip_prefix('"'));
        if rest.starts_with("//") {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
        } else if let Some(text) = raw {
            let hashes = rest.len() - text.len() - 2;
            let end = format!("\"{}", "#".repeat(hashes));
            let (text, after) = text.split_once(&end).unwrap();
            found.push((line_of(rest), text.to_owned()));
            rest = after;
        } else if first == '"' {
            let line = line_of(rest);
            let mut escaped = false;
            let end = rest[1..].find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            let (text, after) = rest[1..].split_at(end.unwrap());
            found.push((line, text.replace("\\n", " ").replace('\\', "")));
            rest = &after[1..];
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\") {
            // A character, not the beginning of a text.
            rest = rest[2..].split_once('\'').unwrap().1;
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

#[test]
fn what_the_code_can_print_has_none_of_them() {
    let folders = [
        "src",
        "simulator/src",
        "diagnosis/src",
        "templates",
        "setup",
        "packages",
        ".ci",
        ".github",
    ];
    let files = folders
        .into_iter()
        .flat_map(crate::templates::files_below)
        .chain(["Dockerfile", "action.yml", "Cargo.toml", "justfile"].map(Into::into));
    let mut seen = 0;
    let mut all = Vec::new();
    for path in files {
        let place = path.to_str().unwrap().to_owned();
        let text = crate::read(&path);
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("rs") => {}
            Some("js" | "css") => continue,
            _ => {
                all.extend(found(&place, &text));
                continue;
            }
        }
        // Tests in a file of their own.
        if place.ends_with("/tests.rs") || place.contains("/tests/") {
            continue;
        }
        for (line, literal) in literals(&text) {
            seen += 1;
            all.extend(found(&format!("{place}:{line}"), &literal));
        }
    }
    assert!(seen > 3000, "{seen}");
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn a_literal_is_read_whole_wherever_it_is() {
    let code = r##"
// "a comment"
let a = "it \
         goes on"; let c = '"'; let d = '\'';
let b = r#"a "raw" one"#;
#[cfg(test)]
mod tests { "no" }"##;
    let found = literals(code);
    let texts: Vec<&str> = found.iter().map(|(_, text)| text.trim()).collect();
    assert_eq!(texts.len(), 2, "{found:?}");
    assert!(texts[0].starts_with("it") && texts[0].ends_with("goes on"));
    assert_eq!(texts[1], "a \"raw\" one");
    assert_eq!(found[0].0, 3);
}

#[test]
fn what_the_program_prints_of_itself_has_none_of_them() {
    let inputs = TABLE.iter().map(|input| (input.name(), input.help()));
    let outputs = OUTPUTS
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let actions = ACTIONS
        .iter()
        .map(|action| (action.name.word().to_owned(), action.summary.to_owned()));
    let codes = EXIT_CODES
        .iter()
        .map(|(code, text)| (format!("exit code {code}"), (*text).to_owned()));
    let all = sevalla_deploy::cli::help::about("all", 80).unwrap();
    let overview = sevalla_deploy::cli::help::overview(80);
    let help = [
        ("--help".to_owned(), overview),
        ("help all".to_owned(), all),
    ];
    let shorts = TABLE
        .iter()
        .map(|input| (input.name(), input.short.to_owned()));
    let failures = Failure::ALL.iter().map(|failure| failure.entry());
    let misstarts = StartupError::ALL.iter().map(|misstart| misstart.entry());
    let warnings = Warning::ALL.iter().map(|warning| warning.entry());
    let entry = |entry: CatalogueEntry| {
        let text = format!("{}\n{}\n{}", entry.title, entry.cause, entry.remedy);
        (entry.slug.to_owned(), text)
    };
    let catalogue = failures.chain(misstarts).chain(warnings).map(entry);
    let found: Vec<String> = inputs
        .chain(outputs)
        .chain(actions)
        .chain(codes)
        .chain(help)
        .chain(shorts)
        .chain(catalogue)
        .flat_map(|(place, text)| found(&place, &text))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_phrase_is_found_over_the_end_of_a_line_and_a_part_of_a_word_is_not() {
    assert_eq!(found("x", "as it stands\nin here").len(), 1);
    assert_eq!(found("x", "Told.").len(), 1);
    assert!(found("x", "an intelligent stoll, unwanted").is_empty());
}
