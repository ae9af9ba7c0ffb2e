//! Files that are complete or absent, whatever happens meanwhile.

use std::fs::{File, Metadata};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::files;
use crate::files::{FileIdentity, NO_FILE};
use crate::sanitize::{SanitizedLine, SanitizedText};

/// A file that appears under its name only once it is complete.
pub(crate) struct WholeFile {
    pub(super) path: PathBuf,
    partial: PathBuf,
    writer: BufWriter<File>,
    /// How many were written.
    pub(super) bytes: usize,
}

impl WholeFile {
    /// Begins the file that is to be at `path`, with the permissions of the one
    /// that it replaces, and makes the folders that it needs. What is no regular
    /// file, and what takes a stream of this run, is not to be replaced.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let place = FileIdentity::of(path)?;
        if let Some(objection) = place.objection() {
            return Err(io::Error::other(objection));
        }
        place.make_folders()?;
        let path = place.path;
        let replaced = path.metadata().ok();
        if let Some(there) = &replaced {
            may_be_replaced(there)?;
        }
        let mut partial = path.as_os_str().to_owned();
        // Two containers may share a folder, and both be process number one.
        partial.push(format!(".{}.partial", Uuid::new_v4().simple()));
        let partial = PathBuf::from(partial);
        let writer = BufWriter::new(files::create(&partial, replaced.as_ref())?);
        Ok(Self {
            path,
            partial,
            writer,
            bytes: 0,
        })
    }

    /// Adds a line.
    pub(super) fn write(&mut self, line: &SanitizedLine) -> io::Result<()> {
        self.add(line.as_str())?;
        self.add("\n")
    }

    /// Adds sanitized text, in any form.
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

fn may_be_replaced(there: &Metadata) -> io::Result<()> {
    if !there.is_file() {
        return Err(io::Error::other(NO_FILE));
    }
    // What writes to the old one would write into nothing.
    if files::own_stream(there).is_some() {
        return Err(io::Error::other("the output of this run goes there"));
    }
    Ok(())
}

/// Whether a file can be written there, without writing it.
pub(crate) fn try_out(path: &Path) -> io::Result<()> {
    WholeFile::create(path).map(drop)
}

/// Writes a whole file, or none. `what` is it in words, for the error.
pub(crate) fn write(path: &Path, what: &str, text: &SanitizedText) -> Result<(), String> {
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
    use crate::sanitize::Sanitizer;

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_and_what_is_no_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        std::fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let mut file = WholeFile::create(&link).unwrap();
        file.write(&Sanitizer::default().line("new")).unwrap();
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
        let page = SanitizedText::default();
        write(&path("first"), "It", &page).unwrap();
        assert!(path("first").is_symlink() && path("second").is_symlink());
        assert!(path("to/page").is_file());
        assert!(write(&path("round"), "It", &page).is_err());
        write(&path("nowhere"), "It", &page).unwrap();
        assert!(path("nowhere").is_symlink() && path("gone/page").is_file());
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
        let sanitizer = Sanitizer::default();
        let mut file = WholeFile::create(&path).unwrap();
        file.write(&sanitizer.line("one")).unwrap();
        assert!(!path.exists());
        drop(file);
        assert_eq!(names(), 0);
        let mut file = WholeFile::create(&path).unwrap();
        file.write(&sanitizer.line("one")).unwrap();
        file.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\n");
        assert_eq!(names(), 1);
    }
}
