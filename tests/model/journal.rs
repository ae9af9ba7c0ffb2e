//! What happened in a case, in order, with virtual times.

use std::fmt;

use crate::service::{Ask, Left, Tier};

/// The entries of a case.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) requests: Vec<Sent>,
    /// When signals were told, and how many requests had been sent by then.
    pub(crate) signals: Vec<(u64, usize)>,
    pub(crate) ended: Option<u64>,
}

/// A request that the run sent.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) at: u64,
    pub(crate) ask: Ask,
    /// How long the run would wait for it.
    pub(crate) limit: u64,
    pub(crate) fault: Option<Fault>,
    pub(crate) heard: Heard,
    pub(crate) heard_at: Option<u64>,
    /// What the headers of the answer said of the budget.
    pub(crate) left: Option<Left>,
    /// The wait that the answer asked for, in milliseconds.
    pub(crate) asked: u64,
    /// How many deployments it lists that are new and could be the run's.
    pub(crate) candidates: usize,
    /// Whether it broke the rules of the API.
    pub(crate) offence: Option<&'static str>,
}

/// What the run heard of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Nothing: the run did not wait for it.
    Nothing,
    /// That it was not sent.
    NotConnected,
    /// That the answer was lost on the way.
    NoAnswer,
    /// A whole answer, and the deployment and status it tells.
    Answer(u16, Option<(String, &'static str)>),
    /// A success whose body is useless.
    Garbage(u16),
}

/// What the network or the service does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Slow,
    Hang,
    Reset,
    Refuse,
    Json500,
    Html502,
    /// 503 with a wait, in seconds.
    Busy(u64),
    /// 429 out of turn, with a wait in seconds or without.
    TooMany(Option<u64>),
    CutBody,
    BodyBreaks,
    NoJson,
    EmptyBody,
    OtherShape,
    NullStatus,
    UnknownStatus,
}

impl Sent {
    pub(crate) const fn tier(&self) -> Tier {
        self.ask.tier()
    }

    /// Whether the answer of a write was lost, so that nobody who sent it can
    /// tell whether it took effect.
    pub(crate) fn is_lost(&self) -> bool {
        // A page is nobody's answer; what else the hook says is not documented.
        let any_body_will_do = self.ask == Ask::Hook && self.fault != Some(Fault::NoJson);
        match &self.heard {
            Heard::Nothing | Heard::NoAnswer => true,
            Heard::Answer(status, _) => *status >= 500,
            Heard::Garbage(_) => !any_body_will_do || self.fault == Some(Fault::BodyBreaks),
            Heard::NotConnected => false,
        }
    }
}

impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut signals = self.signals.iter().peekable();
        for (number, sent) in self.requests.iter().enumerate() {
            while let Some((at, _)) = signals.next_if(|(_, before)| *before <= number) {
                writeln!(f, "{}      SIGNAL", seconds(*at))?;
            }
            writeln!(f, "{} #{number:<4} {sent}", seconds(sent.at))?;
        }
        for (at, _) in signals {
            writeln!(f, "{}      SIGNAL", seconds(*at))?;
        }
        match self.ended {
            Some(at) => writeln!(f, "{}      the run ended", seconds(at)),
            None => writeln!(f, "             the run did not end"),
        }
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ask {
            Ask::Get { id } => write!(f, "get {}", tail(id))?,
            Ask::Cancel { id } => write!(f, "CANCEL {}", tail(id))?,
            Ask::Logs { id, .. } => write!(f, "logs {}", tail(id))?,
            Ask::Trigger { body } => write!(f, "TRIGGER {}", String::from_utf8_lossy(body))?,
            ask => write!(f, "{ask:?}")?,
        }
        write!(f, " (within {})", seconds(self.limit).trim_start())?;
        if let Some(fault) = &self.fault {
            write!(f, " [{fault:?}]")?;
        }
        match &self.heard {
            Heard::Answer(status, Some((id, word))) => {
                write!(f, " -> {status} {} {word}", tail(id))?;
            }
            Heard::Answer(status, None) => write!(f, " -> {status}")?,
            other => write!(f, " -> {other:?}")?,
        }
        if let Some(at) = self.heard_at {
            write!(f, " at {}", seconds(at).trim_start())?;
        }
        if let Some(budget) = self.left {
            write!(f, ", {} left for {} s", budget.remaining, budget.reset)?;
        }
        Ok(())
    }
}

/// Deployments of a case differ in the end of their ids.
pub(crate) fn tail(id: &str) -> &str {
    id.len()
        .checked_sub(4)
        .and_then(|from| id.get(from..))
        .unwrap_or(id)
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(crate) fn seconds(milliseconds: u64) -> String {
    format!("{:>9.3}s", milliseconds as f64 / 1000.0)
}
