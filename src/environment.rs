//! Environment variables as they came: every value, and those that cannot be read.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

/// Environment variables by name.
///
/// A variable that cannot be read is kept as such: it matters only when it is
/// one of ours, and must not disturb the run when it is not.
#[derive(Debug, Clone, Default)]
pub struct Variables(BTreeMap<String, Result<String, UnreadableValue>>);

/// Why a variable has no value that can be read, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableValue(pub String);

impl fmt::Display for UnreadableValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Variables {
    /// These variables with the inputs that the arguments give, under the names of their
    /// options (`--app-id`).
    #[must_use]
    pub fn with_options(mut self, options: Vec<(String, OsString)>) -> Self {
        // A variable can have such a name too, and is no argument.
        self.0.retain(|name, _| !name.starts_with("--"));
        self.0.extend(options.into_iter().map(read));
        self
    }

    /// Puts another value in the place of that of `name`.
    pub fn replace(&mut self, name: &str, value: Result<String, UnreadableValue>) {
        self.0.insert(name.to_owned(), value);
    }

    /// The value of `name`, without surrounding white space; `None` when it is
    /// absent or blank, which a CI makes of every input that was not given.
    pub fn given(&self, name: &str) -> Option<Result<&str, &UnreadableValue>> {
        match self.0.get(name)? {
            Ok(value) => Some(value.trim()).filter(|value| !value.is_empty()).map(Ok),
            Err(error) => Some(Err(error)),
        }
    }

    /// The value of `name` if it is given and readable.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.given(name)?.ok()
    }

    /// The names of all variables that are given, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0
            .keys()
            .map(String::as_str)
            .filter(|name| self.given(name).is_some())
    }
}

fn read((name, value): (String, OsString)) -> (String, Result<String, UnreadableValue>) {
    let not_utf8 = |_| UnreadableValue("the value is not UTF-8 text".to_owned());
    (name, value.into_string().map_err(not_utf8))
}

impl FromIterator<(OsString, OsString)> for Variables {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(pairs: I) -> Self {
        let readable = pairs
            .into_iter()
            .filter_map(|(name, value)| Some(read((name.into_string().ok()?, value))));
        let mut variables = Self::default();
        variables.0.extend(readable);
        variables
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Variables {
    fn from(pairs: [(&str, &str); N]) -> Self {
        pairs
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }
}
