//! System names, made of display names.

/// Lower case, everything else a hyphen.
pub(crate) fn slug(display_name: &str) -> String {
    let name: String = display_name
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .take(58)
        .collect();
    let name = name.trim_matches('-');
    if name.is_empty() {
        "service".to_owned()
    } else {
        name.to_owned()
    }
}
