//! Names that platforms and runners of several programs put before a line. Pure.

use super::normalize::outdented;

/// Programs that `concurrently` and the like show by their name.
const PROGRAMS: &[&str] = &[
    "web", "server", "client", "api", "app", "worker", "frontend", "backend", "release", "run",
];

/// No name in front of a line is longer, in bytes.
const LONGEST_NAME: usize = 80;

/// The name before a line and the line: `web[1]: text`, `app[web.1]: text`,
/// `[APP/PROC/WEB/0] ERR text`, `[pod/web-1/web] text`, `[0] text`,
/// `Step #0 - "build": text`.
pub(super) fn named(text: &str) -> Option<(&str, &str)> {
    in_front(text)
        .or_else(|| in_brackets(text))
        .or_else(|| step(text))
        .or_else(|| of_journal(text))
}

/// What a step prints, as `BuildKit` shows it in a terminal: ` => => # text`
pub(super) fn in_terminal(text: &str) -> Option<&str> {
    outdented(text).strip_prefix("=> => # ")
}

/// What PHP prints, as servers show it: `[Sun Nov 29 10:00:00 2026] [php:error]
/// [pid 17] [client 10.0.0.1:5] text`, `[error] 7#7: *1 FastCGI sent in stderr:
/// "PHP message: text`, `WARNING: [pool www] child 7 said into stderr: "text`
pub(super) fn of_web_server(text: &str) -> Option<&str> {
    const DAYS: &[&str] = &["Sun ", "Mon ", "Tue ", "Wed ", "Thu ", "Fri ", "Sat "];
    // Nearly no line begins so.
    if !matches!(text.as_bytes().first()?, b'[' | b'W') {
        return None;
    }
    let quoted = |words: &str| text.split_once(words).map(|(_, rest)| rest);
    if text.starts_with("WARNING: [pool ") {
        return quoted(" said into stderr: \"").map(|rest| rest.trim_end_matches('"'));
    }
    if text.starts_with("[error] ") {
        let message = quoted(" FastCGI sent in stderr: \"")?;
        return message.split("\" while reading ").next();
    }
    let inside = text.strip_prefix('[')?;
    if !inside.get(..4).is_some_and(|day| DAYS.contains(&day)) {
        return None;
    }
    let (_, mut rest) = inside.split_once("] ")?;
    while let Some((_, after)) = rest
        .strip_prefix('[')
        .and_then(|text| text.split_once("] "))
    {
        rest = after;
    }
    Some(rest.strip_prefix("AH01071: Got error '").unwrap_or(rest))
}

/// `Mar 01 10:00:00 host till[12]: text`
fn of_journal(text: &str) -> Option<(&str, &str)> {
    const MONTHS: &[&str] = &[
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (month, rest) = text.split_at_checked(3)?;
    let rest = rest.strip_prefix(' ')?;
    if !MONTHS.contains(&month) {
        return None;
    }
    let (day, rest) = rest.trim_start().split_once(' ')?;
    let (time, rest) = rest.split_once(' ')?;
    let (_, rest) = rest.split_once(' ')?;
    let is_time = time.len() == 8 && time.bytes().all(|b| b.is_ascii_digit() || b == b':');
    in_front(rest).filter(|_| is_number(day) && is_time)
}

/// `web[1]: text`, `app[web.1]: text`, `web.1: text`, `app[d89] fra [info]text`
fn in_front(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = word(text)?;
    if let Some(name) = name.strip_suffix(':') {
        let named = name.strip_suffix(']').and_then(|name| name.split_once('['));
        if let Some((program, instance)) = named {
            let is_program = is_name(program) && program != "make" && is_instance(instance);
            return is_program.then_some((name, rest));
        }
        let (program, instance) = name.rsplit_once('.')?;
        let is_program = PROGRAMS.contains(&program) && is_number(instance);
        return is_program.then_some((name, rest));
    }
    let (program, machine) = name.strip_suffix(']')?.split_once('[')?;
    let (region, rest) = rest.split_once(" [")?;
    let (_, rest) = rest.split_once(']')?;
    let is_machine = is_name(program) && is_instance(machine);
    (is_machine && region.len() == 3).then(|| (name, rest.trim_start()))
}

/// The first word, if a sign ends it that ends a name.
fn word(text: &str) -> Option<(&str, &str)> {
    let space = memchr::memchr(b' ', text.as_bytes())?;
    let last = text.as_bytes().get(space.checked_sub(1)?)?;
    if !matches!(last, b':' | b']') {
        return None;
    }
    Some((text.get(..space)?, text.get(space + 1..)?))
}

/// `[APP/PROC/WEB/0] ERR text`, `[pod/web-1/web] text`, `[0] text`, `[web] text`,
/// `[web.1] text`
fn in_brackets(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix('[')?.split_once("] ")?;
    let instance = name.rsplit('/').next().filter(|_| name.contains('/'));
    let is_cell = instance.is_some_and(is_number)
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"/_-".contains(&b));
    if is_cell {
        let rest = rest.trim_start();
        let stream = ["ERR ", "OUT "]
            .iter()
            .find_map(|stream| rest.strip_prefix(stream));
        return Some((name, stream?));
    }
    let is_pod = name.starts_with("pod/") && name.bytes().all(|b| is_of_name(b) || b == b'/');
    let is_numbered = |(program, number)| PROGRAMS.contains(&program) && is_number(number);
    // Gunicorn puts the number of a process before the weight of a line.
    let is_program = (is_number(name) && !rest.starts_with('['))
        || PROGRAMS.contains(&name)
        || name.rsplit_once('.').is_some_and(is_numbered);
    (is_pod || is_program).then_some((name, rest))
}

