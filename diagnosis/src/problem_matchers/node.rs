//! npm, pnpm, yarn and Bun: installing and running scripts.

use super::super::problem_matcher::{Pattern, cause, consequence, symptom};
use super::{ends, number_then, says_what};

/// The package manager, by its version or its kind.
const OTHER_MANAGER: &str = "The package manager is not the one the project asks for";
/// What pnpm says of a lock file that another version of it has written.
const OF_OTHER_PNPM: &str = "incompatible with this version of pnpm";
const LOCK: &str = "The lock file does not fit the manifest";
const LOCK_ADVICE: &str = "Run the project's package manager (`npm install`, `pnpm install`, \
             `yarn install`, `bun install`) on your machine and commit the lock file it writes.";
const MISSING: &str = "A package or version does not exist";
const MISSING_ADVICE: &str = "Check the name and the version in package.json; a private package \
             also needs its registry and a token in .npmrc or .yarnrc.yml.";
const REFUSED: &str = "The package registry refused access";
const REFUSED_ADVICE: &str = "Give the build a valid token for the registry in .npmrc or \
             .yarnrc.yml, and check that it may read the package.";
const NETWORK: &str = "The package registry could not be reached";
const NETWORK_ADVICE: &str = "Run the deployment again; if it happens again, check the \
             registry's address in .npmrc or .yarnrc.";
const ENGINE: &str = "The version of Node.js does not fit";
const ENGINE_ADVICE: &str = "Set the version that the packages ask for, in `engines` of \
             package.json or in the service's settings.";
const PEERS: &str = "Dependencies contradict each other";
const PEERS_ADVICE: &str = "Choose versions in package.json that fit each other, install on \
             your machine and commit the lock file.";
const NATIVE: &str = "A native module could not be built";
const NATIVE_ADVICE: &str = "Install what node-gyp needs (Python, make, g++) in the image, or \
             choose a version with a ready binary.";
const SCRIPT: &str = "A script does not exist";
const SCRIPT_ADVICE: &str = "Add the script to package.json, or change the service's build or \
             start command.";
const INTEGRITY: &str = "A package is not what the lock file says";
const INTEGRITY_ADVICE: &str = "Delete the entry from package-lock.json, pnpm-lock.yaml or \
             yarn.lock, install again on your machine and commit the result.";
const COMMAND: &str = "A command does not exist";
const COMMAND_ADVICE: &str = "Install what has the command (npm skips devDependencies where \
             NODE_ENV is `production`), or correct the command.";
const TYPESCRIPT_ADVICE: &str = "Install devDependencies for the build too (no \
             `NODE_ENV=production` or `--omit=dev` before it), or move typescript and its \
             @types packages to dependencies of package.json.";
const SHELLS: &[&str] = &[
    "sh: ",
    "/bin/sh: ",
    "bash: ",
    "/bin/bash: ",
    "/usr/bin/bash: ",
];
const FAILED: &str = "A script failed";

/// What both Yarns say of a package that they could not fetch.
const FETCHED: &[&str] = &["YN0035: │ ", "An unexpected error occurred: \"http"];

