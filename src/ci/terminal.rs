//! [`TerminalOutput`]: for a terminal in front of a person, with colours and a
//! live line below the text.
//!
//! The line is drawn by a ticker of its own, so that the time advances while
//! the run waits for a response.

use std::time::Duration;

use console::{Style, Term, measure_text_width, truncate_str};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::plain::PlainOutput;
use super::{
    Activity, CiOutput, Level, OutputError, Outputs, OutputsResult, Place, TableLayout, Tone,
};
use crate::ci::live_line;
use crate::ci::live_line::LiveLine;
use crate::environment::Variables;
use crate::sanitize::{SanitizedLine, SanitizedText};
use crate::text::duration::duration;

/// How often the live line is drawn. It shows whole seconds.
const TICK: Duration = Duration::from_millis(250);

/// How often in a second the line is drawn at most.
const MOST_DRAWN: u8 = 10;

/// The columns of the spinner and its space.
const SPINNER: usize = 2;

pub(super) struct TerminalOutput {
    plain: PlainOutput,
    screen: Term,
    /// What the screen does with a line that has become too wide.
    rewraps: bool,
    has_colours: bool,
    /// The live line, while there is one.
    live: Option<ProgressBar>,
}

impl TerminalOutput {
    pub(super) fn new(screen: Term, variables: &Variables, plain: PlainOutput) -> Self {
        Self {
            plain,
            screen,
            rewraps: live_line::rewraps(variables),
            // https://no-color.org: any value that is not empty.
            has_colours: variables.text("NO_COLOR").is_none(),
            live: None,
        }
    }

    /// Writes above the live line.
    fn above<T>(&mut self, write: impl FnOnce(&mut PlainOutput) -> T) -> T {
        let plain = &mut self.plain;
        match &self.live {
            Some(live) => live.suspend(|| write(plain)),
            None => write(plain),
        }
    }

    fn style(&self, tone: Tone) -> Style {
        let style = Style::new().force_styling(self.has_colours);
        match tone {
            Tone::Plain => style,
            Tone::Good => style.green(),
            Tone::Warning => style.yellow(),
            Tone::Error => style.red().bold(),
        }
    }
}

/// Whether this kind of terminal can draw over a line.
pub(super) fn can_draw(variables: &Variables) -> bool {
    variables.text("TERM").is_some_and(|term| term != "dumb")
}

impl CiOutput for TerminalOutput {
    fn mask(&mut self, secret: &str) {
        self.plain.mask(secret);
    }

    fn print(&mut self, line: &SanitizedLine) {
        self.above(|plain| plain.print(line));
    }

    fn print_in(&mut self, tone: Tone, line: &SanitizedLine) {
        let line = self.plain.timed_everywhere(line);
        let text = self.style(tone).apply_to(line).to_string();
        self.above(|plain| plain.put(&text));
    }

    fn is_live(&self) -> bool {
        true
    }

    fn live(&mut self, activity: &Activity) {
        let bar = self.live.get_or_insert_with(|| {
            let canvas = LiveLine::new(self.screen.clone(), self.rewraps);
            let target = ProgressDrawTarget::term_like_with_hz(Box::new(canvas), MOST_DRAWN);
            let bar = ProgressBar::with_draw_target(None, target);
            bar.enable_steady_tick(TICK);
            bar
        });
        let dim = Style::new().dim().force_styling(self.has_colours);
        let (activity, screen, drawn_at) = (activity.clone(), self.screen.clone(), bar.elapsed());
        let line = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let (elapsed, width) = (state.elapsed(), usize::from(screen.size().1));
            let since = elapsed.saturating_sub(drawn_at);
            let room = width.saturating_sub(SPINNER + live_line::FREE);
            let text = live_line(&activity, elapsed, since, room);
            let _cannot_fail = write!(out, "{}", dim.apply_to(text));
        };
        bar.set_style(ProgressStyle::default_spinner().with_key("msg", line));
    }

    fn end_live_line(&mut self) {
        if let Some(live) = self.live.take() {
            live.finish_and_clear();
        }
    }

    fn open_log(&mut self, title: &SanitizedLine) {
        self.above(|plain| plain.open_log(title));
    }

    fn close_log(&mut self) {
        self.above(PlainOutput::close_log);
    }

    fn annotate(
        &mut self,
        level: Level,
        title: &SanitizedLine,
        message: &SanitizedText,
        place: Option<&Place>,
    ) {
        self.plain.annotate(level, title, message, place);
    }

    fn layout(&self) -> TableLayout {
        self.plain.layout()
    }

    fn row(&mut self, row: &SanitizedLine) -> bool {
        self.above(|plain| plain.row(row))
    }

    fn found(&mut self, json: Option<&SanitizedText>) -> Result<bool, OutputError> {
        self.above(|plain| plain.found(json))
    }

    fn outputs(&mut self, outputs: Outputs<'_>) -> OutputsResult {
        self.above(|plain| plain.outputs(outputs))
    }

    fn summary(&mut self, markdown: &SanitizedText) -> Result<(), String> {
        self.plain.summary(markdown)
    }
}

