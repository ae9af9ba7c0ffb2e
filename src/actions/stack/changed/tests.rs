//! Decisions over random histories, held against a comparison of the trees.
//!
//! The code host compares as GitHub and GitLab do: with the last common
//! ancestor or directly, with renames, with lists that are cut, and without the
//! commits that it has lost.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::live::live;
use super::{ChangeDetector, DeployDecision, Member, RunRevision};
use crate::ci::{Api, Repository};
use crate::code_host::CodeHost;
use crate::deployment::{Deployment, DeploymentId, Status};
use crate::http::{Request, Response, ResponseFuture, Transport};
use crate::path_filter::PathFilter;
use crate::sanitize::Sanitizer;
use crate::sanitize::redactor::Redactor;
use crate::secret::ApiToken;

const TOKEN: &str = "ghs_Q0w9E8r7T6y5U4i3O2p1A0s9D8f7G6h5J4k3";

/// Path and content of each file.
type Tree = BTreeMap<String, u32>;

/// Old and new name of each file that differs.
type Entries = Vec<(String, String)>;

struct Commit {
    tree: Tree,
    /// A bit for each, with its own.
    ancestors: u64,
}

/// A repository, and what its host makes of it.
struct History {
    commits: Vec<Commit>,
    /// Those that the host no longer has.
    lost: BTreeSet<usize>,
    /// The most files that it lists.
    most: usize,
    is_gitlab: bool,
    is_failing: bool,
    seed: u64,
    /// Compared before.
    entries: RefCell<BTreeMap<(usize, usize), Rc<Entries>>>,
}

fn sha(at: usize) -> String {
    format!("{at:08x}{}", "5e0a11a0".repeat(4))
}

fn differing(one: &Tree, other: &Tree) -> BTreeSet<String> {
    let names = one.keys().chain(other.keys());
    let differs = |name: &&String| one.get(*name) != other.get(*name);
    names.filter(differs).cloned().collect()
}

impl History {
    fn random(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let tree = [
            "api/main",
            "api/x/y",
            "web/index",
            "web/a b",
            "shared/lib",
            "docs/a.md",
            "README",
        ];
        let tree = tree.iter().map(|name| ((*name).to_owned(), 0)).collect();
        let mut history = Self {
            commits: vec![Commit { tree, ancestors: 1 }],
            lost: BTreeSet::new(),
            most: if random.u8(..4) == 0 { 3 } else { 1000 },
            is_gitlab: random.bool(),
            is_failing: random.u8(..20) == 0,
            seed,
            entries: RefCell::default(),
        };
        let mut head = 0;
        for _ in 0..random.usize(3..30) {
            head = history.grow(head, &mut random);
        }
        for at in 0..history.commits.len() {
            if random.u8(..25) == 0 {
                history.lost.insert(at);
            }
        }
        history
    }

    /// Adds a commit to a branch, and continues with it or elsewhere.
    fn grow(&mut self, head: usize, random: &mut fastrand::Rng) -> usize {
        let any = random.usize(..self.commits.len());
        let mut tree = self.commits[head].tree.clone();
        let mut parents = vec![head];
        let name = {
            let names: Vec<&String> = tree.keys().collect();
            random.choice(names).cloned()
        };
        match (random.u8(..16), name) {
            (0, _) => return any, // A force push, or another branch.
            (1, _) => tree = self.commits[any].tree.clone(), // A revert.
            (2..=4, _) if any != head => {
                // A merge, in which each conflict is resolved for one side.
                let base = self.bases(head, any).first().copied();
                let base = base
                    .map(|at| self.commits[at].tree.clone())
                    .unwrap_or_default();
                let theirs = &self.commits[any].tree;
                for name in differing(&base, theirs) {
                    let is_conflict = base.get(&name) != tree.get(&name);
                    if is_conflict && random.bool() {
                        continue;
                    }
                    match theirs.get(&name) {
                        Some(content) => tree.insert(name, *content),
                        None => tree.remove(&name),
                    };
                }
                parents.push(any);
            }
            (5, Some(name)) => {
                tree.remove(&name);
            }
            (6 | 7, Some(name)) => {
                let place = random.choice(["api", "web", "shared", "docs"]).unwrap();
                let content = tree.remove(&name).unwrap();
                tree.insert(format!("{place}/moved{}", random.u8(..4)), content);
            }
            (8, _) => {
                let content = random.u32(1..4);
                let place = random.choice(["gen", "gen", "web"]).unwrap();
                tree.extend((0..random.usize(290..310)).map(|n| (format!("{place}/{n}"), content)));
            }
            (9, _) if random.u8(..4) == 0 => parents.clear(), // A new root.
            (_, Some(name)) => {
                // Few contents, so that a change is often undone.
                tree.insert(name, random.u32(..3));
            }
            _ => {
                tree.insert("README".to_owned(), 0);
            }
        }
        let of = |at: &usize| self.commits[*at].ancestors;
        let own = 1 << self.commits.len();
        let ancestors = parents.iter().map(of).fold(own, |all, some| all | some);
        self.commits.push(Commit { tree, ancestors });
        self.commits.len() - 1
    }

