//! How the page looks and how it is used: colours, sizes, keys.

use serde_json::json;
use sevalla_simulator::Script;

use crate::{page_of, with_lines};

const BUILD: &[(&str, &str)] = &[
    ("INFO", "Cloning into '/workspace'..."),
    ("INFO", "HEAD is now at 7d3f0c2 Show the basket's total"),
    ("INFO", "#5 [2/5] RUN npm ci"),
    ("INFO", "added 412 packages in 3s"),
    (
        "WARN",
        "npm warn deprecated inflight@1.0.6: This module is not supported, and leaks memory. Do not use it. Check out lru-cache if you want a good and tested way to coalesce async requests by a key value, which is much more comprehensive and powerful.",
    ),
    ("INFO", "#6 [3/5] RUN npm run build"),
    (
        "ERROR",
        "src/basket.ts(41,17): error TS2345: Argument of type 'string' is not assignable to parameter of type 'number'.",
    ),
    (
        "ERROR",
        "npm error Lifecycle script `build` failed with error: code 2",
    ),
    (
        "ERROR",
        "ERROR: process \"/bin/sh -c npm run build\" did not complete successfully: exit code: 2",
    ),
];

pub(crate) fn failing() -> Script {
    with_lines(Script::failed(), BUILD).commit_sha("7d3f0c2a9b1e4f5d6c7b8a9d0e1f2a3b4c5d6e7f")
}

