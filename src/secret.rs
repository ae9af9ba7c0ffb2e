//! What must not leave: the types of secrets. They cannot print themselves;
//! [`crate::sanitize::redactor`] takes them out of everything else.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::Url;
use uuid::Uuid;

/// A token for an API: a key of Sevalla, or a token of a code host. It cannot
/// print itself.
#[derive(Clone)]
pub struct ApiToken(SecretString);

impl ApiToken {
    /// Takes a key as the user gave it. Keys look like `svl_` and 64 hex
    /// digits; other shapes are let through, since the service decides.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if looks_unexpanded(text) {
            return Err("it is the name of a variable that your CI did not fill in");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(
                "it contains characters that no key has (a space, a line end or a letter \
                        outside ASCII); copy it again",
            );
        }
        Ok(Self(SecretString::from(text)))
    }

    /// The key itself, for the `Authorization` header and the redactor.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken(***)")
    }
}

/// A deployment hook's address. The address is the credential, so it cannot
/// print itself either.
#[derive(Clone)]
pub struct HookUrl(SecretString, Option<Uuid>);

impl HookUrl {
    /// Takes an address of the form `https://HOST/apps/APP/deploy/SECRET`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if looks_unexpanded(text) {
            return Err("it is the name of a variable that your CI did not fill in");
        }
        let url = Url::parse(text).map_err(|_| "it is not a URL")?;
        if !is_https_or_loopback(&url) {
            return Err("it must start with https://");
        }
        let segments: Vec<&str> = url
            .path_segments()
            .map(Iterator::collect)
            .unwrap_or_default();
        let app = match segments.as_slice() {
            ["apps", app, "deploy", ..] => Uuid::parse_str(app).ok(),
            _ => None,
        };
        Ok(Self(SecretString::from(url.as_str()), app))
    }

    /// Whether a text has the address of a hook, by its form.
    pub fn is_like(text: &str) -> bool {
        crate::sanitize::redactor::has_hook(text)
    }

    /// The address itself, for the request and the redactor.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The application it deploys, read from its path.
    pub const fn app_id(&self) -> Option<Uuid> {
        self.1
    }
}

impl fmt::Debug for HookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookUrl(***)")
    }
}

/// A database's password. It cannot print itself.
#[derive(Clone)]
pub struct Password(SecretString);

impl Password {
    /// Takes a password as the user gave it, if Sevalla takes such a one.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if looks_unexpanded(text) {
            return Err("it is the name of a variable that your CI did not fill in");
        }
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_?<>#@-=+".contains(c);
        if text.len() > 100 || !text.chars().all(is_allowed) {
            return Err(
                "Sevalla takes at most 100 characters from a-z, A-Z, 0-9 and _ ? < > # @ - = + only",
            );
        }
        // Sevalla takes 4, but so short a text cannot be kept out of a log.
        if text.len() < crate::sanitize::redactor::SHORTEST {
            return Err("it is shorter than 6 characters");
        }
        // Nor can a word that the program itself prints.
        if crate::sanitize::redactor::is_own_word(text) {
            return Err("it is a word that this program prints, so it cannot be kept out of a log");
        }
        Ok(Self(SecretString::from(text)))
    }

    /// A password that nobody can guess, from a source of texts that nobody
    /// can guess. `None` if that gives what no password may hold.
    pub fn drawn(source: fn() -> String) -> Option<Self> {
        Self::parse(&source()).ok()
    }

    /// The password itself, for the request and the redactor.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

/// CI systems leave the name of an undefined variable in place: `$KEY`,
/// `${KEY}`, `$(KEY)`, `${{ secrets.KEY }}`.
pub(crate) fn looks_unexpanded(text: &str) -> bool {
    text.starts_with('$')
}

/// Whether a key may travel to this address: over TLS, or not off this machine.
pub(crate) fn is_https_or_loopback(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.has_host(),
        "http" => match url.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOOK: &str =
        "https://hook.example.com/apps/fb5e5168-4281-4bec-94c5-0d1584e9e657/deploy/abcdefghijkl";

    #[test]
    fn secrets_do_not_print_themselves() {
        let token = ApiToken::parse("svl_0123456789").unwrap();
        let hook = HookUrl::parse(HOOK).unwrap();
        assert_eq!(format!("{token:?} {hook:?}"), "ApiToken(***) HookUrl(***)");
    }

    #[test]
    fn a_password_is_one_that_sevalla_takes() {
        let password = Password::parse("a?<>#@-=+9_").unwrap();
        assert_eq!(format!("{password:?}"), "Password(***)");
        for text in [
            "abcde",
            "success",
            "a b c d",
            "$PASSWORD",
            "schlüssel",
            &"x".repeat(101),
        ] {
            assert!(Password::parse(text).is_err(), "{text}");
        }
        let drawn = Password::drawn(|| "0123456789abcdef".repeat(2)).unwrap();
        assert_eq!(drawn.expose().len(), 32);
    }

    #[test]
    fn a_hook_tells_its_application() {
        let hook = HookUrl::parse(HOOK).unwrap();
        assert_eq!(
            hook.app_id().unwrap().to_string(),
            "fb5e5168-4281-4bec-94c5-0d1584e9e657"
        );
        assert!(
            HookUrl::parse("https://example.com/x")
                .unwrap()
                .app_id()
                .is_none()
        );
        assert!(HookUrl::parse("http://example.com/x").is_err());
        assert!(HookUrl::parse("$HOOK").is_err());
    }

    #[test]
    fn a_name_that_the_ci_left_in_place_is_not_a_key() {
        for text in [
            "$SEVALLA_TOKEN",
            "${TOKEN}",
            "$(Token)",
            "a b",
            "a\nb",
            "schlüssel",
        ] {
            assert!(ApiToken::parse(text).is_err(), "{text}");
        }
    }
}
