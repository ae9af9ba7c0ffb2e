//! No private value is in a report, whatever the fields hold.

use std::rc::Rc;
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::super::evidence::RefusedRequest;
use super::*;
use crate::sevalla::operation::{ALL, GET_CURRENT_API_KEY};
use crate::sevalla::{Observed, ResponseHead};

/// What nobody wants to paste.
const PRIVATE: &[&str] = &[
    "jane.doe@example.com",
    "Jane Doe",
    "JaneDoe",
    "acme_rocket_plans",
    "fb5e5168-4281-4bec-94c5-0d1584e9e657",
    "feature/secret-merger",
    "svl_0123456789abcdef0123456789abcdef",
    "10.20.30.40",
    "db-1.internal.acme.example",
    "\u{1b}[31mred",
    "::error::stop",
    "##vso[task.logissue]x",
    "<script>alert(1)</script>",
    "4915112345678",
    "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432",
    "MERGER_WITH_INITECH",
    "postgres://user:hunter2@host/db",
    "acme.internal",
    "initech:5432",
    "2031-05-06 07:08:09.123",
];

/// A new name of a field in a record is what the report is for.
fn is_like_a_name(text: &str) -> bool {
    matches!(
        text,
        "JaneDoe" | "acme_rocket_plans" | "MERGER_WITH_INITECH"
    )
}

fn private(random: &mut Rng) -> Value {
    let text = PRIVATE[random.usize(..PRIVATE.len())];
    match random.u8(..8) {
        0 => json!([text, { "name": text }]),
        1 => json!({ "inner": text }),
        2 if !is_like_a_name(text) => json!({ text: text }),
        3 => Value::Null,
        _ => json!(text),
    }
}

/// A text that is private, and is not like a new name or word of the API.
fn unlike_a_name(random: &mut Rng) -> &'static str {
    let all: Vec<&str> = PRIVATE
        .iter()
        .copied()
        .filter(|text| !is_like_a_name(text))
        .collect();
    all[random.usize(..all.len())]
}

/// A record with a private value in each field, and mostly known words in those
/// with a documented set: such a field can hold a name as well.
fn record(shape: &shapes::Shape, random: &mut Rng) -> Value {
    let mut fields = Map::new();
    for field in shape.fields() {
        let set = words::of(&format!("{}.{field}", shape.name));
        let closed = set.filter(|set| set.is_closed);
        let value = match closed {
            Some(_) if random.u8(..5) == 0 => json!(PRIVATE[random.usize(..PRIVATE.len())]),
            Some(set) => json!(set.known[random.usize(..set.known.len())]),
            None if field.contains("[].") => continue,
            None => private(random),
        };
        if random.u8(..10) > 0 && !field.contains("[].") {
            fields.insert(field.to_owned(), value);
        }
    }
    if random.bool() {
        let text = unlike_a_name(random);
        fields.insert(text.to_owned(), json!(text));
    }
    Value::Object(fields)
}

/// The names of headers: documented ones, and those that a network of a company
/// or a person has added.
fn headers(random: &mut Rng) -> Vec<String> {
    let mut names: Vec<String> = ["date", "x-request-id", "server", "x-cache-hits"]
        .map(str::to_owned)
        .to_vec();
    for text in PRIVATE {
        // As HTTP takes them.
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let name = text.to_ascii_lowercase();
        if name.chars().all(is_token) && random.bool() {
            let start = ["", "x-", "cf-", "x-request-", "access-control-"];
            names.push(format!("{}{name}", start[random.usize(..start.len())]));
        }
    }
    names
}

fn evidence(random: &mut Rng) -> Evidence {
    let text = || Some("Jane Doe".to_owned());
    let mut evidence = Evidence::default();
    for operation in ALL
        .iter()
        .copied()
        .chain([&GET_CURRENT_API_KEY])
        .filter(|operation| operation.method == "GET")
    {
        let Some(shape) = shapes::of(operation.id) else {
            continue;
        };
        let records: Vec<Value> = (0..random.usize(..4))
            .map(|_| record(shape, random))
            .collect();
        let body = match random.u8(..3) {
            0 => Value::Array(records),
            1 => {
                let name = unlike_a_name(random);
                json!({ "data": records, "total": 3, "next": "Jane Doe", name: 1 })
            }
            _ => record(shape, random),
        };
        evidence.answers.push(Rc::new(Observed {
            operation,
            status: 200,
            head: ResponseHead {
                names: headers(random),
                budget: [text(), text(), text()],
                date: None,
            },
            took: Duration::from_millis(random.u64(..9000)),
            body,
        }));
    }
    evidence.refused.push(RefusedRequest {
        operation: &GET_CURRENT_API_KEY,
        status: 404,
        head: ResponseHead {
            names: headers(random),
            budget: [text(), text(), text()],
            date: None,
        },
    });
    evidence
}

