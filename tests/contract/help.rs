//! `--help` and `help …`.

use sevalla_deploy::cli::help::{about, overview};
use sevalla_deploy::exit_status::{EXIT_CODES, words};
use sevalla_deploy::inputs::{ACTIONS, Input, InputGroup, TABLE};
use sevalla_deploy::outputs::OUTPUTS;

/// Two screens of a window with 40 lines.
const MOST_LINES: usize = 80;

/// The width of the column of the groups' titles.
const TITLES: usize = 10;

/// The text without its line ends: where it is wrapped does not matter.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn reference() -> String {
    flat(&about("all", 80).unwrap())
}

#[test]
fn the_overview_fits_on_two_screens_and_names_every_input_once() {
    let overview = overview(80);
    let count = overview.lines().count();
    assert!(count <= MOST_LINES, "{count} lines:\n{overview}");
    for input in TABLE {
        let lines: Vec<&str> = lines_of(input, &overview).collect();
        assert_eq!(lines.len(), 1, "{}", input.name());
        assert!(lines[0].contains(input.short), "one line: {}", lines[0]);
    }
    for group in InputGroup::ALL {
        assert_eq!(title_of(group, &overview), group.title());
        let narrow = about("--help", 60).unwrap();
        assert!(narrow.contains(&format!("\n{}:\n", group.title())));
    }
    for action in ACTIONS {
        assert!(overview.contains(action.name.word()));
    }
}

/// The lines about an input: its variable is behind the title of its group.
fn lines_of<'a>(input: &Input, overview: &'a str) -> impl Iterator<Item = &'a str> {
    let variable = format!("{} ", input.variable());
    let lines = overview.lines();
    lines.filter(move |line| {
        line.get(TITLES..)
            .is_some_and(|rest| rest.starts_with(&variable))
    })
}

/// The title beside the inputs of a group, on as many lines as it needs.
fn title_of(group: InputGroup, overview: &str) -> String {
    let lines = group.inputs().flat_map(|input| lines_of(input, overview));
    let titles: Vec<&str> = lines.map(|line| &line[..TITLES]).collect();
    flat(&titles.join(" "))
}

#[test]
fn no_line_is_longer_than_the_window_or_than_a_hundred_columns() {
    let names = ACTIONS.iter().map(|action| action.name.word().to_owned());
    let names = names.chain(TABLE.iter().map(Input::name));
    let topics: Vec<String> = names.chain(["all".to_owned()]).collect();
    for columns in [60, 80, 100, 250] {
        let most = columns.min(100);
        let texts = topics.iter().map(|topic| about(topic, columns).unwrap());
        for text in texts.chain([overview(columns)]) {
            for line in text.lines() {
                // An address cannot be wrapped.
                let is_long = line.chars().count() > most && !line.contains("https://");
                assert!(!is_long, "{columns}: {line}");
            }
        }
    }
}

#[test]
fn each_input_has_all_of_it_on_a_page_and_in_the_reference() {
    let all = reference();
    for input in TABLE {
        let name = input.name();
        let page = flat(&about(&name, 80).unwrap());
        let default = input.default.unwrap_or_default();
        for text in [&input.help(), &input.variable(), input.accepts, default] {
            assert!(page.contains(&flat(text)), "{name}: {text}: {page}");
        }
        for variable in input.spellings() {
            assert!(page.contains(&variable), "{name}: {variable}");
        }
        assert_eq!(page.contains("none: the value is secret"), input.secret);
        assert!(
            !page.contains('`'),
            "{name}: Markdown in plain text: {page}"
        );
        let entry = format!("{name}: {}", flat(input.accepts));
        assert!(
            all.contains(&entry) && all.contains(&flat(&input.help())),
            "{name}"
        );
        for variable in input.also {
            assert!(all.contains(variable), "{name}: {variable}");
        }
    }
}

#[test]
fn each_action_has_what_it_requires_and_takes() {
    let all = reference();
    for action in ACTIONS {
        let word = action.name.word();
        let page = flat(&about(word, 80).unwrap());
        assert!(page.starts_with(&format!("Action {word} {}", flat(action.summary))));
        assert!(all.contains(&flat(action.summary)), "{word}");
        let lists = [
            action.one_of,
            action.requires,
            action.at_most_one_of,
            action.takes,
        ];
        for input in lists.concat() {
            assert!(page.contains(input), "{word}: {input}");
            let of_input = about(input, 80).unwrap();
            assert!(flat(&of_input).contains(word), "{input}: {word}");
        }
    }
}

#[test]
fn the_reference_has_every_output_and_exit_code() {
    let all = reference();
    for (name, meaning) in OUTPUTS {
        let meaning = flat(&meaning.replace('`', ""));
        assert!(all.contains(&format!("{name} {meaning}")), "{name}");
    }
    for (code, _) in EXIT_CODES {
        let entry = format!("{code} {}", words(*code).join(", "));
        assert!(all.contains(&entry), "{entry}");
    }
}
