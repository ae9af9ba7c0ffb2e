//! What a program says is an error in a line of JSON. Pure.

/// The names of the fields, each in what loggers call it.
const LEVELS: &[&str] = &["level", "severity", "levelname", "log.level", "lvl"];
const MESSAGES: &[&str] = &["msg", "message", "event"];
const ERRORS: &[&str] = &["err", "error", "exception", "reason"];

/// The levels of errors; the numbers are those of Pino and Bunyan.
const OF_ERRORS: &[&str] = &[
    "error", "err", "fatal", "critical", "crit", "panic", "emerg", "alert", "severe", "50", "60",
];

/// The most fields that are looked at.
const MOST_FIELDS: usize = 64;

/// The message and the error of a line such as `{"level":"error","msg":"x"}`.
/// They stay as they are escaped: what is shown has been cleaned before.
pub(super) fn error_message(text: &str) -> Option<String> {
    let inside = text
        .strip_prefix('{')
        .filter(|rest| rest.starts_with('"'))?;
    let (mut level, mut message, mut error) = (None, None, None);
    let mut fields = Fields {
        rest: inside,
        depth: 1,
    };
    for (depth, key, value) in fields.by_ref().take(MOST_FIELDS) {
        let field = match key {
            key if depth == 1 && LEVELS.contains(&key) => &mut level,
            key if depth == 1 && MESSAGES.contains(&key) => &mut message,
            key if depth == 1 && ERRORS.contains(&key) => &mut error,
            // {"err":{"type":"Error","message":"x"}}
            "message" if depth == 2 => &mut error,
            _ => continue,
        };
        field.get_or_insert(value);
    }
    let level = level?;
    let is_error = OF_ERRORS.iter().any(|of| of.eq_ignore_ascii_case(level));
    let first_line = |text: &str| {
        text.split("\\n")
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let message = [message, error].into_iter().flatten().map(first_line);
    let mut message: Vec<String> = message.filter(|message| !message.is_empty()).collect();
    message.dedup();
    (is_error && !message.is_empty()).then(|| message.join(": "))
}

/// The message of such a line, of whatever level.
pub(super) fn message(text: &str) -> Option<&str> {
    let rest = text
        .strip_prefix('{')
        .filter(|rest| rest.starts_with('"'))?;
    let mut fields = Fields { rest, depth: 1 }.take(MOST_FIELDS);
    let found = fields.find(|(depth, key, _)| *depth == 1 && MESSAGES.contains(key));
    found.map(|(_, _, message)| message)
}

/// The fields of an object and of those in it: depth, key, value.
struct Fields<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (usize, &'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let mut key = None;
        loop {
            let at = self.rest.find(|c: char| !matches!(c, ',' | ':' | ' '))?;
            let text = self.rest.get(at..)?;
            let (value, rest) = match text.as_bytes().first()? {
                b'"' => string(text)?,
                b'{' | b'[' => {
                    self.depth += 1;
                    (self.rest, key) = (text.get(1..)?, None);
                    continue;
                }
                b'}' | b']' => {
                    self.depth = self.depth.checked_sub(1)?;
                    (self.rest, key) = (text.get(1..)?, None);
                    continue;
                }
                _ => {
                    let end = text.find([',', '}', ']', '"']).unwrap_or(text.len());
                    text.split_at_checked(end.max(1))?
                }
            };
            self.rest = rest;
            if rest.trim_start().starts_with(':') {
                key = Some(value);
            } else if let Some(key) = key {
                return Some((self.depth, key, value));
            }
        }
    }
}

/// The text between quotes, and what follows it.
fn string(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut is_escaped = false;
    let end = inside.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })?;
    Some((inside.get(..end)?, inside.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_what_its_message_says() {
        for (line, is) in [
            (r#"{"level":"error","msg":"no key"}"#, Some("no key")),
            (
                r#"{"ts":1.5,"level":"FATAL","msg":"no key"}"#,
                Some("no key"),
            ),
            (
                r#"{"severity":"ERROR","message":"a \"b\""}"#,
                Some(r#"a \"b\""#),
            ),
            (
                r#"{"level":"error","msg":"no store","err":"refused"}"#,
                Some("no store: refused"),
            ),
            (
                r#"{"level":60,"err":{"type":"Error","message":"refused"},"msg":"no store"}"#,
                Some("no store: refused"),
            ),
            (
                r#"{"tags":["a","b"],"level":"error","error":"x\n at y","message":"x"}"#,
                Some("x"),
            ),
            (r#"{"level":"error","msg":"cut of"#, None),
            (r#"{"level":"info","msg":"no error"}"#, None),
            (r#"{"level":"error"}"#, None),
            (r#"{"msg":"error"}"#, None),
            (r#"{"a":{"level":"error","msg":"x"}}"#, None),
            ("{ error }", None),
            ("{\"", None),
            ("", None),
        ] {
            assert_eq!(error_message(line).as_deref(), is, "{line}");
        }
    }
}
