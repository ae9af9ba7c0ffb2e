//! The words of what people read: the field's terms, one spelling, and none of
//! the phrases that read as translated.

use sevalla_deploy::exit_status::EXIT_CODES;
use sevalla_deploy::inputs::{ACTIONS, TABLE};
use sevalla_deploy::messages::{CatalogueEntry, Failure, Misstart, Warning};
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
    let misstarts = Misstart::ALL.iter().map(|misstart| misstart.entry());
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
    assert_eq!(found("x", "as it goes\non here").len(), 1);
    assert_eq!(found("x", "Told.").len(), 1);
    assert!(found("x", "an intelligent stoll, unwanted").is_empty());
}
