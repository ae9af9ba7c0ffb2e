//! The hidden mark by which the comment of an application is found again.

/// Stands as the first line of the comment, where no page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker(String);

impl Marker {
    /// The mark of the comment about this application.
    pub fn of(app: &str) -> Self {
        // Nothing of the key may end the HTML comment that it stands in.
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || "._-".contains(*c);
        let key: String = app.chars().filter(is_plain).collect();
        Self(format!("<!-- sevalla-deploy:{key} -->"))
    }

    /// The line.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the text of a comment begins with the mark. One that only
    /// repeats ours further down is somebody's answer to it.
    pub fn begins(&self, text: &str) -> bool {
        text.trim_start().starts_with(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_application_has_its_own_mark_and_none_is_anothers_beginning() {
        let shop = Marker::of("shop");
        assert_eq!(shop.as_str(), "<!-- sevalla-deploy:shop -->");
        assert!(shop.begins("\n<!-- sevalla-deploy:shop -->\r\n### Ready"));
        assert!(!shop.begins("<!-- sevalla-deploy:shop-2 -->\n### Ready"));
        assert!(!shop.begins("> <!-- sevalla-deploy:shop -->\nLooks good"));
        let hostile = Marker::of("a --> @team\n<!--");
        assert_eq!(hostile.as_str(), "<!-- sevalla-deploy:a--team-- -->");
    }
}
