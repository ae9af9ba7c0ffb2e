//! The outputs as a file of the user's choice, in the form that its name asks
//! for, or as a folder with a file for each.

use std::io::{self, Write as _};
use std::path::Path;

use crate::ci::{Outputs, dotenv, variable};
use crate::files::{FileIdentity, open_to_append};
use crate::report::atomic_file::{self, WholeFile};
use crate::sanitize::Sanitizer;

/// What is written, in words.
const WHAT: &str = "The outputs";

/// Where the system has files that cannot be replaced.
const DEVICES: &str = "/dev";

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
    if is_folder(path) {
        let written = outputs.iter().try_for_each(|(name, value)| {
            let mut file = WholeFile::create(&path.join(name))?;
            file.add(value.as_str())?;
            file.finish()
        });
        return written.map_or_else(|error| Err(failed(path, &error)), |()| Ok(Vec::new()));
    }
    let (text, left_out) = if is("json") {
        (json(outputs), Vec::new())
    } else if is("properties") {
        (properties(outputs), Vec::new())
    } else {
        report(outputs)
    };
    if path.starts_with(DEVICES) {
        append(path, &text).map_err(|error| failed(path, &error))?;
    } else {
        // Every value is sanitized already.
        atomic_file::write(path, WHAT, &Sanitizer::default().block(&text))?;
    }
    Ok(left_out)
}

/// Whether the outputs can be written there, without writing them.
pub(crate) fn try_out(path: &Path) -> io::Result<()> {
    if is_folder(path) {
        atomic_file::try_out(&path.join("outcome"))
    } else if path.starts_with(DEVICES) {
        append(path, "")
    } else {
        atomic_file::try_out(path)
    }
}

fn is_folder(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// Writes to a file that cannot be replaced, such as Kubernetes' termination log,
/// which is mounted into a folder that only root can write.
fn append(path: &Path, text: &str) -> io::Result<()> {
    let place = FileIdentity::of(path)?;
    open_to_append(&place.path)?.write_all(text.as_bytes())
}

fn failed(path: &Path, error: &io::Error) -> String {
    format!("{WHAT} could not be written to {}: {error}", path.display())
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
    fn a_folder_has_a_file_for_each_output() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results/");
        let outputs = [("url", block("https://a.b")), ("error", block(""))];
        assert!(try_out(&path).is_ok());
        assert_eq!(write(&path, &outputs), Ok(vec![]));
        let read = |name| std::fs::read_to_string(path.join(name)).unwrap();
        // Tekton and Argo take the whole file as the value.
        assert_eq!(["url", "error"].map(read), ["https://a.b", ""]);
    }

    #[cfg(unix)]
    #[test]
    fn what_cannot_be_replaced_is_written_in_its_place() {
        use std::os::unix::fs::MetadataExt as _;

        let Ok(file) = tempfile::NamedTempFile::new_in("/dev/shm") else {
            return; // Not on every machine.
        };
        let number = || file.path().metadata().unwrap().ino();
        let before = number();
        assert!(try_out(file.path()).is_ok());
        write(file.path(), &[("url", block("https://a.b"))]).unwrap();
        assert_eq!(number(), before);
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert_eq!(text, "SEVALLA_OUT_URL=https://a.b\n");
        assert!(write(Path::new("/dev/stdout"), &[]).is_err());
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
