//! The time line: an axis, and a bar for each phase with its name and length in
//! words beside it, so that nobody needs the bars.

use std::time::Duration;

use jiff::Timestamp;

use super::markup::Html;
use crate::event::State;
use crate::report::details::in_utc;
use crate::report::timeline::{Lane, Span, Timeline};
use crate::sanitize::Sanitizer;
use crate::text::duration::duration;

/// The whole time line in tenths of a percent.
const WIDTH: usize = 1000;

/// A shorter bar could not be seen.
const NARROWEST: usize = 4;

/// The distances between two ticks that people read easily, in seconds.
const STEPS: [u64; 18] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 604_800,
];

/// The most ticks after the first: as many as have room on a telephone.
const MOST_TICKS: u64 = 5;

pub(super) fn draw(timeline: &Timeline, sanitizer: &Sanitizer, html: &mut Html) {
    let Some((begin, end)) = timeline.extent() else {
        return;
    };
    let scale = Scale { begin, end };
    html.markup("<section aria-labelledby=\"times\">\n<h2 id=\"times\">Time line</h2>\n");
    for lane in &timeline.lanes {
        draw_lane(lane, &scale, timeline.now, sanitizer, html);
    }
    scale.axis(html);
    html.markup("<p class=\"note\">Since ").part(&in_utc(begin));
    let mut spans = timeline.lanes.iter().flat_map(|lane| &lane.spans);
    if spans.any(|span| span.name.is_overhead()) {
        html.markup(". <span class=\"overhead\">Outlined bars</span> are overhead: steps of this run around the deployment");
    }
    html.markup(".</p>\n</section>\n");
}

fn draw_lane(lane: &Lane, scale: &Scale, now: Timestamp, sanitizer: &Sanitizer, html: &mut Html) {
    html.markup("<div class=\"lane\">\n");
    if let Some(target) = &lane.target {
        html.markup("<h3>")
            .text(&sanitizer.line(target))
            .markup("</h3>\n");
    }
    html.markup("<ol class=\"spans\">\n");
    for span in &lane.spans {
        draw_span(span, scale, now, html);
    }
    html.markup("</ol>\n</div>\n");
}

fn draw_span(span: &Span, scale: &Scale, now: Timestamp, html: &mut Html) {
    let (from, width) = scale.bar(span, now);
    let length = span.length(now).unsigned_abs();
    let is_overhead = span.name.is_overhead();
    html.markup("<li><span>").markup(span.name.title()).markup(
        "</span><svg aria-hidden=\"true\"><rect class=\"track\" width=\"100%\" height=\"100%\"/>",
    );
    for (place, _) in scale.ticks() {
        html.markup("<line x1=\"");
        percent(place, html);
        html.markup("\" x2=\"");
        percent(place, html);
        html.markup("\" y1=\"0\" y2=\"100%\"/>");
    }
    html.markup("<rect class=\"")
        .markup(if span.is_unverified() {
            "unverified"
        } else {
            span.state.word()
        })
        .markup(if is_overhead { " overhead" } else { "" })
        .markup("\" x=\"");
    percent(from, html);
    html.markup("\" width=\"");
    percent(width, html);
    html.markup("\" height=\"100%\"/></svg><span class=\"took\">")
        .part(&duration(length))
        .markup(match span.state {
            State::Done if is_overhead => ", overhead",
            State::Done => "",
            State::Failed if span.is_unverified() => ", unverified",
            State::Failed => ", failed",
            State::Cancelled => ", cancelled",
            State::Open => ", end not seen",
        })
        .markup("</span></li>\n");
}

/// A place on the picture as an attribute.
fn percent(place: usize, html: &mut Html) {
    html.number(place / 10)
        .markup(".")
        .number(place % 10)
        .markup("%");
}

/// From times to tenths of a percent of the picture.
struct Scale {
    begin: Timestamp,
    end: Timestamp,
}

impl Scale {
    /// Where the bar begins, and how wide it is; always within the picture.
    fn bar(&self, span: &Span, now: Timestamp) -> (usize, usize) {
        let from = self.at(span.begin).min(WIDTH - NARROWEST);
        let to = self.at(span.end.unwrap_or(now)).max(from + NARROWEST);
        (from, to - from)
    }

    fn at(&self, time: Timestamp) -> usize {
        let whole = self.end.duration_since(self.begin).as_millis().max(1);
        let part = time.duration_since(self.begin).as_millis();
        let units = part.clamp(0, whole) * 1000 / whole;
        usize::try_from(units).unwrap_or_default().min(WIDTH)
    }