/// `Step #0 - "build": text`
fn step(text: &str) -> Option<(&str, &str)> {
    let (number, rest) = text.strip_prefix("Step #")?.split_once(": ")?;
    let number = number
        .split_once(" - \"")
        .map_or(number, |(number, _)| number);
    is_number(number).then_some((number, rest))
}

fn is_number(text: &str) -> bool {
    (1..7).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_name(text: &str) -> bool {
    (1..40).contains(&text.len()) && text.bytes().all(is_of_name)
}

/// `1`, `web.1`, `d8925`, and the parts of a platform that have no number
fn is_instance(text: &str) -> bool {
    let is_lower = |b: u8| !b.is_ascii_uppercase();
    let is_it = is_name(text) && text.bytes().all(is_lower);
    is_it && text.bytes().any(|byte| byte.is_ascii_digit()) || matches!(text, "build" | "router")
}

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// What ends a name in front of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// ` | `
    Bar,
    /// `: `
    Colon,
}

/// What is before and behind the first of these signs; nothing if it is far from
/// the beginning, where no name ends. None of the names has the other sign.
pub(super) fn parted(text: &str) -> Option<(&str, Sign, &str)> {
    let bytes = text.as_bytes();
    let near = bytes.get(..LONGEST_NAME).unwrap_or(bytes);
    let mut found = memchr::memchr2_iter(b'|', b':', near);
    let at = found.find(|at| {
        let is_bar = bytes.get(*at) == Some(&b'|');
        let is_apart = !is_bar || (*at > 0 && bytes.get(at - 1) == Some(&b' '));
        is_apart && bytes.get(at + 1) == Some(&b' ')
    })?;
    let is_bar = bytes.get(at) == Some(&b'|');
    let (end, sign) = if is_bar {
        (at - 1, Sign::Bar)
    } else {
        (at, Sign::Colon)
    };
    Some((text.get(..end)?, sign, text.get(at + 2..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_put_before_messages_of_php_is_no_part_of_them() {
        let message = "PHP Fatal error:  no";
        for line in [
            "[Mon Nov 30 10:00:00.1 2026] [php:error] [pid 17] [client 10.0.0.1:5] {}",
            "[Mon Nov 30 10:00:00.1 2026] [proxy_fcgi:error] [pid 9:tid 1] AH01071: Got error '{}",
            "[error] 7#7: *1 FastCGI sent in stderr: \"{}",
            "WARNING: [pool www] child 7 said into stderr: \"{}\"",
        ] {
            let line = line.replace("{}", message);
            assert_eq!(of_web_server(&line), Some(message), "{line}");
        }
        assert_eq!(of_web_server("[error] 7#7: no such file"), None);
        assert_eq!(of_web_server("[Sunny] x"), None);
    }

    #[test]
    fn what_platforms_put_in_front_is_a_name() {
        for (line, rest) in [
            ("web[1]: bash: x", Some("bash: x")),
            ("app[web.1]: bash: x", Some("bash: x")),
            ("heroku[router]: at=error", Some("at=error")),
            ("app[build]:        bash: x", Some("       bash: x")),
            ("web.1: bash: x", Some("bash: x")),
            ("app[d8925] fra [info] bash: x", Some("bash: x")),
            ("[APP/PROC/WEB/0] ERR bash: x", Some("bash: x")),
            ("[APP/PROC/WEB/0]  OUT bash: x", Some("bash: x")),
            ("[CELL/0] OUT bash: x", Some("bash: x")),
            ("[pod/web-7d4/web] bash: x", Some("bash: x")),
            ("[1] bash: x", Some("bash: x")),
            ("[web] bash: x", Some("bash: x")),
            ("[web.1]     bash: x", Some("    bash: x")),
            ("Step #0 - \"build\": bash: x", Some("bash: x")),
            ("Mar  1 10:00:00 host till[12]: bash: x", Some("bash: x")),
            ("Mar 1 was a Sunday of rest", None),
            ("make[1]: *** [all] Error 2", None),
            ("[4/9] RUN npm ci", None),
            ("[vite:css] x", None),
            ("[ERROR] x", None),
            ("error[E0308]: x", None),
            ("items[0] is not set", None),
            ("x.1: y", None),
            ("Step 4/9 : RUN x", None),
        ] {
            assert_eq!(named(line).map(|(_, rest)| rest), rest, "{line}");
        }
    }
}
