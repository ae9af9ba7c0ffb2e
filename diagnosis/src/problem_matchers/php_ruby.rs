//! Composer and PHP, Bundler and Ruby.

use super::super::problem_matcher::{Pattern, cause, consequence, symptom};

/// An exception in a box of Symfony's or Laravel's console.
pub(in super::super) static PHP: Pattern = symptom(
    "PHP ended with an error",
    &[],
    "Correct what the exception names, or set the variable that the program reads; `-vvv` \
             behind the command of PHP shows the whole trace.",
)
.of_run();

const LOCK: &str = "The lock file does not fit the manifest";
const PEERS: &str = "Dependencies contradict each other";
const MISSING: &str = "A package or version does not exist";
/// What Composer says before the reason.
const HEADINGS: &[&str] = &[LOCK, PEERS, MISSING];

/// What follows where a gem cannot be built.
const OF_EXTENSIONS: &[&str] = &[
    "A native extension could not be built",
    "A gem could not be installed",
];

const EXCEPTION: &str = "Ruby ended with an exception";
const EXCEPTION_ADVICE: &str = "Correct what the exception names; the whole trace of Ruby is in \
             the log.";
const EXCEPTIONS: &[&str] = &[
    "NameError: ",
    "NoMethodError: ",
    "ArgumentError: ",
    "KeyError: ",
    "RuntimeError: ",
    "TypeError: ",
    "Command failed with exit ",
];

