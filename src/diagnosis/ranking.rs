//! What of all that was found is told, and in what order.

use super::excerpt::{self, MOST_LINES};
use super::gate::Gate;
use super::pattern::Rank;
use super::{Diagnosis, Digest, Finding, Found};

/// The most findings of a digest that are known.
const MOST_FINDINGS: usize = 10;

/// What lies so many lines before the end may have been got over.
const FAR: u64 = 30;

impl Diagnosis {
    /// What was found so far.
    pub fn digest(&self) -> Digest {
        let failed = self.failed.as_ref().map(|failed| failed.step);
        let scores = self.all.scores(failed, self.good.as_ref());
        let gate = Gate::of(&self.all, &scores);
        let found = self.found.iter().filter(|found| self.counts(found));
        let claimed: Vec<&Found> = found
            .filter(|found| explains(found) && gate.lets(found))
            .collect();
        let mut findings = shortened(self.ranked(&claimed));
        let is_near = claimed.iter().any(|found| !self.is_far(found.at));
        if !is_near {
            let shown: usize = findings.iter().map(|finding| finding.lines.len()).sum();
            let room = MOST_LINES.saturating_sub(shown);
            let shown = excerpt::of(&self.all, &scores, self.good.as_ref(), room);
            findings.extend(shown);
        }
        Digest { findings }
    }

    /// What was found of the program that was deployed: a build that ended well
    /// did not fail by what it printed. Nothing, where its end is not known.
    pub fn digest_of_run(&self) -> Digest {
        let is_of_run = |found: &&Found| {
            let is_behind = self.build_ended.is_some_and(|end| found.at > end);
            is_behind && found.pattern.is_of_run
        };
        let of_run: Vec<&Found> = self.found.iter().filter(is_of_run).collect();
        Digest {
            findings: self.ranked(&of_run),
        }
    }

    /// Whether it can have made the build fail: where a step failed, what it
    /// printed and what came after it.
    fn counts(&self, found: &Found) -> bool {
        self.failed.as_ref().is_none_or(|failed| {
            found.step == Some(failed.step) || (found.step.is_none() && found.at > failed.begun)
        })
    }

    fn is_far(&self, line: u64) -> bool {
        self.lines - line > FAR
    }

    /// The most telling first, and of those the ones near the end; of each kind
    /// the first before more of another.
    fn ranked(&self, found: &[&Found]) -> Vec<Finding> {
        let told: Vec<&Found> = found
            .iter()
            .copied()
            .filter(|found| explains(found))
            .collect();
        let of_title = |title: &str| {
            let first = told.iter().position(|other| other.pattern.title == title);
            let of_title = told.iter().filter(|other| other.pattern.title == title);
            let last = of_title.map(|other| other.at).max().unwrap_or_default();
            (self.is_far(last), first)
        };
        let mut chosen: Vec<(usize, &Found)> = Vec::new();
        for each in &told {
            let title = each.pattern.title;
            let nth = chosen
                .iter()
                .filter(|(_, other)| other.pattern.title == title)
                .count();
            chosen.push((nth, each));
        }
        chosen.sort_by_key(|(nth, found)| (*nth, of_title(found.pattern.title).0));
        chosen.truncate(MOST_FINDINGS);
        let best = |title: &str| {
            let of_title = told.iter().filter(|found| found.pattern.title == title);
            of_title.map(|found| found.pattern.rank).min()
        };
        chosen.sort_by_key(|(nth, found)| {
            let title = found.pattern.title;
            (best(title), of_title(title), *nth)
        });
        let findings = chosen.into_iter();
        findings.map(|(_, found)| found.finding()).collect()
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

/// Whether it says what went wrong, and not only that something did.
fn explains(found: &Found) -> bool {
    found.pattern.rank != Rank::Consequence
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
