//! npm, pnpm, yarn and Bun: installing and running scripts.

use super::super::pattern::{Pattern, cause, consequence, symptom};
use super::{ends, says_what};

const LOCK: &str = "The lock file does not fit the manifest";
const LOCK_ADVICE: &str =
    "Run the package manager's install on your machine and commit the lock file it writes.";
const MISSING: &str = "A package or version does not exist";
const MISSING_ADVICE: &str =
    "Check the name and the version; a private package also needs its registry and a token for it.";
const REFUSED: &str = "The package registry refused access";
const REFUSED_ADVICE: &str =
    "Give the build a valid token for the registry, and check that it may read the package.";
const NETWORK: &str = "The package registry could not be reached";
const NETWORK_ADVICE: &str = "Run the deployment again; if it happens again, check the registry's address in .npmrc or .yarnrc.";
const ENGINE: &str = "The version of Node.js does not fit";
const ENGINE_ADVICE: &str = "Set the version that the packages ask for, in `engines` of package.json or in the service's settings.";
const PEERS: &str = "Dependencies contradict each other";
const PEERS_ADVICE: &str =
    "Choose versions that fit each other, on your machine, and commit the lock file.";
const SCRIPT: &str = "A script does not exist";
const SCRIPT_ADVICE: &str =
    "Add the script to package.json, or change the service's build or start command.";
const INTEGRITY: &str = "A package is not what the lock file says";
const INTEGRITY_ADVICE: &str =
    "Delete the entry from the lock file, install again on your machine and commit the result.";
const FAILED: &str = "A script failed";
const FAILED_ADVICE: &str = "What the script printed before this line says why.";

