//! How each host reads what it is given: ports of its own rules, from its
//! source or its documentation.

use std::collections::BTreeMap;

/// A command of Azure Pipelines, or a message of TeamCity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) name: String,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) data: String,
}

/// What Azure's agent obeys in a line: `Command.cs` and
/// `CommandStringConvertor.cs`, with `DECODE_PERCENTS` as it is by default; and
/// what its page makes of a line's beginning. Case counts for nothing here,
/// which is stricter.
pub(crate) fn azure(line: &str) -> Option<Command> {
    // In lower case only where that changes no place.
    let lower = line.to_ascii_lowercase();
    if let Some(prefix) = lower.find("##vso[") {
        let bracket = prefix + line[prefix..].find(']')?;
        let info = &line[prefix + "##vso[".len()..bracket];
        let (name, properties) = info.split_once(' ').unwrap_or((info, ""));
        let parts: Vec<&str> = name.split('.').filter(|part| !part.is_empty()).collect();
        if parts.len() != 2 {
            return None;
        }
        let properties = properties
            .split(';')
            .filter_map(|property| property.split_once('='))
            .filter(|(key, value)| !key.is_empty() && !value.is_empty())
            .map(|(key, value)| (key.to_lowercase(), azure_unescaped(value)))
            .collect();
        return Some(Command {
            name: parts.join(".").to_lowercase(),
            properties,
            data: azure_unescaped(&line[bracket + 1..]),
        });
    }
    let (name, data) = line.trim_start().strip_prefix("##[")?.split_once(']')?;
    Some(Command {
        name: name.to_lowercase(),
        properties: BTreeMap::new(),
        data: data.to_owned(),
    })
}

fn azure_unescaped(text: &str) -> String {
    text.replace("%3B", ";")
        .replace("%0D", "\r")
        .replace("%0A", "\n")
        .replace("%5D", "]")
        .replace("%AZP25", "%")
}

/// What TeamCity's agent obeys in a line: the formal description on the page
/// "Service messages". Stricter: text may stand before it, in any case.
pub(crate) fn teamcity(line: &str) -> Option<Command> {
    let start = line.to_ascii_lowercase().find("##teamcity[")?;
    let mut rest = &line[start + "##teamcity[".len()..];
    let end = rest.find([' ', '\t', ']'])?;
    let name = rest[..end].to_owned();
    rest = &rest[end..];
    let mut properties = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        if rest.starts_with(']') {
            return Some(Command {
                name,
                properties,
                data: String::new(),
            });
        }
        let (key, after) = rest.split_once('=')?;
        let (value, after) = teamcity_value(after.trim_start().strip_prefix('\'')?)?;
        properties.insert(key.trim_end().to_owned(), value);
        rest = after;
    }
}

/// The value up to its quote, and what follows.
fn teamcity_value(text: &str) -> Option<(String, &str)> {
    let mut units: Vec<u16> = Vec::new();
    let mut signs = text.chars();
    loop {
        let c = match signs.next()? {
            '\'' => return Some((String::from_utf16_lossy(&units), signs.as_str())),
            '|' => match signs.next()? {
                'n' => '\n',
                'r' => '\r',
                '0' => {
                    let digits = signs.as_str().strip_prefix('x')?.get(..4)?;
                    units.push(u16::from_str_radix(digits, 16).ok()?);
                    signs = signs.as_str()[5..].chars();
                    continue;
                }
                c @ ('|' | '\'' | '[' | ']') => c,
                _ => return None,
            },
            '[' | ']' | '\n' | '\r' => return None,
            c => c,
        };
        units.extend(c.encode_utf16(&mut [0; 2]).iter());
    }
}

/// A mark of GitLab's sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) is_start: bool,
    pub(crate) time: i64,
    pub(crate) name: String,
    /// `collapsed=true`, where it stands there.
    pub(crate) options: String,
}

/// GitLab's sections in a stream, and the stream without them: the regular
/// expression `section_(start|end):\d+:[a-zA-Z0-9_.-]+(\[options\])?\r\e[0K`,
/// and the erasing before it.
pub(crate) fn gitlab(stream: &str) -> (Vec<Section>, String) {
    let mut sections = Vec::new();
    let mut left = String::new();
    let mut rest = stream;
    while let Some(at) = rest.find("section_") {
        let (before, from) = rest.split_at(at);
        if let Some((section, after)) = gitlab_section(from) {
            left.push_str(before.strip_suffix("\u{1b}[0K").unwrap_or(before));
            sections.push(section);
            rest = after;
        } else {
            left.push_str(before);
            left.push_str("section_");
            rest = &from["section_".len()..];
        }
    }
    left.push_str(rest);
    (sections, left)
}

