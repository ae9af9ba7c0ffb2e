//! [`ChangeDetector`]: whether a service of a stack has to be deployed, since
//! its files differ between the commit that is live and the commit of the run.
//!
//! Everything that is not known means that it has to be, with the reason.

mod live;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::HashMap;

pub(crate) use self::live::live_commit;
use crate::code_host::{ChangedFiles, CodeHost};
use crate::deployment::{Deployment, short};
use crate::path_filter::PathFilter;

/// Whether a service has to be deployed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// It has to be; the reason completes "deployed: …".
    Needed(String),
    /// Nothing that concerns it differs; the reason completes "unchanged: …".
    None(String),
}

impl Change {
    /// Whether the service has to be deployed.
    pub(crate) const fn is_needed(&self) -> bool {
        matches!(self, Self::Needed(_))
    }

    fn unknown(why: &str) -> Self {
        Self::Needed(format!("what has changed is not known: {why}"))
    }
}

/// Compares the commit of the run with those that are live.
pub(crate) struct ChangeDetector<'a> {
    /// The code host, or why it cannot be asked.
    host: Result<&'a CodeHost, String>,
    /// The commit of the run.
    head: Option<&'a str>,
    /// What the host has said of each commit that is live: services that were
    /// deployed together share it.
    compared: RefCell<HashMap<String, Result<ChangedFiles, String>>>,
}

impl<'a> ChangeDetector<'a> {
    pub(crate) fn new(host: Result<&'a CodeHost, String>, head: Option<&'a str>) -> Self {
        Self {
            host,
            head,
            compared: RefCell::default(),
        }
    }

    /// Whether a service with these newest deployments has to be deployed.
    pub(crate) async fn decide(&self, past: &[Deployment], filter: &PathFilter) -> Change {
        let Some(head) = self.head else {
            return Change::unknown("the CI does not report the commit of this run");
        };
        let live = match live_commit(past) {
            Ok(live) => live,
            Err(why) => return Change::unknown(&why),
        };
        if live.eq_ignore_ascii_case(head) {
            return Change::None(format!("commit {} is live", short(head)));
        }
        let files = match self.files(live, head).await {
            Ok(ChangedFiles::Known(files)) => files,
            Ok(ChangedFiles::Unknown(why)) | Err(why) => return Change::unknown(&why),
        };
        let since = short(live);
        match filter.matches(&files) {
            None => Change::None(format!(
                "none of its files differs from {since}, which is live"
            )),
            Some((file, 1)) => {
                Change::Needed(format!("{file} differs from {since}, which is live"))
            }
            Some((file, count)) => Change::Needed(format!(
                "{file} and {} more differ from {since}, which is live",
                count - 1
            )),
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
        self.compared
            .borrow_mut()
            .insert(live.to_owned(), files.clone());
        files
    }
}

/// Adds what depends on a service that is deployed: to be used with
/// `with-dependents`. `needs` has the services that each one needs.
pub(crate) fn add_dependents(changes: &mut [Change], names: &[&str], needs: &[Vec<usize>]) {
    loop {
        let is_needed = |at: &usize| changes.get(*at).is_some_and(Change::is_needed);
        let dependent = needs.iter().enumerate().find_map(|(at, needed)| {
            let cause = needed.iter().copied().find(|at| is_needed(at))?;
            (!is_needed(&at)).then_some((at, cause))
        });
        let Some((at, cause)) = dependent else {
            return;
        };
        if let Some(change) = changes.get_mut(at) {
            let name = names.get(cause).copied().unwrap_or_default();
            *change = Change::Needed(format!("it depends on {name}, which is deployed"));
        }
    }
}
