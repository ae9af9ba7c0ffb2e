//! Files that are complete or absent, whatever happens meanwhile.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::shown::{Block, Line};

/// More links than this in a row lead in a circle, as Linux has it.
const MOST_LINKS: usize = 40;

/// Where a system shows what its processes have open. A file found through
/// these is somebody's to write on, not to be replaced.
const OF_PROCESSES: [&str; 2] = ["/proc", "/dev/fd"];

const NO_FILE: &str = "it is not a regular file";

/// A file that appears under its name only once it is complete.
pub(super) struct WholeFile {
    pub(super) path: PathBuf,
    partial: PathBuf,
    writer: BufWriter<File>,
    /// How many were written.
    pub(super) bytes: usize,
}

impl WholeFile {
    /// Begins the file that is to be at `path`, with the permissions of the one
    /// that it replaces. What is no regular file, and what takes a stream of
    /// this run, is not to be replaced.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let path = destination(path)?;
        let replaced = path.metadata().ok();
        if let Some(there) = &replaced {
            may_be_replaced(there)?;
        }
        let mut partial = path.as_os_str().to_owned();
        // Two containers may share a folder, and both be process number one.
        partial.push(format!(".{}.partial", Uuid::new_v4().simple()));
        let partial = PathBuf::from(partial);
        let writer = BufWriter::new(open(&partial, replaced.as_ref())?);
        Ok(Self {
            path,
            partial,
            writer,
            bytes: 0,
        })
    }

    /// Adds a line.
    pub(super) fn write(&mut self, line: &Line) -> io::Result<()> {
        self.add(line.as_str())?;
        self.add("\n")
    }

    /// Adds text that has passed the gate, in whatever form.
    pub(super) fn add(&mut self, text: &str) -> io::Result<()> {
        self.bytes += text.len();
        self.writer.write_all(text.as_bytes())
    }

    /// Adds what was written so far to another file, instead of being put in
    /// its place.
    pub(super) fn pour_into(mut self, other: &mut Self) -> io::Result<()> {
        self.writer.flush()?;
        io::copy(&mut File::open(&self.partial)?, &mut other.writer)?;
        other.bytes += self.bytes;
        Ok(())
    }

    /// Puts the file in its place.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.writer.flush()?;
        std::fs::rename(&self.partial, &self.path)
    }
}

/// Whatever happened, nothing half-written stays behind.
impl Drop for WholeFile {
    fn drop(&mut self) {
        let _renamed_already = std::fs::remove_file(&self.partial);
    }
}

/// Where a file of this path comes to lie: a link keeps pointing, also one that
/// points to what is still to be made.
///
/// # Errors
///
/// When the folder cannot be found, and when the path names no file, or what a
/// process has open.
pub fn destination(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let is_folder = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        let name = path.file_name().filter(|_| !is_folder);
        let name = name.ok_or_else(|| io::Error::other(NO_FILE))?;
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new(".")).canonicalize()?;
        if OF_PROCESSES.iter().any(|of| folder.starts_with(of)) {
            return Err(io::Error::other(
                "it leads to what a process has open: name the file itself",
            ));
        }
        let here = folder.join(name);
        match here.read_link() {
            Ok(to) => path = folder.join(to),
            Err(_) => return Ok(here),
        }
    }
    Err(io::Error::other("it is a link that leads to no end"))
}

fn may_be_replaced(there: &Metadata) -> io::Result<()> {
    if !there.is_file() {
        return Err(io::Error::other(NO_FILE));
    }
    // What writes to the old one would write into nothing.
    if takes_a_stream(there) {
        return Err(io::Error::other("the output of this run goes there"));
    }
    Ok(())
}

/// Whether the output or the error stream goes into this file.
#[cfg(unix)]
fn takes_a_stream(there: &Metadata) -> bool {
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::MetadataExt as _;

    let output = io::stdout().as_fd().try_clone_to_owned();
    let errors = io::stderr().as_fd().try_clone_to_owned();
    let streams = [output, errors].into_iter().flatten();
    streams
        .filter_map(|stream| File::from(stream).metadata().ok())
        .any(|stream| (stream.dev(), stream.ino()) == (there.dev(), there.ino()))
}

#[cfg(not(unix))]
const fn takes_a_stream(_: &Metadata) -> bool {
    false
}

/// Makes a file, which must be new, for those only who may read `replaced`.
fn open(path: &Path, replaced: Option<&Metadata>) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if let Some(replaced) = replaced {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

        let file = options
            .mode(replaced.permissions().mode() & 0o600)
            .open(path)?;
        // Where a file system knows none, there is nothing to keep.
        let _kept = file.set_permissions(replaced.permissions());
        return Ok(file);
    }
    options.open(path)
}

/// Writes a whole file, or none. `what` is it in words, for the error.
pub(super) fn write(path: &Path, what: &str, text: &Block) -> Result<(), String> {
    let written = WholeFile::create(path).and_then(|mut file| {
        file.add(text.as_str())?;
        file.add("\n")?;
        file.finish()
    });
    written.map_err(|error| format!("{what} could not be written to {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shown::Gate;

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_and_what_is_no_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        std::fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let mut file = WholeFile::create(&link).unwrap();
        file.write(&Gate::default().line("new")).unwrap();
        file.finish().unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "new\n");
        for path in [Path::new("/dev/null"), folder.path()] {
            assert!(WholeFile::create(path).is_err(), "{}", path.display());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_what_is_not_there_yet_keeps_pointing() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, path(name)).unwrap();
        std::fs::create_dir(path("to")).unwrap();
        link(Path::new("second"), "first");
        link(Path::new("to/../to/page"), "second");
        link(Path::new("round"), "round");
        link(Path::new("gone/page"), "nowhere");
        let page = Block::default();
        write(&path("first"), "It", &page).unwrap();
        assert!(path("first").is_symlink() && path("second").is_symlink());
        assert!(path("to/page").is_file());
        for name in ["round", "nowhere"] {
            assert!(write(&path(name), "It", &page).is_err(), "{name}");
            assert!(path(name).is_symlink(), "{name}");
        }
        for name in ["to", "to/", "new/", "to/.."] {
            assert!(write(&path(name), "It", &page).is_err(), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_replaced_keeps_its_permissions() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page");
        for mode in [0o600, 0o666, 0o440] {
            std::fs::write(&path, "old").unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let file = WholeFile::create(&path).unwrap();
            let of = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(of(&file.partial), mode);
            file.finish().unwrap();
            assert_eq!(of(&path), mode);
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_a_process_has_open_is_not_replaced() {
        use std::os::fd::AsRawFd as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.log");
        std::fs::write(&path, "kept").unwrap();
        let opened = File::open(&path).unwrap();
        let by_number = format!("/dev/fd/{}", opened.as_raw_fd());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&by_number, &link).unwrap();
        for path in [Path::new(&by_number), &link, Path::new("/dev/stdout")] {
            assert!(WholeFile::create(path).is_err(), "{}", path.display());
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "kept");
    }

    #[test]
    fn a_file_is_complete_or_absent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deploy.log");
        let names = || std::fs::read_dir(folder.path()).unwrap().count();
        let gate = Gate::default();
        let mut file = WholeFile::create(&path).unwrap();
        file.write(&gate.line("one")).unwrap();
        assert!(!path.exists());
        drop(file);
        assert_eq!(names(), 0);
        let mut file = WholeFile::create(&path).unwrap();
        file.write(&gate.line("one")).unwrap();
        file.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\n");
        assert_eq!(names(), 1);
    }
}
