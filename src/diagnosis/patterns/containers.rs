//! Docker, Nixpacks, buildpacks, registries of images, and git.

use super::super::pattern::{Pattern, cause, consequence, symptom};
use super::{number_then, says_what};

const BASE: &str = "An image could not be fetched";
const BASE_ADVICE: &str = "Check the image's name and tag; a private one needs credentials \
             of its registry in Sevalla.";

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
        "Correct the Dockerfile at the line that it names.",
    )
    .anywhere(),
    cause(
        "The Dockerfile was not found",
        &[
            "failed to read dockerfile: ",
            "unable to evaluate symlinks in Dockerfile path",
        ],
        "Set the path of the Dockerfile and the context in the service's settings.",
    )
    .anywhere(),
    cause(
        "A file that the Dockerfile copies does not exist",
        &[
            "failed to calculate checksum of ref ",
            "COPY failed: ",
            "ADD failed: ",
        ],
        "Check the path from the context's root, its upper and lower \
             case, and .dockerignore.",
    )
    .anywhere()
    .then(|text| text.contains("not found") || text.contains("no such file")),
    cause(
        "A stage of the Dockerfile does not exist",
        &["target stage \"", "invalid from flag value "],
        "Check the name of the stage.",
    )
    .anywhere(),
    cause(
        BASE,
        &[
            "pull access denied",
            "manifest unknown",
            "repository does not exist or may require",
            "ErrImagePull",
            "ImagePullBackOff",
            "failed to resolve source metadata for ",
            "MANIFEST_UNKNOWN",
            "no matching manifest for ",
        ],
        BASE_ADVICE,
    )
    .anywhere(),
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
        "Give the service valid credentials of the registry.",
    )
    .anywhere(),
    cause(
        "The registry of images limits pulls",
        &["toomanyrequests: "],
        "Wait, or give the service credentials of the registry so that it \
             pulls under your name.",
    )
    .anywhere(),
    cause(
        "No room on the disk",
        &["no space left on device", "No space left on device"],
        "Make the build smaller (what is copied, what is installed), or \
             clear the build cache.",
    )
    .anywhere(),
    cause(
        "The image is for another kind of processor",
        &["exec format error"],
        "Build the image for linux/amd64.",
    )
    .anywhere()
    .of_run(),
    cause(
        "A command does not exist",
        &["executable file not found in $PATH"],
        "Install what has the command in the image, or correct the command.",
    )
    .anywhere()
    .of_run(),
    cause(
        "Nixpacks does not know how to build it",
        &[
            "Nixpacks was unable to generate a build plan",
            "Railpack could not determine how to build the app",
        ],
        "Set the build path to the folder of the application, or bring a \
             Dockerfile.",
    )
    .anywhere(),
    cause(
        "There is no start command",
        &[
            "No start command could be found",
            "when there is no default process a command is required",
            "process type web was not found",
            "No start command was found",
        ],
        "Set the start command in the service's settings, or add a \
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
        &[
            "No buildpack groups passed detection",
            "failed to detect: no buildpacks participating",
            "fail to detect: no buildpacks participating",
        ],
        "Set the build path to the folder of the application, or choose \
             the buildpacks by hand.",
    )
    .anywhere(),
    cause(
        "A submodule could not be cloned",
        &["into submodule path '"],
        "Check its address in .gitmodules, and that Sevalla may read it.",
    )
    .anywhere()
    .then(|text| text.ends_with("' failed")),
    cause(
        "The quota of Git LFS is used up",
        &["This repository is over its data quota"],
        "Raise the quota of Git LFS, or keep large files elsewhere.",
    )
    .anywhere(),
    cause(
        "The commit or branch does not exist",
        &["pathspec '"],
        "Check the name of the branch, and that the commit was pushed.",
    )
    .then(|text| text.contains("' did not match any file")),
    cause(
        "A package of the system does not exist",
        &["E: Unable to locate package ", "Unable to locate package "],
        "Run `apt-get update` in the same step, and check the package's name for this \
             version of the image.",
    ),
    cause(
        "A package of the system does not exist",
        &["E: Package '"],
        "Check the package's name for this version of the image.",
    )
    .then(|text| text.contains("has no installation candidate")),
    cause(
        "A package of the system does not exist",
        &["unable to select packages:"],
        "Check the package's name for this version of the image.",
    )
    .keeps(1),
    symptom(
        "A download failed",
        &["curl: ("],
        "Check the address; run the deployment again if its server was down.",
    )
    .then(|text| number_then(text, ") ")),
    cause(
        "A target of make does not exist",
        &["make: *** No rule to make target "],
        "Correct the name, or add the target to the Makefile.",
    ),
    cause(
        "The build took too long",
        &["Build exceeded the maximum time limit", "Build timed out"],
        "Make the build do less, or choose a larger build machine.",
    ),
    cause(CLONE, &["Permission denied (publickey"], CLONE_ADVICE).anywhere(),
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
            "publish directory ",
            "Output directory \"",
        ],
        "Set the published folder to the one that the build writes.",
    )
    .then(|text| text.contains("not found") || text.contains("does not exist")),
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
        "Choose a larger build machine or pod, or make the step need less.",
    )
    .anywhere()
    .then(super::ends)
    .of_run(),
    consequence(
        "A step of the build failed",
        &["failed to solve: ", "The command '/bin/sh -c "],
        "What the step printed before this line says why.",
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
        "What it printed before this line says why.",
    )
    .anywhere(),
];
