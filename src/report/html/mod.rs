//! One page about the run that needs nothing but itself.
//!
//! Everything is in its markup; the script only adds searching. The page may
//! lie on a server of the company's own, and what it shows is written by
//! strangers: its policy allows our style and our script by their hashes, and
//! nothing else.

mod facts;
mod lines;
mod markup;
mod times;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use self::lines::PageLines;
use self::markup::Html;
use super::causes::{self, FailureCause, MOST_LINES_OF_MARKDOWN};
use super::headline::Headline;
use crate::deployment_log::severity::Severity;
use crate::diagnosis::Finding;
use crate::exit_status::ExitStatus;
use crate::outcome::Outcome;
use crate::report::atomic_file::WholeFile;
use crate::report::console;
use crate::report::details::in_utc;
use crate::report::run_record::{RunRecord, ServiceRecord};
use crate::sanitize::{SanitizedLine, Sanitizer};
use crate::text::truncate::shorten;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The most of one text, in bytes.
const LONGEST_TEXT: usize = 4 * 1024;

/// The most warnings that are shown.
const MOST_WARNINGS: usize = 100;

/// The facts of the page, apart from the log. The reporter makes it at the end of a
/// run.
pub(super) struct PageModel<'a> {
    pub(super) outcome: &'a Outcome,
    pub(super) record: &'a RunRecord,
    pub(super) causes: &'a [FailureCause],
    pub(super) sanitizer: &'a Sanitizer,
    /// When the run ended.
    pub(super) now: jiff::Timestamp,
}

/// The page while the run goes on.
pub(crate) struct PageStream {
    path: PathBuf,
    lines: PageLines,
    is_incomplete: bool,
}

impl PageStream {
    /// Begins the page that will be at `path`.
    pub(super) fn create(path: &Path) -> Result<Self, String> {
        // Whether it can be written is to be known before the long wait.
        Ok(Self {
            path: path.to_owned(),
            lines: PageLines::sibling_of(path).map_err(|error| trouble(path, &error))?,
            is_incomplete: false,
        })
    }

    /// Takes a line of the log; `prefix` says how many bytes at its beginning
    /// are ours.
    pub(super) fn take(
        &mut self,
        weight: Severity,
        prefix: usize,
        line: &SanitizedLine,
    ) -> Result<(), String> {
        let taken = self.lines.take(weight, prefix, line);
        taken.map_err(|error| trouble(&self.path, &error))
    }

    /// The log could not be read to its end.
    pub(super) const fn is_incomplete(&mut self) {
        self.is_incomplete = true;
    }

    /// Writes the page.
    pub(super) fn finish(self, model: &PageModel<'_>) -> Result<(), String> {
        let path = self.path.clone();
        let written = WholeFile::create(&path).and_then(|mut file| {
            file.add(model.before_the_log(&self).as_str())?;
            self.lines.add_to(&mut file)?;
            file.add(model.after_the_log().as_str())?;
            file.finish()
        });
        written.map_err(|error| trouble(&path, &error))
    }
}

fn trouble(path: &Path, error: &std::io::Error) -> String {
    format!(
        "The page could not be written to {}: {error}",
        path.display()
    )
}

