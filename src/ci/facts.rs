//! [`Facts`]: what the CI system reports about the run. [`super::hosts`] has
//! one reader for each system; what follows from the facts is decided in
//! [`crate::actions`].
//!
//! What a CI system does not report is absent, never guessed: a wrong commit or
//! branch would be worse than none.

pub use crate::ci::repository::{Api, Repository};

use jiff::Timestamp;

use crate::branch;
use crate::ci::Host;
use crate::environment::Variables;

/// What the CI system reports about the run. Made once, by [`Facts::read`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The commit that the run is about: of a change request its newest, not
    /// the throw-away merge that some hosts check out.
    pub commit: Option<String>,
    /// The branch that the run is about: of a change request its source. In a
    /// fork's change request it is a branch of the fork.
    pub branch: Option<String>,
    /// How the host itself writes that branch, where this is not its name:
    /// `origin/main`.
    pub branch_spelling: Option<String>,
    /// The tag that the run is about.
    pub tag: Option<String>,
    /// The repository's default branch.
    pub default_branch: Option<String>,
    /// The pull request or merge request that the run is about.
    pub change_request: Option<ChangeRequest>,
    /// Whether commit and branch are of another repository, where the run is
    /// about no change request that says so.
    pub is_foreign: bool,
    /// What the run was started after, and how that ended, where it was no
    /// success: `workflow "CI" ended as failure`.
    pub failed_upstream: Option<String>,
    /// What started the run, in the host's own word: `push`, `pull_request`,
    /// `merge_request_event`, `schedule`.
    pub event: Option<String>,
    /// Who started it.
    pub actor: Option<String>,
    /// The repository that the run belongs to; not the fork.
    pub repository: Option<Repository>,
    /// The page of this run.
    pub run_url: Option<String>,
    /// Whether it is a run that somebody started again.
    pub is_rerun: Option<bool>,
    /// What names the run and its step, at every attempt, and nothing else.
    pub run_key: Option<String>,
    /// Which attempt at the run it is, as the host counts or names it.
    pub attempt: Option<String>,
    /// When the run began, at its first attempt.
    pub began_at: Option<Timestamp>,
}

/// A pull request or merge request. Its branch and newest commit are those of
/// the [`Facts`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRequest {
    /// The number by which people call it.
    pub number: u64,
    /// What happened to it that started the run.
    pub action: Option<ChangeAction>,
    /// The state when the run was started. It may have changed since.
    pub state: Option<ChangeState>,
    /// Whether its branch is in another repository.
    pub is_fork: Option<bool>,
}

/// What happened to a change request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeAction {
    /// The pull request was opened.
    Opened,
    /// The pull request was reopened.
    Reopened,
    /// The branch has new commits.
    Synchronized,
    /// The pull request was closed, merged or not.
    Closed,
    /// Something that changes neither its state nor its commits.
    Other,
}

/// The state of a change request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeState {
    /// Open.
    Open,
    /// Closed without being merged.
    Closed,
    /// Merged.
    Merged,
}

impl Facts {
    /// Reads them from the host's variables and, where there is one, its file
    /// about the event.
    pub fn read(host: Host, variables: &Variables) -> Self {
        let facts = (host.row().facts)(variables);
        // Some say `HEAD`, or give the reference of a change request.
        let commit = facts.commit.filter(|commit| is_commit(commit));
        let branch = facts
            .branch
            .filter(|branch| branch != "HEAD" && branch::other_reference(branch).is_none())
            .map(|branch| branch::short_name(&branch).to_owned());
        let RunNames { run, step, attempt } = host.row().names;
        let attempt = joined(variables, attempt);
        let key = || {
            let all = run.iter().all(|name| variables.text(name).is_some());
            let step = joined(variables, step).unwrap_or_default();
            Some(format!(
                "{} {step}",
                joined(variables, run).filter(|_| all)?
            ))
        };
        Self {
            commit,
            branch,
            run_key: key(),
            attempt,
            ..facts
        }
    }

    /// Whether the run is about the default branch; `None` if the host does
    /// not say.
    pub fn is_default_branch(&self) -> Option<bool> {
        if self.change_request.is_some() || self.tag.is_some() {
            return Some(false);
        }
        Some(self.branch.as_ref()? == self.default_branch.as_ref()?)
    }

    /// Whether Dependabot started the run.
    pub fn is_dependabot(&self) -> bool {
        self.actor.as_deref() == Some("dependabot[bot]")
    }

