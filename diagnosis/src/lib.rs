//! Why a deployment failed, as far as its log tells.
//!
//! The log passes line by line; what is kept of it is bounded, and so is the
//! time that a line can take. The log is written by strangers: what is found in
//! it is shown beside a failure, and never decides anything.
//!
//! Imports nothing of the program.

mod beginnings;
mod console_boxes;
mod excerpt;
mod finding;
mod fingerprint;
mod json_lines;
mod kubernetes_events;
mod looks;
mod noise;
mod normalize;
mod own_errors;
mod prefixes;
mod problem_matcher;
mod problem_matchers;
mod ranking;
mod reached;
mod recap;
mod recovery;
mod repetition;
mod repository_path;
mod roots;
mod salience;
mod scan;
mod sevalla_phases;
mod source_location;
mod spring;
mod stack_trace;
mod stream;
mod threshold;
mod trait_words;
mod weights;
mod word_search;

use std::collections::VecDeque;

pub use self::finding::{Digest, Finding, SourceLocation};
pub use self::fingerprint::masked_hash;
use self::looks::{Looks, bit, shape, word};
use self::normalize::{NormalizedLine, PathRoot, without_signs};
use self::problem_matcher::{Pattern, Rank};
use self::recap::Recap;
use self::recovery::{OF_BUNDLING, OF_TESTING, Recovered};
use self::roots::{Folder, Roots};
use self::salience::{GoodLog, Lines};
use self::scan::Scan;
pub use self::sevalla_phases::DeployStep;
use self::sevalla_phases::Phases;
use self::stack_trace::Recognized;
use self::stream::{Below, Stream, Streams};

/// The most of a line that is read, in bytes: what tells stands at its
/// beginning.
const LONGEST_READ: usize = 2 * 1024;

/// The most of a line that is kept, in bytes.
const LONGEST_KEPT: usize = 400;

/// The most of the end of a longer line, in bytes, and the fewest words in it.
const LONGEST_END: usize = 160;
const FEWEST_WORDS: usize = 3;

/// The title of an exception that may have ended one process of many.
const OF_ELIXIR: &str = "Elixir ended with an exception";

/// The most findings of one pattern: nobody can crowd out the others.
const MOST_OF_A_PATTERN: usize = 10;

/// The most findings of one pattern that no place distinguishes.
const MOST_WITHOUT_PLACE: usize = 2;

/// Reads a log, line by line.
#[derive(Debug, Default)]
pub struct Diagnosis {
    found: Vec<Match>,
    streams: Streams,
    roots: Roots,
    recap: Recap,
    phases: Phases,
    all: Lines,
    good: Option<GoodLog>,
    /// The lines so far.
    lines: u64,
    /// How many matches there were.
    matches: u64,
    failed: Option<FailedStep>,
    build_ended: Option<u64>,
    is_shipping: bool,
}

/// A match with what was kept of it.
#[derive(Debug)]
struct Match {
    /// The how manieth match it is.
    id: u64,
    pattern: &'static Pattern,
    lines: Vec<String>,
    /// What the line said that matched.
    message: String,
    place: Option<SourceLocation>,
    step: Option<u32>,
    source: Option<String>,
    /// The number of the line at which it was last told.
    at: u64,
    /// The number of the line at which it was first told.
    begun: u64,
}

impl Match {
    fn of(pattern: &'static Pattern, message: String, stream: &Stream) -> Self {
        Self {
            id: 0,
            pattern,
            lines: Vec::new(),
            message,
            place: None,
            step: stream.step,
            source: stream.source.clone(),
            at: 0,
            begun: 0,
        }
    }
}

/// The step of the image build by which the build failed.
#[derive(Debug)]
struct FailedStep {
    step: u32,
    begun: u64,
}

impl Diagnosis {
    /// The part of the deployment that the log ended in.
    pub const fn phase(&self) -> Option<DeployStep> {
        self.phases.now()
    }

    /// Takes the next line, cleaned and without its secrets.
    pub fn take(&mut self, line: &str) {
        self.take_line(line, false);
    }

    /// Takes the next line, which the service marks as an error.
    pub fn take_marked(&mut self, line: &str) {
        self.take_line(line, true);
    }

