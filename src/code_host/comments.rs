//! The one comment of an application on a change request: found by its
//! [`Marker`] and updated in place, or created once. The text is that of
//! [`crate::report`].

use reqwest::header::{HeaderMap, LINK};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::{COMMENTS_PAGE, CodeHost, CodeHostError, MOST_PAGES, Marker, PostedComment, Reason};
use crate::sanitize::SanitizedText;
use crate::text::markdown::cut_in_the_middle;

/// How often a comment is sent whose answer was lost and of which nothing is
/// to be found.
const MOST_CREATIONS: usize = 2;

/// The result of writing the comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// There was none yet.
    Created,
    /// The one that was there has the new text.
    Updated,
}

/// The preview apps that the comments of this program on one pull request name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptApps {
    /// The applications of comments with this run's mark.
    pub ours: Vec<Uuid>,
    /// The applications of comments with other marks.
    pub elsewhere: Vec<Uuid>,
}

/// A comment of this program, with the preview apps that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptComment {
    /// The key of its mark.
    pub key: String,
    /// The apps, each with the key of its own mark.
    pub apps: Vec<(String, Uuid)>,
    /// All of it.
    pub text: String,
}

impl KeptApps {
    /// Whether any comment names this app.
    pub fn contains(&self, app: Uuid) -> bool {
        self.ours.contains(&app) || self.elsewhere.contains(&app)
    }
}

impl CodeHost {
    /// Writes the text into the comment with this mark, and creates it if there
    /// is none. The text begins with the mark; what is too long for the host is
    /// cut in the middle.
    ///
    /// Two runs at once may each create one. Each looks again afterwards, and
    /// only the oldest stays.
    pub async fn put_comment(
        &self,
        number: u64,
        marker: &Marker,
        text: &SanitizedText,
    ) -> Result<Put, CodeHostError> {
        if self.update_comment(number, marker, text).await? {
            return Ok(Put::Updated);
        }
        let created = self.create_comment(number, marker, text).await?;
        // If that fails, the next text finds both.
        let found = self.find_comments(number, marker).await.unwrap_or_default();
        let is_younger =
            |oldest: &PostedComment| created.is_some_and(|created| created != oldest.id);
        if found.first().is_some_and(is_younger) {
            self.update_comment(number, marker, text).await?;
            return Ok(Put::Updated);
        }
        Ok(Put::Created)
    }

