//! [`LogCursor`]: which window of a log to read next, and which lines of it are
//! new. Pure; the log loop sends the requests.
//!
//! The API has no cursor. A call names a window of time and returns a limited
//! number of its lines; which ones, and in which order, is not documented. So
//! each reading overlaps the previous one, lines are identified by id, and if a
//! page is full, the time before its first and after its last line is read as
//! well. Where one millisecond fills a page, its lines are asked for by severity.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::deployment::LogLine;
use crate::sevalla::{LOG_PAGE, LogWindow};

/// How far each reading reaches back, in microseconds: lines may become
/// readable later than lines that are younger.
const OVERLAP: i64 = 30_000_000;

/// The log calls take milliseconds.
const MILLISECOND: i64 = 1000;

/// The words for a severity that a filter may name.
const SEVERITIES: [&str; 4] = ["ERROR", "WARN", "INFO", "DEBUG"];

/// How often a millisecond that fills a page is asked for by severity: once
/// more than at first sight, for lines that could not be read then.
const CROWD_READINGS: u8 = 2;

/// The position in a log. Made by the log loop, one for each log.
#[derive(Debug)]
pub struct LogCursor {
    /// No line is older than this.
    beginning: i64,
    /// The youngest line seen.
    newest: Option<i64>,
    /// The times of the youngest half page of lines, in order.
    recent: Vec<i64>,
    /// Windows still to be read in this reading; the last one is next.
    pending: Vec<LogWindow>,
    /// Milliseconds that fill a page.
    crowds: HashMap<i64, Crowd>,
    /// A digest of every line taken. Eight bytes each, so that a log of any
    /// length fits.
    seen: HashSet<u64>,
    /// Lines per call; fewer after a page was too large to be read.
    limit: usize,
    /// Whether a full page is known to hold the oldest lines of its window, so
    /// that nothing can be missing before it.
    oldest_first: bool,
    /// The first moment whose lines may be missing, in microseconds: it has at
    /// least as many as a page holds, and no call returns the others.
    gap: Option<i64>,
    is_gap_reported: bool,
}

/// What is known of a millisecond that fills a page.
#[derive(Debug, Default)]
struct Crowd {
    readings: u8,
    /// How many lines of each severity a page without a filter had.
    seen: HashMap<&'static str, usize>,
}

impl LogCursor {
    /// A cursor before the first line of a deployment that was created at this
    /// moment, in microseconds since 1970.
    pub fn new(created_micros: i64) -> Self {
        Self {
            beginning: (created_micros - OVERLAP).max(0),
            newest: None,
            recent: Vec::new(),
            pending: Vec::new(),
            crowds: HashMap::new(),
            seen: HashSet::new(),
            limit: LOG_PAGE,
            oldest_first: false,
            gap: None,
            is_gap_reported: false,
        }
    }

    /// The first moment of which lines may be missing, once.
    pub fn gap_to_report(&mut self) -> Option<i64> {
        let gap = self.gap.filter(|_| !self.is_gap_reported)?;
        self.is_gap_reported = true;
        Some(gap)
    }

    /// Starts another reading, unless an interrupted one has to be completed. `now` is
    /// the time by the service's clock, in microseconds: the clock of a builder may be
    /// ahead, and the lines of others are not behind such a line.
    pub fn begin(&mut self, now: Option<i64>) {
        if self.pending.is_empty() {
            // A clock that is before the deployment shows nothing.
            let now = now.filter(|now| *now >= self.beginning).unwrap_or(i64::MAX);
            let from = self
                .newest
                .map_or(self.beginning, |newest| newest.min(now) - OVERLAP);
            // Where so many lines come that the overlap would fill pages, half
            // a page of it has to do: readings are dear.
            let crowded = self
                .recent
                .first()
                .filter(|at| self.recent.len() >= self.limit / 2 && **at <= now);
            let from = from.max(crowded.copied().unwrap_or(from));
            let crowd = self.crowds.get(&floor(from));
            let is_settled = crowd.is_some_and(|crowd| crowd.readings >= CROWD_READINGS);
            let from = if is_settled {
                floor(from) + MILLISECOND
            } else {
                from
            };
            self.push(from.max(self.beginning), None);
        }
    }

    /// The window to read next; `None` when the reading is complete.
    pub fn window(&self) -> Option<LogWindow> {
        let window = *self.pending.last()?;
        Some(LogWindow {
            limit: self.limit,
            ..window
        })
    }

    /// Whether no line is missing before the youngest one taken: whatever is
    /// still to be read is open towards the present.
    pub fn is_gapless(&self) -> bool {
        self.pending.iter().all(|window| window.to_micros.is_none())
    }

    /// Takes a page of the window that [`window`](Self::window) gave, and
    /// returns the lines that are new, oldest first.
    pub fn take(&mut self, mut page: Vec<LogLine>) -> Vec<LogLine> {
        let Some(window) = self.window() else {
            return Vec::new();
        };
        self.pending.pop();
        let is_full = page.len() >= window.limit;
        if let Some(severity) = window.severity {
            self.check_filtered(window, severity, page.len(), is_full);
        }
        // Lines of one moment keep the order in which they were written.
        let moment = |line: Option<&LogLine>| line.map(|line| line.at_micros);
        if moment(page.first()) > moment(page.last()) {
            page.reverse();
        }
        page.sort_by_key(|line| line.at_micros);
        let span = page
            .first()
            .zip(page.last())
            .map(|(a, b)| (a.at_micros, b.at_micros));
        let severities: Vec<&'static str> = known_severities(&page).collect();
        let count = page.len();
        page.retain(|line| self.seen.insert(digest(line)));
        self.remember(&page);
        if let Some((first, last)) = span {
            self.newest = self.newest.max(Some(last));
            if is_full && window.severity.is_none() {
                self.learn(window, page.is_empty());
                self.read_around(window, first, last);
                if floor(first) == floor(last) {
                    self.read_crowd(first, &severities, count);
                }
            }
        }
        page
    }

