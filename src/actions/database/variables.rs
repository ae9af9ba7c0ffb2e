//! The environment variables by which an application finds its database.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::actions::at_most_once::at_most_once;
use crate::actions::error::{Report, TriggerError};
use crate::actions::journaling::WriteEntry;
use crate::actions::lookup::{Candidate, Candidates};
use crate::actions::manage::change::until_confirmed;
use crate::actions::resolve::Credentials;
use crate::event::EventKind;
use crate::sevalla::{ApiError, Client, EnvVar, LONGEST_PAGE, Patience, ResourceRecord};

/// The most variables of an application that are looked through.
const MOST_VARIABLES: usize = 2000;

/// The variables that hold the address of an application's database.
pub(crate) fn variables(
    database: &ResourceRecord,
    credentials: &Credentials,
) -> Option<Vec<(String, String)>> {
    let host = database.text("internal_hostname")?;
    let port = match database.get("internal_port")? {
        Value::String(port) => port.clone(),
        other => other.to_string(),
    };
    let name = database.text("db_name").unwrap_or_default();
    let scheme = match database.text("type")? {
        kind @ ("postgresql" | "mongodb") => kind,
        "redis" | "valkey" => "redis",
        _ => "mysql",
    };
    let (user, password) = (&credentials.user, credentials.password.expose());
    let url = format!(
        "{scheme}://{}:{}@{host}:{port}/{}",
        encoded(user),
        encoded(password),
        encoded(name)
    );
    let values = [
        ("HOST", host),
        ("PORT", &port),
        ("NAME", name),
        ("USER", user),
        ("PASSWORD", password),
        ("URL", &url),
    ];
    let name_of = |part: &str| format!("{}_{part}", credentials.prefix);
    Some(
        values
            .map(|(part, value)| (name_of(part), value.to_owned()))
            .into(),
    )
}

