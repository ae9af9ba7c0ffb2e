//! How a preview app fits the preview that is meant: by the id that a comment
//! has kept, the number of the pull request, the branch and the repository.

use jiff::Timestamp;
use uuid::Uuid;

use crate::actions::preview::find::{PREVIEW, PreviewApp};
use crate::actions::task::Preview;
use crate::branch::is_same;
use crate::code_host::KeptApps;
use crate::sevalla::Application;

/// How much a preview app has in common with the one that is meant, the least
/// certain first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MatchStrength {
    /// It builds the same branch.
    Branch,
    /// Its name has the number that Sevalla was given when it was created.
    Number,
    /// A comment of this program on the pull request is about it.
    Kept,
}

/// How well an app's repository fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AppComparison {
    /// The last part of its name is the same: it may be a mirror.
    Name,
    /// Nothing shows which it is, or which it should be.
    Unknown,
    /// It is the same.
    Same,
}

/// A preview app that may be the one that is meant.
#[derive(Debug)]
pub(crate) struct PreviewMatch {
    /// The app.
    pub app: PreviewApp,
    likeness: AppComparison,
    evidence: MatchStrength,
    /// Whether it builds the branch that is meant.
    is_of_branch: bool,
    /// Whether its name has the number of the pull request that is meant.
    has_number: bool,
}

impl PreviewMatch {
    /// Whether it surely belongs to the pull request that is meant.
    pub(crate) fn is_certain(&self) -> bool {
        match self.evidence {
            MatchStrength::Kept => true,
            MatchStrength::Number => self.likeness == AppComparison::Same,
            MatchStrength::Branch => false,
        }
    }

    /// Whether a comment of this program on the pull request is about it.
    pub(crate) fn is_kept(&self) -> bool {
        self.evidence == MatchStrength::Kept
    }

    /// The branch it builds, if another open pull request from that branch may
    /// have the better claim: nothing but the branch or a comment says whose it
    /// is, or its name has the number of a pull request with another branch.
    pub(crate) fn disputed_branch(&self) -> Option<&str> {
        let is_disputed = match self.evidence {
            MatchStrength::Kept => !self.has_number,
            MatchStrength::Number => !self.is_of_branch,
            MatchStrength::Branch => true,
        };
        let record = self.app.record.as_ref()?;
        record.default_branch.as_deref().filter(|_| is_disputed)
    }

    /// The number of a pull request that its name begins with. It may be a word
    /// of the author's.
    pub(crate) fn number(&self) -> Option<u64> {
        number_of_app(&self.app)
    }

    /// Whether it may be deployed as the one that is meant: one that may be a
    /// mirror's only if its name has the number.
    pub(super) fn may_be_deployed(&self) -> bool {
        self.likeness > AppComparison::Name || self.evidence > MatchStrength::Branch
    }

    /// Whether it may be deleted as the one that is meant.
    pub(super) fn may_be_deleted(&self) -> bool {
        match self.likeness {
            AppComparison::Same => true,
            AppComparison::Unknown => self.evidence > MatchStrength::Branch,
            AppComparison::Name => self.evidence == MatchStrength::Kept,
        }
    }

    pub(super) fn rank(&self) -> (bool, AppComparison, MatchStrength) {
        if self.is_certain() {
            return (true, AppComparison::Same, MatchStrength::Kept);
        }
        (false, self.likeness, self.evidence)
    }

    /// When it was created. Two that were at once are distinguished by their ids.
    pub(super) fn age(&self) -> (Option<Timestamp>, Uuid) {
        self.app.age()
    }
}

/// The repository of an app, where it is not the one that is meant and the app
/// would not be found again.
pub(crate) fn other_repository<'a>(preview: &Preview, record: &'a Application) -> Option<&'a str> {
    let ours = preview.repository.as_deref()?;
    let its = record.repo_url.as_deref()?;
    let is_found =
        last_part(its) == last_part(ours) && is_number_of(preview, number_of_record(record));
    (!is_repository(its, ours) && !is_found).then_some(its)
}

/// How a preview app with this record fits the one that is meant, if it may be
/// that.
pub(super) fn fit(
    preview: &Preview,
    kept: &KeptApps,
    id: Uuid,
    record: Application,
) -> Option<PreviewMatch> {
    let is_preview = record.kind.as_deref().is_none_or(|kind| kind == PREVIEW);
    let number = number_of_record(&record);
    let is_kept = kept.ours.contains(&id);
    if !is_preview || !is_kept && !may_be_numbered(preview, number) {
        return None;
    }
    let likeness = match (&preview.repository, &record.repo_url) {
        (Some(ours), Some(its)) if is_repository(its, ours) => AppComparison::Same,
        (Some(ours), Some(its)) if last_part(its) == last_part(ours) => AppComparison::Name,
        // A pipeline may build another repository than the run's.
        (Some(_), Some(_)) if is_kept => AppComparison::Name,
        (Some(_), Some(_)) => return None,
        _ => AppComparison::Unknown,
    };
    let is_of_branch = match (&preview.branch, &record.default_branch) {
        (Some(ours), Some(its)) => is_same(ours, its),
        _ => false,
    };
    let has_number = is_number_of(preview, number);
    let evidence = if is_kept {
        MatchStrength::Kept
    } else if has_number {
        MatchStrength::Number
    } else if is_of_branch {
        MatchStrength::Branch
    } else {
        return None;
    };
    let app = PreviewApp {
        id,
        name: record.display_name.clone(),
        record: Some(record),
    };
    Some(PreviewMatch {
        app,
        likeness,
        evidence,
        is_of_branch,
        has_number,
    })
}