fn gitlab_section(text: &str) -> Option<(Section, &str)> {
    let (is_start, rest) = match text.strip_prefix("section_start:") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix("section_end:")?),
    };
    let (time, rest) = rest.split_once(':')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let end = rest.find(|c| !is_name(c))?;
    let (name, rest) = rest.split_at(end);
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let is_option = |option: &str| matches!(option.trim().split_once('='), Some((a, b)) if !a.is_empty() && !b.is_empty());
    if name.is_empty() || !(options.is_empty() || options.split(',').all(is_option)) {
        return None;
    }
    let section = Section {
        is_start,
        time: time.parse().ok()?,
        name: name.to_owned(),
        options: options.to_owned(),
    };
    Some((section, rest.strip_prefix("\r\u{1b}[0K")?))
}

/// The variables that GitLab makes of a dotenv report, or why it refuses it:
/// `parse_dotenv_artifact_service.rb`.
pub(crate) fn dotenv(text: &str) -> Result<BTreeMap<String, String>, String> {
    if text.len() >= 5 * 1024 {
        return Err("too big".to_owned());
    }
    let variables = list(text)?;
    if variables.len() > 20 {
        return Err("too many variables".to_owned());
    }
    Ok(variables)
}

/// Lines `NAME=value`, as GitLab's service and Bitbucket's documentation have
/// them. Stricter: no value that a host or a shell would read as something
/// else.
pub(crate) fn list(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut variables = BTreeMap::new();
    for line in text.split_inclusive('\n') {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let (key, value) = line
            .split_once('=')
            .ok_or_else(|| format!("invalid format: {line:?}"))?;
        let is_key = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if key.is_empty() || !key.chars().all(is_key) {
            return Err(format!("invalid key: {key:?}"));
        }
        if value.contains(|c: char| {
            c.is_whitespace() || c.is_control() || "'\"`$\\;&|<>()#*?[]{}!~".contains(c)
        }) {
            return Err(format!("not read as it is: {value:?}"));
        }
        if variables.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(format!("twice: {key}"));
        }
    }
    Ok(variables)
}

/// The variables that bash exports when it runs a script that does nothing
/// else, or why it would do something else. Quoting as in "Quoting" of its
/// manual.
pub(crate) fn bash(script: &str) -> Result<BTreeMap<String, String>, String> {
    let mut variables = BTreeMap::new();
    let mut rest = script;
    while !rest.is_empty() {
        let (name, after) = rest
            .strip_prefix("export ")
            .and_then(|rest| rest.split_once('='))
            .ok_or_else(|| format!("another command: {rest:?}"))?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.chars().all(is_name) {
            return Err(format!("no name: {name:?}"));
        }
        let mut value = String::new();
        let mut signs = after.chars();
        loop {
            match signs.next() {
                None => return Err("a line without its end".to_owned()),
                Some('\n') => break,
                Some('\'') => {
                    let (inside, after) = signs
                        .as_str()
                        .split_once('\'')
                        .ok_or("a quote that is not closed")?;
                    value.push_str(inside);
                    signs = after.chars();
                }
                Some('\\') => match signs.next() {
                    Some('\n') => {}
                    Some(c) => value.push(c),
                    None => return Err("a line without its end".to_owned()),
                },
                Some(c) if c.is_ascii_alphanumeric() || "_./:@%+,=-".contains(c) => value.push(c),
                Some(c) => return Err(format!("{c:?} outside of quotes")),
            }
        }
        if value.contains('\0') {
            return Err("bash drops a null byte".to_owned());
        }
        variables.insert(name.to_owned(), value);
        rest = signs.as_str();
    }
    Ok(variables)
}

/// The properties as `java.util.Properties.load` describes its own reading.
pub(crate) fn properties(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut read = BTreeMap::new();
    let mut lines = text.split(['\n', '\r']);
    let blank = |c: char| matches!(c, ' ' | '\t' | '\u{c}');
    while let Some(line) = lines.next() {
        let mut line = line.trim_start_matches(blank).to_owned();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        // An odd number of backslashes at the end joins the next line.
        while (line.len() - line.trim_end_matches('\\').len()) % 2 == 1 {
            line.pop();
            line.push_str(lines.next().unwrap_or_default().trim_start_matches(blank));
        }
        if !line.is_ascii() {
            return Err(format!("would be read as Latin-1: {line:?}"));
        }
        let mut is_escaped = false;
        let end = line.find(|c: char| {
            let ends = !is_escaped && (matches!(c, '=' | ':') || blank(c));
            is_escaped = !is_escaped && c == '\\';
            ends
        });
        let (key, rest) = line.split_at(end.unwrap_or(line.len()));
        let rest = rest.trim_start_matches(blank);
        let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
        let value = properties_unescaped(rest.trim_start_matches(blank))?;
        if read.insert(properties_unescaped(key)?, value).is_some() {
            return Err(format!("twice: {key}"));
        }
    }
    Ok(read)
}

