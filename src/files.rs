//! Files that inputs and the environment name: where they are, and how to open
//! them without waiting for anybody.

use std::ffi::OsString;
use std::fs::{File, FileType, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf, is_separator};

#[cfg_attr(unix, path = "files/unix.rs")]
#[cfg_attr(windows, path = "files/windows.rs")]
mod system;

pub(crate) use system::{create, own_stream, private, sync_folder};

/// More links than this in a row lead in a circle, as Linux has it.
const MOST_LINKS: usize = 40;

/// Where a system shows what its processes have open. A file found through
/// these belongs to a stream and is not to be replaced.
const OF_PROCESSES: [&str; 2] = ["/proc", "/dev/fd"];

pub(crate) const NO_FILE: &str = "it is not a regular file";

/// Where a file of some path is, or will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileIdentity {
    /// The path without links.
    pub path: PathBuf,
    /// The first symbolic link on the way that a checkout can contain: one in
    /// the working directory, or one that a relative path leads to.
    pub link: Option<PathBuf>,
}

impl FileIdentity {
    /// Follows a path to where its file is. Neither the file nor its folders
    /// need to exist.
    ///
    /// # Errors
    ///
    /// When the path names no file, goes in a circle, or leads to what a
    /// process has open.
    pub fn of(path: &Path) -> io::Result<Self> {
        let last = path.as_os_str().as_encoded_bytes().last();
        if last.is_some_and(|byte| is_separator(char::from(*byte))) || path.file_name().is_none() {
            return Err(io::Error::other(NO_FILE));
        }
        let working = system::working_directory()?;
        // Without links, so the folder above is the path's parent.
        let mut here = working.clone();
        let mut link = None;
        let mut links = 0;
        let mut todo = reversed(path);
        while let Some(component) = todo.pop() {
            let there = here.join(&component);
            match Path::new(&component).components().next() {
                Some(Component::Normal(_)) => {}
                Some(Component::ParentDir) => {
                    here.pop();
                    continue;
                }
                Some(Component::RootDir | Component::Prefix(_)) => {
                    here = there;
                    continue;
                }
                _ => continue,
            }
            if OF_PROCESSES.iter().any(|of| here.starts_with(of)) {
                return Err(io::Error::other(
                    "it leads to what a process has open: name the file itself",
                ));
            }
            let Ok(to) = there.read_link() else {
                here = there;
                continue;
            };
            links += 1;
            if links > MOST_LINKS {
                return Err(io::Error::other("it is a link that leads to no end"));
            }
            if path.is_relative() || there.starts_with(&working) {
                link.get_or_insert(there);
            }
            todo.extend(reversed(&to));
        }
        Ok(Self { path: here, link })
    }

    /// Why the file must not be written, if it must not: a checkout may be a
    /// stranger's, and its links must not choose what is overwritten.
    pub fn objection(&self) -> Option<String> {
        let link = self.link.as_ref()?;
        Some(format!(
            "{} is a symbolic link, and links in the working directory are not followed",
            link.display()
        ))
    }

    /// Makes the folders that the file needs. None is made directly in the root
    /// folder: that is a mistyped path, and lost with the container.
    ///
    /// # Errors
    ///
    /// When a folder cannot be made.
    pub(crate) fn make_folders(&self) -> io::Result<()> {
        let Some(folder) = self.path.parent() else {
            return Ok(());
        };
        let mut ancestors = folder.ancestors();
        let is_root = |path: &Path| path.parent().is_none();
        let top = ancestors.find(|above| above.parent().is_some_and(is_root));
        match top {
            Some(top) => {
                top.metadata()?;
                std::fs::create_dir_all(folder)
            }
            None => Ok(()),
        }
    }
}

/// The components of a path, the last one first.
fn reversed(path: &Path) -> Vec<OsString> {
    let components = path.components().rev();
    components
        .map(|component| component.as_os_str().to_owned())
        .collect()
}

/// Whether two paths are one file now: the same, through a link, or by a hard
/// link.
pub fn are_one(one: &Path, other: &Path) -> bool {
    let is_one_now = || system::is_same_file(one, other);
    let is_one_path =
        || Some(FileIdentity::of(one).ok()?.path == FileIdentity::of(other).ok()?.path);
    one == other || is_one_now().or_else(is_one_path).unwrap_or(false)
}

/// Opens a file for adding to it, and makes it if it does not exist. A named
/// pipe, at which a write can wait for ever, is an error, unless it is this
/// process's own stream.
///
/// # Errors
///
/// When the file cannot be opened, or is neither a regular file nor a device
/// such as `/dev/null`.
pub(crate) fn open_to_append(path: &Path) -> io::Result<File> {
    let own = std::fs::metadata(path).ok();
    match own
        .filter(|there| !there.is_file())
        .as_ref()
        .and_then(own_stream)
    {
        Some(stream) => Ok(stream),
        None => open(path, OpenOptions::new().append(true).create(true)),
    }
}

