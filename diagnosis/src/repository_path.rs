//! Which paths are those of source files of the repository. Pure.

use super::normalize::PathRoot;

/// Where builds put the repository. The first that fits is taken off.
const ROOTS: &[&str] = &[
    "/opt/render/project/src/",
    "/opt/buildhome/repo/",
    "/home/circleci/project/",
    "/home/site/wwwroot/",
    "/github/workspace/",
    "/vercel/path0/",
    "/drone/src/",
    "/go/src/app/",
    "/rails/",
    "/usr/src/app/",
    "/usr/app/",
    "/var/www/html/",
    "/var/www/",
    "/home/node/app/",
    "/home/app/",
    "/opt/build/repo/",
    "/opt/app/",
    "/srv/app/",
    "/workspace/",
    "/build/",
    "/code/",
    "/repo/",
    "/app/",
    "/src/",
];

/// Roots that are followed by so many names of the user's own.
const ROOTS_OF_PROJECTS: &[(&str, usize)] = &[("/builds/", 2), ("/home/runner/work/", 2)];

/// Folders of the system and of what is installed.
const OF_SYSTEM: &[&str] = &[
    "/bin/",
    "/cnb/",
    "/dev/",
    "/etc/",
    "/go/pkg/",
    "/layers/",
    "/lib/",
    "/lib64/",
    "/nix/",
    "/opt/conda/",
    "/opt/hostedtoolcache/",
    "/proc/",
    "/root/go/",
    "/run/",
    "/rustc/",
    "/sbin/",
    "/snap/",
    "/sys/",
    "/tmp/",
    "/usr/bin/",
    "/usr/include/",
    "/usr/lib/",
    "/usr/lib64/",
    "/usr/libexec/",
    "/usr/local/",
    "/usr/sbin/",
    "/usr/share/",
    "/usr/src/python/",
    "/var/cache/",
    "/var/lib/",
    "/var/log/",
];

/// Folders that hold what others wrote or what tools made.
const FOREIGN: &[&str] = &[
    "node_modules",
    "site-packages",
    "dist-packages",
    "vendor",
    "venv",
    "gems",
    "target",
    "dist",
];

/// Folders that tools made, if they are in the root or in a package.
const MADE: &[&str] = &["build", "out", "coverage", "deps"];

/// Folders of packages.
const PACKAGES: &[&str] = &["apps", "packages", "services", "libs"];

/// Files that are written by people, by the end of their name.
const WRITTEN: &[&str] = &[
    "ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs", "vue", "svelte", "astro", "mdx", "md",
    "css", "scss", "sass", "less", "styl", "html", "hbs", "ejs", "pug", "json", "graphql",
    "prisma", "sql", "py", "pyi", "pyx", "rs", "go", "mod", "java", "kt", "kts", "scala", "groovy",
    "gradle", "clj", "php", "twig", "rb", "erb", "rake", "gemspec", "haml", "slim", "ex", "exs",
    "heex", "cs", "fs", "csproj", "fsproj", "vbproj", "props", "targets", "c", "cc", "cpp", "h",
    "hpp", "swift", "dart", "elm", "sh", "toml", "yaml", "yml", "xml", "txt",
];

/// Files that are written by people, by their whole name.
const NAMES: &[&str] = &[
    "Containerfile",
    "Dockerfile",
    "Gemfile",
    "Makefile",
    "Procfile",
    "Rakefile",
];

/// Files that hardly ever lie in the root, and are named without their folders.
const BARE: &[&str] = &[".java", ".kt", ".scala", ".groovy", "_test.go"];

/// The longest path, in bytes.
pub(super) const LONGEST_PATH: usize = 200;

/// Routes of frameworks have brackets and signs in their paths.
pub(super) fn is_of_path(c: char) -> bool {
    c.is_alphanumeric() || "/._-+@$~()[]".contains(c)
}

const fn is_ascii_of_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'/' | b'.' | b'_' | b'-' | b'+' | b'@' | b'$' | b'~')
        || matches!(byte, b'(' | b')' | b'[' | b']')
}

fn are_of_path(path: &str) -> bool {
    let mut bytes = path.bytes();
    bytes.all(|byte| !byte.is_ascii() || is_ascii_of_path(byte))
        && (path.is_ascii() || path.chars().all(is_of_path))
}

