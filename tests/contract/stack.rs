//! The stack file: the schema that editors use and the parser agree, and every
//! problem is reported at once, with its place.

use sevalla_deploy::stack::{EnvPart, parse};

use super::read;

const GOOD: &[&str] = &[
    "services: { api: { app: shop-api } }",
    "services: { api: { app: 4711, after: [], paths: api/** } }",
    "services:\n  api: { app: shop-api, paths: [api/**, shared/**], verify: { url: auto, contains: \"json:/commit={commit}\" } }\n  web: { app: shop-web, after: [api], paths: [web/**, shared/**] }\n  docs: { static-site: shop-docs, paths: [docs/**] }\n  mail: { app: shop-mail, after: [api], docker-image: \"ghcr.io/acme/mail:{commit}\" }\npreviews:\n  api: { pipeline: shop-api }\n  web: { pipeline: shop-web, env: { API_URL: \"${api.url}\" } }\n",
    "services: { a: { app: x }, b: { app: y, after: a, branch: main, verify: { url: auto, status: 200, successes: 3, timeout: 1m } } }",
    "services: { a: { app: x }, b: { app: y } }\npreviews: { a: { pipeline: p, fallback: live, env: { B: \"${b.url}/v1\", EMPTY: , N: 1 } } }",
    "previews: {}\nservices: { a: { static-site: x, branch: main } }",
];

/// Files with one problem that a schema can see.
const BAD: &[&str] = &[
    "",
    "services:",
    "services: {}",
    "services: [a]",
    "servics: { a: { app: x } }",
    "services: { a: { app: x } }\nmore: 1",
    "services: { a: x }",
    "services: { a: { } }",
    "services: { a: { app: x, static-site: y } }",
    "services: { a: { app: } }",
    "services: { a: { app: \" \" } }",
    "services: { a: { app: [x] } }",
    "services: { a: { app: x, path: y } }",
    "services: { a: { app: x, after: { b: c } } }",
    "services: { a: { app: x, paths: [[y]] } }",
    "services: { a: { static-site: x, docker-image: y:1 } }",
    "services: { \"a b\": { app: x } }",
    "services: { -a: { app: x } }",
    "services: { a: { app: x, verify: auto } }",
    "services: { a: { app: x, verify: { status: 200 } } }",
    "services: { a: { app: x, verify: { url: auto, contain: y } } }",
    "services: { a: { app: x } }\npreviews: { a: { } }",
    "services: { a: { app: x } }\npreviews: { a: { pipeline: p, fallback: main } }",
    "services: { a: { app: x } }\npreviews: { a: { pipeline: p, env: [X] } }",
    "services: { a: { app: x } }\npreviews: { a: { pipeline: p, env: { X-Y: 1 } } }",
    "services: { a: { app: x } }\npreviews: { a: { pipeline: p, env: { 1X: 1 } } }",
];

fn problems(text: &str) -> Vec<String> {
    let (_, problems) = parse(text);
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn the_schema_and_the_parser_agree() {
    let schema = serde_json::from_str(&read("docs/stack.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let fits = |text: &str| {
        let value: serde_json::Value = yaml_serde::from_str(text).unwrap();
        schema.is_valid(&value)
    };
    for text in GOOD {
        assert_eq!(problems(text), [""; 0], "{text}");
        assert!(fits(text), "{text}");
    }
    for text in BAD {
        assert_ne!(problems(text), [""; 0], "{text}");
        assert!(!fits(text), "{text}");
    }
}

#[test]
fn every_problem_is_reported_at_once_with_its_place() {
    let text = "services:\n  api: { app: shop, afer: [web] }\n  web:\n    app: shop\n    after: [ap, web]\n  \
                web: { app: other }\n  one: { app: a, after: [two] }\n  two: { app: b, after: [one] }\n\
                previews:\n  wen: { pipeline: p }\n  one: { pipeline: p, env: { A: \"${two.url}\", B: \"${x\" } }\n";
    insta::assert_snapshot!(problems(text).join("\n"), @r#"
line 2, column 21: "afer" is no key of service api; did you mean after?
line 3, column 3: web waits for itself. Remove it from its `after`
line 4, column 10: shop is the application of api too, in line 2, column 3. Remove one of them
line 5, column 13: there is no service "ap"; did you mean api?
line 6, column 3: web is here twice, first in line 3, column 3. Remove one
line 7, column 3: one → two → one wait for each other in a circle. Remove one `after`
line 10, column 3: there is no service "wen"; did you mean web?
line 11, column 30: two has no entry under `previews`. Add one, or set `fallback: live` here to use its live address
line 11, column 50: a reference begins with ${ and has no }
"#);
}

#[test]
fn what_a_stack_file_must_not_contain_is_refused_at_its_place() {
    let deep = format!("services: {}{}", "[".repeat(20), "]".repeat(20));
    let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nservices: *b";
    let long = "#".repeat(300 * 1024);
    for (text, expected) in [
        (bomb, "line 1, column 4: anchors"),
        ("services: *a", "line 1, column 11: "),
        ("services: !x { a: { app: y } }", "line 1, column 11: tags"),
        (
            "services: { a: { app: x } }\n---\nb: c\n",
            "line 2, column 1: a second document",
        ),
        (&deep, "too deep"),
        (&long, "256 kB"),
        ("services: { a: { app: x } ", "this is not YAML"),
        ("services: { [a]: b }", "a key has to be a text"),
        ("services: { ? ~ : b }", "a key has to be a text"),
    ] {
        let problems = problems(text).join("\n");
        assert!(problems.contains(expected), "{text:.80}: {problems}");
    }
}

#[test]
fn references_are_split_and_layers_follow_what_is_needed() {
    let (stack, problems) = parse(
        "services: { web: { app: w, after: [api, db] }, api: { app: a, after: [db] }, db: { app: d }, docs: { static-site: s } }\n\
         previews: { web: { pipeline: p, env: { A: \"x${api.url}/v1\" } }, api: { pipeline: p } }",
    );
    assert_eq!(problems, []);
    assert_eq!(stack.order().layers(), [vec![2, 3], vec![1], vec![0]]);
    assert_eq!(
        stack.order().reversed().layers(),
        [vec![0, 3], vec![1], vec![2]]
    );
    let text = |text: &str| EnvPart::Text(text.to_owned());
    assert_eq!(
        stack.previews[0].env[0].1,
        [text("x"), EnvPart::Url(1), text("/v1")]
    );
}
