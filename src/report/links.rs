//! Links to what was deployed, as GitLab's report of annotations: the page of
//! the job shows them. Source: docs.gitlab.com, "artifacts:reports:annotations".

use std::path::Path;

use serde_json::{Value, json};
use url::Url;

use crate::report::atomic_file;
use crate::report::run_record::{RunRecord, ServiceRecord};
use crate::sanitize::Sanitizer;

/// The most of a label, in characters.
const LONGEST_LABEL: usize = 100;

/// GitLab takes 80 KiB; a promotion to more is led to by its other reports.
const MOST: usize = 50;

/// Writes the file, also where nothing is known that could be visited: a link
/// of an older run would be taken for one of this, and GitLab warns of a report
/// that is not there. It takes a list without links.
pub(super) fn write(path: &Path, record: &RunRecord, sanitizer: &Sanitizer) -> Result<(), String> {
    let service_records = std::iter::once(record.one()).chain(&record.targets);
    let mut links: Vec<Value> = service_records
        .filter_map(|service_record| link(service_record, sanitizer))
        .collect();
    links.dedup();
    links.truncate(MOST);
    let text = json!({ "Sevalla": links }).to_string();
    atomic_file::write(path, "The links", &sanitizer.block(&text))
}

fn link(service_record: &ServiceRecord, sanitizer: &Sanitizer) -> Option<Value> {
    // The address that was reported, or none: no stranger's scheme.
    let url = sanitizer.line(service_record.url.as_deref()?);
    let parsed = Url::parse(url.as_str()).ok()?;
    if !matches!(parsed.scheme(), "https" | "http") {
        return None;
    }
    let name = sanitizer.line(
        service_record
            .name
            .as_deref()
            .unwrap_or("What was deployed"),
    );
    let label: String = name.as_str().chars().take(LONGEST_LABEL).collect();
    Some(json!({ "external_link": { "label": label, "url": url.as_str() } }))
}
