//! Listing and showing.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::actions::ActionContext;
use crate::actions::error::TriggerError;
use crate::actions::explain::NOTHING_CHANGED;
use crate::actions::named::{self, NameSearch};
use crate::actions::resolve::{ListTarget, ShowTarget};
use crate::deployment::{DeploymentId, Service};
use crate::event::EventKind;
use crate::messages::{Failure, Warning};
use crate::outcome::Outcome;
use crate::report::inventory;
use crate::report::inventory::SelectedFields;
use crate::resource::{ResourceKind, ResourceList, ResourceRef};
use crate::sevalla::{Client, Metrics, Patience, ResourceRecord};
use crate::text::duration::counted;
use crate::text::truncate::{beginning, first_of};

/// The newest deployments that are shown of a service.
const NEWEST: usize = 10;

/// The most unknown words that are named.
const MOST_UNKNOWN: usize = 10;

/// The most of such a word, in bytes.
const LONGEST_WORD: usize = 64;

/// The fields that a filter is compared with.
const NAMES: &[&str] = &["display_name", "name", "key", "branch"];

/// What was read of one thing.
struct ResourceView {
    kind: ResourceKind,
    record: ResourceRecord,
    /// Lists that belong to it.
    parts: Vec<(&'static str, ResourceList, Vec<ResourceRecord>)>,
    /// The requests of the last hour, where the key may read them.
    metrics: Option<Metrics>,
}

impl ActionContext<'_> {
    /// Lists what the service has.
    pub(crate) async fn list(&self, inventory: &ListTarget) -> Outcome {
        let list = inventory.list;
        let all = match self.client.pages(list, Patience::BEFORE_THE_START).await {
            Ok(all) => all,
            Err(error) => return self.not_done(error.into()).await,
        };
        if all.is_cut {
            self.reporter.on(EventKind::Warning(
                Warning::ListCut,
                "Sevalla gives no more than ten thousand items of a list; the rest is missing.",
            ));
        }
        let mut found = all.records;
        if let Some(filter) = &inventory.filter {
            let filter = filter.to_lowercase();
            found.retain(|record| has(record, &filter));
        }
        if !found.is_empty() {
            self.note_table(list, &found);
        }
        self.note_unknown([(list, found.as_slice())]);
        self.reporter
            .on(EventKind::Result(&inventory::json(list, &found)));
        Outcome::success(count(list, found.len()))
    }

    /// Shows one thing with what belongs to it.
    pub(crate) async fn show(&self, subject: &ShowTarget) -> Outcome {
        let found = match subject {
            ShowTarget::Deployment(service, id) => {
                return self.show_deployment(*service, id, &what(subject)).await;
            }
            ShowTarget::Known(thing) => Ok(*thing),
            ShowTarget::Named(kind, name) => {
                named::find(&self.client, *kind, name, NameSearch::Show).await
            }
        };
        let portrait = match found {
            Ok(thing) => look_at(&self.client, thing, (self.clock)()).await,
            Err(error) => Err(error),
        };
        let portrait = match portrait {
            Ok(portrait) => portrait,
            Err(error) => return self.not_shown(error, &what(subject)).await,
        };
        self.show_view(&portrait);
        let noun = portrait.kind.noun();
        Outcome::success(format!("Read {noun} {}", portrait.record.label()))
    }

    fn show_view(&self, portrait: &ResourceView) {
        let ResourceView {
            kind,
            record,
            parts,
            metrics,
        } = portrait;
        self.note_each(inventory::lines(*kind, record));
        let mut shown = SelectedFields::of(record, inventory::fields_of_one(*kind));
        for (name, list, items) in parts {
            self.reporter.on(EventKind::Row(&format!("{name}:")));
            self.note_table(*list, items);
            shown = shown.with(name, *list, items);
        }
        let all = parts
            .iter()
            .map(|(_, list, items)| (*list, items.as_slice()));
        let its = (ResourceList::All(*kind), std::slice::from_ref(record));
        self.note_unknown(std::iter::once(its).chain(all));
        if let Some(metrics) = metrics {
            self.reporter.on(EventKind::Note(&metrics.summary()));
            shown = shown.with_value("metrics", metrics.json());
        }
        if let (ResourceKind::Database, Some(id)) = (kind, record.id()) {
            self.reporter.on(EventKind::Database { id, is_new: None });
        }
        self.reporter.on(EventKind::Result(&shown.json()));
    }

