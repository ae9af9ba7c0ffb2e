//! What of all that was found is told, and in what order.

use super::excerpt::{self, MOST_LINES};
use super::problem_matcher::{Otherwise, Pattern, Rank};
use super::recovery::Recovered;
use super::threshold::Threshold;
use super::{Diagnosis, Digest, Finding, Match};

/// The most findings of a digest that are known.
const MOST_FINDINGS: usize = 10;

/// What lies so many lines before the end may have been got over.
const FAR: u64 = 30;

/// So many lines before an end say why, if there are any.
const ABOVE: u64 = 4;

/// Without the lines that others show; nothing if no line is left.
fn not_shown_yet(mut finding: Finding, others: &[Finding]) -> Option<Finding> {
    let shown = || others.iter().flat_map(|other| &other.lines);
    let is_shown = |line: &str| shown().any(|shown| shown.trim() == line.trim());
    finding.lines.retain(|line| !is_shown(line));
    (!finding.lines.is_empty()).then_some(finding)
}

impl Diagnosis {
    /// What was found so far.
    pub fn digest(&self) -> Digest {
        let failed = self.failed.as_ref().map(|failed| failed.step);
        let scores = self.all.scores(failed, self.good.as_ref());
        let threshold = Threshold::of(&self.all, &scores);
        let found = self.found.iter().filter(|found| self.counts(found));
        let claimed: Vec<&Match> = found
            .filter(|found| explains(found) && self.is_allowed(found, &threshold))
            .collect();
        let known = self.ranked(&claimed);
        let endings = || self.endings(self.found.iter());
        let known = if known.is_empty() { endings() } else { known };
        let mut findings = shortened(known);
        let is_near = claimed.iter().any(|found| !self.is_far(found.at));
        if !is_near {
            let shown: usize = findings.iter().map(|finding| finding.lines.len()).sum();
            let room = MOST_LINES.saturating_sub(shown);
            let shown = excerpt::of(&self.all, &scores, self.good.as_ref(), room);
            let shown = shown.and_then(|shown| not_shown_yet(shown, &findings));
            findings.extend(shown);
        }
        Digest { findings }
    }

    /// What was found of the program that was deployed: a build that ended well
    /// did not fail by what it printed. Nothing, where its end is not known.
    pub fn digest_of_run(&self) -> Digest {
        let is_of_run = |found: &&Match| {
            let is_behind = self.build_ended.is_some_and(|end| found.at > end);
            is_behind && found.pattern.is_of_run
        };
        let of_run: Vec<&Match> = self.found.iter().filter(is_of_run).collect();
        let known = self.ranked(&of_run);
        let endings = || self.endings(of_run.iter().copied());
        let findings = if known.is_empty() { endings() } else { known };
        Digest { findings }
    }

