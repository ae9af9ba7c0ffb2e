//! The parts of the page: headline, ids, warnings, facts, time line, past runs.

use std::time::Duration;

use serde_json::json;
use sevalla_simulator::{Application, PastDeployment, Script, Simulator, World};

use crate::browser::Browser;
use crate::harness::{APP, Runner};
use crate::{Page, with_lines};

/// The commit of a push, as the harness sets it.
const COMMIT: &str = "1234567890abcdef1234567890abcdef12345678";

/// An application with a past, whose deployment succeeds, in a run with a warning.
pub(crate) async fn good_page() -> Option<Page> {
    let browser = Browser::start().await?;
    let past = |seconds| PastDeployment {
        took: Duration::from_secs(seconds),
        ..PastDeployment::success()
    };
    let lines = [
        ("INFO", "Cloning into '/workspace'..."),
        ("WARN", "npm warn deprecated inflight@1.0.6"),
        ("INFO", "✓ 318 modules transformed."),
    ];
    let script = with_lines(Script::success(), &lines)
        .run(Duration::from_millis(2500))
        .commit_sha(COMMIT)
        .commit_message("Show the basket's total\n\nAnd more.");
    let app = Application::new(APP).display_name("shop").next(script);
    let app = [42, 47, 39, 55, 44]
        .map(past)
        .into_iter()
        .fold(app, Application::past);
    let simulator = Simulator::start(World::new().application(app)).await;
    let runner = Runner::deploys_app(&simulator)
        .set("GITHUB_API_URL", "https://github.example/api/v3")
        .set("INPUT_BRNCH", "main");
    Some(Page::of(browser, runner, 0).await)
}

#[tokio::test]
async fn a_good_page_says_what_when_and_where() {
    let Some(page) = good_page().await else {
        return;
    };
    let found = page
        .browser
        .run(
            "const texts = (selector) => Array.from(document.querySelectorAll(selector), (one) => one.textContent);
             const is_before = (one, other) => Boolean(document.querySelector(one)
                .compareDocumentPosition(document.querySelector(other)) & Node.DOCUMENT_POSITION_FOLLOWING);
             const terms = (title) => Array.from(document.querySelectorAll('.group'))
                .filter((group) => group.querySelector('h3').textContent === title)
                .flatMap((group) => Array.from(group.querySelectorAll('dt'), (term) => term.textContent));
             return {
                headline: document.querySelector('h1').lastChild.data.trim(),
                title: document.title,
                outcome: texts('.outcome .badge'),
                id_size: parseFloat(getComputedStyle(document.querySelector('.ids .id')).fontSize),
                select: Array.from(document.querySelectorAll('.id'), (id) => getComputedStyle(id).userSelect),
                groups: texts('.group h3'),
                what: terms('What'),
                when: terms('When'),
                links: terms('Links'),
                commit: Array.from(document.querySelectorAll('.group a'), (link) => [link.textContent, link.href])[0],
                warnings: texts('.warnings li'),
                warnings_first: is_before('.warnings', '.facts'),
                past: document.querySelectorAll('.past rect').length,
                this_one: document.querySelectorAll('.past .this').length,
                past_in_words: document.querySelector('.past svg').getAttribute('aria-label'),
                ticks: texts('.axis text'),
                overhead: Array.from(document.querySelectorAll('.spans rect.overhead'), (bar) =>
                    bar.closest('li').querySelector('span').textContent),
                badges: texts('.count .badge'),
             };",
        )
        .await;
    assert_eq!(found["headline"], "shop is live");
    assert_eq!(found["title"], "shop is live – sevalla-deploy");
    assert_eq!(found["outcome"], json!(["success"]));
    assert!(found["id_size"].as_f64().unwrap() < 16.0, "{found:#}");
    for select in found["select"].as_array().unwrap() {
        assert_eq!(select, "all", "{found:#}");
    }
    assert_eq!(found["groups"], json!(["What", "When", "Links"]));
    let what = [
        "Application",
        "ID",
        "Deployment",
        "Status",
        "Branch",
        "Commit",
        "Message",
    ];
    assert_eq!(found["what"], json!(what));
    assert_eq!(
        found["when"],
        json!(["Started", "Ended", "Duration", "Usually"])
    );
    assert_eq!(found["links"], json!(["URL", "Run"]));
    let commit = format!("https://github.example/octo/shop/commit/{COMMIT}");
    assert_eq!(found["commit"], json!([COMMIT, commit]));
    let warnings = found["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{found:#}");
    assert!(
        warnings[0].as_str().unwrap().contains("INPUT_BRNCH"),
        "{found:#}"
    );
    assert_eq!(found["warnings_first"], true);
    assert_eq!((&found["past"], &found["this_one"]), (&json!(6), &json!(1)));
    let words = found["past_in_words"].as_str().unwrap();
    assert!(
        words.starts_with("In order, the oldest first: ") && words.contains("55s, "),
        "{words}"
    );
    let ticks = found["ticks"].as_array().unwrap();
    assert!(
        ticks.len() > 2 && ticks[0] == "0s" && ticks[1] == "1s",
        "{ticks:?}"
    );
    for name in found["overhead"].as_array().unwrap() {
        assert!(
            ["Preparing", "Reading the log"].contains(&name.as_str().unwrap()),
            "{name}"
        );
    }
    assert_eq!(found["badges"], json!(["3 lines", "1 warning"]));
    page.assert_alone().await;
    for (name, scheme, width, height) in [
        ("good-light", "light", 1200, 1500),
        ("good-dark", "dark", 1200, 1500),
        ("good-360", "light", 360, 2400),
    ] {
        page.browser.prefer(scheme).await;
        page.browser.resize(width, height).await;
        let overflow =
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(page.browser.run(overflow).await, 0, "{name}");
        page.browser.picture(name).await;
    }
    page.browser.close().await;
}
