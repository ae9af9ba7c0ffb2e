//! The time line: a bar for each phase, its name and length in words beside
//! it, so that nobody needs the bars.

use jiff::Timestamp;

use super::markup::Html;
use crate::event::State;
use crate::report::timeline::{Lane, Span, Timeline};
use crate::sanitize::Sanitizer;
use crate::text::duration::duration;

/// The width of the whole time line in units of the picture.
const WIDTH: usize = 1000;

/// A shorter bar could not be seen.
const NARROWEST: usize = 4;

pub(super) fn draw(timeline: &Timeline, sanitizer: &Sanitizer, html: &mut Html) {
    let Some((begin, end)) = timeline.extent() else {
        return;
    };
    let scale = Scale { begin, end };
    html.markup("<section aria-labelledby=\"times\">\n<h2 id=\"times\">Time line</h2>\n");
    for lane in &timeline.lanes {
        draw_lane(lane, &scale, timeline.now, sanitizer, html);
    }
    html.markup("</section>\n");
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
    html.markup("<li><span>")
        .markup(span.name.title())
        .markup("</span><svg viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"track\" width=\"1000\" height=\"10\"/><rect class=\"")
        .markup(span.state.word())
        .markup("\" x=\"")
        .number(from)
        .markup("\" width=\"")
        .number(width)
        .markup("\" height=\"10\"/></svg><span class=\"took\">")
        .part(&duration(length))
        .markup(match span.state {
            State::Done => "",
            State::Failed => ", failed",
            State::Cancelled => ", cancelled",
            State::Open => ", end not seen",
        })
        .markup("</span></li>\n");
}

/// From times to units of the picture.
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
    fn a_target_is_text() {
        let lane = Lane {
            target: Some("<b>shop</b>".to_owned()),
            spans: vec![
                span(Phase::Queue, 0, Some(5), State::Done),
                span(Phase::Running, 5, Some(65), State::Failed),
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
        assert!(html.as_str().contains("<h3>&lt;b&gt;shop&lt;/b&gt;</h3>"));
        assert!(html.as_str().contains("1m00s, failed"));
        let mut nothing = Html::default();
        draw(&Timeline::default(), &Sanitizer::default(), &mut nothing);
        assert_eq!(nothing.as_str(), "");
    }
}
