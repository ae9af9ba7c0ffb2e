//! The table as a page for users.

use std::path::Path;

use super::moment::Moment;
use super::table::{Row, Spell, rows};

const INTRODUCTION: &str = "\
# When something goes wrong

A deployment is a conversation between your CI job and Sevalla over a network, and each part of it
can fail. This page lists what can go wrong at each moment of a run, and what you get then. Every
row is a test: the program is run against a simulated Sevalla that does exactly this, and the test
fails if the row is not true. The page is made from the same table, so it cannot say anything else.

## How to read it

Each section is one moment of a run, in order. The first of them are about deploying; the last are
about the other requests that change something, where what was said before holds all the same:
promoting, rolling back, creating and deleting a preview app.

- **What goes wrong** is what happens to the request the run makes at that moment. A number is the
  status of Sevalla's answer. *Once*: the next request is answered well again. *Twice*: the one
  after that. *For good*: it stays that way.
- **Ends as** is the outcome and the exit code of the run. 0 means that this deployment was seen to
  succeed (`triggered`: that it was started, where the run could not follow it); everything else
  fails the job.
- **Deployments** is how many deployments the run has made in the end. In no row is it
  more than one.
- **Asked** is how often the run has asked Sevalla to start one. It asks again only after 429, which
  means that the request was not carried out, or, once, after it has looked for the deployment and
  found none.
- **You read** is a part of what the run tells you.

A request is *carried out* when Sevalla does what it asks for, whether or not the answer arrives.
When the answer is lost, the run cannot know which it was. That is why it looks before it asks again,
and why it ends as `ambiguous` when looking does not show it: then check in the dashboard before you
run the job again. An answer that is not the one that the API documents counts as lost, too.

In every row, whatever goes wrong:

- the outputs are written, all of them, after what the file held before: `outcome` says how the run
  ended, `error` why it was not well, and `deployment-id` which deployment it was if the run knows;
- the summary is written, whole;
- the log file holds all lines that could be read, and nothing half-written is left behind;
- the key and the address of the hook are in none of them.

One thing the run cannot see through: a Sevalla that starts the deployment, loses the answer, and
then does not show the deployment in its list for more than fifteen seconds (twenty-five after a time-out). The run would take it
for not carried out and ask once more.
";

/// The page.
fn rendered() -> String {
    let rows = rows();
    let mut page = INTRODUCTION.to_owned();
    for moment in Moment::ALL {
        let (title, text) = moment.words();
        page.push_str(&format!("\n## {title}\n\n{}\n", wrapped(text)));
        page.push_str(
            "| What goes wrong | How often | Ends as | Deployments | Asked | You read |\n",
        );
        page.push_str("| --- | --- | --- | --- | --- | --- |\n");
        for row in rows.iter().filter(|row| row.moment == moment) {
            page.push_str(&line(row));
        }
    }
    page.push_str(&super::actions::rendered());
    page
}

/// Text in lines as long as those of the introduction.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if line.is_empty() {
            line.push_str(word);
        } else if line.len() + word.len() < 100 {
            line.push_str(&format!(" {word}"));
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn line(row: &Row) -> String {
    let often = match row.spell {
        Spell::Once => "once",
        Spell::Twice => "twice",
        Spell::ForGood => "for good",
    };
    let (code, outcome) = row.ends;
    format!(
        "| {} | {often} | `{outcome}` ({code}) | {} | {} | {} |\n",
        row.fault.words(),
        row.made,
        match row.sent {
            0 => "never".to_owned(),
            1 => "once".to_owned(),
            2 => "twice".to_owned(),
            more => format!("{more} times"),
        },
        row.told.trim_start_matches("| "),
    )
}

#[test]
fn the_page_shows_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
    let page = rendered();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let file = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        file == page,
        "docs/faults.md does not show the table. Write it anew:\n\n    \
         BLESS=1 cargo test --test cli the_page\n"
    );
}

#[test]
fn no_row_promises_more_than_one_deployment_or_stands_twice() {
    let rows = rows();
    for (index, row) in rows.iter().enumerate() {
        assert!(row.made <= 1, "{row:?}");
        assert!(row.made <= row.sent, "{row:?}");
        let same = |other: &&Row| {
            (other.fault, other.moment, other.spell) == (row.fault, row.moment, row.spell)
        };
        assert_eq!(rows.iter().skip(index).filter(same).count(), 1, "{row:?}");
    }
}
