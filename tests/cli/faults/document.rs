//! The table as a page for users.

use std::path::Path;

use super::moment::Moment;
use super::table::{Row, Spell, rows, times};

const INTRODUCTION: &str = "\
# Faults

For maintainers. If a run of yours failed, see [messages.md](messages.md).

This page is a test matrix: what can go wrong at each moment of a run, and how the run ends. Every
row is a test. The program runs against a simulated Sevalla that does exactly this, and the test
fails if the row is not true. The page is generated from the same table.

## How to read it

Each section is one moment of a run, in order. The first sections are about deploying. The last
ones are about the other requests that change something, to which the same rules apply: promoting,
rolling back, creating and deleting a preview app, creating a database.

- **What goes wrong** is what happens to the request that the run makes at that moment. A number is
  the HTTP status of Sevalla's response. *Once*: the next request succeeds. *Twice*: the one after
  that succeeds. *For good*: no request succeeds.
- **Ends as** is the outcome and the exit code of the run. 0 means that this deployment was seen to
  succeed (`triggered`: that it was started, if the run could not follow it). Any other code fails
  the job.
- **Deployments** is the number of deployments that the run has made at the end. It is never more
  than one.
- **Sent** is the number of times that the run has sent the request that starts a deployment. It
  sends it again after 429, which means that the request was not carried out. In other cases it
  sends it once more, and only if it has looked for the deployment and found none.
- **You read** is a part of the run's output.

A request is *carried out* if Sevalla does what it asks for, whether or not the response arrives. If
the response is lost, the run cannot know which it was. That is why it looks before it sends the
request again, and why it ends as `ambiguous` if looking does not show it: then check in the
dashboard before you run the job again. A response that is not the documented one counts as lost.

In every row:

- all outputs are appended to the outputs file: `outcome` is how the run ended, `error` the reason
  of a failure, and `deployment-id` the deployment, if the run knows it
- the summary is complete
- the log file contains all lines that could be read, and no half-written file is left
- none of them contains the key or the address of the hook

One case cannot be detected: Sevalla starts the deployment, the response gets lost, and the list
does not show the deployment for more than fifteen seconds (twenty-five after a time-out). The run
then takes the request for not carried out and sends it once more.
";

/// The page.
fn rendered() -> String {
    let rows = rows();
    let mut page = INTRODUCTION.to_owned();
    for moment in Moment::ALL {
        let (title, text) = moment.words();
        page.push_str(&format!("\n## {title}\n\n{}\n", wrapped(text)));
        page.push_str(
            "| What goes wrong | How often | Ends as | Deployments | Sent | You read |\n",
        );
        page.push_str("| --- | --- | --- | --- | --- | --- |\n");
        for row in rows.iter().filter(|row| row.moment == moment) {
            page.push_str(&line(row));
        }
    }
    page.push_str(&super::actions::rendered());
    page.push_str(&super::killed::rendered());
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
        times(row.sent),
        row.message.trim_start_matches("| "),
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
        "docs/faults.md does not show the table. Write it again:\n\n    \
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
