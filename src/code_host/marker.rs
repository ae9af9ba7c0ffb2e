//! [`Marker`]: the hidden mark by which the comment of an application is found
//! again. Made by the preview actions, read in [`super::comments`].

use uuid::Uuid;

const START: &str = "<!-- sevalla-deploy:";

/// The first line of the comment, which no page shows: a key, and the
/// application that the comment is about, once that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    line: String,
    /// What the comment is known by.
    known_by: KnownBy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum KnownBy {
    Key(String),
    App(Uuid),
}

impl Marker {
    /// The mark of the comment with this key.
    pub fn of(key: &str) -> Self {
        // Nothing in the key may end the HTML comment around it.
        let key: String = key.chars().filter(|c| is_plain(*c)).collect();
        Self {
            line: format!("{START}{key} -->"),
            known_by: KnownBy::Key(key),
        }
    }

    /// The mark of the comment about all of these, in any order. Different ones have
    /// different marks, whatever characters are in them.
    pub fn of_all(key: &str, parts: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let escaped = |c: char| match c {
            c if c.is_ascii_alphanumeric() || c == '-' => c.to_string(),
            c => format!("_{:x}_", u32::from(c)),
        };
        let parts = parts.into_iter();
        let parts = parts.map(|part| part.as_ref().chars().map(escaped).collect::<String>());
        let mut parts: Vec<String> = parts.collect();
        parts.sort_unstable();
        Self::of(&format!("{key}.{}", parts.join(".")))
    }

    /// The mark of the comment about this application, whatever its key.
    pub fn of_app(app: Uuid) -> Self {
        Self {
            line: format!("{START} app:{app} -->"),
            known_by: KnownBy::App(app),
        }
    }

    /// With the application that the comment is about.
    #[must_use]
    pub fn about(mut self, app: Uuid) -> Self {
        if let KnownBy::Key(key) = &self.known_by {
            self.line = format!("{START}{key} app:{app} -->");
        }
        self
    }

    /// Whether this is the key of the mark.
    pub(super) fn has_key(&self, key: &str) -> bool {
        matches!(&self.known_by, KnownBy::Key(ours) if ours == key)
    }

    /// The line.
    pub fn as_str(&self) -> &str {
        &self.line
    }

    /// Whether the text of a comment begins with the mark. One that only
    /// repeats ours further down is somebody's answer to it.
    pub fn begins(&self, text: &str) -> bool {
        read(text).is_some_and(|(key, app)| match &self.known_by {
            KnownBy::Key(ours) => key == ours,
            KnownBy::App(ours) => app == Some(*ours),
        })
    }

    /// The key of the mark that the text of a comment begins with.
    pub(super) fn key_of(text: &str) -> Option<&str> {
        read(text).map(|(key, _)| key)
    }

    /// The applications that the text of a comment is about, each with its key:
    /// those of the marks that it begins with. The comment of a stack has several.
    pub(super) fn apps_in(text: &str) -> impl Iterator<Item = (&str, Uuid)> {
        let lines = text.trim_start().lines();
        let marks = lines.map_while(read);
        marks.filter_map(|(key, app)| Some((key, app?)))
    }

    /// A text with this mark, to take the place of one: it keeps the key by
    /// which that is found again.
    pub(super) fn in_place_of(&self, old: &str, new: &str) -> String {
        let (KnownBy::App(app), Some((key, _))) = (&self.known_by, read(old)) else {
            return new.to_owned();
        };
        new.replacen(&self.line, Self::of(key).about(*app).as_str(), 1)
    }
}

/// The key of a text with a mark, and the application it is about.
fn read(text: &str) -> Option<(&str, Option<Uuid>)> {
    let line = text.trim_start().lines().next()?.trim_end();
    let inner = line.strip_prefix(START)?.strip_suffix(" -->")?;
    let (key, app) = match inner.split_once(" app:") {
        Some((key, app)) => (key, Some(app.parse().ok()?)),
        None => (inner, None),
    };
    key.chars().all(is_plain).then_some((key, app))
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-".contains(c)
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

    #[test]
    fn lists_of_different_names_have_different_marks() {
        let of = |names: &[&str]| Marker::of_all("stack", names).as_str().to_owned();
        assert_eq!(of(&["b-1", "a"]), "<!-- sevalla-deploy:stack.a.b-1 -->");
        assert_eq!(of(&["b-1", "a"]), of(&["a", "b-1"]));
        let all = [
            of(&["ä"]),
            of(&["ö"]),
            of(&["a.b"]),
            of(&["a", "b"]),
            of(&["_e4_"]),
            of(&["a b"]),
            of(&["ab"]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one), "{one}");
            assert!(read(one).is_some(), "{one}");
        }
    }

    #[test]
    fn a_comment_is_found_by_the_application_too_and_keeps_its_key() {
        let (app, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let text = format!("{}\nReady", Marker::of("shop").about(app).as_str());
        assert!(Marker::of("shop").begins(&text));
        assert!(Marker::of_app(app).begins(&text));
        assert!(!Marker::of_app(other).begins(&text));
        assert!(!Marker::of_app(app).begins("<!-- sevalla-deploy:shop -->\nReady"));
        let hostile = format!("<!-- sevalla-deploy:x --> @team <!-- app:{app} -->");
        assert!(!Marker::of_app(app).begins(&hostile));
        let marker = Marker::of_app(app);
        let new = format!("{}\nDeleted", marker.as_str());
        assert_eq!(
            marker.in_place_of(&text, &new),
            text.replace("Ready", "Deleted")
        );
    }
}