/// The path relative to the repository's root, if it certainly lies in it, or
/// whole, if that depends on a root that the log has to show.
pub(super) fn in_repository(path: &str, within: PathRoot<'_>) -> Option<String> {
    // Decides of most lines that are no path.
    if !are_of_path(path) {
        return None;
    }
    let path = from_root(path, within)?;
    let is_it = is_in_repository(path.strip_prefix('/').unwrap_or(&path));
    is_it.then_some(path)
}

/// Whether the relative path is one of a file that people have written.
pub(super) fn is_in_repository(path: &str) -> bool {
    if path.len() > LONGEST_PATH || !are_of_path(path) {
        return false;
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_written = match name.rsplit_once('.') {
        // Dockerfile.prod, web.Dockerfile
        Some(("Dockerfile" | "Containerfile", _)) => true,
        Some((stem, "Dockerfile" | "Containerfile")) => !stem.is_empty(),
        Some((stem, end)) => !stem.is_empty() && WRITTEN.contains(&end),
        None => NAMES.contains(&name),
    };
    // Traces of Java name files without their folders.
    let is_whole = path.contains('/') || !BARE.iter().any(|end| name.ends_with(end));
    let is_begun = path.starts_with(|c: char| c.is_alphanumeric() || "._@([".contains(c));
    is_written && is_whole && is_begun && !is_foreign(path)
}

/// Whether the absolute path is one of the system or of what is installed.
pub(super) fn is_of_system(path: &str) -> bool {
    OF_SYSTEM.iter().any(|folder| path.starts_with(folder))
}

/// Whether folders of this name hold packages.
pub(super) fn is_of_packages(folder: &str) -> bool {
    PACKAGES.contains(&folder)
}

/// The path without what only the builder has in front of it.
fn from_root(path: &str, within: PathRoot<'_>) -> Option<String> {
    if path.starts_with('/') {
        let root = ROOTS.iter().find_map(|root| path.strip_prefix(root));
        let known = root
            .or_else(|| below_heroku(path))
            .or_else(|| below_project(path));
        let other = Some(path).filter(|path| !is_of_system(path));
        return known.or(other).map(str::to_owned);
    }
    let path = path.strip_prefix("./").unwrap_or(path);
    match within {
        PathRoot::Root => Some(path.to_owned()),
        PathRoot::Folder(folder) => Some(format!("{folder}/{path}")),
        PathRoot::Package => None,
    }
}

/// The path in the repository, as far as it is known without the log.
pub(super) fn below_root(path: &str) -> String {
    from_root(path, PathRoot::Root).unwrap_or_default()
}

/// `/home/runner/work/shop/shop/app.js`
fn below_project(path: &str) -> Option<&str> {
    let (root, names) = ROOTS_OF_PROJECTS
        .iter()
        .find(|(root, _)| path.starts_with(root))?;
    path.strip_prefix(root)?.splitn(names + 1, '/').nth(*names)
}

/// Whether others wrote it, tools made it, or it leads out.
fn is_foreign(path: &str) -> bool {
    let is_foreign = |part: &str| part.is_empty() || is_dots(part) || FOREIGN.contains(&part);
    let mut parts = path.split('/');
    let first = parts.next().unwrap_or_default();
    let of_package = parts.nth(1).filter(|_| PACKAGES.contains(&first));
    path.split('/').any(is_foreign)
        || [Some(first), of_package]
            .iter()
            .flatten()
            .any(|part| MADE.contains(part))
}

/// A folder that begins with a dot holds what tools keep; with two it leads out.
fn is_dots(part: &str) -> bool {
    part.starts_with('.')
        && !matches!(part, ".github" | ".storybook" | ".vitepress")
        && !part.ends_with("rc.js")
        && !part.ends_with("rc.cjs")
        && !part.ends_with("rc.json")
}

/// `/tmp/build_1a2b3c/app.js`
fn below_heroku(path: &str) -> Option<&str> {
    let (name, path) = path.strip_prefix("/tmp/build_")?.split_once('/')?;
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric())
        .then_some(path)
}
