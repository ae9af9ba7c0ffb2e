//! The doctor: whether the set-up is right, and what the live API is like. It
//! reads only, for at most twenty seconds and fifteen requests.

mod address;
mod bounds;
mod ci;
mod evidence;
mod finding;
mod key;
mod marks;
mod network;
mod reader;
mod report;
pub mod resolve;
mod subject;
pub mod unknowns;
mod workflow;

use std::rc::Rc;

use serde_json::Value;
use tokio::time::timeout_at;
use url::Url;
use uuid::Uuid;

use self::finding::Findings;
use self::reader::{Reader, TimeLimit};
use self::resolve::Checkup;
use self::unknowns::Mark;
use self::workflow::Services;
use crate::actions::ActionContext;
use crate::ci::Host;
use crate::event::EventKind;
use crate::messages::Warning;
use crate::outcome::Outcome;
use crate::report::atomic_file;
use crate::resource::ResourceKind;
use crate::sevalla::operation::{GET_CURRENT_API_KEY, VALIDATE_API_KEY};

/// What is above the printed report.
const REPORT_HEAD: [&str; 3] = [
    "",
    "The report to paste is from ``` to ```. It has no private value; the lines around it may.",
    "```text",
];

impl ActionContext<'_> {
    /// Looks at everything and says what it found.
    pub(crate) async fn check_up(&self, checkup: &Checkup) -> Outcome {
        if self.plan.token.is_none() {
            return self.check_up_without_key(checkup);
        }
        let visits = checkup.app.is_some() || checkup.site.is_some();
        let time = TimeLimit::new(self.client.deadline(), visits);
        let reader = Reader::new(&self.client, time);
        let mut findings = Findings::new(time);
        let work = self.look_at_all(&reader, &mut findings, checkup);
        let looked = timeout_at(time.end, work).await;
        if looked.is_err() {
            findings.too_late("the rest");
        }
        let host = Host::detect(self.variables);
        ci::files(&mut findings, self.variables, checkup, self.plan);
        for line in findings.lines() {
            self.reporter.on(EventKind::Note(&line));
        }
        self.say_marks(&reader);
        if checkup.is_without_subject() && reader.evidence().answer(VALIDATE_API_KEY.id).is_some() {
            let services = looked.unwrap_or_default();
            let workflow = workflow::of(host, &services);
            self.print(services.lines.into_iter().chain(workflow));
        }
        self.give_report(&reader, checkup);
        findings.outcome()
    }

    /// Looks at what can be seen without a key, and sends nothing.
    fn check_up_without_key(&self, checkup: &Checkup) -> Outcome {
        let mut findings = Findings::new(TimeLimit::new(self.client.deadline(), false));
        key::absent(&mut findings, &checkup.facts);
        if let Err(error) = (self.connect)() {
            network::unusable(&mut findings, &error);
        }
        let host = Host::detect(self.variables);
        ci::facts(&mut findings, host, checkup);
        if !checkup.is_without_subject() {
            ci::guard(&mut findings, host, checkup, self.plan, None);
        }
        ci::files(&mut findings, self.variables, checkup, self.plan);
        for line in findings.lines() {
            self.reporter.on(EventKind::Note(&line));
        }
        findings.outcome()
    }

    /// The lines that somebody may copy.
    fn print(&self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            self.reporter.on(EventKind::Verbatim(&line));
        }
    }

    /// Reads. The services, where none is given.
    async fn look_at_all(
        &self,
        reader: &Reader,
        findings: &mut Findings,
        checkup: &Checkup,
    ) -> Services {
        let host = Host::detect(self.variables);
        let is_without_subject = checkup.is_without_subject();
        if let Err(error) = (self.connect)() {
            network::unusable(findings, &error);
            ci::facts(findings, host, checkup);
            return Services::default();
        }
        let now = (self.clock)();
        let key = reader.read(&VALIDATE_API_KEY, &[], &[]).await;
        let seen = key.as_ref().map(Rc::as_ref);
        network::reached(findings, &self.plan.api_url, self.variables, seen, now);
        let mut checkup = checkup.clone();
        let mut found = Found::default();
        match &key {
            Ok(key) => {
                key::accepted(findings, key, now);
                let permissions = reader.read(&GET_CURRENT_API_KEY, &[], &[]).await;
                subject::look_up(reader, findings, &mut checkup).await;
                key::may(findings, &permissions, &checkup);
                found = look_at_subjects(reader, findings, &checkup).await;
            }
            Err(error) if error.status().is_some() => findings.failed("key", error),
            Err(_) => {}
        }
        ci::facts(findings, host, &checkup);
        if !is_without_subject {
            let record = found.record.as_ref();
            ci::guard(findings, host, &checkup, self.plan, record);
        }
        for (kind, own) in found.addresses {
            self.visit(reader, findings, own, kind.noun()).await;
        }
        if let Some((kind, id)) = found.service {
            subject::earlier_log(reader, kind, id).await;
        }
        if is_without_subject && key.is_ok() {
            workflow::listed(reader, findings).await
        } else {
            Services::default()
        }
    }

    /// What the responses show of the open questions, in a few lines.
    fn say_marks(&self, reader: &Reader) {
        let evidence = reader.evidence();
        let marked = unknowns::marked(&evidence);
        let count = |wanted| marked.iter().filter(|(_, mark)| *mark == wanted).count();
        let line = format!(
            "{:<8}{:<12}{} confirmed, {} contradicted, {} not seen",
            "",
            "contract",
            count(Mark::Confirmed),
            count(Mark::Contradicted),
            count(Mark::NotSeen),
        );
        self.reporter.on(EventKind::Note(&line));
        for (row, _) in marked
            .iter()
            .filter(|(_, mark)| *mark == Mark::Contradicted)
        {
            let line = format!("{:<20}contradicted: {}: {}", "", row.slug, row.claim);
            self.reporter.on(EventKind::Note(&line));
        }
        for what in report::news_of(&evidence) {
            let line = format!("{:<20}not in the contract: {what}", "");
            self.reporter.on(EventKind::Note(&line));
        }
    }

    /// Prints and writes the report about the API, as asked. Of a file that
    /// cannot be written there is a line already.
    fn give_report(&self, reader: &Reader, checkup: &Checkup) {
        let lines = report::lines(&reader.evidence());
        let file = checkup.file.as_ref();
        if let Some(path) = file.filter(|path| atomic_file::try_out(path).is_ok()) {
            let text = self.sanitizer.block(&lines.join("\n"));
            if let Err(problem) = atomic_file::write(path, "The report", &text) {
                let warning = Warning::ReportNotWritten;
                self.reporter.on(EventKind::Warning(warning, &problem));
            }
        }
        if checkup.prints {
            // The fences keep it apart from the lines around it, which have names.
            let (head, end) = (REPORT_HEAD.map(str::to_owned), "```".to_owned());
            self.print(head.into_iter().chain(lines).chain([end]));
        }
    }
}