/// `DOCTOR_REPORTS` says how many are generated.
#[expect(
    clippy::disallowed_methods,
    reason = "how many is for the test's caller to say"
)]
#[test]
fn no_report_has_a_private_value() {
    let count = std::env::var("DOCTOR_REPORTS").ok();
    let count = count.and_then(|count| count.parse().ok()).unwrap_or(100);
    let (mut has_fields, mut has_headers, mut has_words) = (false, false, false);
    for seed in 0..count {
        let mut random = Rng::with_seed(seed);
        let evidence = evidence(&mut random);
        // What is cut from one report may be in another.
        let news = publishable_news(&evidence).into_iter();
        let report: Vec<String> = lines(&evidence).into_iter().chain(news).collect();
        let report = report.join("\n");
        let lower: Vec<String> = PRIVATE.iter().map(|text| text.to_lowercase()).collect();
        let others = ["jane", "12345", "hunter2"].into_iter();
        let others = others.chain(lower.iter().map(String::as_str));
        for text in PRIVATE.iter().copied().chain(others) {
            assert!(
                !report.contains(text),
                "seed {seed}: {text:?} is in\n{report}"
            );
        }
        has_words |= report.contains("word application.build_type");
        has_fields |= report.contains("deployment.status: ");
        has_headers |= report.contains("header x-cache-hits");
    }
    assert!(
        has_fields && has_headers && has_words,
        "nothing was reported"
    );
}

#[test]
fn a_report_has_the_forms_and_known_words() {
    let operation = ALL
        .iter()
        .find(|operation| operation.id == "getApplicationV3");
    let body = json!({"id": "fb5e5168-4281-4bec-94c5-0d1584e9e657", "build_type": "ingot",
        "auto_deploy": true, "created_at": "2026-03-01T10:00:00Z", "buildpacks": [{"order": 1}]});
    let evidence = Evidence {
        answers: vec![Rc::new(Observed {
            operation: operation.unwrap(),
            status: 206,
            head: ResponseHead {
                names: vec!["date".to_owned()],
                ..ResponseHead::default()
            },
            took: Duration::ZERO,
            body,
        })],
        refused: Vec::new(),
    };
    let report = lines(&evidence).join("\n");
    for line in [
        "  status 206",
        "  application.id: uuid",
        "  application.build_type: text = ingot",
        "  application.auto_deploy: boolean",
        "  application.created_at: timestamp",
        "  application.buildpacks[].order: integer",
        "  application.name: absent",
        "  rate-headers: contradicted",
        "  build-types: confirmed",
        "  date",
    ] {
        assert!(
            report.lines().any(|other| other == line),
            "{line}\n{report}"
        );
    }
}

/// Evidence of one response, and of one refusal with this status and without headers.
fn refused(body: Value, status: u16) -> Evidence {
    let operation = ALL.iter().find(|one| one.id == "listDeploymentsV3");
    let budget = ["400", "399", "60"].map(|text| Some(text.to_owned()));
    let names = vec!["x-request-id".to_owned(), "date".to_owned()];
    Evidence {
        answers: vec![Rc::new(Observed {
            operation: operation.unwrap(),
            status: 200,
            head: ResponseHead {
                names,
                budget,
                date: None,
            },
            took: Duration::ZERO,
            body,
        })],
        refused: vec![RefusedRequest {
            operation: &GET_CURRENT_API_KEY,
            status,
            head: ResponseHead {
                budget: [Some("120".to_owned()), None, None],
                ..ResponseHead::default()
            },
        }],
    }
}

#[test]
fn the_headers_of_a_refusal_count_unless_it_may_be_of_another_server() {
    for (status, headers, limit) in [
        (401, "contradicted", "confirmed"),
        (403, "contradicted", "contradicted"),
        (429, "contradicted", "contradicted"),
        (502, "confirmed", "confirmed"),
    ] {
        let report = lines(&refused(json!({"data": []}), status));
        for line in [
            format!("  rate-headers: {headers}"),
            format!("  request-id: {headers}"),
            format!("  read-limit: {limit}"),
        ] {
            assert!(report.contains(&line), "{status}: {line}\n{report:#?}");
        }
        let count = if status == 502 {
            "  date"
        } else {
            "  date (in 1 of 2)"
        };
        assert!(report.iter().any(|line| line == count), "{report:#?}");
    }
}

#[test]
fn a_date_of_another_form_and_an_empty_list_are_reported_as_they_are() {
    let ended = json!({"data": [{"status": "success", "finished_at": "yesterday"}]});
    let report = lines(&refused(ended, 502));
    for line in [
        "  finished-at: confirmed",
        "  deployment.finished_at: text",
        "Lags in seconds:",
        "  none",
    ] {
        assert!(
            report.iter().any(|other| other == line),
            "{line}\n{report:#?}"
        );
    }
    assert!(
        report
            .windows(2)
            .any(|pair| pair == ["Lags in seconds:", "  none"])
    );
    let operation = ALL.iter().find(|one| one.id == "getApplicationV3");
    let mut evidence = refused(Value::Null, 502);
    evidence.answers = vec![Rc::new(Observed {
        operation: operation.unwrap(),
        status: 200,
        head: ResponseHead::default(),
        took: Duration::ZERO,
        body: json!({"id": "x", "buildpacks": []}),
    })];
    let report = lines(&evidence);
    for line in [
        "  application.buildpacks: empty-list",
        "  application.buildpacks[].order: not seen",
    ] {
        assert!(
            report.iter().any(|other| other == line),
            "{line}\n{report:#?}"
        );
    }
    assert!(
        report.iter().all(|line| !line.ends_with(": ")),
        "{report:#?}"
    );
}
