//! Each remedy fits its cause and names a tool, and none sends people to what
//! they have just read.

use super::super::own_errors::OWN;
use super::super::problem_matcher::{Pattern, Rank};
use super::*;

/// The files of patterns, and words of which the remedies in them name one.
const FILES: &[(&[Pattern], &[&str])] = &[
    (
        node::PATTERNS,
        &[
            "npm",
            "pnpm",
            "yarn",
            "package.json",
            "node",
            "git",
            "typescript",
        ],
    ),
    (
        bundlers::PATTERNS,
        &[
            "npx",
            "hugo",
            "bundler",
            "package.json",
            "webpack",
            "next build",
        ],
    ),
    (
        python::PATTERNS,
        &[
            "python",
            "pip",
            "poetry",
            "uv ",
            "django",
            "requirements",
            "alembic",
            "image",
        ],
    ),
    (compilers::PATTERNS, &["cargo", "rust", "go", "image"]),
    (
        java::PATTERNS,
        &[
            "java", "maven", "mvn", "gradle", "pom.xml", "spring", "flyway", "git",
        ],
    ),
    (
        php_ruby::PATTERNS,
        &["composer", "php", "gem", "bundle", "ruby", "rails"],
    ),
    (
        dotnet_elixir_deno::PATTERNS,
        &[
            ".net", "dotnet", "nuget", "mix", "elixir", "deno", "service",
        ],
    ),
    (testing::PATTERNS, &["`"]),
    (test_failures::PATTERNS, &["test"]),
    (
        checks::PATTERNS,
        &[
            "`",
            "linter",
            "compiler",
            "link",
            "library",
            "build.sbt",
            "committed",
            "network",
            "rakefile",
            "gulpfile",
            "debugger",
        ],
    ),
    (
        containers::PATTERNS,
        &[
            "dockerfile",
            "image",
            "sevalla",
            "nixpacks",
            "apt",
            "apk",
            "dnf",
            "curl",
            "wget",
            "makefile",
            "git",
            "linux/amd64",
        ],
    ),
    (
        running::PATTERNS,
        &[
            "nginx",
            "apache",
            "gunicorn",
            "git",
            "sevalla",
            "port",
            "package.json",
            "prisma",
            "nest",
            "node.js",
            "java",
            "service",
            "image",
            "command",
            "address",
        ],
    ),
];

/// Patterns that no line begins.
const OTHERS: [&Pattern; 7] = [&EXCEPTION, &JAVA, &LINT, &OWN, &PHP, &SPRING, &UNCAUGHT];

/// What sends people to what they have just read, or to where nothing is named.
const EMPTY: &[&str] = &[
    "at this place",
    "before this line",
    "around this line",
    "below it",
    "says why",
    "Read ",
    "read the log",
    "the log says",
];

fn is_shown(pattern: &Pattern) -> bool {
    pattern.rank != Rank::Consequence
}

#[test]
fn each_remedy_is_a_sentence_that_says_what_to_do() {
    for pattern in all().chain(OTHERS).filter(|pattern| is_shown(pattern)) {
        let (title, advice) = (pattern.title, pattern.advice);
        assert!(
            advice.ends_with('.') && advice.len() < 240,
            "{title}: {advice}"
        );
        assert!(advice.starts_with(char::is_uppercase), "{title}: {advice}");
        for words in EMPTY {
            assert!(!advice.contains(words), "{title}: {advice}");
        }
    }
}

#[test]
fn each_remedy_names_a_tool_of_its_kind() {
    assert_eq!(
        FILES.iter().map(|(file, _)| file.len()).sum::<usize>(),
        all().count()
    );
    for (file, tools) in FILES {
        for pattern in file.iter().filter(|pattern| is_shown(pattern)) {
            let advice = pattern.advice.to_lowercase();
            let names = tools.iter().any(|tool| advice.contains(tool));
            assert!(names, "{}: {advice}", pattern.title);
        }
    }
}

#[test]
fn a_title_has_one_remedy_in_each_tool() {
    // Where a tool fails in several ways under one title, the words say which.
    for (title, words, remedy) in [
        ("Out of memory", "JavaScript heap", "--max-old-space-size"),
        ("Out of memory", "java.lang.OutOfMemoryError", "-Xmx"),
        (
            "The lock file does not fit the manifest",
            "Pipfile.lock",
            "pipenv lock",
        ),
        (
            "The lock file does not fit the manifest",
            "poetry.lock",
            "poetry lock",
        ),
        (
            "The lock file does not fit the manifest",
            "ERR_PNPM_OUTDATED",
            "pnpm install",
        ),
        (
            "The lock file does not fit the manifest",
            "NU1004",
            "dotnet restore",
        ),
        (
            "The package manager is not the one the project asks for",
            "BREAKING_CHANGE",
            "packageManager",
        ),
        (
            "A credential of Rails is missing",
            "secret_key_base",
            "SECRET_KEY_BASE_DUMMY=1",
        ),
        (
            "A download failed",
            "Non-resolvable parent POM",
            "Run the deployment again",
        ),
        (
            "The version of Java does not fit",
            "wrong version",
            "version of Java",
        ),
    ] {
        let is_of = |pattern: &&Pattern| {
            pattern.title == title && pattern.words.iter().any(|word| word.contains(words))
        };
        let of: Vec<_> = all().filter(is_of).collect();
        assert!(!of.is_empty(), "{title}: {words}");
        for pattern in of {
            assert!(
                pattern.advice.contains(remedy),
                "{title}: {}",
                pattern.advice
            );
        }
    }
}