pub(super) const PATTERNS: &[Pattern] = &[
    cause(
        "A library that a native module needs is missing",
        &[" was not found in the pkg-config search path"],
        "Install the development package of the library in the image (`apt-get install …-dev`), \
             or choose a version of the package in package.json with a ready binary.",
    )
    .anywhere()
    .when(|text| text.contains("npm ") || text.contains("gyp"))
    .hides(&[NATIVE]),
    cause(
        "A workspace does not exist",
        &["No workspaces found:", "No package found with name '"],
        "Correct the name of the workspace in the command of npm or turbo, or add it to \
             `workspaces` in package.json.",
    )
    .keeps(1),
    cause(
        "The schema of Prisma was not found",
        &["Could not find Prisma Schema"],
        "Copy the folder `prisma` before `npm ci` and the step that runs `prisma generate`, or name it with \
             `--schema`.",
    )
    .anywhere(),
    cause(
        "Two lock files contradict each other",
        &["Build failed: two different lockfiles found"],
        "Keep the lock file of the one that the project uses (npm, pnpm or Yarn), delete the \
             other, and commit that.",
    ),
    cause(
        "npm cannot install into the root folder",
        &["Tracker \"idealTree\" already exists"],
        "Set WORKDIR in the Dockerfile before `npm install`, which does not work in `/`.",
    ),
    cause(
        "ESLint has no configuration",
        &["ESLint couldn't find a", "ESLint couldn't find the config"],
        "Commit eslint.config.js, the only form that ESLint 9 reads, or take ESLint out of the \
             build in package.json.",
    ),
    cause(
        PEERS,
        &["code ERESOLVE", "ERR_PNPM_PEER_DEP_ISSUES"],
        PEERS_ADVICE,
    )
    .keeps(6),
    cause(
        LOCK,
        &[
            "`npm ci` can only install",
            "cipm can only install",
            "The `npm ci` command can only install",
            "ERR_PNPM_OUTDATED_LOCKFILE",
            "ERR_PNPM_NO_LOCKFILE",
            "ERR_PNPM_LOCKFILE_CONFIG_MISMATCH",
            "ERR_PNPM_BROKEN_LOCKFILE",
            "Your lockfile needs to be updated, but yarn was run with",
            "YN0028: │ The lockfile would have been",
            "YN0028: The lockfile would have been",
            "lockfile had changes, but lockfile is frozen",
        ],
        LOCK_ADVICE,
    )
    .keeps(2),
    cause(LOCK, &["ERR_PNPM_FROZEN_LOCKFILE"], LOCK_ADVICE)
        .then(|text| !text.contains(OF_OTHER_PNPM))
        .keeps(2),
    cause(
        OTHER_MANAGER,
        &[
            "ERR_PNPM_FROZEN_LOCKFILE",
            "ERR_PNPM_LOCKFILE_BREAKING_CHANGE",
        ],
        "Build with the version of pnpm that wrote the lock file: set `packageManager` in \
             package.json (`pnpm@…`).",
    )
    .then(|text| text.contains(OF_OTHER_PNPM) || text.starts_with("  Lockfile")),
    cause(
        MISSING,
        &[
            "code E404",
            "code ETARGET",
            "ERR_PNPM_FETCH_404",
            "ERR_PNPM_NO_MATCHING_VERSION",
            "ERR_PNPM_NO_VERSIONS",
            "ERR_PNPM_WORKSPACE_PKG_NOT_FOUND",
            "Couldn't find package \"",
            "Couldn't find any versions for \"",
            "YN0082: │ ",
            "YN0027: │ ",
            "No version matching \"",
        ],
        MISSING_ADVICE,
    )
    .keeps(2),
    cause(
        REFUSED,
        &[
            "code E401",
            "code E403",
            "code ENEEDAUTH",
            "ERR_PNPM_FETCH_401",
            "ERR_PNPM_FETCH_403",
            "YN0041: │ ",
        ],
        REFUSED_ADVICE,
    )
    .keeps(2),
    cause(MISSING, FETCHED, MISSING_ADVICE).then(is_not_found),
    cause(REFUSED, FETCHED, REFUSED_ADVICE).then(is_refused),
    symptom(NETWORK, FETCHED, NETWORK_ADVICE).then(|text| !is_not_found(text) && !is_refused(text)),
    symptom(
        NETWORK,
        &[
            "code ETIMEDOUT",
            "code ECONNRESET",
            "code ENOTFOUND",
            "code EAI_AGAIN",
            "code ECONNREFUSED",
            "code E500",
            "code E502",
            "code E503",
            "ERR_PNPM_META_FETCH_FAIL",
            "ERR_PNPM_FETCH_500",
            "ERR_PNPM_FETCH_502",
            "ERR_PNPM_FETCH_503",
        ],
        NETWORK_ADVICE,
    )
    .keeps(2),
    cause(
        ENGINE,
        &["code EBADENGINE", "ERR_PNPM_UNSUPPORTED_ENGINE"],
        ENGINE_ADVICE,
    )
    .keeps(3),
    cause(
        ENGINE,
        &["The engine \"node\" is incompatible with this module"],
        ENGINE_ADVICE,
    )
    .anywhere()
    .keeps(1),
    cause(ENGINE, &["You are using Node.js "], ENGINE_ADVICE)
        .then(|text| text.contains("required")),
    cause(
        OTHER_MANAGER,
        &[
            "ERR_PNPM_BAD_PM_VERSION",
            "This project is configured to use ",
        ],
        "Set `packageManager` in package.json to the one that the build \
             uses, or turn Corepack on.",
    )
    .keeps(1),
    cause(
        SCRIPT,
        &[
            "Missing script:",
            "missing script:",
            "ERR_PNPM_NO_SCRIPT",
            "Usage Error: Couldn't find a script named",
            "Couldn't find a script named",
            "Script not found \"",
        ],
        SCRIPT_ADVICE,
    ),
    cause(SCRIPT, &["error Command \""], SCRIPT_ADVICE).then(|text| text.contains("\" not found")),
    cause(
        "package.json was not found",
        &[
            "enoent Could not read package.json",
            "enoent ENOENT: no such file or directory, open '/",
            "ERR_PNPM_NO_PKG_MANIFEST",
            "Couldn't find a package.json file in",
        ],
        "Set the service's build path to the folder that holds package.json.",
    ),
    cause(
        INTEGRITY,
        &[
            "code EINTEGRITY",
            "ERR_PNPM_TARBALL_INTEGRITY",
            "YN0018: │ ",
            "Integrity check failed for \"",
        ],
        INTEGRITY_ADVICE,
    )
    .keeps(2),
    cause(
        "No room on the disk",
        &["code ENOSPC"],
        "Make the build smaller (`npm ci --omit=dev`, .dockerignore), or clear the build cache.",
    ),
    // The line of node-gyp that says it, and what of its block is left where that
    // line is missing.
    cause(NATIVE, &["gyp ERR! stack Error: "], NATIVE_ADVICE)
        .anywhere()
        .then(|text| !text.contains("failed with exit code")),
    symptom(
        NATIVE,
        &[
            "gyp ERR! build error",
            "gyp ERR! find Python",
            "gyp ERR! configure error",
            "gyp ERR! find VS",
        ],
        NATIVE_ADVICE,
    )
    .keeps(2),
    cause(COMMAND, SHELLS, COMMAND_ADVICE)
        .then(|text| text.ends_with(": not found") || text.ends_with(": command not found"))
        .of_run(),
    // npx, where TypeScript is not installed
    cause(
        COMMAND,
        &["This is not the tsc command you are looking for"],
        TYPESCRIPT_ADVICE,
    )
    .anywhere(),
    cause(
        "Packages of TypeScript are missing",
        &["It looks like you're trying to use TypeScript but do not have the required package"],
        TYPESCRIPT_ADVICE,
    )
    .keeps(1),
    cause(COMMAND, &[": line "], COMMAND_ADVICE)
        .anywhere()
        .then(|text| number_then(text, ": ") && text.ends_with("not found") && text.contains(": "))
        .of_run(),
    cause(COMMAND, &["/usr/bin/env: ", "env: "], COMMAND_ADVICE)
        .then(|text| text.ends_with(": No such file or directory") && !text.contains("\\r")),
    cause(
        "A script has the line ends of Windows",
        &["/usr/bin/env: ", "env: "],
        "Commit it with the line ends of Unix: `*.sh text eol=lf` in .gitattributes.",
    )
    .then(|text| text.contains("\\r'")),
    cause(
        "A command may not be run",
        SHELLS,
        "Run `git update-index --chmod=+x` on the file and commit that, or install again.",
    )
    .then(|text| text.ends_with(": Permission denied")),
    cause(
        "Corepack cannot check the package manager",
        &[
            "Internal Error: Cannot find matching keyid",
            "Error: Cannot find matching keyid: ",
        ],
        "Use a newer Node.js or Corepack (`npm install -g corepack@latest`), which knows the new \
             keys of npm.",
    )
    .anywhere(),
    consequence(
        FAILED,
        &[
            "code ELIFECYCLE",
            "Lifecycle script `",
            "ELIFECYCLE",
            "ERR_PNPM_RECURSIVE_RUN_FIRST_FAIL",
            "command failed",
        ],
    )
    .keeps(1),
    consequence(FAILED, &["Command failed with exit code "]).then(|text| {
        says_what(text) && ends(text.trim_start_matches(|c: char| c.is_ascii_digit()))
    }),
];

fn is_not_found(text: &str) -> bool {
    ["Package not found", "Response Code: 404", "404 Not Found"]
        .iter()
        .any(|words| text.contains(words))
}

fn is_refused(text: &str) -> bool {
    [
        "Response Code: 401",
        "Response Code: 403",
        "401 Unauthorized",
        "403 Forbidden",
    ]
    .iter()
    .any(|words| text.contains(words))
}