    fn take_line(&mut self, line: &str, is_marked: bool) {
        let line = beginning(line, LONGEST_READ);
        let mut bare = NormalizedLine::of(line);
        if bare.trimmed().is_empty() {
            self.all.take_blank();
            return;
        }
        self.lines += 1;
        let message = json_lines::error_message(bare.text);
        let is_marked = is_marked || message.is_some();
        bare.text = message.as_deref().unwrap_or(bare.text);
        let scan = scan::read(&bare);
        self.roots.take(bare, &scan);
        let is_noise = self.recap.take(bare, &scan);
        let folder = self.roots.folder(bare);
        match &folder {
            Folder::Of(folder) if !matches!(bare.within, PathRoot::Folder(_)) => {
                bare.within = PathRoot::Folder(folder);
            }
            Folder::Unknown if bare.within == PathRoot::Root => bare.within = PathRoot::Package,
            _ => {}
        }
        self.phases.take(bare, &scan);
        self.all.take(bare.text, self.lines, bare.step, &scan);
        if is_marked {
            self.all.add(shape::MARKED);
        }
        if is_noise {
            self.all.is_noise();
        } else if self.recap.is_open() {
            self.all.is_repeated();
        }
        self.note_end_of_build(bare, scan.looks);
        if is_done(bare) {
            return self.forget(|found| found.step == bare.step);
        }
        // Apart from the rest, so that both can be changed.
        let mut streams = std::mem::take(&mut self.streams);
        if let Some(stream) = streams.of(bare, self.lines) {
            self.take_in(stream, bare, scan);
        }
        self.streams = streams;
    }

    /// Takes the line into the stream that it belongs to.
    fn take_in(&mut self, stream: &mut Stream, bare: NormalizedLine<'_>, scan: Scan) {
        if let Some(healed) = recovery::read(&bare, &scan) {
            self.heal(healed, stream, bare);
        }
        self.read(stream, bare, scan);
        if is_error_of_step(bare) {
            let is_explained = self
                .found
                .iter()
                .any(|found| stream.has(found) && ranking::explains(found));
            let error = stream.error.take().filter(|_| !is_explained);
            self.blame(error, bare.text, stream);
        } else if let Some((command, error)) = self.recap.ended() {
            let is_explained = self.found.iter().any(ranking::explains);
            self.blame(error.filter(|_| !is_explained), &command, stream);
        }
        if let Some(step) = bare.step.filter(|_| is_error_of_step(bare)) {
            self.failed = Some(FailedStep {
                step,
                begun: stream.begun,
            });
        }
        stream.remember(bare.text);
    }

    /// Compares with the log of a deployment that succeeded: lines that it has
    /// too say less about a failure.
    pub fn compare_with(&mut self, good: Self) {
        self.good = Some(GoodLog::from(good.all));
    }

    /// Looks for what is known in a line, or adds it to what was found before.
    fn read(&mut self, stream: &mut Stream, bare: NormalizedLine<'_>, scan: Scan) {
        let recognized = stream.traces.take(bare, &scan);
        let mut fitting = scan.fitting;
        if fitting.is_empty() && !is_error_of_step(bare) {
            stream.note_error(bare, scan.looks);
        } else if bare.is_harmless() || recognized.as_ref().is_some_and(Recognized::is_of_box) {
            fitting.clear();
        }
        let found = most_significant(&fitting, stream, bare);
        if found.is_none() && recognized.is_none() {
            self.continue_with(stream, bare);
        }
        if let Some(found) = found {
            self.all.add(match found.pattern.rank {
                Rank::Consequence | Rank::Ending => shape::CONSEQUENCE,
                Rank::Cause | Rank::Symptom => shape::MATCHED,
            });
            self.begin(found, stream);
        }
        if let Some(recognized) = recognized {
            self.add_trace(recognized, stream);
        }
    }

