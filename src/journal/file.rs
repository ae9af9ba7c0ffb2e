//! The file of a journal: one process at a time, whole or not there, readable
//! by its owner only, and authentic.
//!
//! A checkout can contain a file of this name, so its content counts only with
//! a code that nobody can make without the API key, and links are refused.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use ring::hmac;
use serde_json::Value;

use crate::files::{FileIdentity, NO_FILE, private, sync_folder};
use crate::journal::record::JournalRecord;
use crate::secret::ApiToken;

/// How a file of this version of the format begins, before the code. A line with
/// the run as JSON follows.
const VERSION: &str = "sevalla-deploy journal 1 ";

/// What the code authenticates, beside the content.
const PURPOSE: &[u8] = b"sevalla-deploy state-file 1";

/// The most that is read or written, in bytes.
pub(super) const LARGEST: u64 = 1024 * 1024;

/// A journal's file, locked.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    key: hmac::Key,
    /// Held until the process ends, however it does.
    _lock: File,
}

/// Why the file cannot be used.
#[derive(Debug)]
pub(super) enum StateFileError {
    /// Another process holds this lock.
    Locked(PathBuf),
    /// This lock cannot be had.
    Lock(PathBuf, io::Error),
    /// The system refused.
    Io(io::Error),
    /// Its content is not a journal of this key and version. What it claims to be,
    /// if it claims anything, is not authentic.
    Content(String, Option<Box<JournalRecord>>),
}

impl From<io::Error> for StateFileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl StateFile {
    /// Locks the file at `path`, which need not exist.
    pub(super) fn lock(path: &Path, token: &ApiToken) -> Result<Self, StateFileError> {
        let place = FileIdentity::of(path)?;
        if let Some(objection) = place.objection() {
            return Err(io::Error::other(objection).into());
        }
        if path.is_symlink() {
            return Err(io::Error::other("it is a symbolic link").into());
        }
        place.make_folders()?;
        let path = place.path;
        let lock = beside(&path, "lock");
        let refused = |error| StateFileError::Lock(lock.clone(), error);
        let file = open(&lock, OpenOptions::new().write(true).create(true)).map_err(refused)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateFileError::Locked(lock)),
            Err(TryLockError::Error(error)) => return Err(refused(error)),
        }
        // The key itself is used for nothing else than to derive this one.
        let root = hmac::Key::new(hmac::HMAC_SHA256, token.expose().as_bytes());
        let derived = hmac::sign(&root, PURPOSE);
        Ok(Self {
            path,
            key: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()),
            _lock: file,
        })
    }

    /// What the file holds; `None` if there is none.
    pub(super) fn read(&self) -> Result<Option<JournalRecord>, StateFileError> {
        let file = match open(&self.path, OpenOptions::new().read(true)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut content = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut content)?;
        if content.len() as u64 > LARGEST {
            let why = format!("it has more than {LARGEST} bytes, so this program did not write it");
            return Err(StateFileError::Content(why, None));
        }
        // As `touch` and `mktemp` make it.
        if content.is_empty() {
            return Ok(None);
        }
        let refused = |why: &str, claim| Err(StateFileError::Content(why.to_owned(), claim));
        let content = std::str::from_utf8(&content).ok();
        let Some((head, run)) = content.and_then(|content| content.split_once('\n')) else {
            return refused("it does not hold a journal of this program", None);
        };
        let record = serde_json::from_str::<Value>(run).ok();
        let record = record.and_then(|run| JournalRecord::read(&run));
        match (self.authenticate(head, run), record) {
            (Ok(()), Some(record)) => Ok(Some(record)),
            (Ok(()), None) => refused("this version of the program cannot read it", None),
            (Err(why), claim) => refused(why, claim.map(Box::new)),
        }
    }

    /// Whether the first line is of this version, and has the code of the rest.
    fn authenticate(&self, head: &str, run: &str) -> Result<(), &'static str> {
        let Some(code) = head.strip_prefix(VERSION) else {
            return Err("it does not hold a journal of this version of the program");
        };
        let code = bytes_of_hex(code).unwrap_or_default();
        hmac::verify(&self.key, run.as_bytes(), &code)
            .map_err(|_| "it was changed, or was not written with this API key (sevalla-token)")
    }

    fn encode(&self, run: &JournalRecord) -> io::Result<Vec<u8>> {
        let run = serde_json::to_string(run)?;
        let code = hmac::sign(&self.key, run.as_bytes());
        let content = format!("{VERSION}{}\n{run}", hex_of(code.as_ref()));
        if content.len() as u64 > LARGEST {
            return Err(io::Error::other(format!(
                "the journal would have more than {LARGEST} bytes"
            )));
        }
        Ok(content.into_bytes())
    }

    /// Replaces the content: after a crash at any moment, the file holds the old
    /// one or the new one.
    pub(super) fn write(&self, run: &JournalRecord) -> io::Result<()> {
        let content = self
            .encode(run)
            .map_err(|error| about(&self.path, &error))?;
        let partial = beside(&self.path, "partial");
        write_partial(&partial, &content).map_err(|error| about(&partial, &error))?;
        let replaced = std::fs::rename(&partial, &self.path);
        let replaced = replaced.and_then(|()| self.path.parent().map_or(Ok(()), sync_folder));
        replaced.map_err(|error| about(&self.path, &error))
    }
}

fn write_partial(partial: &Path, content: &[u8]) -> io::Result<()> {
    // A process that was killed may have left one.
    match std::fs::remove_file(partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = open(partial, OpenOptions::new().write(true).create_new(true))?;
    file.write_all(content)?;
    file.sync_all()
}

/// The error with the file that it is about.
fn about(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// The path with another ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// Opens a regular file without following a link or waiting for anybody.
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = private(options).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other(NO_FILE));
    }
    Ok(file)
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.map(byte).collect()
}
