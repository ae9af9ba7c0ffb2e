//! The page passes axe: <https://github.com/dequelabs/axe-core>.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::browser::tell;
use crate::look::failing;
use crate::parts::good_page;
use crate::{Page, page_of};

/// Every rule of axe, those of good practice too. It is quicker without pictures
/// of frames, which the page has none of.
const RUN: &str = "
    axe.run(document, { resultTypes: ['violations'], iframes: false }).then(({ violations, passes }) => done({
        passed: passes.length,
        wrong: violations.map(({ id, help, nodes }) => [id, help, ...nodes.map((node) => node.html)]),
    }));";

/// The script of axe from the path that `AXE_CORE` names; `None` without, which is
/// said aloud.
fn axe() -> Option<String> {
    let Some(path) = std::env::var_os("AXE_CORE").map(PathBuf::from) else {
        tell("skipped: the accessibility of the page (set AXE_CORE to the path of axe.min.js)");
        return None;
    };
    Some(std::fs::read_to_string(path).unwrap())
}

/// Asserts that axe finds nothing in the page, light, dark and on a telephone.
async fn assert_accessible(page: &Page, axe: &str) {
    for (scheme, width) in [("light", 1200), ("dark", 1200), ("light", 360)] {
        page.browser.prefer(scheme).await;
        page.browser.resize(width, 900).await;
        let found: Value = page.browser.run_until_done(&format!("{axe}\n{RUN}")).await;
        assert_eq!(found["wrong"], json!([]), "{scheme}, {width}: {found:#}");
        assert!(found["passed"].as_u64().unwrap() > 20, "{found:#}");
    }
}

#[tokio::test]
async fn a_page_about_a_failure_can_be_used_by_everybody() {
    let Some(axe) = axe() else { return };
    let Some(page) = page_of(failing(), 1).await else {
        return;
    };
    assert_accessible(&page, &axe).await;
    page.browser.close().await;
}

#[tokio::test]
async fn a_page_about_a_success_can_be_used_by_everybody() {
    let Some(axe) = axe() else { return };
    let Some(page) = good_page().await else {
        return;
    };
    assert_accessible(&page, &axe).await;
    page.browser.close().await;
}
