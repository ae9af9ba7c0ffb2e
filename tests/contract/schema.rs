//! As much of JSON Schema as the parts of the document use that describe what
//! is sent. A keyword that is not known here restricts nothing.

use serde_json::Value;

/// Whether a value is one that a schema describes.
pub(crate) struct Schema<'a> {
    /// The whole document, for what it refers to.
    pub(crate) document: &'a Value,
    pub(crate) schema: &'a Value,
}

impl Schema<'_> {
    fn of<'a>(&'a self, schema: &'a Value) -> Schema<'a> {
        let document = self.document;
        Schema { document, schema }
    }

    /// What is wrong with `value`, each with the place in it.
    pub(crate) fn problems(&self, value: &Value, place: &str) -> Vec<String> {
        if let Some(reference) = self.schema["$ref"].as_str() {
            let schema = self.document.pointer(reference.trim_start_matches('#'));
            let Some(schema) = schema else {
                return vec![format!("{place} refers to {reference}, which is not there")];
            };
            return self.of(schema).problems(value, place);
        }
        if let Some(choices) = self.schema["anyOf"].as_array() {
            let fits = |schema| self.of(schema).problems(value, place).is_empty();
            return complaint(choices.iter().any(fits), place, value, "none of anyOf fits");
        }
        let mut problems = complaint(self.has_type(value), place, value, "type");
        if let Some(words) = self.schema["enum"].as_array() {
            problems.extend(complaint(words.contains(value), place, value, "enum"));
        }
        match value {
            Value::Object(fields) => problems.extend(self.object_problems(fields, place)),
            Value::Array(items) => {
                let of_item = |item| self.of(&self.schema["items"]).problems(item, place);
                problems.extend(items.iter().flat_map(of_item));
            }
            Value::String(text) => {
                problems.extend(complaint(self.has_format(text), place, value, "format"));
                let length = text.chars().count() as u64;
                let is_between = self.schema["minLength"].as_u64().unwrap_or(0) <= length
                    && length <= self.schema["maxLength"].as_u64().unwrap_or(u64::MAX);
                problems.extend(complaint(is_between, place, value, "length"));
            }
            Value::Number(number) => {
                let number = number.as_f64().unwrap();
                let bound = |name: &str| self.schema[name].as_f64();
                let is_between = bound("minimum").is_none_or(|least| least <= number)
                    && bound("maximum").is_none_or(|most| number <= most)
                    && bound("exclusiveMinimum").is_none_or(|least| least < number)
                    && bound("exclusiveMaximum").is_none_or(|most| number < most);
                problems.extend(complaint(is_between, place, value, "range"));
            }
            Value::Null | Value::Bool(_) => {}
        }
        problems
    }

    fn has_type(&self, value: &Value) -> bool {
        let is = |name: &str| match name {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "null" => value.is_null(),
            _ => false,
        };
        match &self.schema["type"] {
            Value::String(name) => is(name),
            Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
            _ => true,
        }
    }

    fn has_format(&self, text: &str) -> bool {
        match self.schema["format"].as_str() {
            Some("uuid") => text.len() == 36 && text.parse::<uuid::Uuid>().is_ok(),
            Some("date-time") => text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok(),
            _ => true,
        }
    }

    /// A field that is not described is one that the service does not know.
    fn object_problems(&self, fields: &serde_json::Map<String, Value>, place: &str) -> Vec<String> {
        let required = self.schema["required"].as_array().into_iter().flatten();
        let missing = required
            .filter_map(Value::as_str)
            .filter(|name| !fields.contains_key(*name))
            .map(|name| format!("{place} lacks {name}"));
        let of_fields = fields.iter().flat_map(|(name, value)| {
            let place = format!("{place}.{name}");
            match self.schema["properties"].get(name) {
                Some(schema) => self.of(schema).problems(value, &place),
                None => vec![format!("{place} is not in the document")],
            }
        });
        missing.chain(of_fields).collect()
    }
}

fn complaint(is_right: bool, place: &str, value: &Value, what: &str) -> Vec<String> {
    if is_right {
        return Vec::new();
    }
    vec![format!("{place} is {value}: {what}")]
}

#[test]
fn what_does_not_fit_is_told() {
    let schema = serde_json::json!({
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "at": {"type": "string", "format": "date-time"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 100},
            "name": {"anyOf": [{"type": "string", "minLength": 2}, {"type": "null"}]},
            "kind": {"$ref": "#/properties/kinds/items"},
            "kinds": {"type": "array", "items": {"enum": ["a", "b"]}},
        },
    });
    let problems = |value| {
        let schema = Schema {
            document: &schema,
            schema: &schema,
        };
        schema.problems(&value, "body")
    };
    let id = "fb5e5168-4281-4bec-94c5-0d1584e9e657";
    let good = serde_json::json!({"id": id, "at": "2026-02-22T14:30:00.000Z", "limit": 100,
        "name": null, "kind": "a", "kinds": ["b"]});
    assert_eq!(problems(good), [""; 0]);
    for wrong in [
        serde_json::json!([]),
        serde_json::json!({}),
        serde_json::json!({"id": "x"}),
        serde_json::json!({"id": id, "at": "2026-02-22"}),
        serde_json::json!({"id": id, "limit": 101}),
        serde_json::json!({"id": id, "limit": "1"}),
        serde_json::json!({"id": id, "name": "a"}),
        serde_json::json!({"id": id, "kind": "c"}),
        serde_json::json!({"id": id, "kinds": ["a", "c"]}),
        serde_json::json!({"id": id, "new": 1}),
    ] {
        assert_eq!(problems(wrong.clone()).len(), 1, "{wrong}");
    }
}
