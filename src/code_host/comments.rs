//! The one comment of an application on a change request: found by its mark
//! and updated in place, or created once.

use reqwest::header::{HeaderMap, LINK};

use super::{COMMENTS_PAGE, MOST_PAGES};
use super::{CodeHost, CodeHostError, Comment, Marker, Reason};
use crate::markdown::cut_in_the_middle;
use crate::shown::Block;

/// How often a comment is sent whose answer was lost and of which nothing is
/// to be found.
const MOST_CREATIONS: usize = 2;

/// What became of the comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// There was none yet.
    Created,
    /// The one that was there has the new text.
    Updated,
}

impl CodeHost {
    /// Writes the text into the comment with this mark, and creates it if there
    /// is none. The text begins with the mark; what is too long for the host is
    /// cut in the middle.
    pub async fn put_comment(
        &self,
        number: u64,
        marker: &Marker,
        text: &Block,
    ) -> Result<Put, CodeHostError> {
        if self.update_comment(number, marker, text).await? {
            return Ok(Put::Updated);
        }
        self.create_comment(number, marker, text).await?;
        Ok(Put::Created)
    }

    /// Writes the text into the comment with this mark, if there is one; tells
    /// whether there is.
    pub async fn update_comment(
        &self,
        number: u64,
        marker: &Marker,
        text: &Block,
    ) -> Result<bool, CodeHostError> {
        let Some(old) = self.find_comment(number, marker).await? else {
            return Ok(false);
        };
        let text = self.fitting(&marker.in_place_of(&old.text, text.as_str()));
        self.send(&self.dialect.update_comment(number, old.id, &text))
            .await?;
        Ok(true)
    }

    /// Creates the comment. When the answer is lost, looks whether it is there
    /// before sending it again.
    async fn create_comment(
        &self,
        number: u64,
        marker: &Marker,
        text: &Block,
    ) -> Result<(), CodeHostError> {
        let call = self
            .dialect
            .create_comment(number, &self.fitting(text.as_str()));
        let mut sent = 1;
        loop {
            let error = match self.send(&call).await {
                Ok(_answer) => return Ok(()),
                Err(error) => error,
            };
            if !error.reason.is_lost() {
                return Err(error);
            }
            match self.find_comment(number, marker).await {
                Ok(Some(_)) => return Ok(()),
                Ok(None) if sent < MOST_CREATIONS => sent += 1,
                Ok(None) | Err(_) => return Err(error),
            }
        }
    }

    /// The oldest comment with this mark that is ours, looked for through all
    /// pages.
    async fn find_comment(
        &self,
        number: u64,
        marker: &Marker,
    ) -> Result<Option<Comment>, CodeHostError> {
        let mut owner = None;
        for page in 1..=MOST_PAGES {
            let call = self.dialect.comments(number, page);
            let answer = self.send(&call).await?;
            let comments = self.dialect.read_comments(&answer.body);
            let comments = comments.map_err(|error| self.unreadable(&call, &error))?;
            let has_more = has_more(&answer.headers, comments.len());
            for comment in comments {
                if !marker.begins(&comment.text) {
                    continue;
                }
                if owner.is_none() {
                    owner = Some(self.owner().await?);
                }
                if is_ours(&comment, owner.as_ref().and_then(Option::as_deref)) {
                    return Ok(Some(comment));
                }
            }
            if !has_more {
                return Ok(None);
            }
        }
        let doing = self.dialect.comments(number, 1).doing;
        let reason = Reason::TooManyComments;
        Err(CodeHostError::of(doing, self.dialect.as_ref(), reason))
    }

    /// Whose the token is, unless it is one that may not ask: the token of a
    /// GitHub job belongs to no user.
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

/// Whether we wrote a comment with our mark, as far as can be told. Anybody can
/// write the mark, but a person's comment is not ours to change.
fn is_ours(comment: &Comment, owner: Option<&str>) -> bool {
    match (owner, &comment.author) {
        (_, None) => false,
        (Some(owner), Some(author)) => author.eq_ignore_ascii_case(owner),
        (None, Some(_)) => comment.is_by_program != Some(false),
    }
}

/// Whether a page has another after it. Only that is taken from the answer;
/// the address of the next is made by us, or the token could be sent anywhere.
fn has_more(headers: &HeaderMap, count: usize) -> bool {
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
        let comment = |author: Option<&str>, is_by_program| Comment {
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
