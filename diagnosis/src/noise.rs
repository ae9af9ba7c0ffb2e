//! Lines that a tool always prints, however it failed: they are no news. Pure.

use std::sync::LazyLock;

use super::beginnings::Beginnings;
use super::kubernetes_events;
use super::normalize::outdented;
use super::word_search::Search;

/// The beginnings, looked for at once.
static KNOWN: LazyLock<Search> = LazyLock::new(|| Search::of(BEGINNINGS.iter().copied()));

/// How such lines begin, behind the word that they are errors.
const BEGINNINGS: &[&str] = &[
    // Maven
    "BUILD FAILURE",
    "Total time:",
    "Finished at:",
    "Final Memory:",
    "Reactor Summary",
    "To see the full stack trace of the errors, re-run Maven",
    "Re-run Maven using",
    "For more information about the errors and possible solutions",
    "[Help ",
    "-> [Help ",
    "After correcting the problems, you can resume",
    "mvn <args> -rf ",
    // Gradle
    "* Try:",
    "> Run with --",
    "> Get more help at ",
    "* Get more help at ",
    "Run with --stacktrace",
    "FAILURE: Build failed with an exception.",
    "BUILD FAILED in ",
    "Deprecated Gradle features were used",
    "You can use '--warning-mode all'",
    // npm, pnpm, Yarn
    "code ELIFECYCLE",
    "errno ",
    "path ",
    "workspace ",
    "location ",
    "command failed",
    "command sh -c ",
    "Lifecycle script `",
    "A complete log of this run can be found in",
    "/root/.npm/_logs/",
    "This is probably not a problem with npm",
    "Failed at the ",
    "Exit status ",
    "ELIFECYCLE",
    "npm notice",
    "info Visit https://yarnpkg.com/",
    "Command failed with exit code ",
    // pip, cargo, make, Docker
    "[notice] ",
    "note: This error originates from a subprocess",
    "warning: build failed, waiting for other jobs",
    "For more information about this error, try `rustc",
    "View build details: ",
    "1 warning found (use docker",
    // Platforms, when a build or a program has failed
    "\"build.command\" failed",
    "Error message",
    "Error location",
    "In Build command from ",
    "Resolved config",
    "Build failed due to a user error",
    "Failing build: ",
    "Failed during stage ",
    "Finished processing build request",
    "Creating deploy upload records",
    "Build script returned non-zero exit code",
    "We're sorry this build is failing",
    "You can troubleshoot common issues here",
    "https://devcenter.heroku.com/",
    "Some possible problems:",
    "Love, Heroku",
    "Push failed",
    "Verifying deploy",
    "Common ways to troubleshoot your deploy",
    "==> Common ways to troubleshoot your deploy",
    "==> Exited with status ",
    "Process exited with status ",
    "State changed from ",
    // Routers, after the program has crashed.
    "at=error code=H",
    "at=info method=",
    // Where to read more.
    "See ",
    "Usage: ",
    "usage: ",
    // How continuous integration folds and times what it shows.
    "travis_fold:",
    "travis_time:",
    "##[endgroup]",
    "::endgroup::",
];

/// Who wrote the code of frames that say nothing of the program.
static FOREIGN: Beginnings = Beginnings::of(&[
    "com.sun.",
    "com.typesafe.",
    "groovy.lang.",
    "internal/",
    "java.",
    "javax.",
    "jdk.",
    "junit.",
    "kotlin.",
    "node:",
    "org.apache.maven.",
    "org.codehaus.",
    "org.gradle.",
    "org.junit.",
    "org.scalatest.",
    "sbt.",
    "scala.",
    "sun.",
    "xsbt.",
]);

/// Of these only those that npm begins so, as the words are common.
static OF_NPM: Beginnings = Beginnings::of(&[
    "path ",
    "workspace ",
    "location ",
    "command ",
    "errno ",
    "code ",
]);

/// What the tool puts before what it says.
static OF_ERRORS: Beginnings = Beginnings::of(&[
    "[ERROR]",
    "[INFO]",
    "[error]",
    "[info]",
    "npm error",
    "npm ERR!",
    "error",
]);

