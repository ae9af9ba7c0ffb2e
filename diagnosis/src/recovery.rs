//! Lines that say that something went well: what failed before it was tried
//! again, or did not matter. Pure.

use super::beginnings::Beginnings;
use super::json_lines;
use super::looks::{Looks, bit, word};
use super::normalize::{NormalizedLine, without_signs};
use super::reached;
use super::scan::{Scan, module};

/// What a line says of those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recovered {
    /// Packages were installed.
    Installing,
    /// Modules were bundled.
    Bundling,
    /// All tests passed.
    Testing,
    /// A command begins, so the one before it ended well.
    Command,
    /// A step of a build begins, so the one before it ended well.
    Step,
    /// The image was built.
    Building,
    /// The roll-out begins.
    Shipping,
    /// The program is started, and what was printed before is another one's.
    Starting,
    /// A container was started.
    Container,
    /// The program reached its database.
    Connected,
    /// The program accepts connections.
    Listening,
    /// All instances are ready.
    Running,
}

/// The titles of what makes packages impossible to install.
const OF_INSTALLING: &[&str] = &[
    "A command does not exist",
    "A dependency could not be fetched",
    "A header of C is missing",
    "A module of Go could not be fetched",
    "A name could not be resolved",
    "A native extension could not be built",
    "A native module could not be built",
    "A package could not be built",
    "A package is not what the lock file says",
    "A package of the system does not exist",
    "A package or version does not exist",
    "A program that a package needs is missing",
    "Dependencies contradict each other",
    "The lock file does not fit the manifest",
    "The package registry could not be reached",
    "The package registry refused access",
    "The version of Node.js does not fit",
    "The version of Python does not fit",
];

/// The titles of what makes modules impossible to bundle.
pub(super) const OF_BUNDLING: &[&str] = &[
    "A source file could not be read",
    "A stylesheet could not be compiled",
    "An import leads nowhere",
    "Something is imported that is not exported",
];

/// The titles of what keeps a container from being started.
const OF_STARTING: &[&str] = &[
    "A secret of the service does not exist",
    "A volume could not be mounted",
    "An image could not be fetched",
    "No machine has room for the program",
    "The container could not be started",
];

/// The title of what programs try again most often.
const OF_DATABASE: &str = "The database could not be reached";

/// The titles of what keeps a program from its database.
const OF_CONNECTING: &[&str] = &[
    "A name could not be resolved",
    OF_DATABASE,
    "The database refused access",
];

/// The titles of what a program that listens after it has survived.
const OF_LISTENING: &[&str] = &[
    "A certificate is not trusted",
    "A gem cannot be loaded",
    "A module cannot be found",
    "A module is not installed",
    "A native module is for another system",
    "A setting is missing",
    "A table of the database does not exist",
    "A variable is missing",
    "The port is taken",
];

/// The title of a test that failed.
pub(super) const OF_TESTING: &str = "A test failed";

impl Recovered {
    /// Whether it makes up for what has this title.
    pub(super) fn is_of(self, title: &str) -> bool {
        match self {
            Self::Installing => OF_INSTALLING.contains(&title),
            Self::Bundling => OF_BUNDLING.contains(&title),
            Self::Container => OF_STARTING.contains(&title),
            Self::Connected => OF_CONNECTING.contains(&title),
            Self::Listening => {
                title.contains(" ended with ")
                    || OF_LISTENING.contains(&title)
                    || OF_CONNECTING.contains(&title)
            }
            _ => true,
        }
    }

    /// Whether a program that fails so later had got over what has this title.
    pub(super) fn shows_that_survived(later: &str, title: &str) -> bool {
        let is_of_run = |later| OF_LISTENING.contains(&later) || OF_CONNECTING.contains(&later);
        title == OF_DATABASE && later != title && is_of_run(later)
    }

    /// Whether it is of the whole deployment, and not of one of its parts.
    pub(super) const fn is_of_all(self) -> bool {
        matches!(
            self,
            Self::Building | Self::Shipping | Self::Starting | Self::Running
        )
    }
}

static BUILT: Beginnings = Beginnings::of(&[
    "EXPORTING",
    "Build complete",
    "Build succeeded",
    "Build successful",
    "Successfully tagged ",
    "pushing image",
    "Pushing image",
    "Build command succeeded",
]);

static SHIPPED: Beginnings = Beginnings::of(&[
    "Rolling out",
    "rolling out",
    "Starting container",
    "Starting Container",
    "Deploying...",
    "Publishing '",
]);

