//! Where the repository lies in the builder, as far as the log shows it, and
//! which line of which Dockerfile failed.

use std::sync::Arc;

use super::SourceLocation as Place;
use super::normalize::{NormalizedLine, PathRoot};
use super::scan::{Scan, module};
use super::{repository_path, source_location};

/// The most roots, and the most steps, that are remembered.
const MOST_ROOTS: usize = 16;
const MOST_STEPS: usize = 64;

/// The longest of them, in bytes.
const LONGEST_ROOT: usize = 120;

/// Folders that frameworks put into the root of an application.
const LAYOUTS: &[&str] = &[
    "src/main/java/",
    "src/main/kotlin/",
    "src/main/scala/",
    "src/main/groovy/",
    "src/main/resources/",
    "src/test/java/",
    "src/test/kotlin/",
    "app/models/",
    "app/controllers/",
    "app/views/",
    "app/helpers/",
    "app/jobs/",
    "app/mailers/",
    "app/services/",
    "config/initializers/",
    "config/environments/",
    "db/migrate/",
    "app/Http/",
    "app/Providers/",
    "app/Models/",
    "app/Console/",
    "database/migrations/",
];

/// Words of lines that show a root, whatever they begin with.
pub(super) const WORDS: &[&str] = &[
    "WORKDIR /",
    "/node_modules/",
    "/vendor/autoload.php",
    "/vendor/composer/",
];

/// What installers put into the folder of the manifest.
const INSTALLED: &[&str] = &[
    "/node_modules/",
    "/vendor/autoload.php",
    "/vendor/composer/",
];

/// What the log has shown.
#[derive(Debug, Default)]
pub(super) struct Roots {
    known: Vec<String>,
    steps: Vec<Step>,
    banners: Vec<Banner>,
    /// The folder of the step that was asked for last, and how many were known.
    last: (u32, usize, Option<Arc<str>>),
    dockerfile: Option<Place>,
    /// The folder of the package that npm ran, of several.
    workspace: Option<String>,
    is_workspace: bool,
    /// Whether the Dockerfile is the builder's own.
    is_generated: bool,
}

/// What the paths of a line are relative to.
#[derive(Debug, Clone)]
pub(super) enum Folder {
    Root,
    Of(Arc<str>),
    /// One of several packages, and it is not known where it is.
    Unknown,
}

impl Folder {
    fn of(folder: &str) -> Self {
        if folder.is_empty() {
            Self::Root
        } else {
            Self::Of(Arc::from(folder))
        }
    }
}

/// The folder of the package whose script printed the last lines of a stream.
#[derive(Debug)]
struct Banner {
    step: Option<u32>,
    source: Option<String>,
    folder: Folder,
}

impl Banner {
    fn is_of(&self, bare: NormalizedLine<'_>) -> bool {
        self.step == bare.step && self.source.as_deref() == bare.source
    }
}

/// `#9 [web 5/6] RUN cd shop && npm ci`
#[derive(Debug)]
struct Step {
    number: Option<u32>,
    stage: String,
    index: u32,
    instruction: Instruction,
}

#[derive(Debug)]
enum Instruction {
    Workdir(String),
    /// What it runs in, below the working directory.
    Run(String),
}

impl Roots {
    /// Takes a line that was scanned.
    pub(super) fn take(&mut self, bare: NormalizedLine<'_>, scan: &Scan) {
        let text = bare.trimmed();
        if text.starts_with('[') {
            self.take_step(bare.step, text);
        }
        self.is_generated |= is_generating(text);
        if let Some(message) = text.strip_prefix("npm error ") {
            self.take_npm(message);
        }
        if scan.shows_root {
            self.take_root(text);
        } else if let Some(dir) = banner(text) {
            self.take_banner(bare, dir);
        } else {
            self.add(run_in(text));
            if scan.concerns(module::DOCKERFILE)
                && !text.contains('/')
                && let Some(dockerfile) = source_location::dockerfile(text)
            {
                self.dockerfile = Some(dockerfile);
            }
        }
    }

    /// Takes a line that has one of the words that show a root.
    fn take_root(&mut self, text: &str) {
        if text.contains("WORKDIR /") {
            let instruction = text.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
            let classic = instruction
                .split_once(" : ")
                .filter(|(step, _)| step.starts_with("Step "));
            self.add(
                classic
                    .map_or(instruction, |(_, rest)| rest)
                    .strip_prefix("WORKDIR "),
            );
        } else if let Some((dir, _)) = INSTALLED.iter().find_map(|end| text.split_once(end)) {
            let dir = dir.rsplit([' ', '(', '\'', '"', '`', '=', '[']).next();
            self.add(dir.map(|dir| dir.strip_prefix("file://").unwrap_or(dir)));
        } else {
            self.add(run_in(text));
        }
    }

