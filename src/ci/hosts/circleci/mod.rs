//! CircleCI: a script that bash runs before every later step of the job.
//! Source: circleci.com/docs, "Set an environment variable".
//!
//! Everything else on CircleCI is plain.

pub(crate) mod facts;

use crate::ci::detect::DetectionRule;
use crate::ci::facts::RunNames;
use crate::ci::hosts::CiHost;
use crate::ci::plain;
use crate::ci::{Outputs, variable};

/// Its row in the table of hosts.
pub(super) const HOST: CiHost = CiHost {
    name: "circleci",
    title: "CircleCI",
    template: Some("templates/circleci/config.yml"),
    detection: &[DetectionRule::Is("CIRCLECI", "true")],
    names: RunNames {
        run: &["CIRCLE_WORKFLOW_ID"],
        step: &["CIRCLE_JOB", "CIRCLE_NODE_INDEX"],
        attempt: &[],
    },
    facts: facts::facts,
    output: plain::output,
};

/// The lines to add to the file of `BASH_ENV`.
pub(crate) fn exports(outputs: Outputs<'_>) -> String {
    outputs
        .iter()
        .map(|(name, value)| format!("export {}={}\n", variable(name), quoted(value.as_str())))
        .collect()
}

/// The text as one word of a shell. Between single quotes nothing has a
/// meaning but the next one; a line end stays one.
fn quoted(text: &str) -> String {
    // Bash leaves them out, and says so at every step.
    let text = text.replace('\0', "");
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sanitize::Sanitizer;

    #[test]
    fn each_output_is_exported() {
        let block = |text| Sanitizer::default().block(text);
        let outputs = [
            ("url", block("https://a.b")),
            ("error", block("it's\n$(x)")),
        ];
        assert_eq!(
            exports(&outputs),
            "export SEVALLA_OUT_URL='https://a.b'\nexport SEVALLA_OUT_ERROR='it'\\''s\n$(x)'\n"
        );
        assert_eq!(quoted("a\0b"), "'ab'");
    }

    proptest! {
        /// Read as POSIX says: up to the next quote everything is text, and
        /// outside only an escaped quote stands between two quoted parts.
        #[test]
        fn a_word_is_read_back(text in "[^\0]*") {
            let mut read = String::new();
            let word = quoted(&text);
            let mut rest = word.as_str();
            while let Some(inside) = rest.strip_prefix('\'') {
                let (part, after) = inside.split_once('\'').unwrap();
                read.push_str(part);
                rest = match after.strip_prefix("\\'") {
                    Some(more) => {
                        read.push('\'');
                        more
                    }
                    None => after,
                };
            }
            prop_assert_eq!((read.as_str(), rest), (text.as_str(), ""));
        }
    }
}
