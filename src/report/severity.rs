//! How much an entry of the log weighs: one answer for all that show it.

/// How much it weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    Ordinary,
    Warning,
    Error,
}

impl Severity {
    /// By the service's word as a whole: what merely holds such a word is a
    /// stranger's text, and no line is told of on its account.
    pub(super) fn of(word: &str) -> Self {
        let is = |known: &[&str]| known.iter().any(|known| word.eq_ignore_ascii_case(known));
        if is(&[
            "err",
            "error",
            "fatal",
            "crit",
            "critical",
            "alert",
            "emerg",
            "emergency",
            "panic",
        ]) {
            return Self::Error;
        }
        if is(&["warn", "warning"]) {
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
            ("INFO", Severity::Ordinary),
            ("debug", Severity::Ordinary),
            ("", Severity::Ordinary),
            ("::error::x", Severity::Ordinary),
            ("WARN", Severity::Warning),
            ("Warning", Severity::Warning),
            ("ERROR", Severity::Error),
            ("err", Severity::Error),
            ("FATAL", Severity::Error),
            ("CRITICAL", Severity::Error),
        ] {
            assert_eq!(Severity::of(word), weight, "{word}");
        }
    }
}
