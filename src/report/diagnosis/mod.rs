//! Why a deployment failed, as far as its log tells.
//!
//! The log passes line by line; what is kept of it is bounded, and so is the
//! time that a line can take. The log is written by strangers: what is found in
//! it is shown beside a failure, and never decides anything.

mod bare;
mod pattern;
mod patterns;
mod place;
mod scan;
mod tail;
mod traces;

use std::collections::VecDeque;

use self::bare::Bare;
use self::pattern::{Pattern, Rank};
use self::tail::Tail;
use self::traces::{Told, Traces};
use super::log::beginning;
use crate::ci::Place;

/// The most of a line that is read, in bytes: what tells stands at its
/// beginning.
const LONGEST_READ: usize = 2 * 1024;

/// The most of a line that is kept, in bytes.
const LONGEST_KEPT: usize = 400;

/// Lines that are remembered, for what is told of in several.
const REMEMBERED: usize = 6;

/// The most findings of one pattern: nobody can crowd out the others.
const MOST_OF_A_PATTERN: usize = 10;

/// The same where no place tells them apart.
const MOST_WITHOUT_PLACE: usize = 2;

/// The most findings of a digest.
const MOST_FINDINGS: usize = 10;

/// Something in the log that tells why the deployment failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is, in a few words.
    pub title: &'static str,
    /// The lines that tell it, oldest first.
    pub lines: Vec<String>,
    /// Where in the repository it is.
    pub place: Option<Place>,
    /// What to try, in one sentence.
    pub advice: &'static str,
    /// Whether this is known to make deployments fail; otherwise these are only
    /// the lines that stand out, and nothing is claimed of them.
    pub is_known: bool,
}

/// What a log tells about a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digest {
    /// The most telling first, ten at most. Those of one title stand together.
    pub findings: Vec<Finding>,
}

impl Finding {
    /// Whether these are only the last lines before the end.
    pub fn is_tail(&self) -> bool {
        self.title == tail::LAST
    }
}

impl Digest {
    /// Whether the log tells nothing.
    pub const fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// Whether something in the log is known to make deployments fail.
    pub fn is_known(&self) -> bool {
        self.findings.iter().any(|finding| finding.is_known)
    }
}

/// Reads a log, line by line.
#[derive(Debug, Default)]
pub struct Diagnosis {
    found: Vec<Found>,
    /// How many of the lines to come belong to the last of them.
    below: Below,
    recent: VecDeque<String>,
    traces: Traces,
    tail: Tail,
}

/// A match with what was kept of it.
#[derive(Debug)]
struct Found {
    pattern: &'static Pattern,
    lines: Vec<String>,
    place: Option<Place>,
    step: Option<u32>,
}

/// What of the lines to come belongs to the last match.
#[derive(Debug, Default)]
struct Below {
    kept: u8,
    for_place: u8,
    step: Option<u32>,
}

impl Diagnosis {
    /// Takes the next line, cleaned and without its secrets, and the service's
    /// word for its weight.
    pub fn take(&mut self, severity: &str, line: &str) {
        let line = beginning(line, LONGEST_READ);
        let bare = Bare::of(line);
        if bare.text.trim().is_empty() {
            return;
        }
        if is_done(bare) {
            return self.forget(bare.step);
        }
        let told = self.traces.take(bare);
        let mut fitting = scan::fitting(&bare);
        if !fitting.is_empty() && bare.is_harmless() {
            fitting.clear();
        }
        let found = self.most_telling(&fitting, bare);
        if found.is_none() && told.is_none() {
            self.continue_with(bare);
        }
        if let Some(found) = found {
            self.begin(found);
        }
        if let Some(told) = told {
            self.add_trace(told, bare.step);
        }
        self.tail.take(severity, bare);
        self.remember(bare.text);
    }

    /// What was found so far. `is_of_run` leaves out what a build that ended
    /// well cannot have failed by.
    pub fn digest(&self) -> Digest {
        let known = self.ranked(&self.found.iter().collect::<Vec<_>>());
        if known.is_empty() {
            return Digest {
                findings: self.tail.findings(),
            };
        }
        Digest { findings: known }
    }

    /// What was found of the program that was deployed: a build that ended well
    /// did not fail by what it printed.
    pub fn digest_of_run(&self) -> Digest {
        let of_run: Vec<&Found> = self
            .found
            .iter()
            .filter(|found| found.pattern.is_of_run)
            .collect();
        Digest {
            findings: self.ranked(&of_run),
        }
    }

    /// The most telling first; of each kind the first before more of another.
    #[expect(clippy::unused_self, reason = "reads as a sentence")]
    fn ranked(&self, found: &[&Found]) -> Vec<Finding> {
        let best = found.iter().map(|found| found.pattern.rank).min();
        let mut chosen: Vec<(usize, &Found)> = Vec::new();
        let of_title = |title: &str| found.iter().position(|other| other.pattern.title == title);
        // A consequence explains nothing where there is more.
        let told = found.iter().copied().filter(|found| {
            found.pattern.rank != Rank::Consequence || best == Some(Rank::Consequence)
        });
        for each in told {
            let title = each.pattern.title;
            let nth = chosen
                .iter()
                .filter(|(_, other)| other.pattern.title == title)
                .count();
            chosen.push((nth, each));
        }
        chosen.sort_by_key(|(nth, _)| *nth);
        chosen.truncate(MOST_FINDINGS);
        chosen.sort_by_key(|(nth, found)| {
            let best_of_title = chosen_rank(found);
            (best_of_title, of_title(found.pattern.title), *nth)
        });
        chosen
            .into_iter()
            .map(|(_, found)| found.finding())
            .collect()
    }