/// A text as a part of an address.
fn encoded(text: &str) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let encode = |byte: u8| {
        if is_plain(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(encode).collect()
}

/// A variable that was made, by its name.
struct NewVariable(String);

impl Candidate for NewVariable {
    const NOUN: &'static str = "variable";

    fn id(&self) -> Option<&str> {
        None
    }

    fn describe(&self) -> String {
        self.0.clone()
    }
}

/// Gives variables of an application these values, whether they are there or
/// not.
pub(crate) async fn set_variables(
    client: &Client,
    app: Uuid,
    variables: &[(String, String)],
    report: Report<'_>,
) -> Result<(), TriggerError> {
    let known = all_variables(client, app, Patience::BEFORE_THE_START).await?;
    for (key, value) in variables {
        let place = |error: TriggerError| error.at(format!("It is variable {key}"));
        let is_new = match known.iter().find(|known| known.key == *key) {
            Some(variable) => {
                change(client, app, variable, value, report)
                    .await
                    .map_err(place)?;
                false
            }
            None => create(client, app, key, value, report)
                .await
                .map_err(place)?,
        };
        let done = if is_new { "created" } else { "set" };
        report(EventKind::Note(&format!("Variable {key} {done}")));
    }
    Ok(())
}

/// What giving variables their values has changed.
pub(crate) struct VariableChange {
    /// Whether a value is another than before.
    pub(crate) has_changed: bool,
    /// When the last of them was changed, as far as Sevalla reports that.
    pub(crate) last: Option<Timestamp>,
}

/// Like [`set_variables`], without writing a value that a variable has.
pub(crate) async fn set_differing(
    client: &Client,
    app: Uuid,
    variables: &[(String, String)],
    report: Report<'_>,
) -> Result<VariableChange, TriggerError> {
    let known = all_variables(client, app, Patience::BEFORE_THE_START).await?;
    let mut differing = Vec::new();
    let mut times = Vec::new();
    for (key, value) in variables {
        let variable = known.iter().find(|known| known.key == *key);
        let is_it = match variable {
            Some(variable) => has_value(client, app, variable, value).await?,
            None => false,
        };
        if is_it {
            times.push(variable.and_then(|variable| variable.updated_at));
        } else {
            differing.push((key.clone(), value.clone()));
        }
    }
    if !differing.is_empty() {
        set_variables(client, app, &differing, report).await?;
    }
    let times: Option<Vec<Timestamp>> = times.into_iter().collect();
    Ok(VariableChange {
        has_changed: !differing.is_empty(),
        last: times.and_then(|times| times.into_iter().max()),
    })
}

async fn all_variables(
    client: &Client,
    app: Uuid,
    patience: Patience,
) -> Result<Vec<EnvVar>, ApiError> {
    let mut all = Vec::new();
    for offset in (0..MOST_VARIABLES).step_by(LONGEST_PAGE) {
        let page = client.list_env_vars(app, offset, patience).await?;
        let is_last = !page.is_full();
        all.extend(page.entries);
        if is_last {
            break;
        }
    }
    Ok(all)
}

async fn change(
    client: &Client,
    app: Uuid,
    variable: &EnvVar,
    value: &str,
    report: Report<'_>,
) -> Result<(), TriggerError> {
    let send = async || {
        let patience = Patience::FOR_A_WRITE;
        client
            .writes()
            .update_env_var(app, variable, value, patience)
            .await
    };
    let is_done = async || has_value(&client.with_grace(), app, variable, value).await;
    until_confirmed(client, send, is_done, report).await
}

/// Whether a variable has this value by now.
async fn has_value(
    client: &Client,
    app: Uuid,
    variable: &EnvVar,
    value: &str,
) -> Result<bool, ApiError> {
    for offset in (0..MOST_VARIABLES).step_by(LONGEST_PAGE) {
        let patience = Patience::FOR_A_SEARCH;
        let seen = client.has_value(app, offset, variable, value, patience);
        if let Some(is_it) = seen.await? {
            return Ok(is_it);
        }
    }
    Ok(false)
}

/// Makes a variable; `false` if it was there after all and only changed.
async fn create(
    client: &Client,
    app: Uuid,
    key: &str,
    value: &str,
    report: Report<'_>,
) -> Result<bool, TriggerError> {
    let find = async || {
        let all = all_variables(&client.with_grace(), app, Patience::FOR_A_SEARCH).await?;
        let of_key = all.into_iter().filter(|known| known.key == key);
        Ok::<_, ApiError>(of_key.collect::<Vec<EnvVar>>())
    };
    let send = async || {
        let patience = Patience::FOR_A_WRITE;
        client
            .writes()
            .create_env_var(app, key, value, patience)
            .await?;
        Ok(NewVariable(key.to_owned()))
    };
    let search = async || {
        let found = find().await?.into_iter();
        let new = found.map(|found| Candidates::ours(NewVariable(found.key)));
        Ok(Some(new.collect()))
    };
    let made = at_most_once(send, search, client, &WriteEntry::default(), report).await;
    let Err(error) = made else { return Ok(true) };
    let may_be_there = matches!(error, TriggerError::Ambiguous { .. })
        || matches!(error.status(), Some(400 | 409 | 422));
    if !may_be_there {
        return Err(error);
    }
    match find().await.ok().and_then(|mut found| found.pop()) {
        // Setting it does no harm, whoever has made it.
        Some(variable) => change(client, app, &variable, value, report)
            .await
            .map(|()| false),
        None => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Password;

    fn reported(kind: &str) -> Vec<(String, String)> {
        let json = serde_json::json!({"id": "d", "type": kind, "db_name": "shop",
            "internal_hostname": "db.internal", "internal_port": "5432"});
        let credentials = Credentials {
            prefix: "ORDERS".to_owned(),
            user: "me".to_owned(),
            password: Password::parse("a?<>#@=+b").unwrap(),
        };
        variables(&serde_json::from_value(json).unwrap(), &credentials).unwrap()
    }

    #[test]
    fn the_address_holds_what_may_stand_in_one() {
        let all = reported("postgresql");
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let parts = ["HOST", "PORT", "NAME", "USER", "PASSWORD", "URL"];
        assert_eq!(names, parts.map(|part| format!("ORDERS_{part}")));
        assert_eq!(
            all[5].1,
            "postgresql://me:a%3F%3C%3E%23%40%3D%2Bb@db.internal:5432/shop"
        );
        let parsed = url::Url::parse(&all[5].1).unwrap();
        assert_eq!(
            (parsed.host_str(), parsed.port()),
            (Some("db.internal"), Some(5432))
        );
        assert!(reported("mariadb")[5].1.starts_with("mysql://"));
        assert!(reported("valkey")[5].1.starts_with("redis://"));
    }

    #[test]
    fn without_a_host_there_are_no_variables() {
        let json = serde_json::json!({"id": "d", "type": "postgresql", "internal_hostname": null});
        let credentials = Credentials {
            prefix: "A".to_owned(),
            user: "me".to_owned(),
            password: Password::parse("abcdef").unwrap(),
        };
        assert!(variables(&serde_json::from_value(json).unwrap(), &credentials).is_none());
    }
}