    /// Asks for the lines of a millisecond that fills a page by their severity.
    fn read_crowd(&mut self, first: i64, severities: &[&'static str], count: usize) {
        let at = floor(first);
        let crowd = self.crowds.entry(at).or_default();
        crowd.readings += 1;
        if crowd.readings > CROWD_READINGS {
            return;
        }
        crowd.seen.clear();
        for severity in severities {
            *crowd.seen.entry(severity).or_default() += 1;
        }
        // Lines of a word that no filter names, or more of one word than a page
        // holds.
        let is_readable = severities.len() == count && crowd.seen.len() > 1;
        for severity in SEVERITIES.iter().rev() {
            if crowd.seen.get(severity) < Some(&count) {
                self.pending.push(LogWindow {
                    from_micros: at,
                    to_micros: Some(at + MILLISECOND),
                    limit: self.limit,
                    severity: Some(severity),
                });
            }
        }
        if !is_readable {
            self.gap.get_or_insert(first);
        }
    }

    /// Whether a page of one severity holds all that there are: it is not full,
    /// and the filter has not hidden lines that a page without it had.
    fn check_filtered(&mut self, window: LogWindow, severity: &str, count: usize, is_full: bool) {
        let crowd = self.crowds.get(&floor(window.from_micros));
        let seen = crowd.and_then(|crowd| crowd.seen.get(severity)).copied();
        if is_full || count < seen.unwrap_or_default() {
            self.gap.get_or_insert(window.from_micros);
        }
    }

    /// Gives up reading by severity, if that is what was tried last.
    pub fn skip_filtered(&mut self) -> bool {
        let last = self.pending.last().filter(|last| last.severity.is_some());
        let Some(last) = last else {
            return false;
        };
        self.gap.get_or_insert(last.from_micros);
        self.pending.retain(|window| window.severity.is_none());
        true
    }

    fn remember(&mut self, new: &[LogLine]) {
        self.recent.extend(new.iter().map(|line| line.at_micros));
        self.recent.sort_unstable();
        let surplus = self.recent.len().saturating_sub(self.limit / 2);
        self.recent.drain(..surplus);
    }

    /// Reduces the number of lines per call, after a page was too large.
    /// `false` if there is no smaller page.
    pub fn ask_for_less(&mut self) -> bool {
        let less = self.limit / 10;
        if less == 0 {
            return false;
        }
        self.limit = less;
        true
    }

    /// A full page may leave lines out on both sides. The side towards the
    /// present is read first: what comes from there can spare the other one.
    fn read_around(&mut self, window: LogWindow, first: i64, last: i64) {
        // No window is empty or read twice: each bound leaves its own
        // millisecond in, so windows of one millisecond are known already.
        let is_crowd = floor(first) == floor(last);
        let before = match window.to_micros {
            _ if !is_crowd => first.saturating_add(MILLISECOND),
            // Its first moment fills a page as well.
            Some(to) if to <= floor(first) => floor(first) - MILLISECOND,
            _ => floor(first),
        };
        let is_known = window.to_micros.is_some_and(|to| before >= to);
        if !self.oldest_first
            && first > window.from_micros
            && !is_known
            && before > window.from_micros
        {
            self.push(window.from_micros, Some(before));
        }
        // More lines in one millisecond than a page holds: step over it.
        let is_stuck = is_crowd || floor(last) <= floor(window.from_micros);
        let after = if is_stuck {
            floor(last) + MILLISECOND
        } else {
            floor(last)
        };
        let is_within = window.to_micros.is_none_or(|to| after + MILLISECOND < to);
        if is_within && after > window.from_micros {
            self.push(after, window.to_micros);
        }
    }

    /// Two full pages, the second from the time after the first: then the
    /// first held the oldest lines of its window, and nothing lies before it.
    /// Small pages show nothing, since that many lines may just have come.
    fn learn(&mut self, window: LogWindow, nothing_new: bool) {
        let follows_a_full_page = self.pending.iter().any(|window| window.to_micros.is_some());
        let is_open = window.to_micros.is_none();
        if is_open && follows_a_full_page && !nothing_new && window.limit >= LOG_PAGE / 10 {
            self.oldest_first = true;
            self.pending.retain(|window| window.to_micros.is_none());
        }
    }

    fn push(&mut self, from_micros: i64, to_micros: Option<i64>) {
        self.pending.push(LogWindow {
            from_micros,
            to_micros,
            limit: self.limit,
            severity: None,
        });
    }
}

fn floor(micros: i64) -> i64 {
    micros - micros.rem_euclid(MILLISECOND)
}

/// The severities of the lines that have one that a filter may name.
fn known_severities(lines: &[LogLine]) -> impl Iterator<Item = &'static str> {
    let words = |line: &LogLine| SEVERITIES.iter().find(|word| **word == line.severity);
    lines.iter().filter_map(words).copied()
}

fn digest(line: &LogLine) -> u64 {
    let mut hasher = DefaultHasher::new();
    if line.id.is_empty() {
        (line.at_micros, &line.severity, &line.message).hash(&mut hasher);
    } else {
        line.id.hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests;
