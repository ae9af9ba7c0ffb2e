//! The rules by which responses confirm or contradict a row of
//! [`super::unknowns`]. One counterexample contradicts; without an example a
//! row was not seen.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::Value;

use super::evidence::{Evidence, RefusedRequest, flag, is_null, text, time};
use super::unknowns::Mark;
use crate::sevalla::ResponseHead;
use crate::sevalla::contract::news::records;
use crate::sevalla::contract::words;
use crate::sevalla::operation::GET_CURRENT_API_KEY;

/// In microseconds, as the rest here.
const SECOND: i64 = 1_000_000;

const DAY: i64 = 24 * 60 * 60 * SECOND;

/// How much later than the end of its deployment a line may be.
const AFTER_THE_END: i64 = 10 * SECOND;

/// A window of the rate limits is no longer than this.
const LONGEST_WINDOW: f64 = 3600.0;

/// The mark of what holds or not, for each that shows it.
fn each(shown: impl Iterator<Item = bool>) -> Mark {
    let mut mark = Mark::NotSeen;
    for holds in shown {
        if !holds {
            return Mark::Contradicted;
        }
        mark = Mark::Confirmed;
    }
    mark
}

/// Whether a word is one that is known for this place; absent shows nothing.
fn known<'a>(records: impl Iterator<Item = &'a Value>, place: &str) -> Mark {
    let field = place.rsplit('.').next().unwrap_or_default();
    let set = words::of(place).map_or(&[][..], |set| set.known);
    each(
        records
            .filter_map(|record| text(record, field))
            .map(|word| set.contains(&word)),
    )
}

pub(super) fn rate_headers(evidence: &Evidence) -> Mark {
    let heads = evidence.heads();
    each(heads.map(|head| head.budget.iter().all(Option::is_some)))
}

pub(super) fn rate_reset(evidence: &Evidence) -> Mark {
    let heads = evidence.heads();
    let resets = heads.filter_map(|head| head.budget.last()?.as_deref());
    each(resets.map(|reset| {
        let seconds = reset.parse::<f64>();
        seconds.is_ok_and(|seconds| (0.0..=LONGEST_WINDOW).contains(&seconds))
    }))
}

pub(super) fn read_limit(evidence: &Evidence) -> Mark {
    let limits = evidence
        .heads_of_reads()
        .filter_map(|head| head.budget.first()?.as_deref());
    each(limits.map(|limit| limit == "400"))
}

pub(super) fn request_id(evidence: &Evidence) -> Mark {
    let has_one = |head: &ResponseHead| head.names.iter().any(|name| name == "x-request-id");
    each(evidence.heads().map(has_one))
}

pub(super) fn key_capabilities(evidence: &Evidence) -> Mark {
    let is_refused = |refused: &RefusedRequest| {
        refused.operation.id == GET_CURRENT_API_KEY.id && refused.status == 404
    };
    match evidence.capabilities() {
        Some(found) if found.is_empty() && evidence.has_roles() => Mark::NotSeen,
        Some(found) if found.is_empty() => Mark::Contradicted,
        Some(_) => Mark::Confirmed,
        None if evidence.refused.iter().any(is_refused) => Mark::Contradicted,
        None => Mark::NotSeen,
    }
}

pub(super) fn deployment_statuses(evidence: &Evidence) -> Mark {
    known(evidence.deployments(), "deployment.status")
}

pub(super) fn deployment_triggers(evidence: &Evidence) -> Mark {
    known(evidence.records("deployment"), "deployment.trigger")
}

/// Whether it deploys again what was built before.
fn is_earlier_build(deployment: &Value) -> bool {
    matches!(
        text(deployment, "trigger"),
        Some("RESTART" | "ROLLBACK_DEPLOYMENT")
    )
}

pub(super) fn commit_at_success(evidence: &Evidence) -> Mark {
    let is_of_git = |deployment: &&Value| {
        text(deployment, "status") == Some("success")
            && !is_null(deployment, "branch")
            && !is_earlier_build(deployment)
    };
    let built = evidence.deployments().filter(is_of_git);
    each(built.map(|deployment| text(deployment, "commit_sha").is_some_and(|sha| !sha.is_empty())))
}

pub(super) fn skipped_has_commit(evidence: &Evidence) -> Mark {
    let is_filtered = |deployment: &&Value| {
        text(deployment, "status") == Some("skipped")
            && text(deployment, "type") == Some("automatic")
    };
    let skipped = evidence.deployments().filter(is_filtered);
    each(skipped.map(|deployment| !is_null(deployment, "commit_sha")))
}

