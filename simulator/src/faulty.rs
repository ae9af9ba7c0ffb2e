//! Faults at work.

use std::time::Duration;

use axum::response::Response;

use crate::answer::{Answer, Refusal};
use crate::delivery::Delivery;
use crate::fault::{Behaviour, Fault, Payload};
use crate::passage::Passage;
use crate::wire::NoAnswer;

impl Passage {
    /// Answers the call, with the fault that strikes it, if one does.
    pub(crate) async fn go(self) -> Response {
        let name = self.operation.map_or("unknown", |known| known.name);
        let now = self.shared.clock.now();
        let struck = self.shared.state().strike(name, &self.ask.path, now);
        let Some(fault) = struck else {
            let answer = self.apply();
            return self.send(answer, None);
        };
        if !fault.behaviour.applies() {
            tokio::time::sleep(fault.delay).await;
            return self.instead(fault.behaviour).await;
        }
        let wait = match fault.behaviour {
            Behaviour::Delay(delay) => fault.delay + delay,
            _ => fault.delay,
        };
        let behaviour = fault.behaviour.clone();
        // A task of its own: a server goes on with a call whose caller has
        // given up waiting.
        let applied = tokio::spawn(async move {
            let answer = self.apply_with(fault, wait).await;
            (self, answer)
        });
        match applied.await {
            Ok((passage, answer)) => passage.after(behaviour, answer).await,
            Err(_) => NoAnswer.response(),
        }
    }

    /// The call's effect, after what the fault brings with it.
    async fn apply_with(&self, fault: Fault, wait: Duration) -> Answer {
        if let Some((operation, count)) = fault.answers {
            while self.shared.state().answers(&operation) < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        tokio::time::sleep(wait).await;
        for (service, kind, script) in fault.others {
            self.shared.add_deployment(&service, kind, script);
        }
        self.apply()
    }

    /// Faults that keep the call from taking effect.
    async fn instead(self, behaviour: Behaviour) -> Response {
        match behaviour {
            Behaviour::Status(code, payload, headers) => {
                let mut answer = self.dressed(made_up(code, payload));
                for (name, value) in headers {
                    answer.set(&name, &value);
                }
                self.send(answer, None)
            }
            Behaviour::RateLimited { retry_after, reset } => {
                let refusal = Refusal::new(429, "Too many requests");
                let mut answer = self.dressed(refusal.into());
                answer.set("x-ratelimit-remaining", "0");
                for (name, value) in [("retry-after", retry_after), ("x-ratelimit-reset", reset)] {
                    answer.remove(name);
                    if let Some(value) = value {
                        answer.set(name, &value);
                    }
                }
                self.send(answer, None)
            }
            Behaviour::Redirect(location) => {
                let mut answer = self.dressed(Answer::empty(307));
                answer.set("location", &location);
                self.send(answer, None)
            }
            Behaviour::ResetBeforeApplying => self.silence(true),
            Behaviour::CloseBeforeApplying => self.silence(false),
            _ => std::future::pending().await,
        }
    }

    /// Faults that spoil the answer to a call that took effect.
    async fn after(self, behaviour: Behaviour, mut answer: Answer) -> Response {
        match behaviour {
            Behaviour::ResetAfterApplying => self.silence(true),
            Behaviour::CloseAfterApplying => self.silence(false),
            Behaviour::HangAfterApplying => std::future::pending().await,
            Behaviour::HangInBody => self.send(answer, Some(Delivery::Hang)),
            Behaviour::CutBody => self.send(answer, Some(Delivery::Cut)),
            Behaviour::ResetInBody => {
                self.connection.doom.reset();
                self.send(answer, Some(Delivery::Cut))
            }
            Behaviour::SlowBody(bytes, interval) => {
                self.send(answer, Some(Delivery::Slow(bytes, interval)))
            }
            Behaviour::HugeBody(bytes) => self.send(answer, Some(Delivery::Huge(bytes))),
            Behaviour::NotJson => {
                answer.replace(made_up(200, Payload::error_page(200)));
                self.send(answer, None)
            }
            Behaviour::EmptyBody => {
                answer.replace(Answer::empty(answer.status));
                self.send(answer, None)
            }
            Behaviour::WrongShape(value) => {
                answer.replace(Answer::json(answer.status, &value));
                self.send(answer, None)
            }
            Behaviour::Spoilt(field, bytes) => {
                let start = format!("\"{field}\":\"");
                answer.body = inserted(&answer.body, start.as_bytes(), &bytes).into();
                self.send(answer, None)
            }
            Behaviour::StrangeEntry(entry) => {
                let text = String::from_utf8_lossy(&answer.body);
                answer.body = text.replace("[{", &format!("[{entry},{{")).into();
                self.send(answer, None)
            }
            Behaviour::ErrorAfterApplying(code, payload) => {
                answer.replace(made_up(code, payload));
                self.send(answer, None)
            }
            Behaviour::Headers(headers) => {
                for (name, value) in headers {
                    answer.set(&name, &value);
                }
                self.send(answer, None)
            }
            _ => self.send(answer, None),
        }
    }
}

/// The body with these bytes after each occurrence of `place`.
fn inserted(body: &[u8], place: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut changed = Vec::new();
    for (at, byte) in body.iter().enumerate() {
        changed.push(*byte);
        if body
            .get(..=at)
            .is_some_and(|before| before.ends_with(place))
        {
            changed.extend(bytes);
        }
    }
    changed
}

fn made_up(code: u16, payload: Payload) -> Answer {
    match payload {
        Payload::Empty => Answer::empty(code),
        Payload::Json(value) => Answer::json(code, &value),
        Payload::Html(text) => Answer::text(code, "text/html; charset=UTF-8", text),
        Payload::Raw(content_type, bytes) => Answer::text(code, &content_type, bytes),
    }
}