    /// After the last line of a step of the build, and after what only comes
    /// when it has ended, the program that was built prints.
    fn note_end_of_build(&mut self, bare: NormalizedLine<'_>, looks: Looks) {
        let has_failed = looks & (bit(word::FAIL) | bit(word::FAIL_INSIDE)) != 0;
        if bare.step.is_some() {
            self.build_ended = Some(self.lines);
        } else if has_failed && self.build_ended.is_none() && bare.text.contains("robe failed") {
            self.build_ended = Some(self.lines.saturating_sub(1));
        }
    }

    /// Forgets what did not matter, as something went well after it.
    fn heal(&mut self, healed: Recovered, stream: &mut Stream, bare: NormalizedLine<'_>) {
        let is_of_a_part = bare.step.is_some() || bare.source.is_some();
        if healed.is_of_all() && !is_of_a_part {
            return self.heal_all(healed);
        }
        let is_of_stream =
            |found: &Match| found.step == bare.step && found.source.as_deref() == bare.source;
        let has_failed_test = || {
            let mut found = self.found.iter();
            found.any(|found| is_of_stream(found) && found.pattern.title == OF_TESTING)
        };
        let is_it = match healed {
            Recovered::Testing => !has_failed_test(),
            Recovered::Command => stream.begins(bare.text),
            Recovered::Listening => stream.listens(),
            Recovered::Starting => false,
            _ => true,
        };
        if is_it {
            self.forget(|found| is_of_stream(found) && healed.is_of(found.pattern.title));
        }
    }

    /// Forgets what healed in the deployment as a whole. A program that is started again
    /// and again may have failed before.
    fn heal_all(&mut self, healed: Recovered) {
        let is_start = matches!(healed, Recovered::Shipping | Recovered::Starting);
        if is_start && std::mem::replace(&mut self.is_shipping, true) {
            return;
        }
        self.build_ended = Some(self.lines);
        self.failed = None;
        self.forget(|_| true);
    }

    fn begin(&mut self, found: Match, stream: &mut Stream) {
        let pattern = found.pattern;
        let has_place = found.place.is_some();
        let id = self.add(found);
        stream.below = id.map_or_else(Below::default, |of| Below {
            of,
            kept: pattern.keeps,
            for_place: if has_place { 0 } else { pattern.place_below },
        });
    }

    /// A trace tells where; what it is, a pattern may have told already.
    fn add_trace(&mut self, mut recognized: Recognized, stream: &mut Stream) {
        recognized.know_better();
        let message = recognized
            .lines
            .last()
            .map_or_else(String::new, |line| line.trim().to_owned());
        let before = std::mem::take(&mut stream.trace);
        // What an exception follows from may be told already, too.
        let is_matched = |found: &Match, line: &String| {
            !line.starts_with("File \"") && found.lines.contains(line)
        };
        let is_same = |found: &Match| {
            let mut lines = recognized.lines.iter().filter(|_| recognized.is_more);
            let is_shown = !found.message.is_empty() && message.ends_with(&found.message);
            found.lines.contains(&message) || is_shown || lines.any(|line| is_matched(found, line))
        };
        let is_more = |found: &Match| recognized.is_more && found.id == before;
        let mut recent = self.found.iter_mut().rev().take(3);
        let Some(found) = recent.find(|found| is_more(found) || is_same(found)) else {
            let new = Match {
                lines: recognized.lines,
                place: recognized.place,
                ..Match::of(recognized.pattern, message, stream)
            };
            stream.trace = self.add(new).unwrap_or_default();
            return;
        };
        if is_more(found) {
            (found.pattern, found.message) = (recognized.pattern, message);
            (found.at, found.begun) = (self.lines, self.lines);
            (found.lines, found.place) = (recognized.lines, recognized.place);
            stream.trace = before;
        } else if found.place.is_none() && recognized.place.is_some() {
            (found.lines, found.place) = (recognized.lines, recognized.place);
        }
    }

    /// An error of the tool that a step ran, in its own words, where nothing else
    /// explains why the step failed.
    fn blame(&mut self, error: Option<String>, command: &str, stream: &Stream) {
        let error = error.filter(|_| own_errors::is_of_tool(command));
        if let Some(error) = error {
            self.add(Match {
                lines: vec![error.clone()],
                ..Match::of(&own_errors::OWN, error, stream)
            });
        }
    }

