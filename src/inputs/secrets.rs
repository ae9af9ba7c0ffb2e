//! The secrets that the variables hold, be they used or not.

use super::action::ActionName;
use super::first_given;
use super::placeholder;
use super::table::{Input, TABLE};
use super::values::{Settings, Value as _};
use crate::environment::Variables;

/// Variables beside our inputs whose values must not be shown either.
const OTHER_SECRETS: &[&str] = &["GITHUB_TOKEN"];

/// Variables whose values may hold a password.
const PROXIES: &[&str] = &[
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Every secret that stands in the variables, also one that another spelling
/// overrules or that did not parse: none of them may be printed.
pub fn secrets_in(variables: &Variables) -> Vec<String> {
    let secret = TABLE.iter().filter(|input| input.secret);
    let names = secret
        .flat_map(|input| input.sources().map(move |name| (input.field, name)))
        .chain(OTHER_SECRETS.iter().map(|name| ("", (*name).to_owned())));
    let secrets = names.filter_map(|(field, name)| {
        // The name of a variable that the CI did not fill in is no secret, and
        // the user needs to see it. Only a password may look like one.
        let is_name = |text: &&str| field != "database_password" && placeholder::is_whole(text);
        let text = variables.text(&name).filter(|text| !is_name(text))?;
        Some(text.to_owned())
    });
    let proxies = PROXIES
        .iter()
        .filter_map(|name| password(variables.text(name)?));
    // An address with a password is refused as an input, and reported.
    let addresses = TABLE.iter().flat_map(Input::sources).filter_map(|name| {
        let (_, after) = variables.text(&name)?.split_once("://")?;
        password(after.split(['/', '?', '#']).next()?)
    });
    let passwords = settings_in(variables).filter_map(|settings| {
        let password = settings.0.get("db_password")?.as_str()?;
        Some(password.to_owned())
    });
    secrets
        .chain(proxies)
        .chain(addresses)
        .chain(passwords)
        .collect()
}

/// The settings that stand in the variables, under every spelling. A password
/// in them is refused, and must not be printed all the same.
fn settings_in(variables: &Variables) -> impl Iterator<Item = Settings> {
    let input = Input::named("settings").into_iter();
    let names = input.flat_map(Input::sources);
    names.filter_map(|name| Settings::read(variables.text(&name)?).ok())
}

/// Whether this run may have to draw a database's password: it must be known
/// before anything is printed.
pub fn wants_password(variables: &Variables) -> bool {
    let given = |name: &str| {
        let (_, value) = first_given(Input::named(name)?, variables)?;
        Some(value.unwrap_or_default())
    };
    given("action") == Some(ActionName::CreateDatabase.word())
        && given("database-password").is_none()
}

/// The password in an address; where a user stands alone, it is a token.
fn password(address: &str) -> Option<String> {
    let (_, after) = address.split_once("://").unwrap_or(("", address));
    let (user, _) = after.rsplit_once('@')?;
    let password = user.split_once(':').map_or(user, |(_, password)| password);
    Some(password.to_owned())
}
