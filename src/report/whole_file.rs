//! Files that are complete or absent, whatever happens meanwhile.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::shown::{Block, Line};

/// A file that appears under its name only once it is complete.
pub(super) struct WholeFile {
    pub(super) path: PathBuf,
    partial: PathBuf,
    writer: BufWriter<File>,
    /// How many were written.
    pub(super) bytes: usize,
}

impl WholeFile {
    pub(super) fn create(path: &Path) -> std::io::Result<Self> {
        // A link keeps pointing, and a device or a pipe is not to be replaced.
        let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if path.metadata().is_ok_and(|there| !there.is_file()) {
            return Err(std::io::Error::other("it is not a regular file"));
        }
        let mut partial = path.as_os_str().to_owned();
        // Two containers may share a folder, and both be process number one.
        partial.push(format!(".{}.partial", Uuid::new_v4().simple()));
        let partial = PathBuf::from(partial);
        let writer = BufWriter::new(File::create_new(&partial)?);
        Ok(Self {
            path: path.to_owned(),
            partial,
            writer,
            bytes: 0,
        })
    }

    /// Adds a line.
    pub(super) fn write(&mut self, line: &Line) -> std::io::Result<()> {
        self.add(line.as_str())?;
        self.add("\n")
    }

    /// Adds text that has passed the gate, in whatever form.
    pub(super) fn add(&mut self, text: &str) -> std::io::Result<()> {
        self.bytes += text.len();
        self.writer.write_all(text.as_bytes())
    }

    /// Adds what was written so far to another file, instead of being put in
    /// its place.
    pub(super) fn pour_into(mut self, other: &mut Self) -> std::io::Result<()> {
        self.writer.flush()?;
        std::io::copy(&mut File::open(&self.partial)?, &mut other.writer)?;
        other.bytes += self.bytes;
        Ok(())
    }

    /// Puts the file in its place.
    pub(super) fn finish(mut self) -> std::io::Result<()> {
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
