//! Markdown as text that has a limit. Pure.

/// Leaves out lines in the middle. A fence that is open there is closed before
/// the note and opened again behind it: it must not swallow the rest, nor may
/// what stood in it be read as Markdown.
pub(crate) fn cut_in_the_middle(markdown: &str, longest: usize) -> String {
    const NOTE: &str = "\n… cut here: the text was too long …\n\n";
    if markdown.len() <= longest {
        return markdown.to_owned();
    }
    let lines: Vec<&str> = markdown.split_inclusive('\n').collect();
    let fences = fences(&lines);
    let longest_fence = fences.iter().flatten().map(|fence| fence.len()).max();
    // An open fence is repeated, closed, and opened again.
    let half = longest.saturating_sub(NOTE.len() + 3 * longest_fence.unwrap_or(0) + 4) / 2;
    let fitting = |length: &mut usize, line: &&str| {
        *length += line.len();
        (*length <= half).then_some(())
    };
    let head = lines.iter().scan(0, fitting).count();
    let tail = lines.len() - lines.iter().rev().scan(0, fitting).count();
    let fence_at = |line: usize| fences.get(line).copied().flatten();
    let mut text = lines.get(..head).unwrap_or_default().concat();
    if let Some(fence) = fence_at(head) {
        let ticks = fence.trim_end_matches(|c| c != '`');
        text.push_str(&format!("{ticks}\n"));
    }
    text.push_str(NOTE);
    if let Some(fence) = fence_at(tail) {
        text.push_str(fence);
    }
    text.push_str(&lines.get(tail..).unwrap_or_default().concat());
    text
}

/// For each line, the fence that is open before it: the line that opened it.
fn fences<'a>(lines: &[&'a str]) -> Vec<Option<&'a str>> {
    let ticks = |line: &str| line.len() - line.trim_start_matches('`').len();
    let mut open: Option<&str> = None;
    let mut all = Vec::with_capacity(lines.len());
    for line in lines {
        all.push(open);
        let after = line.trim_start_matches('`');
        match open {
            Some(fence) if ticks(line) >= ticks(fence) && after.trim().is_empty() => open = None,
            None if ticks(line) >= 3 && !after.contains('`') => open = Some(line),
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_long_a_text_keeps_its_beginning_and_end() {
        let text = format!("begin\n{}end", "ü\n".repeat(5000));
        let cut = cut_in_the_middle(&text, 1000);
        assert!(cut.len() <= 1000 && cut.starts_with("begin\n") && cut.ends_with("ü\nend"));
        assert!(cut.contains("cut here"));
        let one_line = cut_in_the_middle(&"x".repeat(5000), 1000);
        assert!(one_line.contains("cut here") && one_line.len() < 100);
    }

    #[test]
    fn a_fence_that_is_cut_is_closed_and_opened_again() {
        let text = format!("a\n````text\n{}````\nend\n", "@team ```\n".repeat(500));
        for longest in 100..300 {
            let cut = cut_in_the_middle(&text, longest);
            assert!(cut.len() <= longest, "{cut}");
            let lines: Vec<&str> = cut.split_inclusive('\n').collect();
            for (line, fence) in lines.iter().zip(fences(&lines)) {
                let is_code = line.starts_with("@team");
                assert!(!is_code || fence.is_some(), "{longest}: {cut}");
                let is_ours = line.contains("cut here") || line.starts_with("end");
                assert!(!is_ours || fence.is_none(), "{longest}: {cut}");
            }
        }
    }
}