/// Opens a file for reading, under the same conditions.
///
/// # Errors
///
/// As for [`open_to_append`].
pub(crate) fn open_to_read(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().read(true))
}

/// The content of a file of this many bytes at most.
///
/// # Errors
///
/// When the file cannot be opened or read, is no regular file, or is larger.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open_to_read(path)?
        .take(most + 1)
        .read_to_end(&mut content)?;
    if content.len() as u64 > most {
        return Err(io::Error::other(format!("it has more than {most} bytes")));
    }
    Ok(content)
}

fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // The system's own error for a pipe names no reason.
    if let Ok(there) = std::fs::metadata(path) {
        check(there.file_type())?;
    }
    let file = system::without_waiting(options).open(path)?;
    // Something else may have come to this path meanwhile.
    check(file.metadata()?.file_type())?;
    Ok(file)
}

fn check(kind: FileType) -> io::Result<()> {
    match system::unusable(kind) {
        None => Ok(()),
        Some(what) => Err(io::Error::other(format!(
            "it is {what}, not a regular file"
        ))),
    }
}

/// The files of the checkout in the working directory, relative to it; `None` if
/// there is none, or it cannot be read to its end, or it has more entries.
pub(crate) fn checkout(most_entries: usize) -> Option<Vec<String>> {
    let root = Path::new(".");
    // A worktree has a file there.
    root.join(".git").symlink_metadata().ok()?;
    let mut files = Vec::new();
    let (mut open, mut entries) = (vec![root.to_owned()], 0);
    while let Some(folder) = open.pop() {
        for entry in folder.read_dir().ok()? {
            let entry = entry.ok()?;
            entries += 1;
            if entries > most_entries {
                return None;
            }
            let path = entry.path();
            if entry.file_type().ok()?.is_dir() {
                open.extend((entry.file_name() != ".git").then_some(path));
            } else {
                files.push(path.strip_prefix(root).ok()?.to_str()?.to_owned());
            }
        }
    }
    Some(files)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_path_is_followed_to_where_its_file_is() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let path = |name: &str| root.join(name);
        std::fs::create_dir(path("to")).unwrap();
        symlink("to/../to", path("link")).unwrap();
        symlink(path("link/file"), path("first")).unwrap();
        for (given, place) in [
            ("file", "file"),
            ("new/folders/file", "new/folders/file"),
            ("to/../file", "file"),
            ("link/file", "to/file"),
            ("link/../file", "file"),
            ("first", "to/file"),
        ] {
            let of = FileIdentity::of(&path(given)).unwrap();
            assert_eq!((of.path, of.link), (path(place), None), "{given}");
        }
        symlink("round", path("round")).unwrap();
        for given in ["round", "to/", "to/..", "/dev/stdout", "/proc/self/fd/1"] {
            assert!(FileIdentity::of(&path(given)).is_err(), "{given}");
        }
    }

    #[test]
    fn links_that_a_checkout_can_contain_are_named() {
        let working = Path::new(".").canonicalize().unwrap();
        let folder = tempfile::tempdir_in(working.join("target")).or_else(|_| {
            // The folder of the build may be elsewhere.
            tempfile::tempdir_in(&working)
        });
        let folder = folder.unwrap();
        let inside = folder.path().strip_prefix(&working).unwrap();
        symlink("/etc", inside.join("folder")).unwrap();
        symlink("/etc/passwd", inside.join("file")).unwrap();
        for name in ["folder/passwd", "file"] {
            let link = name.split('/').next().unwrap();
            for given in [inside.join(name), folder.path().join(name)] {
                let place = FileIdentity::of(&given).unwrap();
                assert_eq!(place.path, Path::new("/etc/passwd"));
                assert_eq!(place.link, Some(folder.path().join(link)));
                assert!(place.objection().is_some());
            }
        }
        assert_eq!(FileIdentity::of(&inside.join("other")).unwrap().link, None);
    }

    #[test]
    fn one_file_is_known_by_any_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), "").unwrap();
        std::fs::hard_link(path("file"), path("hard")).unwrap();
        symlink("file", path("link")).unwrap();
        symlink("later", path("early")).unwrap();
        for (one, other, is_one) in [
            ("file", "hard", true),
            ("file", "link", true),
            ("file", "new/../file", true),
            ("early", "later", true),
            ("file", "later", false),
            ("later", "new/later", false),
        ] {
            assert_eq!(are_one(&path(one), &path(other)), is_one, "{one} {other}");
        }
    }

    #[test]
    fn nothing_that_can_wait_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [socket.as_path(), folder.path()] {
            assert!(open_to_append(path).is_err(), "{}", path.display());
            assert!(read(path, 10).is_err(), "{}", path.display());
        }
        assert!(open_to_append(Path::new("/dev/null")).is_ok());
        assert!(read(Path::new("/dev/zero"), 10).is_err());
        let file = folder.path().join("file");
        std::fs::write(&file, "0123456789").unwrap();
        assert_eq!(read(&file, 10).unwrap().len(), 10);
        assert!(read(&file, 9).is_err());
    }
}