/// One of these is in each line that says so, but in those that begin a command.
pub(super) const WORDS: &[&str] = &[
    // Installing
    "added ",
    "changed ",
    "Installed ",
    " packages installed",
    "up to date",
    "Successfully installed ",
    "Bundle complete!",
    "Generating optimized autoload files",
    "Generating autoload files",
    // Bundling
    "built in ",
    "ompiled successfully",
    " modules transformed",
    "webpack ",
    // Testing
    "Tests ",
    "Tests:",
    "OK (",
    "test result: ok.",
    " passed",
    " passing",
    " examples, 0 failures",
    // Steps
    "Step ",
    "BUILD SUCCESS",
    "Finished `release`",
    "] Taking snapshot of ",
    "Generating static pages (",
    // Building
    "EXPORTING",
    "Build complete",
    "Build succeeded",
    "Build successful",
    "Successfully tagged ",
    "ushing image",
    "Build command succeeded",
    // Shipping and starting
    "olling out",
    "Starting ",
    "Deploying...",
    "Publishing '",
    "Running",
    "State changed from ",
    "Started container",
    // Running
    " of ",
    "Your service is live",
    "Deployment succeeded",
    " successfully rolled out",
    // Connected
    "onnected to ",
    "atabase connect",
    "DB connected",
    "edis connected",
    "onnection established",
    "onnection to database",
    "stablished successfully",
    "atabase is ",
    "ostgres is ",
    "atabase ready",
    "migrated (",
    "o pending migrations",
    "o migrations to apply",
    "successfully applied",
    // Listening
    "Application startup complete",
    "istening on",
    "istening at http",
    "istening to port",
    "erver is ",
    "erver listening",
    "erver running",
    "erver started",
    "erver ready",
    "tarted server on",
    "tarted on port",
    "successfully started",
    "unning on ",
    "unning at http",
    "ocket has launched",
    "esponding at http",
    "vailable at http",
    "eady on http",
    "eady at http",
    "eady in ",
    "eady - started",
    "Started ",
];

/// What the line says went well.
pub(super) fn read(bare: &NormalizedLine<'_>, scan: &Scan) -> Option<Recovered> {
    let may_be = scan.concerns(module::HEALING) || bare.text.starts_with("> ");
    if !may_be {
        return None;
    }
    let message = json_lines::message(bare.text);
    let bare = NormalizedLine {
        text: message.unwrap_or(bare.text),
        ..*bare
    };
    healed(&bare, scan.looks)
}

fn healed(bare: &NormalizedLine<'_>, looks: Looks) -> Option<Recovered> {
    let text = without_signs(bare.text, "✓✔✨➤·=>│✅🚀📦🎉");
    let healed = if is_install(text) {
        Recovered::Installing
    } else if is_bundle(text) {
        Recovered::Bundling
    } else if are_tests(text) {
        Recovered::Testing
    } else if is_command(bare.text) {
        Recovered::Command
    } else if is_step(text) {
        Recovered::Step
    } else if BUILT.begin(text) {
        Recovered::Building
    } else if SHIPPED.begin(text) {
        if are_all_ready(text) {
            Recovered::Running
        } else {
            Recovered::Shipping
        }
    } else if is_start(bare.text, text) {
        Recovered::Starting
    } else if text.starts_with("Started container") {
        Recovered::Container
    } else if are_all_ready(text) || is_live(text, looks) {
        Recovered::Running
    } else {
        return reached::read(text);
    };
    Some(healed)
}

/// As platforms show that they start the program: `==> Running 'npm start'`.
fn is_start(whole: &str, text: &str) -> bool {
    (whole.starts_with("==> Running '") && text.trim_end().ends_with('\''))
        || text.starts_with("Starting process with command `")
        || (text.starts_with("State changed from ") && text.trim_end().ends_with(" to starting"))
}

static INSTALLED: Beginnings = Beginnings::of(&[
    "up to date, audited ",
    "up to date in ",
    "Successfully installed ",
    "Bundle complete!",
    "Generating optimized autoload files",
    "Generating autoload files",
]);

fn is_install(text: &str) -> bool {
    static COUNTED: Beginnings = Beginnings::of(&["added ", "changed ", "Installed "]);
    let counted = COUNTED.strip(text).map(after_number);
    counted.is_some_and(|rest| rest.starts_with(" package"))
        || after_number(text).starts_with(" packages installed")
        || INSTALLED.begin(text)
}

fn is_bundle(text: &str) -> bool {
    static BUNDLED: Beginnings = Beginnings::of(&[
        "built in ",
        "Compiled successfully",
        "compiled successfully",
    ]);
    let is_without_error = |text: &str| !text.contains("error") || text.contains(" 0 errors");
    BUNDLED.begin(text)
        || after_number(text).starts_with(" modules transformed")
        || (text.starts_with("webpack ") && text.contains(" compiled ") && is_without_error(text))
}

