//! Rust and Go.

use super::super::pattern::{Pattern, cause, consequence, symptom};
use super::number_then;

const LOCK: &str = "The lock file does not fit the manifest";

pub(super) const PATTERNS: &[Pattern] = &[
    cause(
        "Rust found an error",
        &["error[E"],
        "Correct it; `cargo check` shows the same on your machine.",
    )
    .then(|text| number_then(text, "]"))
    .place_below(3),
    cause(
        "Rust found an error",
        &["--> "],
        "Correct it; `cargo check` shows the same on your machine.",
    )
    .behind("error: ")
    .then(|text| text.contains(".rs:"))
    .needs_place(),
    cause(
        LOCK,
        &[
            "the lock file ",
            "cannot update the lock file ",
            "error: the lock file ",
        ],
        "Run `cargo check` on your machine and commit Cargo.lock.",
    )
    .then(|text| text.contains("--locked was passed") || text.contains("--frozen was passed")),
    cause(
        "A package or version does not exist",
        &[
            "no matching package named ",
            "failed to select a version for the requirement",
        ],
        "Check the name and version in Cargo.toml.",
    )
    .keeps(2),
    cause(
        "Dependencies contradict each other",
        &["failed to select a version for `"],
        "Choose versions that fit each other, and commit Cargo.lock.",
    )
    .keeps(4),
    cause(
        "The version of Rust does not fit",
        &["rustc "],
        "Build with a newer Rust, or lock older versions.",
    )
    .then(|text| text.contains(" is not supported by the following package"))
    .keeps(1),
    cause(
        "The version of Rust does not fit",
        &["package `"],
        "Build with a newer Rust, or lock older versions.",
    )
    .then(|text| {
        text.contains("cannot be built because it requires rustc")
            || text.contains("requires rustc ")
    }),
    cause(
        "The linker was not found",
        &["linker `"],
        "Install a C compiler in the image.",
    )
    .then(|text| text.contains("` not found")),
    cause(
        "A library of the system is missing",
        &["ld: cannot find -l", "ld: library not found for -l"],
        "Install the development package of the library in the image.",
    )
    .anywhere(),
    symptom(
        "The linker failed",
        &["linking with `"],
        "What the linker says below it names what is missing.",
    )
    .then(|text| text.contains("` failed: "))
    .keeps(3),
    symptom(
        "A build script failed",
        &["failed to run custom build command for "],
        "Install the library that it looks for in the image; what it \
             printed is below.",
    )
    .keeps(2),
    cause(
        "A library of the system is missing",
        &[
            "Could not find directory of OpenSSL installation",
            "The system library `",
            "Package openssl was not found in the pkg-config search path",
        ],
        "Install the development package of the library in the image.",
    ),
    consequence(
        "Rust could not compile the project",
        &["could not compile `"],
        "The errors before this line say why.",
    ),
    cause(
        "Go found an error",
        &[".go:"],
        "Correct it; `go build ./...` shows the same on your machine.",
    )
    .anywhere()
    .then(|text| !text.contains(" +0x") && is_go_error(text))
    .needs_place(),
    cause(
        "Modules of Go are not complete",
        &[
            "no required module provides package ",
            "missing go.sum entry",
            "go: updates to go.mod needed",
        ],
        "Run `go mod tidy` on your machine and commit go.mod and go.sum.",
    )
    .anywhere()
    .keeps(1),
    cause(
        "The version of Go does not fit",
        &["go: go.mod requires go >= ", "note: module requires Go "],
        "Build with the version of Go that go.mod names.",
    ),
    cause(
        "The version of Go does not fit",
        &["go: errors parsing go.mod:"],
        "Build with the version of Go that go.mod names.",
    )
    .keeps(1),
    cause(
        "A package or version does not exist",
        &["is not in std"],
        "Check the import; a package of this module begins with the module's name.",
    )
    .anywhere(),
    cause(
        "A module of Go could not be fetched",
        &["go: "],
        "Check its name and version; a private one needs GOPRIVATE and a token.",
    )
    .then(|text| {
        (text.contains(": reading http")
            || text.contains("unrecognized import path")
            || text.contains("invalid version"))
            && !text.starts_with("downloading")
    })
    .keeps(1),
    symptom(
        "Go ended with a panic",
        &["goroutine "],
        "Correct it at this place; the whole trace is in the log.",
    )
    .then(|text| number_then(text, " ["))
    .behind("panic: ")
    .place_below(6)
    .of_run(),
    symptom(
        "Rust ended with a panic",
        &["thread '"],
        "Correct it at this place; RUST_BACKTRACE=1 gives the whole trace.",
    )
    .then(|text| text.contains("' panicked at ") || text.contains(") panicked at "))
    .keeps(1)
    .of_run(),
];

/// `10:2: undefined: x`. What a program or a test logs has no column.
fn is_go_error(text: &str) -> bool {
    let after = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let column = after.strip_prefix(':').filter(|_| after.len() < text.len());
    column.is_some_and(|column| number_then(column, ": "))
}