    /// The best common ancestors.
    fn bases(&self, one: usize, other: usize) -> Vec<usize> {
        let of = |at: usize| self.commits[at].ancestors;
        let is_in = |set: u64, at: usize| set & (1 << at) != 0;
        let common = of(one) & of(other);
        let all = || (0..self.commits.len()).filter(|at| is_in(common, *at));
        let is_best = |at: &usize| !all().any(|other| other != *at && is_in(of(other), *at));
        all().filter(is_best).collect()
    }

    fn known(&self, commit: &str) -> Option<usize> {
        let at = (0..self.commits.len()).find(|at| sha(*at) == commit)?;
        (!self.lost.contains(&at)).then_some(at)
    }

    fn answer(&self, request: &Request) -> Option<Value> {
        let query: BTreeMap<_, _> = request.url.query_pairs().into_owned().collect();
        if self.is_gitlab {
            assert_eq!(request.url.path(), "/api/v4/projects/7/repository/compare");
            assert_eq!(query["straight"], "true");
            let (from, to) = (self.known(&query["from"])?, self.known(&query["to"])?);
            return Some(self.as_gitlab(from, to));
        }
        let ends = request
            .url
            .path()
            .strip_prefix("/repos/acme/shop/compare/")
            .unwrap();
        let (from, to) = ends.split_once("...").unwrap();
        self.as_github(self.known(from)?, self.known(to)?)
    }

    fn as_gitlab(&self, from: usize, to: usize) -> Value {
        let entries = self.entries(from, to);
        let is_cut = entries.len() > self.most;
        let entries = entries.iter().take(self.most);
        let diffs =
            entries.map(|(old, new)| json!({ "old_path": old, "new_path": new, "diff": "" }));
        json!({
            "commits": [], "diffs": diffs.collect::<Value>(), "compare_timeout": is_cut,
            "compare_same_ref": from == to,
        })
    }

    fn as_github(&self, from: usize, to: usize) -> Option<Value> {
        let bases = self.bases(from, to);
        // Which of several is taken is not documented.
        let mut random = fastrand::Rng::with_seed(self.seed + u64::from(from > to));
        let base = random.choice(bases)?;
        let files = self.entries(base, to);
        let files = files.iter().take(300).map(|(old, new)| {
            if old == new {
                json!({ "filename": new, "status": "modified" })
            } else {
                json!({ "filename": new, "previous_filename": old, "status": "renamed" })
            }
        });
        Some(json!({
            "merge_base_commit": { "sha": sha(base) },
            "files": files.collect::<Value>(),
        }))
    }

    /// A file that disappears while one with the same content appears was renamed.
    fn entries(&self, from: usize, to: usize) -> Rc<Entries> {
        let known = self.entries.borrow().get(&(from, to)).cloned();
        known.unwrap_or_else(|| {
            let entries = Rc::new(entries(&self.commits[from].tree, &self.commits[to].tree));
            self.entries
                .borrow_mut()
                .insert((from, to), Rc::clone(&entries));
            entries
        })
    }
}

fn entries(from: &Tree, to: &Tree) -> Entries {
    let names = differing(from, to);
    let (new, old): (Vec<_>, Vec<_>) = names.iter().partition(|name| !from.contains_key(*name));
    let mut gone: BTreeMap<u32, Vec<&String>> = BTreeMap::new();
    for name in old.iter().filter(|name| !to.contains_key(**name)) {
        gone.entry(from[*name]).or_default().push(name);
    }
    let mut entries: Entries = new
        .into_iter()
        .map(|new| {
            let old = gone.get_mut(&to[new]).and_then(Vec::pop).unwrap_or(new);
            (old.clone(), new.clone())
        })
        .collect();
    let renamed: BTreeSet<String> = entries.iter().map(|(old, _)| old.clone()).collect();
    let rest = old.into_iter().filter(|name| !renamed.contains(*name));
    entries.extend(rest.map(|name| (name.clone(), name.clone())));
    entries.sort();
    entries
}

struct Host(Rc<History>);

