//! [`PathFilter`]: which files of a repository concern a service.
//!
//! A file that is matched too often costs a deployment; one that is missed
//! leaves an old version live. Where the meaning of a glob is open, it matches.

use std::collections::BTreeSet;

use fast_glob::glob_match;

/// Which files of the repository concern a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PathFilter {
    /// All.
    #[default]
    All,
    /// Those that one of these globs matches.
    Only(Vec<String>),
    /// All but those that one of these globs surely matches.
    AllBut(Vec<String>),
}

impl PathFilter {
    /// The `paths` of a service in a stack, which have no [`objection`].
    ///
    /// Globs are relative to the root of the repository: `*` and `?` stay inside
    /// a directory, `**` does not. A glob that matches a directory also matches
    /// the files below it.
    pub fn of_paths(globs: &[String]) -> Self {
        Self::Only(globs.iter().map(|glob| trimmed(glob).to_owned()).collect())
    }

    /// The deploy paths of a service on Sevalla. How Sevalla matches them is not
    /// documented: those that allow are read generously, those that exclude
    /// strictly.
    pub fn of_deploy_paths(allowed: &[String], ignored: &[String]) -> Self {
        let is_plain = |glob: &String| !glob.contains(['{', '[', '(', '!', '\\']);
        if !allowed.is_empty() {
            // Another dialect may match more than ours.
            return if allowed.iter().all(is_plain) {
                Self::Only(allowed.iter().map(|glob| widened(glob)).collect())
            } else {
                Self::All
            };
        }
        if ignored.iter().any(|glob| glob.starts_with('!')) {
            return Self::All;
        }
        let ignored = ignored.iter().filter(|glob| is_plain(glob));
        Self::AllBut(ignored.cloned().collect())
    }

    /// The first of the files that concerns the service, and how many do.
    pub fn matches<'f>(&self, files: &'f BTreeSet<String>) -> Option<(&'f str, usize)> {
        let mut matching = files.iter().filter(|file| self.includes(file));
        let first = matching.next()?;
        Some((first, 1 + matching.count()))
    }

    /// Whether a file concerns the service.
    pub fn includes(&self, file: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(globs) => globs.iter().any(|glob| is_at_or_below(glob, file)),
            Self::AllBut(globs) => {
                // In some dialects a glob does not match hidden files.
                let is_hidden = file.starts_with('.') || file.contains("/.");
                is_hidden || !globs.iter().any(|glob| glob_match(glob, file))
            }
        }
    }
}

/// Why a glob cannot be one of the `paths` of a service, completing "it …".
pub fn objection(glob: &str) -> Option<String> {
    let text = match glob {
        _ if trimmed(glob).is_empty() => "is empty",
        _ if glob.starts_with('/') => "begins with `/`; paths begin at the root of the repository",
        _ if glob.starts_with('!') => "begins with `!`; paths cannot exclude files",
        _ if glob.split('/').any(|part| matches!(part, "." | "..")) => {
            "has a part `.` or `..`, which no path in a repository has"
        }
        _ => {
            let error = fast_glob::validate(glob).err()?;
            return Some(format!("is no glob: {error}"));
        }
    };
    Some(text.to_owned())
}

/// A directory is often written with a slash at its end.
fn trimmed(glob: &str) -> &str {
    glob.trim_end_matches('/')
}

/// Whether a glob matches a file or a directory that it is in.
fn is_at_or_below(glob: &str, file: &str) -> bool {
    let ends = file.match_indices('/').map(|(at, _)| at);
    let mut parents = ends.filter_map(|at| file.get(..at));
    glob_match(glob, file) || parents.any(|parent| glob_match(glob, parent))
}

