//! Resources that are given by their display name: whether the action takes that,
//! and which one it is.

use uuid::Uuid;

use crate::actions::error::{FailedPrecondition, TriggerError};
use crate::actions::manage::resolve::listed;
use crate::actions::validation::Validation;
use crate::actions::{ActionContext, nothing_started};
use crate::event::EventKind;
use crate::inputs::{ActionName, GivenName, Inputs, ProblemKind, Resource};
use crate::messages::Failure;
use crate::outcome::Outcome;
use crate::resource::{ResourceKind, ResourceList, ResourceRef};
use crate::sanitize::cleaned;
use crate::sevalla::{Client, Patience, RecordList, ResourceRecord};
use crate::text::truncate::first_of;

/// The most candidates that an error lists.
const MOST_CANDIDATES: usize = 10;

/// A name that is at least so much like the given one may be meant.
const NEAR: f64 = 0.6;

/// Takes out each name that the action has no use for, with a warning. A UUID
/// there would have no effect either.
pub(crate) fn drop_unused(action: ActionName, inputs: &mut Inputs, validation: &mut Validation) {
    for GivenName { kind, .. } in inputs.names.clone() {
        let Some(why) = why_unused(action, kind, inputs) else {
            continue;
        };
        validation.ignored(&why, [(true, kind.input())]);
        inputs.drop_name(kind);
    }
}

/// Why an id has no effect, if it has none.
fn why_unused(action: ActionName, kind: ResourceKind, inputs: &Inputs) -> Option<String> {
    if !action.row().uses(kind.input()) {
        return Some(format!("on {}", action.word()));
    }
    if action != ActionName::List {
        return None;
    }
    let resource = listed(inputs);
    let is_used = match resource {
        Resource::Deployments => true,
        Resource::Processes => kind == ResourceKind::Application,
        Resource::Applications
        | Resource::StaticSites
        | Resource::Pipelines
        | Resource::Databases => false,
    };
    (!is_used).then(|| format!("on list with resource: {}", resource.word()))
}

/// Reports each id that is given as a name where the action needs the id itself.
pub(crate) fn refuse_names(action: ActionName, inputs: &Inputs, validation: &mut Validation) {
    for GivenName { kind, name } in &inputs.names {
        let input = kind.input();
        let why = if !action.row().by_name.contains(&input) {
            format!("{} needs the UUID", action.word())
        } else if inputs.is_given("deploy-hook-url") {
            "with deploy-hook-url it has to be the UUID".to_owned()
        } else {
            continue;
        };
        let message = format!("{name:?} is a name, and {why}. {}", where_ids_are(*kind));
        validation.problem(ProblemKind::Unusable, inputs.spelling(input), &message);
    }
}

/// Where a person finds the id: the dashboard shows those of two kinds only.
fn where_ids_are(kind: ResourceKind) -> String {
    let resource = match kind {
        ResourceKind::Application | ResourceKind::StaticSite => {
            return format!("Copy it from the settings of the {}", kind.noun());
        }
        ResourceKind::Pipeline => Resource::Pipelines,
        ResourceKind::Database => Resource::Databases,
    };
    format!("list --resource {} shows it", resource.word())
}

impl ActionContext<'_> {
    /// The inputs with the ids of everything that the plan has found given by name.
    pub(crate) async fn look_up_names(&self, mut inputs: Inputs) -> Result<Inputs, Outcome> {
        for GivenName { kind, name } in &self.plan.names {
            let found = tokio::select! {
                found = self.look_up(*kind, name) => found,
                signal = self.stop.requested() => return Err(nothing_started(signal)),
            };
            match found {
                Ok(id) => inputs = inputs.with_id(*kind, id),
                Err(error) => return Err(self.not_started(error).await),
            }
        }
        Ok(inputs)
    }

    async fn look_up(&self, kind: ResourceKind, name: &str) -> Result<Uuid, TriggerError> {
        let found = find(&self.client, kind, name, NameSearch::Id).await?;
        let noun = kind.noun();
        self.reporter.on(EventKind::Note(&format!(
            "The {noun} called {name:?} is {}",
            found.id
        )));
        Ok(found.id)
    }
}

/// What a name is looked up for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameSearch {
    /// An id. A preview app never counts: anybody can choose its name.
    Id,
    /// Something to show. The system's name counts too.
    Show,
}

impl NameSearch {
    const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Id => &["display_name"],
            Self::Show => &["display_name", "name"],
        }
    }

    fn counts(self, record: &ResourceRecord) -> bool {
        self == Self::Show || record.text("type") != Some("previewApp")
    }

    fn is_named(self, record: &ResourceRecord, is_it: impl Fn(&str) -> bool) -> bool {
        let mut names = self.fields().iter().filter_map(|field| record.text(field));
        names.any(is_it)
    }
}

