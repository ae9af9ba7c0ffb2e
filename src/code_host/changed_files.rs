//! [`ChangedFiles`]: the files that differ between two commits, as far as the
//! code host lists them all.
//!
//! Decides which services of a stack are deployed, so a list that may lack a
//! file is [`ChangedFiles::Unknown`], never a shorter list.

use std::collections::BTreeSet;

use super::{CodeHost, CodeHostError};

/// The files that differ between two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangedFiles {
    /// All of them, or more: no file that differs is missing. A renamed file is
    /// listed under both names.
    Known(BTreeSet<String>),
    /// The host does not list them all, completing "which files differ is not
    /// known: …".
    Unknown(String),
}

/// A response to a comparison of two commits.
pub(super) struct Comparison {
    /// The files, under their old and new names.
    pub(super) files: BTreeSet<String>,
    /// Why files may be missing from the list.
    pub(super) is_cut: Option<String>,
    /// The commit that the second one was compared with, if that is not surely
    /// the first: GitHub compares with the last common ancestor of both.
    pub(super) merge_base: Option<String>,
}

impl CodeHost {
    /// The files that differ between the trees of two commits.
    ///
    /// If the first is no ancestor of the second, GitHub's list lacks what only
    /// the first has changed since their common ancestor. The comparison in the
    /// other direction has these files: a file that differs between the two
    /// commits differs from the ancestor in one of them.
    pub async fn changed_files(&self, from: &str, to: &str) -> Result<ChangedFiles, CodeHostError> {
        let there = self.compare(from, to, true).await?;
        let Some(merge_base) = &there.merge_base else {
            return Ok(there.known());
        };
        if merge_base.eq_ignore_ascii_case(from) || there.is_cut.is_some() {
            return Ok(there.known());
        }
        let back = self.compare(to, from, true).await?;
        // With several ancestors in common each direction may take another.
        if back.merge_base != there.merge_base {
            let message = "the two commits have several common ancestors";
            return Ok(ChangedFiles::Unknown(message.to_owned()));
        }
        Ok(there.and(back).known())
    }

    /// The files that a branch has changed since it left another: what a pull
    /// request shows.
    pub async fn files_changed_since(
        &self,
        base: &str,
        head: &str,
    ) -> Result<ChangedFiles, CodeHostError> {
        Ok(self.compare(base, head, false).await?.known())
    }

    async fn compare(
        &self,
        from: &str,
        to: &str,
        is_direct: bool,
    ) -> Result<Comparison, CodeHostError> {
        let call = self.dialect.compare(from, to, is_direct);
        let about_rights = self.dialect.about_reading();
        let with_advice = |error: CodeHostError| error.about_rights(about_rights);
        let answer = self.send(&call).await.map_err(with_advice)?;
        let read = self.dialect.read_comparison(&answer.body);
        read.map_err(|error| self.unreadable(&call, &error))
    }
}

impl Comparison {
    fn known(self) -> ChangedFiles {
        match self.is_cut {
            Some(why) => ChangedFiles::Unknown(why),
            None => ChangedFiles::Known(self.files),
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.files.extend(other.files);
        self.is_cut = self.is_cut.or(other.is_cut);
        self
    }
}