    /// How the deployment ended, where nothing says why: nothing stands before it, or
    /// nothing that sounds like a failure.
    fn endings<'a>(&self, mut found: impl Iterator<Item = &'a Match>) -> Vec<Finding> {
        let is_alone = |found: &&Match| {
            let above = found.begun.saturating_sub(ABOVE)..=found.begun.saturating_sub(1);
            let is_alone = self.all.is_all_noise(above) || self.all.is_quiet_before(found.begun);
            found.pattern.rank == Rank::Ending && is_alone
        };
        let ending = found.find(is_alone);
        ending
            .map(|found| self.finding(found))
            .into_iter()
            .collect()
    }

    /// Whether it can have made the build fail: where a step failed, what it
    /// printed and what came after it.
    fn counts(&self, found: &Match) -> bool {
        let is_of_failed = self.failed.as_ref().is_none_or(|failed| {
            found.step == Some(failed.step) || (found.step.is_none() && found.at > failed.begun)
        });
        is_of_failed && !self.is_hidden(found)
    }

    /// Whether it stands out enough, or what it explains does.
    fn is_allowed(&self, found: &Match, threshold: &Threshold<'_>) -> bool {
        let mut others = self.found.iter();
        threshold.allows(found)
            || others.any(|other| is_hidden_by(other, found) && threshold.allows(other))
    }

    /// Whether another explains it.
    fn is_hidden(&self, found: &Match) -> bool {
        self.found.iter().any(|other| is_hidden_by(found, other))
    }

    fn is_far(&self, line: u64) -> bool {
        self.lines - line > FAR
    }

    /// The most telling first, and of those the ones near the end; of each kind
    /// the first before more of another.
    fn ranked(&self, found: &[&Match]) -> Vec<Finding> {
        let recognized: Vec<&Match> = found
            .iter()
            .copied()
            .filter(|found| explains(found))
            .collect();
        let of_title = |title: &str| {
            let first = recognized
                .iter()
                .position(|other| other.pattern.title == title);
            let of_title = recognized
                .iter()
                .filter(|other| other.pattern.title == title);
            let last = of_title.map(|other| other.at).max().unwrap_or_default();
            (self.is_far(last), first)
        };
        let mut chosen: Vec<(usize, &Match)> = Vec::new();
        for each in &recognized {
            let is_first = |other: &&&Match| {
                let is_before = (other.at, other.id) < (each.at, each.id);
                // Of the ends of a program that is started again, the last counts.
                other.pattern.title == each.pattern.title
                    && other.id != each.id
                    && is_before != is_end(each.pattern)
            };
            chosen.push((recognized.iter().filter(is_first).count(), each));
        }
        chosen.sort_by_key(|(nth, found)| (*nth, of_title(found.pattern.title).0));
        chosen.truncate(MOST_FINDINGS);
        let best = |title: &str| {
            let of_title = recognized
                .iter()
                .filter(|found| found.pattern.title == title);
            of_title.map(|found| found.pattern.rank).min()
        };
        chosen.sort_by_key(|(nth, found)| {
            let title = found.pattern.title;
            (best(title), of_title(title), *nth)
        });
        let findings = chosen.into_iter();
        findings.map(|(_, found)| self.finding(found)).collect()
    }
}

/// The findings with no more lines than a digest may have: each keeps its first,
/// and the most telling ones keep most.
fn shortened(mut findings: Vec<Finding>) -> Vec<Finding> {
    let mut room = MOST_LINES.saturating_sub(findings.len());
    for finding in &mut findings {
        let more = finding.lines.len().saturating_sub(1).min(room);
        finding.lines.truncate(1 + more);
        room -= more;
    }
    findings
}

/// Whether the other explains it, or shows that the program got over it.
fn is_hidden_by(found: &Match, other: &Match) -> bool {
    let is_near = other.at.abs_diff(found.at) <= FAR;
    let is_later = other.begun > found.at && other.step == found.step;
    let (title, later) = (found.pattern.title, other.pattern.title);
    other.source == found.source
        && (is_near && hides(other.pattern, found.pattern)
            || is_later && Recovered::shows_that_survived(later, title))
}

/// Whether it says what went wrong, and not only that something did.
pub(super) fn explains(found: &Match) -> bool {
    found.pattern.rank < Rank::Ending
}

/// Whether the one explains the other: a cause all signs that there is one.
fn hides(pattern: &Pattern, other: &Pattern) -> bool {
    let is_same = pattern.title == other.title;
    pattern.hides.contains(&other.title)
        || (is_same && pattern.rank == Rank::Cause && other.rank == Rank::Symptom)
}

/// Whether it says that a program has ended, and by what.
fn is_end(pattern: &Pattern) -> bool {
    pattern.rank == Rank::Symptom && pattern.title.contains(" ended with ")
}

impl Diagnosis {
    fn finding(&self, found: &Match) -> Finding {
        let place = found
            .place
            .clone()
            .and_then(|place| self.roots.resolve(place));
        let of_dockerfile = || {
            self.roots
                .dockerfile()
                .filter(|_| found.pattern.otherwise == Otherwise::InDockerfile)
        };
        Finding {
            title: found.pattern.title,
            lines: found.lines.clone(),
            place: place.or_else(of_dockerfile),
            advice: found.pattern.advice,
            is_known: true,
        }
    }
}
