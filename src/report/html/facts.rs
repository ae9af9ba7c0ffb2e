//! The facts of the run on the page: groups, and the durations of past runs.

use std::time::Duration;

use super::PageModel;
use super::markup::Html;
use crate::forecast::history::TypicalDuration;
use crate::report::details::{self, Detail, DetailForm};
use crate::text::duration::duration;

/// The height of the picture of durations, in its own units.
const HEIGHT: usize = 100;

/// The width of a bar with the gap to the next one.
const STEP: usize = 20;

impl PageModel<'_> {
    /// What, when and links, a group each.
    pub(super) fn facts(&self, html: &mut Html) {
        let groups = details::groups(self.record);
        if groups.is_empty() {
            return;
        }
        html.markup("<section class=\"facts\" aria-labelledby=\"facts\">\n<h2 id=\"facts\">Facts</h2>\n<div class=\"groups\">\n");
        for group in &groups {
            html.markup("<div class=\"group\">\n<h3>")
                .markup(group.title)
                .markup("</h3>\n<dl>\n");
            group
                .details
                .iter()
                .filter(|detail| detail.form != DetailForm::Bars)
                .for_each(|detail| self.fact(detail, html));
            html.markup("</dl>\n</div>\n");
        }
        html.markup("</div>\n");
        let service_record = self.record.one();
        if let Some(usual) = &service_record.usual {
            past(usual, service_record.run(), html);
        }
        html.markup("</section>\n");
    }

    fn fact(&self, detail: &Detail, html: &mut Html) {
        html.markup("<dt>").markup(detail.name).markup("</dt><dd>");
        match &detail.form {
            DetailForm::Id => {
                self.id(&detail.value, html);
            }
            DetailForm::Link(address) => self.link(address, &detail.value, html),
            _ => self.value(&detail.value, html),
        }
        html.markup("</dd>\n");
    }

    /// A text that one click selects as a whole.
    pub(super) fn id(&self, text: &str, html: &mut Html) {
        html.markup("<code class=\"id\" title=\"A click selects the whole id\">")
            .text(&self.line(text))
            .markup("</code>");
    }
}

/// The durations of the last runs and of this one, oldest first, as bars with the
/// same numbers in words.
fn past(usual: &TypicalDuration, this: Option<Duration>, html: &mut Html) {
    let times: Vec<Duration> = usual.times().rev().chain(this).collect();
    let Some(longest) = times.iter().max().filter(|_| times.len() > 2) else {
        return;
    };
    let units = |time: Duration| {
        let units = time.as_millis() * HEIGHT as u128 / longest.as_millis().max(1);
        usize::try_from(units).unwrap_or(HEIGHT).clamp(3, HEIGHT)
    };
    html.markup("<figure class=\"past\">\n<figcaption>Duration of the last ")
        .count(usual.count())
        .markup(" similar deployments")
        .markup(if this.is_some() {
            " and of this one"
        } else {
            ""
        })
        .markup("; the longest took ")
        .part(&duration(*longest))
        .markup("</figcaption>\n<svg viewBox=\"0 0 ")
        .number(times.len() * STEP)
        .markup(" 100\" role=\"img\" aria-label=\"In order, the oldest first: ");
    for (at, time) in times.iter().enumerate() {
        html.markup(if at > 0 { ", " } else { "" })
            .part(&duration(*time));
    }
    html.markup("\">");
    for (at, time) in times.iter().enumerate() {
        let is_this = this.is_some() && at + 1 == times.len();
        let height = units(*time);
        html.markup("<rect class=\"")
            .markup(if is_this { "this" } else { "done" })
            .markup("\" x=\"")
            .number(at * STEP)
            .markup("\" y=\"")
            .number(HEIGHT - height)
            .markup("\" width=\"14\" height=\"")
            .number(height)
            .markup("\"><title>")
            .part(&duration(*time))
            .markup(if is_this { ", this one" } else { "" })
            .markup("</title></rect>");
    }
    html.markup("</svg>\n</figure>\n");
}