impl PageModel<'_> {
    fn before_the_log(&self, page: &PageStream) -> Html {
        let mut html = Html::default();
        self.head(&mut html);
        self.title(&mut html);
        html.markup("<main>\n");
        self.findings(&mut html);
        self.reasons(&mut html);
        self.warnings(&mut html);
        self.facts(&mut html);
        self.targets(&mut html);
        times::draw(&self.record.timeline(), self.sanitizer, &mut html);
        log_head(page, &mut html);
        html
    }

    fn after_the_log(&self) -> Html {
        let mut html = Html::default();
        html.markup("</section>\n</main>\n<footer>Written by sevalla-deploy ")
            .markup(env!("CARGO_PKG_VERSION"))
            .markup(", ")
            .part(&in_utc(self.now))
            .markup("</footer>\n<script>")
            .markup(SCRIPT)
            .markup("</script>\n</body>\n</html>\n");
        html
    }

    /// Text as it may be shown.
    fn line(&self, text: &str) -> SanitizedLine {
        shorten(self.sanitizer.line(text), LONGEST_TEXT, self.sanitizer)
    }

    fn head(&self, html: &mut Html) {
        html.markup("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
            .markup("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-")
            .text(&self.line(&hash_of(STYLE)))
            .markup("'; script-src 'sha256-")
            .text(&self.line(&hash_of(SCRIPT)))
            .markup("'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'\">\n")
            .markup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
            .markup("<meta name=\"color-scheme\" content=\"light dark\">\n")
            .markup("<meta name=\"referrer\" content=\"no-referrer\">\n<title>")
            .text(&self.line(&self.headline().text(self.outcome)));
        html.markup(" – sevalla-deploy</title>\n<style>")
            .markup(STYLE)
            .markup(
                "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#log\">Skip to the log</a>\n",
            );
    }

    fn headline(&self) -> Headline {
        Headline::of(self.outcome, self.causes, self.record)
    }

    /// The headline in words, and below it how the run ended.
    fn title(&self, html: &mut Html) {
        let headline = self.headline();
        let ending = self.outcome.ending();
        html.markup("<header class=\"")
            .markup(weight(ending))
            .markup("\">\n<h1><span class=\"sign\" aria-hidden=\"true\">")
            .markup(sign(ending))
            .markup("</span> ")
            .text(&self.line(&headline.text(self.outcome)))
            .markup("</h1>\n<p class=\"outcome\"><span class=\"badge\">")
            .markup(match ending {
                ExitStatus::Passed => "nothing to deploy",
                ending => ending.word(),
            })
            .markup("</span> <span class=\"quiet\">exit code ")
            .number(usize::from(ending.code()))
            .markup("</span>");
        if let Some(times) = console::times(self.record) {
            html.markup(" <span class=\"quiet\">")
                .text(&self.line(&times))
                .markup("</span>");
        }
        html.markup("</p>\n");
        if let Some(deployment) = &self.record.one().deployment {
            html.markup("<p class=\"ids\">Deployment ");
            self.id(&deployment.id.to_string(), html);
            html.markup("</p>\n");
        }
        if matches!(headline, Headline::Service { is_complete, .. } if !is_complete) {
            html.markup("<p class=\"said\">")
                .text(&self.line(&self.outcome.headline))
                .markup("</p>\n");
        }
        html.markup("</header>\n");
    }

    /// What a person should read before the facts, with its entry in the catalogue.
    fn warnings(&self, html: &mut Html) {
        let warnings = &self.record.warnings;
        if warnings.is_empty() {
            return;
        }
        html.markup("<section class=\"warnings\" aria-labelledby=\"warnings\">\n<h2 id=\"warnings\">Warnings <span class=\"badge\">")
            .count(warnings.len())
            .markup("</span></h2>\n<ul>\n");
        for (warning, text) in warnings.iter().take(MOST_WARNINGS) {
            html.markup("<li>").text(&self.line(text)).markup(" ");
            self.link(&warning.address(), warning.slug(), html);
            html.markup("</li>\n");
        }
        html.markup("</ul>\n</section>\n");
    }

    /// Why it ended like this, how often it tried or how long it took, what to do.
    fn reasons(&self, html: &mut Html) {
        let outcome = self.outcome;
        if outcome.is_good() && outcome.why.is_empty() && outcome.hint.is_none() {
            return;
        }
        html.markup("<section class=\"reasons\" aria-labelledby=\"reasons\">\n<h2 id=\"reasons\">Explanation</h2>\n<dl>\n");
        let elapsed = console::elapsed(outcome);
        let rows = outcome.why.iter().map(|why| ("Why", why));
        let rows = rows
            .chain(outcome.effort.iter().map(|effort| ("Tried", effort)))
            .chain(elapsed.iter().map(|elapsed| ("Time", elapsed)))
            .chain(outcome.hint.iter().map(|hint| ("Next", hint)));
        let mut before = "";
        for (name, text) in rows {
            if name != before {
                html.markup("<dt>").markup(name).markup("</dt>");
            }
            before = name;
            html.markup("<dd>").text(&self.line(text)).markup("</dd>\n");
        }
        if let Some(failure) = outcome.failure() {
            html.markup("<dt>More</dt><dd>");
            self.value(&failure.address(), html);
            html.markup("</dd>\n");
        }
        html.markup("</dl>\n</section>\n");
    }

    /// What the logs say about a failure.
    fn findings(&self, html: &mut Html) {
        if self.causes.is_empty() {
            return;
        }
        html.markup("<section aria-labelledby=\"causes\">\n")
            .markup("<h2 id=\"causes\">Cause in the log</h2>\n<ol class=\"findings\">\n");
        for cause in self.causes {
            for kind in causes::kinds(&cause.digest) {
                self.finding(cause.target.as_deref(), kind, html);
            }
        }
        html.markup("</ol>\n</section>\n");
    }

    /// Findings of one kind: the lines that show it, where it is, what to try.
    fn finding(&self, target: Option<&str>, kind: &[Finding], html: &mut Html) {
        let Some(first) = kind.first() else {
            return;
        };
        html.markup("<li><h3>");
        if let Some(target) = target {
            html.text(&self.line(target)).markup(": ");
        }
        html.markup(first.title).markup("</h3>\n<pre>");
        for line in causes::lines_of(kind, MOST_LINES_OF_MARKDOWN) {
            html.text(&self.line(line)).markup("\n");
        }
        html.markup("</pre>\n");
        let places: Vec<String> = kind
            .iter()
            .filter_map(|finding| finding.place.as_ref())
            .map(|place| format!("{}:{}", place.file, place.line))
            .collect();
        if !places.is_empty() {
            html.markup("<p>At <code>")
                .text(&self.line(&places.join(", ")))
                .markup("</code></p>\n");
        }
        if first.is_known {
            html.markup("<p>");
            advice(first.advice, html);
            html.markup("</p>\n");
        }
        html.markup("</li>\n");
    }

    /// A text, or a link where it is an address.
    fn value(&self, text: &str, html: &mut Html) {
        let line = self.line(text);
        match address(line.as_str()) {
            // As the browser will read it, so that it shows where it leads.
            Some(address) => self.link(address.as_str(), address.as_str(), html),
            None => {
                html.text(&line);
            }
        }
    }

    /// A text that leads to an address of the web, or the text alone.
    fn link(&self, to: &str, text: &str, html: &mut Html) {
        let text = self.line(text);
        let Some(address) = address(self.line(to).as_str()) else {
            html.text(&text);
            return;
        };
        html.markup("<a rel=\"noreferrer noopener\" href=\"")
            .text(&self.line(address.as_str()))
            .markup("\">")
            .text(&text)
            .markup("</a>");
    }

    /// The targets of a promotion, a row each.
    fn targets(&self, html: &mut Html) {
        let targets = &self.record.targets;
        if targets.len() < 2 {
            return;
        }
        html.markup("<section aria-labelledby=\"targets\">\n<h2 id=\"targets\">Targets</h2>\n")
            .markup("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-labelledby=\"targets\">\n<table>\n<thead><tr>")
            .markup("<th scope=\"col\">Target</th><th scope=\"col\">Status</th>")
            .markup("<th scope=\"col\">Deployment</th><th scope=\"col\">Time</th>")
            .markup("<th scope=\"col\">URL</th></tr></thead>\n<tbody>\n");
        for service_record in targets {
            self.target(service_record, html);
        }
        html.markup("</tbody>\n</table>\n</div>\n</section>\n");
    }

    fn target(&self, service_record: &ServiceRecord, html: &mut Html) {
        let deployment = service_record.deployment.as_ref();
        let name = service_record.target().unwrap_or_default();
        html.markup("<tr><th scope=\"row\">")
            .text(&self.line(&name))
            .markup("</th>");
        let cells = [
            deployment.and_then(|deployment| deployment.status.reported().map(str::to_owned)),
            deployment.map(|deployment| deployment.id.to_string()),
            console::times_of(service_record),
            service_record.url.clone(),
        ];
        for cell in cells {
            html.markup("<td>");
            self.value(&cell.unwrap_or_default(), html);
            html.markup("</td>");
        }
        html.markup("</tr>\n");
    }
}

