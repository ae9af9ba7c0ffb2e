//! Docker, Nixpacks, buildpacks, registries of images, and git.

use super::super::problem_matcher::{Pattern, cause, consequence, ending, symptom};
use super::{number_then, says_what};

const DOWNLOAD: &str = "A download failed";
const OF_SYSTEM: &str = "A package of the system does not exist";
const ENDED: &str = "The mirrors no longer serve this version of the image";
const ENDED_ADVICE: &str = "Use a newer version of the base image: its distribution has ended, and \
             apt or dnf finds no packages for it.";
const MIRROR_ADVICE: &str = "Run the deployment again; if it fails again, check that the mirrors of \
             apt, apk or dnf still serve this version of the image.";

const BASE: &str = "An image could not be fetched";
const BASE_ADVICE: &str = "Correct the image's name and tag; a private one needs credentials \
             of its registry in Sevalla.";

const BUILDPACK_ADVICE: &str = "Set the build path on Sevalla to the folder of the application, or \
             choose the buildpacks by hand.";

const CLONE: &str = "The repository could not be cloned";
const CLONE_ADVICE: &str = "Connect the repository to Sevalla again, and check the name of \
             the branch.";

pub(super) const PATTERNS: &[Pattern] = &[
    cause(
        "The Dockerfile cannot be read",
        &[
            "dockerfile parse error on line ",
            "Dockerfile parse error on line ",
            "dockerfile parse error line ",
        ],
        "Correct this line of the Dockerfile; `docker build --check` shows the same on your \
             machine.",
    )
    .anywhere()
    .in_dockerfile(),
    cause(
        "The Dockerfile was not found",
        &[
            "failed to read dockerfile: ",
            "unable to evaluate symlinks in Dockerfile path",
        ],
        "Set the path of the Dockerfile and the context in the service's settings on Sevalla.",
    )
    .anywhere(),
    cause(
        "A file that the Dockerfile copies does not exist",
        &[
            "failed to calculate checksum of ref ",
            "failed to compute cache key: ",
            "COPY failed: ",
            "ADD failed: ",
            "copier: stat: ",
            "failed to get fileinfo for ",
        ],
        "Correct the path in the Dockerfile: it begins at the context's root, with the same upper \
             and lower case, and .dockerignore may exclude it.",
    )
    .anywhere()
    .then(|text| {
        ["not found", "no such file", "does not exist"]
            .iter()
            .any(|words| text.contains(words))
    })
    .in_dockerfile(),
    cause(
        "An argument of the Dockerfile has no value",
        &["base name ("],
        "Give the ARG that FROM names a default in the Dockerfile, or set it as a build argument.",
    )
    .anywhere()
    .then(|text| text.contains(" should not be blank"))
    .in_dockerfile(),
    cause(
        "A stage of the Dockerfile does not exist",
        &["target stage \"", "invalid from flag value "],
        "Correct the name of the stage in the Dockerfile.",
    )
    .anywhere()
    .in_dockerfile(),
    cause(
        BASE,
        &[
            "pull access denied",
            "manifest unknown",
            "repository does not exist or may require",
            "failed to resolve reference \"",
            "ErrImagePull",
            "ImagePullBackOff",
            "failed to resolve source metadata for ",
            "MANIFEST_UNKNOWN",
            "no matching manifest for ",
        ],
        BASE_ADVICE,
    )
    .anywhere()
    .when(|text| !text.contains("failed to push "))
    .in_dockerfile(),
    cause(
        "The registry of images refused access",
        &[
            "unauthorized: authentication required",
            "denied: requested access to the resource is denied",
            "insufficient_scope: authorization failed",
            "401 Unauthorized\" from registry",
            "failed to fetch anonymous token: ",
            "failed to fetch oauth token: ",
        ],
        "Give the service valid credentials of the registry on Sevalla.",
    )
    .anywhere()
    .hides(&[BASE]),
    cause(
        "The registry of images limits pulls",
        &["toomanyrequests: "],
        "Wait, or give the service credentials of the registry on Sevalla, so that it pulls \
             under your name.",
    )
    .anywhere()
    .hides(&[BASE]),
    cause(
        "No room on the disk",
        &["no space left on device", "No space left on device"],
        "Make the image smaller (.dockerignore, fewer packages), or clear the build cache on \
             Sevalla.",
    )
    .anywhere(),
    cause(
        "The image is for another kind of processor",
        &["exec format error", "no match for platform in manifest"],
        "Build the image for linux/amd64.",
    )
    .anywhere()
    .hides(&[BASE])
    .of_run(),
    cause(
        "A command does not exist",
        &["executable file not found in $PATH"],
        "Install what has the command in the image, or correct the start command on Sevalla.",
    )
    .anywhere()
    .of_run(),
    cause(
        "Nixpacks does not know how to build it",
        &[
            "Nixpacks was unable to generate a build plan",
            "Railpack could not determine how to build the app",
        ],
        "Set the build path on Sevalla to the folder of the application, or bring a \
             Dockerfile.",
    )
    .anywhere(),
    cause(
        "The builder knows none of the languages",
        &[
            "ould not detect a supported language",
            "o default language could be detected for this app",
            "nable to detect a suitable buildpack",
            "nable to determine the language",
            "ould not detect the language",
            "App not compatible with buildpack",
        ],
        "Set the build path on Sevalla to the folder of the application, commit the manifest of \
             its language, or bring a Dockerfile.",
    )
    .anywhere(),
    cause(
        "The builder does not have this version",
        &[
            "dependency version constraint \"",
            "no valid dependencies for ",
            "Failed to resolve version ",
            "mise ERROR no precompiled ",
            "mise ERROR no version",
            "Could not find Node version corresponding to version requirement",
            "Requested runtime '",
            "Requested runtime (",
        ],
        "Ask for a version that the builder of the image has (`engines` in package.json, \
             .python-version, or a variable such as BP_NODE_VERSION).",
    )
    .anywhere()
    .then(|text| !text.starts_with("python") || text.contains("not available"))
    .keeps(1),
    cause(
        "Nix refuses a package",
        &[
            "is marked as insecure, refusing to evaluate",
            "is marked as broken, refusing to evaluate",
            "has an unfree license",
        ],
        "Choose a version that Nixpacks still has (`engines` in package.json, or a variable such \
             as NIXPACKS_NODE_VERSION).",
    )
    .anywhere()
    .nowhere(),
    cause(
        "There is no start command",
        &[
            "No start command could be found",
            "when there is no default process a command is required",
            "process type web was not found",
            "No start command was found",
        ],
        "Set the start command in the service's settings on Sevalla, or add a \
             Procfile or a start script.",
    )
    .anywhere(),
    cause(
        "A package of Nix does not exist",
        &["undefined variable '", "attribute '"],
        "Correct the name or version in nixpacks.toml, or choose a \
             version that Nixpacks knows.",
    )
    .then(|text| text.contains(" at ") || text.contains("' missing") || text.ends_with('\'')),
    cause(
        "No buildpack fits",
        &["No buildpack groups passed detection"],
        BUILDPACK_ADVICE,
    )
    .anywhere(),
    symptom(
        "No buildpack fits",
        &[
            "failed to detect: no buildpacks participating",
            "fail to detect: no buildpacks participating",
        ],
        BUILDPACK_ADVICE,
    )
    .anywhere(),
    cause(
        "A submodule could not be cloned",
        &["into submodule path '"],
        "Connect the submodule's repository to Sevalla too, and give it an https address in \
             .gitmodules: the build has no key of git.",
    )
    .anywhere()
    .then(|text| text.ends_with("' failed"))
    .hides(&[CLONE]),
    cause(
        "The quota of Git LFS is used up",
        &[
            "This repository is over its data quota",
            "This repository exceeded its LFS budget",
        ],
        "Raise the quota of Git LFS, or keep large files elsewhere than in Git LFS.",
    )
    .anywhere(),
    cause(
        "The commit or branch does not exist",
        &["pathspec '"],
        "Correct the name of the branch, and check that the commit was pushed with `git push`.",
    )
    .then(|text| text.contains("' did not match any file")),
    cause(
        "The commit or branch does not exist",
        &[
            "reference is not a tree: ",
            "remote error: upload-pack: not our ref ",
            "Server does not allow request for unadvertised object ",
        ],
        "Check that the commit was pushed with `git push`, and that no forced push removed it.",
    ),
    cause(
        "The commit or branch does not exist",
        &["couldn't find remote ref "],
        "Correct the name of the branch in the service's settings on Sevalla, and check that it \
             was pushed with `git push`.",
    ),
    cause(
        "A package of the system does not exist",
        &["E: Unable to locate package ", "Unable to locate package "],
        "Run `apt-get update` in the same step, and check the package's name for this \
             version of the image.",
    )
    .in_dockerfile(),
    cause(
        "A package of the system does not exist",
        &["E: Package '", "Package "],
        "Correct the package's name for this version of the image: `apt-cache search` in the \
             image lists names.",
    )
    .then(|text| text.contains("has no installation candidate"))
    .in_dockerfile(),
    cause(
        "A package of the system does not exist",
        &["unable to select packages:"],
        "Correct the package's name for this version of the image: `apk search` in the image \
             lists names.",
    )
    .keeps(1)
    .in_dockerfile(),
    cause(
        OF_SYSTEM,
        &[
            "No match for argument: ",
            "Unable to find a match: ",
            "No package ",
            "No provider of '",
        ],
        "Correct the package's name for this version of the image: `dnf search` in the image \
             lists names.",
    )
    .then(|text| !text.contains(' ') || text.contains(" available") || text.contains("' found"))
    .in_dockerfile(),
    // The mirrors of apt, apk, dnf and their like.
    cause(
        DOWNLOAD,
        &["W: Failed to fetch ", "E: Failed to fetch "],
        MIRROR_ADVICE,
    )
    .then(|text| !text.contains("404  Not Found"))
    .keeps(1)
    .hides(&[OF_SYSTEM]),
    cause(
        DOWNLOAD,
        &["E: Failed to fetch "],
        "Run `apt-get update` in the same step as `apt-get install`: the lists in the image are \
             older than the mirror.",
    )
    .then(|text| text.contains("404  Not Found"))
    .in_dockerfile(),
    cause(ENDED, &["E: The repository '"], ENDED_ADVICE)
        .then(|text| {
            text.contains("does not have a Release file")
                || text.contains("no longer has a Release file")
        })
        .hides(&[OF_SYSTEM])
        .in_dockerfile(),
    cause(
        ENDED,
        &[
            "Failed to download metadata for repo '",
            "Cannot find a valid baseurl for repo",
        ],
        ENDED_ADVICE,
    )
    .then(|text| text.contains("mirrorlist") || !text.contains("': "))
    .hides(&[OF_SYSTEM])
    .in_dockerfile(),
    cause(
        DOWNLOAD,
        &[
            "WARNING: fetching https://dl-cdn.alpinelinux.org/",
            "WARNING: updating and opening https://",
            "WARNING: Ignoring https://",
        ],
        MIRROR_ADVICE,
    )
    .then(|text| {
        [
            "temporary error",
            "network error",
            "DNS",
            "timed out",
            "I/O error",
        ]
        .iter()
        .any(|words| text.contains(words))
    })
    .hides(&[OF_SYSTEM]),
    cause(
        DOWNLOAD,
        &[
            "No more mirrors to try",
            "All mirrors were tried",
            "Cannot download ",
        ],
        MIRROR_ADVICE,
    )
    .anywhere()
    .hides(&[OF_SYSTEM]),
    symptom(
        DOWNLOAD,
        &["Curl error (", "Error downloading packages:"],
        MIRROR_ADVICE,
    )
    .anywhere(),
    symptom(
        DOWNLOAD,
        &["curl: ("],
        "Correct the address that curl loads; run the deployment again if its server was down.",
    )
    .then(|text| number_then(text, ") "))
    .in_dockerfile(),
    symptom(
        DOWNLOAD,
        &[
            "wget: server returned error: ",
            "wget: bad address '",
            "wget: unable to resolve host address",
            "wget: can't connect to remote host",
            "ERROR 404: Not Found",
            "ERROR 403: Forbidden",
        ],
        "Correct the address that wget loads; run the deployment again if its server was down.",
    )
    .anywhere()
    .in_dockerfile(),
    cause(
        "A target of make does not exist",
        &["make: *** No rule to make target "],
        "Correct the name of the target, or add it to the Makefile.",
    ),
    cause(
        "The build took too long",
        &["Build exceeded the maximum time limit", "Build timed out"],
        "Make the build do less, or choose a larger build machine on Sevalla.",
    ),
    cause(CLONE, &["Permission denied (publickey"], CLONE_ADVICE).anywhere(),
    cause(
        CLONE,
        &["Host key verification failed"],
        "Give the repository an https address: git in the build does not know the host's key.",
    ),
    cause(
        CLONE,
        &[
            "Authentication failed for 'http",
            "Authentication failed for \"http",
        ],
        "Connect the repository to Sevalla again; a dependency that git fetches needs a token that \
             may read it.",
    ),
    cause(
        CLONE,
        &[
            "could not read Username for '",
            "Remote branch ",
            "repository '",
        ],
        CLONE_ADVICE,
    )
    .then(|text| {
        !text.contains("origin/") && (text.contains("not found") || text.starts_with("http"))
    }),
    cause(
        "The published folder does not exist",
        &[
            "Publish directory ",
            "==> Publish directory ",
            "publish directory ",
            "Output directory \"",
        ],
        "Set the published folder on Sevalla to the one that the build writes.",
    )
    .then(|text| text.contains("not found") || text.contains("does not exist")),
    cause(
        "The published folder does not exist",
        &[
            "o such file or directory",
            " does not exist",
            " not found",
            " is not a directory",
            "ENOTDIR",
        ],
        "Set the published folder on Sevalla to the one that the build writes.",
    )
    .anywhere()
    .when(|text| {
        ["o such file", "ENOTDIR", "irectory", "older"]
            .iter()
            .any(|words| text.contains(words))
    })
    .behind("Publishing '"),
    symptom(
        "The image could not be pushed",
        &["failed to push "],
        "Run the deployment again; if it fails again, check the status of Sevalla's registry of \
             images, and make the image smaller.",
    )
    .anywhere()
    .then(|text| !text.starts_with("some refs") && !text.contains("denied")),
    symptom(
        "Out of memory",
        &[
            "exit code: 137",
            "exit code 137",
            "exited with code 137",
            "exit status 137",
            "returned a non-zero code: 137",
            "Exit status 137",
        ],
        "Choose a larger build machine or a larger pod on Sevalla, or make the step need less.",
    )
    .anywhere()
    .then(super::ends)
    .of_run(),
    consequence(
        "A step of the build failed",
        &["failed to solve: ", "The command '/bin/sh -c "],
    )
    .anywhere()
    .then(|text| {
        text.contains("did not complete successfully")
            || text.contains("returned a non-zero code")
            || says_what(text)
    }),
    consequence(
        "The build failed",
        &[
            "failed to build: exit status ",
            "Push rejected",
            "Nixpacks build failed",
            "executor failed running [",
        ],
    )
    .anywhere(),
    ending(
        "A job of the deployment failed",
        &[
            "Job \"",
            "BackoffLimitExceeded",
            "reached the specified backoff limit",
            "Job was active longer than specified deadline",
        ],
        "Run the job's command on your machine; its whole output is in its log on Sevalla.",
    )
    .anywhere()
    .then(|text| !text.contains('"') || text.contains("\" failed")),
    // Sevalla's own words.
    ending(
        "The build failed",
        &["Build process failed", "Unknown build fail type"],
        "Run the build command on your machine; the whole log of the build is on Sevalla.",
    )
    .anywhere(),
];
