//! How much each line of a log stands out: the traits of the line and of those
//! around it, how rare it is, and how near to a failure, weighed.

use std::ops::{Range, RangeInclusive};

use super::fingerprint::{self, KINDS};
use super::looks::{self, Looks, TRAITS, bit, shape, word};
use super::scan::{Scan, module};
use super::weights::WEIGHTS;
use super::{LONGEST_KEPT, beginning, noise};

/// The most text that is kept, in bytes. Beyond it, lines of the older half go
/// that nothing of note is near.
const MOST_TEXT: usize = 2 * 1024 * 1024;

/// The most lines that are kept.
const MOST_LINES: usize = 32 * 1024;

/// So many lines around one of note are kept.
const AROUND: usize = 6;

/// So much less a line stands out that its tool always prints.
const NOISE: i32 = 1000;

/// So much less a frame stands out that is in nobody's own code.
const FOREIGN: i32 = 200;

/// So much more a line stands out that the builder repeats as the end of the step
/// that failed.
const REPEATED: i32 = 200;

/// So much less a line stands out that a good build printed too.
const PRINTED_BEFORE: i32 = 300;

/// Traits of lines of note.
const NOTABLE: Looks = bit(word::ERROR)
    | bit(word::TYPED)
    | bit(word::FAIL)
    | bit(word::EXCEPTION)
    | bit(word::CRASH)
    | bit(word::FATAL)
    | bit(shape::BEGINS_ERROR)
    | bit(shape::BEGINS_FAIL)
    | bit(shape::ENDS_FAILED)
    | bit(shape::MATCHED);

/// Traits of lines that say that a command ended.
const ENDS: Looks = bit(word::ENDED_WELL) | bit(word::WRAPPER) | bit(word::EXIT);

/// A line that is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    /// Where its text begins, and how long it is.
    begin: u32,
    length: u16,
    /// Which lines count as the same, and which as akin.
    same: u16,
    akin: u16,
    /// The step of the image build, 0 for none.
    step: u32,
    number: u64,
    looks: Looks,
    /// Whether it only repeats what others print.
    is_noise: bool,
    /// Whether the builder repeats it as the end of the step that failed.
    is_repeated: bool,
}

impl Kept {
    /// Whether it sounds like a failure.
    pub(super) const fn is_notable(&self) -> bool {
        self.looks & NOTABLE != 0
    }

    /// Whether it is a frame of a stack.
    pub(super) const fn is_frame(&self) -> bool {
        self.looks & bit(shape::FRAME) != 0
    }
}

/// The lines of a log as far as they matter, and how often each kind was there.
#[derive(Debug)]
pub(super) struct Lines {
    text: String,
    kept: Vec<Kept>,
    same: Vec<u16>,
    akin: Vec<u16>,
    is_after_blank: bool,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            text: String::new(),
            kept: Vec::new(),
            same: vec![0; KINDS],
            akin: vec![0; KINDS],
            is_after_blank: false,
        }
    }
}

impl Lines {
    /// An empty line parts what belongs to different things.
    pub(super) const fn take_blank(&mut self) {
        self.is_after_blank = true;
    }

    /// Takes a line that was scanned.
    pub(super) fn take(&mut self, text: &str, number: u64, step: Option<u32>, scan: &Scan) {
        let text = beginning(text.trim_ascii_end(), LONGEST_KEPT);
        if self.text.len() + text.len() > MOST_TEXT || self.kept.len() >= MOST_LINES {
            self.thin_out();
        }
        let blank = std::mem::take(&mut self.is_after_blank);
        let blank = Looks::from(blank) << shape::AFTER_BLANK;
        let (same, akin) = fingerprint::kinds(text.as_bytes());
        count(&mut self.same, same);
        count(&mut self.akin, akin);
        // Both fit: the text is bounded.
        let begin = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        self.kept.push(Kept {
            begin,
            length,
            same,
            akin,
            step: step.map_or(0, |step| step.saturating_add(1)),
            number,
            looks: looks::shapes(text, scan.concerns(module::ROW)) | blank | scan.looks,
            is_noise: false,
            is_repeated: false,
        });
        self.text.push_str(text);
    }

    /// Adds a trait to the last line.
    pub(super) fn add(&mut self, number: u8) {
        if let Some(last) = self.kept.last_mut() {
            last.looks |= bit(number);
        }
    }

    /// The last line is no news.
    pub(super) fn is_noise(&mut self) {
        if let Some(last) = self.kept.last_mut() {
            last.is_noise = true;
        }
    }

    /// The last line belongs to the end of the step that failed.
    pub(super) fn is_repeated(&mut self) {
        if let Some(last) = self.kept.last_mut() {
            last.is_repeated = true;
        }
    }

    /// Whether none of the lines with these numbers is news.
    pub(super) fn is_all_noise(&self, numbers: RangeInclusive<u64>) -> bool {
        let lines = self.kept.get(self.range(numbers)).unwrap_or_default();
        lines.iter().all(|line| self.is_no_news(line))
    }

