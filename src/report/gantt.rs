//! The time line as a picture in the summary: a Gantt chart where the host
//! draws Mermaid, bars of text elsewhere. Pure.
//!
//! Of the words of strangers only the letters and digits of a target's name go
//! into a chart: whatever else a name holds could be a sign of its language.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::event::State;
use crate::forecast::history::TypicalDuration;
use crate::report::timeline::{Lane, Span, Timeline};
use crate::text::duration::duration;

/// The most characters of a target's name.
const LONGEST_LABEL: usize = 40;

/// The most lanes of one picture.
const MOST_LANES: usize = 20;

/// The colours of a chart, in a directive: success is green, a failure red, what
/// has not ended amber, and the rest grey. Mermaid's own differ between light and dark.
const COLOURS: &str = concat!(
    r##"%%{init: {"themeVariables": {"##,
    r##""taskBkgColor": "#1a7f37", "taskBorderColor": "#1a7f37", "taskTextColor": "#fff", "##,
    r##""critBkgColor": "#cf222e", "critBorderColor": "#cf222e", "##,
    r##""activeTaskBkgColor": "#d4a72c", "activeTaskBorderColor": "#d4a72c", "##,
    r##""doneTaskBkgColor": "#afb8c1", "doneTaskBorderColor": "#afb8c1""##,
    r##"}}}%%"##,
);

/// How many characters a bar has.
const WIDTH: i128 = 40;

/// The time line, if there is more to it than our own steps.
pub(super) fn render(time_line: &Timeline, is_drawn: bool) -> Option<String> {
    let spans = time_line.lanes.iter().flat_map(|lane| &lane.spans);
    let mut theirs = spans.filter(|span| !span.name.is_overhead());
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
    let mut chart = format!(
        "```mermaid\n{COLOURS}\ngantt\n    dateFormat YYYY-MM-DD HH:mm:ss.SSS\n    \
         axisFormat %H:%M:%S\n    todayMarker off\n"
    );
    for lane in time_line.lanes.iter().take(MOST_LANES) {
        chart.push_str(&format!("    section {}\n", label(lane)));
        for span in &lane.spans {
            chart.push_str(&format!(
                "    {} {} :{}{}, {}\n",
                span.name.title(),
                length(span, time_line.now),
                tag(span),
                on_the_axis(span.begin, begin),
                on_the_axis(span.end.unwrap_or(time_line.now), begin),
            ));
        }
    }
    chart.push_str("```\n");
    Some(chart)
}

