//! The API's document, and answers held against it.

use serde_json::{Value, json};
use sevalla_simulator::Call;

use super::Reply;

/// The few words of JSON Schema the document uses.
pub(crate) fn check(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{at}: {what}: {value}"));
    for word in ["anyOf", "oneOf"] {
        if let Some(choices) = schema.get(word).and_then(Value::as_array)
            && !choices.iter().any(|one| check(one, value, at).is_ok())
        {
            return wrong("fits no choice");
        }
    }
    if let Some(choices) = schema.get("enum").and_then(Value::as_array)
        && !choices.contains(value)
    {
        return wrong("not in enum");
    }
    let kind = schema.get("type").and_then(Value::as_str);
    let fits = match kind {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _ => true,
    };
    if !fits {
        return wrong("wrong type");
    }
    if let Some(text) = value.as_str() {
        check_text(schema, text, at)?;
    }
    for item in value.as_array().into_iter().flatten() {
        check(&schema["items"], item, &format!("{at}[]"))?;
    }
    check_fields(schema, value, at)
}

fn check_text(schema: &Value, text: &str, at: &str) -> Result<(), String> {
    let fits = match schema.get("format").and_then(Value::as_str) {
        Some("uuid") => text.len() == 36 && text.matches('-').count() == 4,
        Some("date-time") => text.len() == 24 && text.ends_with('Z'),
        _ => true,
    };
    if fits {
        Ok(())
    } else {
        Err(format!("{at}: wrong format: {text}"))
    }
}

fn check_fields(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let Some(fields) = value.as_object() else {
        return Ok(());
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap_or_default()).is_none() {
            return Err(format!("{at}: {name} is missing"));
        }
    }
    for (name, field) in fields {
        let known = &schema["properties"][name];
        if known.is_null() && schema["additionalProperties"] == json!(false) {
            return Err(format!("{at}: {name} is unknown"));
        }
        check(known, field, &format!("{at}.{name}"))?;
    }
    Ok(())
}

/// The API's document.
pub(crate) struct Document(pub(crate) Value);

impl Document {
    /// The one `SEVALLA_OPENAPI` names.
    pub(crate) fn named() -> Option<Self> {
        let path = std::env::var_os("SEVALLA_OPENAPI")?;
        let text = std::fs::read_to_string(path).expect("the document can be read");
        Some(Self(serde_json::from_str(&text).expect("is JSON")))
    }

    pub(crate) fn operation(&self, name: &str) -> &Value {
        let paths = self.0["paths"].as_object().expect("has paths");
        paths
            .values()
            .filter_map(Value::as_object)
            .flat_map(|methods| methods.values())
            .find(|operation| operation["operationId"] == name)
            .unwrap_or_else(|| panic!("no operation {name}"))
    }

    /// What an operation takes as its body.
    pub(crate) fn body(&self, name: &str) -> &Value {
        &self.operation(name)["requestBody"]["content"]["application/json"]["schema"]
    }

    /// Every call but those to `newer` operations has the method and the path
    /// the document gives its operation.
    pub(crate) fn knows(&self, calls: &[Call], newer: &[&str]) {
        let known = |call: &&Call| !newer.contains(&call.operation.as_str());
        for call in calls.iter().filter(known) {
            let (path, method) = self.place(&call.operation);
            assert_eq!(method, call.method.to_lowercase(), "{}", call.operation);
            let wanted: Vec<&str> = path.split('/').collect();
            let called: Vec<&str> = call.path.trim_start_matches("/v3").split('/').collect();
            let fits = wanted.len() == called.len()
                && wanted
                    .iter()
                    .zip(&called)
                    .all(|(wanted, called)| wanted.starts_with('{') || wanted == called);
            assert!(fits, "{} is {path}, not {}", call.operation, call.path);
        }
    }

    fn place(&self, name: &str) -> (&str, &str) {
        let paths = self.0["paths"].as_object().expect("has paths");
        let methods = paths.iter().flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.map(move |(method, operation)| (path, method, operation))
        });
        let mut named = methods.filter(|(_, _, operation)| operation["operationId"] == name);
        let (path, method, _) = named
            .next()
            .unwrap_or_else(|| panic!("no operation {name}"));
        (path, method)
    }

    /// Status and body of an answer are among those the document lists.
    pub(crate) fn expect(&self, name: &str, status: u16, reply: &Reply) {
        let response = &self.operation(name)["responses"][status.to_string()];
        assert_eq!(reply.status, status, "{name}");
        assert!(response.is_object(), "{name} knows no {status}");
        if reply.body.is_empty() {
            assert!(response["content"].is_null(), "{name} has no body");
            return;
        }
        let schema = &response["content"]["application/json"]["schema"];
        let checked = check(schema, &reply.json(), name);
        assert_eq!(checked, Ok(()));
    }
}