/// What stands above the log: how much there is of it, and the controls, which
/// the script brings to life.
fn log_head(page: &PageStream, html: &mut Html) {
    let lines = &page.lines;
    html.markup("<section id=\"log\" aria-labelledby=\"log-title\" tabindex=\"-1\">\n")
        .markup("<h2 id=\"log-title\">Log of the deployment</h2>\n");
    if page.is_incomplete {
        html.markup(
            "<p class=\"gap\">It could not be read to its end: lines may be missing.</p>\n",
        );
    }
    if lines.total == 0 {
        html.markup("<p>No lines were read.</p>\n");
        return;
    }
    html.markup("<form id=\"find\" role=\"search\" aria-label=\"Log\" hidden>\n")
        .markup("<label class=\"query\"><span>Search</span> <input type=\"search\" name=\"query\" autocomplete=\"off\" spellcheck=\"false\" aria-keyshortcuts=\"/\"></label>\n")
        .markup("<label><input type=\"checkbox\" name=\"only\"> <span>Only lines with it</span></label>\n")
        .markup("<fieldset><legend>Lines</legend>\n")
        .markup("<label><input type=\"radio\" name=\"least\" value=\"0\" checked> <span>All ")
        .count(lines.total)
        .markup("</span></label>\n<label><input type=\"radio\" name=\"least\" value=\"1\"> <span>Warnings, errors ")
        .count(lines.warnings + lines.errors)
        .markup("</span></label>\n<label><input type=\"radio\" name=\"least\" value=\"2\"> <span>Errors ")
        .count(lines.errors)
        .markup("</span></label>\n</fieldset>\n")
        .markup("<div class=\"step\"><output role=\"status\"></output>\n")
        .markup("<button type=\"button\" name=\"previous\" aria-label=\"Previous\" aria-keyshortcuts=\"Shift+N\">↑</button>\n")
        .markup("<button type=\"button\" name=\"next\" aria-label=\"Next\" aria-keyshortcuts=\"N\">↓</button></div>\n")
        .markup("<p class=\"keys\"><kbd>/</kbd> search <kbd>n</kbd> next <kbd>N</kbd> previous <kbd>Esc</kbd> all lines</p>\n")
        .markup("</form>\n");
    badges(lines, html);
}

