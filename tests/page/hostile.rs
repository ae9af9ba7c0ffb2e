//! What strangers write stays text.

use serde_json::json;
use sevalla_simulator::{Application, Script, Simulator, World};

use crate::browser::Browser;
use crate::harness::{APP, Runner};
use crate::{Page, with_lines};

/// Each would do something if it were not text.
const LINES: &[(&str, &str)] = &[
    (
        "INFO",
        "<script>document.title = window.broken = 'yes'</script>",
    ),
    ("INFO", "<img src=x onerror=\"window.broken='yes'\">"),
    (
        "ERROR",
        "</li></ol></section></main><h1 class=x>Success</h1>",
    ),
    ("WARN", "\"><svg onload=window.broken='yes'>"),
    (
        "INFO",
        "'><iframe srcdoc='<script>parent.broken=1</script>'>",
    ),
    ("INFO", "<!-- <style>*{display:none}</style>"),
    (
        "INFO",
        "--> <![CDATA[ ]]> <?php ?> </style></script></title>",
    ),
    ("INFO", "&lt;b&gt; &amp;lt; &#60;script&#62; &notit; &#x3c;"),
    (
        "INFO",
        "<meta http-equiv=refresh content='0;url=https://example.org/'>",
    ),
    (
        "INFO",
        "<a href=\"javascript:window.broken='yes'\" autofocus>x</a>",
    ),
    (
        "INFO",
        "{{constructor.constructor('window.broken=1')()}} ${1} `x`",
    ),
    ("<b onclick=x>", "a weight that is markup"),
];

const MARKUP: &str = "</title></style><script>window.broken='yes'</script><b>\"'";

/// What this program's own markup is made of.
const OURS: &[&str] = &[
    "A",
    "BODY",
    "BUTTON",
    "CODE",
    "DD",
    "DIV",
    "DL",
    "DT",
    "FIELDSET",
    "FIGCAPTION",
    "FIGURE",
    "FOOTER",
    "FORM",
    "H1",
    "H2",
    "H3",
    "HEAD",
    "HEADER",
    "HTML",
    "I",
    "INPUT",
    "KBD",
    "LABEL",
    "LEGEND",
    "LI",
    "LINE",
    "MAIN",
    "META",
    "OL",
    "OUTPUT",
    "P",
    "PRE",
    "RECT",
    "SCRIPT",
    "SECTION",
    "SPAN",
    "STYLE",
    "SVG",
    "TEXT",
    "TITLE",
    "UL",
];

async fn hostile_page() -> Option<Page> {
    let browser = Browser::start().await?;
    let script = with_lines(Script::failed(), LINES)
        .commit_sha(MARKUP)
        .commit_message(MARKUP);
    let app = Application::new(APP).display_name(MARKUP).next(script);
    let simulator = Simulator::start(World::new().application(app)).await;
    let runner = Runner::deploys_app(&simulator);
    let page = Page::of(
        browser,
        // The page of the run is what the CI says, and this one says a script.
        runner.set("GITHUB_SERVER_URL", "javascript:window.broken='yes'//"),
        1,
    );
    Some(page.await)
}

#[tokio::test]
async fn hostile_text_stays_text() {
    let Some(page) = hostile_page().await else {
        return;
    };
    let expected: Vec<&str> = LINES.iter().map(|(_, text)| *text).collect();
    assert_eq!(page.shown().await, expected);

    // Also while it is searched for, and found.
    page.search("<").await;
    assert_eq!(page.told().await, "1 of 10");
    page.browser.press("\u{e007}\u{e007}").await;
    assert_eq!(page.told().await, "3 of 10");

    let found = page
        .browser
        .run(
            "return {
                broken: typeof window.broken,
                title: document.title,
                elements: Array.from(new Set(Array.from(document.querySelectorAll('*'),
                    (element) => element.tagName.toUpperCase()))),
                scripts: document.scripts.length,
                handlers: Array.from(document.querySelectorAll('*')).flatMap((element) =>
                    element.getAttributeNames().filter((name) => name.startsWith('on'))),
                links: Array.from(document.links, (link) => link.getAttribute('href')),
                name: document.querySelector('.group dd').textContent,
            }",
        )
        .await;
    assert_eq!(found["broken"], "undefined");
    assert_eq!(
        found["title"],
        format!("{MARKUP} failed to deploy – sevalla-deploy")
    );
    assert_eq!(found["name"], MARKUP);
    assert_eq!(found["scripts"], 1);
    assert_eq!(found["handlers"], json!([]));
    for element in found["elements"].as_array().unwrap() {
        assert!(OURS.contains(&element.as_str().unwrap()), "{element}");
    }
    for link in found["links"].as_array().unwrap() {
        let link = link.as_str().unwrap();
        assert!(
            link.starts_with(['#']) || link.starts_with("https://"),
            "{link}"
        );
    }
    assert!(
        page.html.contains("javascript:window.broken"),
        "the text is there"
    );
    page.assert_alone().await;
    page.browser.close().await;
}

#[tokio::test]
async fn the_policy_lets_no_other_script_or_style_in() {
    let Some(page) = hostile_page().await else {
        return;
    };
    // Even if markup came in: as much of it as a script can make.
    let refused = page
        .browser
        .run(
            "const refused = [];
             const attempt = (name, work) => {
                try { work(); } catch (error) { refused.push(name); }
             };
             const image = document.createElement('img');
             attempt('handler', () => image.setAttribute('onerror', 'window.broken = 1'));
             attempt('markup', () => { document.body.innerHTML = '<b>x</b>'; });
             image.src = 'https://example.org/x.png';
             const style = document.createElement('style');
             style.textContent = 'body { color: rgb(1, 2, 3) }';
             const sheet = document.createElement('link');
             sheet.rel = 'stylesheet';
             sheet.href = 'https://example.org/x.css';
             document.body.append(image, style, sheet);
             return refused;",
        )
        .await;
    assert_eq!(refused, json!(["handler", "markup"]));
    let state = page
        .browser
        .run_until_done(
            "setTimeout(() => done({
                broken: typeof window.broken,
                color: getComputedStyle(document.body).color,
            }), 300)",
        )
        .await;
    assert_eq!(state["broken"], "undefined");
    assert_ne!(state["color"], "rgb(1, 2, 3)");
    let complaints = page.browser.log("browser").await;
    let all = format!("{complaints:?}");
    for refused in ["x.png", "x.css", "inline style"] {
        assert!(all.contains(refused), "{refused}: {all}");
    }
    page.browser.close().await;
}

#[tokio::test]
async fn all_can_be_read_without_scripts() {
    let Some(page) = hostile_page().await else {
        return;
    };
    page.browser
        .chrome(
            "Emulation.setScriptExecutionDisabled",
            json!({ "value": true }),
        )
        .await;
    page.browser.reload().await;
    // What is drawn is what counts, so it is read as a person selects it.
    let text = page
        .browser
        .run("return document.getElementById('find').hidden ? document.body.innerText : ''")
        .await;
    let text = text.as_str().unwrap();
    for (_, line) in LINES {
        assert!(text.contains(line), "{line} in {text}");
    }
    for told in [
        "exit code 1",
        "Facts",
        "Time line",
        "12 lines 1 error 1 warning",
    ] {
        assert!(text.contains(told), "{told} in {text}");
    }
    page.browser.close().await;
}
