//! What a response has that the contract does not: fields, words, headers,
//! statuses. Only names of fields and words of sets are ever said, never a
//! value, and only those that look like one.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::shapes::{self, Shape};
use super::words::{self, Words};

/// The longest name that is said.
const LONGEST: usize = 40;

/// The statuses that the contract documents, and those of what is in between.
const STATUSES: &[u16] = &[
    200, 201, 202, 204, 400, 401, 403, 404, 409, 422, 426, 429, 500, 502, 503, 504,
];

/// The headers that the API documents, and those that any server or network
/// adds.
const HEADERS: &str = "x-ratelimit-limit x-ratelimit-remaining x-ratelimit-reset x-request-id \
    retry-after content-type content-length content-encoding transfer-encoding connection \
    keep-alive date server vary etag age via allow location cache-control pragma expires \
    last-modified set-cookie strict-transport-security alt-svc nel report-to \
    x-content-type-options x-frame-options x-xss-protection x-dns-prefetch-control \
    x-download-options x-permitted-cross-domain-policies referrer-policy \
    content-security-policy cross-origin-opener-policy cross-origin-resource-policy \
    cross-origin-embedder-policy origin-agent-cluster permissions-policy server-timing";

/// The words of the names of other headers that servers and networks add.
const HEADER_WORDS: &str = "accept allow api backend batch by cache cdn challenge client code \
    content control correlation count cursor data deprecated deprecation digest disposition \
    duration early edge error expires feature for forwarded fragment hint hits host id key \
    language length limit link links location max method min next node offset origin page policy \
    poll powered prefer priority proto protocol rate ratelimit ratelimited ranges real region \
    release remaining replaced request requests reset resource response retry route runtime \
    served server service sevalla signature span stage state status success sunset tier time \
    timer timing title token total trace traceid traceparent tracestate tracking type upgrade \
    upstream url usage used user value version via wait warning window x";

/// The parts that words of an API usually have.
const USUAL_PARTS: &str = "aborted active allowed archived available blocked branch build building \
    buildpack canceled cancelling closed commit completed created custom deactivated deleted \
    denied deploying development disabled docker done enabled ended error expired external failing \
    git idle image inactive internal invalid locked none not off on open partial paused pending \
    preparing production provisioning public published push queued ready rejected removed \
    restarting retrying rolled rolling back running scheduled site stage staging started starting \
    static stopped stopping succeeded suspended terminated test timed out unknown updating upgrading \
    user valid verified verifying version";

/// The beginnings of headers of networks and of CORS.
const HEADER_STARTS: &[&str] = &["cf-", "access-control-", "x-envoy-", "x-forwarded-"];

/// The fields of a page.
const PAGE: [&str; 4] = ["data", "total", "offset", "limit"];

/// Whether a body is a page or a list.
pub fn is_list(body: &Value) -> bool {
    body.is_array() || body.get("data").is_some_and(Value::is_array)
}

/// The records of a body: of a page, of a list, or the one that it is.
pub fn records(body: &Value) -> Vec<&Value> {
    match body {
        Value::Array(all) => all.iter().collect(),
        Value::Object(fields) => match fields.get("data") {
            Some(Value::Array(all)) => all.iter().collect(),
            _ => vec![body],
        },
        _ => Vec::new(),
    }
}

/// What is new in a body.
pub fn of_body(operation: &str, body: &Value) -> Vec<String> {
    let Some(shape) = shapes::of(operation) else {
        return Vec::new();
    };
    let mut found = BTreeSet::new();
    for record in records(body) {
        walk(shape, record, "", &mut found);
    }
    let page = body.as_object();
    let page = page.filter(|fields| fields.get("data").is_some_and(Value::is_array));
    let names = page.into_iter().flat_map(|fields| fields.keys());
    for name in names.filter(|name| !PAGE.contains(&name.as_str())) {
        found.insert(format!("field page.{}", shown(name)));
    }
    found.into_iter().collect()
}

fn walk(shape: &Shape, value: &Value, before: &str, found: &mut BTreeSet<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let path = format!("{before}{name}");
        if !shape.has(&path) {
            found.insert(format!("field {}.{before}{}", shape.name, shown(name)));
            continue;
        }
        note_words(shape, &path, value, found);
        let items = value.as_array().into_iter().flatten();
        if shape.has_inside(&path) {
            for item in items {
                walk(shape, item, &format!("{path}[]."), found);
            }
        } else if !shape.is_open(&path) && items.chain([value]).any(Value::is_object) {
            // Its names may be anything, such as those of people.
            found.insert(format!("field {}.{path}: an object", shape.name));
        }
    }
}

