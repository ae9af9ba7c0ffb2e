//! The comment on a change request about its preview, as Markdown. Pure.
//!
//! Text from outside stands in code, as in the summary: it can be no link,
//! image, mention or HTML. On GitLab a line that begins with `/` can be a
//! command, such as `/merge`; none of the log's may.

use jiff::Timestamp;

use super::causes::{self, Cause};
use super::log::shorten;
use super::summary::{cell, code, fenced, link, without_long_runs};
use crate::code_host::Marker;
use crate::outcome::{Ending, Outcome};
use crate::shown::{Block, Gate, Line};

/// The most of one text or line of the log in the comment, in bytes.
const LONGEST_TEXT: usize = 1024;

/// What the comment is about.
#[derive(Debug, Clone, Copy)]
pub struct CommentFacts<'a> {
    /// By which the comment is found again.
    pub marker: &'a Marker,
    /// The preview application, as people call it.
    pub app: &'a str,
    /// What there is to tell.
    pub news: News<'a>,
    /// The commit that is deployed.
    pub commit: Option<&'a str>,
    /// The deployment's status, in the service's word.
    pub status: Option<&'a str>,
    /// How long it took, in words.
    pub times: Option<&'a str>,
    /// The page of the run.
    pub run_url: Option<&'a str>,
    /// When this is written.
    pub now: Timestamp,
}

/// What there is to tell of a preview. Only one that works has an address.
#[derive(Debug, Clone, Copy)]
pub enum News<'a> {
    /// It is being deployed.
    Deploying,
    /// It works.
    Ready {
        /// Its address.
        url: &'a str,
    },
    /// It could not be deployed.
    Failed {
        /// Why, as far as is known.
        cause: &'a str,
        /// What its log tells.
        causes: &'a [Cause],
        /// The last lines of the deployment's log, oldest first.
        last_lines: &'a [&'a Line],
    },
    /// Nothing was deployed, by the user's own rule: what was there stays.
    Unchanged,
    /// A signal ended the run.
    Cancelled,
    /// It was deleted.
    Deleted,
}

impl<'a> News<'a> {
    /// The news of a preview whose deployment has come to this. That it was
    /// deleted no outcome tells.
    pub fn of(outcome: &'a Outcome) -> Self {
        match outcome.ending {
            Ending::Success => Self::Ready { url: "" },
            Ending::Triggered => Self::Deploying,
            Ending::Passed => Self::Unchanged,
            Ending::Interrupted(_) => Self::Cancelled,
            _ => Self::Failed {
                cause: &outcome.headline,
                causes: &[],
                last_lines: &[],
            },
        }
    }
}

/// The text of the comment, its mark included.
pub fn body(facts: &CommentFacts<'_>, gate: &Gate) -> Block {
    let text =
        |text: &str| without_long_runs(shorten(gate.line(text), LONGEST_TEXT, gate).as_str());
    let mut markdown = format!("{}\n{}\n\n", facts.marker.as_str(), heading(facts.news));
    markdown.push_str("| | |\n| --- | --- |\n");
    let now = format!("{:.0}", facts.now);
    for (name, value) in rows(facts, &now) {
        let address = matches!(name, "URL" | "Run").then(|| link(value)).flatten();
        let value = address.unwrap_or_else(|| cell(&text(value)));
        markdown.push_str(&format!("| {name} | {value} |\n"));
    }
    if let News::Failed {
        cause,
        causes,
        last_lines,
    } = facts.news
    {
        markdown.push_str(&format!("\n{}\n", code(&text(cause))));
        let line = |line: &str| not_a_command(text(line));
        let found = causes::markdown(causes, &line, &|target| code(&text(target)));
        if !found.is_empty() {
            markdown.push_str(&format!("\n{}\n", found.trim_end()));
        }
        if !last_lines.is_empty() && !causes::is_known(causes) {
            let line = |line: &&Line| not_a_command(text(line.as_str()));
            let lines: Vec<String> = last_lines.iter().map(line).collect();
            markdown.push_str(&format!("\nLast lines of the log:\n\n{}", fenced(&lines)));
        }
    }
    gate.block(&markdown)
}

