//! The journal of a run: what it is about to write on Sevalla, and what came of
//! it. A run that is started again after its process was killed reads it, and
//! starts nothing a second time.
//!
//! `file` makes the file whole, private and authentic;
//! `record` is its content. What a resumed run does is decided in
//! [`crate::actions`].

mod file;
mod record;

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use self::record::{Effect, EndRecord, JournalRecord, RunIdentity, WriteRecord};

use self::file::{StateFile, StateFileError};
use crate::secret::ApiToken;

/// The journal of this run. The file is locked for as long as it exists.
#[derive(Debug)]
pub struct Journal {
    file: StateFile,
    run: RefCell<JournalRecord>,
}

/// What the file held before this run.
#[derive(Debug)]
pub enum Opening {
    /// Nothing of this run.
    Fresh(Journal),
    /// Writes of this run whose process did not come to its end.
    Unfinished(Journal),
    /// This run, with its end.
    Finished(Journal, EndRecord),
}

/// Why a journal cannot be used.
#[derive(Debug)]
pub enum JournalError {
    /// Another process has locked this file.
    InUse(PathBuf),
    /// It may hold a write of another run, key or version.
    NotOurs(PathBuf, String),
    /// It cannot be read or written.
    Unusable(PathBuf, String),
}

impl Journal {
    /// Opens the journal at `path` for this run, and locks it.
    ///
    /// # Errors
    ///
    /// When another process uses it, when it may hold an unfinished write of
    /// another run, or when it cannot be read or written.
    pub fn open(
        path: &Path,
        token: &ApiToken,
        identity: RunIdentity,
    ) -> Result<Opening, JournalError> {
        let refused = |error| match error {
            StateFileError::Locked(lock) => JournalError::InUse(lock),
            StateFileError::Lock(lock, error) => JournalError::Unusable(lock, error.to_string()),
            StateFileError::Io(error) => JournalError::Unusable(path.to_owned(), error.to_string()),
            StateFileError::Content(why, _) => JournalError::NotOurs(path.to_owned(), why),
        };
        let file = StateFile::lock(path, token).map_err(refused)?;
        let before = match file.read() {
            // Anyone who can forge an end can also delete the file, so believing it
            // gives nobody more than that.
            Err(StateFileError::Content(_, Some(claim)))
                if claim.end.is_some()
                    && !claim.is_open()
                    && !claim.identity.is_same_run(&identity) =>
            {
                None
            }
            before => before.map_err(refused)?,
        };
        let journal = |run| Self {
            file,
            run: RefCell::new(run),
        };
        match before {
            Some(run) if run.is_unfinished() && run.identity.is_same_run(&identity) => {
                // No further attempt may send either: a person must look.
                Ok(match run.end.clone() {
                    Some(end) => Opening::Finished(journal(run), end),
                    None => Opening::Unfinished(journal(run)),
                })
            }
            Some(run) if run.is_open() => Err(JournalError::NotOurs(
                path.to_owned(),
                format!(
                    "it holds an unfinished write of another run: {}",
                    run.identity
                ),
            )),
            Some(run) if run.identity == identity && run.end.is_some() => {
                let end = run.end.clone().unwrap_or_default();
                Ok(Opening::Finished(journal(run), end))
            }
            _ => Ok(Opening::Fresh(journal(JournalRecord::new(identity)))),
        }
    }

    /// What an earlier process of this run has recorded of a write.
    pub fn write_named(&self, name: &str) -> Option<WriteRecord> {
        let run = self.run.borrow();
        run.writes.iter().find(|write| write.name == name).cloned()
    }

    /// All writes that were recorded.
    pub fn writes(&self) -> Vec<WriteRecord> {
        self.run.borrow().writes.clone()
    }

    /// Records that these writes are about to be sent, with what there is
    /// before. Nothing may be sent unless this has succeeded.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn sending(&self, writes: &[(String, Value)], at: Option<i64>) -> io::Result<()> {
        let mut run = self.run.borrow_mut();
        let before = run.clone();
        for (name, baseline) in writes {
            run.sending(name, baseline, at);
        }
        self.file.write(&run).inspect_err(|_| *run = before)
    }

    /// Records what came of a write.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn settle(&self, effects: &[(String, Effect)]) -> io::Result<()> {
        let mut run = self.run.borrow_mut();
        for (name, effect) in effects {
            run.settle(name, effect);
        }
        self.file.write(&run)
    }

    /// Records that the run follows a deployment in place of this write.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn follow(&self, name: &str, before: &Value, id: String) -> io::Result<()> {
        let mut run = self.run.borrow_mut();
        run.following(name, before, id);
        self.file.write(&run)
    }

    /// Why the check of this service failed, if it did.
    pub fn failed_check(&self, service: &str) -> Option<String> {
        let run = self.run.borrow();
        let its = run.failed_checks.iter().find(|(id, _)| id == service);
        its.map(|(_, why)| why.clone())
    }

    /// Records that the check of this service failed, and why.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn fail_check(&self, service: &str, why: &str) -> io::Result<()> {
        let mut run = self.run.borrow_mut();
        let failed = (service.to_owned(), why.to_owned());
        run.failed_checks.push(failed);
        self.file.write(&run)
    }

    /// Records how the run ended. A run that has written nothing has no journal.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn finish(&self, end: EndRecord) -> io::Result<()> {
        let mut run = self.run.borrow_mut();
        if run.writes.is_empty() {
            return Ok(());
        }
        run.end = Some(end);
        self.file.write(&run)
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(lock) => write!(
                f,
                "Another run with the same state-file has not ended; it has locked {}",
                lock.display()
            ),
            Self::NotOurs(path, why) | Self::Unusable(path, why) => {
                write!(f, "{}: {why}", path.display())
            }
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
