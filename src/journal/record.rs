//! What a journal says. It holds no secret: names, ids and times only.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// What makes two processes the same run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RunIdentity {
    /// The run and the step, as the CI or the user names them.
    pub key: String,
    /// The action.
    pub action: String,
    /// What the action changes.
    pub target: String,
    /// Which attempt at the run this is, as the CI counts or names it.
    pub attempt: Option<String>,
}

impl RunIdentity {
    /// Whether the other one is the same run, at whatever attempt.
    pub fn is_same_run(&self, other: &Self) -> bool {
        (&self.key, &self.action, &self.target) == (&other.key, &other.action, &other.target)
    }
}

impl fmt::Display for RunIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} (run key {:?})",
            self.action, self.target, self.key
        )
    }
}

/// A run with its writes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JournalRecord {
    /// Which run.
    pub identity: RunIdentity,
    /// Its writes, in the order in which they were first sent.
    pub writes: Vec<WriteRecord>,
    /// The ids of services whose check failed, and why: after a rollback it cannot
    /// be repeated.
    pub failed_checks: Vec<(String, String)>,
    /// How it ended.
    pub end: Option<EndRecord>,
}

/// A write.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WriteRecord {
    /// What it is, unique in the run.
    pub name: String,
    /// What there was before.
    pub before: Value,
    /// When it was last sent, by the service's clock, in seconds since 1970.
    pub at: Option<i64>,
    /// How often it may have been sent without a known effect.
    pub sent: u32,
    /// What came of it.
    pub effect: Effect,
}

/// What came of a write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It may have been sent.
    Unknown,
    /// It made this.
    Made {
        /// The id.
        id: String,
    },
    /// It made this, which the run then asked Sevalla to cancel.
    Cancelling {
        /// The id.
        id: String,
    },
    /// Nothing was sent: the run follows this, which something else has made.
    Followed {
        /// The id.
        id: String,
    },
    /// None, or one that was taken back.
    Nothing,
}

/// How a run ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EndRecord {
    /// The word of the result.
    pub result: String,
    /// What happened.
    pub headline: String,
    /// Why.
    pub why: Vec<String>,
    /// What to do next.
    pub hint: Option<String>,
    /// Whether nobody knows what came of a write, so that a person must look
    /// before anything is sent again.
    pub is_ambiguous: bool,
}

impl Effect {
    fn read(effect: &Value) -> Option<Self> {
        let id = |of: &str| text(effect.get(of)?.get("id")?);
        match effect.as_str() {
            Some("unknown") => Some(Self::Unknown),
            Some("nothing") => Some(Self::Nothing),
            _ => {
                let made = id("made").map(|id| Self::Made { id });
                let made = made.or_else(|| id("cancelling").map(|id| Self::Cancelling { id }));
                made.or_else(|| id("followed").map(|id| Self::Followed { id }))
            }
        }
    }
}

impl EndRecord {
    fn read(end: &Value) -> Option<Self> {
        Some(Self {
            result: text(end.get("result")?)?,
            headline: text(end.get("headline")?)?,
            why: list(end.get("why")?, text)?,
            hint: end.get("hint").and_then(text),
            is_ambiguous: end.get("is_ambiguous").and_then(Value::as_bool) == Some(true),
        })
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// A list, if each of its entries can be read.
fn list<T>(value: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    value.as_array()?.iter().map(read).collect()
}

impl JournalRecord {
    /// A run that has written nothing.
    pub const fn new(identity: RunIdentity) -> Self {
        Self {
            identity,
            writes: Vec::new(),
            failed_checks: Vec::new(),
            end: None,
        }
    }

    /// Reads what was serialized. A derived reader would be compiled to ten times
    /// as much.
    pub(super) fn read(run: &Value) -> Option<Self> {
        let identity = run.get("identity")?;
        let pair = |pair: &Value| Some((text(pair.get(0)?)?, text(pair.get(1)?)?));
        Some(Self {
            identity: RunIdentity {
                key: text(identity.get("key")?)?,
                action: text(identity.get("action")?)?,
                target: text(identity.get("target")?)?,
                attempt: identity.get("attempt").and_then(text),
            },
            writes: list(run.get("writes")?, WriteRecord::read)?,
            failed_checks: list(run.get("failed_checks")?, pair)?,
            end: match run.get("end")? {
                Value::Null => None,
                end => Some(EndRecord::read(end)?),
            },
        })
    }

    /// Whether it has a write whose end was not seen.
    pub fn is_open(&self) -> bool {
        let is_write =
            |effect: &Effect| !matches!(effect, Effect::Nothing | Effect::Followed { .. });
        match &self.end {
            Some(end) => end.is_ambiguous,
            None => self.writes.iter().any(|write| is_write(&write.effect)),
        }
    }

    /// Whether the same run is to continue with it.
    pub(super) fn is_unfinished(&self) -> bool {
        let is_followed = |write: &WriteRecord| matches!(write.effect, Effect::Followed { .. });
        self.is_open() || self.end.is_none() && self.writes.iter().any(is_followed)
    }

    /// Adds that a write is about to be sent. What there was before it is that
    /// before its first sending.
    pub(super) fn sending(&mut self, name: &str, before: &Value, at: Option<i64>) {
        let known = self.writes.iter_mut().find(|write| write.name == name);
        match known {
            Some(write) if write.sent > 0 => {
                write.sent += 1;
                write.at = at;
            }
            Some(write) => {
                *write = WriteRecord::first(name, before, at);
            }
            None => self.writes.push(WriteRecord::first(name, before, at)),
        }
    }

    /// Adds that a deployment is followed in place of this write.
    pub(super) fn following(&mut self, name: &str, before: &Value, id: String) {
        self.writes.retain(|write| write.name != name);
        self.writes.push(WriteRecord {
            sent: 0,
            effect: Effect::Followed { id },
            ..WriteRecord::first(name, before, None)
        });
    }

    /// Sets what came of a write.
    pub(super) fn settle(&mut self, name: &str, effect: &Effect) {
        for write in self.writes.iter_mut().filter(|write| write.name == name) {
            write.effect = effect.clone();
            if *effect == Effect::Nothing {
                write.sent = 0;
            }
        }
    }
}

impl WriteRecord {
    fn read(write: &Value) -> Option<Self> {
        Some(Self {
            name: text(write.get("name")?)?,
            before: write.get("before")?.clone(),
            at: write.get("at")?.as_i64(),
            sent: u32::try_from(write.get("sent")?.as_u64()?).ok()?,
            effect: Effect::read(write.get("effect")?)?,
        })
    }

    fn first(name: &str, before: &Value, at: Option<i64>) -> Self {
        Self {
            name: name.to_owned(),
            before: before.clone(),
            at,
            sent: 1,
            effect: Effect::Unknown,
        }
    }
}
