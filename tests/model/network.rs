//! What carries the requests of a run to the modelled service: with latency,
//! and with everything that can go wrong on the way.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sevalla_deploy::http::{Request, Response, ResponseFuture, Transport, TransportError};
use testkit::Dice;
use tokio::time::{Instant, sleep_until};
use url::Url;

use crate::journal::{Fault, Heard, Journal, Sent};
use crate::scenario::{Headers, Scenario, Target};
use crate::service::{APP, Answer, Ask, HOOK, KEY, SITE, Service, error};

/// The longest a write is taken up after its answer was lost. With the longest
/// lag of the list it must stay below the 15.5 s for which the runner looks:
/// what shows up later nobody can tell from what never was.
pub(crate) const LATE: u64 = 4_000;

/// A case's world: the service and the way there.
pub(crate) struct World {
    pub(crate) scenario: Scenario,
    pub(crate) service: Service,
    pub(crate) journal: Journal,
    dice: Dice,
    began: Instant,
    /// The deployments that the run was told of before it started its own.
    known: Vec<String>,
}

/// The way of one request, decided when it is sent.
struct Course {
    number: usize,
    ask: Ask,
    fault: Option<Fault>,
    arrives: u64,
    returns: u64,
    /// The run gives up then.
    limit: u64,
}