    /// Keeps it, if it is new and there is room; gives how it is called then.
    fn add(&mut self, mut new: Match) -> Option<u64> {
        self.matches += 1;
        (new.id, new.at, new.begun) = (self.matches, self.lines, self.lines);
        let same = self
            .found
            .iter_mut()
            .filter(|found| std::ptr::eq(found.pattern, new.pattern));
        let (mut all, mut without_place) = (0, 0);
        let mut last = None;
        for found in same {
            if repetition::is_repeated(found, &new) {
                found.at = new.at;
                // By its line a trace finds the match that it belongs to.
                let line = new.lines.pop().filter(|line| !found.lines.contains(line));
                let line = line.filter(|_| found.message != new.message);
                found.lines.extend(line);
                return None;
            }
            all += 1;
            without_place += usize::from(found.place.is_none());
            last = Some(found);
        }
        let is_room =
            all < MOST_OF_A_PATTERN && (new.place.is_some() || without_place < MOST_WITHOUT_PLACE);
        if !is_room {
            if let Some(last) = last {
                last.at = new.at;
            }
            return None;
        }
        self.found.push(new);
        Some(self.matches)
    }

    /// A line that begins nothing may belong to what came before.
    fn continue_with(&mut self, stream: &mut Stream, bare: NormalizedLine<'_>) {
        let below = &mut stream.below;
        if below.kept == 0 && below.for_place == 0 {
            return;
        }
        let mut found = self.found.iter_mut().rev();
        let Some(found) = found.find(|found| found.id == below.of) else {
            *below = Below::default();
            return;
        };
        if is_ruler(bare.text) || is_error_of_step(bare) {
            *below = Below::default();
            return;
        }
        let mut is_matched = false;
        if below.kept > 0 && !matches!(bare.text.trim_end(), "npm error" | "npm ERR!") {
            below.kept -= 1;
            is_matched = true;
        }
        if below.for_place > 0 {
            below.for_place -= 1;
            let named = source_location::first(bare.text, PathRoot::Root);
            if named.is_some_and(|place| !stack_trace::is_runner(&place)) {
                // In a package of which only the name is known it is told alone.
                found.place = source_location::first(bare.text, bare.within).or(found.place.take());
                below.for_place = 0;
                is_matched = true;
            }
        }
        if is_matched {
            found.lines.push(beginning_of(bare.text.trim_end()));
        }
    }

    /// What ended well did not fail by what it printed.
    fn forget(&mut self, is_it: impl Fn(&Match) -> bool) {
        self.found.retain(|found| !is_it(found));
    }
}

/// A line tells of one thing: of what the compiler calls an error, a pattern
/// that knows more of it.
fn most_significant(
    fitting: &[&'static Pattern],
    stream: &Stream,
    bare: NormalizedLine<'_>,
) -> Option<Match> {
    let found = fitting
        .iter()
        .filter_map(|pattern| fit(pattern, stream, bare));
    found.min_by_key(|found| (found.pattern.rank, found.pattern.needs_place))
}

/// The line with what of those before it belongs to it, if all that the pattern
/// asks for is there.
fn fit(pattern: &'static Pattern, stream: &Stream, bare: NormalizedLine<'_>) -> Option<Match> {
    let mut lines = Vec::new();
    if let Some(begin) = pattern.behind {
        let mut recent = stream.recent.iter().rev();
        let before = recent.find(|line| without_signs(line, "🚀").starts_with(begin))?;
        lines.push(before.clone());
    }
    let mut place = source_location::first(bare.text, bare.within).filter(|_| !pattern.is_nowhere);
    let is_vague = pattern.is_anywhere() && place.is_none() && bare.is_shrugged();
    if (pattern.needs_place && place.is_none()) || is_vague || is_warned(pattern, stream, bare) {
        return None;
    }
    let file = || source_location::file_behind(pattern.file_behind, bare.text, bare.within);
    place = place.or_else(file);
    let above = stream
        .recent
        .iter()
        .rev()
        .take(usize::from(pattern.place_above));
    let mut above = above.filter(|line| source_location::first(line, PathRoot::Root).is_some());
    if place.is_none()
        && let Some(line) = above.next()
    {
        if !lines.contains(line) {
            lines.push(line.clone());
        }
        place = source_location::first(line, bare.within);
    }
    lines.push(beginning_of(bare.text.trim()));
    lines.extend(end_of(bare.text.trim()));
    Some(Match {
        lines,
        place,
        ..Match::of(pattern, beginning_of(message(pattern, bare)), stream)
    })
}

/// What tells it apart from others of its kind: the same where it is told twice.
fn message<'a>(pattern: &Pattern, bare: NormalizedLine<'a>) -> &'a str {
    let message = bare.message();
    let words = pattern.words.iter().filter(|_| pattern.is_anywhere());
    let at = words.filter_map(|words| message.find(words)).min();
    at.and_then(|at| message.get(at..)).unwrap_or(message)
}

