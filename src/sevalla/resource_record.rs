//! [`ResourceRecord`]: a record with all fields that the service sends, for
//! what is shown, compared or searched. Deployments, which are followed, have a
//! type of their own.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::deployment::ServiceKind;
use crate::lenient_json::Unreadable;
use crate::resource::{ResourceKind, ResourceList, ResourceRef};
use crate::sevalla::attempt::ApiResponse;
use crate::sevalla::contract::news;
use crate::sevalla::operation::{
    GET_APPLICATION, GET_DATABASE, GET_PIPELINE, GET_STATIC_SITE, LIST_APPLICATIONS,
    LIST_DATABASES, LIST_DEPLOYMENTS, LIST_PIPELINES, LIST_PROCESSES, LIST_STATIC_SITE_DEPLOYMENTS,
    LIST_STATIC_SITES, Operation,
};
use crate::sevalla::wire::Page;
use crate::sevalla::{ApiCall, ApiError, Client, LONGEST_PAGE, ListPage, Patience};

/// The largest offset that the service takes.
pub const LAST_OFFSET: usize = 10_000;

/// A record: an object with an id.
#[derive(Debug, Clone)]
pub struct ResourceRecord(Map<String, Value>);

impl<'de> Deserialize<'de> for ResourceRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Map::deserialize(deserializer)?;
        match fields.get("id") {
            Some(Value::String(_)) => Ok(Self(fields)),
            _ => Err(de::Error::missing_field("id")),
        }
    }
}

impl ResourceRecord {
    /// The record in a value that was read as it is, if it is one.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        let fields = value.as_object()?;
        fields.get("id")?.as_str()?;
        Some(Self(fields.clone()))
    }

    /// A field; `None` if it is absent or null.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A field that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The record's id, if it is a UUID.
    pub fn id(&self) -> Option<Uuid> {
        self.text("id")?.parse().ok()
    }

    /// The words of it, as an entry of this list, that are not known, each with its
    /// place.
    pub fn unknown_words(&self, list: ResourceList) -> BTreeSet<(String, String)> {
        let (operation, _) = operation_of(list);
        news::unknown_words(operation.id, &self.0)
    }

    /// The name in the dashboard, or else the system's.
    pub fn name(&self) -> Option<&str> {
        self.text("display_name").or_else(|| self.text("name"))
    }

    /// What people call it.
    pub fn label(&self) -> String {
        let id = self.text("id").unwrap_or_default();
        match self.name() {
            Some(name) => format!("{name} ({id})"),
            None => id.to_owned(),
        }
    }
}

/// All entries of a list, or as many as the service returns.
#[derive(Debug, Default)]
pub struct RecordList {
    /// The records, each once.
    pub records: Vec<ResourceRecord>,
    /// Whether the service gives no more although there is more.
    pub is_cut: bool,
    /// The entries that could not be read.
    pub unreadable: HashSet<Unreadable>,
}

impl Client {
    /// Reads the record of a thing, with all its fields.
    pub async fn record(
        &self,
        thing: ResourceRef,
        patience: Patience,
    ) -> Result<ResourceRecord, ApiError> {
        let operation = match thing.kind {
            ResourceKind::Application => &GET_APPLICATION,
            ResourceKind::StaticSite => &GET_STATIC_SITE,
            ResourceKind::Pipeline => &GET_PIPELINE,
            ResourceKind::Database => &GET_DATABASE,
        };
        let id = thing.id.to_string();
        let call = ApiCall::new(operation, [id.as_str()]);
        let read = |answer: &ApiResponse| {
            answer.record(&id, |record: &ResourceRecord| {
                record.text("id").unwrap_or_default()
            })
        };
        self.send_and(call, patience, read).await
    }

    /// Reads a page of a list.
    pub async fn page(
        &self,
        list: ResourceList,
        offset: usize,
        patience: Patience,
    ) -> Result<ListPage<ResourceRecord>, ApiError> {
        let (operation, id) = operation_of(list);
        let id = id.map(|id| id.to_string());
        let ids: Vec<&str> = id.iter().map(String::as_str).collect();
        let call = ApiCall::new(operation, ids)
            .query("limit", LONGEST_PAGE.to_string())
            .query("offset", offset.to_string());
        let page: Page<ResourceRecord> = self.send(call, patience).await?;
        Ok(ListPage::of(page))
    }

    /// Reads all pages of a list.
    pub async fn pages(
        &self,
        list: ResourceList,
        patience: Patience,
    ) -> Result<RecordList, ApiError> {
        let mut listed = RecordList {
            records: Vec::new(),
            is_cut: true,
            unreadable: HashSet::new(),
        };
        let mut known = HashSet::new();
        for offset in (0..=LAST_OFFSET).step_by(LONGEST_PAGE) {
            let page = self.page(list, offset, patience).await?;
            listed.is_cut = page.is_full();
            // The list may shift while it is read.
            let fresh =
                |record: &ResourceRecord| known.insert(record.text("id").map(str::to_owned));
            listed
                .records
                .extend(page.entries.into_iter().filter(fresh));
            listed.unreadable.extend(page.unreadable);
            if !listed.is_cut {
                break;
            }
        }
        Ok(listed)
    }
}

fn operation_of(list: ResourceList) -> (&'static Operation, Option<Uuid>) {
    match list {
        ResourceList::All(ResourceKind::Application) => (&LIST_APPLICATIONS, None),
        ResourceList::All(ResourceKind::StaticSite) => (&LIST_STATIC_SITES, None),
        ResourceList::All(ResourceKind::Pipeline) => (&LIST_PIPELINES, None),
        ResourceList::All(ResourceKind::Database) => (&LIST_DATABASES, None),
        ResourceList::Deployments(service) => match service.kind {
            ServiceKind::Application => (&LIST_DEPLOYMENTS, Some(service.id)),
            ServiceKind::StaticSite => (&LIST_STATIC_SITE_DEPLOYMENTS, Some(service.id)),
        },
        ResourceList::Processes(app) => (&LIST_PROCESSES, Some(app)),
    }
}
