//! The catalogue: what every warning and every failed run is about, with its
//! cause and its remedy. `docs/messages.md` is made from it.
//!
//! A failure has its [`ExitStatus`](crate::exit_status::ExitStatus), and an outcome
//! that is not a success can only be made from a [`Failure`]. A warning can only be
//! reported with a [`Warning`], and a [`StartupError`] explains why no run began. So no
//! problem is without an entry. An entry covers every problem with one cause and one
//! fix; the message itself is written where the problem is found.

mod failures;
mod startup_errors;
mod warnings;

pub use self::failures::Failure;
pub use self::warnings::Warning;
pub use crate::messages::startup_errors::StartupError;

/// One entry of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct CatalogueEntry {
    /// The permanent name: the anchor of its heading.
    pub slug: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Where in a run it happens.
    pub part: Stage,
    /// What happened, and why; Markdown.
    pub cause: &'static str,
    /// What to do about it; Markdown.
    pub remedy: &'static str,
}

/// A part of a run, in the order of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Inputs are read and combined.
    Inputs,
    /// Any request to Sevalla.
    Requests,
    /// The preflight reads and the change itself.
    Starting,
    /// A deployment is followed.
    Following,
    /// A deployment has ended.
    Afterwards,
    /// Preview apps and their pull requests.
    Previews,
    /// Databases, settings, deleting.
    Management,
    /// What the run leaves: log, outputs, summary, files.
    Reporting,
}

impl Stage {
    /// All, in the order of the page.
    pub const ALL: &[Self] = &[
        Self::Inputs,
        Self::Requests,
        Self::Starting,
        Self::Following,
        Self::Afterwards,
        Self::Previews,
        Self::Management,
        Self::Reporting,
    ];
}

/// Where the page of messages is: as of the commit this program was built from,
/// so that it stays true for whoever runs an old version.
pub fn page() -> String {
    page_of("docs/messages.md")
}

/// Where a page of the repository is, as of that commit.
pub(crate) fn page_of(path: &str) -> String {
    let commit = option_env!("SEVALLA_DEPLOY_COMMIT").filter(|commit| !commit.is_empty());
    let repository = env!("CARGO_PKG_REPOSITORY");
    format!("{repository}/blob/{}/{path}", commit.unwrap_or("main"))
}

/// The address of an entry.
fn address(slug: &str) -> String {
    format!("{}#{slug}", page())
}

/// Declares topics: an enum with a variant for each, its slug and its entry.
macro_rules! topics {
    (
        $(#[$meta:meta])* $name:ident;
        $($part:ident { $(
            $topic:ident $slug:literal $title:literal $cause:literal $remedy:literal;
        )* })*
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[doc = $title] $topic,)*)*
        }

        impl $name {
            /// All, in the order of the page.
            pub const ALL: &[Self] = &[$($(Self::$topic,)*)*];

            /// The permanent name.
            pub const fn slug(self) -> &'static str {
                match self {
                    $($(Self::$topic => $slug,)*)*
                }
            }

            /// The entry on the page.
            pub const fn entry(self) -> $crate::messages::CatalogueEntry {
                match self {
                    $($(Self::$topic => $crate::messages::CatalogueEntry {
                        slug: $slug,
                        title: $title,
                        part: $crate::messages::Stage::$part,
                        cause: $cause,
                        remedy: $remedy,
                    },)*)*
                }
            }

            /// The address of the entry.
            pub fn address(self) -> String {
                $crate::messages::address(self.slug())
            }
        }
    };
}

use topics;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::Path;

    use super::*;

    fn entries() -> Vec<CatalogueEntry> {
        let failures = Failure::ALL.iter().map(|failure| failure.entry());
        let warnings = Warning::ALL.iter().map(|warning| warning.entry());
        let misstarts = StartupError::ALL.iter().map(|misstart| misstart.entry());
        failures.chain(misstarts).chain(warnings).collect()
    }

    /// The anchor that GitHub makes of a heading, as its `html-pipeline` does:
    /// lower case, without punctuation, with hyphens for spaces.
    fn anchor(heading: &str) -> String {
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
        let lower = heading.to_lowercase();
        lower
            .chars()
            .filter(kept)
            .collect::<String>()
            .replace(' ', "-")
    }

    #[test]
    fn every_slug_is_the_anchor_of_its_heading_and_stands_once() {
        let mut seen = HashSet::new();
        for entry in entries() {
            assert_eq!(entry.slug, anchor(entry.title));
            assert!(seen.insert(entry.slug), "{} stands twice", entry.slug);
        }
    }

    #[test]
    fn every_failure_fails_and_every_entry_says_what_happened_and_what_now() {
        for failure in Failure::ALL {
            assert_ne!(failure.ending().code(), 0, "{failure:?}");
        }
        for entry in entries() {
            for text in [entry.cause, entry.remedy] {
                let begins = text.starts_with(|c: char| c.is_uppercase() || c == '`');
                assert!(begins && text.ends_with('.'), "{}: {text}", entry.slug);
                assert!(!text.contains("  "), "{}: {text}", entry.slug);
            }
        }
    }

    #[test]
    fn every_entry_is_used() {
        let mut code = String::new();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        collect(&source, &mut code);
        let failures = Failure::ALL.iter().map(|one| format!("Failure::{one:?}"));
        let warnings = Warning::ALL.iter().map(|one| format!("Warning::{one:?}"));
        let misstarts = StartupError::ALL
            .iter()
            .map(|one| format!("StartupError::{one:?}"));
        for name in failures.chain(misstarts).chain(warnings) {
            let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric());
            let is_used = code
                .match_indices(&name)
                .any(|(at, _)| ends(&code[at + name.len()..]));
            assert!(is_used, "{name} stands in no line of the program");
        }
    }

    /// The code of the program without the catalogue itself and without tests.
    fn collect(folder: &Path, code: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("messages") {
                collect(&path, code);
            } else if path.is_file() {
                let text = std::fs::read_to_string(&path).unwrap();
                code.push_str(text.split("#[cfg(test)]").next().unwrap_or_default());
            }
        }
    }
}