    /// A line tells of one thing: of what the compiler calls an error, a pattern
    /// that knows more of it.
    fn most_telling(&self, fitting: &[&'static Pattern], bare: Bare<'_>) -> Option<Found> {
        let found = fitting.iter().filter_map(|pattern| self.fit(pattern, bare));
        found.min_by_key(|found| (found.pattern.rank, found.pattern.needs_place))
    }

    /// The line with what of those before it belongs to it, if all that the
    /// pattern asks for is there.
    fn fit(&self, pattern: &'static Pattern, bare: Bare<'_>) -> Option<Found> {
        let mut lines = Vec::new();
        if let Some(begin) = pattern.behind {
            let mut recent = self.recent.iter().rev();
            let before = recent.find(|line| line.trim_start().starts_with(begin))?;
            lines.push(before.clone());
        }
        let mut place = place::first(bare.text).filter(|_| !pattern.is_nowhere);
        if pattern.needs_place && place.is_none() {
            return None;
        }
        let above = self
            .recent
            .iter()
            .rev()
            .take(usize::from(pattern.place_above));
        let mut above = above.filter_map(|line| Some((place::first(line)?, line)));
        if place.is_none()
            && let Some((found, line)) = above.next()
        {
            if !lines.contains(line) {
                lines.push(line.clone());
            }
            place = Some(found);
        }
        lines.push(beginning_of(bare.text.trim()));
        Some(Found {
            pattern,
            lines,
            place,
            step: bare.step,
        })
    }

    fn begin(&mut self, found: Found) {
        let below = Below {
            kept: found.pattern.keeps,
            for_place: if found.place.is_some() {
                0
            } else {
                found.pattern.place_below
            },
            step: found.step,
        };
        let is_kept = self.add(found);
        self.below = if is_kept { below } else { Below::default() };
    }

    /// A trace tells where; what it is, a pattern may have told already.
    fn add_trace(&mut self, told: Told, step: Option<u32>) {
        let Told {
            pattern,
            lines,
            place,
        } = told;
        let last = lines.last().map(|line| line.trim().to_owned());
        let is_same =
            |found: &&mut Found| found.lines.iter().any(|line| Some(line) == last.as_ref());
        if let Some(found) = self.found.iter_mut().rev().take(3).find(is_same) {
            if found.place.is_none() && place.is_some() {
                found.place = place;
                found.lines = lines;
            }
            return;
        }
        self.add(Found {
            pattern,
            lines,
            place,
            step,
        });
    }

    /// Keeps it, if it is new and there is room.
    fn add(&mut self, new: Found) -> bool {
        let same = self
            .found
            .iter()
            .filter(|found| std::ptr::eq(found.pattern, new.pattern));
        let (mut all, mut without_place) = (0, 0);
        for found in same {
            if found.lines.last() == new.lines.last() && found.place == new.place {
                return false;
            }
            all += 1;
            without_place += usize::from(found.place.is_none());
        }
        let is_room =
            all < MOST_OF_A_PATTERN && (new.place.is_some() || without_place < MOST_WITHOUT_PLACE);
        if is_room {
            self.found.push(new);
        }
        is_room
    }

    /// A line that begins nothing may belong to what came before.
    fn continue_with(&mut self, bare: Bare<'_>) {
        if self.below.step != bare.step {
            return;
        }
        let Some(found) = self.found.last_mut() else {
            return;
        };
        let mut is_told = false;
        if self.below.kept > 0 {
            self.below.kept -= 1;
            is_told = true;
        }
        if self.below.for_place > 0 {
            self.below.for_place -= 1;
            if let Some(place) = place::first(bare.text) {
                found.place = Some(place);
                self.below.for_place = 0;
                is_told = true;
            }
        }
        if is_told {
            found.lines.push(beginning_of(bare.text.trim_end()));
        }
    }

    /// A step of the build that ended well did not fail by what it printed.
    fn forget(&mut self, step: Option<u32>) {
        self.found.retain(|found| found.step != step);
        self.below = Below::default();
    }

    fn remember(&mut self, text: &str) {
        push(&mut self.recent, REMEMBERED, text);
    }
}

impl Found {
    fn finding(&self) -> Finding {
        Finding {
            title: self.pattern.title,
            lines: self.lines.clone(),
            place: self.place.clone(),
            advice: self.pattern.advice,
            is_known: true,
        }
    }
}

const fn chosen_rank(found: &Found) -> Rank {
    found.pattern.rank
}

/// `#12 DONE 3.4s`, and `#12 CACHED`.
fn is_done(bare: Bare<'_>) -> bool {
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

/// As much of a line as is kept.
fn beginning_of(line: &str) -> String {
    let kept = beginning(line, LONGEST_KEPT);
    let more = if kept.len() < line.len() { "…" } else { "" };
    format!("{kept}{more}")
}
