//! What `BuildKit` repeats when a step has failed: its last lines between two
//! rulers, and the Dockerfile's lines around it.

use super::normalize::NormalizedLine;
use super::scan::{Scan, module};
use super::{is_ruler, own_errors, source_location};

/// The end of the step that failed, as it is repeated.
#[derive(Debug, Default)]
pub(super) struct Recap {
    state: State,
    command: String,
    error: Option<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Nothing,
    /// Behind ` > [4/9] RUN npm ci:`
    Open,
    /// At the ruler that ends it.
    Ended,
    /// Behind `Dockerfile:9`, before its ruler.
    Named,
    /// In the Dockerfile's lines.
    Excerpt,
}

impl Recap {
    /// Takes a line that was scanned; gives whether it is only of the frame.
    pub(super) fn take(&mut self, bare: NormalizedLine<'_>, scan: &Scan) -> bool {
        let text = bare.trimmed();
        if let Some(command) = command(text) {
            *self = Self {
                state: State::Open,
                command: command.to_owned(),
                ..Self::default()
            };
            return true;
        }
        let is_ruler = is_ruler(text);
        self.state = match std::mem::take(&mut self.state) {
            State::Open if is_ruler => State::Ended,
            State::Open => {
                if own_errors::is_error(text) {
                    self.error = Some(super::beginning_of(text));
                }
                State::Open
            }
            State::Named if is_ruler => State::Excerpt,
            State::Excerpt if !is_ruler => State::Excerpt,
            _ if scan.concerns(module::DOCKERFILE)
                && source_location::dockerfile(text).is_some() =>
            {
                State::Named
            }
            _ => State::Nothing,
        };
        is_ruler || matches!(self.state, State::Named | State::Excerpt)
    }

    /// Whether the line is one of those that are repeated.
    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// The command of the step and the last of its lines that says to be an
    /// error, just when they have ended.
    pub(super) fn ended(&mut self) -> Option<(String, Option<String>)> {
        let is_ended = self.state == State::Ended;
        is_ended.then(|| (std::mem::take(&mut self.command), self.error.take()))
    }
}

/// ` > [web 4/9] RUN npm ci:`
fn command(text: &str) -> Option<&str> {
    let (inside, command) = text
        .strip_prefix("> [")?
        .strip_suffix(':')?
        .split_once("] ")?;
    inside.contains('/').then_some(command)
}