    /// Whether the host withholds its secrets from a run like this one: for a
    /// fork's change request, and on GitHub for Dependabot's runs. It is the
    /// reason for a key that is missing, not the proof that it is.
    pub fn has_no_secrets(&self) -> bool {
        // These events give the base repository's secrets to a fork's run.
        let trusted = ["pull_request_target", "workflow_run"];
        let is_trusted = self
            .event
            .as_deref()
            .is_some_and(|event| trusted.contains(&event));
        self.is_dependabot() || self.is_of_fork() && !is_trusted
    }

    /// Whether the branch that the run is about is known to be in another
    /// repository.
    pub fn is_of_fork(&self) -> bool {
        let request = self.change_request.as_ref();
        self.is_foreign || request.is_some_and(|request| request.is_fork == Some(true))
    }
}

impl ChangeRequest {
    /// One of which nothing but its number is known.
    pub(crate) const fn numbered(number: u64) -> Self {
        Self {
            number,
            action: None,
            state: None,
            is_fork: None,
        }
    }
}

/// The change request whose number the variable holds, if it does.
pub(crate) fn numbered_by(variables: &Variables, name: &str) -> Option<ChangeRequest> {
    let number = variables.text(name)?.parse().ok()?;
    Some(ChangeRequest::numbered(number))
}

/// The variables of a host that name a run.
#[derive(Debug)]
pub(crate) struct RunNames {
    /// Together they name the run, and nothing else in the world; without one of
    /// them there is no name.
    pub(crate) run: &'static [&'static str],
    /// Together with them they name the step, as far as they are given.
    pub(crate) step: &'static [&'static str],
    /// They differ from one attempt to another.
    pub(crate) attempt: &'static [&'static str],
}

impl RunNames {
    /// A host that names no run.
    pub(crate) const NONE: Self = Self {
        run: &[],
        step: &[],
        attempt: &[],
    };
}

/// What these variables hold, as far as they are given.
fn joined(variables: &Variables, names: &[&str]) -> Option<String> {
    let values = names.iter().filter_map(|name| variables.text(name));
    let values: Vec<&str> = values.collect();
    (!values.is_empty()).then(|| values.join("/"))
}

/// The moment that a variable holds: seconds since 1970, or a date and a time
/// with its zone.
pub(crate) fn moment(variables: &Variables, name: &str) -> Option<Timestamp> {
    moment_in(variables.text(name)?)
}

/// The moment that a text names.
pub(crate) fn moment_in(text: &str) -> Option<Timestamp> {
    let seconds = text.parse().ok();
    seconds.map_or_else(
        || text.parse().ok(),
        |seconds| Timestamp::from_second(seconds).ok(),
    )
}

pub(crate) fn owned(variables: &Variables, name: &str) -> Option<String> {
    variables.text(name).map(str::to_owned)
}

/// Whether the variable is `true`, where it is given.
pub(crate) fn truth(variables: &Variables, name: &str) -> Option<bool> {
    variables
        .text(name)
        .map(|value| value.eq_ignore_ascii_case("true"))
}

/// Whether a count that begins at `first` has gone further: hosts count the
/// runs of one and the same thing.
pub(crate) fn is_beyond(variables: &Variables, name: &str, first: u64) -> Option<bool> {
    let count: u64 = variables.text(name)?.parse().ok()?;
    Some(count > first)
}

/// The branch and the tag of a full reference; a change request's has neither.
pub(crate) fn branch_and_tag(reference: Option<&str>) -> (Option<String>, Option<String>) {
    let after = |prefix| reference?.strip_prefix(prefix).map(str::to_owned);
    (after("refs/heads/"), after("refs/tags/"))
}

/// Git writes only zeros where there is no commit.
fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && text.bytes().any(|byte| byte != b'0')
}

#[cfg(test)]
pub(in crate::ci) mod tests {
    use super::*;

    /// What a host says with these variables, without the names of the run.
    pub(in crate::ci) fn facts_of(host: Host, pairs: &[(&str, &str)]) -> Facts {
        Facts {
            run_key: None,
            attempt: None,
            ..all_facts_of(host, pairs)
        }
    }