impl Transport for Host {
    fn exchange(&self, request: Request, _limit: Duration) -> ResponseFuture<'_> {
        let answer = self.0.answer(&request);
        let (status, body) = match answer {
            _ if self.0.is_failing => (502, json!({})),
            Some(body) => (200, body),
            None => (404, json!({ "message": "Not Found" })),
        };
        let reply = Response {
            status,
            headers: HeaderMap::new(),
            body: Ok(body.to_string().into_bytes()),
        };
        Box::pin(std::future::ready(Ok(reply)))
    }
}

fn client(history: &Rc<History>) -> CodeHost {
    let api = if history.is_gitlab {
        let base = "https://gitlab.example/api/v4".parse().unwrap();
        Api::GitLab {
            base,
            project: "7".to_owned(),
        }
    } else {
        Api::GitHub {
            base: "https://api.github.com".parse().unwrap(),
        }
    };
    let repository = Repository {
        slug: "acme/shop".to_owned(),
        api: Some(api),
    };
    let sanitizer = Sanitizer::new(Redactor::new([TOKEN]));
    let (token, by) = (
        ApiToken::parse(TOKEN).unwrap(),
        Instant::now() + Duration::from_secs(3600),
    );
    CodeHost::over(
        Box::new(Host(Rc::clone(history))),
        &repository,
        &token,
        sanitizer,
        by,
    )
    .unwrap()
}

fn deployment(id: &str, status: Status, commit: Option<String>) -> Deployment {
    Deployment {
        status,
        commit_sha: commit,
        branch: Some("main".to_owned()),
        ..Deployment::only_its_id(DeploymentId(id.to_owned()))
    }
}

fn member(past: Vec<Deployment>, filter: PathFilter) -> Member {
    Member {
        past,
        filter,
        branch: None,
    }
}

fn revision(commit: Option<String>) -> RunRevision {
    RunRevision {
        commit,
        branch: Some("main".to_owned()),
    }
}

