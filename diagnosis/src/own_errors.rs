//! Errors of well-known tools in their own words, where no pattern knows them
//! and the step that ran the tool failed. Pure.

use super::beginnings::Beginnings;
use super::looks::{Looks, bit, word};
use super::normalize::outdented;
use super::problem_matcher::{Pattern, symptom};

/// Such an error.
pub(super) static OWN: Pattern = symptom(
    "A tool of the build stopped with an error",
    &[],
    "Correct what the tool names; the same command on your machine shows the same error.",
);

/// Tools whose lines that begin so are what stopped them.
const TOOLS: &[&str] = &[
    "apk", "apt", "apt-get", "bun", "bundle", "cabal", "cargo", "cmake", "composer", "corepack",
    "dart", "deno", "dnf", "dotnet", "elm", "flutter", "gem", "gleam", "go", "helm", "hugo",
    "microdnf", "mix", "nimble", "nix", "opam", "pip", "pip3", "pipenv", "poetry", "rustc",
    "rustup", "shards", "stack", "swift", "uv", "wget", "yarn", "yum", "zig", "zypper",
];

static BEGINNINGS: Beginnings =
    Beginnings::of(&["error: ", "Error: ", "ERROR: ", "E: ", "fatal: ", "error "]);

/// Traits of lines that say so, but for `E: `.
pub(super) const TRAITS: Looks = bit(word::ERROR) | bit(word::FATAL);

/// Whether the line says that it is an error.
pub(super) fn is_error(text: &str) -> bool {
    let text = outdented(text);
    let message = BEGINNINGS.strip(text);
    message.is_some_and(|message| message.trim().len() > 8)
}

/// Whether one of the tools is run: `process "/bin/sh -c cargo build" did not …`,
/// `RUN cd shop && cargo build`
pub(super) fn is_of_tool(command: &str) -> bool {
    let mut commands = command.split(['&', ';', '|', '"']);
    commands.any(|command| {
        let command = command.trim();
        let command = command.strip_prefix("RUN ").unwrap_or(command);
        let command = command
            .rsplit_once(" -c ")
            .map_or(command, |(_, command)| command);
        let mut words = command.split_whitespace();
        let word = words.find(|word| !word.contains('=') && !word.starts_with("--"));
        let name = word.and_then(|word| word.rsplit('/').next());
        name.is_some_and(|name| TOOLS.contains(&name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_known_by_the_command() {
        for (command, is_it) in [
            (
                "ERROR: process \"/bin/sh -c cargo build\" did not complete",
                true,
            ),
            (
                "ERROR: process \"/bin/sh -c cd a && RUSTFLAGS=x cargo build\" did",
                true,
            ),
            (
                "RUN --mount=type=cache,target=/x /root/.cargo/bin/cargo build",
                true,
            ),
            ("RUN ./release cargo", false),
            ("RUN node build.js", false),
            ("", false),
        ] {
            assert_eq!(is_of_tool(command), is_it, "{command}");
        }
    }
}
