//! The program in a terminal: what a person sees on its screen.

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pty_process::Size;
use pty_process::blocking::{Command, Pty};
use sevalla_simulator::{Application, Behaviour, Fault, PastDeployment, Script, Simulator, World};

use super::harness::{APP, Runner, until};

fn size(cells: u16) -> NonZeroU16 {
    NonZeroU16::new(cells).unwrap()
}

/// A window with the program in it.
struct Window {
    screen: Arc<Mutex<vt100::Parser>>,
    keys: Arc<Pty>,
    child: std::process::Child,
    _runner: Runner,
}

impl Window {
    fn open(runner: Runner, rows: u16, columns: u16) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(Size::new(rows, columns)).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_sevalla-deploy"))
            .env_clear()
            .envs(runner.variables())
            .current_dir(runner.path("."))
            .spawn(pts)
            .unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(
            size(rows),
            size(columns),
            500,
        )));
        let keys = Arc::new(pty);
        let (shown, output) = (Arc::clone(&screen), Arc::clone(&keys));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // An error is how the system says that the program has ended.
            while let Ok(count @ 1..) = (&*output).read(&mut bytes) {
                shown.lock().unwrap().process(&bytes[..count]);
            }
        });
        Self {
            screen,
            keys,
            child,
            _runner: runner,
        }
    }

    /// The rows of the screen, without what is empty at the end.
    fn rows(&self) -> Vec<String> {
        let screen = self.screen.lock().unwrap();
        let text = screen.screen().contents();
        text.lines().map(str::to_owned).collect()
    }

    /// What has been shown, with what went out of the window at its top.
    fn everything(&self) -> Vec<String> {
        let mut parser = self.screen.lock().unwrap();
        let (height, columns) = parser.screen().size();
        let (height, columns) = (usize::from(height.get()), columns.get());
        parser.screen_mut().set_scrollback(usize::MAX);
        let mut left = parser.screen().scrollback();
        let mut rows: Vec<String> = Vec::new();
        while left > 0 {
            parser.screen_mut().set_scrollback(left);
            let screen = parser.screen();
            let new = left.min(height);
            rows.extend(screen.rows(0, columns).take(new));
            left -= new;
        }
        parser.screen_mut().set_scrollback(0);
        rows.extend(parser.screen().rows(0, columns));
        rows
    }

    fn shows(&self, text: &str) -> bool {
        self.rows().iter().any(|row| row.contains(text))
    }

    /// The row that holds this text, once there is one.
    async fn comes_to_show(&self, text: &str) -> String {
        let row = Mutex::new(None);
        let find = || {
            let found = self.rows().into_iter().find(|row| row.contains(text));
            let mut row = row.lock().unwrap();
            *row = found;
            row.is_some()
        };
        until(find).await;
        row.into_inner().unwrap().unwrap()
    }

    fn press(&self, keys: &[u8]) {
        (&*self.keys).write_all(keys).unwrap();
    }

    /// The exit code, once the program has ended and all of it is shown.
    async fn ends(&mut self) -> Option<i32> {
        let child = Mutex::new(&mut self.child);
        let ended = || child.lock().unwrap().try_wait().unwrap();
        until(|| ended().is_some()).await;
        ended().unwrap().code()
    }

    /// The colour of the first cell of the row that holds this text.
    fn colour_of(&self, text: &str) -> vt100::Color {
        let parser = self.screen.lock().unwrap();
        let screen = parser.screen();
        let columns = screen.size().1.get();
        let row = screen.rows(0, columns).position(|row| row.contains(text));
        let row = u16::try_from(row.expect("it is shown")).unwrap();
        screen.cell(row, 0).unwrap().fgcolor()
    }
}

/// An application that has been deployed three times, a minute each, and now is
/// deployed without end.
async fn slow() -> Simulator {
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
        .next(Script::success().queue(Duration::ZERO).never_ends());
    Simulator::start(World::new().application(application)).await
}

fn in_colour(simulator: &Simulator) -> Runner {
    Runner::deploys_app(simulator).set("TERM", "xterm-256color")
}

