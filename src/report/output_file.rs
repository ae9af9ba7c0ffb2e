//! The outputs as a file of the user's choice, in the form that its name asks
//! for.

use std::path::Path;

use crate::ci::{Outputs, dotenv, variable};
use crate::report::atomic_file;
use crate::sanitize::Sanitizer;

/// GitLab refuses a dotenv report of this many bytes.
const TOO_LARGE: usize = 5 * 1024;

/// GitLab takes this many variables from one, unless somebody allows more.
const MOST_VARIABLES: usize = 20;

/// Writes the file, and gives the outputs that it cannot hold.
pub(super) fn write(path: &Path, outputs: Outputs<'_>) -> Result<Vec<&'static str>, String> {
    let is = |wanted: &str| {
        let extension = path.extension();
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
    };
    let (text, left_out) = if is("json") {
        (json(outputs), Vec::new())
    } else if is("properties") {
        (properties(outputs), Vec::new())
    } else {
        report(outputs)
    };
    // Every value is sanitized already.
    atomic_file::write(path, "The outputs", &Sanitizer::default().block(&text))?;
    Ok(left_out)
}

fn json(outputs: Outputs<'_>) -> String {
    let object: serde_json::Map<String, serde_json::Value> = outputs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
        .collect();
    serde_json::Value::Object(object).to_string()
}

/// As `java.util.Properties` reads them.
fn properties(outputs: Outputs<'_>) -> String {
    outputs
        .iter()
        .map(|(name, value)| format!("{name}={}\n", escaped(value.as_str())))
        .collect()
}

/// The value of a property. A space at its beginning would be passed over; and
/// what is outside ASCII would be read as Latin-1.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            ' ' if escaped.is_empty() => escaped.push_str("\\ "),
            ' '..='~' => escaped.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{unit:04X}"));
                }
            }
        }
    }
    escaped
}

/// As GitLab reads a dotenv report: one thing that it cannot read, and it
/// refuses all of it. What is empty is left out without a word.
fn report(outputs: Outputs<'_>) -> (String, Vec<&'static str>) {
    let mut text = String::new();
    let mut variables = 0;
    let mut left_out = Vec::new();
    for (name, value) in outputs {
        if value.as_str().is_empty() {
            continue;
        }
        let line = dotenv::line(&variable(name), value.as_str());
        match line.filter(|line| text.len() + line.len() < TOO_LARGE) {
            Some(line) if variables < MOST_VARIABLES => {
                text.push_str(&line);
                variables += 1;
            }
            _ => left_out.push(*name),
        }
    }
    (text, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitize::SanitizedText;

    fn block(text: &str) -> SanitizedText {
        Sanitizer::default().block(text)
    }

    fn written(name: &str, outputs: Outputs<'_>) -> (String, Vec<&'static str>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let left_out = write(&path, outputs).unwrap();
        (std::fs::read_to_string(path).unwrap(), left_out)
    }

    #[test]
    fn the_name_of_the_file_chooses_the_form() {
        let outputs = [
            ("deployment-id", block("6a1b")),
            ("error", block("two\nlines, é \\")),
            ("url", block("")),
        ];
        assert_eq!(
            written("a.JSON", &outputs),
            (
                "{\"deployment-id\":\"6a1b\",\"error\":\"two\\nlines, é \\\\\",\"url\":\"\"}\n"
                    .to_owned(),
                vec![]
            )
        );
        assert_eq!(
            written("a.properties", &outputs),
            (
                "deployment-id=6a1b\nerror=two\\nlines, \\u00E9 \\\\\nurl=\n".to_owned(),
                vec![]
            )
        );
        for name in ["a.env", "a", "json"] {
            let (text, left_out) = written(name, &outputs);
            assert_eq!(text, "SEVALLA_OUT_DEPLOYMENT_ID=6a1b\n", "{name}");
            assert_eq!(left_out, ["error"]);
        }
    }

    #[test]
    fn a_report_stays_what_gitlab_takes() {
        let value = "x".repeat(5 * 1024 - "SEVALLA_OUT_URL=\nSEVALLA_OUT_STATUS=a\n".len());
        let outputs = |value: &str| [("status", block("a")), ("url", block(value))];
        let (text, left_out) = report(&outputs(&value));
        assert_eq!(
            (text.as_str(), left_out),
            ("SEVALLA_OUT_STATUS=a\n", vec!["url"])
        );
        let (text, left_out) = report(&outputs(&value[1..]));
        assert_eq!((text.len(), left_out), (5 * 1024 - 1, vec![]));
        let many = vec![("url", block("a")); 25];
        let (text, left_out) = report(&many);
        assert_eq!((text.lines().count(), left_out.len()), (20, 5));
    }
}
