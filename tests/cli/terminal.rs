//! The program in a terminal: what a person sees on its screen.

use std::time::Duration;

use sevalla_deploy::shutdown::SAME_REQUEST;
use sevalla_simulator::{Application, DeploymentType, PastDeployment, Script, Simulator, World};

use super::harness::{APP, Runner, application, together, until};
use super::web::{Web, answer};
use super::window::{Fitting, Window};

const CANCEL: &str = "cancelDeploymentV3";

/// An application that has been deployed three times, a minute each, and now is
/// deployed without end.
async fn slow() -> Simulator {
    slow_to_cancel(Duration::ZERO).await
}

/// The same, which takes this long to end once it is cancelled.
async fn slow_to_cancel(delay: Duration) -> Simulator {
    let past = |hours: u64| {
        PastDeployment {
            took: Duration::from_secs(60),
            ..PastDeployment::success()
        }
        .ago(Duration::from_secs(3600 * hours))
    };
    let application = Application::new(APP)
        .past(past(3))
        .past(past(2))
        .past(past(1))
        .next(endless().cancel_delay(delay));
    Simulator::start(World::new().application(application)).await
}

fn endless() -> Script {
    Script::success().queue(Duration::ZERO).never_ends()
}

fn in_colour(simulator: &Simulator) -> Runner {
    Runner::deploys_app(simulator).set("TERM", "xterm-256color")
}

#[tokio::test]
async fn a_live_line_stands_below_the_text_and_goes_in_the_end() {
    let simulator = slow().await;
    let window = Window::open(in_colour(&simulator), 40, 120);
    let live = window
        .comes_to_show("left · Ctrl-C cancels the deployment")
        .await;
    assert!(
        live.contains("in progress (") && live.contains(" · about "),
        "{live:?}"
    );
    // Nothing happens, and still the time goes on, in the same row.
    window.draws_again().await;
    window.draws_again().await;
    window.comes_to_show("s · in progress").await;
    assert_eq!(window.live_rows().len(), 1);
    window.press(b"\x03");
    assert_eq!(window.ends().await, Some(130));
    window.comes_to_show("exit code 130").await;
    let rows = window.rows();
    assert!(
        rows.iter()
            .any(|row| row.contains("SIGINT: ending the run")),
        "{rows:?}"
    );
    assert_eq!(simulator.calls(CANCEL), 1);
}

#[tokio::test]
async fn the_log_goes_by_above_the_live_line() {
    let script = Script::failed()
        .queue(Duration::ZERO)
        .run(Duration::from_secs(2))
        .generated_lines(60);
    let simulator = application(script).await;
    let window = Window::open(in_colour(&simulator), 45, 100);
    assert_eq!(window.ends().await, Some(1));
    let shown = window.everything();
    for line in 1..=60 {
        let count = shown
            .iter()
            .filter(|row| row.ends_with(&format!("| line {line} of 60")))
            .count();
        assert_eq!(count, 1, "line {line}: {shown:#?}");
    }
    assert_eq!(window.colour_of("Error: "), vt100::Color::Idx(1));
}

#[tokio::test]
async fn a_success_is_green_unless_colours_are_unwanted() {
    for (name, value, colour) in [
        ("NO_COLOR", "", vt100::Color::Idx(2)),
        ("NO_COLOR", "1", vt100::Color::Default),
        ("TERM", "dumb", vt100::Color::Default),
    ] {
        let simulator = application(Script::success()).await;
        let runner = in_colour(&simulator).set(name, value);
        let window = Window::open(runner, 40, 160);
        assert_eq!(window.ends().await, Some(0));
        window.comes_to_show("URL: ").await;
        assert_eq!(window.colour_of("Deployed: "), colour, "{name}={value}");
    }
}