    /// Writes the text into the comment with this mark, and returns whether
    /// there is one. If there are several, the oldest gets the text, and the
    /// others are deleted.
    pub async fn update_comment(
        &self,
        number: u64,
        marker: &Marker,
        text: &SanitizedText,
    ) -> Result<bool, CodeHostError> {
        let mut found = self.find_comments(number, marker).await?.into_iter();
        let Some(old) = found.next() else {
            return Ok(false);
        };
        let text = self.fitting(&marker.in_place_of(&old.text, text.as_str()));
        self.send(&self.dialect.update_comment(number, old.id, &text))
            .await?;
        for younger in found {
            let call = self.dialect.delete_comment(number, younger.id);
            match self.send(&call).await {
                // Another run was quicker.
                Err(error) if error.reason != Reason::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(true)
    }

    /// The preview apps that the comments of this program on a pull request are
    /// about. Only comments count that are surely of the token's owner, or of a
    /// program where the token has no user.
    pub async fn kept_apps(&self, number: u64, marker: &Marker) -> Result<KeptApps, CodeHostError> {
        let all = self.kept_by_comments(number, |_| false).await?.into_iter();
        let all = all.flat_map(|comment| comment.apps);
        let (ours, elsewhere): (Vec<_>, Vec<_>) = all.partition(|(key, _)| marker.has_key(key));
        let apps = |kept: Vec<(String, Uuid)>| kept.into_iter().map(|(_, app)| app).collect();
        Ok(KeptApps {
            ours: apps(ours),
            elsewhere: apps(elsewhere),
        })
    }

    /// The comments of this program on a pull request, each with its key, and its
    /// apps with the keys of their marks. One without apps counts if its key is
    /// meant.
    pub async fn kept_by_comments(
        &self,
        number: u64,
        is_meant: impl Fn(&str) -> bool,
    ) -> Result<Vec<KeptComment>, CodeHostError> {
        let mut kept = Vec::new();
        let owner = OnceCell::new();
        self.each_page(number, async |comments| {
            for comment in comments {
                let Some(key) = Marker::key_of(&comment.text) else {
                    continue;
                };
                let apps = Marker::apps_in(&comment.text).map(|(key, app)| (key.to_owned(), app));
                let apps: Vec<_> = apps.collect();
                if apps.is_empty() && !is_meant(key) {
                    continue;
                }
                let owner = owner.get_or_try_init(|| self.owner()).await?.as_deref();
                if is_surely_ours(&comment, owner) {
                    kept.push(KeptComment {
                        key: key.to_owned(),
                        apps,
                        text: comment.text,
                    });
                }
            }
            Ok(true)
        })
        .await?;
        Ok(kept)
    }

    /// Creates the comment, and gives its id where the answer has it. When the
    /// answer is lost, looks whether it is there before sending it again.
    async fn create_comment(
        &self,
        number: u64,
        marker: &Marker,
        text: &SanitizedText,
    ) -> Result<Option<u64>, CodeHostError> {
        let call = self
            .dialect
            .create_comment(number, &self.fitting(text.as_str()));
        let mut sent = 1;
        loop {
            let error = match self.send(&call).await {
                Ok(answer) => return Ok(self.dialect.read_created(&answer.body).ok()),
                Err(error) => error,
            };
            if !error.reason.is_lost() {
                return Err(error);
            }
            match self.find_comments(number, marker).await {
                Ok(found) if !found.is_empty() => return Ok(None),
                Ok(_) if sent < MOST_CREATIONS => sent += 1,
                Ok(_) | Err(_) => return Err(error),
            }
        }
    }

    /// The comments with this mark that are ours, oldest first: those of the
    /// first page that has any. Only two runs at once leave more than one, and
    /// those stand together.
    async fn find_comments(
        &self,
        number: u64,
        marker: &Marker,
    ) -> Result<Vec<PostedComment>, CodeHostError> {
        let owner = OnceCell::new();
        let mut found = Vec::new();
        self.each_page(number, async |comments| {
            for comment in comments {
                if !marker.begins(&comment.text) {
                    continue;
                }
                let owner = owner.get_or_try_init(|| self.owner()).await?.as_deref();
                // A second one is deleted, for which a guess is not enough.
                let is_first = found.is_empty();
                if is_first && is_ours(&comment, owner) || is_surely_ours(&comment, owner) {
                    found.push(comment);
                }
            }
            Ok(found.is_empty())
        })
        .await?;
        Ok(found)
    }

    /// Reads the comments page by page, oldest first, as long as `wants_more`
    /// says so.
    async fn each_page(
        &self,
        number: u64,
        mut wants_more: impl AsyncFnMut(Vec<PostedComment>) -> Result<bool, CodeHostError>,
    ) -> Result<(), CodeHostError> {
        for page in 1..=MOST_PAGES {
            let call = self.dialect.comments(number, page);
            let answer = self.send(&call).await?;
            let comments = self.dialect.read_comments(&answer.body);
            let comments = comments.map_err(|error| self.unreadable(&call, &error))?;
            let has_more = has_more(&answer.headers, comments.count);
            if !wants_more(comments.entries).await? || !has_more {
                return Ok(());
            }
        }
        let doing = self.dialect.comments(number, 1).doing;
        let reason = Reason::TooManyComments;
        Err(CodeHostError::of(doing, self.dialect.as_ref(), reason))
    }

    /// The owner of the token, unless the token may not read that: the token of
    /// a GitHub job belongs to no user.
    async fn owner(&self) -> Result<Option<String>, CodeHostError> {
        let call = self.dialect.owner();
        match self.send(&call).await {
            Ok(answer) => {
                let owner = self.dialect.read_owner(&answer.body);
                owner
                    .map(Some)
                    .map_err(|error| self.unreadable(&call, &error))
            }
            Err(error) => match error.reason {
                Reason::TokenRefused(_) | Reason::NotPermitted(_) | Reason::NotFound => Ok(None),
                _ => Err(error),
            },
        }
    }

    fn fitting(&self, text: &str) -> String {
        cut_in_the_middle(text, self.dialect.longest_comment())
    }
}

/// Whether we wrote a comment with our mark, as far as can be known. Anybody
/// can write the mark, but a person's comment is not ours to change.
fn is_ours(comment: &PostedComment, owner: Option<&str>) -> bool {
    match (owner, &comment.author) {
        (_, None) => false,
        (Some(owner), Some(author)) => author.eq_ignore_ascii_case(owner),
        (None, Some(_)) => comment.is_by_program != Some(false),
    }
}

/// Whether we certainly wrote a comment: one that decides which application is
/// deployed or deleted, or that is deleted itself.
fn is_surely_ours(comment: &PostedComment, owner: Option<&str>) -> bool {
    let is_known = owner.is_some() || comment.is_by_program == Some(true);
    is_known && is_ours(comment, owner)
}

/// Whether a page has another after it. Only that is taken from the answer;
/// the address of the next is made by us, or the token could be sent anywhere.
pub(super) fn has_more(headers: &HeaderMap, count: usize) -> bool {
    let links: Vec<&str> = headers
        .get_all(LINK)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    if links.is_empty() {
        // A proxy may have taken them.
        return count >= COMMENTS_PAGE;
    }
    links
        .iter()
        .flat_map(|value| value.split([',', ';']))
        .any(|part| matches!(part.trim(), "rel=\"next\"" | "rel=next"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_may_have_written_is_ours() {
        let comment = |author: Option<&str>, is_by_program| PostedComment {
            id: 1,
            text: String::new(),
            author: author.map(str::to_owned),
            is_by_program,
        };
        for (comment, owner, is) in [
            (comment(Some("Octocat"), Some(false)), Some("octocat"), true),
            (
                comment(Some("mallory"), Some(false)),
                Some("octocat"),
                false,
            ),
            (comment(Some("github-actions[bot]"), Some(true)), None, true),
            (comment(Some("mallory"), Some(false)), None, false),
            (comment(Some("somebody"), None), None, true),
            (comment(None, None), None, false),
            (comment(None, None), Some("octocat"), false),
        ] {
            assert_eq!(is_ours(&comment, owner), is, "{:?}", comment.author);
        }
    }

    #[test]
    fn another_page_is_known_by_the_link_to_it() {
        let link = "<https://api.github.com/repositories/1/issues/12/comments?page=2>; rel=";
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(LINK, value.parse().unwrap());
            headers
        };
        assert!(has_more(
            &with(&format!("{link}\"next\", {link}\"last\"")),
            1
        ));
        assert!(has_more(&with(&format!("{link}next")), 1));
        assert!(!has_more(
            &with(&format!("{link}\"prev\", {link}\"first\"")),
            COMMENTS_PAGE
        ));
        assert!(has_more(&HeaderMap::new(), COMMENTS_PAGE));
        assert!(!has_more(&HeaderMap::new(), COMMENTS_PAGE - 1));
    }
}
