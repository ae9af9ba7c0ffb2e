//! The table, in words a user understands.

use std::thread;

use super::measure::{Measured, count, measure, ours, theirs};
use super::works::Work;

/// A work done by both programs.
pub(crate) struct Row<'a> {
    work: &'a Work,
    ours: Measured,
    theirs: Measured,
}

pub(crate) fn head() -> String {
    "| work | this program: mean / p95 / worst | every 5 s: mean / p95 / worst | mean / p95 of that \
     | goal | status requests, log readings, others | theirs | 429: status, log, others | theirs \
     | lines lost (unsaid) |\n\
     | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned()
}

impl<'a> Row<'a> {
    /// Both do the work, at the same time.
    pub(crate) fn of(work: &'a Work) -> Self {
        let (ours, theirs) = thread::scope(|scope| {
            let theirs = scope.spawn(|| measure(work, theirs, false));
            let ours = measure(work, ours, true);
            (ours, theirs.join().expect("it is measured"))
        });
        Self { work, ours, theirs }
    }

    pub(crate) fn line(&self) -> String {
        let Self { work, ours, theirs } = self;
        let wrong = match ours.wrong + theirs.wrong {
            0 => String::new(),
            _ => format!(" (wrong: {} and {})", ours.wrong, theirs.wrong),
        };
        format!(
            "| {}{wrong} | {} | {} | {:.2} / {:.2} | {} | {} | {} | {} | {} | {} ({}) |\n",
            work.title,
            lags(ours),
            lags(theirs),
            ours.mean() / theirs.mean(),
            ours.percentile(95) / theirs.percentile(95),
            goal(work),
            requests(ours),
            requests(theirs),
            refused(ours),
            refused(theirs),
            ours.lost,
            ours.lost_silently,
        )
    }
}

fn lags(measured: &Measured) -> String {
    format!(
        "{:.2} / {:.2} / {:.2} s",
        measured.mean(),
        measured.percentile(95),
        measured.percentile(100)
    )
}

fn goal(work: &Work) -> String {
    let number = |goal: Option<f64>| goal.map_or_else(|| "–".to_owned(), |goal| format!("{goal}"));
    format!("{} / {}", number(work.goal.0), number(work.goal.1))
}

/// For each deployment.
fn requests(measured: &Measured) -> String {
    let runs = count(measured.lags.len()).max(1.0);
    let each = |number: usize| count(number) / runs;
    format!(
        "{:.1}, {:.1}, {:.1}",
        each(measured.looks),
        each(measured.readings),
        each(measured.others)
    )
}

fn refused(measured: &Measured) -> String {
    let [looks, readings, others] = measured.refused;
    let all = count(looks + readings + others);
    let part = 100.0 * all / count(measured.requests()).max(1.0);
    format!("{looks}, {readings}, {others} ({part:.1} %)")
}
