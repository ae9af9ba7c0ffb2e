//! Secrets in files: of each secret `NAME`, the variable `NAME_FILE` is the path of
//! a file that holds it, as Docker and Kubernetes mount them.

use std::path::{Path, PathBuf};

use super::problem::{Problem, ProblemKind};
use super::table::{Input, TABLE};
use super::values;
use crate::environment::{UnreadableValue, Variables};
use crate::files;

/// The most bytes of such a file. Every secret is shorter.
const LARGEST: u64 = 64 * 1024;

/// These variables with the content of its file in the place of each path.
#[must_use]
pub fn read_secret_files(mut variables: Variables) -> Variables {
    for name in TABLE.iter().flat_map(Input::file_spellings) {
        if let Some(content) = variables.text(&name).map(secret_in) {
            variables.replace(&name, content.map_err(UnreadableValue));
        }
    }
    variables
}

fn secret_in(path: &str) -> Result<String, String> {
    let expected = "expected the path of a file that holds the secret";
    values::read::<PathBuf>(path)?;
    // Somebody may have set the secret itself, which must not be shown.
    if !path.contains(std::path::is_separator) || path.contains("://") {
        return Err(format!("{expected}, such as /run/secrets/token"));
    }
    let refused = |why: &str| format!("{expected}, but {path} cannot be used: {why}");
    let content = files::read(Path::new(path), LARGEST).map_err(|it| refused(&it.to_string()))?;
    let text = String::from_utf8(content).map_err(|_| refused("it is not UTF-8 text"))?;
    if text.trim().is_empty() {
        return Err(refused("it is empty"));
    }
    Ok(text)
}

/// A secret is given as a value or as a file: which of two is meant is unknown.
pub(super) fn conflict(input: &Input, variables: &Variables) -> Option<Problem> {
    let given = |name: &String| variables.given(name).is_some();
    let file = input.file_spellings().into_iter().find(given)?;
    let value = input.spellings().into_iter().find(given)?;
    let message = format!("{value} is set too: remove one of the two");
    Some(Problem::new(ProblemKind::Conflict, file, None, message))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::inputs::{Inputs, secrets_in};

    const KEY: &str = "svl_0123456789abcdef";

    fn read(pairs: &[(&str, &str)]) -> (Inputs, Vec<String>, Variables) {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        let variables = read_secret_files(pairs.collect());
        let (inputs, problems) = Inputs::read(&variables);
        let lines = problems.iter().map(ToString::to_string).collect();
        (inputs, lines, variables)
    }

    #[test]
    fn each_secret_can_be_in_a_file_and_is_hidden_as_any_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("..data");
        std::fs::write(&file, format!("{KEY}\n")).unwrap();
        // Kubernetes mounts links.
        let link = folder.path().join("token");
        symlink("..data", &link).unwrap();
        let path = link.to_str().unwrap();
        for name in [
            "SEVALLA_TOKEN_FILE",
            "SEVALLA_API_KEY_FILE",
            "INPUT_SEVALLA-TOKEN-FILE",
            "INPUT_SEVALLA_TOKEN_FILE",
            "PLUGIN_SEVALLA_TOKEN_FILE",
        ] {
            let (inputs, lines, variables) = read(&[(name, path)]);
            assert_eq!(lines, Vec::<String>::new());
            assert_eq!(inputs.sevalla_token.unwrap().expose(), KEY, "{name}");
            assert_eq!(secrets_in(&variables), [KEY]);
            assert!(crate::inputs::unknown_names(&variables).is_empty());
        }
        for input in TABLE {
            let files = input.file_spellings();
            assert_eq!(!files.is_empty(), input.secret);
            let last = format!("{}_FILE", input.variable());
            assert!(!input.secret || files.contains(&last), "{files:?}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("empty"), " \n").unwrap();
        std::fs::write(path("large"), "x".repeat(64 * 1024 + 1)).unwrap();
        std::fs::write(path("odd"), [0xff, 0xfe]).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        for (name, why) in [
            ("absent", "No such file"),
            ("empty", "it is empty"),
            ("large", "it has more than 65536 bytes"),
            ("odd", "it is not UTF-8 text"),
            ("socket", "it is a socket, not a regular file"),
            ("", "it is a folder, not a regular file"),
        ] {
            let path = path(name);
            let (_, lines, _) = read(&[("SEVALLA_TOKEN_FILE", &path)]);
            assert_eq!(lines.len(), 1, "{lines:?}");
            let line = &lines[0];
            assert!(line.starts_with("SEVALLA_TOKEN_FILE: "), "{line}");
            assert!(line.contains(&path) && line.contains(why), "{line}");
        }
    }

    #[test]
    fn what_is_no_path_is_not_shown() {
        for secret in [KEY, "https://hook.example.com/apps/x/deploy/hush"] {
            let (_, lines, _) = read(&[("SEVALLA_DEPLOY_HOOK_URL_FILE", secret)]);
            assert!(lines[0].contains("the path of a file"), "{lines:?}");
            assert!(!lines[0].contains(secret), "{lines:?}");
        }
        let (_, lines, _) = read(&[("SEVALLA_TOKEN_FILE", "$FOLDER/token")]);
        assert!(lines[0].contains("did not fill in"), "{lines:?}");
    }

    #[test]
    fn a_value_and_a_file_are_a_conflict() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, KEY).unwrap();
        let file = ("SEVALLA_TOKEN_FILE", file.to_str().unwrap());
        for name in ["SEVALLA_TOKEN", "SEVALLA_API_KEY", "INPUT_SEVALLA-TOKEN"] {
            let (_, lines, _) = read(&[file, (name, "svl_other")]);
            let expected = format!("SEVALLA_TOKEN_FILE: {name} is set too: remove one of the two");
            assert_eq!(lines, [expected]);
        }
        let (_, lines, _) = read(&[file, ("SEVALLA_TOKEN", " ")]);
        assert!(lines.is_empty());
    }
}