    /// Whether no line before the one with this number sounds like a failure.
    pub(super) fn is_quiet_before(&self, number: u64) -> bool {
        let mut before = self.kept.iter().take_while(|line| line.number < number);
        before.all(|line| line.looks & (NOTABLE | bit(shape::MARKED)) == 0)
    }

    pub(super) fn kept(&self) -> &[Kept] {
        &self.kept
    }

    /// Which of the kept lines have these numbers.
    pub(super) fn range(&self, numbers: RangeInclusive<u64>) -> Range<usize> {
        let from = self
            .kept
            .partition_point(|line| line.number < *numbers.start());
        let to = self
            .kept
            .partition_point(|line| line.number <= *numbers.end());
        from..to.max(from)
    }

    pub(super) fn text(&self, kept: &Kept) -> &str {
        let begin = kept.begin as usize;
        let text = self.text.get(begin..begin + usize::from(kept.length));
        text.unwrap_or_default()
    }

    /// Whether the next end of a command after this line is a good one.
    pub(super) fn ended_well_after(&self, number: u64) -> bool {
        let from = self.kept.partition_point(|line| line.number <= number);
        let mut after = self.kept.iter().skip(from);
        let end = after.find(|line| line.looks & ENDS != 0);
        end.is_some_and(|line| line.looks & bit(word::ENDED_WELL) != 0)
    }

    /// Whether a line behind this one sums failures: of tests that are run.
    pub(super) fn sums_failures_after(&self, number: u64) -> bool {
        let from = self.kept.partition_point(|line| line.number <= number);
        let mut after = self.kept.iter().skip(from);
        after.any(|line| {
            let is = |number: u8| line.looks & bit(number) != 0;
            is(word::SUMMARY) && is(word::FAIL) && !is(word::ZERO)
        })
    }

    /// Drops what nothing of note is near, in the older half; if that is not
    /// enough, all of it.
    fn thin_out(&mut self) {
        let half = self.kept.len() / 2;
        let mut is_near = vec![false; half];
        for (at, kept) in self.kept.iter().take(half).enumerate() {
            if kept.looks & NOTABLE != 0 {
                let near = at.saturating_sub(AROUND)..(at + AROUND + 1).min(half);
                is_near.get_mut(near).unwrap_or_default().fill(true);
            }
        }
        let near = is_near.iter().filter(|is_near| **is_near).count();
        if near * 2 > half {
            is_near.fill(false);
        }
        let mut text = String::with_capacity(self.text.len());
        let mut at = 0;
        let mut lines = std::mem::take(&mut self.kept);
        lines.retain_mut(|kept| {
            let stays = is_near.get(at).copied().unwrap_or(true);
            at += 1;
            if stays {
                let begin = kept.begin as usize;
                let line = self.text.get(begin..begin + usize::from(kept.length));
                kept.begin = u32::try_from(text.len()).unwrap_or(u32::MAX);
                text.push_str(line.unwrap_or_default());
            }
            stays
        });
        (self.text, self.kept) = (text, lines);
    }

    /// How much each line stands out. What a good build printed too does so less.
    pub(super) fn scores(&self, failed: Option<u32>, good: Option<&GoodLog>) -> Vec<i32> {
        let features = Features::of(self, failed);
        let score = |(at, kept): (usize, &Kept)| {
            let is_old = good.is_some_and(|good| good.has(kept));
            features.score(at) - if is_old { PRINTED_BEFORE } else { 0 }
        };
        self.kept.iter().enumerate().map(score).collect()
    }

    /// How much a kept line stands out that does so by this, where what a tool always
    /// prints counts for less, and the end of the step that failed for more.
    pub(super) fn as_news(&self, at: usize, score: i32) -> i32 {
        let Some(line) = self.kept.get(at) else {
            return i32::MIN;
        };
        let is_foreign = noise::is_foreign_frame(self.text(line).trim());
        score + i32::from(line.is_repeated) * REPEATED
            - i32::from(self.is_no_news(line)) * NOISE
            - i32::from(is_foreign) * FOREIGN
    }

    /// Which line says that it is an error, if only what is no news follows, and it
    /// says more than that something before it failed.
    pub(super) fn last_error(&self) -> Option<usize> {
        let mut lines = self.kept.iter().enumerate().rev();
        let (at, last) = lines.find(|(_, line)| !self.is_no_news(line))?;
        let is = |traits: Looks| last.looks & traits != 0;
        let repeats = bit(shape::CONSEQUENCE) | bit(word::WRAPPER);
        (is(bit(shape::BEGINS_ERROR)) && !is(repeats)).then_some(at)
    }

    fn is_no_news(&self, line: &Kept) -> bool {
        line.is_noise || noise::is_noise(self.text(line).trim())
    }
}