/// How the chart shows a span. Grey, Mermaid's `done`, is for what brings no
/// result: the run's own steps around the deployment, and what was cancelled.
fn tag(span: &Span) -> &'static str {
    match span.state {
        // As the summary's sign: a warning.
        State::Failed if span.is_unverified() => "active, ",
        State::Failed => "crit, ",
        State::Cancelled => "done, ",
        State::Open => "active, ",
        State::Done if span.name.is_overhead() => "done, ",
        State::Done => "",
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
fn label(lane: &Lane) -> String {
    let Some(target) = &lane.target else {
        return "Run".to_owned();
    };
    let plain = |c: char| match c {
        c if c.is_alphanumeric() || "-_.".contains(c) => c,
        _ => ' ',
    };
    let text: String = target.chars().map(plain).take(LONGEST_LABEL).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    let critical = if lane.is_critical {
        " - critical path"
    } else {
        ""
    };
    format!("To {}{critical}", words.join(" "))
        .trim_end()
        .to_owned()
}

/// Lines of text with bars, in a fence.
fn bars(time_line: &Timeline) -> Option<String> {
    let (begin, end) = time_line.extent()?;
    let whole = end.duration_since(begin).as_millis().max(1);
    let place = |time: Timestamp| {
        let at = time.duration_since(begin).as_millis() * WIDTH / whole;
        usize::try_from(at.clamp(0, WIDTH)).unwrap_or_default()
    };
    let mut text = "```text\n".to_owned();
    for lane in time_line.lanes.iter().take(MOST_LANES) {
        if lane.target.is_some() {
            text.push_str(&format!("{}\n", label(lane)));
        }
        for span in &lane.spans {
            let from = place(span.begin);
            let to = place(span.end.unwrap_or(time_line.now)).max(from);
            // What took no time is a line all the same.
            let bar = match to - from {
                0 => "▏".to_owned(),
                length => "█".repeat(length),
            };
            let state = match span.state {
                State::Done => "",
                State::Failed if span.is_unverified() => " unverified",
                State::Failed => " failed",
                State::Cancelled => " cancelled",
                State::Open => " end not seen",
            };
            text.push_str(&format!(
                "{:<18} {:>6} {}{bar}{state}\n",
                span.name.title(),
                length(span, time_line.now),
                "·".repeat(from),
            ));
        }
    }
    text.push_str("```\n");
    Some(text)
}

fn length(span: &Span, now: Timestamp) -> String {
    duration(Duration::try_from(span.length(now)).unwrap_or_default())
}

/// The last runs as bars, oldest first, and then this one: "▃▂▅▃ ▇".
pub(super) fn last_ones(usual: &TypicalDuration, this: Option<Duration>) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Phase;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_772_000_000_000 + milliseconds).unwrap()
    }

    fn time_line(targets: &[Option<&str>]) -> Timeline {
        let states = [State::Done, State::Failed, State::Cancelled, State::Open];
        let span = |(number, state): (usize, &State)| {
            let begin = i64::try_from(number).unwrap() * 65_000;
            Span {
                name: Phase::ALL[number + 2],
                begin: at(begin),
                end: (*state != State::Open).then(|| at(begin + 64_250)),
                state: *state,
            }
        };
        let lane = |target: Option<&str>| Lane {
            target: target.map(str::to_owned),
            spans: states.iter().enumerate().map(span).collect(),
            skew: SignedDuration::ZERO,
            is_critical: false,
        };
        Timeline {
            lanes: targets.iter().copied().map(lane).collect(),
            began: at(0),
            now: at(300_000),
        }
    }

    /// Whether the text is what Mermaid's grammar of Gantt charts makes of the
    /// statements we use, and of nothing else. From its `gantt.jison`: a
    /// section ends at any of `#:;`, a task's text too, its data at `#;`; `%%`
    /// begins a comment or a directive anywhere.
    fn assert_is_chart(text: &str, sections: usize, tasks: usize) {
        let body = text.strip_prefix(&format!("```mermaid\n{COLOURS}\ngantt\n"));
        let body = body.unwrap();
        let body = body.strip_suffix("```\n").unwrap();
        assert!(!body.contains("%%"), "{body}");
        let (mut seen_sections, mut seen_tasks) = (0, 0);
        for line in body.lines() {
            let line = line.strip_prefix("    ").unwrap();
            if [
                "dateFormat YYYY-MM-DD HH:mm:ss.SSS",
                "axisFormat %H:%M:%S",
                "todayMarker off",
            ]
            .contains(&line)
            {
                continue;
            }
            if let Some(name) = line.strip_prefix("section ") {
                let is_plain = |c: char| c.is_alphanumeric() || " -_.".contains(c);
                assert!(
                    !name.trim().is_empty() && name.chars().all(is_plain),
                    "{line}"
                );
                seen_sections += 1;
                continue;
            }
            let (title, data) = line.split_once(" :").unwrap();
            let is_ours = Phase::ALL
                .iter()
                .any(|phase| title.starts_with(phase.title()));
            assert!(is_ours && !title.contains(['#', ':', ';', '\n']), "{line}");
            let mut data = data.split(", ");
            let mut part = data.next().unwrap();
            if ["done", "crit", "active"].contains(&part) {
                part = data.next().unwrap();
            }
            let times = [part, data.next().unwrap()];
            assert_eq!(data.next(), None, "{line}");
            let [begin, end] = times.map(|time| {
                let parsed = jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S%.f", time);
                parsed.unwrap()
            });
            assert!(begin <= end, "{line}");
            seen_tasks += 1;
        }
        assert_eq!((seen_sections, seen_tasks), (sections, tasks), "{body}");
    }

    #[test]
    fn a_chart_reads_like_this() {
        let chart = render(&time_line(&[None]), true).unwrap();
        let body = chart.replace(COLOURS, "COLOURS");
        assert_eq!(
            body,
            "```mermaid\nCOLOURS\ngantt\n    \
             dateFormat YYYY-MM-DD HH:mm:ss.SSS\n    \
             axisFormat %H:%M:%S\n    \
             todayMarker off\n    \
             section Run\n    \
             Queue 1m04s :2000-01-01 00:00:00.000, 2000-01-01 00:01:04.250\n    \
             Build and rollout 1m04s :crit, 2000-01-01 00:01:05.000, 2000-01-01 00:02:09.250\n    \
             Reading the log 1m04s :done, 2000-01-01 00:02:10.000, 2000-01-01 00:03:14.250\n    \
             Emptying caches 1m45s :active, 2000-01-01 00:03:15.000, 2000-01-01 00:05:00.000\n\
             ```\n"
        );
        assert_is_chart(&chart, 1, 4);
    }

    #[test]
    fn no_name_of_a_target_means_anything_in_a_chart() {
        let every: String = ('\0'..='\u{2ff}').collect();
        for name in [
            "shop",
            "",
            "x\n    click a href \"javascript:alert(1)\"",
            "x %%{init: {\"theme\": \"dark\"}}%%",
            "a: done, 2000-01-01, 1d; section y # z",
            "```\n<img src=x>",
            "title\ngantt",
            every.as_str(),
        ] {
            let chart = render(&time_line(&[None, Some(name)]), true).unwrap();
            assert_is_chart(&chart, 2, 8);
            let text = render(&time_line(&[None, Some(name)]), false).unwrap();
            assert_eq!(text.lines().count(), 2 + 1 + 8, "{text}");
            assert_eq!(text.matches('`').count(), 6, "{text}");
        }
    }

    #[test]
    fn elsewhere_there_are_bars() {
        let text = render(&time_line(&[None]), false).unwrap();
        assert_eq!(
            text.lines().nth(2).unwrap(),
            "Build and rollout   1m04s ········█████████ failed"
        );
    }

    #[test]
    fn our_own_steps_alone_are_no_picture() {
        let mut only = time_line(&[None]);
        only.lanes[0].spans.truncate(1);
        only.lanes[0].spans[0].name = Phase::Preparing;
        assert_eq!(render(&only, true), None);
        assert_eq!(render(&Timeline::default(), false), None);
    }
}