#[tokio::test]
async fn a_narrow_window_keeps_the_live_line_in_one_row() {
    for (columns, text) in [(30, "s · in prog"), (10, "s…"), (4, "…")] {
        let simulator = slow().await;
        let window = Window::open(in_colour(&simulator), 60, columns);
        window
            .until("a live line", || !window.live_rows().is_empty())
            .await;
        // Drawn again, whichever second that is, and still one row of it.
        if columns > 4 {
            window.draws_again().await;
            window.draws_again().await;
        }
        let shows = || window.live_rows().iter().any(|row| row.contains(text));
        window.until(text, shows).await;
        let rows = window.live_rows();
        assert!(
            rows.len() == 1 && !rows[0].contains("Ctrl-C"),
            "{columns}: {rows:?}"
        );
        window.press(b"\x03");
        assert_eq!(window.ends().await, Some(130));
    }
}

#[tokio::test]
async fn a_narrow_window_says_what_ctrl_c_does_all_the_same() {
    together([80, 60, 40].map(|columns| async move {
        let simulator = slow().await;
        let window = Window::open(in_colour(&simulator), 60, columns);
        let hint = "Ctrl-C cancels the deployment";
        let live = window.comes_to_show(hint).await;
        assert!(live.ends_with(hint), "{columns}: {live:?}");
        let has_more = live.contains("s · in prog");
        assert_eq!(has_more, columns > 40, "{columns}: {live:?}");
        assert_eq!(window.live_rows().len(), 1);
        window.press(b"\x03");
        assert_eq!(window.ends().await, Some(130));
    }))
    .await;
}

#[tokio::test]
async fn the_address_is_the_last_word() {
    let cases = [("xterm-256color", "https://"), ("dumb", "https://")];
    together(cases.map(|(term, address)| async move {
        let simulator = application(Script::success()).await;
        let runner = in_colour(&simulator)
            .set("TERM", term)
            .set("TZ", "IST-5:30");
        let window = Window::open(runner, 60, 160);
        assert_eq!(window.ends().await, Some(0));
        let rows = window.rows();
        let last = rows.last().unwrap();
        assert!(last.contains(&format!(" URL: {address}")), "{rows:#?}");
        // Its times are those of the person.
        assert!(
            last.chars().next().is_some_and(|c| c.is_ascii_digit()),
            "{last}"
        );
        assert!(
            !rows.iter().any(|row| row.contains("outcome=")),
            "{rows:#?}"
        );
        let is_utc = |row: &String| row.get(8..10) == Some("Z ") || row.get(12..14) == Some("Z ");
        assert!(!rows.iter().any(is_utc), "{rows:#?}");
    }))
    .await;
}

#[tokio::test]
async fn a_password_that_is_asked_for_is_shown_in_a_terminal_too() {
    let simulator = Simulator::start(World::new()).await;
    let settings = r#"{"display_name":"db","type":"postgresql","version":"16","db_name":"db",
        "cluster":"Frankfurt","resource_type":"DB1"}"#;
    let runner = Runner::does(&simulator, "create-database")
        .set("TERM", "xterm-256color")
        .set("SEVALLA_SETTINGS", settings)
        .set("SEVALLA_OUTPUT_PASSWORD", "true");
    let window = Window::open(runner, 60, 160);
    assert_eq!(window.ends().await, Some(0), "{:#?}", window.rows());
    window.comes_to_show("database-password=").await;
    assert!(!window.shows("outcome="), "{:#?}", window.rows());
}

#[tokio::test]
async fn a_list_is_a_table_without_times() {
    let simulator = application(Script::success()).await;
    for (arguments, beginning) in [
        (&["list", "--resource", "applications"][..], APP),
        (&["show", "--app-id", APP], "display_name: "),
    ] {
        let runner = Runner::against(&simulator)
            .set("TERM", "xterm-256color")
            .arguments_are(arguments);
        let window = Window::open(runner, 60, 160);
        assert_eq!(window.ends().await, Some(0));
        let rows = window.rows();
        let is_row = |row: &String| row.starts_with(beginning);
        assert!(rows.iter().any(is_row), "{rows:#?}");
        assert!(!rows.iter().any(|row| row.contains('{')), "{rows:#?}");
    }
}