pub(super) const PATTERNS: &[Pattern] = &[
    cause(
        PEERS,
        &["Your requirements could not be resolved to an installable set of packages"],
        "Choose versions in composer.json that fit each other; `composer update` on your \
             machine shows the same.",
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
            "could not find driver",
            "the requested PHP extension ",
        ],
        "Install the extension of PHP in the image (`docker-php-ext-install`), or name it \
             (`ext-…`) in composer.json so that the builder does.",
    )
    .anywhere()
    .hides(HEADINGS),
    cause(
        "The version of PHP does not fit",
        &["your php version (", "your PHP version ("],
        "Build with the version of PHP that the packages ask for, or lock older packages on \
             your machine (`composer config platform.php` sets the version).",
    )
    .anywhere()
    .then(|text| text.contains("does not satisfy") || text.contains("overridden"))
    .hides(HEADINGS),
    cause(
        "The version of PHP does not fit",
        &["Your Composer dependencies require a PHP version "],
        "Run the program with the version of PHP that the packages ask for.",
    )
    .anywhere()
    .of_run(),
    cause(
        "The package registry refused access",
        &[
            "Could not authenticate against ",
            "Invalid credentials (HTTP 401) for '",
        ],
        "Give the build a valid token for the host, in COMPOSER_AUTH.",
    )
    .anywhere()
    .hides(&["PHP ended with an error"]),
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
        "Correct the syntax; `php -l` shows the same on your machine.",
    ),
    cause(
        "A class of PHP does not exist",
        &["Class \"", "Class '"],
        "Correct the name of the class, its namespace and its file (`composer dump-autoload` finds \
             them by these), or move its package from require-dev to require in composer.json.",
    )
    .anywhere()
    .then(is_class_missing)
    .place_below(3)
    .hides(&["PHP ended with an error"])
    .of_run(),
    symptom(
        "PHP ended with an error",
        &["PHP Fatal error:", "Fatal error: Uncaught "],
        "Correct what PHP names; the whole trace is in the log.",
    )
    .keeps(1)
    .place_below(3),
    cause(
        "Out of memory",
        &["Allowed memory size of "],
        "Raise `memory_limit` of PHP (`php -d memory_limit=-1` for one command), or make \
             the step need less.",
    )
    .anywhere()
    .then(|text| text.contains("bytes exhausted")),
    consequence(
        "A script of Composer failed",
        &["Script "])
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
    cause(
        "Migrations have not been run",
        &[
            "(ActiveRecord::PendingMigrationError)",
            "ActiveRecord::PendingMigrationError: ",
        ],
        "Run `bin/rails db:migrate` before the program starts.",
    )
    .anywhere()
    .keeps(2)
    .of_run(),
    cause(
        "A library of the system is missing",
        &[
            "mysql client is missing. ",
            "Can't find the 'libpq-fe.h' header",
            "libyaml is missing. ",
        ],
        "Install the library that the gem needs in the image (`apt-get install libpq-dev \
             default-libmysqlclient-dev libyaml-dev`, what of them it names).",
    )
    .hides(OF_EXTENSIONS),
    cause(
        "A header of C is missing",
        &[".h not found"],
        "Install the development package that has the header in the image (`apt-get install \
             libyaml-dev` for yaml.h), so that `bundle install` can build the gem.",
    )
    .anywhere()
    .when(|text| {
        let header = text.trim().strip_suffix(".h not found");
        header.is_some_and(|header| !header.contains(' '))
    })
    .hides(OF_EXTENSIONS),
    // The last thing that mkmf looked for.
    cause(
        "A native extension could not be built",
        &["*** extconf.rb failed ***"],
        "Install the library and headers that the gem needs in the image (`apt-get install …-dev`).",
    )
    .behind("checking for ")
    .hides(&["A gem could not be installed"]),
    symptom(
        "A native extension could not be built",
        &[
            "Gem::Ext::BuildError: ERROR: Failed to build gem native extension",
            "Failed to build gem native extension",
        ],
        "Install the library and headers that the gem needs in the image (`apt-get install …-dev`).",
    )
    .keeps(3),
    cause(
        "The key of Laravel is missing",
        &["No application encryption key has been specified"],
        "Set APP_KEY in the service's environment on Sevalla; `php artisan key:generate --show` \
             prints a key.",
    )
    .anywhere()
    .of_run(),
    cause(
        "The assets of Laravel were not built",
        &["Vite manifest not found at: "],
        "Run `npm run build` when the image is built, and keep public/build in it: PHP reads the \
             manifest from there.",
    )
    .anywhere()
    .nowhere()
    .of_run(),
    cause(
        "PHP-FPM does not accept its configuration",
        &["failed to open configuration file '", "FPM initialization failed"],
        "Correct the configuration of PHP-FPM; `php-fpm -t` shows the same on your machine.",
    )
    .nowhere()
    .keeps(1)
    .of_run(),
    cause(
        "A credential of Rails is missing",
        &[
            "Missing encryption key to decrypt file with",
            "ArgumentError: Missing `secret_key_base`",
            "Missing `secret_key_base` for ",
            "ActiveSupport::MessageEncryptor::InvalidMessage",
        ],
        "In a step of the Dockerfile set SECRET_KEY_BASE_DUMMY=1 before the command of Rails; \
             for the running program set RAILS_MASTER_KEY or SECRET_KEY_BASE in the service's \
             environment.",
    )
    .anywhere()
    .of_run(),
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
    // What Puma, Unicorn and others have loaded.
    symptom(
        EXCEPTION,
        &[
            "! Unable to load application: ",
            "Unable to load application: ",
        ],
        EXCEPTION_ADVICE,
    )
    .then(|text| text.contains(": "))
    .place_below(6)
    .of_run(),
    symptom(EXCEPTION, &[".rb:"], EXCEPTION_ADVICE)
        .anywhere()
        .then(|text| text.contains(":in ") && is_class_at_end(text))
        .behind("bundler: failed to load command")
        .place_below(8)
        .of_run(),
    // In a gem, called from below.
    symptom(EXCEPTION, &[".rb:"], EXCEPTION_ADVICE)
        .anywhere()
        .then(|text| text.contains(":in ") && is_class_at_end(text))
        .when(|text| text.starts_with('/') && !text.contains("(Minitest::"))
        .place_below(8)
        .of_run(),
    consequence(
        "Bundler could not run a command",
        &["bundler: failed to load command: "]),
    cause(
        "A stylesheet could not be compiled",
        &["SassC::SyntaxError: ", "Sass::SyntaxError: ", "Sass::CompileError: "],
        "Correct the stylesheet; `bin/rails assets:precompile` shows the same on your machine.",
    )
    .place_below(3)
    .hides(&[EXCEPTION]),
    symptom(
        "A migration failed",
        &["StandardError: An error has occurred, this and all later migrations canceled"],
        "Correct the migration, and run `bin/rails db:migrate` on a copy of the database.",
    )
    .keeps(1)
    .place_below(8),
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
        &["rake aborted!", "rails aborted!", "bin/rails aborted!"])
    .keeps(2)
    .place_below(5),
    cause(
        "A gem cannot be loaded",
        &[
            "LoadError: cannot load such file -- ",
            "cannot load such file -- ",
            " in locally installed gems",
        ],
        "Add the gem that has it to the Gemfile, in a group that is installed, run \
             `bundle install` and commit Gemfile.lock.",
    )
    .anywhere()
    .place_below(12)
    .hides(&[EXCEPTION])
    .of_run(),
    cause(
        "The version of Ruby does not fit",
        &["Could not find 'bundler' ("],
        "Install the version of Bundler that Gemfile.lock names: `gem install bundler -v …`.",
    )
    .anywhere(),
    cause(
        "Node.js is missing",
        &["Could not find a JavaScript runtime", "ExecJS::RuntimeUnavailable"],
        "Install Node.js in the image for the assets of Rails, or remove the gem that compiles \
             JavaScript.",
    )
    .anywhere(),
    symptom(
        "A gem could not be installed",
        &["An error occurred while installing "],
        "Install what the gem needs in the image, or choose another version in the Gemfile.",
    )
    .then(|text| text.contains("Bundler cannot continue")),
    cause(
        "The database is not configured",
        &[
            "ActiveRecord::AdapterNotSpecified: ",
            "ActiveRecord::AdapterNotFound: ",
            "database configuration does not specify adapter",
        ],
        "Add the database and its adapter to config/database.yml for Rails' environment \
             `production`, or set DATABASE_URL in the service's environment.",
    )
    .anywhere()
    .hides(&[EXCEPTION])
    .of_run(),
];

/// `App\Kernel" not found`
fn is_class_missing(text: &str) -> bool {
    let quoted = text.split_once(['"', '\'']);
    quoted.is_some_and(|(name, rest)| {
        let is_of_name = |c: char| c.is_alphanumeric() || c == '\\' || c == '_';
        !name.is_empty() && name.chars().all(is_of_name) && rest.starts_with(" not found")
    })
}

/// `load': it is not configured (Shop::NotReady)`
fn is_class_at_end(text: &str) -> bool {
    let named = text
        .trim_end()
        .strip_suffix(')')
        .and_then(|text| text.rsplit_once(" ("));
    named.is_some_and(|(_, name)| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b":_".contains(&b))
    })
}