/// The least of the activity that says something.
const LEAST: usize = 10;

/// The live line: since when, what happens, how long it may take and what
/// Ctrl-C does. Where the window is too narrow, what Ctrl-C does is kept: first
/// the activity is shortened, then the estimate and at last the activity are
/// omitted.
fn live_line(activity: &Activity, elapsed: Duration, since: Duration, width: usize) -> String {
    let left = activity.left.map(|left| match left.checked_sub(since) {
        Some(left) if left >= Duration::from_secs(1) => format!("about {} left", duration(left)),
        _ => "longer than usual".to_owned(),
    });
    // Tenths of a second are for things that have ended.
    let time = match elapsed.as_secs() {
        0 => "0s".to_owned(),
        seconds => duration(Duration::from_secs(seconds)),
    };
    let (text, interrupt) = (activity.text.as_str(), activity.interrupt);
    let line = |text: &str, left: Option<&str>| {
        let parts = [Some(time.as_str()), Some(text), left, Some(interrupt)];
        let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(" · ")
    };
    for left in [left.as_deref(), None] {
        let whole = measure_text_width(&line(text, left));
        let room = (measure_text_width(text) + width).checked_sub(whole);
        if let Some(room) = room.filter(|room| whole <= width || *room >= LEAST) {
            // "in progress…", not "in progress …".
            let short = truncate_str(text, room, "…").replace(" …", "…");
            return line(&short, left);
        }
    }
    let bare = line("", None);
    if measure_text_width(&bare) <= width {
        return bare;
    }
    if !interrupt.is_empty() && measure_text_width(interrupt) <= width {
        return interrupt.to_owned();
    }
    truncate_str(&format!("{time} · {text}"), width, "…").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitize::Sanitizer;

    fn line(left: Option<u64>, since: u64, width: usize) -> String {
        let activity = Activity {
            text: Sanitizer::default().line("in progress (main)"),
            left: left.map(Duration::from_secs),
            interrupt: "Ctrl-C cancels the deployment",
        };
        live_line(
            &activity,
            Duration::from_millis(72_900),
            Duration::from_secs(since),
            width,
        )
    }

    #[test]
    fn the_live_line_counts_down_and_says_when_it_takes_long() {
        let hint = "Ctrl-C cancels the deployment";
        for (left, since, text) in [
            (
                Some(40),
                0,
                format!("1m12s · in progress (main) · about 40s left · {hint}"),
            ),
            (
                Some(40),
                15,
                format!("1m12s · in progress (main) · about 25s left · {hint}"),
            ),
            (
                Some(40),
                40,
                format!("1m12s · in progress (main) · longer than usual · {hint}"),
            ),
            (None, 40, format!("1m12s · in progress (main) · {hint}")),
        ] {
            assert_eq!(line(left, since, 200), text);
        }
    }

    #[test]
    fn a_narrow_window_keeps_what_ctrl_c_does_and_gets_less_of_the_rest() {
        let hint = "Ctrl-C cancels the deployment";
        for (width, text) in [
            // As in a window of 80 columns, and in one of 60.
            (
                73,
                format!("1m12s · in progress (ma… · about 40s left · {hint}"),
            ),
            (53, format!("1m12s · in progress… · {hint}")),
            (51, format!("1m12s · in progres… · {hint}")),
            (49, format!("1m12s · {hint}")),
            (37, format!("1m12s · {hint}")),
            (36, hint.to_owned()),
            (29, hint.to_owned()),
            // There is no room for it.
            (28, "1m12s · in progress (main)".to_owned()),
            (20, "1m12s · in progress…".to_owned()),
            (10, "1m12s · i…".to_owned()),
            (1, "…".to_owned()),
        ] {
            assert_eq!(line(Some(40), 0, width), text, "{width}");
            assert!(measure_text_width(&text) <= width, "{width}: {text}");
        }
    }

    #[test]
    fn no_window_is_too_narrow_for_what_it_is_given() {
        for left in [None, Some(40)] {
            for width in 1..=90 {
                let text = line(left, 0, width);
                assert!(measure_text_width(&text) <= width, "{width}: {text}");
                assert_eq!(text.contains("Ctrl-C cancels"), width >= 29, "{width}");
            }
        }
    }
}
