//! The severity of an entry of the log, as Sevalla's word states it.

/// How severe an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Most entries.
    Ordinary,
    /// A warning.
    Warning,
    /// An error.
    Error,
}

impl Severity {
    /// The severity that Sevalla's word means. Only the whole word counts: a longer
    /// text can come from a build, which must not choose what is shown.
    pub fn of(word: &str) -> Self {
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
    fn only_the_whole_word_decides() {
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
