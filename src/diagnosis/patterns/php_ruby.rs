//! Composer and PHP, Bundler and Ruby.

use super::super::pattern::{Pattern, cause, consequence, symptom};

const LOCK: &str = "The lock file does not fit the manifest";

const EXCEPTION: &str = "Ruby ended with an exception";
const EXCEPTION_ADVICE: &str = "Correct it at this place; the whole trace is in the log.";
const EXCEPTIONS: &[&str] = &[
    "NameError: ",
    "NoMethodError: ",
    "ArgumentError: ",
    "KeyError: ",
    "RuntimeError: ",
    "TypeError: ",
];

pub(super) const PATTERNS: &[Pattern] = &[
    cause(
        "Dependencies contradict each other",
        &["Your requirements could not be resolved to an installable set of packages"],
        "Read the problems below it; `composer update` on your machine \
             shows the same.",
    )
    .keeps(3),
    cause(
        LOCK,
        &[
            "Your lock file does not contain a compatible set of packages",
            "Required package \"",
            "- Required package \"",
        ],
        "Run `composer update` on your machine and commit composer.lock.",
    )
    .then(|text| !text.contains('"') || text.contains("\" is not present in the lock file"))
    .keeps(3),
    cause(
        "An extension of PHP is missing",
        &[
            "it is missing from your system",
            "the requested PHP extension ",
        ],
        "Install the extension in the image, or turn it on in the \
             service's settings.",
    )
    .anywhere(),
    cause(
        "The version of PHP does not fit",
        &["your php version ("],
        "Set the version of PHP that the packages ask for.",
    )
    .anywhere()
    .then(|text| text.contains("does not satisfy")),
    cause(
        "The package registry refused access",
        &[
            "Could not authenticate against ",
            "Invalid credentials (HTTP 401) for '",
        ],
        "Give the build a valid token for the host, in COMPOSER_AUTH.",
    ),
    cause(
        "A package or version does not exist",
        &[
            "Could not find a matching version of package ",
            "Could not find package ",
        ],
        "Check the name and the version in composer.json.",
    ),
    cause(
        "PHP found an error of syntax",
        &["PHP Parse error:", "Parse error: syntax error"],
        "Correct the syntax at this place.",
    ),
    symptom(
        "PHP ended with an error",
        &["PHP Fatal error:", "Fatal error: Uncaught "],
        "Correct it at this place.",
    )
    .keeps(1)
    .place_below(3),
    cause(
        "Out of memory",
        &["Allowed memory size of "],
        "Raise memory_limit, or make the step need less.",
    )
    .anywhere()
    .then(|text| text.contains("bytes exhausted")),
    consequence(
        "A script of Composer failed",
        &["Script "],
        "What the script printed before this line says why.",
    )
    .then(|text| text.contains(" returned with error code ")),
    cause(
        "A package or version does not exist",
        &["Could not find gem '"],
        "Check the name and version in the Gemfile, and commit Gemfile.lock.",
    ),
    cause(
        "Dependencies contradict each other",
        &[
            "Could not find compatible versions",
            "Bundler could not find compatible versions for gem ",
        ],
        "Choose versions that fit each other, and commit Gemfile.lock.",
    )
    .keeps(4),
    cause(
        "The version of Ruby does not fit",
        &["Your Ruby version is "],
        "Set the same version of Ruby in the Gemfile and for the build.",
    )
    .then(|text| text.contains("but your Gemfile specified")),
    cause(
        LOCK,
        &[
            "The dependencies in your gemfile changed, but the lockfile can't \
             be updated",
            "You are trying to install in deployment mode after changing",
            "The deployment setting requires a lockfile",
            "The gemspecs for path gems changed, but the lockfile can't be updated",
        ],
        "Run `bundle install` on your machine and commit Gemfile.lock.",
    )
    .keeps(2),
    cause(
        "The lock file leaves out this platform",
        &["Your bundle only supports platforms "],
        "Run `bundle lock --add-platform x86_64-linux` and commit Gemfile.lock.",
    ),
    symptom(
        "A native extension could not be built",
        &[
            "Gem::Ext::BuildError: ERROR: Failed to build gem native extension",
            "Failed to build gem native extension",
        ],
        "Install the library and headers that it needs in the image.",
    )
    .keeps(3),
    cause(
        "A credential of Rails is missing",
        &[
            "Missing encryption key to decrypt file with",
            "ArgumentError: Missing `secret_key_base`",
            "Missing `secret_key_base` for ",
        ],
        "Set RAILS_MASTER_KEY or SECRET_KEY_BASE in the service's environment.",
    )
    .anywhere(),
    symptom(
        EXCEPTION,
        &[
            "(NameError)",
            "(NoMethodError)",
            "(LoadError)",
            "(SyntaxError)",
            "(ArgumentError)",
            "(KeyError)",
            "(RuntimeError)",
            "(TypeError)",
        ],
        EXCEPTION_ADVICE,
    )
    .anywhere()
    .then(|text| text.trim().is_empty())
    .needs_place(),
    // What Rake and Rails have called.
    symptom(EXCEPTION, EXCEPTIONS, EXCEPTION_ADVICE)
        .behind("rake aborted!")
        .place_below(3),
    symptom(EXCEPTION, EXCEPTIONS, EXCEPTION_ADVICE)
        .behind("rails aborted!")
        .place_below(3),
    symptom(EXCEPTION, EXCEPTIONS, EXCEPTION_ADVICE)
        .behind("bin/rails aborted!")
        .place_below(3),
    consequence(
        "Rake failed",
        &["rake aborted!", "rails aborted!", "bin/rails aborted!"],
        "What stands below it says why.",
    )
    .keeps(2)
    .place_below(5),
    cause(
        "A gem cannot be loaded",
        &["LoadError: cannot load such file -- "],
        "Add the gem that has it to the Gemfile.",
    ),
];
