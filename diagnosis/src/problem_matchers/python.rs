//! pip, Poetry, uv and Python itself.

use super::super::problem_matcher::{Pattern, cause, consequence, symptom};
use super::says_what;

/// An exception that nobody has caught.
pub(in super::super) const EXCEPTION: Pattern = symptom(
    "Python ended with an exception",
    &[],
    "Correct what the exception names; the whole traceback of Python is in the log.",
);

const APPLICATION: &str = "The start command names an application that does not exist";
const APPLICATION_ADVICE: &str = "Correct the module in the start command (`gunicorn module:app`), \
             or the folder in which Python is started (`--chdir`).";
const IMPORTED: &[&str] = &["ModuleNotFoundError: No module named "];
const BUILT: &str = "A package could not be built";
const LOCK: &str = "The lock file does not fit the manifest";
const LOCK_ADVICE: &str = "Lock again on your machine (`poetry lock`, `uv lock`) and commit \
             the lock file.";
const SOLVE: &str = "Dependencies contradict each other";
const SOLVE_ADVICE: &str = "Choose versions that fit each other and the version of Python, \
             and lock again (`pip-compile`, `poetry lock`, `uv lock`).";

pub(super) const PATTERNS: &[Pattern] = &[
    cause(
        "A package or version does not exist",
        &[
            "Could not find a version that satisfies the requirement ",
            "No matching distribution found for ",
            "Unable to find installation candidates for ",
            "Because there are no versions of ",
        ],
        "Correct the name or the version: pip finds none for this version of Python.",
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
        ],
        LOCK_ADVICE,
    ),
    cause(
        LOCK,
        &["Your Pipfile.lock (", "Pipfile.lock ("],
        "Run `pipenv lock` on your machine and commit Pipfile.lock.",
    )
    .then(|text| text.contains("out of date")),
    cause(
        LOCK,
        &["Pipfile.lock not found", "Pipfile.lock is out of date"],
        "Run `pipenv lock` on your machine and commit Pipfile.lock.",
    )
    .anywhere(),
    cause(
        "A table of the database does not exist",
        &["relation \"", "no such table: "],
        "Run the migrations before the program uses the database (`python manage.py migrate`, \
             `alembic upgrade head`, `rails db:migrate`, `npx prisma migrate deploy`, \
             `mix ecto.migrate`).",
    )
    .anywhere()
    .then(|text| text.ends_with("\" does not exist") || !text.contains([' ', '"']))
    .when(|text| !text.contains("column \""))
    .of_run(),
    cause(
        "A column of the database does not exist",
        &[
            "olumn \"",
            " column ",
            "Unknown column '",
            "no such column: ",
            "he column `",
        ],
        "Add or correct the migration that makes the column, and run it before its first use \
             (`rails db:migrate`, `python manage.py migrate`, `npx prisma migrate deploy`).",
    )
    .anywhere()
    .when(|text| {
        text.contains("Unknown column '")
            || text.contains("no such column: ")
            || (text.contains(" does not exist") && is_of_database(text))
    })
    .place_below(5)
    .hides(&["A migration failed"])
    .of_run(),
    cause(
        "A migration makes what exists already",
        &[
            "relation \"",
            "column \"",
            "Duplicate column name '",
            "Base table or view already exists",
            "table \"",
            "Duplicate key name '",
        ],
        "Mark the migration as applied if it was (`python manage.py migrate --fake`, `alembic \
             stamp`, `prisma migrate resolve --applied`), or remove what it makes a second time.",
    )
    .anywhere()
    .when(|text| text.contains(" already exists") || text.contains("Duplicate "))
    .place_below(5)
    .hides(&["A migration failed"])
    .of_run(),
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
        "Set the service's build path on Sevalla to the folder that holds pip's file of \
             requirements, or correct its name.",
    ),
    cause(
        "A package is not what the lock file says",
        &["THESE PACKAGES DO NOT MATCH THE HASHES"],
        "Update the hashes in the file of requirements (`pip-compile --generate-hashes`).",
    )
    .keeps(3),
    symptom(
        BUILT,
        &["Failed building wheel for ", "Failed to build "],
        "Choose a version with a ready wheel for this version of Python, or install the \
             compiler and headers that the package needs.",
    )
    .then(is_package),
    consequence(BUILT, &["metadata-generation-failed"]),
    symptom(
        BUILT,
        &["subprocess-exited-with-error", "ChefBuildError"],
        "Choose a version with a ready wheel for this version of Python, or install the \
             compiler and headers that the package needs.",
    )
    .keeps(2),
    // The program itself, which gunicorn and Daphne import.
    cause(APPLICATION, IMPORTED, APPLICATION_ADVICE)
        .behind("mod = importlib.import_module(module)")
        .of_run(),
    cause(APPLICATION, IMPORTED, APPLICATION_ADVICE)
        .behind("target = importlib.import_module(module_path)")
        .of_run(),
    cause(
        "A module is not installed",
        IMPORTED,
        "Add the package that has the module to the project's requirements.",
    )
    .then(|text| !is_of_building(text)),
    cause(
        BUILT,
        IMPORTED,
        "Choose a newer version of the package, or an older Python: since 3.12 it has neither \
             distutils nor setuptools.",
    )
    .then(is_of_building),
    cause(
        "A header of C is missing",
        &["fatal error: "],
        "Install the development package that has the header in the image (`apt-get install \
             …-dev`).",
    )
    .anywhere()
    .then(|text| text.contains(": No such file or directory"))
    .nowhere(),
    cause(
        "A setting is missing",
        &["django.core.exceptions.ImproperlyConfigured: "],
        "Set the variable or setting that Django names in the service's environment.",
    )
    .of_run(),
    cause(
        "A migration is missing",
        &["Can't locate revision identified by '"],
        "Commit the revision of Alembic that the database has (`alembic current` shows it), or \
             set another with `alembic stamp`.",
    )
    .anywhere()
    .of_run(),
    cause(
        "A program that a package needs is missing",
        &["error: command '", "unable to execute '"],
        "Install a compiler of C in the image (`apt-get install build-essential`), or choose a \
             version with a ready wheel.",
    )
    .then(|text| text.contains("gcc'") && text.ends_with(": No such file or directory"))
    .hides(&[BUILT]),
    cause(
        "A program that a package needs is missing",
        &["can't find Rust compiler"],
        "Install Rust in the image (`rustup`), or choose a version of the package with a ready \
             wheel for this Python.",
    )
    .anywhere()
    .hides(&[BUILT]),
    cause(
        "A setting does not fit its model",
        &[
            "pydantic_core._pydantic_core.ValidationError: ",
            "pydantic.error_wrappers.ValidationError: ",
        ],
        "Set the variable that pydantic names in the service's environment, with a value of the \
             type that the Python model asks for.",
    )
    .then(|text| {
        ["Settings", "Config", "Env"]
            .iter()
            .any(|name| text.contains(name))
    })
    .keeps(2)
    .hides(&["Python ended with an exception"])
    .of_run(),
    cause(
        "A migration of Alembic follows from two others",
        &["Multiple head revisions are present"],
        "Join the heads with `alembic merge heads`, and commit the revision that it writes.",
    )
    .anywhere(),
    cause(
        "A program that a package needs is missing",
        &["pg_config executable not found", "mysql_config: not found"],
        "Install the development package of the database client in the \
             image, or use a binary wheel.",
    )
    .anywhere()
    .hides(&[BUILT]),
];

/// Whether a database says so, by the words around it.
fn is_of_database(text: &str) -> bool {
    [
        "ERROR: ",
        "ERROR:  ",
        "error: ",
        "Error: ",
        "rror: column ",
        "UndefinedColumn",
        "column `",
    ]
    .iter()
    .any(|words| text.contains(words))
}

/// The names of packages, as pip lists them; not `Failed to build the site`.
fn is_package(text: &str) -> bool {
    let is_named = |name: &str| !matches!(name, "the" | "site" | "image" | "project" | "app");
    let first = text.split_whitespace().next().unwrap_or_default();
    says_what(text) && is_named(first) && !first.ends_with(':')
}

/// What only the building of packages imports.
fn is_of_building(text: &str) -> bool {
    ["'distutils", "'pkg_resources", "'setuptools"]
        .iter()
        .any(|name| text.starts_with(name))
}