/// The sum of a run of tests of which none failed.
fn are_tests(text: &str) -> bool {
    static SUMS: Beginnings = Beginnings::of(&["Tests ", "Tests:", "OK (", "test result: ok."]);
    let counted = after_number(text);
    let is_sum = SUMS.begin(text)
        || counted.starts_with(" passed in ")
        || (counted.starts_with(" passed, ") && counted.contains(" in "))
        || counted.starts_with(" passing")
        || counted.starts_with(" examples, 0 failures");
    let has_failed = || text.replace(" 0 failed", "").contains("failed");
    is_sum && !has_failed() && !text.contains(" 0 passed")
}

/// `> shop@1.0.0 build`, as npm and pnpm show what they run.
fn is_command(text: &str) -> bool {
    let words = text
        .strip_prefix("> ")
        .and_then(|rest| rest.split_once(' '));
    words.is_some_and(|(package, script)| {
        let version = package.rsplit_once('@').map(|(_, version)| version);
        let is_version = version.is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()));
        is_version && script.starts_with(|c: char| c.is_ascii_alphanumeric())
    })
}

/// `Step 4/9 : RUN npm ci` of Docker without `BuildKit`, and what Kaniko does after
/// each step.
fn is_step(text: &str) -> bool {
    let numbered = text.strip_prefix("Step ").map(after_number);
    let numbered = numbered.and_then(|rest| rest.strip_prefix('/'));
    numbered.is_some_and(|rest| after_number(rest).starts_with(" : "))
        || text.starts_with("BUILD SUCCESSFUL in ")
        || text.starts_with("[INFO] BUILD SUCCESS")
        || text.starts_with("Finished `release`")
        || (text.starts_with("INFO[") && text.contains("] Taking snapshot of "))
        || are_pages(text)
}

/// `✓ Generating static pages (8/8)`, as Next.js shows it.
fn are_pages(text: &str) -> bool {
    let counted = text.strip_prefix("Generating static pages (");
    let counted = counted.and_then(|rest| rest.trim_end().strip_suffix(')')?.split_once('/'));
    counted.is_some_and(|(done, all)| done == all)
}