/// The name of a repository without its owner.
fn last_part(address: &str) -> String {
    let plain = plain(address);
    let last = plain.rsplit(['/', ':']).next();
    last.unwrap_or_default().to_owned()
}

pub(super) fn plain(address: &str) -> String {
    let text = address.trim_end_matches('/').to_lowercase();
    text.strip_suffix(".git").unwrap_or(&text).to_owned()
}

/// The number of the pull request that Sevalla was given for a preview app of
/// this repository, if its name has it.
pub(crate) fn pull_request_of(record: &Application, slug: &str) -> Option<u64> {
    let is_its = is_repository(record.repo_url.as_deref()?, slug);
    number_of_record(record).filter(|_| is_its)
}

/// Whether an app with this number in its name may belong to the pull request:
/// not if it is the number of another.
pub(super) fn may_be_numbered(preview: &Preview, number: Option<u64>) -> bool {
    match (preview.pull_request, number) {
        (Some(ours), Some(its)) => ours == its,
        _ => true,
    }
}

/// Whether it is the number of the pull request that is meant.
pub(super) fn is_number_of(preview: &Preview, number: Option<u64>) -> bool {
    number.is_some() && number == preview.pull_request
}

pub(super) fn number_of_app(app: &PreviewApp) -> Option<u64> {
    let branch = app.record.as_ref();
    let branch = branch.and_then(|record| record.default_branch.as_deref());
    number_given(app.name.as_deref(), branch)
}

pub(super) fn number_of_record(record: &Application) -> Option<u64> {
    number_given(
        record.display_name.as_deref(),
        record.default_branch.as_deref(),
    )
}

/// The words with which a name begins that has the number of a pull request.
const NUMBERED: [&str; 6] = [
    "pull request",
    "pull-request",
    "merge request",
    "merge-request",
    "pr",
    "mr",
];

/// The number of the pull request that Sevalla was given when it created an app
/// of this name and branch: `PR #7 …` at the beginning of the name, or a name
/// like `shop-pr-7`. A number elsewhere, as in `closes #123`, is the author's,
/// and so is one in the name of the branch, as in `revert-pr-3`.
pub(super) fn number_given(name: Option<&str>, branch: Option<&str>) -> Option<u64> {
    let name = name?.trim().to_lowercase();
    let branch = branch.unwrap_or_default().to_lowercase();
    let is_branch = |begins: bool| begins && !branch.is_empty();
    if !is_branch(name.starts_with(&branch))
        && let Some(number) = number_at_start(&name, &branch)
    {
        return Some(number);
    }
    if is_branch(name.ends_with(&branch)) || name.contains(char::is_whitespace) {
        return None;
    }
    let (rest, digits) = name.rsplit_once(['-', '_'])?;
    let word = rest.rsplit(['-', '_']).next()?;
    matches!(word, "pr" | "mr").then(|| digits.parse().ok())?
}

/// The number at the start of a name in small letters.
fn number_at_start(name: &str, branch: &str) -> Option<u64> {
    let name = name.trim_start_matches(['[', '(']);
    let is_mark = |c: char| matches!(c, ' ' | '-' | '_' | '#' | '!' | ':');
    let after_word = NUMBERED.iter().find_map(|word| {
        let rest = name.strip_prefix(word)?;
        rest.starts_with(is_mark).then_some(rest)
    });
    let numbered = after_word.unwrap_or(name);
    let digits_on = numbered.trim_start_matches(is_mark);
    let end = digits_on.find(|c: char| !c.is_ascii_digit());
    let (digits, rest) = digits_on.split_at(end.unwrap_or(digits_on.len()));
    let is_word = !rest.starts_with(char::is_alphanumeric);
    // `#7` alone may begin anybody's title, unless the branch is the rest of it.
    let is_marked = after_word.is_some()
        || numbered.starts_with(['#', '!'])
            && !branch.is_empty()
            && rest.trim_start_matches(is_mark) == branch;
    digits.parse().ok().filter(|_| is_word && is_marked)
}

