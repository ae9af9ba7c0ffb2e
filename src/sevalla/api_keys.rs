//! Operations on the API key of the run: what it may do, and when it expires.

use super::operation::{GET_CURRENT_API_KEY, VALIDATE_API_KEY};
use super::{ApiCall, ApiError, Client, Patience, wire};
use crate::lenient_json;

impl Client {
    /// When the key expires; `None` if it does not.
    pub async fn key_expires_at(&self) -> Result<Option<jiff::Timestamp>, ApiError> {
        let call = ApiCall::new(&VALIDATE_API_KEY, []);
        let key: wire::ApiKey = self.send(call, Patience::Once).await?;
        Ok(key.expires_at)
    }

    /// What the key may do, as `RESOURCE:ACTION`; empty if that is not known.
    ///
    /// The fields of the answer are not documented, so the words are picked out
    /// of its text, wherever they stand.
    pub async fn key_capabilities(&self) -> Vec<String> {
        let call = ApiCall::new(&GET_CURRENT_API_KEY, []);
        let text = |body: &[u8]| lenient_json::decode(body).into_owned();
        let answer = self
            .send_and(call, Patience::Once, |answer| Ok(text(&answer.body)))
            .await;
        answer.map(|text| capabilities(&text)).unwrap_or_default()
    }
}

pub(crate) fn capabilities(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphabetic() && c != ':' && c != '_');
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let is_action = |name: &str| matches!(name, "CREATE" | "READ" | "UPDATE" | "DELETE");
    let mut found: Vec<String> = words
        .map(str::to_uppercase)
        .filter(|word| {
            word.split_once(':')
                .is_some_and(|(name, action)| is_name(name) && is_action(action))
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_found_in_whatever_shape_they_come() {
        let text = r#"{"capabilities":[{"permission":"APP:READ","id_resource":null},"STATIC_SITE:UPDATE"],
            "roles":[{"name":"app:read"}],"url":"https://x","APP:PAINT":1}"#;
        assert_eq!(capabilities(text), ["APP:READ", "STATIC_SITE:UPDATE"]);
        assert!(capabilities("<html>a:b</html>").is_empty());
    }
}
