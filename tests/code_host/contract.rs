//! Requests to GitHub, held against its published OpenAPI description.
//!
//! The part that is needed stands beside this file. `GITHUB_OPENAPI` names a
//! whole copy, `generated/api.github.com.json` of the npm package
//! `@octokit/openapi`; with it, the part is compared with that.

use std::io::Write as _;
use std::sync::LazyLock;

use serde_json::Value;
use sevalla_deploy::http::Request;

use crate::schema::Schema;

/// The part of the description that is needed.
static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("github-openapi.json")).unwrap());

/// An answer as the description shows it.
pub(crate) fn example(name: &str) -> Value {
    DESCRIPTION["components"]["examples"][name]["value"].clone()
}

/// Fails unless the description has this request. `path` begins below the
/// API's address.
pub(crate) fn assert_described(request: &Request, path: &str) {
    let document = &*DESCRIPTION;
    let method = request.method.as_str().to_lowercase();
    let paths = document["paths"].as_object().unwrap();
    let (operation, ids) = paths
        .iter()
        .find_map(|(pattern, operations)| {
            let ids = ids(pattern, path)?;
            Some((operations.get(&method)?, ids))
        })
        .unwrap_or_else(|| panic!("{method} {path} is not described"));
    let parameters: Vec<&Value> = operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|parameter| match parameter["$ref"].as_str() {
            Some(reference) => document.pointer(&reference[1..]).unwrap(),
            None => parameter,
        })
        .collect();
    let mut problems = Vec::new();
    let query = request.url.query_pairs().into_owned();
    let given = ids.into_iter().map(|(name, id)| ("path", name, id));
    for (place, name, text) in given.chain(query.map(|(name, text)| ("query", name, text))) {
        let found = parameters
            .iter()
            .find(|parameter| parameter["in"] == place && parameter["name"] == *name);
        let Some(found) = found else {
            problems.push(format!("no such {place} parameter: {name}"));
            continue;
        };
        let schema = &found["schema"];
        let value = match schema["type"].as_str() {
            Some("integer") => serde_json::from_str(&text).unwrap(),
            _ => Value::from(text),
        };
        problems.extend(Schema { document, schema }.problems(&value, &name));
    }
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(request.body.is_some(), schema.is_object(), "a body");
    if let Some(body) = &request.body {
        let body: Value = serde_json::from_slice(body).unwrap();
        problems.extend(Schema { document, schema }.problems(&body, "body"));
    }
    assert!(problems.is_empty(), "{method} {path}: {problems:#?}");
}

/// The names and values of the ids in a path, if it is one of this pattern.
fn ids(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (pattern, path): (Vec<&str>, Vec<&str>) =
        (pattern.split('/').collect(), path.split('/').collect());
    if pattern.len() != path.len() {
        return None;
    }
    let mut ids = Vec::new();
    for (expected, actual) in pattern.iter().zip(&path) {
        match expected
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some(name) => ids.push((name.to_owned(), (*actual).to_owned())),
            None if expected == actual => {}
            None => return None,
        }
    }
    Some(ids)
}

#[test]
fn the_part_is_as_it_stands_in_the_whole_description() {
    let Some(path) = std::env::var_os("GITHUB_OPENAPI").filter(|path| !path.is_empty()) else {
        // Written and not printed: a test that passes keeps what it prints.
        let _closed = writeln!(
            std::io::stderr(),
            "skipped: comparison with GitHub's description (set GITHUB_OPENAPI to its path)"
        );
        return;
    };
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("GITHUB_OPENAPI={}: {error}", path.display()));
    let whole: Value = serde_json::from_str(&text).unwrap();
    for place in ["paths", "components"] {
        assert_contained(&DESCRIPTION[place], &whole[place], place);
    }
}

/// Every value of the part is in the whole, at the same place.
fn assert_contained(part: &Value, whole: &Value, place: &str) {
    match part {
        Value::Object(fields) => {
            for (name, value) in fields {
                assert!(whole.get(name).is_some(), "{place}.{name} is gone");
                assert_contained(value, &whole[name], &format!("{place}.{name}"));
            }
        }
        _ => assert_eq!(part, whole, "{place}"),
    }
}
