//! A long log stays quick.

use std::time::Duration;

use sevalla_simulator::{Application, Limits, Script, Simulator, World};

use crate::Page;
use crate::browser::{Browser, tell};
use crate::harness::{APP, Runner};

const LINES: usize = 50_000;

/// From the input to the next two frames, in milliseconds: by then the first
/// is drawn. The median of several, each with another text.
const SEARCH: &str = "
    const query = document.getElementById('find').elements.query;
    const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
    const timed = async (work) => {
        await frame();
        const begin = performance.now();
        work();
        await frame();
        await frame();
        return performance.now() - begin;
    };
    const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];
    const type = (text) => { query.value = text; query.dispatchEvent(new Event('input', { bubbles: true })); };
    (async () => {
        const first = await timed(() => type('warm')); // it reads the log
        const times = [];
        for (const text of ['line 4', 'line 49', 'of 50000', '7', 'line 25001 of']) {
            times.push(await timed(() => type(text)));
        }
        const filtered = await timed(() => document.querySelector('[name=least][value=\"2\"]').click());
        const all = await timed(() => document.querySelector('[name=least][value=\"0\"]').click());
        // What anybody would write first: mark what is found by elements, all
        // of it laid out.
        type('');
        const plain = await timed(() => {
            for (const list of document.querySelectorAll('#log ol')) list.style.contentVisibility = 'visible';
            for (const item of document.querySelectorAll('#log li')) {
                const node = item.lastChild;
                const at = node.data.indexOf('7');
                if (at < 0) continue;
                const mark = document.createElement('mark');
                mark.textContent = '7';
                const rest = node.splitText(at);
                rest.data = rest.data.slice(1);
                rest.before(mark);
            }
        });
        const loaded = performance.getEntriesByType('navigation')[0].domComplete;
        done({ first, search: median(times), filter: filtered, all, plain, loaded });
    })();";

#[tokio::test]
async fn fifty_thousand_lines_are_searched_at_once() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let script = Script::failed()
        .run(Duration::from_secs(4))
        .never_ends()
        .generated_lines(LINES);
    let script = (1..=20_u32).fold(script, |script, number| {
        script.log_line(
            Duration::from_millis(150) * number,
            "ERROR",
            format!("failure {number}"),
        )
    });
    let world = World::new()
        .application(Application::new(APP).next(script))
        .limits(Limits::none().headers(false));
    let simulator = Simulator::start(world).await;
    let run = Page::started(Runner::deploys_app(&simulator));
    let run = run.finish_once_read(&simulator, &[APP]).await;
    let page = Page::of_run(browser, run, 1).await;

    let times = page.browser.run_until_done(SEARCH).await;
    tell(&format!("50,000 lines, milliseconds: {times}"));
    let [search, filter, plain] =
        ["search", "filter", "plain"].map(|name| times[name].as_f64().unwrap());
    assert!(search < plain / 2.0 && filter < plain, "{times}");

    // The marks made other nodes; a fresh page has ours.
    page.browser.reload().await;
    assert_eq!(page.shown().await.len(), LINES + 20);
    page.search("line 43210 of").await;
    assert_eq!(page.told().await, "1 of 1");
    let is_in_view = page
        .browser
        .run(
            "const line = document.querySelector('#log .now');
             const { top, bottom } = line.getBoundingClientRect();
             const bar = document.getElementById('find').getBoundingClientRect();
             return line.textContent.includes('line 43210 of') && top >= bar.bottom && bottom <= innerHeight",
        )
        .await;
    assert_eq!(is_in_view, true);
    page.browser.picture("long-searching").await;
    page.assert_alone().await;
    page.browser.close().await;
}