/// Notes the words of a field that are not known. Of a set that the document
/// does not close, only that there is one: it may hold any text.
fn note_words(shape: &Shape, path: &str, value: &Value, found: &mut BTreeSet<String>) {
    for (set, word) in unknown(shape, path, value) {
        let place = set.place;
        found.insert(if set.is_closed && is_identifier(word) {
            format!("word {place}: {word}")
        } else {
            format!("word {place}")
        });
    }
}

/// The words of a field that are not in its set.
fn unknown<'a>(
    shape: &Shape,
    path: &str,
    value: &'a Value,
) -> impl Iterator<Item = (&'static Words, &'a str)> {
    let set = words::of(&format!("{}.{path}", shape.name));
    let items = value
        .as_array()
        .map_or(std::slice::from_ref(value), Vec::as_slice);
    let given = items.iter().filter_map(Value::as_str);
    let pairs = given.filter_map(move |word| Some((set?, word)));
    pairs.filter(|(set, word)| !set.known.contains(word))
}

/// The words of a record that are not known, each with its place: for people who see
/// the record anyway.
pub fn unknown_words(operation: &str, record: &Map<String, Value>) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    if let Some(shape) = shapes::of(operation) {
        collect_words(shape, record, "", &mut found);
    }
    found
}

fn collect_words(
    shape: &Shape,
    fields: &Map<String, Value>,
    before: &str,
    found: &mut BTreeSet<(String, String)>,
) {
    for (name, value) in fields {
        let path = format!("{before}{name}");
        let words = unknown(shape, &path, value);
        found.extend(words.map(|(set, word)| (set.place.to_owned(), word.to_owned())));
        let items = value.as_array().into_iter().flatten();
        let inside = items.filter(|_| shape.has_inside(&path));
        for fields in inside.filter_map(Value::as_object) {
            collect_words(shape, fields, &format!("{path}[]."), found);
        }
    }
}

/// A header that the contract does not have.
pub fn of_header(name: &str) -> Option<String> {
    let is_shown = is_identifier(&name.replace('-', "_"));
    (!is_known(name)).then(|| format!("header {}", if is_shown { name } else { OTHER_FORM }))
}

/// Such a header in a text that is published. A proxy on the way adds headers of its
/// own, and their names may be those of a company: only the usual words are said.
pub fn of_header_to_paste(name: &str) -> Option<String> {
    let mut words = name.split('-');
    if words.all(|word| {
        HEADER_WORDS
            .split_ascii_whitespace()
            .any(|usual| usual == word)
    }) {
        return of_header(name);
    }
    (!is_known(name)).then(|| format!("header {OTHER_FORM}"))
}

fn is_known(name: &str) -> bool {
    is_listed(name) || HEADER_STARTS.iter().any(|start| name.starts_with(start))
}

/// Whether a header is one of the list, and not only of a kind.
pub fn is_listed(name: &str) -> bool {
    HEADERS.split_ascii_whitespace().any(|other| other == name)
}

/// News in a text that is published. A field with a set can hold anything all the
/// same, such as a person's name: only a word that has usual parts is said.
pub fn to_paste(news: &str) -> String {
    let word = news
        .strip_prefix("word ")
        .and_then(|rest| rest.split_once(": "));
    match word {
        Some((place, word)) if !parts_of(word).all(is_usual) => format!("word {place}"),
        _ => news.to_owned(),
    }
}

/// The parts of a word: of `previewApp` and `PREVIEW_APP`, `preview` and `app`.
fn parts_of(word: &str) -> impl Iterator<Item = &str> {
    let mut before = 'a';
    let is_small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let begins = word.char_indices().filter_map(move |(at, c)| {
        let is_hump = c.is_ascii_uppercase() && is_small(before);
        before = c;
        is_hump.then_some(at)
    });
    let mut ends: Vec<usize> = begins.chain([word.len()]).collect();
    ends.insert(0, 0);
    let humps: Vec<&str> = ends
        .iter()
        .zip(ends.iter().skip(1))
        .filter_map(|(from, to)| word.get(*from..*to))
        .collect();
    humps.into_iter().flat_map(|hump| hump.split(['_', '-']))
}

/// Whether a part of a word is one of the known sets, or usual in such.
fn is_usual(part: &str) -> bool {
    let is_it = |other: &str| other.eq_ignore_ascii_case(part);
    let mut known = words::READ.iter().flat_map(|set| set.known);
    USUAL_PARTS.split_ascii_whitespace().any(is_it) || known.any(|word| parts_of(word).any(is_it))
}

/// A status that the contract does not have.
pub fn of_status(status: u16) -> Option<String> {
    (!STATUSES.contains(&status)).then(|| format!("status {status}"))
}

/// In place of a name that may be anything.
const OTHER_FORM: &str = "(a name of another form)";

fn shown(name: &str) -> &str {
    if is_identifier(name) {
        name
    } else {
        OTHER_FORM
    }
}

