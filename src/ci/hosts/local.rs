//! A machine without a CI: somebody may watch the terminal.

use crate::ci::Facts;
use crate::ci::facts::RunNames;
use crate::ci::hosts::CiHost;
use crate::ci::local_time::LocalTime;
use crate::ci::plain::PlainOutput;
use crate::ci::terminal::{TerminalOutput, can_draw};

/// Its row in the table of hosts.
pub(super) const HOST: CiHost = CiHost {
    name: "local",
    title: "a terminal",
    template: None,
    detection: &[],
    names: RunNames::NONE,
    facts: |_| Facts::default(),
    output: |means, files| {
        let variables = means.variables;
        let local = LocalTime {
            zone: means.zone,
            clock: means.clock,
        };
        // Other times than those of a log on this machine would be in the way.
        let time = means.terminal.is_some().then(|| local.clone());
        let screen = means.screen.map(|screen| (screen, local));
        let plain = PlainOutput::new(means.stdout, means.stderr, files).read_by(screen, time);
        // A terminal inside a CI is a recording: nobody watches, and a line that
        // is drawn over and over would be many.
        match means.terminal.filter(|_| can_draw(variables)) {
            Some(screen) => Box::new(TerminalOutput::new(screen, variables, plain)),
            None => Box::new(plain),
        }
    },
};
