//! pip, Poetry, uv and Python itself.

use super::super::pattern::{Pattern, cause, symptom};
use super::says_what;

/// An exception that nobody has caught.
pub(in super::super) const EXCEPTION: Pattern = symptom(
    "Python ended with an exception",
    &[],
    "Correct it at this place; the whole trace is in the log.",
);

const LOCK: &str = "The lock file does not fit the manifest";
const LOCK_ADVICE: &str = "Lock again on your machine (`poetry lock`, `uv lock`) and commit \
             the lock file.";
const SOLVE: &str = "Dependencies contradict each other";
const SOLVE_ADVICE: &str = "Choose versions that fit each other and the version of Python, \
             and lock again.";

pub(super) const PATTERNS: &[Pattern] = &[
    cause(
        "A package or version does not exist",
        &[
            "Could not find a version that satisfies the requirement ",
            "No matching distribution found for ",
            "Unable to find installation candidates for ",
            "Because there are no versions of ",
        ],
        "Check the name, the version, and that it exists for this version \
             of Python.",
    )
    .then(says_what),
    cause(
        SOLVE,
        &["ResolutionImpossible: ", "Cannot install "],
        SOLVE_ADVICE,
    )
    .then(|text| text.contains("conflicting dependencies") || text.contains("resolution"))
    .keeps(3),
    cause(SOLVE, &["version solving failed"], SOLVE_ADVICE).anywhere(),
    cause(
        SOLVE,
        &["No solution found when resolving dependencies"],
        SOLVE_ADVICE,
    )
    .keeps(3),
    cause(
        LOCK,
        &[
            "pyproject.toml changed significantly since poetry.lock was last generated",
            "poetry.lock is not up to date with pyproject.toml",
            "The lockfile at `uv.lock` needs to be updated",
            "Your Pipfile.lock (",
        ],
        LOCK_ADVICE,
    ),
    cause(
        "The version of Python does not fit",
        &["Package '"],
        "Set the version of Python that the package asks for.",
    )
    .then(|text| text.contains("requires a different Python")),
    cause(
        "The version of Python does not fit",
        &["Current Python version ("],
        "Set the version of Python that the project asks for.",
    )
    .then(|text| text.contains("is not allowed by the project")),
    cause(
        "A file of requirements was not found",
        &["Could not open requirements file: "],
        "Set the service's build path to the folder that holds the file, \
             or correct its name.",
    ),
    cause(
        "A package is not what the lock file says",
        &["THESE PACKAGES DO NOT MATCH THE HASHES"],
        "Update the hashes in the file of requirements.",
    )
    .keeps(3),
    symptom(
        "A package could not be built",
        &["Failed building wheel for ", "Failed to build "],
        "Choose a version with a ready wheel, or install the compiler and \
             headers it needs.",
    )
    .then(says_what),
    symptom(
        "A package could not be built",
        &[
            "subprocess-exited-with-error",
            "metadata-generation-failed",
            "ChefBuildError",
        ],
        "Choose a version with a ready wheel, or install the compiler and \
             headers it needs.",
    )
    .keeps(2),
    cause(
        "A module is not installed",
        &["ModuleNotFoundError: No module named "],
        "Add the package that has the module to the project's requirements.",
    ),
    cause(
        "A header of C is missing",
        &["fatal error: "],
        "Install the development package that has the header in the image.",
    )
    .anywhere()
    .then(|text| text.contains(": No such file or directory"))
    .nowhere(),
    cause(
        "A setting is missing",
        &["django.core.exceptions.ImproperlyConfigured: "],
        "Set the variable or setting that it names in the service's environment.",
    )
    .of_run(),
    cause(
        "A program that a package needs is missing",
        &["pg_config executable not found", "mysql_config: not found"],
        "Install the development package of the database client in the \
             image, or use a binary wheel.",
    )
    .anywhere(),
];
