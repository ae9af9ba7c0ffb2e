//! Promoting: one request that starts a deployment on every target.

use uuid::Uuid;

use crate::actions::at_most_once::each_at_most_once;
use crate::actions::deploy::matcher::{DeployKind, DeploymentMatcher, Ownership};
use crate::actions::deploy::past::{read_past, successes};
use crate::actions::deploy::preflight::{Preflight, refuse_unfit};
use crate::actions::deploy::start::{HISTORY, search};
use crate::actions::error::{Report, TriggerError};
use crate::actions::journaling::WriteEntry;
use crate::actions::lookup::Candidates;
use crate::actions::task::Promotion;
use crate::deployment::{Deployment, Service};
use crate::event::{Event, EventKind};
use crate::messages::{Failure, Warning};
use crate::sevalla::{ApiError, Client, Patience};

/// What was read before a promotion.
#[derive(Debug)]
pub(crate) struct PromotionPreflight {
    /// The version that will be promoted, in words.
    pub version: String,
    /// What will be promoted and where to, in words.
    pub order: String,
    /// What will be promoted, if it is among the deployments that were read.
    pub source: Option<Deployment>,
    /// The targets, in the order in which they were given.
    pub targets: Vec<PromotionTarget>,
    /// What the journal says of it.
    pub(super) entry: WriteEntry,
}

/// A target of a promotion.
#[derive(Debug)]
pub(crate) struct PromotionTarget {
    /// The application.
    pub service: Service,
    /// What people call it.
    pub name: String,
    /// What was read of it.
    pub before: Preflight,
    /// Whether the run follows there what an earlier attempt may have started.
    pub is_anothers: bool,
}

