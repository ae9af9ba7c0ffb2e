//! Whether a service of a stack has to be deployed: its files differ between the
//! commit that is live and the commit of the run.
//!
//! Everything that is not known means that it has to be, with the reason.

mod live;

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::actions::ActionContext;
use crate::actions::at_once::join_all;
use crate::actions::deploy::past::read_past;
use crate::actions::error::TriggerError;
use crate::actions::stack::{StackMember, StackTask};
use crate::branch::is_same;
use crate::code_host::{ChangedFiles, CodeHost};
use crate::deployment::{Deployment, ServiceKind, short};
use crate::path_filter::PathFilter;
use crate::sevalla::{ApiError, Patience};
use crate::verify::{Check, Verified};

/// How long comparing all commits may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest that the check of a service is repeated which has not changed. It runs
/// already, so it need not be waited for.
const CHECK: Duration = Duration::from_secs(30);

/// How many services are read at once.
const AT_ONCE: usize = 10;

/// Whether a service has to be deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeployDecision {
    pub(crate) deploys: bool,
    /// Why, or why not.
    pub(crate) why: String,
}

impl DeployDecision {
    /// It has to be deployed.
    pub(crate) fn deploy(why: impl Into<String>) -> Self {
        let why = why.into();
        Self { deploys: true, why }
    }

    /// Nothing that concerns it differs.
    pub(crate) fn keep(why: String) -> Self {
        Self {
            deploys: false,
            why,
        }
    }

    fn unknown(why: &str) -> Self {
        Self::deploy(format!("what has changed is not known: {why}"))
    }
}

/// The commit of the run, and its branch, as far as the CI reports them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunRevision {
    /// The commit.
    pub commit: Option<String>,
    /// The branch.
    pub branch: Option<String>,
}

/// What is known of a service when it is decided.
struct Member {
    past: Vec<Deployment>,
    filter: PathFilter,
    /// The branch that it deploys, where the user gives one.
    branch: Option<String>,
}

impl ActionContext<'_> {
    /// For each service of the stack, in the order of the file, whether it has
    /// changed. Whatever is unknown means that it has to be deployed. The ids of
    /// all services are known by now.
    pub(super) async fn decide(&self, stack: &StackTask) -> Vec<DeployDecision> {
        let host = self.code_host(self.deadline.moment().min(Instant::now() + PATIENCE));
        let host = match &host {
            Some(Ok(host)) => Ok(host),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("there is no github-token for the repository".to_owned()),
        };
        let detector = ChangeDetector::new(host, &stack.revision);
        let mut decisions = Vec::new();
        for members in stack.members.chunks(AT_ONCE) {
            let read = members.iter().map(|member| self.member(member));
            let mut decided = Vec::new();
            // One after the other: services that share a commit share its files.
            for (member, read) in members.iter().zip(join_all(read).await) {
                decided.push(match read {
                    Ok(read) => {
                        let decision = detector.decide(&read).await;
                        self.confirm(member, read.past, decision)
                    }
                    Err(why) => self.confirm(member, Vec::new(), DeployDecision::unknown(&why)),
                });
            }
            decisions.extend(join_all(decided).await);
        }
        decisions
    }

    /// Keeps a service that has a check only if it passes now. Nothing else shows how
    /// the check ended after the deployment that is live.
    async fn confirm(
        &self,
        member: &StackMember,
        past: Vec<Deployment>,
        decision: DeployDecision,
    ) -> DeployDecision {
        let (false, Some(check), Ok((live, _))) = (
            decision.deploys,
            member.plan.check.as_ref(),
            live::live(&past),
        ) else {
            return decision;
        };
        let check = Check {
            timeout: check.timeout.min(CHECK),
            ..check.clone()
        };
        let context = self.of_member(member, &member.plan, self.deadline, None);
        let source = context.source(member.on_sevalla(), &live.id);
        let by = self.deadline.moment();
        match context
            .check(&check, &source, live, None, by, &|_| {})
            .await
        {
            Verified::Yes => DeployDecision::keep(format!("{}; its check passed", decision.why)),
            Verified::No(report) | Verified::NotMade(report) => {
                let why = format!("{}, but its check did not pass", decision.why);
                DeployDecision::deploy(format!("{why}: {}", report.reason))
            }
        }
    }

    /// What is known of a service, or why nothing is.
    async fn member(&self, member: &StackMember) -> Result<Member, String> {
        if member.given("docker-image").is_some() {
            return Err("it runs an image, which has no commit of this repository".to_owned());
        }
        let past = read_past(&self.client, member.on_sevalla()).await;
        Ok(Member {
            past: past.map_err(|error| reason_of(&error))?,
            filter: self.filter_of(member).await?,
            branch: member.given("branch").map(str::to_owned),
        })
    }

    /// Which files concern a service, or why that is not known.
    pub(crate) async fn filter_of(&self, member: &StackMember) -> Result<PathFilter, String> {
        let lacks = |error: ApiError| error.to_string();
        let service = member.on_sevalla();
        let paths = member.service.paths.iter();
        let paths: Vec<String> = paths.map(|path| path.value.clone()).collect();
        let patience = Patience::BEFORE_THE_START;
        if !paths.is_empty() {
            return Ok(PathFilter::of_paths(&paths));
        }
        let (allowed, ignored) = if service.kind == ServiceKind::Application {
            let record = self.client.get_application(service.id, patience).await;
            let record = record.map_err(lacks)?;
            (record.allow_deploy_paths, record.ignore_deploy_paths)
        } else {
            let record = self.client.get_static_site(service.id, patience).await;
            let record = record.map_err(lacks)?;
            (record.allow_deploy_paths, record.ignore_deploy_paths)
        };
        Ok(PathFilter::of_deploy_paths(&allowed, &ignored))
    }
}