    /// The places of the ticks, and the seconds since the beginning at each.
    fn ticks(&self) -> Vec<(usize, u64)> {
        let whole = self.end.duration_since(self.begin).as_millis();
        let whole = u64::try_from(whole).unwrap_or_default();
        let fits = |step: &u64| whole / (step * 1000) <= MOST_TICKS;
        let Some(step) = STEPS.into_iter().find(fits) else {
            return vec![(0, 0)];
        };
        let ticks = (0..=whole / (step * 1000)).map(|tick| tick * step);
        let place = |seconds: u64| seconds * 1_000_000 / whole.max(1);
        ticks
            .map(|seconds| (usize::try_from(place(seconds)).unwrap_or(WIDTH), seconds))
            .collect()
    }

    /// The labels below the bars.
    fn axis(&self, html: &mut Html) {
        html.markup("<div class=\"axis\" aria-hidden=\"true\"><svg>");
        for (place, seconds) in self.ticks() {
            html.markup("<line x1=\"");
            percent(place, html);
            html.markup("\" x2=\"");
            percent(place, html);
            html.markup("\" y1=\"0\" y2=\"5\"/><text class=\"")
                .markup(match place {
                    0 => "first",
                    // A label in the middle of this tick would leave the picture.
                    950.. => "last",
                    _ => "tick",
                })
                .markup("\" x=\"");
            percent(place, html);
            html.markup("\" y=\"18\">");
            match seconds {
                0 => html.markup("0s"),
                _ => html.part(&duration(Duration::from_secs(seconds))),
            };
            html.markup("</text>");
        }
        html.markup("</svg></div>\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Phase;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn span(name: Phase, begin: i64, end: Option<i64>, state: State) -> Span {
        Span {
            name,
            begin: at(begin),
            end: end.map(at),
            state,
        }
    }

    #[test]
    fn bars_stay_in_the_picture_and_can_be_seen() {
        let scale = Scale {
            begin: at(100),
            end: at(300),
        };
        for (begin, end, bar) in [
            (100, Some(200), (0, 500)),
            (200, None, (500, 500)),
            (300, Some(300), (996, 4)),
            (150, Some(150), (250, 4)),
            (0, Some(900), (0, 1000)),
        ] {
            let span = span(Phase::Running, begin, end, State::Done);
            assert_eq!(scale.bar(&span, at(300)), bar);
        }
    }

    #[test]
    fn ticks_are_few_even_and_where_their_time_is() {
        for (seconds, expected) in [
            (0, vec![(0, 0)]),
            (4, vec![(0, 0), (250, 1), (500, 2), (750, 3), (1000, 4)]),
            (70, vec![(0, 0), (214, 15), (428, 30), (642, 45), (857, 60)]),
            (3_000_000, vec![(0, 0), (201, 604_800)]),
        ] {
            let (begin, end) = (at(100), at(100 + seconds));
            let ticks = Scale { begin, end }.ticks();
            assert!(ticks.len() <= 6, "{ticks:?}");
            assert_eq!(ticks[..expected.len()], expected);
        }
        let (begin, end) = (at(0), at(1_000_000_000));
        assert_eq!(Scale { begin, end }.ticks(), [(0, 0)]);
    }

    #[test]
    fn a_target_is_text_and_overhead_is_named() {
        let lane = Lane {
            target: Some("<b>shop</b>".to_owned()),
            spans: vec![
                span(Phase::Queue, 0, Some(5), State::Done),
                span(Phase::Running, 5, Some(65), State::Failed),
                span(Phase::Log, 65, Some(70), State::Done),
            ],
            ..Lane::default()
        };
        let timeline = Timeline {
            lanes: vec![lane],
            began: at(0),
            now: at(70),
        };
        let mut html = Html::default();
        draw(&timeline, &Sanitizer::default(), &mut html);
        let html = html.as_str();
        assert!(html.contains("<h3>&lt;b&gt;shop&lt;/b&gt;</h3>"));
        assert!(html.contains("1m00s, failed"));
        assert!(html.contains("class=\"done overhead\"") && html.contains("5s, overhead"));
        assert!(html.contains("x=\"85.7%\" y=\"18\">1m00s</text>"), "{html}");
        let mut nothing = Html::default();
        draw(&Timeline::default(), &Sanitizer::default(), &mut nothing);
        assert_eq!(nothing.as_str(), "");
    }
}
