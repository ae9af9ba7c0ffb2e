//! Resources that are given by their display name: whether the action takes that,
//! and which one it is.

use uuid::Uuid;

use crate::actions::error::TriggerError;
use crate::actions::validation::Validation;
use crate::actions::{ActionContext, nothing_started};
use crate::event::EventKind;
use crate::inputs::{ActionName, GivenName, Inputs, ProblemKind};
use crate::messages::Failure;
use crate::outcome::Outcome;
use crate::resource::{ResourceKind, ResourceList, ResourceRef};
use crate::sevalla::{Client, Patience, RecordList, ResourceRecord};

/// The most candidates that an error lists.
const MOST_CANDIDATES: usize = 10;

/// Reports each id that is given as a name where the action needs the id itself.
pub(crate) fn refuse_names(action: ActionName, inputs: &Inputs, doubts: &mut Validation) {
    for GivenName { kind, name } in &inputs.names {
        let input = kind.input();
        let why = if !action.row().by_name.contains(&input) {
            format!("{} needs the UUID", action.word())
        } else if inputs.is_given("deploy-hook-url") {
            "with deploy-hook-url it has to be the UUID".to_owned()
        } else {
            continue;
        };
        let message = format!(
            "{name:?} is a name, and {why}. Copy it from the settings of the {}",
            kind.noun()
        );
        doubts.problem(ProblemKind::Unusable, inputs.spelling(input), &message);
    }
}

impl ActionContext<'_> {
    /// The inputs with the ids of everything that was given by name.
    pub(crate) async fn look_up_names(&self, mut inputs: Inputs) -> Result<Inputs, Outcome> {
        for GivenName { kind, name } in inputs.names.clone() {
            let found = tokio::select! {
                found = self.look_up(kind, &name) => found,
                signal = self.stop.asked() => return Err(nothing_started(signal)),
            };
            match found {
                Ok(id) => inputs = inputs.with_id(kind, id),
                Err(error) => return Err(self.not_started(error).await),
            }
        }
        Ok(inputs)
    }

    async fn look_up(&self, kind: ResourceKind, name: &str) -> Result<Uuid, TriggerError> {
        let is_named = |record: &ResourceRecord| is_called(record, name);
        let found = find(&self.client, kind, name, is_named).await?;
        let noun = kind.noun();
        self.reporter.on(EventKind::Note(&format!(
            "The {noun} called {name:?} is {}",
            found.id
        )));
        Ok(found.id)
    }
}

/// Whether a resource that is no preview has exactly this display name.
pub(crate) fn is_called(record: &ResourceRecord, name: &str) -> bool {
    let is_preview = record.text("type") == Some("previewApp");
    !is_preview && record.text("display_name") == Some(name)
}

/// The only resource of this kind that `is_named`, which compares with `name`.
pub(crate) async fn find(
    client: &Client,
    kind: ResourceKind,
    name: &str,
    is_named: impl Fn(&ResourceRecord) -> bool,
) -> Result<ResourceRef, TriggerError> {
    let list = ResourceList::All(kind);
    let all = client.pages(list, Patience::BEFORE_THE_START).await?;
    find_among(&all, kind, name, is_named)
}

/// The only resource of a list that `is_named`, which compares with `name`.
pub(crate) fn find_among(
    all: &RecordList,
    kind: ResourceKind,
    name: &str,
    is_named: impl Fn(&ResourceRecord) -> bool,
) -> Result<ResourceRef, TriggerError> {
    let found: Vec<&ResourceRecord> = all.records.iter().filter(|r| is_named(r)).collect();
    if let [only] = found.as_slice()
        && let (Some(id), false) = (only.id(), all.is_cut)
    {
        return Ok(ResourceRef { kind, id });
    }
    let noun = kind.noun();
    let (failure, reason) = match found.as_slice() {
        [] => {
            let there = candidates(name, all.records.iter().collect());
            let reason = format!("No {noun} is called {name:?}. {there}");
            (Failure::NotFound, reason)
        }
        [only] => {
            let only = only.label();
            let reason = format!("There are too many to know whether {only} alone has this name");
            (Failure::AmbiguousName, reason)
        }
        several => {
            let labels: Vec<String> = several.iter().map(|record| record.label()).collect();
            let reason = format!("Several are called {name:?}: {}", labels.join(", "));
            (Failure::AmbiguousName, reason)
        }
    };
    let hint = format!("Set {} to the UUID of the one you mean", kind.input());
    Err(TriggerError::refused(failure, reason, hint))
}

/// What there is, the names that are most alike first.
fn candidates(name: &str, mut all: Vec<&ResourceRecord>) -> String {
    all.retain(|record| record.text("type") != Some("previewApp"));
    if all.is_empty() {
        return "The key can see none at all".to_owned();
    }
    let wanted = name.to_lowercase();
    let likeness = |record: &ResourceRecord| {
        let other = record.name().unwrap_or_default().to_lowercase();
        strsim::normalized_damerau_levenshtein(&wanted, &other)
    };
    all.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
    let more = all.len().saturating_sub(MOST_CANDIDATES);
    all.truncate(MOST_CANDIDATES);
    let labels: Vec<String> = all.iter().map(|record| record.label()).collect();
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("There are {}{more}", labels.join(", "))
}
