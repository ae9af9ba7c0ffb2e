//! A throw-away repository with what a release reads and changes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// What the scripts touch; the sources are not among it.
const FILES: [&str; 12] = [
    "Cargo.toml",
    "Cargo.lock",
    "fuzz/Cargo.lock",
    "simulator/Cargo.toml",
    "diagnosis/Cargo.toml",
    "CHANGELOG.md",
    "README.md",
    "LICENSE",
    "action.yml",
    "container/action.yml",
    "Dockerfile",
    "setup/pins",
];
/// What a release is built for.
pub(crate) const TARGETS: [&str; 5] = [
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
];
const FOLDERS: [&str; 3] = [".ci/release", "packages", "setup"];

/// A copy of this tree's files as a repository of one commit, with a bare one
/// beside it as `origin`.
pub(crate) struct Clone {
    folder: TempDir,
}

impl Clone {
    pub(crate) fn new() -> Self {
        let clone = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        for file in FILES {
            copy(&source.join(file), &clone.path(file));
        }
        for folder in FOLDERS {
            for entry in fs::read_dir(source.join(folder)).unwrap() {
                let name = entry.unwrap().file_name();
                copy(
                    &source.join(folder).join(&name),
                    &clone.path(folder).join(&name),
                );
            }
        }
        // As after the decision about the account.
        for file in ["Cargo.toml", "CHANGELOG.md", "README.md", "Dockerfile"] {
            let text = clone.read(file).replace("OWNER/", "somebody/");
            let text = text
                .replace("released yet", "released")
                .replace("the first release", "a release");
            fs::write(clone.path(file), text).unwrap();
        }
        // Right after a release there is nothing new.
        let news = "## [Unreleased]\n\n- Something.\n";
        clone.edit("CHANGELOG.md", "## [Unreleased]\n", news);
        clone.git("init --quiet --initial-branch main .");
        clone.git("init --quiet --bare ../origin.git");
        clone.git("remote add origin ../origin.git");
        clone.commit();
        clone
    }

    /// One of its files.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("repository").join(name)
    }

    /// A folder outside of the repository, made if it is not there.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Replaces text in a file, where it must be once.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert_eq!(text.matches(from).count(), 1, "{from} in {name}");
        fs::write(self.path(name), text.replace(from, to)).unwrap();
    }

    pub(crate) fn commit(&self) {
        self.git("add --all");
        self.git("commit --quiet --allow-empty --message Change");
    }

    /// Runs git with arguments that have no blanks in them.
    pub(crate) fn git(&self, arguments: &str) -> String {
        let mut git = self.command("git");
        git.args(arguments.split(' '));
        let output = git.output().unwrap();
        assert!(output.status.success(), "git {arguments}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A command that runs in the repository and knows nothing of the user's
    /// own configuration.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        fs::create_dir_all(self.path("")).unwrap();
        let mut command = Command::new(program);
        command
            .current_dir(self.path(""))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_NAME", "Somebody")
            .env("GIT_AUTHOR_EMAIL", "somebody@example.com")
            .env("GIT_COMMITTER_NAME", "Somebody")
            .env("GIT_COMMITTER_EMAIL", "somebody@example.com");
        for inherited in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            command.env_remove(inherited);
        }
        command
    }

    /// Runs a script of the release to its end.
    pub(crate) fn run(&self, script: &str, arguments: &[&str]) -> Ran {
        let path = self.path(".ci/release").join(script);
        Ran::new(self.command(path).args(arguments))
    }

    /// Makes 90.2.3 the version, in a commit: one that will not be reached.
    pub(crate) fn bump(&self) {
        self.run("bump", &["90.2.3", "2026-01-31"]).ok();
        self.commit();
    }

    /// Gives the base images digests, which in a release come from a registry.
    pub(crate) fn pin_bases(&self) {
        let text: String = self
            .read("Dockerfile")
            .lines()
            .map(|line| match line.strip_prefix("FROM ") {
                Some(base) => {
                    let (name, rest) = base.split_once(' ').unwrap_or((base, ""));
                    format!("FROM {name}@{} {rest}", digest('b'))
                        .trim_end()
                        .to_owned()
                        + "\n"
                }
                None => format!("{line}\n"),
            })
            .collect();
        fs::write(self.path("Dockerfile"), text).unwrap();
    }

    /// Packs a stand-in of the binary for each target, which says its own, and
    /// the file of checksums.
    pub(crate) fn archives(&self) -> PathBuf {
        self.archives_of("#!/bin/sh\necho for TARGET\n")
    }

    /// Does so with another stand-in.
    pub(crate) fn archives_of(&self, program: &str) -> PathBuf {
        let folder = self.beside("dist");
        for target in TARGETS {
            let binary = self.beside("binaries").join(target);
            fs::write(&binary, program.replace("TARGET", target)).unwrap();
            let arguments = [
                "v90.2.3",
                target,
                binary.to_str().unwrap(),
                folder.to_str().unwrap(),
            ];
            self.run("archive", &arguments).ok();
        }
        let sums = self
            .command("sh")
            .current_dir(&folder)
            .args(["-c", "sha256sum -- *.tar.gz *.zip >SHA256SUMS"])
            .status();
        assert!(sums.unwrap().success());
        folder
    }

    /// Makes the commit of the tag, with archives at `url`.
    pub(crate) fn pin(&self, url: &str) -> Ran {
        self.pin_image(url, &digest('a'))
    }

    /// Does so with an image of this digest.
    pub(crate) fn pin_image(&self, url: &str, digest: &str) -> Ran {
        let archives = self.beside("dist");
        let image = format!("ghcr.io/somebody/sevalla-deploy@{digest}");
        self.run("pin", &["v90.2.3", &image, archives.to_str().unwrap(), url])
    }
}

/// A digest of one digit.
pub(crate) fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// How a script ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn new(command: &mut Command) -> Self {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        Self {
            success: status.success(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    /// What it printed; it must have succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert!(self.success, "{self:?}");
        self.stdout
    }

    /// It must have failed, and said why.
    #[track_caller]
    pub(crate) fn refused(self, why: &str) {
        let said = format!("{}{}", self.stdout, self.stderr);
        assert!(!self.success && said.contains(why), "{why}: {self:?}");
    }
}

/// Writes a program in the shell's language.
pub(crate) fn write_program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
}

/// A PATH with what the scripts use, and a wget that fails and shows what it was given.
pub(crate) fn wget_that_shows_its_environment(clone: &Clone) -> String {
    let path = tools_with(clone, "wget");
    let wget = clone.beside("tools").join("wget");
    fs::remove_file(&wget).unwrap();
    write_program(
        &wget,
        "#!/bin/sh\nenv >&2\nfor last; do :; done\necho \"asked $last\" >&2\nexit 4\n",
    );
    path
}

/// A PATH with what the scripts use, and this one that downloads.
pub(crate) fn tools_with(clone: &Clone, download: &str) -> String {
    let folder = clone.beside("tools");
    let tools =
        "sh sed grep tr env mktemp sha256sum tar gzip cp mv rm mkdir chmod sleep timeout uname";
    let path = std::env::var_os("PATH").unwrap();
    for tool in tools.split(' ').chain([download]) {
        let mut folders = std::env::split_paths(&path);
        let found = folders.find(|folder| folder.join(tool).exists());
        let found = found
            .unwrap_or_else(|| panic!("{tool} is not installed"))
            .join(tool);
        std::os::unix::fs::symlink(found, folder.join(tool)).unwrap();
    }
    folder.to_str().unwrap().to_owned()
}