#[tokio::test]
async fn a_list_that_is_piped_shows_no_table() {
    let simulator = application(Script::success()).await;
    let script = "\"$0\" list --resource applications | cat >found.json";
    let program = env!("CARGO_BIN_EXE_sevalla-deploy");
    let runner = Runner::against(&simulator)
        .set("TERM", "xterm-256color")
        .set("PATH", "/usr/bin:/bin")
        .arguments_are(&["--", "sh", "-c", script, program]);
    let found = runner.path("found.json");
    let window = Window::open(runner, 60, 160);
    assert_eq!(window.ends().await, Some(0));
    let found: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(found).unwrap()).unwrap();
    assert_eq!(found[0]["id"], APP);
    window.comes_to_show("Listed 1 application").await;
    assert!(!window.shows(APP), "{:#?}", window.rows());
}

#[tokio::test]
async fn help_is_as_wide_as_the_window() {
    for (columns, width) in [(60, 60), (80, 80), (100, 100), (200, 100)] {
        let runner = Runner::bare().arguments_are(&["help", "app-id"]);
        let window = Window::open(runner, 60, columns);
        assert_eq!(window.ends().await, Some(0));
        let rows = window.rows();
        let longest = rows.iter().map(String::len).max().unwrap();
        assert!(
            longest <= width && longest > width - 12,
            "{columns}: {rows:#?}"
        );
    }
}

#[tokio::test]
async fn keys_that_are_pressed_leave_nothing_of_the_live_line() {
    // In the third of these the line takes as much room as it may.
    let windows = [10, 40, 75, 120];
    together(windows.map(|columns| async move {
        let simulator = slow_to_cancel(Duration::from_secs(4)).await;
        let window = Window::open(in_colour(&simulator), 80, columns);
        window
            .until("a live line", || !window.live_rows().is_empty())
            .await;
        for keys in ["x", "\r", "yz\r"] {
            window.press(keys.as_bytes());
            window.draws_again().await;
            window.draws_again().await;
            assert_eq!(window.live_rows().len(), 1, "{:#?}", window.everything());
        }
        window.press(b"\x03");
        until(|| simulator.calls(CANCEL) == 1).await;
        let text = "ending · Ctrl-C again (after 1.5s) leaves everything as it is";
        let is_told = || match window.live_rows().as_slice() {
            [row] => columns < 75 || row.contains(text),
            _ => false,
        };
        window.until("what ends it", is_told).await;
        assert_eq!(window.ends().await, Some(130));
    }))
    .await;
}

#[tokio::test]
async fn a_second_interrupt_leaves_nothing_of_the_live_line_either() {
    for wait_for_the_first in [true, false] {
        let simulator = slow_to_cancel(Duration::from_secs(60)).await;
        let runner = in_colour(&simulator);
        let report = runner.path("report.json");
        let runner = runner.set("SEVALLA_REPORT_FILE", &report);
        let window = Window::open(runner, 40, 120);
        window.comes_to_show("Ctrl-C cancels").await;
        window.press(b"\x03");
        // With each interrupt a terminal drops what it has not shown yet, so a
        // text that is written once may never be seen; the live line comes again.
        if wait_for_the_first {
            window.comes_to_show("Ctrl-C again").await;
        } else {
            until(|| simulator.calls(CANCEL) == 1).await;
        }
        // Until then it would be the same request.
        tokio::time::sleep(SAME_REQUEST + Duration::from_millis(100)).await;
        window.press(b"\x03");
        assert_eq!(window.ends().await, Some(130));
        let report = std::fs::read_to_string(report).unwrap();
        assert!(report.contains("Another signal came"), "{report}");
    }
}

