//! Files on Unix: kinds, modes, and what opens without waiting.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{
    FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

/// Only the owner may read and write it.
const PRIVATE: u32 = 0o600;

/// The working directory, without links.
pub(super) fn working_directory() -> io::Result<PathBuf> {
    Path::new(".").canonicalize()
}

/// Whether two paths are one file now; `None` if one of them is not there.
pub(super) fn is_same_file(one: &Path, other: &Path) -> Option<bool> {
    let (one, other) = (one.metadata().ok()?, other.metadata().ok()?);
    Some(is_same(&one, &other))
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// The output or the error stream of this process, if it is this file.
pub(crate) fn own_stream(there: &Metadata) -> Option<File> {
    let output = io::stdout().as_fd().try_clone_to_owned();
    let errors = io::stderr().as_fd().try_clone_to_owned();
    let mut streams = [output, errors].into_iter().flatten().map(File::from);
    streams.find(|stream| stream.metadata().is_ok_and(|of| is_same(&of, there)))
}

/// Why a file of this kind cannot be used, if it cannot.
pub(super) fn unusable(kind: FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_file() || kind.is_char_device() => None,
        kind if kind.is_dir() => Some("a folder"),
        kind if kind.is_fifo() => Some("a named pipe"),
        kind if kind.is_socket() => Some("a socket"),
        _ => Some("a device"),
    }
}

/// Opens without waiting for another process, as a named pipe would.
pub(super) fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(libc::O_NONBLOCK)
}

/// Makes a file for its owner only, and opens no link and nothing that waits.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
        .mode(PRIVATE)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
}

/// Makes a file, which must be new, for those only who may read `replaced`.
pub(crate) fn create(path: &Path, replaced: Option<&Metadata>) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let Some(replaced) = replaced else {
        return options.open(path);
    };
    let file = options
        .mode(replaced.permissions().mode() & PRIVATE)
        .open(path)?;
    // Where a file system knows none, there is nothing to keep.
    let _kept = file.set_permissions(replaced.permissions());
    Ok(file)
}

/// Writes the names in a folder to the disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