impl World {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        Self {
            scenario: scenario.clone(),
            service: Service::new(scenario),
            journal: Journal::default(),
            dice: Dice::new(scenario.seed),
            began: Instant::now(),
            known: Vec::new(),
        }
    }

    pub(crate) fn now(&self) -> u64 {
        milliseconds(self.began.elapsed())
    }

    fn send(&mut self, request: &Request, limit: Duration) -> Course {
        let now = self.now();
        let (ask, offence) = understand(&self.scenario, request);
        let fault = self.fault(&ask);
        let limit = now + milliseconds(limit);
        let latency = self.scenario.service.latency;
        let mut arrives = now + self.dice.between(1, latency);
        let mut returns = arrives + self.dice.between(1, latency);
        if matches!(ask, Ask::List { .. }) {
            returns += self.scenario.service.slow_list;
        }
        if fault == Some(Fault::Slow) {
            arrives += self.dice.up_to(28_000);
            returns = arrives + self.dice.between(1, 2_000);
        }
        let number = self.journal.requests.len();
        if ask.is_write()
            && let Some(at) = self.taken_up(fault, (now, arrives, returns, limit))
        {
            self.service.expect(at, number, ask.clone());
        }
        self.journal.requests.push(Sent {
            at: now,
            ask: ask.clone(),
            limit: limit - now,
            fault,
            heard: Heard::Nothing,
            heard_at: None,
            left: None,
            asked: 0,
            candidates: 0,
            offence,
        });
        Course {
            number,
            ask,
            fault,
            arrives,
            returns,
            limit,
        }
    }

    /// When a write is taken up by the service, if it ever is. `times` are
    /// those of sending it, its arrival, its answer and giving up on that.
    fn taken_up(&mut self, fault: Option<Fault>, times: (u64, u64, u64, u64)) -> Option<u64> {
        let (sent, arrives, returns, limit) = times;
        let lost = returns.min(limit);
        match fault {
            Some(Fault::Refuse | Fault::TooMany(_)) => None,
            Some(Fault::Hang) => self
                .dice
                .in_a_thousand(600)
                .then(|| self.dice.between(sent + 1, limit + LATE)),
            Some(Fault::Reset | Fault::Json500 | Fault::Html502 | Fault::Busy(_)) => self
                .dice
                .in_a_thousand(600)
                .then(|| self.dice.between(arrives, (lost + LATE).max(arrives))),
            // However slow the way is, it must not be longer than `LATE`.
            _ => Some(arrives.min(limit + LATE)),
        }
    }

    fn fault(&mut self, ask: &Ask) -> Option<Fault> {
        let faults = &self.scenario.faults;
        let was_sent = self.journal.requests.iter().any(|sent| sent.ask.is_start());
        let rate = match ask {
            Ask::Record | Ask::List { .. } if !was_sent => faults.look,
            Ask::Trigger { .. } | Ask::Hook => faults.trigger,
            Ask::Record | Ask::List { .. } => faults.search,
            Ask::Logs { .. } => faults.log,
            Ask::Cancel { .. } => faults.cancel,
            _ => faults.follow,
        };
        if rate == 0 || !self.dice.in_a_thousand(rate) {
            return None;
        }
        let wait = self.dice.between(1, 20);
        Some(
            match self.dice.up_to(if ask.is_write() { 12 } else { 14 }) {
                0 => Fault::Slow,
                1 => Fault::Hang,
                2 => Fault::Reset,
                3 => Fault::Refuse,
                4 => Fault::Json500,
                5 => Fault::Html502,
                6 => Fault::Busy(wait),
                7 => Fault::TooMany(self.dice.in_a_thousand(500).then_some(wait)),
                8 => Fault::CutBody,
                9 => Fault::BodyBreaks,
                10 => Fault::NoJson,
                11 => Fault::EmptyBody,
                12 => Fault::OtherShape,
                13 => Fault::NullStatus,
                _ => Fault::UnknownStatus,
            },
        )
    }

    /// What the service answers, if the request is one that it takes up now.
    fn arrive(&mut self, course: &Course) -> Option<Answer> {
        let now = self.now();
        if course.ask.is_write() {
            self.service.advance(now);
            return self.service.answer_of(course.number);
        }
        let is_served = !matches!(
            course.fault,
            Some(Fault::Json500 | Fault::Html502 | Fault::Busy(_) | Fault::TooMany(_))
        );
        is_served.then(|| self.service.serve(now, course.number, &course.ask))
    }

    fn hear(&mut self, course: &Course, heard: Heard) {
        let now = self.now();
        let sent = &mut self.journal.requests[course.number];
        sent.heard = heard;
        sent.heard_at = Some(now);
    }

    /// The answer as it comes out of the network.
    fn deliver(
        &mut self,
        course: &Course,
        answer: Option<Answer>,
    ) -> Result<Response, TransportError> {
        let broken = || TransportError::Broken {
            reason: "connection reset by peer".to_owned(),
        };
        if course.fault == Some(Fault::Reset) {
            self.hear(course, Heard::NoAnswer);
            return Err(broken());
        }
        let (status, wait, text) = match course.fault {
            Some(Fault::Json500) => (500, None, error(500, &format!("No {KEY} for {HOOK}"))),
            Some(Fault::Html502) => (502, None, "<html><title>502</title></html>".to_owned()),
            Some(Fault::Busy(wait)) => (503, Some(wait), String::new()),
            Some(Fault::TooMany(wait)) => (429, wait, error(429, "Too many requests")),
            _ => {
                let Some(answer) = answer else {
                    self.hear(course, Heard::NoAnswer);
                    return Err(broken());
                };
                return Ok(self.deliver_whole(course, answer));
            }
        };
        self.hear(course, Heard::Answer(status, None));
        let mut headers = HeaderMap::new();
        if let Some(wait) = wait {
            self.journal.requests[course.number].asked = wait * 1000;
            headers.insert("retry-after", HeaderValue::from(wait));
        }
        Ok(Response {
            status,
            headers,
            body: Ok(text.into_bytes()),
        })
    }

    fn deliver_whole(&mut self, course: &Course, answer: Answer) -> Response {
        let headers = self.headers(course, &answer);
        let status = answer.status;
        let is_good = (200..300).contains(&status);
        let mut body = answer.body.into_bytes();
        let mut heard = Heard::Answer(status, answer.tells);
        let mut breaks = false;
        match course.fault {
            Some(Fault::CutBody) => body.truncate(body.len() / 2),
            Some(Fault::BodyBreaks) => breaks = true,
            Some(Fault::NoJson) => body = b"<html>Just a moment...</html>".to_vec(),
            Some(Fault::EmptyBody) => body.clear(),
            Some(Fault::OtherShape) => body = b"{}".to_vec(),
            Some(fault @ (Fault::NullStatus | Fault::UnknownStatus)) => {
                if let Heard::Answer(_, Some((_, word))) = &mut heard {
                    let text = String::from_utf8_lossy(&body).into_owned();
                    let (told, written) = if fault == Fault::NullStatus {
                        ("unknown", "null")
                    } else {
                        ("rolling", "\"rolling\"")
                    };
                    let was = format!("\"status\":\"{word}\"");
                    body = text
                        .replace(&was, &format!("\"status\":{written}"))
                        .into_bytes();
                    *word = told;
                }
            }
            _ => {}
        }
        let spoils = [
            Fault::CutBody,
            Fault::BodyBreaks,
            Fault::NoJson,
            Fault::EmptyBody,
            Fault::OtherShape,
        ];
        if is_good && course.fault.is_some_and(|fault| spoils.contains(&fault)) {
            heard = Heard::Garbage(status);
        } else if matches!(course.ask, Ask::List { .. }) && is_good {
            self.note(course.number, answer.lists);
        }
        self.hear(course, heard);
        let body = if breaks {
            Err(TransportError::Broken {
                reason: "unexpected end of file".to_owned(),
            })
        } else {
            Ok(body)
        };
        Response {
            status,
            headers,
            body,
        }
    }

    /// The run knows this list of deployments.
    fn note(&mut self, number: usize, lists: Vec<(String, bool)>) {
        if !self.journal.requests.iter().any(|sent| sent.ask.is_start()) {
            self.known = lists.into_iter().map(|(id, _)| id).collect();
            return;
        }
        let new = lists
            .iter()
            .filter(|(id, could_be)| *could_be && !self.known.contains(id));
        self.journal.requests[number].candidates = new.count();
    }

    fn headers(&mut self, course: &Course, answer: &Answer) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", HeaderValue::from_static("req-1"));
        let Some(told) = answer.left else {
            return headers;
        };
        let mut budget = |limit: &str, left: &str, reset: &str| {
            for (name, text) in [("limit", limit), ("remaining", left), ("reset", reset)] {
                let name = HeaderName::try_from(format!("x-ratelimit-{name}"));
                if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(text)) {
                    headers.insert(name, value);
                }
            }
        };
        let sent = &mut self.journal.requests[course.number];
        match self.scenario.crowd.headers {
            Headers::Truthful => {
                let texts =
                    [told.limit, told.remaining, told.reset].map(|number| number.to_string());
                budget(&texts[0], &texts[1], &texts[2]);
                sent.left = Some(told);
                if answer.status == 429 {
                    sent.asked = told.reset * 1000;
                }
            }
            Headers::Missing => {}
            Headers::Nonsense => match self.dice.up_to(4) {
                0 => budget("-3", "many", "soon"),
                1 => budget("0", "0", "1790000000"),
                2 => budget("99999999999999999999", "1e3", "NaN"),
                3 => budget("30", "18446744073709551615", "-5"),
                _ => budget("1", "0", "0"),
            },
        }
        headers
    }
}

