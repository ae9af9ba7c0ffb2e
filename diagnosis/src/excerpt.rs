//! What is shown where nothing is claimed: the blocks of lines that stand out.

use std::collections::{BTreeSet, HashSet};

use super::Finding;
use super::salience::{GoodLog, Kept, Lines};

/// The most lines of a digest.
pub(super) const MOST_LINES: usize = 10;

/// The most lines of a block.
const MOST_OF_A_BLOCK: usize = 5;

const MOST_BLOCKS: usize = 3;

/// The most lines that are tried as the first of a block.
const MOST_TRIED: usize = 400;

/// The line that a stack belongs to is looked for so many lines above a frame.
const LONGEST_STACK: usize = 12;

/// So much more an error stands out that the log ends with: no lines below it show
/// how it was met.
const LAST: i32 = 300;

/// So many lines are read again: what tools always print may stand out, too.
const MOST_READ: usize = 1000;

/// A line with so many letters is the same wherever it is, in bytes.
const SAYING: usize = 12;

/// A block may stand out so much less than the best.
const BELOW_THE_BEST: i32 = 300;

/// A line may stand out so much less than the first of its block.
const BELOW_THE_FIRST: i32 = 250;

const STANDING_OUT: &str = "Lines that stand out";

/// The title if a good build printed none of the lines.
const NEW: &str = "Lines that stand out, new since the last successful deployment";

/// The lines that stand out, the block that does most first.
pub(super) fn of(
    lines: &Lines,
    scores: &[i32],
    good: Option<&GoodLog>,
    most: usize,
) -> Option<Finding> {
    let compared = |at: usize| good.zip(lines.kept().get(at));
    let is_new = |at: usize| compared(at).is_none_or(|(good, kept)| !good.has(kept));
    let mut blocks = Blocks {
        lines,
        scores,
        last: lines.last_error().filter(|at| is_new(*at)),
        used: vec![false; scores.len()],
        shown: HashSet::new(),
    };
    let order = blocks.best();
    let (best, _) = *order.first()?;
    let (mut shown, mut count) = (Vec::new(), 0);
    let firsts = order.iter().take(MOST_TRIED);
    for (_, first) in firsts.take_while(|(score, _)| *score >= best - BELOW_THE_BEST) {
        if count == MOST_BLOCKS || shown.len() >= most {
            break;
        }
        let room = MOST_OF_A_BLOCK.min(most - shown.len());
        let block = blocks.around(*first, room);
        count += usize::from(!block.is_empty());
        shown.extend(block);
    }
    let kept = || shown.iter().filter_map(|at| lines.kept().get(*at));
    let texts: Vec<String> = kept().map(|kept| lines.text(kept).to_owned()).collect();
    let are_new = good.is_some_and(|good| kept().all(|kept| !good.has(kept)));
    (!texts.is_empty()).then_some(Finding {
        title: if are_new { NEW } else { STANDING_OUT },
        lines: texts,
        place: None,
        advice: "None of these lines is known as a cause; look at the log around them.",
        is_known: false,
    })
}

struct Blocks<'a> {
    lines: &'a Lines,
    scores: &'a [i32],
    /// The error that the log ends with.
    last: Option<usize>,
    used: Vec<bool>,
    /// What the lines that are shown say, without numbers and signs.
    shown: HashSet<String>,
}

impl Blocks<'_> {
    /// The line with those around it that stand out nearly as much; nothing if
    /// it is shown already.
    fn around(&mut self, first: usize, room: usize) -> BTreeSet<usize> {
        let mut block = BTreeSet::new();
        if self.is_used(first) || self.shown.contains(&self.message(first)) {
            self.mark(first);
            return block;
        }
        block.insert(first);
        let (mut low, mut high) = (first, first);
        let least = self.score(first).saturating_sub(BELOW_THE_FIRST);
        while block.len() < room {
            let is_new = |at: &usize| !self.is_used(*at) && !self.is_shown(*at);
            let above = low.checked_sub(1).filter(is_new);
            let below = Some(high + 1).filter(is_new);
            let next = above.into_iter().chain(below);
            let Some(next) = next.max_by_key(|at| self.score(*at)) else {
                break;
            };
            if self.score(next) < least {
                break;
            }
            block.insert(next);
            (low, high) = (low.min(next), high.max(next));
        }
        if let Some(head) = self.head_of(low) {
            if block.len() >= room {
                block.pop_last();
            }
            block.insert(head);
            low = head;
        }
        (low.saturating_sub(1)..=high + 1).for_each(|at| self.mark(at));
        // What a tool was about to do before it failed.
        let is_notable = |at: &usize| self.lines.kept().get(*at).is_some_and(Kept::is_notable);
        if block.iter().any(is_notable) {
            let begin = block.iter().find(|at| !self.is_progress(**at)).copied();
            block.retain(|at| begin.is_none_or(|begin| *at >= begin));
        }
        for at in &block {
            self.shown.insert(self.message(*at));
        }
        block
    }

    /// The lines that stand out most as news, the best first. Whether they are news
    /// is only looked at for the best of all.
    fn best(&self) -> Vec<(i32, usize)> {
        let mut best: Vec<(i32, usize)> = self.scores.iter().copied().zip(0..).collect();
        let key = |(score, at): &(i32, usize)| (std::cmp::Reverse(*score), *at);
        if best.len() > MOST_READ {
            best.select_nth_unstable_by_key(MOST_READ, key);
            best.truncate(MOST_READ);
        }
        for (score, at) in &mut best {
            *score = self.as_news(*at, *score);
        }
        best.sort_unstable_by_key(key);
        best
    }

    fn score(&self, at: usize) -> i32 {
        let score = self.scores.get(at);
        score.map_or(i32::MIN, |score| self.as_news(at, *score))
    }

    fn as_news(&self, at: usize, score: i32) -> i32 {
        let is_last = self.last == Some(at);
        self.lines.as_news(at, score) + i32::from(is_last) * LAST
    }

    /// `Checking the tag ... v2.4.0`
    fn is_progress(&self, at: usize) -> bool {
        let line = self.lines.kept().get(at);
        line.is_some_and(|line| !line.is_notable() && self.lines.text(line).contains(" ... "))
    }

    /// What lies beyond the ends counts as used.
    fn is_used(&self, at: usize) -> bool {
        self.used.get(at).copied().unwrap_or(true)
    }

    /// The line above a stack of which a frame is the first line of a block.
    fn head_of(&self, first: usize) -> Option<usize> {
        let is_frame = |at: usize| {
            let line = self.lines.kept().get(at);
            line.is_some_and(Kept::is_frame)
        };
        if !is_frame(first) {
            return None;
        }
        let mut above = (first.saturating_sub(LONGEST_STACK)..first).rev();
        let head = above.find(|at| !is_frame(*at));
        head.filter(|head| !self.is_used(*head))
    }

    fn mark(&mut self, at: usize) {
        if let Some(used) = self.used.get_mut(at) {
            *used = true;
        }
    }

    /// Whether a line that says the same is shown. Short ones may mean another
    /// thing each time.
    fn is_shown(&self, at: usize) -> bool {
        let message = self.message(at);
        message.len() >= SAYING && self.shown.contains(&message)
    }

    fn message(&self, at: usize) -> String {
        let text = self.lines.kept().get(at).map(|kept| self.lines.text(kept));
        let text = text.unwrap_or_default().chars();
        text.filter(|c| c.is_alphabetic()).collect()
    }
}
