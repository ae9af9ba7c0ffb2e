//! What GitHub's runner reads from the file of `GITHUB_OUTPUT` or
//! `GITHUB_ENV`: a port of its `FileCommandManager.cs`.

/// The pairs in their order, or why the runner fails the step. It keeps what
/// stands before the fault; here the whole file has to be right.
pub(crate) fn read(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut rest = text;
    while let Some((line, _)) = next_line(&mut rest) {
        if line.is_empty() {
            continue;
        }
        let equals = line.find('=').unwrap_or(usize::MAX);
        match line.split_once("<<") {
            Some((name, delimiter)) if name.len() < equals => {
                if name.is_empty() || delimiter.is_empty() {
                    return Err(format!("no name or no delimiter: {line}"));
                }
                let value = heredoc(&mut rest, delimiter)?;
                pairs.push((name.to_owned(), value));
            }
            _ => {
                let (name, value) = line
                    .split_once('=')
                    .ok_or_else(|| format!("neither = nor <<: {line}"))?;
                if name.is_empty() {
                    return Err(format!("no name: {line}"));
                }
                pairs.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    Ok(pairs)
}

/// The lines up to the one that equals the delimiter, without the last end.
fn heredoc(rest: &mut &str, delimiter: &str) -> Result<String, String> {
    let mut lines: Vec<&str> = Vec::new();
    loop {
        match next_line(rest) {
            Some((line, _)) if line == delimiter => return Ok(lines.join("\n")),
            Some((line, true)) => lines.push(line),
            Some((line, false)) => return Err(format!("no line end before the delimiter: {line}")),
            None => return Err(format!("the delimiter {delimiter} does not come")),
        }
    }
}

/// A line, and whether it has an end. Only `\n` is one: a `\r` stays.
fn next_line<'a>(rest: &mut &'a str) -> Option<(&'a str, bool)> {
    if rest.is_empty() {
        return None;
    }
    let (line, after, has_end) = match rest.split_once('\n') {
        Some((line, after)) => (line, after, true),
        None => (*rest, "", false),
    };
    *rest = after;
    Some((line, has_end))
}

#[test]
fn the_runner_reads_what_it_is_known_to_read() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        read("a=1\n\nb<<X\none\n\ntwo\r\nX\nc<<X\nX\nd=x<<y\ne<<=\nz\n="),
        Ok(vec![
            pair("a", "1"),
            pair("b", "one\n\ntwo\r"),
            pair("c", ""),
            pair("d", "x<<y"),
            pair("e", "z"),
        ])
    );
    for wrong in [
        "word",
        "=x",
        "<<X\nX\n",
        "a<<\n\n",
        "a<<X\nb",
        "a<<X\n XX\n",
    ] {
        assert!(read(wrong).is_err(), "{wrong:?}");
    }
    // What an injection looks like when the delimiter is known.
    assert_eq!(read("error<<X\nx\nX\npwned=1\ny<<X\nX\n").unwrap().len(), 3);
}