    /// `npm error workspace web@1.0.0`, `npm error location /app/web`
    fn take_npm(&mut self, message: &str) {
        self.is_workspace |= message.starts_with("workspace ");
        let location = message
            .strip_prefix("location /")
            .filter(|_| self.is_workspace);
        if let Some(location) = location {
            let file = format!("/{}/package.json", location.trim_matches('/'));
            let place = Place {
                file: repository_path::below_root(&file),
                line: 1,
                column: None,
            };
            let file = self.resolve_root(place).map(|place| place.file);
            self.workspace =
                file.and_then(|file| Some(file.strip_suffix("/package.json")?.to_owned()));
        }
    }

    /// `[web 2/6] WORKDIR /shop`, `[4/6] RUN cd shop && npm ci`
    fn take_step(&mut self, number: Option<u32>, text: &str) {
        if number.is_some() && self.steps.iter().any(|step| step.number == number) {
            return;
        }
        let parsed = text
            .strip_prefix('[')
            .and_then(|text| text.split_once("] "));
        let Some((inside, instruction)) = parsed else {
            return;
        };
        let (stage, count) = inside.rsplit_once(' ').unwrap_or(("", inside));
        let index = count
            .split_once('/')
            .and_then(|(index, _)| index.parse().ok());
        let Some(index) = index.filter(|_| self.steps.len() < MOST_STEPS) else {
            return;
        };
        let instruction = if let Some(dir) = instruction.strip_prefix("WORKDIR /") {
            self.add(instruction.strip_prefix("WORKDIR "));
            Instruction::Workdir(dir.trim_matches('/').to_owned())
        } else if let Some(folder) = folder_of_command(instruction) {
            Instruction::Run(folder.to_owned())
        } else if instruction.starts_with("RUN ") {
            Instruction::Run(String::new())
        } else {
            return;
        };
        let stage = stage.to_owned();
        self.steps.push(Step {
            number,
            stage,
            index,
            instruction,
        });
    }

    fn add(&mut self, root: Option<&str>) {
        let Some(root) = root.map(|root| root.trim().trim_end_matches('/')) else {
            return;
        };
        let is_root = root.len() > 1
            && root.len() <= LONGEST_ROOT
            && root.starts_with('/')
            && !root.contains("..")
            && root.chars().all(|c| is_of_name(c) || c == '/')
            && !repository_path::is_of_system(&format!("{root}/"));
        if is_root && self.known.len() < MOST_ROOTS && self.known.iter().all(|other| other != root)
        {
            self.known.push(root.to_owned());
        }
    }

    /// `> web@1.0.0 build /repo/apps/web`: the folder of a package, of which there
    /// may be several.
    fn take_banner(&mut self, bare: NormalizedLine<'_>, dir: &str) {
        let place = Place {
            file: repository_path::below_root(&format!("{dir}/package.json")),
            line: 1,
            column: None,
        };
        let is_of_several = dir.split('/').any(repository_path::is_of_packages);
        let folder = if let Some(place) = self.resolve_root(place) {
            let folder = place.file.strip_suffix("package.json").unwrap_or_default();
            Folder::of(folder.trim_end_matches('/'))
        } else if is_of_several {
            Folder::Unknown
        } else {
            self.add(Some(dir));
            Folder::Root
        };
        let same = self.banners.iter_mut().find(|banner| banner.is_of(bare));
        if let Some(banner) = same {
            banner.folder = folder;
        } else if self.banners.len() < MOST_STEPS {
            self.banners.push(Banner {
                step: bare.step,
                source: bare.source.map(str::to_owned),
                folder,
            });
        }
    }

    /// The folder of the repository that the line's paths are relative to.
    pub(super) fn folder(&mut self, bare: NormalizedLine<'_>) -> Folder {
        let mut banners = self.banners.iter();
        if let Some(banner) = banners.find(|banner| banner.is_of(bare)) {
            return banner.folder.clone();
        }
        let of_step = Some(bare.step).filter(|_| bare.within == PathRoot::Root);
        let of_step = of_step.and_then(|step| self.of_step(step));
        of_step.map_or(Folder::Root, Folder::Of)
    }

    /// The folder that a step runs in, if it is not the root. Most lines are of the
    /// same step as the one before.
    fn of_step(&mut self, number: Option<u32>) -> Option<Arc<str>> {
        let number = number?;
        let known = self.steps.len();
        if (self.last.0, self.last.1) != (number, known) {
            self.last = (number, known, self.folder_of(number).map(Arc::from));
        }
        self.last.2.clone()
    }

    fn folder_of(&self, number: u32) -> Option<String> {
        let mut steps = self.steps.iter();
        let step = steps.find(|step| step.number == Some(number))?;
        let Instruction::Run(folder) = &step.instruction else {
            return None;
        };
        let dirs = || {
            let before = self.steps.iter();
            let before =
                before.filter(|other| other.stage == step.stage && other.index < step.index);
            before.filter_map(|other| match &other.instruction {
                Instruction::Workdir(dir) => Some((other.index, dir.as_str())),
                Instruction::Run(_) => None,
            })
        };
        let now = dirs()
            .max_by_key(|(index, _)| *index)
            .map_or("", |(_, dir)| dir);
        let root = dirs()
            .min_by_key(|(index, _)| *index)
            .map_or("", |(_, dir)| dir);
        let below = now.strip_prefix(root).unwrap_or_default().trim_matches('/');
        let folder = [below, folder].into_iter().filter(|part| !part.is_empty());
        let folder = folder.collect::<Vec<_>>().join("/");
        Some(folder).filter(|folder| !folder.is_empty())
    }