/// Deployments of a commit that was deployed before. One that succeeded settles it:
/// Sevalla also skips a deployment that is cancelled while it waits.
pub(super) fn unchanged_commit(evidence: &Evidence) -> Mark {
    let marks = evidence.lists().flat_map(|list| {
        let all = list.iter().filter_map(|one| again(&list, one));
        all.collect::<Vec<Mark>>()
    });
    let settles = marks.max_by_key(|mark| *mark == Mark::Confirmed);
    settles.unwrap_or(Mark::NotSeen)
}

/// What a deployment shows, if somebody started it for a commit that was deployed
/// before.
fn again(list: &[&Value], one: &Value) -> Option<Mark> {
    let commit = text(one, "commit_sha")?;
    let created = time(one, "created_at")?;
    let is_before = |other: &&&Value| {
        text(other, "status") == Some("success")
            && text(other, "commit_sha") == Some(commit)
            && time(other, "created_at").is_some_and(|before| before < created)
    };
    let is_manual = text(one, "type") == Some("manual") && !is_earlier_build(one);
    list.iter().find(is_before).filter(|_| is_manual)?;
    match text(one, "status")? {
        "success" => Some(Mark::Confirmed),
        "skipped" => Some(Mark::Contradicted),
        _ => None,
    }
}

pub(super) fn finished_at(evidence: &Evidence) -> Mark {
    let has_ended = |deployment: &&Value| {
        matches!(
            text(deployment, "status"),
            Some("success" | "failed" | "cancelled")
        )
    };
    let ended = evidence.deployments().filter(has_ended);
    each(ended.map(|deployment| !is_null(deployment, "finished_at")))
}

pub(super) fn newest_first(evidence: &Evidence) -> Mark {
    each(evidence.lists().flat_map(|list| {
        let times = list.iter().filter_map(|one| time(one, "created_at"));
        let times: Vec<Timestamp> = times.collect();
        let pairs = times.windows(2).map(|pair| pair.first() >= pair.last());
        pairs.collect::<Vec<bool>>()
    }))
}

pub(super) fn one_at_a_time(evidence: &Evidence) -> Mark {
    each(evidence.lists().flat_map(|list| {
        let ran = list.iter().filter_map(|one| {
            let ended = text(one, "status").is_some_and(|status| status != "skipped");
            let began = time(one, "started_at").filter(|_| ended)?;
            Some((began, time(one, "finished_at")?))
        });
        let mut ran: Vec<(Timestamp, Timestamp)> = ran.collect();
        ran.sort_unstable();
        let pairs = ran.iter().zip(ran.iter().skip(1));
        let pairs = pairs.map(|((_, ended), (began, _))| ended <= began);
        pairs.collect::<Vec<bool>>()
    }))
}

pub(super) fn steps_of_restarts(evidence: &Evidence) -> Mark {
    let earlier = evidence
        .records("deployment")
        .filter(|one| is_earlier_build(one));
    each(earlier.filter_map(|deployment| {
        let steps = deployment.get("steps")?.as_array()?;
        Some(!steps.iter().any(|step| step == "build"))
    }))
}

pub(super) fn build_types(evidence: &Evidence) -> Mark {
    known(evidence.records("application"), "application.build_type")
}

/// The records of single applications, which have all fields.
fn whole_application(evidence: &Evidence) -> impl Iterator<Item = &Value> {
    let records = evidence.records("application");
    records.filter(|record| record.get("build_type").is_some())
}

pub(super) fn wait_for_checks(evidence: &Evidence) -> Mark {
    each(whole_application(evidence).map(|record| record.get("wait_for_checks").is_none()))
}

pub(super) fn cdn_state(evidence: &Evidence) -> Mark {
    each(whole_application(evidence).map(|record| {
        let mut names = record.as_object().into_iter().flat_map(|all| all.keys());
        !names.any(|name| name.contains("cdn"))
    }))
}

pub(super) fn domain_words(evidence: &Evidence) -> Mark {
    let marks =
        ["domain.type", "domain.status"].map(|place| known(evidence.records("domain"), place));
    if marks.contains(&Mark::Contradicted) {
        return Mark::Contradicted;
    }
    let [first, _] = marks;
    first
}

