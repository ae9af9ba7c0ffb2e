//! Operations on the API key of the run: what it may do, and when it expires.

use serde_json::Value;

use super::operation::{GET_CURRENT_API_KEY, VALIDATE_API_KEY};
use super::{ApiCall, ApiError, Client, Patience, wire};

impl Client {
    /// When the key expires; `None` if it does not.
    pub async fn key_expires_at(&self) -> Result<Option<jiff::Timestamp>, ApiError> {
        let call = ApiCall::new(&VALIDATE_API_KEY, []);
        let key: wire::ApiKey = self.send(call, Patience::Once).await?;
        Ok(key.expires_at)
    }

    /// What the key may do, as in `capabilities`; empty if that is not known.
    pub async fn key_capabilities(&self) -> Vec<String> {
        let call = ApiCall::new(&GET_CURRENT_API_KEY, []);
        let answer: Result<Value, ApiError> = self.send(call, Patience::Once).await;
        answer.map(|body| capabilities(&body)).unwrap_or_default()
    }
}

/// The fields whose text is anybody's.
const FREE: [&str; 2] = ["name", "description"];

/// What a key may do, from the response about it: each as `RESOURCE:ACTION`, or
/// as `RESOURCE:ACTION of ID` if it is for one resource alone.
///
/// Its fields are not documented, so a capability may be in any field but those
/// whose text is anybody's.
pub(crate) fn capabilities(body: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(body, None, &mut found);
    found.sort();
    found.dedup();
    found
}

fn collect(value: &Value, resource: Option<&str>, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let of_one = |permission| match resource {
                Some(id) => format!("{permission} of {id}"),
                None => permission,
            };
            found.extend(permission(text).map(of_one));
        }
        Value::Array(items) => {
            for item in items {
                collect(item, resource, found);
            }
        }
        Value::Object(fields) => {
            let resource = fields.get("id_resource").and_then(Value::as_str);
            for (name, value) in fields {
                if !FREE.contains(&name.as_str()) {
                    collect(value, resource, found);
                }
            }
        }
        _ => {}
    }
}

fn permission(text: &str) -> Option<String> {
    let text = text.to_ascii_uppercase();
    let (name, action) = text.split_once(':')?;
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let is_action = matches!(action, "CREATE" | "READ" | "UPDATE" | "DELETE");
    (is_name && is_action).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn capabilities_are_found_in_whatever_shape_they_come() {
        let body = json!({"permissions": ["STATIC_SITE:UPDATE", "app:read", "APP:PAINT"],
            "capabilities": [{"permission": "APP:READ", "id_resource": null},
                {"permission": "APP:UPDATE", "id_resource": "x"}], "url": "https://x"});
        assert_eq!(
            capabilities(&body),
            ["APP:READ", "APP:UPDATE of x", "STATIC_SITE:UPDATE"]
        );
        // A name or a text for people grants nothing.
        let body = json!({"name": "APP:READ", "note": "needs APP:READ and APP:UPDATE",
            "roles": [{"name": "app:update", "description": "APP:DELETE"}]});
        assert!(capabilities(&body).is_empty());
        assert!(capabilities(&json!("<html>a:b</html>")).is_empty());
    }
}