/// `rolling out: 2 of 2 instances ready`
fn are_all_ready(text: &str) -> bool {
    // The last letter decides of nearly all.
    let mut ends = text.bytes().rev();
    let end = ends.find(|byte| !byte.is_ascii_whitespace() && *byte != b'.');
    if !matches!(end, Some(b'y' | b'e' | b'g')) {
        return false;
    }
    let text = text.trim_end().trim_end_matches('.');
    let is_ready = ["ready", "available", "running"]
        .iter()
        .any(|word| text.ends_with(word));
    let counted = is_ready.then(|| text.split_once(" of ")).flatten();
    counted.is_some_and(|(before, after)| {
        let wanted = after.split(' ').next().unwrap_or_default();
        let has = before.rsplit(' ').next().unwrap_or_default();
        has == wanted && wanted != "0" && wanted.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// As platforms and Kubernetes say that the rollout went well:
/// `web-7c9d   1/1     Running   0   30s`
fn is_live(text: &str, looks: Looks) -> bool {
    static LIVE: Beginnings = Beginnings::of(&["Your service is live", "Deployment succeeded"]);
    let may_run = looks & bit(word::PROGRESS) != 0;
    (may_run && is_pod(text))
        || LIVE.begin(text)
        || text.trim_end().ends_with(" successfully rolled out")
}

fn is_pod(text: &str) -> bool {
    let (_, rest) = text.split_once(' ').unwrap_or_default();
    let rest = rest.trim_start();
    // Nearly no second word is a number.
    if !rest.starts_with(|c: char| c.is_ascii_digit() || c == '/') {
        return false;
    }
    let mut words = rest.split_whitespace();
    let counted = words.next().and_then(|word| word.split_once('/'));
    counted.is_some_and(|(has, of)| has == of && of.bytes().all(|b| b.is_ascii_digit()))
        && words.next() == Some("Running")
}

/// What follows a number; nothing if there is none.
fn after_number(text: &str) -> &str {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text.get(digits..).filter(|_| digits > 0);
    rest.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{problem_matchers, scan};
    use super::*;

    #[test]
    fn each_tool_says_in_its_own_way_that_it_went_well() {
        for (line, healed) in [
            ("added 812 packages in 9s", Some(Recovered::Installing)),
            ("Installed 1 package in 2ms", Some(Recovered::Installing)),
            (
                "Successfully installed torch-2.9.0",
                Some(Recovered::Installing),
            ),
            ("added shop@1.0.0", None),
            ("✓ 120 modules transformed.", Some(Recovered::Bundling)),
            ("✓ built in 2.12s", Some(Recovered::Bundling)),
            (
                "webpack 5.97.1 compiled with 2 warnings in 1 ms",
                Some(Recovered::Bundling),
            ),
            ("webpack 5.97.1 compiled with 1 error in 1 ms", None),
            ("Tests:       34 passed, 34 total", Some(Recovered::Testing)),
            ("Tests: 1 failed, 33 passed, 34 total", None),
            ("      Tests  34 passed (34)", Some(Recovered::Testing)),
            ("==== 34 passed in 0.12s ====", Some(Recovered::Testing)),
            (
                "==== 34 passed, 1 warning in 0.12s ====",
                Some(Recovered::Testing),
            ),
            ("==== 1 failed, 33 passed in 0.12s ====", None),
            ("==== 33 passed, 1 failed in 0.12s ====", None),
            ("Server listening on 8080", Some(Recovered::Listening)),
            (
                "INFO:     Application startup complete.",
                Some(Recovered::Listening),
            ),
            (
                "[info] Running TillWeb.Endpoint with Bandit at 0.0.0.0",
                Some(Recovered::Listening),
            ),
            ("Running TillWeb.Tests", None),
            (
                "* Listening on http://0.0.0.0:3000",
                Some(Recovered::Listening),
            ),
            (
                " * Running on all addresses (0.0.0.0)",
                Some(Recovered::Listening),
            ),
            (" ✓ Ready in 412ms", Some(Recovered::Listening)),
            (
                "LOG [NestApplication] Nest application successfully started +3ms",
                Some(Recovered::Listening),
            ),
            (
                "c.a.ShopApplication : Started ShopApplication in 8.2 seconds (process running for 9)",
                Some(Recovered::Listening),
            ),
            (
                r#"{"level":30,"msg":"Server listening at http://[::]:8080"}"#,
                Some(Recovered::Listening),
            ),
            (
                "Is the server running on that host and accepting connections?",
                None,
            ),
            ("Debugger listening on ws://127.0.0.1:9229/", None),
            ("The server is not listening on 8080", None),
            ("Listening at: http://0.0.0.0:8000 (1)", None),
            (
                "2026/01/02 connected to database",
                Some(Recovered::Connected),
            ),
            (
                "MongoDB connected to database shop",
                Some(Recovered::Connected),
            ),
            ("could not get connected to database: refused", None),
            (
                "test result: ok. 12 passed; 0 failed; 0 ignored",
                Some(Recovered::Testing),
            ),
            ("> shop@1.0.0 build", Some(Recovered::Command)),
            ("> vite build", None),
            ("Step 4/9 : RUN npm ci", Some(Recovered::Step)),
            ("Step 4 of 9", None),
            ("BUILD SUCCESSFUL in 12s", Some(Recovered::Step)),
            ("[INFO] BUILD SUCCESS", Some(Recovered::Step)),
            (
                "    Finished `release` profile in 1m",
                Some(Recovered::Step),
            ),
            ("✓ Generating static pages (8/8)", Some(Recovered::Step)),
            ("  Generating static pages (0/8)  [    ]", None),
            ("===> EXPORTING", Some(Recovered::Building)),
            ("> 12 | cart.total;", None),
            (
                "rolling out: 2 of 2 instances ready",
                Some(Recovered::Running),
            ),
            (
                "rolling out: 1 of 2 instances ready",
                Some(Recovered::Shipping),
            ),
            (
                "rolling out: 0 of 0 instances ready",
                Some(Recovered::Shipping),
            ),
            ("✅ Build command succeeded", Some(Recovered::Building)),
            (
                "🚀 Publishing 'dist' directory...",
                Some(Recovered::Shipping),
            ),
            ("==> Deploying...", Some(Recovered::Shipping)),
            ("Starting Container", Some(Recovered::Shipping)),
            ("==> Running 'python shop.py'", Some(Recovered::Starting)),
            (
                "State changed from crashed to starting",
                Some(Recovered::Starting),
            ),
            ("Running 3 tests", None),
            ("Started container web", Some(Recovered::Container)),
            (
                "web-7c9d   1/1     Running   0   30s",
                Some(Recovered::Running),
            ),
            ("web-7c9d   0/1     Running   0   30s", None),
            (
                "deployment \"web\" successfully rolled out",
                Some(Recovered::Running),
            ),
            ("Build complete.", Some(Recovered::Building)),
            ("Build failed", None),
        ] {
            let bare = NormalizedLine::of(line);
            assert_eq!(read(&bare, &scan::read(&bare)), healed, "{line}");
        }
    }

    #[test]
    fn each_title_is_one_of_a_pattern() {
        let all = problem_matchers::all().chain([&problem_matchers::EXCEPTION]);
        let all: Vec<&str> = all.map(|pattern| pattern.title).collect();
        let titles = OF_INSTALLING.iter().chain(OF_BUNDLING).chain(OF_STARTING);
        let titles = titles.chain(OF_LISTENING).chain(OF_CONNECTING);
        for title in titles.chain([&OF_TESTING]) {
            assert!(all.contains(title), "{title}");
        }
    }
}
