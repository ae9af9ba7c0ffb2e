//! Rust and Go.

use super::super::problem_matcher::{Pattern, cause, consequence, symptom};
use super::number_then;

const LOCK: &str = "The lock file does not fit the manifest";
const MANIFEST: &str = "The manifest of Cargo cannot be used";
const MANIFEST_ADVICE: &str =
    "Correct Cargo.toml; `cargo metadata` shows the same on your machine.";
const TOOL_ADVICE: &str = "Install the tool or the toolchain before cargo runs (`cargo install`, \
             `rustup default stable`).";
const RUST: &str = "The version of Rust does not fit";
const RUST_ADVICE: &str = "Build with a newer Rust (rust-toolchain.toml, the image's tag), or lock \
             older versions with `cargo update --precise`.";

const MODULE: &str = "A module of Go could not be fetched";

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
        "Choose versions in Cargo.toml that fit each other, and commit Cargo.lock.",
    )
    .keeps(4),
    cause(RUST, &["rustc "], RUST_ADVICE)
        .then(|text| text.contains(" is not supported by the following package"))
        .keeps(1),
    cause(RUST, &["package `"], RUST_ADVICE).then(|text| {
        text.contains("cannot be built because it requires rustc")
            || text.contains("requires rustc ")
    }),
    cause(RUST, &["feature `"], RUST_ADVICE)
        .then(|text| text.trim_end().ends_with("` is required"))
        .keeps(1)
        .hides(&[MANIFEST]),
    cause(RUST, &["lock file version "], RUST_ADVICE)
        .then(|text| text.contains("requires `-Z") || text.contains("does not understand")),
    cause(
        "Cargo.toml was not found",
        &["could not find `Cargo.toml` in ", "manifest path `"],
        "Set the service's build path to the folder that holds Cargo.toml, or copy it in the \
             Dockerfile before cargo runs.",
    )
    .then(|text| text.contains("or any parent directory") || text.contains("` does not exist")),
    symptom(
        MANIFEST,
        &[
            "failed to parse manifest at `",
            "failed to load manifest for workspace member ",
            "failed to load manifest for dependency ",
            "no targets specified in the manifest",
            "current package believes it's in a workspace when it's not",
            "failed to get `",
            "no bin target named `",
            "no example target named `",
            "package ID specification `",
            "failed to load source for dependency `",
            "virtual manifests must be built with",
        ],
        MANIFEST_ADVICE,
    )
    .keeps(4),
    cause(
        "A tool of Rust is not installed",
        &[
            "no such command: `",
            "no such subcommand: `",
            "rustup could not choose a version of cargo to run",
            "no override and no default toolchain set",
        ],
        TOOL_ADVICE,
    ),
    cause(
        "A tool of Rust is not installed",
        &["toolchain '"],
        TOOL_ADVICE,
    )
    .then(|text| text.contains("' is not installed")),
    cause(
        "The linker was not found",
        &["linker `"],
        "Install a C compiler in the image (`apt-get install build-essential`, `apk add \
             build-base`).",
    )
    .then(|text| text.contains("` not found")),
    cause(
        "A library of the system is missing",
        &["ld: cannot find -l", "ld: library not found for -l"],
        "Install the development package of the library in the image (`apt-get install …-dev`, \
             `apk add …-dev`).",
    )
    .anywhere(),
    symptom(
        "The linker failed",
        &["linking with `"],
        "Install the library that the linker misses, or correct its options in \
             .cargo/config.toml.",
    )
    .then(|text| text.contains("` failed: "))
    .keeps(3),
    cause(
        "A program that a package needs is missing",
        &["Could not find `protoc`", "is `cmake` not installed?"],
        "Install the program in the image before the step that builds (`apt-get install \
             protobuf-compiler`, `apt-get install cmake`).",
    )
    .anywhere()
    .hides(&["A build script failed"]),
    symptom(
        "A build script failed",
        &["failed to run custom build command for "],
        "Install the library or tool that the crate's build script looks for in the image.",
    )
    .keeps(2),
    cause(
        "A library of the system is missing",
        &[
            "Could not find directory of OpenSSL installation",
            "The system library `",
            "Package openssl was not found in the pkg-config search path",
        ],
        "Install the development package of the library in the image (`apt-get install …-dev`, \
             `apk add …-dev`).",
    ),
    cause(
        "A library of the system is missing",
        &[
            "error while loading shared libraries: ",
            ": cannot open shared object file: No such file",
            "Error loading shared library ",
        ],
        "Install the package of the library in the image that runs the program, not only in the \
             one that builds it.",
    )
    .anywhere()
    .when(|text| !text.contains("node_modules/"))
    .hides(&["A native module is for another system"])
    .of_run(),
    cause(
        "The C library of the image does not fit",
        &["version `GLIBC_", "version `GLIBCXX_", "version 'GLIBC_"],
        "Build and run in images of the same distribution and version, or link statically.",
    )
    .anywhere()
    .then(|text| text.contains(" not found"))
    .of_run(),
    consequence(
        "Rust could not compile the project",
        &["could not compile `"],
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
        &[" requires go >= "],
        "Build with the version of Go that go.mod and its modules name.",
    )
    .anywhere()
    .then(|text| text.contains("(running go ")),
    cause(
        "The project was not found",
        &[
            "go: cannot find main module",
            "go: go.mod file not found in current directory",
            "no Go files in ",
        ],
        "Set the service's build path to the folder that holds go.mod, or name the package's \
             folder in the command: `go build ./cmd/…`.",
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
        "Correct the import; a package of this module of Go begins with the name in go.mod.",
    )
    .anywhere(),
    cause(
        MODULE,
        &[
            "could not read Username for '",
            "Permission denied (publickey",
            "Host key verification failed",
        ],
        "Set GOPRIVATE for the module, and give the step a token for git (`git config --global \
             url.….insteadOf`, from a secret), or commit the folder of `go mod vendor`.",
    )
    .anywhere()
    .behind("go: ")
    .nowhere(),
    cause(
        "The vendored modules of Go do not fit go.mod",
        &["inconsistent vendoring in "],
        "Run `go mod vendor` and commit the folder vendor, or delete that folder.",
    )
    .anywhere()
    .nowhere()
    .keeps(1),
    cause(
        MODULE,
        &["go: "],
        "Check its name and version in go.mod; a private one needs GOPRIVATE and a token.",
    )
    .then(|text| {
        (text.contains(": reading http")
            || text.contains("unrecognized import path")
            || text.contains("invalid version"))
            // What git says comes below.
            && !text.contains(": git ls-remote ")
            && !text.starts_with("downloading")
    })
    .keeps(1),
    symptom(
        "Go ended with a panic",
        &["goroutine "],
        "Correct what Go names; the whole trace of the goroutine is in the log.",
    )
    .then(|text| number_then(text, " ["))
    .behind("panic: ")
    .place_below(6)
    .of_run(),
    symptom(
        "Rust ended with a panic",
        &["thread '"],
        "Correct what Rust names; RUST_BACKTRACE=1 in the environment gives the whole trace.",
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
