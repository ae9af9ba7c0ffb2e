//! [`Evidence`]: the responses that the doctor has read, as a whole.

use std::rc::Rc;

use jiff::Timestamp;
use serde_json::Value;

use super::bounds::LONGEST_NAME;
use crate::sevalla::contract::{news, shapes};
use crate::sevalla::operation::{GET_CURRENT_API_KEY, Operation, Tier};
use crate::sevalla::{self, Observed, ResponseHead};
use crate::text::truncate::beginning;

/// The operations that list deployments, each with the one that reads a log.
const LOGS: [(&str, &str); 2] = [
    ("listDeploymentsV3", "getApplicationDeploymentLogsV3"),
    (
        "listStaticSiteDeploymentsV3",
        "getStaticSiteDeploymentLogsV3",
    ),
];

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// The responses, in their order.
    pub(crate) answers: Vec<Rc<Observed>>,
    /// The requests that were refused.
    pub(crate) refused: Vec<RefusedRequest>,
}

/// A request that was refused.
#[derive(Debug)]
pub(crate) struct RefusedRequest {
    pub(crate) operation: &'static Operation,
    pub(crate) status: u16,
    pub(crate) head: ResponseHead,
}

impl Evidence {
    /// The records of this shape, whatever the operation.
    pub(crate) fn records(&self, shape: &str) -> impl Iterator<Item = &Value> {
        let is_its = move |answer: &&Rc<Observed>| {
            shapes::of(answer.operation.id).is_some_and(|its| its.name == shape)
        };
        self.answers
            .iter()
            .filter(is_its)
            .flat_map(|answer| news::records(&answer.body))
    }

    /// The response of an operation, if it was read.
    pub(crate) fn answer(&self, operation: &str) -> Option<&Observed> {
        let mut all = self.answers.iter();
        all.find(|answer| answer.operation.id == operation)
            .map(AsRef::as_ref)
    }

    /// The headers of the API's responses, refusals included. An error of a server
    /// may come from one in front of the API.
    pub(crate) fn heads(&self) -> impl Iterator<Item = &ResponseHead> {
        let refused = self.refused.iter().filter(|one| one.status < 500);
        let refused = refused.map(|one| &one.head);
        self.answers.iter().map(|one| &one.head).chain(refused)
    }

    /// The headers of the responses that count against the budget of the reads. One
    /// to a key that is not accepted is of no company.
    pub(crate) fn heads_of_reads(&self) -> impl Iterator<Item = &ResponseHead> {
        let is_read = |operation: &Operation| operation.tier == Tier::Read;
        let answers = self
            .answers
            .iter()
            .filter(move |one| is_read(one.operation));
        let refused = self.refused.iter().filter(move |one| {
            let is_of_company = one.status < 500 && one.status != 401;
            is_read(one.operation) && is_of_company
        });
        let refused = refused.map(|one| &one.head);
        answers.map(|one| &one.head).chain(refused)
    }

    /// The records of deployments of each service, newest first.
    pub(crate) fn deployments(&self) -> impl Iterator<Item = &Value> {
        let apps = self.records("deployment");
        apps.chain(self.records("static-site-deployment"))
    }

    /// The lists of deployments.
    pub(crate) fn lists(&self) -> impl Iterator<Item = Vec<&Value>> {
        let lists = LOGS.into_iter().filter_map(|(id, _)| self.answer(id));
        lists.map(|answer| news::records(&answer.body))
    }

    /// The lines of the logs, each log with the record of its deployment.
    pub(crate) fn logs(&self) -> impl Iterator<Item = (&Value, Vec<&Value>)> {
        LOGS.into_iter().filter_map(|(list, log)| {
            let deployment = newest(&self.answer(list)?.body)?;
            Some((deployment, news::records(&self.answer(log)?.body)))
        })
    }

    /// The logs of deployments before the newest, which are read after its own.
    pub(crate) fn earlier_logs(&self) -> impl Iterator<Item = &Observed> {
        LOGS.into_iter().flat_map(|(_, log)| {
            let its = self.answers.iter().map(AsRef::as_ref);
            its.filter(move |answer: &&Observed| answer.operation.id == log)
                .skip(1)
        })
    }

    /// The lines of all logs.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &Value> {
        self.logs().flat_map(|(_, lines)| lines)
    }

    /// What the calling key may do, if that was read.
    pub(crate) fn capabilities(&self) -> Option<Vec<String>> {
        let answer = self.answer(GET_CURRENT_API_KEY.id)?;
        Some(sevalla::capabilities(&answer.body))
    }

    /// Whether the calling key has roles, which can give it capabilities.
    pub(crate) fn has_roles(&self) -> bool {
        let answer = self.answer(GET_CURRENT_API_KEY.id);
        answer.is_some_and(|answer| !roles(&answer.body).is_empty())
    }
}

/// The roles of a key.
pub(crate) fn roles(key: &Value) -> &[Value] {
    key.get("roles")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The newest deployment of a list, whatever its order.
pub(crate) fn newest(list: &Value) -> Option<&Value> {
    // Of those without a time that can be read, the first.
    let all = news::records(list).into_iter().rev();
    all.max_by_key(|deployment| time(deployment, "created_at"))
}

/// A field that is text.
pub(crate) fn text<'a>(record: &'a Value, name: &str) -> Option<&'a str> {
    record.get(name)?.as_str()
}

/// The name in the dashboard, as far as it fits into a line.
pub(crate) fn name(record: &Value) -> &str {
    let name = text(record, "display_name").unwrap_or("without a name");
    beginning(name, LONGEST_NAME)
}

/// A field that is a moment.
pub(crate) fn time(record: &Value, name: &str) -> Option<Timestamp> {
    text(record, name)?.parse().ok()
}

/// A field that is true or false.
pub(crate) fn flag(record: &Value, name: &str) -> bool {
    record.get(name) == Some(&Value::Bool(true))
}

/// Whether a field is absent or null.
pub(crate) fn is_null(record: &Value, name: &str) -> bool {
    record.get(name).is_none_or(Value::is_null)
}