    fn all_facts_of(host: Host, pairs: &[(&str, &str)]) -> Facts {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        Facts::read(host, &pairs.collect())
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is what facts are made of")]
    pub(in crate::ci) fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    /// A repository on github.com.
    pub(in crate::ci) fn on_github(slug: &str) -> Option<Repository> {
        Repository::cloned_from(&format!("https://github.com/{slug}.git"))
    }

    #[test]
    fn without_variables_nothing_is_known_on_any_host() {
        for host in Host::ALL.iter().copied() {
            assert_eq!(facts_of(host, &[]), Facts::default(), "{host:?}");
        }
    }

    #[test]
    fn a_run_keeps_its_name_at_every_attempt_and_shares_it_with_no_other() {
        for host in Host::ALL.iter().copied() {
            let RunNames { run, step, attempt } = host.row().names;
            let all = [run, step, attempt].concat();
            let first: Vec<(&str, &str)> = all.iter().map(|name| (*name, "1")).collect();
            let of = |changed: &str| {
                let change = |(name, value)| (name, if name == changed { "2" } else { value });
                all_facts_of(host, &first.iter().copied().map(change).collect::<Vec<_>>())
            };
            let known = of("");
            assert_eq!(known.run_key.is_some(), !run.is_empty(), "{host:?}");
            for name in attempt {
                assert_eq!(of(name).run_key, known.run_key, "{host:?} {name}");
                assert_ne!(of(name).attempt, known.attempt, "{host:?} {name}");
            }
            for name in run.iter().chain(step) {
                assert_ne!(of(name).run_key, known.run_key, "{host:?} {name}");
            }
            for missing in run {
                let others = first.iter().filter(|(name, _)| name != missing);
                let others: Vec<_> = others.copied().collect();
                assert_eq!(
                    all_facts_of(host, &others).run_key,
                    None,
                    "{host:?} {missing}"
                );
            }
        }
    }

    #[test]
    fn a_moment_is_seconds_or_a_date_with_its_zone() {
        for text in [
            "1796053430",
            "2026-11-30T15:43:50Z",
            "2026-11-30 16:43:50+01:00",
        ] {
            let moment = moment_in(text).map(Timestamp::as_second);
            assert_eq!(moment, Some(1_796_053_430), "{text}");
        }
        for text in ["", "yesterday", "2026-11-30 15:43:50"] {
            assert_eq!(moment_in(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_commit_is_none() {
        for (text, is) in [
            ("9f8e7d6c5b4a39281706f5e4d3c2b1a098765432", true),
            ("9f8e7d6", true),
            ("0000000000000000000000000000000000000000", false),
            ("HEAD", false),
            ("refs/heads/main", false),
            ("9f8e7d", false),
            ("9f8e7d6\n::error::", false),
        ] {
            assert_eq!(is_commit(text), is, "{text}");
        }
    }

    #[test]
    fn a_branch_has_its_short_name_and_what_is_no_branch_is_none() {
        for (given, branch) in [
            ("main", some("main")),
            ("refs/heads/main", some("main")),
            ("refs/tags/v1", None),
            ("refs/pull/12/merge", None),
            ("12/merge", None),
            ("HEAD", None),
        ] {
            let facts = facts_of(Host::Buildkite, &[("BUILDKITE_BRANCH", given)]);
            assert_eq!(facts.branch, branch, "{given}");
        }
    }

    #[test]
    fn secrets_are_withheld_from_forks_and_from_dependabot() {
        let of = |is_fork, event: &str, actor: &str| Facts {
            change_request: Some(ChangeRequest {
                is_fork,
                ..ChangeRequest::numbered(1)
            }),
            event: some(event),
            actor: some(actor),
            ..Facts::default()
        };
        for (facts, has_none) in [
            (of(Some(true), "pull_request", "octocat"), true),
            (of(Some(true), "pull_request_target", "octocat"), false),
            (of(Some(false), "pull_request", "octocat"), false),
            (of(None, "pull_request", "octocat"), false),
            (of(Some(false), "pull_request", "dependabot[bot]"), true),
            (Facts::default(), false),
        ] {
            assert_eq!(facts.has_no_secrets(), has_none, "{facts:?}");
        }
    }

    #[test]
    fn the_default_branch_is_known_where_both_are() {
        let main = Facts {
            branch: some("main"),
            default_branch: some("main"),
            ..Facts::default()
        };
        assert_eq!(main.is_default_branch(), Some(true));
        let of_a_fork = Facts {
            change_request: Some(ChangeRequest::numbered(1)),
            ..main.clone()
        };
        assert_eq!(of_a_fork.is_default_branch(), Some(false));
        let unsaid = Facts {
            default_branch: None,
            ..main
        };
        assert_eq!(unsaid.is_default_branch(), None);
    }
}
