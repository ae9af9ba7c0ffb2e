//! Files on Windows, which has no modes, and whose pipes have names of their own.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// `FILE_FLAG_OPEN_REPARSE_POINT`: opens a link itself, which is no regular file.
const THE_LINK_ITSELF: u32 = 0x0020_0000;

/// The working directory, in the form in which people write paths: without the
/// prefix of `canonicalize`, below which `/` is no separator.
pub(super) fn working_directory() -> io::Result<PathBuf> {
    std::path::absolute(".")
}

/// Whether two paths are one file now; `None` if one of them is not there. Hard
/// links are two: the system gives their number to unstable Rust only.
pub(super) fn is_same_file(one: &Path, other: &Path) -> Option<bool> {
    Some(one.canonicalize().ok()? == other.canonicalize().ok()?)
}

/// The stream of this process that is this file, which Windows does not show.
pub(crate) fn own_stream(_there: &Metadata) -> Option<File> {
    None
}

/// Why a file of this kind cannot be used, if it cannot.
pub(super) fn unusable(kind: FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_file() => None,
        kind if kind.is_dir() => Some("a folder"),
        _ => Some("a link or a device"),
    }
}

/// Nothing that has a path in a folder waits.
pub(super) fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Opens no link. Who may read the file is inherited from its folder.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(THE_LINK_ITSELF)
}

/// Makes a file, which must be new.
pub(crate) fn create(path: &Path, _replaced: Option<&Metadata>) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Does nothing: a folder cannot be opened to write it to the disk.
#[expect(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
