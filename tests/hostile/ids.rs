//! Ids that a service may give its deployment: they stand in the paths of the
//! requests that follow, in an output, and in everything that is told.

use sevalla_deploy::deployment::LONGEST_ID;
use url::Url;

use crate::harmless::judge;
use crate::part::part;
use crate::texts::FRAGMENTS;
use crate::world::{APP, Case, DEPLOYMENT, Finished, Kind, Place, run_with_id};

/// The paths that a run asks for, the id in its place.
const PATHS: [&str; 9] = [
    "/v3/applications/APP",
    "/v3/applications/APP/deployments",
    "/v3/applications/APP/deployments/ID",
    "/v3/applications/APP/deployments/ID/logs",
    "/v3/applications/APP/domains",
    "/v3/static-sites/APP",
    "/v3/static-sites/APP/deployments",
    "/v3/static-sites/APP/deployments/ID",
    "/v3/static-sites/APP/deployments/ID/logs",
];

/// The path with the id as a name, if it is one segment with just the id.
fn path(url: &Url, id: &str) -> String {
    let segments = url.path_segments().unwrap().map(|segment| {
        let text = decoded(segment);
        let name = if text == APP { "APP" } else { segment };
        let name = if text == id { "ID" } else { name };
        format!("/{name}")
    });
    segments.collect()
}

fn decoded(segment: &str) -> String {
    // A form's rules, without the signs that mean something in a form only.
    let escaped = segment
        .replace('+', "%2B")
        .replace('=', "%3D")
        .replace('&', "%26");
    let (name, _) = url::form_urlencoded::parse(escaped.as_bytes())
        .next()
        .unwrap_or_default();
    name.into_owned()
}

fn assert_stays(finished: &Finished, id: &str) {
    for url in &finished.urls {
        let is_hook = url.host_str() == Some("hook.example.com");
        let is_key = url.path().starts_with("/v3/api-keys/");
        let path = path(url, id);
        assert!(
            is_hook || is_key || PATHS.contains(&path.as_str()),
            "{url} for {id:?}"
        );
        assert_eq!(url.fragment(), None);
    }
}

/// Each of the ids does what any id does, or none.
fn check<'a>(place: Place, kind: Kind, case: Case, ids: impl Iterator<Item = &'a str>) {
    let with_any = run_with_id(place, kind, case, DEPLOYMENT);
    let with_none = run_with_id(place, kind, case, "");
    for id in ids {
        let is_taken = !matches!(id, "" | "." | "..")
            && id.len() <= LONGEST_ID
            && !id.contains(char::is_control);
        let harmless = if is_taken { &with_any } else { &with_none };
        let finished = run_with_id(place, kind, case, id);
        assert_stays(&finished, id);
        judge(place, &finished, harmless);
        assert_eq!(
            finished.outcome.ending(),
            harmless.outcome.ending(),
            "{id:?}"
        );
    }
}

#[test]
fn no_id_leads_a_request_to_another_path() {
    let ids = [
        "",
        ".",
        "..",
        ".\t.",
        ".\n.",
        "\t..",
        "..\r",
        "%2e%2e",
        ".%2e",
        "%2E",
        "..%2f..",
        "../../../users",
        "..\\..",
        "/",
        "//evil.example/",
        "\\\\evil.example\\",
        "https://evil.example/",
        "a/cancel",
        "a?limit=1",
        "a#b",
        "a;b",
        "@evil.example",
        ":8080",
        "%",
        "%00",
        "\0",
        " ",
        " ..",
        "a\u{2028}b",
        "\u{202e}a",
    ];
    let long = ["x".repeat(10_000), "../".repeat(3_400), "é".repeat(100)];
    for kind in [Kind::Application, Kind::Hook, Kind::StaticSite] {
        let long = long.iter().map(String::as_str);
        check(
            Place::Plain,
            kind,
            Case::Failed,
            ids.into_iter().chain(long),
        );
    }
}

#[test]
fn no_id_is_obeyed() {
    let cases = [
        (Place::GitHub, Case::Success),
        (Place::GitHub, Case::Failed),
        (Place::GitHub, Case::NoLog),
        (Place::Plain, Case::Success),
        (Place::Plain, Case::Failed),
        (Place::Plain, Case::NoLog),
    ];
    for (number, (place, case)) in cases.into_iter().enumerate() {
        for kind in [Kind::Application, Kind::Hook] {
            let some = FRAGMENTS.iter().skip(number).step_by(cases.len());
            check(place, kind, case, part(some.copied()));
        }
    }
}