/// The texts whose colour is too close to the ground they stand on. By the
/// formula of WCAG 2.2, "contrast ratio".
const TOO_FAINT: &str = "
    const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const luminance = (colour) => {
        const [r, g, b] = parts(colour).map((part) => {
            const share = part / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const isClear = (colour) => (parts(colour)[3] ?? 1) === 0;
    const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (!isClear(colour)) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    const faint = [];
    let looked = 0;
    const look = (element, name, colour) => {
        looked += 1;
        const [darker, lighter] = [luminance(colour), luminance(ground(element))].sort((a, b) => a - b);
        const ratio = (lighter + 0.05) / (darker + 0.05);
        if (ratio < 4.5) faint.push(`${name}: ${ratio.toFixed(2)}`);
    };
    for (const element of document.body.querySelectorAll('*')) {
        if (element.matches('script, style')) continue;
        const hasText = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.data.trim());
        if (hasText) look(element, `${element.tagName}.${element.className}`, getComputedStyle(element).color);
        if (element.matches('#log li')) look(element, 'marker', getComputedStyle(element, '::marker').color);
    }
    return { faint, looked, ground: ground(document.body) };";

#[tokio::test]
async fn every_text_can_be_read_in_both_schemes() {
    let Some(page) = page_of(failing(), 1).await else {
        return;
    };
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        page.browser.prefer(scheme).await;
        page.browser.resize(1200, 1500).await;
        page.browser.picture(&format!("failing-{scheme}")).await;
        let found = page.browser.run(TOO_FAINT).await;
        assert_eq!(found["faint"], json!([]), "{scheme}");
        assert!(found["looked"].as_u64().unwrap() > 40, "{found}");
        grounds.push(found["ground"].clone());
    }
    assert_ne!(grounds[0], grounds[1]);
    page.browser.close().await;
}

#[tokio::test]
async fn it_is_used_by_keys_alone() {
    let Some(page) = page_of(failing(), 1).await else {
        return;
    };
    let browser = &page.browser;
    let focus = "return document.activeElement.name ?? document.activeElement.tagName";

    browser.press("/").await;
    assert_eq!(browser.run(focus).await, "query");
    browser.press("NPM").await;
    assert_eq!(page.told().await, "1 of 5");
    // Return, Shift and Return, arrows.
    browser.press("\u{e007}\u{e015}\u{e015}\u{e013}").await;
    assert_eq!(page.told().await, "3 of 5");
    let now = "return document.querySelector('#log .now').textContent";
    let line = browser.run(now).await;
    assert!(line.as_str().unwrap().contains("npm run build"), "{line}");
    browser.picture("searching").await;

    // From the box to what is beside it, and n and N from there.
    browser.press("\u{e004}").await;
    assert_eq!(browser.run(focus).await, "only");
    browser.press(" ").await;
    assert_eq!(page.shown().await.len(), 5);
    browser.press("nN").await;
    browser.press("NN").await;
    assert_eq!(page.told().await, "1 of 5");

    // The filter, by the arrows of its group.
    browser.press("\u{e004}\u{e014}").await;
    assert_eq!(page.told().await, "1 of 3");
    browser.press("\u{e014}").await;
    assert_eq!(page.told().await, "1 of 2");
    browser.press("\u{e00c}").await;
    assert_eq!(page.shown().await.len(), BUILD.len());
    assert_eq!(page.told().await, "");
    let outline = "return getComputedStyle(document.activeElement).outlineStyle";
    assert_eq!(browser.run(outline).await, "solid", "the focus can be seen");
    page.browser.close().await;
}

#[tokio::test]
async fn a_filter_shows_what_has_its_weight_under_its_own_number() {
    let Some(page) = page_of(failing(), 1).await else {
        return;
    };
    let texts = |from: usize| {
        let lines = BUILD.iter().filter(|(weight, _)| *weight != "INFO");
        lines.skip(from).map(|(_, text)| *text).collect::<Vec<_>>()
    };
    for (least, from) in [(1, 0), (2, 1)] {
        page.browser
            .run(&format!(
                "document.querySelector('[name=least][value=\"{least}\"]').click()"
            ))
            .await;
        assert_eq!(page.shown().await, texts(from));
        let first = "return document.querySelector('#log .now').textContent";
        let first = page.browser.run(first).await;
        assert!(first.as_str().unwrap().contains(texts(from)[0]), "{first}");
    }
    let numbers = "return Array.from(document.querySelectorAll('#log li:not([hidden])'), (line) => line.value)";
    assert_eq!(page.browser.run(numbers).await, json!([7, 8, 9]));
    page.search("nothing has this").await;
    assert_eq!(page.told().await, "No such line");
    page.browser.close().await;
}

#[tokio::test]
async fn whoever_comes_back_sees_what_the_form_says() {
    let Some(page) = page_of(failing(), 1).await else {
        return;
    };
    let browser = &page.browser;
    let choose = "document.querySelector('[name=least][value=\"2\"]').click()";
    browser.run(choose).await;
    browser.leave_and_come_back().await;
    let chosen = "return document.getElementById('find').elements.least.value";
    assert_eq!(browser.run(chosen).await, "2", "the browser fills it in");
    assert_eq!(page.shown().await.len(), 3);
    assert_eq!(page.told().await, "1 of 3");
    page.browser.close().await;
}

#[tokio::test]
async fn it_fits_a_narrow_screen_and_paper() {
    let Some(page) = page_of(failing(), 1).await else {
        return;
    };
    let overflow =
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    for width in [320, 600, 1280] {
        page.browser.resize(width, 900).await;
        assert_eq!(page.browser.run(overflow).await, 0, "{width}");
    }
    page.browser.resize(360, 2400).await;
    page.browser.picture("failing-360").await;
    let emulated = json!({ "media": "print", "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
    page.browser
        .chrome("Emulation.setEmulatedMedia", emulated)
        .await;
    let printed = page
        .browser
        .run(
            "return {
                controls: getComputedStyle(document.getElementById('find')).display,
                text: getComputedStyle(document.body).color,
                lines: getComputedStyle(document.querySelector('#log ol')).contentVisibility,
            }",
        )
        .await;
    assert_eq!(printed["controls"], "none");
    assert_eq!(printed["text"], "rgb(27, 32, 40)");
    assert_eq!(printed["lines"], "visible");
    page.browser.close().await;
}