/// Why something could not be read.
fn reason_of(error: &TriggerError) -> String {
    let request = error.failed_request();
    request.map(ToString::to_string).unwrap_or_default()
}

/// Compares the commit of the run with those that are live.
struct ChangeDetector<'a> {
    /// The code host, or why it cannot be asked.
    host: Result<&'a CodeHost, String>,
    run: &'a RunRevision,
    /// What the host has said of each commit that is live: services that were
    /// deployed together share it.
    compared: RefCell<HashMap<String, Result<ChangedFiles, String>>>,
}

impl<'a> ChangeDetector<'a> {
    fn new(host: Result<&'a CodeHost, String>, run: &'a RunRevision) -> Self {
        Self {
            host,
            run,
            compared: RefCell::default(),
        }
    }

    async fn decide(&self, member: &Member) -> DeployDecision {
        self.compare(member)
            .await
            .unwrap_or_else(|why| DeployDecision::unknown(&why))
    }

    /// The decision, or why what has changed is not known.
    async fn compare(&self, member: &Member) -> Result<DeployDecision, String> {
        let none = || "the CI does not report the commit of this run".to_owned();
        let head = self.run.commit.as_deref().ok_or_else(none)?;
        let (live, commit) = live::live(&member.past)?;
        self.check_branch(member.branch.as_deref().or(live.branch.as_deref()))?;
        if commit.eq_ignore_ascii_case(head) {
            let why = format!("commit {} is live", short(head));
            return Ok(DeployDecision::keep(why));
        }
        let files = match self.files(commit, head).await? {
            ChangedFiles::Known(files) => files,
            ChangedFiles::Unknown(why) => return Err(why),
        };
        let since = short(commit);
        Ok(match member.filter.matches(&files) {
            None => {
                DeployDecision::keep(format!("no file of it differs from {since}, which is live"))
            }
            Some((file, 1)) => {
                DeployDecision::deploy(format!("{file} differs from {since}, which is live"))
            }
            Some((file, count)) => DeployDecision::deploy(format!(
                "{file} and {} more differ from {since}, which is live",
                count - 1
            )),
        })
    }

    /// The commit of the run says nothing about a service that deploys another
    /// branch.
    fn check_branch(&self, deployed: Option<&str>) -> Result<(), String> {
        match (self.run.branch.as_deref(), deployed) {
            (Some(ours), Some(deployed)) if is_same(ours, deployed) => Ok(()),
            (Some(ours), Some(deployed)) => Err(format!(
                "it deploys branch {deployed}, and this run is about {ours}"
            )),
            _ => Err("the branch of this run, or of the live deployment, is not known".to_owned()),
        }
    }

    async fn files(&self, live: &str, head: &str) -> Result<ChangedFiles, String> {
        let known = self.compared.borrow().get(live).cloned();
        if let Some(known) = known {
            return known;
        }
        let host = self.host.as_ref().map_err(Clone::clone)?;
        let files = host.changed_files(live, head).await;
        let files = files.map_err(|error| error.to_string());
        let mut compared = self.compared.borrow_mut();
        compared.insert(live.to_owned(), files.clone());
        files
    }
}

#[cfg(test)]
mod tests;