pub(super) fn site_host(evidence: &Evidence) -> Mark {
    let hosts = evidence.records("static-site");
    let hosts = hosts.filter_map(|site| text(site, "hostname"));
    each(hosts.map(|host| crate::sevalla::address(host).is_some()))
}

pub(super) fn site_paths(evidence: &Evidence) -> Mark {
    let sites = evidence.answer("getStaticSiteV3").into_iter();
    each(sites.map(|answer| answer.body.get("allow_deploy_paths").is_some()))
}

pub(super) fn site_build_error(evidence: &Evidence) -> Mark {
    let single = evidence.answer("getStaticSiteDeploymentV3").into_iter();
    each(single.map(|answer| answer.body.get("build_error").is_none()))
}

pub(super) fn site_preview_address(evidence: &Evidence) -> Mark {
    let all = evidence.records("static-site-deployment");
    let previews = all.filter(|one| flag(one, "is_preview"));
    each(previews.map(|one| {
        let mut names = one.as_object().into_iter().flat_map(|all| all.keys());
        !names.any(|name| name != "repo_url" && (name.contains("url") || name.contains("host")))
    }))
}

pub(super) fn stage_applications(evidence: &Evidence) -> Mark {
    let stages = evidence
        .records("pipeline")
        .filter_map(|pipeline| pipeline.get("stages"));
    let stages = stages.filter_map(Value::as_array).flatten();
    each(stages.map(|stage| stage.get("apps").is_none()))
}

/// The time of a line, as the service gives it.
fn raw_time(line: &Value) -> Option<i64> {
    let number = line.get("unix_timestamp")?;
    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    let whole = number
        .as_i64()
        .or_else(|| number.as_f64().map(|number| number as i64));
    whole
}

/// The time in microseconds, whatever its unit seems to be.
pub(super) fn micros(line: &Value) -> Option<i64> {
    let raw = raw_time(line)?;
    Some(match raw {
        i64::MIN..100_000_000_000 => raw.saturating_mul(1_000_000),
        100_000_000_000..100_000_000_000_000 => raw.saturating_mul(1000),
        100_000_000_000_000..100_000_000_000_000_000 => raw,
        _ => raw / 1000,
    })
}

pub(super) fn log_order(evidence: &Evidence) -> Mark {
    each(evidence.logs().flat_map(|(_, lines)| {
        let times: Vec<i64> = lines.iter().filter_map(|line| raw_time(line)).collect();
        let pairs = times.windows(2).map(|pair| pair.first() <= pair.last());
        pairs.collect::<Vec<bool>>()
    }))
}

pub(super) fn log_ids(evidence: &Evidence) -> Mark {
    let logs = evidence.logs().filter(|(_, lines)| !lines.is_empty());
    each(logs.map(|(_, lines)| {
        let ids = lines.iter().filter_map(|line| text(line, "id"));
        let ids: HashSet<&str> = ids.filter(|id| !id.is_empty()).collect();
        ids.len() == lines.len()
    }))
}

pub(super) fn log_micros(evidence: &Evidence) -> Mark {
    each(evidence.logs().flat_map(|(deployment, lines)| {
        let created = time(deployment, "created_at").map(Timestamp::as_microsecond);
        let apart = |line: &&Value| Some(raw_time(line)?.saturating_sub(created?).abs() <= DAY);
        lines.iter().filter_map(apart).collect::<Vec<bool>>()
    }))
}

pub(super) fn log_zone(evidence: &Evidence) -> Mark {
    each(evidence.lines().filter_map(|line| {
        let written = text(line, "timestamp")?.replacen(' ', "T", 1);
        if written.parse::<Timestamp>().is_ok() {
            // It has a zone.
            return Some(false);
        }
        let written = format!("{written}Z");
        let written: Timestamp = written.parse().ok()?;
        Some((micros(line)? - written.as_microsecond()).abs() <= SECOND)
    }))
}

pub(super) fn log_severities(evidence: &Evidence) -> Mark {
    known(evidence.lines(), "log.severity")
}

pub(super) fn log_retention(evidence: &Evidence) -> Mark {
    let logs = evidence.earlier_logs();
    each(logs.map(|log| !records(&log.body).is_empty()))
}

pub(super) fn log_after_end(evidence: &Evidence) -> Mark {
    each(evidence.logs().filter_map(|(deployment, lines)| {
        let ended = time(deployment, "finished_at")?.as_microsecond();
        let last = lines.iter().filter_map(|line| micros(line)).max()?;
        Some(last - ended <= AFTER_THE_END)
    }))
}