fn globs(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Whether a file concerns a service.
type Concerns = fn(&str) -> bool;

/// Filters, and the same written by hand.
fn services() -> Vec<(PathFilter, Concerns)> {
    vec![
        (
            PathFilter::of_paths(&globs(&["api/**", "shared/**"])),
            |file| file.starts_with("api/") || file.starts_with("shared/"),
        ),
        (
            PathFilter::of_paths(&globs(&["web/**", "shared/**"])),
            |file| file.starts_with("web/") || file.starts_with("shared/"),
        ),
        (
            PathFilter::of_deploy_paths(&globs(&["docs/*"]), &[]),
            |file| file.starts_with("docs/"),
        ),
        (
            PathFilter::of_deploy_paths(&[], &globs(&["gen/**", "**/*.md"])),
            |file| !file.starts_with("gen/") && file != "docs/a.md",
        ),
        (PathFilter::All, |_| true),
    ]
}

/// What the decisions came to.
#[derive(Debug, Default)]
struct Tally {
    decisions: usize,
    skipped: usize,
    unknown: usize,
    /// Deployed although nothing differs: both sides made the same change.
    needless: usize,
}

impl Tally {
    fn add(
        &mut self,
        history: &History,
        live: usize,
        head: usize,
        concerns: Concerns,
        change: &DeployDecision,
    ) {
        let seed = history.seed;
        let trees = (&history.commits[live].tree, &history.commits[head].tree);
        let differs = differing(trees.0, trees.1)
            .iter()
            .any(|file| concerns(file));
        let bases = history.bases(live, head);
        let is_far = |base: usize, end: usize| history.entries(base, end).len() >= 300;
        let is_listed = if history.is_gitlab {
            history.entries(live, head).len() <= history.most
        } else {
            let [base] = *bases else {
                return self.add_unknown(differs, change, seed);
            };
            !is_far(base, live) && !is_far(base, head)
        };
        let is_there = !history.lost.contains(&live) && !history.lost.contains(&head);
        let is_known = live == head || is_listed && is_there && !history.is_failing;
        if !is_known {
            return self.add_unknown(differs, change, seed);
        }
        self.decisions += 1;
        self.skipped += usize::from(!change.deploys);
        assert!(
            !differs || change.deploys,
            "seed {seed}: skipped a change: {change:?}"
        );
        let is_exact = history.is_gitlab || bases == [live];
        if !differs && change.deploys {
            assert!(!is_exact, "seed {seed}: needless: {change:?}");
            self.needless += 1;
        }
    }

    fn add_unknown(&mut self, differs: bool, change: &DeployDecision, seed: u64) {
        self.decisions += 1;
        self.unknown += 1;
        // A comparison in one direction may be known, and then it is right.
        assert!(
            !differs || change.deploys,
            "seed {seed}: skipped a change: {change:?}"
        );
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how many to play is for a person"
)]
#[tokio::test(start_paused = true)]
async fn a_service_is_skipped_only_if_none_of_its_files_differs() {
    let given = std::env::var("STACK_HISTORIES").ok();
    let histories: u64 = given.and_then(|text| text.parse().ok()).unwrap_or(150);
    let mut tally = Tally::default();
    for seed in 0..histories {
        let history = Rc::new(History::random(seed));
        let host = client(&history);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..2 {
            let head = random.usize(..history.commits.len());
            let run = revision(Some(sha(head)));
            let changes = ChangeDetector::new(Ok(&host), &run);
            for (filter, concerns) in services() {
                let live = random.usize(..history.commits.len());
                let past = vec![
                    deployment("c", Status::Skipped, Some(sha(0))),
                    deployment("b", Status::Success, Some(sha(live))),
                    deployment("a", Status::Failed, Some(sha(0))),
                ];
                let change = changes.decide(&member(past, filter)).await;
                tally.add(&history, live, head, concerns, &change);
            }
        }
    }
    // Else the histories prove little.
    let decisions = 10 * usize::try_from(histories).unwrap();
    assert_eq!(tally.decisions, decisions);
    assert!(tally.skipped > decisions / 5, "{tally:?}");
    assert!(tally.unknown < decisions * 2 / 5, "{tally:?}");
    assert!(tally.needless < decisions / 20, "{tally:?}");
}

#[test]
fn what_is_not_known_of_the_live_commit_is_said() {
    let ok = || deployment("ok", Status::Success, Some(sha(1)));
    let of = |status| deployment("new", status, Some(sha(2)));
    let odd = |commit: &str| Deployment {
        commit_sha: Some(commit.to_owned()),
        ..ok()
    };
    let no_commit = deployment("ok", Status::Success, None);
    let built_nothing = Deployment {
        is_built: Some(false),
        ..ok()
    };
    let of_preview = Deployment {
        is_preview: true,
        ..of(Status::Success)
    };
    for (past, expected) in [
        (vec![], Err("no successful")),
        (vec![of(Status::Failed)], Err("failed")),
        (vec![ok()], Ok(())),
        (
            vec![of(Status::Failed), ok()],
            Err("the last deployment, new, failed"),
        ),
        (
            vec![of(Status::Skipped), of(Status::Cancelled), ok()],
            Ok(()),
        ),
        (
            vec![of(Status::Cancelled), of(Status::Failed), ok()],
            Err("failed"),
        ),
        (
            vec![of(Status::Waiting), ok()],
            Err("deployment new is waiting in the queue"),
        ),
        (
            vec![of(Status::Other("hm".to_owned())), ok()],
            Err("deployment new is hm"),
        ),
        (vec![ok(), of(Status::InProgress)], Err("running")),
        (vec![of_preview, ok()], Ok(())),
        (vec![built_nothing], Err("built nothing")),
        (vec![no_commit], Err("no commit")),
        (vec![odd("HEAD")], Err("no commit")),
        (vec![odd("../../x")], Err("no commit")),
        (vec![odd(&sha(1)[..12])], Err("no commit")),
    ] {
        let live = live(&past).map(|(_, commit)| commit);
        match expected {
            Ok(()) => assert_eq!(live, Ok(sha(1).as_str()), "{past:?}"),
            Err(why) => assert!(
                live.as_ref()
                    .is_err_and(|reason_of| reason_of.contains(why)),
                "{live:?}"
            ),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_compared_is_deployed() {
    let past = || vec![deployment("ok", Status::Success, Some(sha(1)))];
    let decide = async |member: Member, run: RunRevision| {
        let no_token = Err("there is no github-token".to_owned());
        ChangeDetector::new(no_token, &run).decide(&member).await
    };
    let of = |branch: &str| Member {
        branch: Some(branch.to_owned()),
        ..member(past(), PathFilter::All)
    };
    let (same, other) = (sha(1).to_uppercase(), Some(sha(2)));
    let nowhere = RunRevision {
        commit: Some(sha(1)),
        branch: None,
    };
    for (member, run, why) in [
        (
            of("main"),
            revision(None),
            "the CI does not report the commit",
        ),
        (of("main"), revision(other), "there is no github-token"),
        (
            of("next"),
            revision(Some(sha(1))),
            "it deploys branch next, and this run is about main",
        ),
        (of("main"), nowhere, "the branch of this run"),
    ] {
        let change = decide(member, run).await;
        let why = format!("what has changed is not known: {why}");
        assert!(change.deploys && change.why.starts_with(&why), "{change:?}");
    }
    let change = decide(of("refs/heads/main"), revision(Some(same.clone()))).await;
    let why = format!("commit {} is live", &same[..9]);
    assert_eq!(
        change,
        DeployDecision {
            deploys: false,
            why
        }
    );
}