    /// It cannot be shown, and why.
    async fn not_shown(&self, error: TriggerError, what: &str) -> Outcome {
        let is_refused = matches!(error, TriggerError::Refused(_));
        let mut outcome = self.not_started(error).await;
        if is_refused {
            // The cause is the headline; and showing changes nothing anyway.
            outcome.why.retain(|why| why != NOTHING_CHANGED);
            return outcome;
        }
        outcome.headed(format!("Could not show {what}"))
    }

    async fn show_deployment(&self, service: Service, id: &DeploymentId, what: &str) -> Outcome {
        let list = ResourceList::Deployments(service);
        let all = match self.client.pages(list, Patience::BEFORE_THE_START).await {
            Ok(all) => all,
            Err(error) => return self.not_shown(error.into(), what).await,
        };
        let mut records = all.records.into_iter();
        let Some(record) = records.find(|record| record.text("id") == Some(&id.0)) else {
            let error = TriggerError::refused(
                Failure::NotFound,
                format!("The {service} has no deployment {id}"),
                "Check deployment-id; list with resource: deployments shows all",
            );
            return self.not_shown(error, what).await;
        };
        let its = std::slice::from_ref(&record);
        self.note_table(list, its);
        self.note_unknown([(list, its)]);
        let shown = SelectedFields::of(&record, inventory::fields_of(list));
        self.reporter.on(EventKind::Result(&shown.json()));
        Outcome::success(format!("Read deployment {id}"))
    }

    fn note_table(&self, list: ResourceList, items: &[ResourceRecord]) {
        let layout = self.reporter.table_layout();
        self.note_each(inventory::table(list, items, &layout));
    }

    /// Names the words of records that the contract does not have.
    fn note_unknown<'a>(
        &self,
        all: impl IntoIterator<Item = (ResourceList, &'a [ResourceRecord])>,
    ) {
        let words = all.into_iter().flat_map(|(list, items)| {
            let all = items.iter();
            all.flat_map(move |record| record.unknown_words(list))
        });
        let words: BTreeSet<(String, String)> = words.collect();
        let (shown, more) = first_of(words, MOST_UNKNOWN);
        for (place, word) in shown {
            let word = beginning(&word, LONGEST_WORD);
            let line = format!("Not in the contract: {place} is {word:?}");
            self.reporter.on(EventKind::Note(&line));
        }
        if let Some(more) = more {
            let line = format!("Not in the contract: {more}");
            self.reporter.on(EventKind::Note(&line));
        }
    }

    /// Shows rows, one below the other.
    fn note_each(&self, rows: Vec<String>) {
        for row in rows {
            self.reporter.on(EventKind::Row(&row));
        }
    }
}

/// What is to be shown, as people call it.
fn what(subject: &ShowTarget) -> String {
    match subject {
        ShowTarget::Known(thing) => format!("{} {}", thing.kind.noun(), thing.id),
        ShowTarget::Named(kind, name) => format!("{} {name:?}", kind.noun()),
        ShowTarget::Deployment(service, id) => format!("deployment {id} of the {service}"),
    }
}

fn has(record: &ResourceRecord, filter: &str) -> bool {
    let mut names = NAMES.iter().filter_map(|name| record.text(name));
    names.any(|name| name.to_lowercase().contains(filter))
}

fn count(list: ResourceList, length: usize) -> String {
    let noun = match list {
        ResourceList::All(kind) => kind.noun(),
        ResourceList::Deployments(_) => "deployment",
        ResourceList::Processes(_) => "process",
    };
    format!("Listed {}", counted(length, noun))
}

async fn look_at(
    client: &Client,
    thing: ResourceRef,
    now: Timestamp,
) -> Result<ResourceView, TriggerError> {
    let patience = Patience::BEFORE_THE_START;
    let record = client.record(thing, patience).await?;
    let mut parts = Vec::new();
    let mut metrics = None;
    if let Some(service) = thing.service() {
        metrics = client.metrics(service, now).await.ok();
        let list = ResourceList::Deployments(service);
        let mut newest = client.page(list, 0, patience).await?.entries;
        newest.truncate(NEWEST);
        parts.push(("deployments", list, newest));
    }
    if thing.kind == ResourceKind::Application {
        let list = ResourceList::Processes(thing.id);
        let all = client.pages(list, patience).await?;
        parts.push(("processes", list, all.records));
    }
    Ok(ResourceView {
        kind: thing.kind,
        record,
        parts,
        metrics,
    })
}
