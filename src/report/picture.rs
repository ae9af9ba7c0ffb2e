//! The time line as a picture in the summary: a Gantt chart where the host
//! draws Mermaid, bars of text elsewhere. Pure.
//!
//! Of the words of strangers only the letters and digits of a target's name go
//! into a chart: whatever else a name holds could be a sign of its language.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::duration;
use super::timeline::{Phase, Span, State, Timeline};
use crate::watch::past::Usual;

/// The most characters of a target's name.
const LONGEST_LABEL: usize = 40;

/// The most lanes of one picture.
const MOST_LANES: usize = 20;

/// How many characters a bar has.
const WIDTH: i64 = 40;

/// The time line, if there is more to it than our own steps.
pub(super) fn of(time_line: &Timeline, is_drawn: bool) -> Option<String> {
    let spans = time_line.lanes.iter().flat_map(|lane| &lane.spans);
    let mut theirs = spans.filter(|span| !matches!(span.name, Phase::Preparing | Phase::Log));
    theirs.next()?;
    if is_drawn {
        chart(time_line)
    } else {
        bars(time_line)
    }
}

/// A chart in Mermaid's language, in a fence.
fn chart(time_line: &Timeline) -> Option<String> {
    let (begin, _) = time_line.extent()?;
    let mut chart = "```mermaid\ngantt\n    dateFormat YYYY-MM-DD HH:mm:ss.SSS\n    \
                     axisFormat %H:%M:%S\n    todayMarker off\n"
        .to_owned();
    for lane in time_line.lanes.iter().take(MOST_LANES) {
        chart.push_str(&format!("    section {}\n", label(lane.target.as_deref())));
        for span in &lane.spans {
            chart.push_str(&format!(
                "    {} {} :{}{}, {}\n",
                span.name.title(),
                length(span, time_line.now),
                tag(span.state),
                on_the_axis(span.begin, begin),
                on_the_axis(span.end.unwrap_or(time_line.now), begin),
            ));
        }
    }
    chart.push_str("```\n");
    Some(chart)
}

/// How the chart shows a state.
const fn tag(state: State) -> &'static str {
    match state {
        State::Done => "done, ",
        State::Failed => "crit, ",
        State::Cancelled => "",
        State::Open => "active, ",
    }
}

/// A time on the chart's axis, which counts from the beginning. The days are
/// read in the zone of whoever looks: on this one no clock was changed.
fn on_the_axis(time: Timestamp, begin: Timestamp) -> String {
    const DAY: Timestamp = Timestamp::constant(946_684_800, 0);
    let since = time.duration_since(begin).max(SignedDuration::ZERO);
    let time = DAY.checked_add(since).unwrap_or(DAY);
    format!("{time:.3}").replace('T', " ").replace('Z', "")
}

/// A name as the title of a section: letters, digits, and a few signs that mean
/// nothing between them.
fn label(target: Option<&str>) -> String {
    let Some(target) = target else {
        return "Run".to_owned();
    };
    let plain = |c: char| match c {
        c if c.is_alphanumeric() || "-_.".contains(c) => c,
        _ => ' ',
    };
    let text: String = target.chars().map(plain).take(LONGEST_LABEL).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    format!("To {}", words.join(" ")).trim_end().to_owned()
}

/// A table with bars.
fn bars(time_line: &Timeline) -> Option<String> {
    let (begin, end) = time_line.extent()?;
    let whole = end.duration_since(begin).as_millis().max(1);
    let place = |time: Timestamp| {
        let at = time.duration_since(begin).as_millis() * i128::from(WIDTH) / whole;
        usize::try_from(at.clamp(0, i128::from(WIDTH))).unwrap_or_default()
    };
    let mut table = "| phase | took | |\n| --- | --- | --- |\n".to_owned();
    for lane in time_line.lanes.iter().take(MOST_LANES) {
        let prefix = lane.target.as_deref().map(|target| label(Some(target)));
        let prefix = prefix
            .map(|label| format!("`{label}` "))
            .unwrap_or_default();
        for span in &lane.spans {
            let from = place(span.begin);
            let to = place(span.end.unwrap_or(time_line.now)).max(from);
            let width = usize::try_from(WIDTH).unwrap_or_default();
            // What took no time is a line all the same.
            let bar = match to - from {
                0 => "▏".to_owned(),
                length => "█".repeat(length),
            };
            let before = "·".repeat(from);
            let after = "·".repeat(width.saturating_sub(from + bar.chars().count()));
            table.push_str(&format!(
                "| {prefix}{} | {}{} | `{before}{bar}{after}` |\n",
                span.name.title(),
                length(span, time_line.now),
                match span.state {
                    State::Done => "",
                    State::Failed => ", failed",
                    State::Cancelled => ", cancelled",
                    State::Open => ", end not seen",
                }
            ));
        }
    }
    Some(table)
}

fn length(span: &Span, now: Timestamp) -> String {
    duration(Duration::try_from(span.length(now)).unwrap_or_default())
}

/// The last runs as bars, oldest first, and then this one: "▃▂▅▃ ▇".
pub(super) fn last_ones(usual: &Usual, this: Option<Duration>) -> Option<String> {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    if usual.count() < 3 {
        return None;
    }
    let longest = usual.times().chain(this).max()?;
    let bar = |time: Duration| {
        let height = time.as_millis() * 7 / longest.as_millis().max(1);
        let height = usize::try_from(height).unwrap_or_default();
        BARS.get(height).copied().unwrap_or('█')
    };
    let last: String = usual.times().rev().map(bar).collect();
    let this = this.map(|this| format!(" {}", bar(this)));
    Some(format!(
        "{last}{} (the highest is {})",
        this.unwrap_or_default(),
        duration(longest)
    ))
}