/// Whether an address of a repository is that of `owner/name`.
fn is_repository(address: &str, slug: &str) -> bool {
    let (address, slug) = (plain(address), plain(slug));
    address == slug
        || address.ends_with(&format!("/{slug}"))
        || address.ends_with(&format!(":{slug}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(branch: &str, name: &str, repository: &str) -> Application {
        let json = serde_json::json!({
            "id": "x", "type": "previewApp", "default_branch": branch, "display_name": name,
            "repo_url": repository,
        });
        serde_json::from_value(json).unwrap()
    }

    fn preview(branch: Option<&str>, number: Option<u64>) -> Preview {
        Preview {
            branch: branch.map(str::to_owned),
            pull_request: number,
            repository: Some("octo/shop".to_owned()),
            ..Preview::default()
        }
    }

    const APP: Uuid = Uuid::from_u128(1);

    fn found(preview: &Preview, record: Application) -> Option<(AppComparison, MatchStrength)> {
        let found = fit(preview, &KeptApps::default(), APP, record)?;
        Some((found.likeness, found.evidence))
    }

    #[test]
    fn a_preview_is_known_by_its_number_and_then_by_its_branch() {
        let ours = "https://github.com/octo/shop.git";
        let of_branch = Some(MatchStrength::Branch);
        let of_number = Some(MatchStrength::Number);
        for (branch, number, record, evidence) in [
            (Some("a"), Some(7), record("a", "PR #7 a", ours), of_number),
            (Some("a"), Some(7), record("a", "a", ours), of_branch),
            (Some("a"), Some(7), record("a", "PR #17 a", ours), None),
            (Some("a"), None, record("a", "PR #17 a", ours), of_branch),
            // Its branch was renamed.
            (Some("a"), Some(7), record("b", "PR #7 b", ours), of_number),
            (None, Some(7), record("b", "shop-pr-7", ours), of_number),
            (None, Some(7), record("b", "shop v7", ours), None),
            (None, Some(7), record("b", "Fix, closes #7", ours), None),
            (
                Some("a"),
                Some(7),
                record("a", "Fix, closes #9", ours),
                of_branch,
            ),
            (
                Some("refs/heads/a"),
                Some(7),
                record("a", "Fix", ours),
                of_branch,
            ),
            (
                Some("a"),
                None,
                record("a", "a", "git@github.com:octo/workshop"),
                None,
            ),
            (
                Some("a"),
                None,
                record("a", "a", "git@github.com:Octo/Shop.git"),
                of_branch,
            ),
        ] {
            let preview = preview(branch, number);
            let expected = evidence.map(|evidence| (AppComparison::Same, evidence));
            assert_eq!(
                found(&preview, record.clone()),
                expected,
                "{preview:?} {record:?}"
            );
        }
        let app = Application {
            kind: Some("app".to_owned()),
            ..record("a", "a", ours)
        };
        assert_eq!(found(&preview(Some("a"), None), app), None);
        let mirror = record("a", "a", "https://gitlab.com/mirrors/shop.git");
        let likeness = found(&preview(Some("a"), None), mirror);
        assert_eq!(likeness, Some((AppComparison::Name, MatchStrength::Branch)));
    }

    #[test]
    fn the_app_of_the_comment_is_the_one_whatever_its_name() {
        let kept = KeptApps {
            ours: vec![APP],
            elsewhere: Vec::new(),
        };
        let preview = preview(Some("new"), Some(7));
        for (name, repository, is_disputed) in [
            ("Fix, closes #9", "https://github.com/octo/shop", true),
            ("Fix", "https://github.com/octo/other", true),
            ("PR #7 old", "https://github.com/octo/shop", false),
            // A title, or another's.
            ("PR #8 again", "https://github.com/octo/shop", true),
        ] {
            let found = fit(&preview, &kept, APP, record("old", name, repository)).unwrap();
            assert!(found.is_certain(), "{name}");
            assert_eq!(found.disputed_branch().is_some(), is_disputed, "{name}");
        }
    }

    #[test]
    fn the_number_that_sevalla_was_given_is_at_the_beginning_of_the_name() {
        for (name, branch, number) in [
            ("PR #7 feature/x", "feature/x", Some(7)),
            ("PR #7: Add #tags", "tags", Some(7)),
            ("pr-7", "x", Some(7)),
            ("[PR 7] Add x", "x", Some(7)),
            ("Pull request #7 x", "x", Some(7)),
            ("MR !7 x", "x", Some(7)),
            ("#7 feature/x", "feature/x", Some(7)),
            ("shop-pr-12", "x", Some(12)),
            ("PR #7 Fix, closes #123", "x", Some(7)),
            // Words of the author.
            ("Fix, closes #123", "x", None),
            ("Revert PR #3", "x", None),
            ("#123: fix x", "fix", None),
            ("prepare 3", "x", None),
            ("pr 7th try", "x", None),
            ("expr-3", "x", None),
            ("PR", "x", None),
            ("", "x", None),
            ("PR #99999999999999999999", "x", None),
            // Of the branch.
            ("revert-pr-3", "revert-pr-3", None),
            ("pr-3", "pr-3", None),
            ("shop-revert-pr-3", "revert-pr-3", None),
            ("PR #7 Revert-PR-3", "revert-pr-3", Some(7)),
            ("PR #3 revert-pr-3", "revert-pr-3", Some(3)),
            ("PR #7", "7", Some(7)),
            ("PR #7 x", "", Some(7)),
            ("pr 7 ünï ß", "ß", Some(7)),
        ] {
            assert_eq!(number_given(Some(name), Some(branch)), number, "{name}");
        }
    }
}