/// The only resource of this kind that has exactly this name, if no other has one
/// that looks the same.
pub(crate) async fn find(
    client: &Client,
    kind: ResourceKind,
    name: &str,
    search: NameSearch,
) -> Result<ResourceRef, TriggerError> {
    let list = ResourceList::All(kind);
    let all = client.pages(list, Patience::BEFORE_THE_START).await?;
    Ok(find_among(&all, kind, name, search)?)
}

/// The only resource of a list that has exactly this name, as in [`find`].
pub(crate) fn find_among(
    all: &RecordList,
    kind: ResourceKind,
    name: &str,
    search: NameSearch,
) -> Result<ResourceRef, FailedPrecondition> {
    let records = all.records.iter().filter(|record| search.counts(record));
    let records: Vec<&ResourceRecord> = records.collect();
    let alike = records
        .iter()
        .filter(|record| search.is_named(record, |other| looks_same(other, name)));
    let alike: Vec<&ResourceRecord> = alike.copied().collect();
    let exact = match alike.as_slice() {
        [only] if search.is_named(only, |other| other == name) => Some(only),
        _ => None,
    };
    match exact.and_then(|only| only.id()) {
        Some(id) if !all.is_cut => Ok(ResourceRef { kind, id }),
        _ if alike.is_empty() => Err(preview_called(&all.records, kind, name)
            .unwrap_or_else(|| not_found(kind, name, &alike, false, records))),
        _ => Err(not_found(kind, name, &alike, exact.is_some(), records)),
    }
}

/// Whether two names look the same wherever they are shown: invisible characters
/// and white space around a name do not count.
fn looks_same(one: &str, other: &str) -> bool {
    cleaned(one).trim() == cleaned(other).trim()
}

/// Why a name does not lead to the preview apps that have it.
fn preview_called(
    all: &[ResourceRecord],
    kind: ResourceKind,
    name: &str,
) -> Option<FailedPrecondition> {
    let is_called = |record: &&ResourceRecord| {
        let other = record.name();
        other.is_some_and(|other| looks_same(other, name))
    };
    let previews = all.iter().filter(|record| !NameSearch::Id.counts(record));
    let called: Vec<&ResourceRecord> = previews.filter(is_called).collect();
    (!called.is_empty()).then(|| FailedPrecondition {
        failure: Failure::NotFound,
        reason: format!("{name:?} is the name of a preview app, and those need their UUID"),
        details: vec![format!("The key can see {}", escaped(&called))],
        hint: format!("Set {} to the UUID", kind.input()),
    })
}

/// Why there is not exactly one.
fn not_found(
    kind: ResourceKind,
    name: &str,
    alike: &[&ResourceRecord],
    is_cut: bool,
    others: Vec<&ResourceRecord>,
) -> FailedPrecondition {
    let noun = kind.noun();
    let by_id = format!("Set {} to the UUID of the one you mean", kind.input());
    let (failure, reason, details, hint) = match alike {
        [_, _, ..] => {
            let reason = format!("Several {noun}s are called {name:?}");
            let details = format!("They are {}", escaped(alike));
            (Failure::AmbiguousName, reason, details, by_id)
        }
        [_] if is_cut => {
            let reason = format!("There are too many {noun}s to know whether {name:?} is unique");
            let details = format!("One is {}", escaped(alike));
            (Failure::AmbiguousName, reason, details, by_id)
        }
        _ => {
            let (details, near) = candidates(noun, name, others);
            let hint = near.map_or(by_id.clone(), |near| {
                format!("Did you mean {near:?}? {by_id}, or to its exact name")
            });
            let reason = format!("No {noun} is called {name:?}");
            (Failure::NotFound, reason, details, hint)
        }
    };
    FailedPrecondition {
        failure,
        reason,
        details: vec![details],
        hint,
    }
}

/// Which records there are, those first whose names are most like this one, and
/// the name that may be meant.
fn candidates(noun: &str, name: &str, mut all: Vec<&ResourceRecord>) -> (String, Option<String>) {
    if all.is_empty() {
        return (format!("The key can see no {noun} at all"), None);
    }
    all.sort_by(|a, b| likeness(name, b).total_cmp(&likeness(name, a)));
    let (all, more) = first_of(all, MOST_CANDIDATES);
    let more = more.map(|more| format!(" {more}")).unwrap_or_default();
    let near = all.first().filter(|best| likeness(name, best) >= NEAR);
    let near = near.and_then(|best| best.name()).map(str::to_owned);
    (format!("There are {}{more}", escaped(&all)), near)
}

/// Names and ids. Names are escaped, so that those that look the same differ.
fn escaped(records: &[&ResourceRecord]) -> String {
    let label = |record: &&ResourceRecord| {
        let id = record.text("id").unwrap_or_default();
        format!("{:?} ({id})", record.name().unwrap_or_default())
    };
    let labels: Vec<String> = records.iter().map(label).collect();
    labels.join(", ")
}

/// How much the name of a record is like this one, from 0 to 1.
fn likeness(name: &str, record: &ResourceRecord) -> f64 {
    let other = record.name().unwrap_or_default().to_lowercase();
    strsim::normalized_damerau_levenshtein(&name.to_lowercase(), &other)
}