    /// The place in the repository, of one whose root was not known.
    pub(super) fn resolve(&self, place: Place) -> Option<Place> {
        let mut place = self.resolve_root(place)?;
        if let Some(folder) = &self.workspace
            && !place.file.starts_with(&format!("{folder}/"))
        {
            place.file = format!("{folder}/{}", place.file);
        }
        Some(place)
    }

    fn resolve_root(&self, place: Place) -> Option<Place> {
        if !place.file.starts_with('/') {
            return Some(place);
        }
        let below = |root: &String| place.file.strip_prefix(root.as_str())?.strip_prefix('/');
        let roots = self.known.iter().filter_map(below);
        let shown = roots.max_by_key(|file| file.len());
        let laid_out = || {
            let layouts = LAYOUTS.iter();
            let at = layouts
                .filter_map(|layout| place.file.find(&format!("/{layout}")))
                .min();
            at.and_then(|at| place.file.get(at + 1..))
        };
        let file = shown.or_else(laid_out)?.to_owned();
        repository_path::is_in_repository(&file).then_some(Place { file, ..place })
    }

    /// The Dockerfile's line that failed, if it is a file of the repository.
    pub(super) fn dockerfile(&self) -> Option<Place> {
        self.dockerfile.clone().filter(|_| !self.is_generated)
    }
}

/// Whether the builder writes the Dockerfile: Ingot, Nixpacks, Railpack.
fn is_generating(text: &str) -> bool {
    let is_one_of = |words: &[&str]| words.iter().any(|words| text.contains(words));
    if !text.starts_with(['[', 'G', '📦', '╔']) {
        return false;
    }
    match text.chars().next() {
        Some('📦' | '╔') => is_one_of(&["Dockerfile", "Nixpacks", "Railpack"]),
        Some('[') => is_one_of(&[" COPY .nixpacks/", "from .nixpacks", "railpack"]),
        _ => text.starts_with("Generating Dockerfile"),
    }
}

/// `> web@1.0.0 build /repo/apps/web`, as pnpm and old versions of npm begin a script.
fn banner(text: &str) -> Option<&str> {
    let (package, rest) = text.strip_prefix("> ")?.split_once(' ')?;
    let (_, dir) = rest.rsplit_once(' ').filter(|_| package.contains('@'))?;
    dir.starts_with('/').then(|| dir.trim_end_matches('/'))
}

/// The folder that a tool says it works in: of cargo, pytest, make and Maven, and of
/// the tools that say it in words.
fn run_in(text: &str) -> Option<&str> {
    if !matches!(text.as_bytes().first()?, b'C' | b'W' | b'w' | b'r' | b'[') {
        return None;
    }
    let quoted = |words: &str| text.split_once(words)?.1.split(['\'', '"', '`']).next();
    if text.starts_with("Compiling ") || text.starts_with("Checking ") {
        return text.rsplit_once(" (")?.1.strip_suffix(')');
    }
    if let Some(rest) = text.strip_prefix("rootdir: ") {
        return rest.split(',').next();
    }
    if let Some(rest) = text.strip_prefix("[INFO] Building jar: ") {
        return rest.split_once("/target/").map(|(dir, _)| dir);
    }
    if text.starts_with("Cloning into '") {
        return quoted("Cloning into '");
    }
    let words = [
        "Working directory: ",
        "working directory: ",
        "working directory is ",
        "Working directory is ",
    ];
    words.iter().find_map(|words| text.strip_prefix(words))
}

/// `RUN cd shop && npm ci`, `RUN npm --prefix shop ci`, `RUN make -C shop`
fn folder_of_command(instruction: &str) -> Option<&str> {
    let command = instruction.strip_prefix("RUN ")?;
    let behind = |words: &str| command.split_once(words).map(|(_, rest)| rest);
    let folder = command.strip_prefix("cd ");
    let folder = folder.or_else(|| {
        [" --prefix ", " --prefix=", " --cwd ", " -C ", " --dir "]
            .iter()
            .find_map(|words| behind(words))
    })?;
    let folder = folder.split([' ', ';', '&']).next()?;
    let folder = folder
        .strip_prefix("./")
        .unwrap_or(folder)
        .trim_end_matches('/');
    let is_folder = folder.starts_with(char::is_alphanumeric)
        && !folder.contains("..")
        && folder.chars().all(|c| is_of_name(c) || c == '/');
    is_folder.then_some(folder)
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || "._-@+".contains(c)
}