#[tokio::test]
async fn a_live_line_stands_below_the_text_and_goes_in_the_end() {
    let simulator = slow().await;
    let mut window = Window::open(in_colour(&simulator), 40, 120);
    let live = window
        .comes_to_show("left · Ctrl-C cancels the deployment")
        .await;
    assert!(
        live.contains("in progress (") && live.contains(" · about "),
        "{live:?}"
    );
    // Nothing happens, and still the time goes on, in the same row.
    window.comes_to_show(" 3s · in progress").await;
    let count = || {
        let rows = window.rows();
        rows.iter().filter(|row| row.contains("Ctrl-C")).count()
    };
    until(|| count() == 1).await;
    let slowly = Behaviour::Delay(Duration::from_millis(700));
    simulator.add_fault(Fault::on("cancelDeploymentV3").does(slowly));
    window.press(b"\x03");
    window.comes_to_show("Ctrl-C ends this at once").await;
    assert_eq!(window.ends().await, Some(130));
    window.comes_to_show("exit code 130").await;
    let rows = window.rows();
    let last = |text| rows.iter().rposition(|row| row.contains(text));
    assert!(last(" · about ") < last("Error: "), "{rows:?}");
    assert!(
        rows.iter()
            .any(|row| row.contains("SIGINT: ending the run")),
        "{rows:?}"
    );
    assert_eq!(simulator.calls("cancelDeploymentV3"), 1);
}

#[tokio::test]
async fn the_log_goes_by_above_the_live_line() {
    let script = Script::failed()
        .queue(Duration::ZERO)
        .run(Duration::from_secs(2))
        .generated_lines(60);
    let simulator = super::harness::application(script).await;
    let mut window = Window::open(in_colour(&simulator), 45, 100);
    assert_eq!(window.ends().await, Some(1));
    window.comes_to_show("exit code 1").await;
    let shown = window.everything();
    for line in 1..=60 {
        let count = shown
            .iter()
            .filter(|row| row.ends_with(&format!("| line {line} of 60")))
            .count();
        assert_eq!(count, 1, "line {line}: {shown:#?}");
    }
    assert!(
        !shown.iter().any(|row| row.contains("Ctrl-C")),
        "{shown:#?}"
    );
    assert_eq!(window.colour_of("Error: "), vt100::Color::Idx(1));
}

#[tokio::test]
async fn a_success_is_green_unless_colours_are_unwanted() {
    for (name, value, colour) in [
        ("NO_COLOR", "", vt100::Color::Idx(2)),
        ("NO_COLOR", "1", vt100::Color::Default),
        ("TERM", "dumb", vt100::Color::Default),
    ] {
        let simulator = super::harness::application(Script::success()).await;
        let runner = in_colour(&simulator).set(name, value);
        let mut window = Window::open(runner, 40, 160);
        assert_eq!(window.ends().await, Some(0));
        window.comes_to_show("outcome=success").await;
        assert_eq!(window.colour_of("Deployed: "), colour, "{name}={value}");
    }
}

#[tokio::test]
async fn a_narrow_window_keeps_the_live_line_in_one_row() {
    let simulator = slow().await;
    let mut window = Window::open(in_colour(&simulator), 30, 30);
    let live = window.comes_to_show("s · in prog").await;
    assert!(
        live.trim_end().chars().count() < 30 && !live.contains("Ctrl-C"),
        "{live:?}"
    );
    window.comes_to_show("2s · in prog").await;
    // Drawn over many times by now, and still one row of it.
    let count = || {
        let rows = window.rows();
        rows.iter().filter(|row| row.contains(" · in prog")).count()
    };
    until(|| count() == 1).await;
    window.press(b"\x03");
    assert_eq!(window.ends().await, Some(130));
}

#[tokio::test]
async fn a_ci_with_a_terminal_gets_plain_lines() {
    let simulator = super::harness::application(Script::success()).await;
    let mut window = Window::open(in_colour(&simulator).set("CI", "true"), 40, 160);
    assert_eq!(window.ends().await, Some(0));
    window.comes_to_show("outcome=success").await;
    assert_eq!(window.colour_of("Deployed: "), vt100::Color::Default);
    assert!(!window.shows("Ctrl-C"), "{:?}", window.rows());
}