const fn heading(news: News<'_>) -> &'static str {
    match news {
        News::Deploying => "### ⏳ Sevalla preview: deploying",
        News::Ready { .. } => "### ✅ Sevalla preview: ready",
        News::Failed { .. } => "### ❌ Sevalla preview: failed",
        News::Unchanged => "### ⏭️ Sevalla preview: nothing new deployed",
        News::Cancelled => "### ⏹️ Sevalla preview: cancelled",
        News::Deleted => "### 🗑️ Sevalla preview: deleted",
    }
}

fn rows<'a>(facts: &CommentFacts<'a>, now: &'a str) -> Vec<(&'static str, &'a str)> {
    let url = match facts.news {
        News::Ready { url } => Some(url).filter(|url| !url.is_empty()),
        _ => None,
    };
    let rows = [
        ("URL", url),
        ("Application", Some(facts.app)),
        ("Commit", facts.commit),
        ("Status", facts.status),
        ("Time", facts.times),
        ("Updated", Some(now)),
        ("Run", facts.run_url),
    ];
    let given = |(name, value): (&'static str, Option<&'a str>)| Some((name, value?));
    rows.into_iter().filter_map(given).collect()
}

/// GitLab may take a line for a command even in a fence, where that is longer
/// than one of the text.
fn not_a_command(line: String) -> String {
    if line.trim_start().starts_with('/') {
        format!("| {line}")
    } else {
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts<'a>(marker: &'a Marker, news: News<'a>) -> CommentFacts<'a> {
        CommentFacts {
            marker,
            app: "shop-pr-12",
            news,
            commit: Some("9f8e7d6"),
            status: Some("success"),
            times: Some("waited 3s, ran 1m05s"),
            run_url: Some("https://github.com/acme/shop/actions/runs/42"),
            now: "2026-03-01T10:00:05.9Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_preview_that_works() {
        let marker = Marker::of("shop");
        let news = News::Ready {
            url: "https://shop-pr-12.sevalla.app",
        };
        let body = body(&facts(&marker, news), &Gate::default());
        let expected = "<!-- sevalla-deploy:shop -->\n\
            ### ✅ Sevalla preview: ready\n\n\
            | | |\n| --- | --- |\n\
            | URL | <https://shop-pr-12.sevalla.app> |\n\
            | Application | ` shop-pr-12 ` |\n\
            | Commit | ` 9f8e7d6 ` |\n\
            | Status | ` success ` |\n\
            | Time | ` waited 3s, ran 1m05s ` |\n\
            | Updated | ` 2026-03-01T10:00:05Z ` |\n\
            | Run | <https://github.com/acme/shop/actions/runs/42> |";
        assert_eq!(body.as_str(), expected);
    }

    #[test]
    fn a_failure_has_its_cause_and_the_last_lines_and_no_address() {
        let marker = Marker::of("shop");
        let gate = Gate::default();
        let lines = ["npm ERR! ```", "/merge", "  /close"].map(|line| gate.line(line));
        let news = News::Failed {
            cause: "The build failed: `npm ci`",
            causes: &[],
            last_lines: &lines.iter().collect::<Vec<_>>(),
        };
        let body = body(&facts(&marker, news), &gate);
        let expected = "\n\n`` The build failed: `npm ci` ``\n\n\
            Last lines of the log:\n\n\
            ````text\nnpm ERR! ```\n| /merge\n|   /close\n````";
        assert!(body.as_str().ends_with(expected), "{}", body.as_str());
        assert!(!body.as_str().contains("| URL |"));
    }

    #[test]
    fn a_preview_that_is_gone_says_so() {
        let marker = Marker::of("shop");
        for (news, word) in [
            (News::Deleted, "deleted"),
            (News::Deploying, "deploying"),
            (News::Cancelled, "cancelled"),
            (News::Unchanged, "nothing new deployed"),
        ] {
            let body = body(&facts(&marker, news), &Gate::default());
            let heading = body.as_str().lines().nth(1).unwrap();
            assert!(heading.ends_with(word), "{heading}");
            assert!(!body.as_str().contains("| URL |"));
        }
    }
}