/// What was found of the services.
#[derive(Default)]
struct Found {
    /// The first service that there is, and its record.
    service: Option<(ResourceKind, Uuid)>,
    record: Option<Value>,
    /// The own address of each that is to be visited. They come last: redirects take
    /// requests too.
    addresses: Vec<(ResourceKind, Option<Url>)>,
}

/// Looks at what the ids name.
async fn look_at_subjects(reader: &Reader, findings: &mut Findings, checkup: &Checkup) -> Found {
    let mut found = Found::default();
    let services = [
        (ResourceKind::Application, checkup.app),
        (ResourceKind::StaticSite, checkup.site),
    ];
    for (kind, id) in services {
        let Some(id) = id else { continue };
        let Some(record) = subject::record(reader, findings, kind, id).await else {
            continue;
        };
        let record = &record.body;
        subject::service(findings, checkup, kind, record);
        subject::automatic(findings, checkup, kind, record);
        subject::deployments(reader, findings, kind, id).await;
        let own = match kind {
            ResourceKind::Application => address::of_application(reader, findings, id).await,
            _ => Ok(evidence::text(record, "hostname").and_then(crate::sevalla::address)),
        };
        found.addresses.extend(own.ok().map(|own| (kind, own)));
        if found.service.is_none() {
            found.service = Some((kind, id));
            found.record = Some(record.clone());
        }
    }
    if let Some(id) = checkup.pipeline
        && let Some(record) = subject::record(reader, findings, ResourceKind::Pipeline, id).await
    {
        subject::pipeline(findings, checkup, &record.body);
    }
    if let Some(id) = checkup.database
        && let Some(record) = subject::record(reader, findings, ResourceKind::Database, id).await
    {
        subject::service(findings, checkup, ResourceKind::Database, &record.body);
    }
    found
}