/// The network of a run.
pub(crate) struct Network(pub(crate) Rc<RefCell<World>>);

impl Transport for Network {
    fn exchange(&self, request: Request, limit: Duration) -> ResponseFuture<'_> {
        Box::pin(self.carry(request, limit))
    }
}

impl Network {
    async fn carry(&self, request: Request, limit: Duration) -> Result<Response, TransportError> {
        let course = self.0.borrow_mut().send(&request, limit);
        if course.fault == Some(Fault::Refuse) {
            self.until(course.arrives.min(course.limit)).await;
            let mut world = self.0.borrow_mut();
            world.hear(&course, Heard::NotConnected);
            return Err(TransportError::NotConnected {
                reason: "connection refused".to_owned(),
                may_heal: true,
            });
        }
        let is_late = course.fault == Some(Fault::Hang) || course.returns > course.limit;
        if is_late {
            self.until(course.limit).await;
            self.0.borrow_mut().hear(&course, Heard::NoAnswer);
            return Err(TransportError::TimedOut { limit });
        }
        self.until(course.arrives).await;
        let answer = self.0.borrow_mut().arrive(&course);
        self.until(course.returns).await;
        self.0.borrow_mut().deliver(&course, answer)
    }

    async fn until(&self, moment: u64) {
        let began = self.0.borrow().began;
        sleep_until(began + Duration::from_millis(moment)).await;
    }
}