/// Whether a bundler only warns of it: packages ask for others that they can do
/// without.
fn is_warned(pattern: &Pattern, stream: &Stream, bare: NormalizedLine<'_>) -> bool {
    if pattern.title == OF_ELIXIR {
        // One process of many, which is started again.
        return stream
            .recent
            .iter()
            .any(|line| line.contains(" terminating"));
    }
    if !OF_BUNDLING.contains(&pattern.title) {
        return false;
    }
    let mut above = stream.recent.iter().rev().take(3);
    let heads = ["ERROR in ", "Failed to compile", "WARNING in "];
    let head = above.find_map(|line| {
        let line = line.trim_start();
        heads.into_iter().find(|head| line.starts_with(head))
    });
    match head {
        Some(head) => head == "WARNING in ",
        None => bare
            .text
            .rsplit_once(" in '")
            .is_some_and(|(_, folder)| folder.contains("node_modules/")),
    }
}

/// `#12 ERROR: process "/bin/sh -c npm ci" did not complete successfully`. A
/// cache that cannot be used stops nothing.
fn is_error_of_step(bare: NormalizedLine<'_>) -> bool {
    let is_of_cache = || {
        let mut words = ["cache importer", "cache exporter"].iter();
        words.any(|words| bare.text.contains(words))
    };
    bare.step.is_some() && bare.text.starts_with("ERROR: ") && !is_of_cache()
}

/// The end of a line that is too long to be kept, where it is made of words: Maven
/// ends its lines with the reason.
fn end_of(line: &str) -> Option<String> {
    let from = line.len().checked_sub(LONGEST_END)?.max(LONGEST_KEPT);
    let end = (from..line.len()).find_map(|from| line.get(from..))?;
    let (_, end) = end.split_once(' ')?;
    (end.matches(' ').count() >= FEWEST_WORDS).then(|| format!("…{end}"))
}

/// A line of dashes, which parts what belongs to different things.
fn is_ruler(text: &str) -> bool {
    text.len() >= 5 && text.bytes().all(|byte| byte == b'-')
}

/// `#12 DONE 3.4s`, and `#12 CACHED`.
fn is_done(bare: NormalizedLine<'_>) -> bool {
    bare.step.is_some() && (bare.text.starts_with("DONE ") || bare.text == "CACHED")
}

/// Adds a line to the last so many. Most lines come here, so the room of the one
/// that goes is used again.
fn push(lines: &mut VecDeque<String>, most: usize, line: &str) {
    let mut kept = if lines.len() < most {
        String::new()
    } else {
        lines.pop_front().unwrap_or_default()
    };
    kept.clear();
    let line = line.trim_end();
    kept.push_str(beginning(line, LONGEST_KEPT));
    if kept.len() < line.len() {
        kept.push('…');
    }
    lines.push_back(kept);
}

/// The beginning of a text, in whole characters.
fn beginning(text: &str, longest: usize) -> &str {
    if text.len() <= longest {
        return text;
    }
    let fitting = (0..=longest).rev().find_map(|end| text.get(..end));
    fitting.unwrap_or_default()
}

/// As much of a line as is kept.
fn beginning_of(line: &str) -> String {
    let kept = beginning(line, LONGEST_KEPT);
    let more = if kept.len() < line.len() { "…" } else { "" };
    format!("{kept}{more}")
}