/// Whether the line is no news, without white space around it.
pub(super) fn is_noise(text: &str) -> bool {
    let message = outdented(OF_ERRORS.strip(text).unwrap_or(text));
    let is_of_npm = text.starts_with("npm ");
    let is_common = || OF_NPM.begin(message) && !message.starts_with("command failed");
    let mut beginning = KNOWN.beginning(message.as_bytes());
    let is_known = beginning.any(|number| {
        let known = BEGINNINGS.get(usize::from(number));
        known.is_some_and(|known| message.starts_with(known))
    });
    is_drawn(message)
        || kubernetes_events::is_ordinary(text)
        || (is_known && (is_of_npm || !is_common()))
        || (is_of_npm && number_only(message))
        || message.ends_with("actionable tasks: ")
        || is_ok(message)
        || is_option(message)
}

/// `at java.lang.Thread.run(Thread.java:748)`: a frame of what only calls the
/// program, or is called by it.
pub(super) fn is_foreign_frame(text: &str) -> bool {
    let frame = outdented(OF_ERRORS.strip(text).unwrap_or(text)).strip_prefix("at ");
    frame.is_some_and(|frame| {
        FOREIGN.begin(frame)
            || ["/node_modules/", "(internal/", "(node:internal/"]
                .iter()
                .any(|part| frame.contains(part))
    })
}

/// `Smart constructors:   OK (0.02s)`
fn is_ok(message: &str) -> bool {
    let message = message.trim_end();
    let timed = message
        .strip_suffix("s)")
        .and_then(|message| message.rsplit_once(" ("));
    let is_time = |time: &str| {
        time.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    let message = timed
        .filter(|(_, time)| is_time(time))
        .map_or(message, |(message, _)| message);
    message.ends_with(" OK") || message.ends_with(" ... ok")
}

/// `-r <file>   Read the names from <file>.`, `--all  Show all.`, as programs show
/// their options. What a diff takes away has a longer word behind one sign.
fn is_option(message: &str) -> bool {
    let long = message.strip_prefix("--");
    let Some(name) = long.or_else(|| message.strip_prefix('-')) else {
        return false;
    };
    let word = name.split([' ', ',']).next().unwrap_or_default();
    let is_named = word.starts_with(|c: char| c.is_ascii_alphabetic());
    is_named
        && (long.is_some() || word.len() == 1)
        && ["  ", " <", " ["]
            .iter()
            .any(|behind| name.contains(behind))
}

/// `code 127`
fn number_only(message: &str) -> bool {
    let number = message.strip_prefix("code ");
    number.is_some_and(|number| number.trim().bytes().all(|byte| byte.is_ascii_digit()))
}

/// Nothing, or only a ruler.
fn is_drawn(text: &str) -> bool {
    text.chars().all(|c| !c.is_alphanumeric()) && !text.contains(['{', '}', '(', ')'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_others_are_known() {
        for line in [
            "[error] \tat java.lang.Thread.run(Thread.java:748)",
            "at Module._compile (node:internal/modules/cjs/loader:1554:14)",
            "at next (/app/node_modules/express/lib/router/route.js:149:14)",
        ] {
            assert!(is_foreign_frame(line), "{line}");
        }
        for line in ["at total (/app/src/cart.js:3:5)", "java.lang.Error: x"] {
            assert!(!is_foreign_frame(line), "{line}");
        }
    }

    #[test]
    fn what_tools_always_print_is_no_news() {
        for line in [
            "[INFO] ------------------------------------------------------------------------",
            "[INFO] BUILD FAILURE",
            "[ERROR] ",
            "[ERROR] Re-run Maven using the -X switch to enable full debug logging.",
            "npm error path /app",
            "npm ERR! code ELIFECYCLE",
            "npm error code 127",
            "npm error A complete log of this run can be found in: /root/.npm/_logs/x.log",
            "> Run with --stacktrace option to get the stack trace.",
            "error Command failed with exit code 2.",
            "at=error code=H10 desc=\"App crashed\" method=GET path=\"/\"",
            "Created container web",
            "********************",
            "Smart constructors:          OK (0.02s)",
            "test cart::totals ... ok",
            "  -r <file>   Read the names from <file>.",
            "  --verbose   Show more.",
        ] {
            assert!(is_noise(line), "{line}");
        }
        for line in [
            "[ERROR] the moon is full",
            "npm error code E404",
            "path /app is missing",
            "error: it failed",
            "code 12 was returned",
            "Build failed: exit code 1",
            "-  29 </table",
            "-total [3]",
            "--- FAIL: TestTotal (0.00s)",
            "HTTP 200 is not OK (see above)",
        ] {
            assert!(!is_noise(line), "{line}");
        }
    }
}
