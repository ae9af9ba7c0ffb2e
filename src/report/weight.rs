//! How much an entry of the log weighs: one answer for all that show it.

/// How much it weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Ordinary,
    Warning,
    Error,
}

impl Weight {
    /// By the service's word, whose set is open.
    pub(super) fn of(word: &str) -> Self {
        let word = word.to_ascii_lowercase();
        let is = |signs: &[&str]| signs.iter().any(|sign| word.contains(sign));
        if is(&["err", "fatal", "crit", "alert", "emerg", "panic"]) {
            return Self::Error;
        }
        if is(&["warn"]) {
            return Self::Warning;
        }
        Self::Ordinary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weight_is_known_by_its_word() {
        for (word, weight) in [
            ("INFO", Weight::Ordinary),
            ("debug", Weight::Ordinary),
            ("", Weight::Ordinary),
            ("WARN", Weight::Warning),
            ("Warning", Weight::Warning),
            ("ERROR", Weight::Error),
            ("err", Weight::Error),
            ("FATAL", Weight::Error),
            ("CRITICAL", Weight::Error),
        ] {
            assert_eq!(Weight::of(word), weight, "{word}");
        }
    }
}