#[tokio::test]
async fn a_window_of_another_width_keeps_one_live_line_and_all_of_the_text() {
    let terminals = [(Fitting::Rewrap, ""), (Fitting::Cut, "XTerm(390)")];
    together(terminals.map(|(fitting, xterm)| async move {
        let simulator = slow().await;
        let runner = in_colour(&simulator).set("XTERM_VERSION", xterm);
        let window = Window::open(runner, 40, 100);
        window.comes_to_show("Ctrl-C cancels").await;
        for columns in [40, 17, 120, 99, 98] {
            window.resize(columns, fitting).await;
            window.draws_again().await;
            window.draws_again().await;
            let shown = window.everything();
            assert_eq!(
                window.live_rows().len(),
                1,
                "{fitting:?} {columns}: {shown:#?}"
            );
            // Nothing above it was taken away.
            assert!(
                shown.iter().any(|row| row.contains(" Usually")),
                "{fitting:?} {columns}: {shown:#?}"
            );
        }
        window.press(b"\x03");
        assert_eq!(window.ends().await, Some(130));
    }))
    .await;
}

#[tokio::test]
async fn a_verification_is_told_and_its_interruption_cancels_nothing() {
    let web = Web::acts([answer(503, "")]).await;
    let simulator = application(Script::success()).await;
    let runner = in_colour(&simulator).set("SEVALLA_VERIFY_URL", web.url("/"));
    let window = Window::open(runner, 40, 120);
    window
        .comes_to_show("verifying that it answers · Ctrl-C ends this, the deployment stays live")
        .await;
    window.press(b"\x03");
    assert_eq!(window.ends().await, Some(130));
    let shown = window.everything();
    let says = |row: &String| row.contains("had succeeded and is live");
    assert!(shown.iter().any(says), "{shown:#?}");
    assert_eq!(simulator.calls(CANCEL), 0);
}

#[tokio::test]
async fn waiting_for_others_is_told_and_its_interruption_starts_nothing() {
    let simulator = application(Script::success()).await;
    simulator.add_deployment(APP, DeploymentType::Manual, endless());
    let runner = in_colour(&simulator).set("SEVALLA_WHEN_BUSY", "wait");
    let window = Window::open(runner, 40, 120);
    window
        .comes_to_show("waiting for other deployments · Ctrl-C ends this, nothing is started")
        .await;
    window.press(b"\x03");
    assert_eq!(window.ends().await, Some(130));
    assert_eq!(simulator.deployments_made(), 0);
    assert_eq!(simulator.calls(CANCEL), 0);
}

#[tokio::test]
async fn what_goes_on_after_an_interruption_is_told_before_it() {
    // Somebody else's, and one that goes back to what was live.
    let joined = application(Script::success()).await;
    joined.add_deployment(APP, DeploymentType::Manual, endless());
    let joins = in_colour(&joined).set("SEVALLA_WHEN_BUSY", "join");

    let past = PastDeployment::success().ago(Duration::from_secs(600));
    let app = Application::new(APP).past(past).next(Script::failed());
    let failing = Simulator::start(World::new().application(app.next(endless()))).await;
    let goes_back = in_colour(&failing).set("SEVALLA_ON_FAILURE", "rollback");

    let texts = [
        "Ctrl-C ends this, the deployment continues",
        "Ctrl-C ends this, the rollback continues",
    ];
    let cases = [(joined, joins), (failing, goes_back)];
    together(
        cases
            .into_iter()
            .zip(texts)
            .map(|((simulator, runner), text)| async move {
                let window = Window::open(runner, 40, 140);
                window.comes_to_show(text).await;
                window.press(b"\x03");
                assert_eq!(window.ends().await, Some(130));
                assert_eq!(simulator.calls(CANCEL), 0);
            }),
    )
    .await;
}

#[tokio::test]
async fn a_ci_with_a_terminal_gets_plain_lines() {
    let simulator = application(Script::success()).await;
    let window = Window::open(in_colour(&simulator).set("CI", "true"), 40, 160);
    assert_eq!(window.ends().await, Some(0));
    window.comes_to_show("URL: ").await;
    assert_eq!(window.colour_of("Deployed: "), vt100::Color::Default);
    for text in ["Ctrl-C", "outcome=success"] {
        assert!(!window.shows(text), "{:?}", window.rows());
    }
}
