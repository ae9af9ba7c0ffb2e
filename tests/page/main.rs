//! The page of `html-report` as the built program writes it, in a browser.
//!
//! Wants `chromedriver` and the browser that belongs to it; without them every
//! test says that it was skipped. `PAGE_PICTURES=folder` keeps pictures.
//! `AXE_CORE=axe.min.js` checks the accessibility as well.

#![cfg(unix)]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod accessible;
mod browser;
#[allow(
    dead_code,
    clippy::indexing_slicing,
    reason = "it is the other tests' file"
)]
#[path = "../cli/harness.rs"]
mod harness;
mod hostile;
#[allow(dead_code, reason = "it is the other tests' file")]
#[path = "../cli/impatient.rs"]
mod impatient;
#[path = "../shared/in_memory.rs"]
mod in_memory;
mod long;
mod look;
mod parts;

use std::time::Duration;

use sevalla_simulator::Script;

use self::browser::Browser;
use self::harness::{Runner, application};

/// The browser with the page of a run that deploys an application by this
/// script; `None` where there is no browser.
async fn page_of(script: Script, code: i32) -> Option<Page> {
    let browser = Browser::start().await?;
    let simulator = application(script).await;
    Some(Page::of(browser, Runner::deploys_app(&simulator), code).await)
}

/// A page in a browser.
struct Page {
    browser: Browser,
    html: String,
    /// Everything that the run left, the page too.
    _run: harness::Finished,
}

impl Page {
    /// Runs the program, which must end with this code, and opens its page.
    async fn of(browser: Browser, runner: Runner, code: i32) -> Self {
        let run = Self::started(runner).finish().await;
        Self::of_run(browser, run, code).await
    }

    /// Starts the program, which is to leave a page.
    fn started(runner: Runner) -> harness::Running {
        let path = runner.path("run.html");
        runner.on_github().set("INPUT_HTML-REPORT", path).start()
    }

    /// Opens the page of a run, which must have ended with this code.
    async fn of_run(browser: Browser, run: harness::Finished, code: i32) -> Self {
        assert_eq!(run.code, Some(code), "{}", run.streams());
        let leftovers: Vec<String> = run
            .files()
            .into_iter()
            .filter(|name| name.starts_with("run.html") && name != "run.html")
            .collect();
        assert!(leftovers.is_empty(), "{leftovers:?}");
        browser.open(&run.path("run.html")).await;
        Self {
            browser,
            html: run.file("run.html").unwrap(),
            _run: run,
        }
    }

    /// Writes into the search box, as somebody would.
    async fn search(&self, text: &str) {
        self.browser
            .run("document.getElementById('find').elements.query.focus()")
            .await;
        self.browser.press(text).await;
    }

    /// The text of the lines that are shown, without their times.
    async fn shown(&self) -> Vec<String> {
        let lines = self
            .browser
            .run(
                "return Array.from(document.querySelectorAll('#log ol:not([hidden]) li:not([hidden])'), \
                 (line) => line.lastChild.data)",
            )
            .await;
        serde_json::from_value(lines).unwrap()
    }

    /// What is told of the search.
    async fn told(&self) -> String {
        let told = self
            .browser
            .run("return document.querySelector('output').value")
            .await;
        told.as_str().unwrap().to_owned()
    }

    /// Asserts that nothing but the page itself was asked for, and that the
    /// browser has nothing to say against it.
    async fn assert_alone(&self) {
        let mut asked = Vec::new();
        for entry in self.browser.log("performance").await {
            let message = entry["message"].as_str().unwrap().to_owned();
            let message: serde_json::Value = serde_json::from_str(&message).unwrap();
            let message = &message["message"];
            let request = &message["params"];
            // The browser has a page of its own before ours.
            let is_of_page = request["documentURL"]
                .as_str()
                .is_some_and(|url| url.ends_with("/run.html"));
            if message["method"] == "Network.requestWillBeSent" && is_of_page {
                asked.push(request["request"]["url"].as_str().unwrap().to_owned());
            }
        }
        assert!(!asked.is_empty(), "its own loading is seen");
        let is_own = |url: &String| url.starts_with("file:") && url.ends_with("/run.html");
        assert!(asked.iter().all(is_own), "the page asks for {asked:?}");
        let complaints = self.browser.log("browser").await;
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

/// A log line every ten milliseconds.
fn with_lines(script: Script, lines: &[(&str, &str)]) -> Script {
    let numbered = lines.iter().zip(1..);
    numbered.fold(script, |script, ((severity, text), number)| {
        script.log_line(Duration::from_millis(10) * number, *severity, *text)
    })
}