/// How many lines there are, and how many of them are errors and warnings.
fn badges(lines: &PageLines, html: &mut Html) {
    html.markup("<p class=\"count\"><span class=\"badge\">")
        .counted(lines.total, "line")
        .markup("</span>");
    if lines.errors > 0 {
        html.markup(" <a class=\"badge error\" href=\"#first-error\">")
            .counted(lines.errors, "error")
            .markup("</a>");
    }
    if lines.warnings > 0 {
        html.markup(" <span class=\"badge warning\">")
            .counted(lines.warnings, "warning")
            .markup("</span>");
    }
    html.markup("</p>\n");
}

/// The colour of the header.
fn weight(ending: ExitStatus) -> &'static str {
    match ending {
        ExitStatus::Success | ExitStatus::Planned | ExitStatus::Triggered | ExitStatus::Passed => {
            "good"
        }
        ExitStatus::Cancelled
        | ExitStatus::Skipped
        | ExitStatus::Superseded
        | ExitStatus::Interrupted(_)
        | ExitStatus::TimedOut
        | ExitStatus::Unverified => "stopped",
        _ => "bad",
    }
}

fn sign(ending: ExitStatus) -> &'static str {
    match weight(ending) {
        _ if ending == ExitStatus::Unverified => "!",
        "good" => "✓",
        "stopped" => "■",
        _ => "✗",
    }
}

/// A sentence of ours; between backticks stands what is to be typed.
fn advice(text: &'static str, html: &mut Html) {
    for (at, part) in text.split('`').enumerate() {
        let is_code = !at.is_multiple_of(2);
        html.markup(if is_code { "<code>" } else { "" })
            .part(part)
            .markup(if is_code { "</code>" } else { "" });
    }
}

/// The address that this text is, if a page may lead there: no script, no file,
/// and nothing before the host that could be taken for it.
fn address(text: &str) -> Option<Url> {
    let address = Url::parse(text).ok()?;
    let is_web = matches!(address.scheme(), "https" | "http");
    let is_plain = address.username().is_empty() && address.password().is_none();
    (is_web && is_plain && address.has_host()).then_some(address)
}

/// As the policy of a page names a style or a script.
fn hash_of(text: &str) -> String {
    STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_of_the_web_is_one() {
        for (text, leads_to) in [
            ("https://a-b.c/d?e=1&f#g", "https://a-b.c/d?e=1&f#g"),
            ("http://ci.local:8080/job/1", "http://ci.local:8080/job/1"),
            // What looks like another host is shown as what it is.
            ("https://sevall\u{430}.com/", "https://xn--sevall-8nf.com/"),
        ] {
            let address = address(text);
            assert_eq!(address.as_ref().map(Url::as_str), Some(leads_to));
        }
        for text in [
            "javascript:alert(1)",
            "JaVaScRiPt://a.b/%0aalert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "https://sevalla.com@evil.example/",
            "//a.b",
            "main at 7d3f0c2a9",
            "https://",
            "",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn style_and_script_end_where_we_say_and_name_no_address() {
        for text in [STYLE, SCRIPT] {
            for never in ["</", "<!--", "://", "@import", "url(", "innerHTML", "eval("] {
                assert!(!text.contains(never), "{never}");
            }
        }
    }

    #[test]
    fn the_hash_is_the_one_that_a_policy_names() {
        // From the specification of Content Security Policy, section 8.4.
        assert_eq!(
            hash_of("alert('Hello, world.');"),
            "qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="
        );
    }
}