pub(super) const PATTERNS: &[Pattern] = &[
    cause(PEERS, &["npm ERR! code ERESOLVE", "npm error code ERESOLVE", "ERR_PNPM_PEER_DEP_ISSUES"], PEERS_ADVICE).keeps(6),
    cause(LOCK, &[
        "npm ERR! `npm ci` can only install", "npm error `npm ci` can only install",
        "npm ERR! cipm can only install", "npm ERR! The `npm ci` command can only install", "npm error The `npm ci` command can only install",
        "ERR_PNPM_OUTDATED_LOCKFILE", "ERR_PNPM_NO_LOCKFILE", "ERR_PNPM_FROZEN_LOCKFILE", "ERR_PNPM_LOCKFILE_CONFIG_MISMATCH",
        "ERR_PNPM_LOCKFILE_BREAKING_CHANGE", "ERR_PNPM_BROKEN_LOCKFILE",
        "Your lockfile needs to be updated, but yarn was run with",
        "YN0028: │ The lockfile would have been", "YN0028: The lockfile would have been",
        "lockfile had changes, but lockfile is frozen",
    ], LOCK_ADVICE).keeps(2),
    cause(MISSING, &[
        "npm ERR! code E404", "npm error code E404", "npm ERR! code ETARGET", "npm error code ETARGET",
        "ERR_PNPM_FETCH_404", "ERR_PNPM_NO_MATCHING_VERSION", "ERR_PNPM_NO_VERSIONS", "ERR_PNPM_WORKSPACE_PKG_NOT_FOUND",
        "Couldn't find package \"", "Couldn't find any versions for \"",
        "YN0082: │ ", "YN0027: │ ", "No version matching \"",
    ], MISSING_ADVICE).keeps(2),
    cause(REFUSED, &[
        "npm ERR! code E401", "npm error code E401", "npm ERR! code E403", "npm error code E403", "npm ERR! code ENEEDAUTH", "npm error code ENEEDAUTH",
        "ERR_PNPM_FETCH_401", "ERR_PNPM_FETCH_403", "YN0041: │ ",
    ], REFUSED_ADVICE).keeps(2),
    cause(MISSING, &["YN0035: │ "], MISSING_ADVICE).then(is_not_found),
    symptom(NETWORK, &["YN0035: │ "], NETWORK_ADVICE).then(|text| !is_not_found(text)),
    symptom(NETWORK, &[
        "npm ERR! code ETIMEDOUT", "npm error code ETIMEDOUT", "npm ERR! code ECONNRESET", "npm error code ECONNRESET",
        "npm ERR! code ENOTFOUND", "npm error code ENOTFOUND", "npm ERR! code EAI_AGAIN", "npm error code EAI_AGAIN",
        "npm ERR! code ECONNREFUSED", "npm error code ECONNREFUSED",
        "npm ERR! code E500", "npm error code E500", "npm ERR! code E502", "npm error code E502", "npm ERR! code E503", "npm error code E503",
        "ERR_PNPM_META_FETCH_FAIL", "ERR_PNPM_FETCH_500", "ERR_PNPM_FETCH_502", "ERR_PNPM_FETCH_503",
        "An unexpected error occurred: \"https://registry",
    ], NETWORK_ADVICE).keeps(2),
    cause(ENGINE, &[
        "npm ERR! code EBADENGINE", "npm error code EBADENGINE", "ERR_PNPM_UNSUPPORTED_ENGINE",
        "The engine \"node\" is incompatible with this module",
    ], ENGINE_ADVICE).keeps(3),
    cause(ENGINE, &["The engine \"node\" is incompatible with this module"], ENGINE_ADVICE).anywhere().keeps(1),
    cause(ENGINE, &["You are using Node.js "], ENGINE_ADVICE).then(|text| text.contains("required")),
    cause("The package manager is not the one the project asks for", &[
        "ERR_PNPM_BAD_PM_VERSION", "This project is configured to use ",
    ], "Set `packageManager` in package.json to the one that the build uses, or turn Corepack on.").keeps(1),
    cause(SCRIPT, &[
        "npm ERR! Missing script:", "npm error Missing script:", "npm ERR! missing script:", "ERR_PNPM_NO_SCRIPT", "Missing script:",
        "Usage Error: Couldn't find a script named", "Couldn't find a script named", "Script not found \"",
    ], SCRIPT_ADVICE),
    cause(SCRIPT, &["error Command \""], SCRIPT_ADVICE).then(|text| text.contains("\" not found")),
    cause("package.json was not found", &[
        "npm ERR! enoent Could not read package.json", "npm error enoent Could not read package.json",
        "npm ERR! enoent ENOENT: no such file or directory, open '/", "ERR_PNPM_NO_PKG_MANIFEST", "Couldn't find a package.json file in",
    ], "Set the service's build path to the folder that holds package.json."),
    cause(INTEGRITY, &["npm ERR! code EINTEGRITY", "npm error code EINTEGRITY", "ERR_PNPM_TARBALL_INTEGRITY", "YN0018: │ ", "Integrity check failed for \""], INTEGRITY_ADVICE).keeps(2),
    cause("No room on the disk", &["npm ERR! code ENOSPC", "npm error code ENOSPC"], "Make the build smaller, or clear the build cache."),
    symptom("A native module could not be built", &["gyp ERR! build error", "gyp ERR! find Python", "gyp ERR! find VS"],
        "Install what it needs (Python, make, g++) in the image, or choose a version with a ready binary.").keeps(2),
    cause("A command does not exist", &["sh: ", "/bin/sh: ", "bash: ", "/bin/bash: ", "sh: line 1: ", "/usr/bin/bash: "],
        "Install what has the command (a devDependency may have been left out), or correct the command.")
        .then(|text| text.ends_with(": not found") || text.ends_with(": command not found")),
    consequence(FAILED, &["npm ERR! code ELIFECYCLE", "npm error Lifecycle script `", "npm ERR! Lifecycle script `", "ELIFECYCLE", "ERR_PNPM_RECURSIVE_RUN_FIRST_FAIL", "npm ERR! command failed", "npm error command failed"], FAILED_ADVICE).keeps(1),
    consequence(FAILED, &["Command failed with exit code ", "error Command failed with exit code ", "script \"build\" exited with code "], FAILED_ADVICE)
        .then(|text| says_what(text) && ends(text.trim_start_matches(|c: char| c.is_ascii_digit()))),
];

/// What Yarn says of a package that the registry does not have.
fn is_not_found(text: &str) -> bool {
    text.contains("Package not found") || text.contains("Response Code: 404")
}