/// A glob that matches what this one matches in any common dialect: where `*`
/// crosses directories, and where a name without a directory matches anywhere.
fn widened(glob: &str) -> String {
    let glob = trimmed(glob);
    let glob = glob.strip_prefix("./").unwrap_or(glob);
    let glob = glob.trim_start_matches('/');
    let is_name = !glob.contains('/');
    let parts = glob.split('/').map(|part| {
        if part.contains("**") {
            "**".to_owned()
        } else if is_name || part.contains('*') {
            format!("**/{part}")
        } else {
            part.to_owned()
        }
    });
    let parts: Vec<String> = parts.collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn matching<'f>(filter: &PathFilter, files: &[&'f str]) -> Vec<&'f str> {
        let includes = |file: &&str| filter.includes(file);
        files.iter().copied().filter(includes).collect()
    }

    #[test]
    fn paths_of_a_stack_are_matched_as_written_and_directories_with_what_is_below() {
        for (glob, expected) in [
            ("api/**", vec!["api/a.rs", "api/x/.env", "api/x/b.rs"]),
            ("api", vec!["api/a.rs", "api/x/.env", "api/x/b.rs"]),
            ("api/", vec!["api/a.rs", "api/x/.env", "api/x/b.rs"]),
            ("api/?.rs", vec!["api/a.rs"]),
            ("*.md", vec!["README.md"]),
            ("**/*.md", vec!["README.md", "docs/a.md"]),
            ("*/x", vec!["api/x/.env", "api/x/b.rs"]),
            ("{docs,web}/**", vec!["docs/a.md", "web/größe ü.ts"]),
            ("web/größe*", vec!["web/größe ü.ts"]),
            (
                "**",
                vec![
                    "README.md",
                    "api/a.rs",
                    "api/x/.env",
                    "api/x/b.rs",
                    "docs/a.md",
                    "web/größe ü.ts",
                ],
            ),
        ] {
            let files = [
                "README.md",
                "api/a.rs",
                "api/x/.env",
                "api/x/b.rs",
                "docs/a.md",
                "web/größe ü.ts",
            ];
            let filter = PathFilter::of_paths(&texts(&[glob]));
            assert_eq!(objection(glob), None, "{glob}");
            assert_eq!(matching(&filter, &files), expected, "{glob}");
        }
    }

    #[test]
    fn a_glob_that_can_never_match_is_an_error() {
        for glob in [
            "",
            "/",
            "/api",
            "!api",
            "./api",
            "api/../web",
            "api/[a",
            "{a,b",
            "a\\",
        ] {
            assert!(objection(glob).is_some(), "{glob}");
        }
    }

    #[test]
    fn deploy_paths_of_sevalla_match_in_doubt() {
        let files = [
            "README.md",
            "api/a.rs",
            "api/x/b.rs",
            "docs/.x",
            "docs/a.md",
            "docs/i/a.md",
        ];
        let allowed = |glob: &str| {
            let filter = PathFilter::of_deploy_paths(&texts(&[glob]), &[]);
            matching(&filter, &files)
        };
        for glob in [
            "api/**",
            "api",
            "/api/",
            "./api/*",
            "api/*.rs",
            "a*/**",
            "api/**.rs",
        ] {
            assert_eq!(allowed(glob), ["api/a.rs", "api/x/b.rs"], "{glob}");
        }
        assert_eq!(allowed("*.md"), ["README.md", "docs/a.md", "docs/i/a.md"]);
        for glob in ["{api,web}/**", "!docs/**", "[a-c]pi/**", "@(api)/**"] {
            assert_eq!(allowed(glob), files, "{glob}");
        }
        let not_ignored = |glob: &str| {
            let filter = PathFilter::of_deploy_paths(&[], &texts(&[glob]));
            matching(&filter, &files)
        };
        let code = ["api/a.rs", "api/x/b.rs"];
        assert_eq!(not_ignored("**/*.md"), [code[0], code[1], "docs/.x"]);
        assert_eq!(
            not_ignored("docs/**"),
            ["README.md", code[0], code[1], "docs/.x"]
        );
        let below = ["README.md", code[0], code[1], "docs/.x", "docs/i/a.md"];
        assert_eq!(not_ignored("docs/*"), below);
        for glob in ["docs", "*.{md,rs}", "!api/**", "(docs)/**"] {
            let expected: Vec<&str> = files.into_iter().collect();
            assert_eq!(not_ignored(glob), expected, "{glob}");
        }
        assert_eq!(
            PathFilter::of_deploy_paths(&[], &[]).matches(&BTreeSet::new()),
            None
        );
    }
}