/// Reads what a promotion needs to know. Refuses one that would promote
/// nothing, or to a target that cannot be deployed.
pub(crate) async fn preflight_promotion(
    client: &Client,
    promotion: &Promotion,
    report: &dyn Fn(Event<'_>),
) -> Result<PromotionPreflight, TriggerError> {
    let report_to_all = |kind: EventKind<'_>| report(kind.into());
    let patience = Patience::BEFORE_THE_START;
    let pipeline = client.get_pipeline(promotion.pipeline, patience).await?;
    if pipeline.kind.as_deref() == Some("branch") {
        report_to_all(EventKind::Warning(
            Warning::UnsuitablePipeline,
            "The pipeline has a branch of its own for each stage; Sevalla describes promotion only \
             for pipelines whose stages share one.",
        ));
    }
    let live = look_at_source(client, promotion.source, &report_to_all)
        .await
        .map_err(|error| error.at(format!("It is the source, {}", promotion.source)))?;
    let mut targets = Vec::new();
    for id in &promotion.targets {
        let target = look_at_target(client, *id, live.as_ref(), report)
            .await
            .map_err(|error| error.at(format!("It is target {id}")))?;
        targets.push(target);
    }
    let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    let source = live.as_ref().map(Deployment::summary);
    let version = source.unwrap_or_else(|| "what the source runs".to_owned());
    let order = format!("{version} to {}", names.join(", "));
    report_to_all(EventKind::Note(&format!("Promoting {order}")));
    Ok(PromotionPreflight {
        version,
        order,
        source: live,
        targets,
        entry: WriteEntry::default(),
    })
}

/// The deployment that will be promoted, if it is among those that were read.
async fn look_at_source(
    client: &Client,
    source: Uuid,
    report: Report<'_>,
) -> Result<Option<Deployment>, TriggerError> {
    let record = client
        .get_application(source, Patience::BEFORE_THE_START)
        .await?;
    let service = Service::application(source);
    let past = read_past(client, service).await?;
    let live = successes(&past).next().cloned();
    if live.is_none() && past.len() < HISTORY {
        return Err(TriggerError::refused(
            Failure::NothingToPromote,
            "The source has no successful deployment, so there is nothing to promote",
            "Deploy the source first",
        ));
    }
    let name = record.display_name.as_deref();
    report(EventKind::Note(&format!(
        "Source: {}",
        name_of(name, source)
    )));
    Ok(live)
}

async fn look_at_target(
    client: &Client,
    id: Uuid,
    source: Option<&Deployment>,
    report: &dyn Fn(Event<'_>),
) -> Result<PromotionTarget, TriggerError> {
    let record = client
        .get_application(id, Patience::BEFORE_THE_START)
        .await?;
    let service = Service::application(id);
    let name = record.display_name.as_deref();
    report(Event::about(service, EventKind::Target(service, name)));
    refuse_unfit(&record)?;
    // The source may have a newer success by the time Sevalla promotes: another
    // version proves nothing.
    let wanted = DeploymentMatcher::version(DeployKind::Promotion, source);
    let past = read_past(client, service).await?;
    Ok(PromotionTarget {
        service,
        name: name_of(name, id),
        before: Preflight {
            is_image: record.runs_images(),
            ..Preflight::of(&past, wanted)
        },
        is_anothers: false,
    })
}

fn name_of(name: Option<&str>, id: Uuid) -> String {
    name.map_or_else(|| id.to_string(), str::to_owned)
}

/// The new deployments of a target. Where it is unclear whose one is, it may be
/// of a version that has succeeded on the source since that was read.
async fn find_promoted(
    client: &Client,
    source: Uuid,
    aim: &PromotionPreflight,
    target: &PromotionTarget,
) -> Result<Option<Vec<Candidates<Deployment>>>, ApiError> {
    let mut found = search(client, target.service, &target.before).await?;
    let unclear =
        |all: &Vec<Candidates<Deployment>>| all.iter().any(|one| one.whose == Ownership::Unclear);
    if !found.as_ref().is_some_and(unclear) {
        return Ok(found);
    }
    let source = Service::application(source);
    let past = client
        .with_grace()
        .deployments(source, HISTORY, Patience::FOR_A_SEARCH)
        .await?;
    let known = aim.source.as_ref().map(|source| &source.id);
    let newer = successes(&past).take_while(|success| Some(&success.id) != known);
    let wanted = newer.fold(target.before.wanted.clone(), DeploymentMatcher::or_version);
    for one in found.iter_mut().flatten() {
        one.whose = wanted.whose(&one.it);
    }
    Ok(found)
}

/// Promotes to every target, each at most once, and gives what became of each,
/// in the order of the targets. `resumed` holds those of which an earlier process
/// or attempt of this run has taken care.
pub(crate) async fn promote(
    client: &Client,
    promotion: &Promotion,
    aim: &PromotionPreflight,
    resumed: Vec<(Uuid, Result<Deployment, TriggerError>)>,
    report: &dyn Fn(Event<'_>),
) -> Vec<Result<Deployment, TriggerError>> {
    let is_open = |id: &&Uuid| resumed.iter().all(|(resumed, _)| resumed != *id);
    let open: Vec<Uuid> = promotion.targets.iter().filter(is_open).copied().collect();
    let target_of = |id: Uuid| aim.targets.iter().find(|target| target.service.id == id);
    let send = async |targets: &[Uuid]| {
        let Promotion {
            pipeline, source, ..
        } = *promotion;
        let promoted = client
            .writes()
            .promote_pipeline(pipeline, source, targets, Patience::FOR_A_WRITE)
            .await?;
        let named = promoted.into_iter();
        Ok(named
            // One that had ended is not what was asked for, whoever names it; and
            // what is no id of the API names nothing.
            .filter(|(id, made)| {
                made.is_uuid() && !target_of(*id).is_some_and(|it| it.before.had_ended(made))
            })
            .map(|(target, id)| (target, Deployment::only_its_id(id)))
            .collect())
    };
    let find = async |id: Uuid| match target_of(id) {
        Some(target) => find_promoted(client, promotion.source, aim, target).await,
        None => Ok(None),
    };
    let report_to_all = |kind: EventKind<'_>| report(kind.into());
    let mut ends = resumed;
    if !open.is_empty() {
        ends.extend(each_at_most_once(&open, send, find, client, &aim.entry, &report_to_all).await);
    }
    let place = |(id, _): &(Uuid, _)| promotion.targets.iter().position(|target| target == id);
    ends.sort_by_key(place);
    for ((_, end), target) in ends.iter().zip(&aim.targets) {
        if let Ok(deployment) = end
            && open.contains(&target.service.id)
        {
            let service = target.service;
            report(Event::about(
                service,
                EventKind::Started(service, deployment),
            ));
        }
    }
    ends.into_iter().map(|(_, end)| end).collect()
}