/// What a request asks, and what rule of the API it breaks.
fn understand(scenario: &Scenario, request: &Request) -> (Ask, Option<&'static str>) {
    let is_post = request.method == Method::POST;
    let ask = read(scenario, &request.url, is_post, request.body.as_ref());
    let key = request
        .authorization
        .as_ref()
        .map(|value| value.to_str().unwrap_or_default());
    let offence = match &ask {
        Ask::Unknown => Some("there is no such call"),
        Ask::Hook if key.is_some() => Some("the key was sent to the hook"),
        Ask::Hook => None,
        _ if key != Some(&format!("Bearer {KEY}")) => Some("the key was not sent"),
        Ask::Trigger { body } if !is_allowed(scenario, body) => {
            Some("the body is not what the API takes")
        }
        Ask::Trigger { .. } => None,
        _ if request.body.is_some() => Some("a body where the API takes none"),
        _ => None,
    };
    (ask, offence)
}

fn read(scenario: &Scenario, url: &Url, is_post: bool, body: Option<&Vec<u8>>) -> Ask {
    if is_post && url.as_str() == HOOK {
        return Ask::Hook;
    }
    let Some(path) = url.as_str().strip_prefix("https://api.sevalla.com/v3/") else {
        return Ask::Unknown;
    };
    let path = path.split('?').next().unwrap_or_default();
    let query = |name: &str| {
        let mut pairs = url.query_pairs();
        pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    };
    let number = |name, default| {
        query(name)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let moment = |name| query(name).and_then(|text| text.parse::<Timestamp>().ok());
    let (kind, own) = match scenario.inputs.target {
        Target::Site => ("static-sites", SITE),
        _ => ("applications", APP),
    };
    let segments: Vec<&str> = path.split('/').collect();
    match (is_post, segments.as_slice()) {
        (false, ["api-keys", "validate"]) => Ask::Key,
        (false, ["api-keys", "me"]) => Ask::Capabilities,
        (_, [of, id, rest @ ..]) if *of == kind && *id == own => match (is_post, rest) {
            (false, []) => Ask::Record,
            (false, ["domains"]) => Ask::Domains,
            (false, ["deployments"]) => Ask::List {
                limit: number("limit", 25).min(100),
            },
            (true, ["deployments"]) => Ask::Trigger {
                body: body.cloned().unwrap_or_default(),
            },
            (false, ["deployments", id]) => Ask::Get {
                id: (*id).to_owned(),
            },
            (true, ["deployments", id, "cancel"]) => Ask::Cancel {
                id: (*id).to_owned(),
            },
            (false, ["deployments", id, "logs"]) => Ask::Logs {
                id: (*id).to_owned(),
                from: moment("from").map_or(i64::MAX, Timestamp::as_microsecond),
                to: moment("to").map_or(i64::MAX, Timestamp::as_microsecond),
                limit: number("limit", 1000).min(5000),
            },
            _ => Ask::Unknown,
        },
        _ => Ask::Unknown,
    }
}

/// Whether a body has the fields of the document, and what the user asked for.
fn is_allowed(scenario: &Scenario, body: &[u8]) -> bool {
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_slice(body) else {
        return false;
    };
    let inputs = &scenario.inputs;
    let is_image = inputs.target == Target::ImageApp;
    let wanted = inputs.branch.filter(|_| !inputs.restart);
    fields.iter().all(|(name, value)| match name.as_str() {
        "branch" => !is_image && (inputs.restart || value == &serde_json::json!(scenario.branch())),
        "docker_image" => is_image && value == &serde_json::json!("registry.example.com/app:2"),
        "is_restart" => {
            inputs.target != Target::Site && value == &serde_json::json!(inputs.restart)
        }
        _ => false,
    }) && (wanted.is_none() || fields.contains_key("branch") || fields.contains_key("docker_image"))
        && fields.contains_key("is_restart") == inputs.restart
}

pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