/// Which lines a build printed that went well.
#[derive(Debug)]
pub(super) struct GoodLog(Vec<u16>);

impl From<Lines> for GoodLog {
    fn from(lines: Lines) -> Self {
        Self(lines.same)
    }
}

impl GoodLog {
    /// Whether the line was there, apart from its numbers, hashes and times.
    pub(super) fn has(&self, line: &Kept) -> bool {
        let count = self.0.get(usize::from(line.same));
        count.is_some_and(|count| *count > 0)
    }
}

fn count(table: &mut [u16], kind: u16) {
    if let Some(count) = table.get_mut(usize::from(kind)) {
        *count = count.saturating_add(1);
    }
}

/// What is known of each line: its own traits, those around it, and counts.
pub(super) struct Features<'a> {
    lines: &'a Lines,
    failed: u32,
    /// How far below the next line is that says that something ended, and
    /// whether it ended badly.
    ends: Vec<(u32, bool)>,
    /// How many lines of note there are up to each line.
    notable: Vec<u32>,
}

/// The features behind the traits of the line, of those above and of those
/// below.
const BEHIND: usize = 3 * TRAITS;

/// So many features there are.
pub(super) const FEATURES: usize = BEHIND + 48;

impl<'a> Features<'a> {
    pub(super) fn of(lines: &'a Lines, failed: Option<u32>) -> Self {
        let mut ends = Vec::with_capacity(lines.kept.len());
        let mut next = (u32::MAX, false);
        for kept in lines.kept.iter().rev() {
            ends.push(next);
            next.0 = next.0.saturating_add(1);
            let is_bad = kept.looks & (bit(word::WRAPPER) | bit(word::EXIT)) != 0;
            if kept.looks & bit(word::ENDED_WELL) != 0 {
                next = (1, false);
            } else if is_bad {
                next = (1, true);
            }
        }
        ends.reverse();
        let mut sum = 0;
        let notable = lines.kept.iter().map(|kept| {
            sum += u32::from(kept.looks & NOTABLE != 0 && kept.looks & bit(word::ZERO) == 0);
            sum
        });
        Self {
            failed: failed.map_or(0, |step| step.saturating_add(1)),
            ends,
            notable: notable.collect(),
            lines,
        }
    }

    fn score(&self, at: usize) -> i32 {
        let mut score = 0;
        self.each(at, |feature| {
            score += WEIGHTS.get(feature).copied().map_or(0, i32::from);
        });
        score
    }

    /// The features of a line by their numbers.
    pub(super) fn each(&self, at: usize, mut take: impl FnMut(usize)) {
        let kept = &self.lines.kept;
        let Some(line) = kept.get(at) else {
            return;
        };
        let together = |lines: &[Kept]| lines.iter().fold(0, |looks, line| looks | line.looks);
        let above = together(kept.get(at.saturating_sub(2)..at).unwrap_or_default());
        let below = kept.get(at + 1..(at + 3).min(kept.len()));
        let below = together(below.unwrap_or_default());
        for (number, looks) in [line.looks, above, below].into_iter().enumerate() {
            let mut rest = looks;
            while rest != 0 {
                take(number * TRAITS + rest.trailing_zeros() as usize);
                rest &= rest - 1;
            }
        }
        let mut behind = BEHIND;
        let mut bucket = |value: usize, bounds: &[usize]| {
            take(behind + bounds.iter().filter(|bound| value > **bound).count());
            behind += bounds.len() + 1;
        };
        let of =
            |table: &[u16], kind: u16| table.get(usize::from(kind)).copied().map_or(0, usize::from);
        bucket(of(&self.lines.same, line.same), &[1, 2, 4, 9]);
        bucket(of(&self.lines.akin, line.akin), &[2, 5, 15, 50]);
        bucket(kept.len() - at, &[5, 15, 40, 100, 300, 1000]);
        let (distance, is_bad) = self.ends.get(at).copied().unwrap_or_default();
        let distance = distance as usize;
        bucket(if is_bad { distance } else { 0 }, &[0, 2, 6, 15, 40, 100]);
        bucket(if is_bad { 0 } else { distance }, &[0, 15, 100]);
        let noted = |from: usize, to: usize| {
            let count = |at: usize| {
                let at = at.min(kept.len()).checked_sub(1);
                at.and_then(|at| self.notable.get(at))
                    .copied()
                    .unwrap_or_default()
            };
            (count(to) - count(from)) as usize
        };
        bucket(noted(at.saturating_sub(10), at), &[0, 2]);
        bucket(noted(at + 1, at + 11), &[0, 2]);
        bucket(noted(0, at), &[0, 5, 20]);
        let relation = match line.step {
            0 => 0,
            step if step == self.failed => 2,
            _ => 1,
        };
        bucket(relation, &[0, 1]);
        bucket(4 * at / kept.len(), &[0, 1, 2]);
    }
}