fn properties_unescaped(text: &str) -> Result<String, String> {
    let mut units: Vec<u16> = Vec::new();
    let mut signs = text.chars();
    while let Some(c) = signs.next() {
        let c = match c {
            '\\' => match signs.next().ok_or("nothing after a backslash")? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'f' => '\u{c}',
                'u' => {
                    let digits = signs.as_str().get(..4).ok_or("a short \\u")?;
                    units.push(u16::from_str_radix(digits, 16).map_err(|e| e.to_string())?);
                    signs = signs.as_str()[4..].chars();
                    continue;
                }
                c => c,
            },
            c => c,
        };
        units.extend(c.encode_utf16(&mut [0; 2]).iter());
    }
    String::from_utf16(&units).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    }

    #[test]
    fn azure_reads_commands_anywhere_in_a_line() {
        let command = azure("x ##VSO[Task.SetVariable variable=A%3B;isOutput=true]b%5D%AZP250A");
        assert_eq!(
            command.unwrap(),
            Command {
                name: "task.setvariable".to_owned(),
                properties: pairs(&[("variable", "A;"), ("isoutput", "true")]),
                data: "b]%0A".to_owned(),
            }
        );
        assert_eq!(azure("##[group]a b").unwrap().name, "group");
        for line in ["##vso[task]x", "##vso[a.b", "# #vso[a.b]c", "a ##[group]"] {
            assert_eq!(azure(line), None, "{line}");
        }
    }

    #[test]
    fn teamcity_reads_attributes() {
        let read = teamcity("##teamcity[message text='a|'|n|[|]|||0x00E9' status = 'ERROR' ]");
        let expected = pairs(&[("text", "a'\n[]|é"), ("status", "ERROR")]);
        assert_eq!(read.unwrap().properties, expected);
        assert_eq!(teamcity("x ##TeamCity[a]").unwrap().name, "a");
        for line in [
            "##teamcity[a b='c",
            "##teamcity[a b='c]']",
            "# #teamcity[a]",
        ] {
            assert_eq!(teamcity(line), None, "{line}");
        }
    }

    #[test]
    fn gitlab_reads_sections_between_their_marks() {
        let stream = "a\n\u{1b}[0Ksection_start:17:b.c[collapsed=true]\r\u{1b}[0KTitle\nx\n\
                      \u{1b}[0Ksection_end:18:b.c\r\u{1b}[0K\n";
        let (sections, left) = gitlab(stream);
        assert_eq!(left, "a\nTitle\nx\n\n");
        assert_eq!(sections.len(), 2);
        assert_eq!(sections[0].options, "collapsed=true");
        assert_eq!((sections[1].is_start, sections[1].time), (false, 18));
        for text in [
            "section_start:1:a\n",
            "section_start:x:a\r\u{1b}[0K",
            "section_start:1:a b\r\u{1b}[0K",
        ] {
            assert_eq!(gitlab(text), (vec![], text.to_owned()));
        }
    }

    #[test]
    fn gitlab_reads_a_report() {
        assert_eq!(dotenv("A=b\nC=\n"), Ok(pairs(&[("A", "b"), ("C", "")])));
        for text in ["", "A=x=y"] {
            assert!(dotenv(text).is_ok(), "{text:?}");
        }
        for text in [
            "\n", "A", "A=b c", "A='b'", "A=$B", "A-B=c", "A=b\nA=c", "A=é\t",
        ] {
            assert!(dotenv(text).is_err(), "{text:?}");
        }
        assert!(dotenv(&format!("A={}", "x".repeat(5 * 1024))).is_err());
    }

    #[test]
    fn bash_reads_words() {
        let script = "export A='b c'\nexport D='it'\\''s\n$(x)'\n";
        assert_eq!(
            bash(script),
            Ok(pairs(&[("A", "b c"), ("D", "it's\n$(x)")]))
        );
        for script in [
            "export A=b; rm",
            "export A=$B\n",
            "export A='b\n",
            "export A=b",
            "rm\n",
            "export A='b'\nrm\n",
        ] {
            assert!(bash(script).is_err(), "{script:?}");
        }
    }

    #[test]
    fn java_reads_properties() {
        assert_eq!(
            properties("# c\n  a = b\\nc\\u00E9\nd:\\ e\\\\\nf\\=g h\ni=j\\\n   k\n"),
            Ok(pairs(&[
                ("a", "b\ncé"),
                ("d", " e\\"),
                ("f=g", "h"),
                ("i", "jk"),
            ]))
        );
        assert!(properties("a=\\u12").is_err());
        assert!(properties("a=é").is_err());
    }
}