/// Whether a name of a field, or a word, looks like one. An id, a host or a
/// person's name does not.
fn is_identifier(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(is_letter)
        && text.len() <= LONGEST
        && text.chars().all(|c| is_letter(c) || c.is_ascii_digit())
        && text.chars().filter(char::is_ascii_digit).count() <= 2
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_known_is_no_news() {
        let record = json!({"id": "x", "status": null, "type": "previewApp",
            "buildpacks": [{"id": "y", "order": 1}]});
        assert!(of_body("getApplicationV3", &record).is_empty());
        assert!(of_body("listApplicationsV3", &json!({"data": [record], "total": 1})).is_empty());
        let log = json!([{"id": "1", "tags": {"new": {"a": 1}}, "attributes": {"b": [{"c": 1}]}}]);
        assert!(of_body("getApplicationDeploymentLogsV3", &log).is_empty());
        assert!(of_body("noOperation", &json!({"a": 1})).is_empty());
        assert_eq!(
            (of_header("date"), of_header("cf-ray"), of_status(404)),
            (None, None, None)
        );
    }

    #[test]
    fn unknown_words_are_found_with_their_place() {
        let record = json!({"type": "trunk", "name": "boat", "stages": [
            {"type": "canary", "branch": "boat"}, {"type": "prod"}]});
        let words =
            |operation, record: &Value| unknown_words(operation, record.as_object().unwrap());
        let pair = |place: &str, word: &str| (place.to_owned(), word.to_owned());
        assert_eq!(
            words("getPipelineV3", &record),
            BTreeSet::from([pair("pipeline.stages[].type", "canary")])
        );
        let steps = json!({"steps": ["build", "dance"], "status": null, "trigger": "MAGIC"});
        assert_eq!(
            words("listDeploymentsV3", &steps),
            BTreeSet::from([
                pair("deployment.steps", "dance"),
                pair("deployment.trigger", "MAGIC"),
            ])
        );
    }

    #[test]
    fn what_is_new_is_named_without_a_value() {
        let record = json!({"id": "x", "wait_for_checks": "secret", "build_type": "boat",
            "buildpacks": [{"color": "red"}], "name": {"jane": 1}, "type": ["app", "thing"],
            "jane@example.com": 1, "fb5e5168-4281-4bec-94c5-0d1584e9e657": 1});
        assert_eq!(
            of_body("getApplicationV3", &record),
            [
                "field application.(a name of another form)",
                "field application.buildpacks[].color",
                "field application.name: an object",
                "field application.wait_for_checks",
                "word application.build_type: boat",
                "word application.type: thing",
            ]
        );
        let page = json!({"data": [], "total": 0, "next_cursor": "x", "jane@example.com": 1});
        assert_eq!(
            of_body("listApplicationsV3", &page),
            [
                "field page.(a name of another form)",
                "field page.next_cursor"
            ]
        );
        // A word with a dot or a colon may be a host.
        let hosts = json!({"data": [{"type": "db.internal.acme"}, {"type": "APP:acme"}]});
        assert_eq!(
            of_body("listDeploymentsV3", &hosts),
            ["word deployment.type"]
        );
        // Any text may be in a field without a set.
        let deployments = json!({"data": [{"trigger": "Jane Doe"}, {"trigger": "RESTART"}]});
        assert_eq!(
            of_body("listDeploymentsV3", &deployments),
            ["word deployment.trigger"]
        );
        let status = json!({"data": [{"status": "Jane Doe"}]});
        assert_eq!(
            of_body("listDeploymentsV3", &status),
            ["word deployment.status"]
        );
        assert_eq!(of_header("deprecation").unwrap(), "header deprecation");
        assert_eq!(
            of_header("x-user-12345").unwrap(),
            "header (a name of another form)"
        );
        // A proxy of a company adds its own.
        assert_eq!(of_header("x-acme-egress").unwrap(), "header x-acme-egress");
        for (name, said) in [
            ("x-acme-egress", Some("header (a name of another form)")),
            ("x-jane", Some("header (a name of another form)")),
            ("x-ratelimit-policy", Some("header x-ratelimit-policy")),
            ("cf-jane-doe", None),
            ("date", None),
        ] {
            assert_eq!(of_header_to_paste(name).as_deref(), said, "{name}");
        }
        assert_eq!(of_status(418).unwrap(), "status 418");
        for (word, said) in [
            ("deploymentPaused", "word a.b: deploymentPaused"),
            ("PREVIEW_APP", "word a.b: PREVIEW_APP"),
            ("paused", "word a.b: paused"),
            ("janeDoe", "word a.b"),
            ("JaneDoe", "word a.b"),
            ("ACME_APP", "word a.b"),
            ("paused_by_jane", "word a.b"),
            ("DOE", "word a.b"),
        ] {
            assert_eq!(to_paste(&format!("word a.b: {word}")), said);
        }
        assert_eq!(to_paste("field a.b"), "field a.b");
    }
}
