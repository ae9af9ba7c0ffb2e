//! All that is tried takes more than a minute of two processors: a test tries a
//! part of it, another one in each run. `HOSTILE_PART` chooses: `all`, as
//! the workflow does, or the number that a failed run printed.

use std::sync::LazyLock;

const PARTS: usize = 4;

/// The number of this run's part, or none for everything.
static CHOSEN: LazyLock<Option<usize>> = LazyLock::new(|| {
    let given = std::env::var("HOSTILE_PART").ok();
    let drawn = || fastrand::usize(..PARTS);
    match given.as_deref() {
        Some("all") => None,
        given => Some(given.map_or_else(drawn, |number| number.parse().unwrap())),
    }
});

/// This run's part, of which a failed test prints the number.
pub(crate) fn part<T>(all: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
    #[expect(
        clippy::print_stdout,
        reason = "the test harness shows it where a test fails"
    )]
    if let Some(number) = *CHOSEN {
        println!("HOSTILE_PART={number}");
    }
    numbered(*CHOSEN, all)
}

fn numbered<T>(number: Option<usize>, all: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
    let (first, step) = number.map_or((0, 1), |number| (number % PARTS, PARTS));
    all.into_iter().skip(first).step_by(step)
}

#[test]
fn the_parts_together_are_everything() {
    let mut tried: Vec<usize> = (0..PARTS)
        .flat_map(|number| numbered(Some(number), 0..10))
        .collect();
    tried.sort_unstable();
    assert!(tried.into_iter().eq(0..10));
    assert!(numbered(None, 0..10).eq(0..10));
}
