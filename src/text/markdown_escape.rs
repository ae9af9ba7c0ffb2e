//! Untrusted text inside Markdown: table cells, code spans, links and fences that
//! it cannot leave. Pure.

use crate::sanitize::Sanitizer;
use crate::text::truncate::shorten;

/// GitHub reads no code span with more than eighty backticks at its ends, and
/// counts those of a fence to 255: what should be code would be Markdown.
pub(crate) const MOST_BACKTICKS: usize = 30;

/// Text as a code span in a table cell: no bar may end the cell.
pub(crate) fn cell(text: &str) -> String {
    // A backslash of the text's own would take the meaning of ours.
    code(&text.replace("\\|", "\\ |").replace('|', "\\|"))
}

/// Text as a code span: no backtick may end it.
pub(crate) fn code(text: &str) -> String {
    let fence = "`".repeat(longest_run_of_backticks(text) + 1);
    if text.trim().is_empty() {
        return String::new();
    }
    // A space keeps a backtick at either end apart from the fence.
    format!("{fence} {text} {fence}")
}

/// Untrusted text for the functions of this module: sanitized, cut to so many bytes,
/// and without long runs of backticks.
pub(crate) fn markdown_text(text: &str, longest: usize, sanitizer: &Sanitizer) -> String {
    without_long_runs(shorten(sanitizer.line(text), longest, sanitizer).as_str())
}

/// The text with long runs of backticks parted.
fn without_long_runs(text: &str) -> String {
    if longest_run_of_backticks(text) <= MOST_BACKTICKS {
        return text.to_owned();
    }
    let run = "`".repeat(MOST_BACKTICKS);
    text.replace(&run, &format!("{run} "))
}

/// An address as a link, if nothing in it could mean anything else.
pub(crate) fn link(text: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ":/.-_~#?=%&+,".contains(c);
    let is_address = text.starts_with("https://") || text.starts_with("http://");
    (is_address && text.chars().all(is_plain)).then(|| format!("<{text}>"))
}

pub(crate) fn fenced(lines: &[String]) -> String {
    let longest = lines
        .iter()
        .map(|line| longest_run_of_backticks(line))
        .max();
    let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    format!("{fence}text\n{text}{fence}\n")
}

/// Markdown that is shown once somebody opens it; nothing without content.
pub(crate) fn folded(title: &'static str, parts: &[String]) -> String {
    let content = joined(parts);
    if content.is_empty() {
        return content;
    }
    format!("<details><summary>{title}</summary>\n\n{content}\n</details>\n")
}

/// Blocks with an empty line between them.
pub(crate) fn joined(parts: &[String]) -> String {
    let parts = parts.iter().map(|part| part.trim_end());
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return String::new();
    }
    format!("{}\n", parts.join("\n\n"))
}

pub(crate) fn longest_run_of_backticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_code_span_or_cell() {
        assert_eq!(code("plain"), "` plain `");
        assert_eq!(code("a ` b `` c"), "``` a ` b `` c ```");
        assert_eq!(code("a | b"), "` a | b `");
        assert_eq!(cell("a | b"), "` a \\| b `");
        assert_eq!(cell("a\\|b \\\\|"), "` a\\ \\|b \\\\ \\| `");
        assert_eq!(code("  "), "");
    }

    #[test]
    fn only_a_plain_address_is_a_link() {
        for text in [
            "https://a-b.c/d/1",
            "https://dev.azure.com/a/_build/results?buildId=1&view=results",
            "http://ci.local:8080/job/a%20b/1/",
        ] {
            assert_eq!(link(text), Some(format!("<{text}>")));
        }
        for text in [
            "javascript:x",
            "https://a@b.c",
            "https://a.b/|x",
            "https://a.b/)[x](y",
            "https://a.b> @team",
            "x",
        ] {
            assert_eq!(link(text), None, "{text}");
        }
    }

    #[test]
    fn runs_of_backticks_stay_below_what_the_host_can_count() {
        for length in [29, 30, 31, 80, 81, 255, 300] {
            let text = without_long_runs(&format!("a{}b", "`".repeat(length)));
            assert!(longest_run_of_backticks(&text) <= MOST_BACKTICKS);
            assert_eq!(text.replace(' ', "").len(), length + 2);
        }
    }

    #[test]
    fn what_is_folded_stands_apart_from_its_tags() {
        let parts = ["a\n".to_owned(), String::new(), "b".to_owned()];
        assert_eq!(joined(&parts), "a\n\nb\n");
        assert_eq!(
            folded("More", &parts),
            "<details><summary>More</summary>\n\na\n\nb\n\n</details>\n"
        );
        assert_eq!(folded("More", &[String::new()]), "");
    }

    #[test]
    fn text_cannot_close_its_fence() {
        let lines = ["````".to_owned(), "<img src=x>".to_owned()];
        let block = fenced(&lines);
        assert!(
            block.starts_with("`````text\n") && block.ends_with("\n`````\n"),
            "{block}"
        );
        assert!(fenced(&["x".to_owned()]).starts_with("```text\n"));
    }
}
