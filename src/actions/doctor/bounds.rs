//! How much of what Sevalla returns the doctor shows.

/// The most of a line, in bytes.
pub(super) const LONGEST_LINE: usize = 600;

/// The most of a name or of a capability, in bytes.
pub(super) const LONGEST_NAME: usize = 64;

/// The most capabilities or roles of a line.
pub(super) const MOST_CAPABILITIES: usize = 8;

/// The most that is said of what no contract has.
pub(super) const MOST_NEWS: usize = 50;

/// The first of a list, and words for the rest.
pub(super) fn first_of<T>(
    all: impl IntoIterator<Item = T>,
    most: usize,
) -> (Vec<T>, Option<String>) {
    let mut all = all.into_iter();
    let shown = all.by_ref().take(most).collect();
    let more = all.count();
    (shown, (more > 0).then(|| format!("and {more} more")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_with_the_number_of_the_rest() {
        let cut = |all: &[i32]| first_of(all.to_vec(), 2);
        assert_eq!(cut(&[1, 2]), (vec![1, 2], None));
        assert_eq!(
            cut(&[1, 2, 3, 4]),
            (vec![1, 2], Some("and 2 more".to_owned()))
        );
        assert_eq!(cut(&[]), (Vec::new(), None));
    }
}
