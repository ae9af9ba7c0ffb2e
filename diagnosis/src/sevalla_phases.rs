//! Which part of a deployment failed, as Sevalla and its builders say it.

use super::beginnings::Beginnings;
use super::looks::{Looks, bit, word};
use super::normalize::{NormalizedLine, without_signs};
use super::scan::{Scan, module};

/// A part of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeployStep {
    /// The repository is fetched.
    Repository,
    /// The image or the site is built.
    Build,
    /// The site is published.
    Publish,
    /// The program is started.
    Start,
    /// The program has to answer.
    HealthCheck,
}

impl DeployStep {
    /// Which part failed, in a sentence.
    pub const fn failed(self) -> &'static str {
        match self {
            Self::Repository => "The repository could not be fetched.",
            Self::Build => "The build failed.",
            Self::Publish => "The build succeeded; the site could not be published.",
            Self::Start => "The program did not start.",
            Self::HealthCheck => "The program did not pass its health check.",
        }
    }
}

/// What begins a part, by how the line begins.
static BEGINNINGS: &[(DeployStep, Beginnings)] = &[
    (
        DeployStep::Repository,
        Beginnings::of(&[
            "Cloning into '",
            "Cloning repository",
            "Fetching repository",
        ]),
    ),
    (
        DeployStep::Build,
        Beginnings::of(&[
            "Generating Dockerfile using ",
            "Building and pushing docker image",
            "Running build command: ",
            "Build process failed",
            "Unknown build fail type",
            "load build definition from ",
        ]),
    ),
    (DeployStep::Publish, Beginnings::of(&["Publishing '"])),
    (
        DeployStep::Start,
        Beginnings::of(&[
            "Rolling out",
            "rolling out",
            "Starting container",
            "Starting Container",
            "Deploying...",
            "Your application experienced a rollout error",
            "Back-off restarting failed container",
            "Started container ",
        ]),
    ),
];

/// What a build ends with that succeeds; which part comes next is not known.
static ENDS: Beginnings = Beginnings::of(&[
    "exporting to ",
    "exporting layers",
    "pushing ",
    "Pushing image",
    "Build command succeeded",
    "Build complete",
    "Build successful",
    "Successfully tagged ",
]);

/// How git begins its lines.
static OF_GIT: Beginnings = Beginnings::of(&[
    "fatal: ",
    "error: ",
    "remote: ",
    "warning: ",
    "Cloning ",
    "Receiving ",
    "Resolving ",
    "Please make sure ",
    "and the repository exists",
]);

/// One of these is in each line with which a part begins or ends.
pub(super) const WORDS: &[&str] = &[
    "Cloning ",
    "Fetching repository",
    "Generating Dockerfile using ",
    "Building and pushing docker image",
    "Running build command: ",
    "Build process failed",
    "Unknown build fail type",
    "load build definition from ",
    "Publishing '",
    "olling out",
    "Starting container",
    "Starting Container",
    "Deploying...",
    "Your application experienced a rollout error",
    "Back-off restarting failed container",
    "Started container ",
    "exporting to ",
    "exporting layers",
    "ushing ",
    "Build command succeeded",
    "Build complete",
    "Build successful",
    "Successfully tagged ",
];

/// Traits of a line that says that something failed.
const FAILED: Looks = bit(word::FAIL) | bit(word::FAIL_INSIDE);

/// Words of a health check that failed, anywhere in a line.
const OF_CHECKS: &[&str] = &[
    "robe failed: ",
    "ealth check failed",
    "ealthcheck failed",
    "health checks failed",
];

/// The part that the log is in.
#[derive(Debug, Default)]
pub(super) struct Phases {
    now: Option<DeployStep>,
}

impl Phases {
    /// Takes a line that was scanned.
    pub(super) fn take(&mut self, bare: NormalizedLine<'_>, scan: &Scan) {
        let has_failed = scan.looks & FAILED != 0;
        let is_within = match self.now {
            Some(DeployStep::Build) => true,
            Some(DeployStep::Repository) => false,
            _ => bare.step.is_none(),
        };
        // Nearly every line.
        if is_within && !has_failed && !scan.concerns(module::PHASES) {
            return;
        }
        let text = without_signs(bare.text, "=>✓✔✅📦🚀🛠\u{fe0f}");
        let text = text.strip_prefix("[internal] ").unwrap_or(text);
        let begun = BEGINNINGS.iter().find(|(_, words)| words.begin(text));
        let is_left = self.now == Some(DeployStep::Repository) && !OF_GIT.begin(text);
        let next = if let Some((phase, _)) = begun {
            Some(*phase)
        } else if has_failed && OF_CHECKS.iter().any(|words| text.contains(words)) {
            Some(DeployStep::HealthCheck)
        } else if ENDS.begin(text) {
            None
        } else if bare.step.is_some() && !(self.now.is_none() && text.starts_with("DONE")) {
            Some(DeployStep::Build)
        } else {
            self.now.filter(|_| !is_left)
        };
        // A rollout whose check failed starts the program again and again.
        let is_behind =
            self.now == Some(DeployStep::HealthCheck) && next == Some(DeployStep::Start);
        if !is_behind {
            self.now = next;
        }
    }

    pub(super) const fn now(&self) -> Option<DeployStep> {
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::super::scan;
    use super::*;

    fn phase(lines: &[&str]) -> Option<DeployStep> {
        let mut phases = Phases::default();
        for line in lines {
            let bare = NormalizedLine::of(line);
            phases.take(bare, &scan::read(&bare));
        }
        phases.now()
    }

    #[test]
    fn the_last_part_that_began_is_the_one_that_failed() {
        let build = "📦 Building and pushing docker image using the generated Dockerfile...";
        let rollout = "Your application experienced a rollout error: see the logs";
        for (lines, failed) in [
            (
                vec!["Cloning into '/workspace'...", "fatal: x"],
                Some(DeployStep::Repository),
            ),
            (
                vec!["Cloning into '/workspace'...", build, "x"],
                Some(DeployStep::Build),
            ),
            (
                vec!["🛠️ Running build command: npm run build", "x"],
                Some(DeployStep::Build),
            ),
            (
                vec!["#5 [2/4] RUN x", "Build process failed"],
                Some(DeployStep::Build),
            ),
            (
                vec![
                    "✅ Build command succeeded",
                    "🚀 Publishing 'dist' directory...",
                ],
                Some(DeployStep::Publish),
            ),
            (
                vec![build, "#5 DONE 0.1s", rollout],
                Some(DeployStep::Start),
            ),
            (
                vec![build, "Readiness probe failed: 503", rollout],
                Some(DeployStep::HealthCheck),
            ),
            (
                vec!["Cloning into '/workspace'...", "./release", "fatal: x"],
                None,
            ),
            (
                vec![build, "#9 exporting to image", "#9 DONE 0.3s", "the end"],
                None,
            ),
            (vec!["nothing of this"], None),
        ] {
            assert_eq!(phase(&lines), failed, "{lines:?}");
        }
    }
}
